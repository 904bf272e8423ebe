//! An event from a newer version: readers show it as it is, and nobody decides on half the truth.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use async_nats::HeaderMap;
use chrono::{TimeDelta, Utc};
use serde_json::json;
use steward_proto::header;
use steward_tests::{Config, System, Telegram, updates};

const SOON: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_from_the_future_is_shown_raw_and_stops_decisions_on_its_conversation_alone() {
    let telegram = Telegram::start().await.unwrap();
    let system = System::start(Config::telegram(&telegram)).await.unwrap();
    for chat in [7, 8] {
        system.telegram(&updates::text(chat, "здравствуйте")).await.unwrap();
        telegram.until_delivered_to(chat, 1, SOON).await.unwrap();
    }
    let (ahead, fine) = (system.conversation(7).await.unwrap(), system.conversation(8).await.unwrap());
    let due = Utc::now() + TimeDelta::seconds(3);
    let held = system.schedule(&ahead, "held back", due, &json!({ "cancel_on": "never" })).await.unwrap();
    let kept = system.schedule(&fine, "kept", due, &json!({ "cancel_on": "never" })).await.unwrap();
    // A newer version writes what this one doesn't know.
    let id = uuid::Uuid::now_v7().to_string();
    let mut headers = HeaderMap::new();
    for (name, value) in [
        (header::EVENT_ID, id.as_str()),
        (header::TYPE, "MoonPhaseChanged"),
        (header::SCHEMA_VERSION, "1"),
        (header::TIME, &Utc::now().to_rfc3339()),
        (header::CAUSATION_ID, &id),
        (header::CORRELATION_ID, &id),
        (header::ACTOR, "service:astrologer"),
        (header::TRACEPARENT, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"),
    ] {
        headers.insert(name, value);
    }
    let jetstream = async_nats::jetstream::new(system.nats().await.unwrap());
    let subject = format!("ev.default.conversation.{ahead}.moon_phase_changed");
    let stored = jetstream.publish_with_headers(subject, headers, "full moon".into()).await.unwrap().await.unwrap();
    system.saw(stored.sequence);
    let events = system.events(&ahead).await.unwrap();
    let shown = events.iter().find(|e| e["id"] == id.as_str()).expect("it is shown");
    assert_eq!((&shown["type"], &shown["actor"]), (&json!("MoonPhaseChanged"), &json!("service:astrologer")));
    assert_eq!(shown["data"], json!({ "raw": "ZnVsbCBtb29u" }));
    let timeline = system.get(&format!("/api/v1/conversations/{ahead}/timeline")).await.unwrap();
    assert!(timeline["items"].as_array().unwrap().iter().any(|e| e["event_id"] == id.as_str()));
    let body = json!({ "conversation_id": ahead, "text": "x", "due_at": Utc::now() + TimeDelta::hours(1) });
    let refused = system.command(reqwest::Method::POST, "/api/v1/follow-ups", &body).await.unwrap();
    let problem = refused.problem(409).unwrap();
    assert_eq!(problem["code"], "schema_ahead", "{problem}");
    // Facts are still taken.
    system.telegram(&updates::text(7, "вы здесь?")).await.unwrap();
    system.until_state(&kept, "sent", SOON).await.unwrap();
    assert_eq!(system.follow_up(&held).await.unwrap()["state"], "pending");
    assert!(telegram.delivered_to(7).iter().all(|d| d.text != "held back"));
}
