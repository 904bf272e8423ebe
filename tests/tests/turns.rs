//! Turns: what a client writes in a row is one turn, and what they ask of their promises is done.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use serde_json::Value;
use steward_tests::{Config, System, Telegram, updates};

const SOON: Duration = Duration::from_secs(120);

async fn pending(system: &System, chat: i64, count: usize) -> Vec<Value> {
    let conversation = system.conversation(chat).await.unwrap();
    let look = || async {
        let path = format!("/api/v1/follow-ups?conversation_id={conversation}&state=pending");
        let found = system.items(&path).await?;
        Ok((found.len() == count).then_some(found))
    };
    system.until(SOON, look).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_quick_messages_are_one_turn_with_one_answer() {
    let telegram = Telegram::start().await.unwrap();
    let config = Config::telegram(&telegram).with("[defaults]\nturn_debounce = \"700ms\"\nturn_max_wait = \"5s\"");
    let system = System::start(config).await.unwrap();
    for text in ["напомни через 3 дня в 11", "позвонить маме", "и напиши в пятницу про договор"]
    {
        system.telegram(&updates::text(7, text)).await.unwrap();
    }
    telegram.until_delivered_to(7, 1, SOON).await.unwrap();
    let conversation = system.conversation(7).await.unwrap();
    let look = || async {
        let events = system.events(&conversation).await?;
        Ok(events.iter().any(|e| e["type"] == "TurnCompleted").then_some(events))
    };
    let events = system.until(SOON, look).await.unwrap();
    let started: Vec<_> = events.iter().filter(|e| e["type"] == "TurnStarted").collect();
    assert_eq!(started.len(), 1, "{started:?}");
    assert_eq!(started[0]["data"]["message_ids"].as_array().unwrap().len(), 3);
    assert_eq!(telegram.delivered_to(7).len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_who_keeps_writing_is_answered_after_the_longest_wait() {
    let telegram = Telegram::start().await.unwrap();
    let config = Config::telegram(&telegram).with("[defaults]\nturn_debounce = \"2s\"\nturn_max_wait = \"3s\"");
    let system = System::start(config).await.unwrap();
    let begin = tokio::time::Instant::now();
    let mut tick = tokio::time::interval(Duration::from_millis(400));
    // The pace of somebody who writes without a pause.
    while telegram.delivered_to(7).is_empty() {
        tick.tick().await;
        assert!(begin.elapsed() < SOON, "no answer while the client writes");
        system.telegram(&updates::text(7, "и ещё одно слово")).await.unwrap();
    }
    assert!(begin.elapsed() > Duration::from_millis(2500), "answered after {:?}", begin.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promises_are_listed_moved_and_cancelled_by_a_word() {
    let telegram = Telegram::start().await.unwrap();
    let system = System::start(Config::telegram(&telegram)).await.unwrap();
    let say = async |text: &str, answers: usize| {
        system.telegram(&updates::text(7, text)).await.unwrap();
        telegram.until_delivered_to(7, answers, SOON).await.unwrap().pop().unwrap().text
    };
    say("напиши мне в пятницу в 11:00 про договор", 1).await;
    let first = pending(&system, 7, 1).await;
    let list = say("что ты мне обещал?", 2).await;
    assert!(list.contains("договор") && list.contains("11:00"), "{list}");
    // Asking renews it: it is the same promise under another id.
    let renewed = pending(&system, 7, 1).await;
    assert_eq!((&renewed[0]["due_at"], &renewed[0]["renews"]), (&first[0]["due_at"], &first[0]["id"]));
    let moved = say("лучше в субботу в 12:00", 3).await;
    assert!(moved.contains("12:00"), "{moved}");
    let later = pending(&system, 7, 1).await;
    assert_ne!(later[0]["due_at"], renewed[0]["due_at"]);
    say("не пиши мне", 4).await;
    pending(&system, 7, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_time_that_is_unclear_or_past_is_asked_about_and_nothing_is_promised() {
    let telegram = Telegram::start().await.unwrap();
    let system = System::start(Config::telegram(&telegram)).await.unwrap();
    for (chat, text) in
        [(7, "напиши мне в понедельник или в пятницу"), (8, "напиши мне вчера в 10"), (9, "напиши мне попозже")]
    {
        system.telegram(&updates::text(chat, text)).await.unwrap();
        let answer = telegram.until_delivered_to(chat, 1, SOON).await.unwrap();
        println!("{text} → {}", answer[0].text);
        let asks = ["?", "Назовите"].iter().any(|words| answer[0].text.contains(words));
        assert!(asks, "{}", answer[0].text);
        pending(&system, chat, 0).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_a_human_the_bot_is_silent_and_its_draft_is_kept() {
    let telegram = Telegram::start().await.unwrap();
    let system = System::start(Config::telegram(&telegram)).await.unwrap();
    system.telegram(&updates::text(7, "здравствуйте")).await.unwrap();
    telegram.until_delivered_to(7, 1, SOON).await.unwrap();
    let conversation = system.conversation(7).await.unwrap();
    let body = serde_json::json!({ "by": "anna" });
    system.post(&format!("/api/v1/conversations/{conversation}/takeover"), &body).await.unwrap();
    system.telegram(&updates::text(7, "сколько это стоит?")).await.unwrap();
    let look = || async {
        let events = system.events(&conversation).await?;
        Ok(events.into_iter().find(|e| e["type"] == "DraftSuppressed"))
    };
    let draft = system.until(SOON, look).await.unwrap();
    assert!(draft["data"]["text"].as_str().is_some_and(|t| !t.is_empty()), "{draft}");
    assert_eq!(draft["data"]["reason"]["code"], "human_active");
    assert_eq!(telegram.delivered_to(7).len(), 1);
}
