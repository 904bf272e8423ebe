//! Edits and reactions are nobody's new word: kept with what they are about, they cancel nothing. An edit of a request that stands
//! changes what was promised, any other one starts no turn.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use serde_json::json;
use steward_tests::{
    Config, System, Telegram,
    updates::{self, Person},
};

const SOON: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_of_another_message_and_a_reaction_leave_the_promise_to_be_kept() {
    let telegram = Telegram::start().await.unwrap();
    let system = System::start(Config::telegram(&telegram)).await.unwrap();
    let ana = Person::new(7, "en");
    let other = updates::message(&ana, "hello");
    let other_id = other["message"]["message_id"].as_i64().unwrap();
    system.telegram(&other).await.unwrap();
    telegram.until_delivered_to(7, 1, SOON).await.unwrap();
    let asked = updates::message(&ana, "write to me in 8 seconds about the contract");
    let message_id = asked["message"]["message_id"].as_i64().unwrap();
    system.telegram(&asked).await.unwrap();
    telegram.until_delivered_to(7, 2, SOON).await.unwrap();
    let conversation = system.conversation(7).await.unwrap();

    system.telegram(&updates::edited_message(&ana, other_id, "write to me tomorrow")).await.unwrap();
    system.telegram(&updates::reaction(&ana, message_id, "👍")).await.unwrap();
    let sent = telegram.until_delivered_to(7, 3, SOON).await.unwrap();
    assert!(sent[2].text.contains("contract"), "{sent:?}");

    let events = system.events(&conversation).await.unwrap();
    let kept: Vec<_> = events
        .iter()
        .filter(|e| e["type"] == "UpdateKept")
        .map(|e| (e["data"]["kind"].clone(), e["data"]["text"].clone(), e["data"]["about"].clone()))
        .collect();
    let expected = [
        (json!("edited_message"), json!("write to me tomorrow"), json!(other_id.to_string())),
        (json!("reaction"), json!("👍"), json!(message_id.to_string())),
    ];
    assert_eq!(kept, expected);
    assert_eq!(events.iter().filter(|e| e["type"] == "TurnStarted").count(), 2);
    let follow_ups = system.follow_ups(&conversation).await.unwrap();
    assert_eq!(follow_ups.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edited_request_changes_what_was_promised_and_a_cancellation_can_be_taken_back() {
    let telegram = Telegram::start().await.unwrap();
    let system =
        System::start(Config::telegram(&telegram).with("[defaults]\ntimezone = \"Europe/Madrid\"")).await.unwrap();
    let ana = Person::new(7, "en");
    let asked = updates::message(&ana, "write to me in 3 days at 10 about the contract");
    let message_id = asked["message"]["message_id"].as_i64().unwrap();
    system.telegram(&asked).await.unwrap();
    telegram.until_delivered_to(7, 1, SOON).await.unwrap();
    let conversation = system.conversation(7).await.unwrap();
    let first = || async { Ok(system.follow_ups(&conversation).await?.into_iter().next()) };
    let promise = &system.until(SOON, first).await.unwrap();
    let id = promise["id"].as_str().unwrap();
    assert_eq!(promise["topic"], "about the contract");
    assert!(promise["asked_in"].is_string());

    // Another time, another topic: the same promise.
    let edit = |text: &str| updates::edited_message(&ana, message_id, text);
    system.telegram(&edit("write to me in 3 days at 15:30 about the invoice")).await.unwrap();
    let sent = telegram.until_delivered_to(7, 2, SOON).await.unwrap();
    assert!(sent[1].text.contains("15:30") && sent[1].text.contains("invoice"), "{sent:?}");
    let changed = || async { Ok(Some(system.follow_up(id).await?).filter(|f| f["topic"] != promise["topic"])) };
    let now = &system.until(SOON, changed).await.unwrap();
    assert_eq!(system.follow_ups(&conversation).await.unwrap().len(), 1, "the same promise");
    assert_eq!(
        (&now["id"], &now["state"], &now["topic"]),
        (&promise["id"], &json!("pending"), &json!("about the invoice"))
    );
    assert_ne!(now["due_at"], promise["due_at"]);
    assert!(now["text"].as_str().unwrap().contains("invoice"));

    // What can't be promised leaves it as it is, and they are told.
    system.telegram(&edit("write to me yesterday")).await.unwrap();
    let sent = telegram.until_delivered_to(7, 3, SOON).await.unwrap();
    assert!(sent[2].text.contains("15:30"), "{sent:?}");
    assert_eq!(system.follow_up(id).await.unwrap()["due_at"], now["due_at"]);

    // Their own cancellation, taken back.
    system.telegram(&updates::message(&ana, "cancel it")).await.unwrap();
    telegram.until_delivered_to(7, 4, SOON).await.unwrap();
    let ended = system.until_state(id, "cancelled", SOON).await.unwrap();
    assert_eq!(ended["reason"]["code"], "by_client");
    system.telegram(&updates::message(&ana, "no, keep it")).await.unwrap();
    let sent = telegram.until_delivered_to(7, 5, SOON).await.unwrap();
    assert!(sent[4].text.contains("invoice"), "{sent:?}");
    let pending = || async {
        let all = system.follow_ups(&conversation).await?;
        Ok(all.into_iter().find(|f| f["state"] == "pending"))
    };
    let restored = system.until(SOON, pending).await.unwrap();
    assert_eq!((&restored["due_at"], &restored["renews"]), (&now["due_at"], &promise["id"]));
    assert_eq!(restored["topic"], "about the invoice");

    // All of it, decided again from the log, comes to the same.
    let output = system.steward(&["replay"]).unwrap().output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_who_blocks_the_bot_is_left_alone_until_they_let_it_write_again() {
    let telegram = Telegram::start().await.unwrap();
    let system = System::start(Config::telegram(&telegram)).await.unwrap();
    let ana = Person::new(7, "en");
    system.telegram(&updates::message(&ana, "hello")).await.unwrap();
    telegram.until_delivered_to(7, 1, SOON).await.unwrap();
    let conversation = system.conversation(7).await.unwrap();
    let soon = |seconds| Utc::now() + TimeDelta::seconds(seconds);
    system.telegram(&updates::my_chat_member(&ana, true)).await.unwrap();
    let lost = system.schedule(&conversation, "to nobody", soon(1), &json!({})).await.unwrap();
    let ended = system.until_state(&lost, "cancelled", SOON).await.unwrap();
    assert_eq!(ended["reason"]["code"], "blocked");
    system.telegram(&updates::my_chat_member(&ana, false)).await.unwrap();
    let kept = system.schedule(&conversation, "welcome back", soon(2), &json!({})).await.unwrap();
    system.until_state(&kept, "sent", SOON).await.unwrap();
    assert!(telegram.delivered_to(7).iter().all(|d| d.text != "to nobody"));
}
