//! What goes wrong between Steward and the Bot API: each fault ends as it should, and nothing is sent twice.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};
use steward_tests::{Config, System, Telegram, telegram::Fault, updates};

/// Longer than a request may take and a claim may live.
const SETTLED: Duration = Duration::from_secs(120);

struct Row {
    name: &'static str,
    fault: Fault,
    /// How the follow-up ends, with the code of the reason.
    state: &'static str,
    code: Option<&'static str>,
    /// How often the recipient has it.
    delivered: usize,
    /// Events of the dispatcher, in order.
    events: &'static [&'static str],
}

fn table() -> Vec<Row> {
    let sent = ("sent", None);
    let unknown = ("unknown", None);
    let row = |name, fault, (state, code), delivered, events| Row { name, fault, state, code, delivered, events };
    let again: &[&str] = &["DispatchStarted", "DispatchDeferred", "DispatchStarted", "DispatchSucceeded"];
    let lost: &[&str] = &["DispatchStarted", "DispatchUnknown"];
    let refused: &[&str] = &["DispatchStarted", "DispatchFailed"];
    vec![
        row("429", Fault::RetryAfter(1), sent, 1, again),
        row("500 of the Bot API's own", Fault::ServerError(500), sent, 1, again),
        row("502 of the Bot API's own", Fault::ServerError(502), sent, 1, again),
        row("a gateway's page", Fault::GatewayPage(502), unknown, 0, lost),
        row("a gateway's page with 504", Fault::GatewayPage(504), unknown, 0, lost),
        row("the line breaks before delivery", Fault::DropBefore, unknown, 0, lost),
        row("the line breaks after delivery", Fault::DropAfter, unknown, 1, lost),
        row("the answer is cut short", Fault::Truncated, unknown, 1, lost),
        row("no answer in time, delivered", Fault::Hang(Duration::from_secs(20)), unknown, 1, lost),
        row("no answer in time, not delivered", Fault::HangBefore(Duration::from_secs(20)), unknown, 0, lost),
        row("blocked", Fault::Blocked, ("failed", Some("blocked")), 0, refused),
        row("deactivated", Fault::Deactivated, ("failed", Some("blocked")), 0, refused),
        row("chat not found", Fault::ChatNotFound, ("failed", None), 0, refused),
        row(
            "another refusal",
            Fault::Refused { code: 400, description: "Bad Request: TOPIC_CLOSED" },
            ("failed", None),
            0,
            refused,
        ),
    ]
}

fn of_dispatcher(events: &[Value], follow_up: &str) -> Vec<String> {
    let ours = events.iter().filter(|e| e["data"]["follow_up_id"] == follow_up);
    ours.filter_map(|e| e["type"].as_str()).filter(|t| t.starts_with("Dispatch")).map(ToOwned::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_ends_as_it_should_and_nothing_is_sent_twice() {
    let telegram = Telegram::start().await.unwrap();
    let system = System::start(Config::telegram(&telegram)).await.unwrap();
    let rows = table();
    let mut follow_ups = Vec::new();
    for (n, row) in rows.iter().enumerate() {
        let chat = 100 + n as i64;
        system.telegram(&updates::text(chat, "здравствуйте")).await.unwrap();
        telegram.until_delivered_to(chat, 1, SETTLED).await.unwrap();
        let conversation = system.conversation(chat).await.unwrap();
        telegram.fail_next_to(chat, row.fault.clone());
        let due = Utc::now() + TimeDelta::seconds(1);
        let id = system.schedule(&conversation, &format!("row {n}"), due, &json!({})).await.unwrap();
        follow_ups.push((conversation, id));
    }
    let mut wrong = Vec::new();
    for (n, (row, (conversation, id))) in rows.iter().zip(&follow_ups).enumerate() {
        let found = match system.until_state(id, row.state, SETTLED).await {
            Ok(found) => found,
            Err(error) => {
                wrong.push(format!("{}: {error:#}", row.name));
                continue;
            }
        };
        let events = of_dispatcher(&system.events(conversation).await.unwrap(), id);
        let delivered = telegram.delivered().iter().filter(|d| d.text == format!("row {n}")).count();
        println!("{:<34} {:<8} delivered {delivered}  {}", row.name, row.state, events.join(" → "));
        if row.code.is_some_and(|code| found["reason"]["code"] != code) {
            wrong.push(format!("{}: the reason is {}", row.name, found["reason"]));
        }
        if row.state != "sent" && found["reason"]["text"].as_str().is_none_or(str::is_empty) {
            wrong.push(format!("{}: no words for the reason: {}", row.name, found["reason"]));
        }
        if events != row.events || delivered != row.delivered {
            wrong.push(format!("{}: delivered {delivered}, {events:?}", row.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_connection_is_tried_again_when_the_provider_is_back() {
    let mut telegram = Telegram::start().await.unwrap();
    let system = System::start(Config::telegram(&telegram)).await.unwrap();
    system.telegram(&updates::text(7, "здравствуйте")).await.unwrap();
    telegram.until_delivered_to(7, 1, SETTLED).await.unwrap();
    let conversation = system.conversation(7).await.unwrap();
    telegram.go_down();
    let due = Utc::now() + TimeDelta::seconds(1);
    let mut live = system.live(&format!("?conversation_id={conversation}"), None).await.unwrap();
    live.joined().await.unwrap();
    let id = system.schedule(&conversation, "after the outage", due, &json!({})).await.unwrap();
    live.until(SETTLED, |e| e.data["type"] == "DispatchDeferred").await.unwrap();
    telegram.come_back().await.unwrap();
    system.until_state(&id, "sent", SETTLED).await.unwrap();
    assert_eq!(telegram.delivered().iter().filter(|d| d.text == "after the outage").count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_that_moved_is_written_to_at_its_new_address_and_stays_one_conversation() {
    let telegram = Telegram::start().await.unwrap();
    let system = System::start(Config::telegram(&telegram)).await.unwrap();
    let ana = updates::Person::new(7, "en");
    system.telegram(&updates::group_message(-55, &ana, "@steward_test_bot hello everybody")).await.unwrap();
    telegram.until_delivered_to(-55, 1, SETTLED).await.unwrap();
    let conversation = system.conversation(-55).await.unwrap();
    telegram.fail_next_to(-55, Fault::MigratedTo(-100_555));
    let due = Utc::now() + TimeDelta::seconds(1);
    let id = system.schedule(&conversation, "at the new address", due, &json!({})).await.unwrap();
    system.until_state(&id, "sent", SETTLED).await.unwrap();
    let moved = telegram.delivered_to(-100_555);
    assert_eq!(moved.iter().map(|d| d.text.as_str()).collect::<Vec<_>>(), ["at the new address"]);
    system.telegram(&updates::group_message(-100_555, &ana, "we are here now, @steward_test_bot")).await.unwrap();
    let look = || async {
        let events = system.events(&conversation).await?;
        Ok(events.iter().any(|e| e["data"]["text"] == "we are here now").then_some(()))
    };
    system.until(SETTLED, look).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_blocked_the_bot_gets_no_more_promises_until_they_write() {
    let telegram = Telegram::start().await.unwrap();
    let system = System::start(Config::telegram(&telegram)).await.unwrap();
    let ana = updates::Person::new(7, "ru");
    system.telegram(&updates::message(&ana, "здравствуйте")).await.unwrap();
    telegram.until_delivered_to(7, 1, SETTLED).await.unwrap();
    let conversation = system.conversation(7).await.unwrap();
    let never = json!({ "cancel_on": "never" });
    telegram.fail_next_to(7, Fault::Blocked);
    let soon = |seconds| Utc::now() + TimeDelta::seconds(seconds);
    let refused = system.schedule(&conversation, "refused", soon(1), &never).await.unwrap();
    system.until_state(&refused, "failed", SETTLED).await.unwrap();
    let second = system.schedule(&conversation, "not even tried", soon(1), &never).await.unwrap();
    let ended = system.until_state(&second, "cancelled", SETTLED).await.unwrap();
    assert_eq!(ended["reason"]["code"], "blocked");
    system.telegram(&updates::message(&ana, "я снова тут")).await.unwrap();
    let third = system.schedule(&conversation, "welcome back", soon(2), &never).await.unwrap();
    system.until_state(&third, "sent", SETTLED).await.unwrap();
    // Telegram says so by itself, too.
    system.telegram(&updates::my_chat_member(&ana, true)).await.unwrap();
    let fourth = system.schedule(&conversation, "not even tried", soon(1), &never).await.unwrap();
    let ended = system.until_state(&fourth, "cancelled", SETTLED).await.unwrap();
    assert_eq!(ended["reason"]["code"], "blocked");
    assert!(telegram.delivered_to(7).iter().all(|d| d.text != "not even tried"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_send_waits_for_an_operator_who_may_send_it_again() {
    let telegram = Telegram::start().await.unwrap();
    let system = System::start(Config::telegram(&telegram)).await.unwrap();
    system.telegram(&updates::text(7, "здравствуйте")).await.unwrap();
    telegram.until_delivered_to(7, 1, SETTLED).await.unwrap();
    let conversation = system.conversation(7).await.unwrap();
    telegram.fail_next_to(7, Fault::DropBefore);
    let due = Utc::now() + TimeDelta::seconds(1);
    let id = system.schedule(&conversation, "lost on the way", due, &json!({})).await.unwrap();
    let unknown = system.until_state(&id, "unknown", SETTLED).await.unwrap();
    let message = unknown["message_id"].as_str().unwrap();
    let held = system.items("/api/v1/outbox?state=unknown").await.unwrap();
    assert_eq!(held.iter().filter_map(|m| m["id"].as_str()).collect::<Vec<_>>(), [message]);
    system.post(&format!("/api/v1/outbox/{message}/retry"), &json!({})).await.unwrap();
    system.until_state(&id, "sent", SETTLED).await.unwrap();
    assert_eq!(telegram.delivered().iter().filter(|d| d.text == "lost on the way").count(), 1);
    let again = system.command(reqwest::Method::POST, &format!("/api/v1/outbox/{message}/retry"), &json!({})).await;
    again.unwrap().problem(409).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_text_arrives_in_parts_and_in_order() {
    let telegram = Telegram::start().await.unwrap();
    let system = System::start(Config::telegram(&telegram)).await.unwrap();
    system.telegram(&updates::text(7, "здравствуйте")).await.unwrap();
    telegram.until_delivered_to(7, 1, SETTLED).await.unwrap();
    let conversation = system.conversation(7).await.unwrap();
    let words: Vec<String> = (0..2000).map(|n| format!("слово{n}")).collect();
    let text = words.join(" ");
    telegram.fail_next_to(7, Fault::RetryAfter(1));
    let id = system.schedule(&conversation, &text, Utc::now() + TimeDelta::seconds(1), &json!({})).await.unwrap();
    system.until_state(&id, "sent", SETTLED).await.unwrap();
    let parts: Vec<String> = telegram.delivered_to(7).into_iter().skip(1).map(|d| d.text).collect();
    assert!(parts.len() > 4 && parts.iter().all(|p| p.encode_utf16().count() <= 4096));
    assert_eq!(parts.join(" "), text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rate_limits_hold_back_before_the_claim_and_lose_nothing() {
    let telegram = Telegram::start().await.unwrap();
    let limit = "rate_limit = { per_second = 10, burst = 2, per_chat_per_second = 2, per_chat_burst = 1 }";
    let system = System::start(Config::telegram_with(&telegram, limit)).await.unwrap();
    let due = Utc::now() + TimeDelta::seconds(10);
    let mut ids = Vec::new();
    for chat in 0..4 {
        system.telegram(&updates::text(10 + chat, "здравствуйте")).await.unwrap();
        let conversation = system.conversation(10 + chat).await.unwrap();
        for n in 0..3 {
            let text = format!("{chat}/{n}");
            ids.push(system.schedule(&conversation, &text, due, &json!({ "cancel_on": "never" })).await.unwrap());
        }
    }
    for id in &ids {
        system.until_state(id, "sent", SETTLED).await.unwrap();
    }
    let sends: Vec<_> = telegram.delivered().into_iter().filter(|d| d.text.contains('/')).collect();
    assert_eq!(sends.len(), ids.len());
    for chat in 10..14 {
        let at: Vec<_> = sends.iter().filter(|d| d.chat_id == chat.to_string()).map(|d| d.at).collect();
        // None may leave before all are due, so the second waits half a second from then and the third a whole one.
        for (n, at) in at.iter().enumerate() {
            let earliest = due + TimeDelta::milliseconds(500) * n as i32;
            assert!(*at >= earliest, "{chat}: number {n} at two a second left {} early", earliest - *at);
        }
    }
}
