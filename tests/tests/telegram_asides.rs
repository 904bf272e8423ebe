//! Edits and reactions are nobody's new word: kept with what they are about, they cancel nothing and start no turn.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use serde_json::json;
use steward_tests::{
    Config, System, Telegram,
    updates::{self, Person},
};

const SOON: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_and_a_reaction_leave_the_promise_to_be_kept() {
    let telegram = Telegram::start().await.unwrap();
    let system = System::start(Config::telegram(&telegram)).await.unwrap();
    let ana = Person::new(7, "en");
    let asked = updates::message(&ana, "write to me in 8 seconds about the contract");
    let message_id = asked["message"]["message_id"].as_i64().unwrap();
    system.telegram(&asked).await.unwrap();
    telegram.until_delivered_to(7, 1, SOON).await.unwrap();
    let conversation = system.conversation(7).await.unwrap();

    system.telegram(&updates::edited_message(&ana, message_id, "write to me tomorrow")).await.unwrap();
    system.telegram(&updates::reaction(&ana, message_id, "👍")).await.unwrap();
    let sent = telegram.until_delivered_to(7, 2, SOON).await.unwrap();
    assert!(sent[1].text.contains("contract"), "{sent:?}");

    let events = system.events(&conversation).await.unwrap();
    let kept: Vec<_> = events
        .iter()
        .filter(|e| e["type"] == "UpdateKept")
        .map(|e| (e["data"]["kind"].clone(), e["data"]["text"].clone(), e["data"]["about"].clone()))
        .collect();
    let about = json!(message_id.to_string());
    let expected = [
        (json!("edited_message"), json!("write to me tomorrow"), about.clone()),
        (json!("reaction"), json!("👍"), about),
    ];
    assert_eq!(kept, expected);
    assert_eq!(events.iter().filter(|e| e["type"] == "TurnStarted").count(), 1);
    let follow_ups = system.follow_ups(&conversation).await.unwrap();
    assert_eq!(follow_ups.len(), 1);
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
