//! The buttons below a confirmation: each press does what it says, is answered, and leaves alive what it doesn't cancel.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use chrono::TimeDelta;
use serde_json::Value;
use steward_tests::{
    Config, System, Telegram,
    lateness::time_of,
    telegram::Delivered,
    updates::{self, Person},
};

const SOON: Duration = Duration::from_secs(120);

fn ana() -> Person {
    Person::new(7, "ru")
}

async fn started() -> (Telegram, System) {
    let telegram = Telegram::start().await.unwrap();
    let system = System::start(Config::telegram(&telegram)).await.unwrap();
    (telegram, system)
}

/// Ana asks for something; the `n`th message she then has, and her conversation.
async fn ask(telegram: &Telegram, system: &System, text: &str, n: usize) -> (Delivered, String) {
    system.telegram(&updates::message(&ana(), text)).await.unwrap();
    let mut sent = telegram.until_delivered_to(7, n, SOON).await.unwrap();
    (sent.remove(n - 1), system.conversation(7).await.unwrap())
}

/// Presses a button below a message; the press's id is answered.
async fn press(telegram: &Telegram, system: &System, below: &Delivered, n: usize) {
    let update = updates::button(&ana(), &below.buttons[n].1);
    let id = update["callback_query"]["id"].as_str().unwrap().to_owned();
    system.telegram(&update).await.unwrap();
    let answered = |call: &steward_tests::telegram::Call| {
        call.method == "answerCallbackQuery" && call.body["callback_query_id"] == id.as_str()
    };
    telegram.until_called(SOON, answered).await.unwrap();
}

/// The only promise that is pending, once there is exactly one that `wanted` accepts.
async fn the_pending(system: &System, conversation: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let look = || async {
        let mut pending = system.follow_ups(conversation).await?;
        pending.retain(|f| f["state"] == "pending");
        Ok((pending.len() == 1 && wanted(&pending[0])).then(|| pending.remove(0)))
    };
    system.until(SOON, look).await.unwrap()
}

/// Waits until so many turns are complete, in the log and in what is read from now on.
async fn until_turns(system: &System, conversation: &str, count: usize) {
    let look = || async {
        let events = system.events(conversation).await?;
        let complete = events.iter().filter(|e| e["type"] == "TurnCompleted").count();
        Ok((complete >= count).then_some(()))
    };
    system.until(SOON, look).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_confirmation_offers_three_buttons_that_telegram_takes() {
    let (telegram, system) = started().await;
    let (confirmation, _) = ask(&telegram, &system, "напиши через 2 часа про договор", 1).await;
    let titles: Vec<&str> = confirmation.buttons.iter().map(|(title, _)| title.as_str()).collect();
    assert_eq!(titles, ["Всё верно", "Отменить", "На день позже"]);
    assert!(confirmation.buttons.iter().all(|(_, data)| data.len() <= 64), "{confirmation:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keep_leaves_the_promise_alive_and_it_is_kept_once() {
    let (telegram, system) = started().await;
    let (confirmation, conversation) = ask(&telegram, &system, "напиши через 6 секунд про договор", 1).await;
    press(&telegram, &system, &confirmation, 0).await;
    let sent = telegram.until_delivered_to(7, 3, SOON).await.unwrap();
    assert!(sent[2].text.contains("договор"), "{sent:?}");
    until_turns(&system, &conversation, 2).await;
    let follow_ups = system.follow_ups(&conversation).await.unwrap();
    let states: Vec<_> = follow_ups.iter().map(|f| f["state"].as_str().unwrap()).collect();
    assert!(states.len() == 2 && states.contains(&"cancelled"), "a press renews: {states:?}");
    let events = system.events(&conversation).await.unwrap();
    let pressed = events.iter().find(|e| e["data"]["kind"] == "button").unwrap();
    assert_eq!(pressed["type"], "ClientResponded");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancel_takes_the_promise_back_by_the_clients_word() {
    let (telegram, system) = started().await;
    let (confirmation, conversation) = ask(&telegram, &system, "напиши через 2 часа про договор", 1).await;
    press(&telegram, &system, &confirmation, 1).await;
    let sent = telegram.until_delivered_to(7, 2, SOON).await.unwrap();
    assert!(sent[1].text.contains("договор") && sent[1].buttons.is_empty(), "{sent:?}");
    until_turns(&system, &conversation, 2).await;
    let follow_ups = system.follow_ups(&conversation).await.unwrap();
    assert_eq!(follow_ups.len(), 1);
    assert_eq!(follow_ups[0]["state"], "cancelled");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_later_moves_the_promise_also_by_an_old_button_after_renewals() {
    let (telegram, system) = started().await;
    let (confirmation, conversation) = ask(&telegram, &system, "напиши через 2 часа про договор", 1).await;
    let first = the_pending(&system, &conversation, |_| true).await;
    ask(&telegram, &system, "спасибо", 2).await;
    let renewed = the_pending(&system, &conversation, |f| f["renews"] == first["id"]).await;
    press(&telegram, &system, &confirmation, 2).await;
    let moved = the_pending(&system, &conversation, |f| f["renews"] == renewed["id"]).await;
    assert_eq!(time_of(&moved["due_at"]) - time_of(&first["due_at"]), TimeDelta::days(1));
    // Its own confirmation has buttons too, and they find it as well.
    let again = telegram.until_delivered_to(7, 3, SOON).await.unwrap().remove(2);
    press(&telegram, &system, &again, 1).await;
    system.until_state(moved["id"].as_str().unwrap(), "cancelled", SOON).await.unwrap();
    press(&telegram, &system, &confirmation, 2).await;
    telegram.until_delivered_to(7, 5, SOON).await.unwrap();
    until_turns(&system, &conversation, 5).await;
    let pending = system.follow_ups(&conversation).await.unwrap();
    assert!(pending.iter().all(|f| f["state"] == "cancelled"), "a press under what has ended revives nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reminders_buttons_move_and_cancel_the_reminder_itself() {
    let (telegram, system) = started().await;
    let (confirmation, conversation) = ask(&telegram, &system, "напомни через 2 часа купить хлеб", 1).await;
    let reminder = the_pending(&system, &conversation, |_| true).await;
    press(&telegram, &system, &confirmation, 2).await;
    let due = time_of(&reminder["due_at"]) + TimeDelta::days(1);
    let moved = the_pending(&system, &conversation, |f| time_of(&f["due_at"]) == due).await;
    assert_eq!(moved["id"], reminder["id"], "no message cancels it, so it stays the same one");
    press(&telegram, &system, &confirmation, 1).await;
    system.until_state(reminder["id"].as_str().unwrap(), "cancelled", SOON).await.unwrap();
}
