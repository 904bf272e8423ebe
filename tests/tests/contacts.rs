//! One person on two channels: merged by command they are written to as one, and split they are two again.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use reqwest::Method;
use serde_json::{Value, json};
use steward_tests::{Config, System, Telegram, updates};

const SOON: Duration = Duration::from_secs(120);

/// A conversation and its contact.
struct Met {
    conversation: String,
    contact: String,
}

async fn met(system: &System, conversation: String) -> Met {
    let found = system.get(&format!("/api/v1/conversations/{conversation}")).await.unwrap();
    Met { conversation, contact: found["contact"]["id"].as_str().unwrap().to_owned() }
}

/// The same person on Telegram and on the web.
async fn on_both(system: &System, chat: i64, name: &str) -> (Met, Met) {
    system.telegram(&updates::text(chat, "hello")).await.unwrap();
    let on_telegram = met(system, system.conversation(chat).await.unwrap()).await;
    let body = json!({ "channel_id": "web-main", "contact": { "id": name }, "text": "hello" });
    let said = system.post("/api/v1/messages", &body).await.unwrap();
    let on_web = met(system, said["conversation_id"].as_str().unwrap().to_owned()).await;
    (on_telegram, on_web)
}

async fn queue(system: &System, to: &Met) -> String {
    let body = json!({ "conversation_id": to.conversation, "text": "Your order is ready." });
    system.post("/api/v1/outbox", &body).await.unwrap()["id"].as_str().unwrap().to_owned()
}

/// Waits until the message is in one of these states.
async fn outgoing(system: &System, id: &str, states: &[&str]) -> Value {
    let path = format!("/api/v1/outbox/{id}");
    let found = system.until(SOON, || async {
        let message = system.get(&path).await?;
        Ok(Some(message).filter(|m| m["state"].as_str().is_some_and(|state| states.contains(&state))))
    });
    found.await.unwrap()
}

async fn merge(system: &System, contact: &Met, into: &Met) {
    let path = format!("/api/v1/contacts/{}/merge", contact.contact);
    system.post(&path, &json!({ "into": into.contact, "reason": "she said so" })).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_on_two_channels_is_written_to_as_one_until_they_are_split() {
    let telegram = Telegram::start().await.unwrap();
    let config = Config::telegram(&telegram).with("[policy]\ndaily_cap = 1");
    let system = System::start(config).await.unwrap();
    let (on_telegram, on_web) = on_both(&system, 7, "ana").await;
    let zone = json!({ "timezone": "Asia/Makassar" });
    system.patch(&format!("/api/v1/contacts/{}", on_web.contact), &zone).await.unwrap();

    merge(&system, &on_telegram, &on_web).await;
    let conversation = system.get(&format!("/api/v1/conversations/{}", on_telegram.conversation)).await.unwrap();
    assert_eq!(conversation["contact"]["timezone"], "Asia/Makassar", "the surviving contact's");
    assert_eq!(conversation["contact"]["merged_into"], on_web.contact.as_str());
    let person = system.get(&format!("/api/v1/contacts/{}", on_web.contact)).await.unwrap();
    let channels: Vec<&Value> = person["identities"].as_array().unwrap().iter().map(|i| &i["channel"]).collect();
    assert_eq!(channels, ["web", "telegram"]);
    assert_eq!(person["conversations"].as_array().unwrap().len(), 2);
    let back = format!("/api/v1/contacts/{}/merge", on_web.contact);
    let cycle = system.command(Method::POST, &back, &json!({ "into": on_telegram.contact })).await.unwrap();
    assert_eq!(cycle.problem(409).unwrap()["code"], "merge_cycle");

    // The cap of one a day holds over both.
    outgoing(&system, &queue(&system, &on_web).await, &["sent"]).await;
    let second = outgoing(&system, &queue(&system, &on_telegram).await, &["sent", "deferred"]).await;
    assert_eq!((&second["state"], &second["reason"]["code"]), (&json!("deferred"), &json!("frequency_cap")));

    // Two again: Telegram has had nothing today.
    let split = format!("/api/v1/contacts/{}/split", on_telegram.contact);
    system.post(&split, &json!({})).await.unwrap();
    outgoing(&system, &queue(&system, &on_telegram).await, &["sent"]).await;
    let person = system.get(&format!("/api/v1/contacts/{}", on_web.contact)).await.unwrap();
    assert_eq!(person["identities"].as_array().unwrap().len(), 1);

    // Archived under one name, written to under none.
    merge(&system, &on_telegram, &on_web).await;
    system.post(&format!("/api/v1/contacts/{}/archive", on_web.contact), &json!({})).await.unwrap();
    let third = outgoing(&system, &queue(&system, &on_telegram).await, &["sent", "deferred", "cancelled"]).await;
    assert_eq!((&third["state"], &third["reason"]["code"]), (&json!("cancelled"), &json!("contact_archived")));

    // Of two that come due at one instant in both conversations, one goes out.
    let (on_telegram, on_web) = on_both(&system, 8, "ben").await;
    merge(&system, &on_telegram, &on_web).await;
    let due_at = Utc::now() + TimeDelta::seconds(2);
    let mut promised = Vec::new();
    for met in [&on_telegram, &on_web] {
        promised.push(system.schedule(&met.conversation, "ping", due_at, &json!({})).await.unwrap());
    }
    let settled = system.until(SOON, || async {
        let mut states = Vec::new();
        for id in &promised {
            let follow_up = system.follow_up(id).await?;
            let code = follow_up["reason"]["code"].as_str().unwrap_or_default();
            states.push(format!("{}{code}", follow_up["state"].as_str().unwrap_or_default()));
        }
        states.sort();
        Ok(Some(states).filter(|s| s.iter().any(|s| s == "sent") && s.iter().all(|s| s != "pending")))
    });
    assert_eq!(settled.await.unwrap(), ["pendingfrequency_cap", "sent"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_open_promises_of_one_person_count_together() {
    let telegram = Telegram::start().await.unwrap();
    let system = System::start(Config::telegram(&telegram).with("[limits]\nopen_follow_ups = 2")).await.unwrap();
    let (on_telegram, on_web) = on_both(&system, 9, "carla").await;
    let body = |to: &Met| json!({ "conversation_id": to.conversation, "text": "Your order is ready.", "phrase": "in 2 hours" });
    let refused = async |to: &Met| {
        let answer = system.command(Method::POST, "/api/v1/follow-ups", &body(to)).await.unwrap();
        assert_eq!(answer.problem(409).unwrap()["code"], "too_many_follow_ups");
    };
    merge(&system, &on_telegram, &on_web).await;
    for to in [&on_telegram, &on_web] {
        system.post("/api/v1/follow-ups", &body(to)).await.unwrap();
    }
    for to in [&on_telegram, &on_web] {
        refused(to).await;
    }
    // Nor does the bot promise more than that: it says so.
    telegram.until_delivered_to(9, 1, SOON).await.unwrap();
    system
        .telegram(&updates::text(9, "write to me in 2 hours about the lease and in 3 hours about the car"))
        .await
        .unwrap();
    let said = telegram.until_delivered_to(9, 2, SOON).await.unwrap();
    // What the message cancelled goes on in the same batch as the answer, with whatever it promised beside.
    let pending = async || {
        let all = system.follow_ups(&on_telegram.conversation).await?;
        let pending = all.iter().filter(|follow_up| follow_up["state"] == "pending").count();
        Ok(Some(pending).filter(|pending| *pending > 0))
    };
    assert_eq!(system.until(SOON, pending).await.unwrap(), 1, "{said:?}");
    // Two people again, each has room of their own.
    let split = format!("/api/v1/contacts/{}/split", on_telegram.contact);
    system.post(&split, &json!({})).await.unwrap();
    for to in [&on_telegram, &on_web] {
        system.post("/api/v1/follow-ups", &body(to)).await.unwrap();
        refused(to).await;
    }
}
