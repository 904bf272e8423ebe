//! Updates are asked for where nobody can post them: the same conversation, no update lost, none twice.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use serde_json::json;
use steward_tests::{
    Config, System, Telegram,
    telegram::Fault,
    updates::{self, Person},
};

const SOON: Duration = Duration::from_secs(120);

fn polling(telegram: &Telegram) -> Config {
    Config::telegram_with(telegram, "rate_limit = \"off\"\nmode = \"polling\"")
}

/// The client's words in the order of the log.
async fn said(system: &System, conversation: &str) -> Vec<String> {
    let events = system.events(conversation).await.unwrap();
    let said = events.iter().filter(|e| e["type"] == "ClientResponded");
    said.map(|e| e["data"]["text"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_promise_is_asked_for_confirmed_and_kept_without_a_webhook() {
    let telegram = Telegram::start().await.unwrap();
    // An earlier life of the bot had one.
    telegram.set_webhook("https://elsewhere.example/hook");
    let system = System::start(polling(&telegram)).await.unwrap();
    telegram.happens(updates::text(7, "напиши через 6 секунд про договор"));
    let sent = telegram.until_delivered_to(7, 2, SOON).await.unwrap();
    assert!(sent[0].text.contains("напишу") && sent[1].text.contains("договор"), "{sent:?}");
    assert_eq!(telegram.webhook(), "", "it had to go");
    let question = telegram.until_called(SOON, |call| call.method == "getUpdates").await.unwrap();
    assert!((1..=50).contains(&question.body["timeout"].as_u64().unwrap()), "{question:?}");
    let kinds = question.body["allowed_updates"].as_array().unwrap();
    assert!(kinds.contains(&json!("message_reaction")) && kinds.contains(&json!("business_message")));
    // Telegram is told only of what is durable, and everything that came is.
    telegram.until_all_done(SOON).await.unwrap();
    let conversation = system.conversation(7).await.unwrap();
    assert_eq!(said(&system, &conversation).await, ["напиши через 6 секунд про договор"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_doubled_when_the_process_dies_between_recording_and_telling() {
    let telegram = Telegram::start().await.unwrap();
    let mut system = System::start(polling(&telegram)).await.unwrap();
    let texts: Vec<String> = (0..5).map(|n| format!("message {n}")).collect();
    for text in &texts {
        telegram.happens(updates::message(&Person::new(7, "en"), text));
    }
    let conversation = system.conversation(7).await.unwrap();
    system.kill().await.unwrap();
    // Telegram doesn't know what became of them.
    for text in &texts[3..] {
        telegram.happens(updates::message(&Person::new(7, "en"), &format!("{text}, again")));
    }
    system.start_again().await.unwrap();
    let look = || async {
        let said = said(&system, &conversation).await;
        Ok((said.len() >= 7).then_some(said))
    };
    let said = system.until(SOON, look).await.unwrap();
    let expected: Vec<String> =
        texts.iter().cloned().chain(texts[3..].iter().map(|text| format!("{text}, again"))).collect();
    assert_eq!(said, expected);
    telegram.until_all_done(SOON).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_limit_a_gateways_page_and_a_cut_line_it_asks_again() {
    let telegram = Telegram::start().await.unwrap();
    for fault in [Fault::RetryAfter(1), Fault::GatewayPage(502), Fault::DropBefore] {
        telegram.fail_next_question(fault);
    }
    telegram.happens(updates::message(&Person::new(7, "en"), "hello"));
    let system = System::start(polling(&telegram)).await.unwrap();
    telegram.until_delivered_to(7, 1, SOON).await.unwrap();
    let conversation = system.conversation(7).await.unwrap();
    assert_eq!(said(&system, &conversation).await, ["hello"]);
    let questions: Vec<_> = telegram.calls().into_iter().filter(|c| c.method == "getUpdates").collect();
    let waited = questions[1].at - questions[0].at;
    assert!(waited.num_milliseconds() >= 1_000, "retry_after was 1 s, and it asked again after {waited}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_stops_at_once_while_a_question_is_open() {
    let telegram = Telegram::start().await.unwrap();
    let mut system = System::start(polling(&telegram)).await.unwrap();
    telegram.until_called(SOON, |call| call.method == "getUpdates").await.unwrap();
    for (name, status, took) in system.stop().await.unwrap() {
        assert!(status.success() && took < Duration::from_secs(10), "{name} ended with {status} after {took:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_quiet_week_updates_with_lower_ids_are_not_missed() {
    let telegram = Telegram::start().await.unwrap();
    let system = System::start(polling(&telegram)).await.unwrap();
    let with_id = |id: i64, text: &str| {
        let mut update = updates::message(&Person::new(7, "en"), text);
        update["update_id"] = json!(id);
        update
    };
    telegram.happens(with_id(900_000_000, "before the week"));
    telegram.until_delivered_to(7, 1, SOON).await.unwrap();
    telegram.until_all_done(SOON).await.unwrap();
    // The question that told Telegram ends without an update, as every quiet one does, and the next has no offset.
    telegram.happens(with_id(900_000_001, "still before"));
    telegram.until_delivered_to(7, 2, SOON).await.unwrap();
    telegram.until_all_done(SOON).await.unwrap();
    telegram.end_question();
    telegram.until_asked_anew(SOON).await.unwrap();
    telegram.happens(with_id(17, "after the week"));
    telegram.until_delivered_to(7, 3, SOON).await.unwrap();
    let conversation = system.conversation(7).await.unwrap();
    assert_eq!(said(&system, &conversation).await, ["before the week", "still before", "after the week"]);
}
