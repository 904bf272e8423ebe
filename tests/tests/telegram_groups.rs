//! In a group the bot hears what is meant for it; the rest is kept, starts no turn, and cancels only its author's own promise.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use serde_json::Value;
use steward_tests::{
    Config, System, Telegram,
    telegram::USERNAME,
    updates::{self, Person},
};

const SOON: Duration = Duration::from_secs(120);
const GROUP: i64 = -1_001_234;

fn ana() -> Person {
    Person::new(7, "en")
}

fn ben() -> Person {
    Person { name: "Ben", ..Person::new(8, "en") }
}

/// The events about one text, once they are there.
async fn about(system: &System, conversation: &str, text: &str) -> Vec<Value> {
    let look = || async {
        let events = system.events(conversation).await?;
        let about: Vec<Value> = events.into_iter().filter(|e| e["data"]["text"] == text).collect();
        Ok((!about.is_empty()).then_some(about))
    };
    system.until(SOON, look).await.unwrap()
}

/// Ana asks the bot in the group to write to her, far ahead; the promise.
async fn promised(telegram: &Telegram, system: &System) -> (String, String) {
    let asked = format!("@{USERNAME} write to me in 2 hours about the contract");
    system.telegram(&updates::group_message(GROUP, &ana(), &asked)).await.unwrap();
    telegram.until_delivered_to(GROUP, 1, SOON).await.unwrap();
    let conversation = system.conversation(GROUP).await.unwrap();
    let found = system.until(SOON, || async { Ok(system.follow_ups(&conversation).await?.into_iter().next()) });
    let promise = found.await.unwrap();
    (conversation, promise["id"].as_str().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mention_a_command_and_an_answer_are_heard_and_the_rest_is_kept_in_silence() {
    let telegram = Telegram::start().await.unwrap();
    let system = System::start(Config::telegram(&telegram)).await.unwrap();
    let chatter = "see you all tomorrow";
    system.telegram(&updates::group_message(GROUP, &ana(), chatter)).await.unwrap();
    for (n, update) in [
        updates::group_message(GROUP, &ben(), &format!("what do you promise, @{USERNAME}?")),
        updates::group_message(GROUP, &ben(), "/start"),
        updates::group_answer(GROUP, &ben(), "and what else?"),
    ]
    .into_iter()
    .enumerate()
    {
        system.telegram(&update).await.unwrap();
        telegram.until_delivered_to(GROUP, n + 1, SOON).await.unwrap();
    }
    let conversation = system.conversation(GROUP).await.unwrap();
    let kept = about(&system, &conversation, chatter).await;
    assert_eq!(
        (kept.len(), &kept[0]["type"], &kept[0]["data"]["kind"]),
        (1, &"UpdateKept".into(), &"group_message".into())
    );
    let look = || async {
        let events = system.events(&conversation).await?;
        let turns = events.iter().filter(|e| e["type"] == "TurnCompleted").count();
        Ok((turns >= 3).then_some(turns))
    };
    let turns = system.until(SOON, look).await.unwrap();
    assert_eq!((turns, telegram.delivered_to(GROUP).len()), (3, 3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_others_say_among_themselves_cancels_nothing() {
    let telegram = Telegram::start().await.unwrap();
    let system = System::start(Config::telegram(&telegram)).await.unwrap();
    let (conversation, promise) = promised(&telegram, &system).await;
    system.telegram(&updates::group_message(GROUP, &ben(), "who is in on Friday?")).await.unwrap();
    let kept = about(&system, &conversation, "who is in on Friday?").await;
    assert_eq!(kept[0]["type"], "UpdateKept");
    assert_eq!(system.follow_up(&promise).await.unwrap()["state"], "pending");
    assert_eq!(telegram.delivered_to(GROUP).len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_word_of_whoever_waits_for_a_promise_cancels_it_and_they_are_told() {
    let telegram = Telegram::start().await.unwrap();
    let system = System::start(Config::telegram(&telegram)).await.unwrap();
    let (conversation, promise) = promised(&telegram, &system).await;
    system.telegram(&updates::group_message(GROUP, &ana(), "Ben, who has the keys?")).await.unwrap();
    let ended = system.until_state(&promise, "cancelled", SOON).await.unwrap();
    assert_eq!(ended["reason"]["code"], "client_responded");
    let said = about(&system, &conversation, "Ben, who has the keys?").await;
    assert_eq!(said[0]["type"], "ClientResponded");
    telegram.until_delivered_to(GROUP, 2, SOON).await.unwrap();
    // With nothing left to lose, she talks to the others unheard.
    system.telegram(&updates::group_message(GROUP, &ana(), "thanks, Ben")).await.unwrap();
    let kept = about(&system, &conversation, "thanks, Ben").await;
    assert_eq!(kept[0]["type"], "UpdateKept");
    assert_eq!(telegram.delivered_to(GROUP).len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thanks_that_name_nobody_keep_the_promise_alive() {
    let telegram = Telegram::start().await.unwrap();
    let system = System::start(Config::telegram(&telegram)).await.unwrap();
    let (conversation, promise) = promised(&telegram, &system).await;
    system.telegram(&updates::group_message(GROUP, &ana(), "ok, thanks")).await.unwrap();
    let look = || async {
        let all = system.follow_ups(&conversation).await?;
        Ok(all.into_iter().find(|f| f["renews"] == promise.as_str()))
    };
    let renewed = system.until(SOON, look).await.unwrap();
    assert_eq!(renewed["state"], "pending");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bot_that_nobody_names_to_us_still_hears_commands_and_answers() {
    let telegram = Telegram::start().await.unwrap();
    telegram.hide_username();
    let system = System::start(Config::telegram(&telegram)).await.unwrap();
    system.telegram(&updates::group_message(GROUP, &ana(), &format!("hello @{USERNAME}"))).await.unwrap();
    system.telegram(&updates::group_message(GROUP, &ana(), "/start")).await.unwrap();
    telegram.until_delivered_to(GROUP, 1, SOON).await.unwrap();
    system.telegram(&updates::group_answer(GROUP, &ana(), "and what else?")).await.unwrap();
    telegram.until_delivered_to(GROUP, 2, SOON).await.unwrap();
    let conversation = system.conversation(GROUP).await.unwrap();
    let kept = about(&system, &conversation, &format!("hello @{USERNAME}")).await;
    assert_eq!(kept[0]["type"], "UpdateKept");
}
