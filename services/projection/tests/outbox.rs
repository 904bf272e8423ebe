//! The outbox as its users read it: receipts, what an approval is bound to, the evidence of a send.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use steward_domain::{conversation::outbox::fingerprint, ids};
use steward_http::Guard;
use steward_log::{Clock, ConnectOptions, Log};
use steward_projection::Reads;
use steward_proto::{Event, to_timestamp, v1};
use support::{Api, System, stories::Chat, tenant};
use uuid::Uuid;

/// Moves a chat's event to WhatsApp, which has receipts and a service window.
fn on_whatsapp(event: Event) -> Event {
    let Event::ClientResponded(mut e) = event else { panic!("a client's words") };
    e.source.as_mut().unwrap().channel = "whatsapp".to_owned();
    e.into()
}

fn report(provider_message_id: &str, status: &str, at: DateTime<Utc>) -> Event {
    let reason = (status == "failed").then(|| v1::Reason {
        code: "undeliverable".to_owned(),
        text: "no such number".to_owned(),
        event_id: String::new(),
    });
    v1::DeliveryReported {
        provider_message_id: provider_message_id.to_owned(),
        status: status.to_owned(),
        at: Some(to_timestamp(at)),
        reason,
        provider_code: if status == "failed" { "131026".to_owned() } else { String::new() },
        ..v1::DeliveryReported::default()
    }
    .into()
}

/// Records what leads to the chat's promises and to the send of the first, event by event, so that projectors may stop
/// in between.
async fn promise(system: &System, chat: &Chat, due_at: DateTime<Utc>) -> String {
    let turn = v1::TurnStarted {
        turn_id: "turn-1".to_owned(),
        message_ids: vec![ids::inbound_message(chat.id, "m:1").to_string()],
        brain: "rules".to_owned(),
        ..v1::TurnStarted::default()
    };
    let Event::FollowUpScheduled(mut promised) = chat.promises(1, due_at) else { panic!() };
    promised.turn_id = "turn-1".to_owned();
    let words = on_whatsapp(chat.writes("m:1", "ping me in 20 seconds"));
    system.record(&chat.aggregate, vec![words, turn.into(), promised.into()]).await;
    ids::message_of_follow_up(chat.id, &chat.follow_up_id(1)).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_are_tied_to_the_send_by_the_providers_id_in_any_order_and_after_a_restart() {
    let system = System::start().await;
    let chat = Chat::new(&tenant("default"), "ana");
    let due_at = DateTime::from_timestamp(1_795_251_600, 0).unwrap();
    let message_id = promise(&system, &chat, due_at).await;
    let projector = system.project();
    system.record(&chat.aggregate, chat.keeps(1, due_at)).await;
    system.caught_up().await;
    projector.stop().await;
    // This projector knows only the rows.
    let _projector = system.project();
    let (read_at, delivered_at) = (due_at + TimeDelta::seconds(9), due_at + TimeDelta::seconds(2));
    let path = format!("/api/v1/outbox/{message_id}");
    for (status, at, state) in [
        ("read", read_at, "read"),
        ("sent", due_at, "read"),
        ("delivered", delivered_at, "read"),
        ("failed", read_at, "read"),
    ] {
        system.record(&chat.aggregate, vec![report("provider-1", status, at)]).await;
        system.caught_up().await;
        let message = system.api().get(&path).await.body;
        assert_eq!(message["state"], state, "after {status}: {message}");
    }
    let message = system.api().get(&path).await.body;
    let shown = |at: DateTime<Utc>| json!(at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true));
    assert_eq!(message["sent_at"], shown(due_at));
    assert_eq!(message["delivered_at"], shown(delivered_at));
    assert_eq!(message["read_at"], shown(read_at));
    let follow_up = system.api().get(&format!("/api/v1/follow-ups/{}", chat.follow_up_id(1))).await.body;
    assert_eq!(follow_up["state"], "sent", "delivered and read, it reads as sent");
    let before = system.api().items("/api/v1/outbox?state=read").await;
    assert_eq!(before.len(), 1);
    steward_projection::rebuild(&system.log, &system.pool).await.unwrap();
    assert_eq!(system.api().items("/api/v1/outbox?state=read").await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_reported_later_makes_message_and_promise_failed_with_its_reason() {
    let system = System::start().await;
    let _projector = system.project();
    let chat = Chat::new(&tenant("default"), "ana");
    let due_at = Utc::now();
    let message_id = promise(&system, &chat, due_at).await;
    system.record(&chat.aggregate, chat.keeps(1, due_at)).await;
    system.record(&chat.aggregate, vec![report("provider-1", "failed", due_at)]).await;
    system.caught_up().await;
    let api = system.api();
    let message = api.get(&format!("/api/v1/outbox/{message_id}")).await.body;
    assert_eq!((&message["state"], &message["reason"]["code"]), (&json!("failed"), &json!("undeliverable")));
    let follow_up = api.get(&format!("/api/v1/follow-ups/{}", chat.follow_up_id(1))).await.body;
    assert_eq!((&follow_up["state"], &follow_up["reason"]["code"]), (&json!("failed"), &json!("undeliverable")));
    let evidence = api.get(&format!("/api/v1/outbox/{message_id}/evidence")).await.body;
    assert_eq!(evidence["receipts"][0]["provider_code"], "131026");
    assert_eq!(evidence["ending"]["because"]["type"], "DeliveryReported");
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_tells_the_whole_chain_of_a_promise_that_was_kept() {
    let system = System::start().await;
    let _projector = system.project();
    let chat = Chat::new(&tenant("default"), "ana");
    let due_at = Utc::now();
    let message_id = promise(&system, &chat, due_at).await;
    // Events that don't concern the message: another promise of the same turn, and a message in another chat with the
    // same provider's id.
    let Event::FollowUpScheduled(mut other) = chat.promises(2, due_at) else { panic!() };
    other.turn_id = "turn-1".to_owned();
    system.record(&chat.aggregate, vec![other.into()]).await;
    let mut kept = chat.keeps(1, due_at);
    let Event::DispatchStarted(claim) = &mut kept[1] else { panic!() };
    claim.checks = vec![v1::Check { name: "human_active".to_owned(), value: "false".to_owned() }];
    claim.request_hash = fingerprint("ana", "ping");
    let Event::DispatchSucceeded(success) = &mut kept[2] else { panic!() };
    success.answer = r#"{"ok":true}"#.to_owned();
    system.record(&chat.aggregate, kept).await;
    system.record(&chat.aggregate, vec![report("provider-1", "delivered", due_at)]).await;
    system.caught_up().await;
    let evidence = system.api().get(&format!("/api/v1/outbox/{message_id}/evidence")).await.body;
    let types = |of: &Value| -> Vec<String> {
        of.as_array().unwrap().iter().map(|e| e["type"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(types(&evidence["trigger"]), ["ClientResponded", "FollowUpScheduled", "FollowUpDue"]);
    assert_eq!(
        types(&evidence["events"]),
        [
            "ClientResponded",
            "TurnStarted",
            "FollowUpScheduled",
            "FollowUpDue",
            "DispatchStarted",
            "DispatchSucceeded",
            "DeliveryReported"
        ]
    );
    assert_eq!(evidence["decision"]["turn"], json!({ "id": "turn-1", "brain": "rules", "model": null }));
    let attempt = &evidence["attempts"][0];
    assert_eq!(attempt["outcome"], "sent");
    assert_eq!(attempt["answer"]["provider_answer"], r#"{"ok":true}"#);
    assert_eq!(attempt["request_hash"], fingerprint("ana", "ping"));
    assert_eq!(attempt["checks"], json!([{ "name": "human_active", "value": "false" }]));
    assert_eq!(evidence["receipts"][0]["status"], "delivered");
    assert_eq!(evidence["ending"]["state"], "delivered");
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_of_what_was_not_sent_ends_in_the_reason_and_the_words_behind_it() {
    let system = System::start().await;
    let _projector = system.project();
    let chat = Chat::new(&tenant("default"), "ana");
    let due_at = Utc::now();
    let message_id = promise(&system, &chat, due_at).await;
    let due = chat.keeps(1, due_at).remove(0);
    system.record(&chat.aggregate, vec![due]).await;
    system.record(&chat.aggregate, vec![on_whatsapp(chat.writes("m:2", "I'm back"))]).await;
    system.caught_up().await;
    let api = system.api();
    let evidence = api.get(&format!("/api/v1/outbox/{message_id}/evidence")).await.body;
    assert_eq!(evidence["attempts"], json!([]));
    assert_eq!(evidence["ending"]["state"], "cancelled");
    assert_eq!(evidence["ending"]["reason"]["code"], "client_responded");
    let cause = &evidence["ending"]["reason"]["event_id"];
    let events = evidence["events"].as_array().unwrap();
    let behind = events.iter().find(|e| e["event_id"] == *cause).expect("the words behind it are among the events");
    assert!(behind["summary"].as_str().unwrap().contains("I'm back"), "{behind}");
    let other = Chat::new(&tenant("other"), "ana");
    let foreign = ids::message(other.id, Uuid::from_u128(1));
    for unknown in ["nothing", &foreign.to_string()] {
        assert_eq!(api.get(&format!("/api/v1/outbox/{unknown}/evidence")).await.status.as_u16(), 404);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_message_shows_why_and_what_an_approval_of_it_is_bound_to() {
    let system = System::start().await;
    let _projector = system.project();
    let chat = Chat::new(&tenant("default"), "ana");
    let due_at = Utc::now();
    let message_id = promise(&system, &chat, due_at).await;
    let due = chat.keeps(1, due_at).remove(0);
    let held = v1::MessageHeld {
        message_id: message_id.clone(),
        reason: Some(v1::Reason { code: "needs_approval".to_owned(), ..v1::Reason::default() }),
        ..v1::MessageHeld::default()
    };
    system.record(&chat.aggregate, vec![due, held.into()]).await;
    system.caught_up().await;
    let api = system.api();
    let message = api.items("/api/v1/outbox?state=held").await.remove(0);
    assert_eq!((&message["id"], &message["reason"]["code"]), (&json!(message_id), &json!("needs_approval")));
    assert_eq!(message["approval_hash"], fingerprint("ana", "ping"));
    let follow_up = api.get(&format!("/api/v1/follow-ups/{}", chat.follow_up_id(1))).await.body;
    assert_eq!((&follow_up["state"], &follow_up["reason"]["code"]), (&json!("pending"), &json!("needs_approval")));
    let edited = v1::MessageEdited {
        message_id: message_id.clone(),
        text: "pong".to_owned(),
        parts: vec!["pong".to_owned()],
        by: "anna".to_owned(),
    };
    system.record(&chat.aggregate, vec![edited.into()]).await;
    let approved = v1::MessageApproved { message_id: message_id.clone(), ..v1::MessageApproved::default() };
    system.record(&chat.aggregate, vec![approved.into()]).await;
    system.caught_up().await;
    let message = api.get(&format!("/api/v1/outbox/{message_id}")).await.body;
    assert_eq!(
        (&message["state"], &message["text"], &message["reason"]),
        (&json!("queued"), &json!("pong"), &Value::Null)
    );
    assert_eq!(message["approval_hash"], fingerprint("ana", "pong"));
    let follow_up = api.get(&format!("/api/v1/follow-ups/{}", chat.follow_up_id(1))).await.body;
    assert_eq!(follow_up["reason"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promise_beyond_the_window_reads_so_until_the_client_writes_again() {
    let system = System::start().await;
    let _projector = system.project();
    let chat = Chat::new(&tenant("default"), "ana");
    let now = Utc::now();
    system.record(&chat.aggregate, vec![on_whatsapp(chat.writes("m:1", "hello"))]).await;
    let Event::FollowUpScheduled(mut beyond) = chat.promises(1, now + TimeDelta::hours(25)) else { panic!() };
    beyond.needs_template = true;
    beyond.cancel_on = "never".to_owned();
    let within = chat.promises(2, now + TimeDelta::hours(1));
    system.record(&chat.aggregate, vec![beyond.into(), within]).await;
    system.caught_up().await;
    let api = system.api();
    let needs = async || -> Vec<Value> {
        let items = api.items(&format!("/api/v1/follow-ups?conversation_id={}&state=pending", chat.id)).await;
        items.iter().map(|f| f["needs_template"].clone()).collect()
    };
    assert_eq!(needs().await, [json!(false), json!(true)]);
    let timeline =
        api.items(&format!("/api/v1/conversations/{}/timeline?follow_up_id={}", chat.id, chat.follow_up_id(1))).await;
    assert!(timeline[0]["summary"].as_str().unwrap().contains("it will need a template"), "{timeline:?}");
    let conversation = api.get(&format!("/api/v1/conversations/{}", chat.id)).await.body;
    let until: DateTime<Utc> = conversation["window_until"].as_str().unwrap().parse().unwrap();
    assert!((until - now - TimeDelta::hours(24)).abs() < TimeDelta::minutes(1), "{until}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_stands_on_its_page_for_a_day() {
    let system = System::start().await;
    let chat = Chat::new(&tenant("default"), "ana");
    let due_at = Utc::now() - TimeDelta::hours(1);
    promise(&system, &chat, due_at).await;
    let _projector = system.project();
    system.record(&chat.aggregate, chat.keeps(1, due_at)).await;
    system.caught_up().await;
    let (clock, hand) = Clock::by_hand(Utc::now());
    let options = ConnectOptions { clock, ..ConnectOptions::new("reader") };
    let log = Log::connect(&system.nats.url(), options, system.shutdown.clone()).await.unwrap();
    let reads = Reads { log, ..system.reads(Guard::open()) };
    let api = Api { router: steward_projection::router(reads), key: None };
    let page = async || {
        let answer = api.send("/outbox?tab=done", &[]).await;
        let body = axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        String::from_utf8(body.to_vec()).unwrap()
    };
    let (shown, empty) = ("<p data-text>ping</p>", "Nothing went out in the last 24 hours.");
    for (hours, is_there) in [(0, true), (23, true), (2, false)] {
        hand.turn(TimeDelta::hours(hours));
        let page = page().await;
        assert_eq!((page.contains(shown), page.contains(empty)), (is_there, !is_there), "{page}");
    }
}
