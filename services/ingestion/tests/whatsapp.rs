//! WhatsApp's webhook: one person is one conversation in every process, and a large call is taken whole.

#![allow(clippy::unwrap_used)]

mod world;

use std::{
    collections::{BTreeMap, HashSet},
    time::Instant,
};

use axum::http::{Method, StatusCode};
use chrono::Utc;
use hmac::{Hmac, KeyInit as _, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use steward_domain::ids;
use steward_log::{Append, Expected};
use steward_proto::{Cause, Event, NewEvent, new_traceparent, v1};
use uuid::Uuid;
use world::{Answer, PHONE_NUMBER_ID, SECRET, World};

const PATH: &str = "/webhooks/whatsapp/wa";

async fn post(world: &World, notification: &Value) -> Answer {
    let body = notification.to_string();
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    let signature = format!("sha256={}", hex::encode(mac.finalize().into_bytes()));
    world.send(Method::POST, PATH, &[("x-hub-signature-256", &signature)], body).await
}

async fn told(world: &World, notification: &Value) {
    let answer = post(world, notification).await;
    assert_eq!(answer.status, StatusCode::OK, "{:?}", answer.body);
}

fn notification(messages: Vec<Value>) -> Value {
    let value = json!({ "metadata": { "phone_number_id": PHONE_NUMBER_ID }, "messages": messages });
    json!({ "object": "whatsapp_business_account",
        "entry": [{ "id": "1", "changes": [{ "field": "messages", "value": value }] }] })
}

/// A text by whoever is told: number, id, or both.
fn text(world: &World, number: Option<&str>, user_id: Option<&str>, text: &str) -> Value {
    let mut message = json!({ "id": format!("wamid.{}", world.update_id()), "type": "text",
        "timestamp": Utc::now().timestamp().to_string(), "text": { "body": text } });
    for (name, value) in [("from", number), ("from_user_id", user_id)] {
        if let Some(value) = value {
            message[name] = json!(value);
        }
    }
    message
}

/// What clients said, by conversation, in the order of the log.
async fn conversations(world: &World) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for recorded in world.events().await {
        if let Event::ClientResponded(said) = &recorded.event {
            found.entry(recorded.subject.id.to_string()).or_default().push(said.text.clone());
        }
    }
    found
}

#[tokio::test]
async fn processes_that_see_a_person_by_turns_keep_one_conversation() {
    let one = World::start().await;
    let two = World::start_beside(&one).await;
    let (number, id) = ("34600111222", "ES.1");
    // Both have looked these addresses up before they are bound.
    told(&one, &notification(vec![text(&one, None, Some(id), "by id")])).await;
    told(&two, &notification(vec![text(&one, None, Some(id), "by id again")])).await;
    told(&two, &notification(vec![text(&one, Some(number), Some(id), "by both")])).await;
    told(&one, &notification(vec![text(&one, Some(number), None, "by number")])).await;
    told(&two, &notification(vec![text(&one, Some(number), None, "by number again")])).await;
    let all = conversations(&one).await;
    let words: Vec<&str> = all.values().flatten().map(String::as_str).collect();
    assert_eq!((all.len(), words), (1, vec!["by id", "by id again", "by both", "by number", "by number again"]));
}

#[tokio::test]
async fn a_persons_messages_of_one_call_are_one_conversation_whatever_they_are_known_by() {
    let world = World::start().await;
    let person = |n: usize| match n % 3 {
        0 => (None, Some("ES.1")),
        1 => (Some("34600111222"), Some("ES.1")),
        _ => (Some("34600111222"), None),
    };
    let messages: Vec<Value> = (0..30)
        .map(|n| {
            let (number, id) = person(n);
            text(&world, number, id, &n.to_string())
        })
        .collect();
    told(&world, &notification(messages)).await;
    let all = conversations(&world).await;
    let words: Vec<String> = all.into_values().next().unwrap();
    assert_eq!(words, (0..30).map(|n| n.to_string()).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_old_message_that_comes_again_after_its_number_moved_is_not_kept_twice() {
    let world = World::start().await;
    let mut old = text(&world, Some("34600111222"), None, "before");
    old["timestamp"] = json!((Utc::now().timestamp() - 3600).to_string());
    // As the log holds it longer after than its duplicate window: the message id is forgotten.
    let conversation = ids::conversation(&world.tenant, "wa", "34600111222");
    let source = v1::Source {
        channel_id: "wa".to_owned(),
        channel: "whatsapp".to_owned(),
        external_id: "34600111222".to_owned(),
        key: format!("message:{}", old["id"].as_str().unwrap()),
        ..v1::Source::default()
    };
    let said =
        v1::ClientResponded { source: Some(source), text: "before".to_owned(), ..v1::ClientResponded::default() };
    let cause = Cause::outside("client:34600111222", new_traceparent([7; 24]));
    let append = Append {
        aggregate: ids::conversation_aggregate(&world.tenant, conversation),
        events: vec![NewEvent::new(Uuid::now_v7(), Utc::now(), &cause, said)],
        expected: Expected::Any,
        dedupe_key: None,
    };
    world.log.append(append).await.unwrap();
    let mut moved = text(&world, Some("34600111222"), None, "");
    moved["type"] = json!("system");
    moved["system"] = json!({ "type": "user_changed_number", "wa_id": "34600999888" });
    told(&world, &notification(vec![moved.clone()])).await;
    told(&World::start_beside(&world).await, &notification(vec![old, moved])).await;
    let next = text(&world, Some("34600999888"), None, "after");
    told(&world, &notification(vec![next])).await;
    let all = conversations(&world).await;
    assert_eq!(all, BTreeMap::from([(conversation.to_string(), vec!["before".to_owned(), "after".to_owned()])]));
    let bound = world.events().await.into_iter().filter(|r| matches!(r.event, Event::AddressBound(_))).count();
    assert_eq!(bound, 3, "the new number, the old one, and where the conversation is now");
}

#[tokio::test]
async fn a_call_of_three_megabytes_is_taken_whole_and_each_piece_keeps_its_own_body() {
    let world = World::start().await;
    let messages: Vec<Value> = (0..2_000)
        .map(|n| text(&world, Some(&format!("3460{:07}", n % 500)), None, &format!("{n} {}", "я".repeat(600))))
        .collect();
    let call = notification(messages);
    let size = call.to_string().len();
    assert!(size > 2_400_000 && size <= 3 << 20, "{size}");
    let began = Instant::now();
    told(&world, &call).await;
    println!("2,000 messages of 500 people, {size} bytes, durable after {:?}", began.elapsed());
    let events = world.events().await;
    let mut keys = HashSet::new();
    for recorded in &events {
        let Event::ClientResponded(said) = &recorded.event else { panic!("{:?}", recorded.event.type_name()) };
        let source = said.source.as_ref().unwrap();
        assert!(keys.insert(source.key.clone()) && source.raw.len() < 2_000);
        let raw: Value = serde_json::from_slice(&source.raw).unwrap();
        assert_eq!(raw["entry"][0]["changes"][0]["value"]["messages"][0]["text"]["body"], said.text.as_str());
    }
    assert_eq!(keys.len(), 2_000);
}

#[tokio::test]
async fn other_methods_have_no_meaning_and_a_handshake_writes_nothing() {
    let world = World::start().await;
    let put = world.send(Method::PUT, PATH, &[], "").await;
    assert_eq!(put.status, StatusCode::METHOD_NOT_ALLOWED);
    let query = format!("{PATH}?hub.mode=subscribe&hub.challenge=42&hub.verify_token={SECRET}");
    let answer = world.send(Method::GET, &query, &[], "").await;
    assert_eq!((answer.status, &answer.body[..]), (StatusCode::OK, &b"42"[..]));
    let telegram = world.send(Method::GET, "/webhooks/telegram/tg", &[], "").await;
    assert_eq!(
        (telegram.status, &telegram.headers["allow"]),
        (StatusCode::METHOD_NOT_ALLOWED, &"POST".parse().unwrap())
    );
    assert!(world.events().await.is_empty());
}

#[tokio::test]
async fn a_number_that_is_written_in_two_ways_is_one_person() {
    for (one, other) in [("5215512345678", "525512345678"), ("553187654321", "5531987654321")] {
        for (first, second) in [(one, other), (other, one)] {
            let world = World::start().await;
            let beside = World::start_beside(&world).await;
            told(&world, &notification(vec![text(&world, Some(first), None, "one")])).await;
            told(&beside, &notification(vec![text(&world, Some(second), None, "two")])).await;
            told(&world, &notification(vec![text(&world, Some(second), Some("XX.1"), "three")])).await;
            told(&beside, &notification(vec![text(&world, Some(first), None, "four")])).await;
            told(&world, &notification(vec![text(&world, None, Some("XX.1"), "five")])).await;
            let all = conversations(&world).await;
            let words: Vec<&str> = all.values().flatten().map(String::as_str).collect();
            assert_eq!((all.len(), words), (1, vec!["one", "two", "three", "four", "five"]), "{first}");
        }
    }
    let world = World::start().await;
    // A landline of Brazil, and a mobile that only looks like it.
    for number in ["551133334444", "5511933334444"] {
        told(&world, &notification(vec![text(&world, Some(number), None, number)])).await;
    }
    assert_eq!(conversations(&world).await.len(), 2);
}

#[tokio::test]
async fn both_forms_of_a_number_at_once_are_one_person() {
    let one = World::start().await;
    let two = World::start_beside(&one).await;
    let (first, second) = (
        notification(vec![text(&one, Some("5215512345678"), None, "a")]),
        notification(vec![text(&one, Some("525512345678"), None, "b")]),
    );
    tokio::join!(told(&one, &first), told(&two, &second));
    assert_eq!(conversations(&one).await.len(), 1);
}
