//! The read side of the HTTP interface, as its users rely on it.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::time::Duration;

use axum::http::StatusCode;
use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};
use steward_domain::{ids, tenant::Role};
use steward_http::Guard;
use steward_proto::{Cause, Event, v1};
use support::{Api, System, stories::Chat, tenant};

async fn system_with_a_kept_promise() -> (System, support::Projector, Chat) {
    let system = System::start().await;
    let projector = system.project();
    let chat = Chat::new(&tenant("default"), "ana");
    let due_at = Utc::now();
    system.record(&chat.aggregate, vec![chat.writes("m:1", "ping me in 20 seconds")]).await;
    system
        .record(&chat.aggregate, vec![chat.promises(1, due_at), chat.promises(2, due_at + TimeDelta::hours(1))])
        .await;
    system.record(&chat.aggregate, chat.keeps(1, due_at)).await;
    (system, projector, chat)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_promise_and_a_cancelled_one_read_as_what_they_are() {
    let (system, _projector, chat) = system_with_a_kept_promise().await;
    let api = system.api();
    let position = system.record(&chat.aggregate, vec![chat.writes("m:2", "never mind")]).await;
    let after = position.to_string();
    let answer =
        api.get_with(&format!("/api/v1/follow-ups?conversation_id={}", chat.id), &[("steward-after", &after)]).await;
    assert_eq!(answer.position, Some(position));
    let [second, first] = &answer.body["items"].as_array().unwrap()[..] else { panic!("{}", answer.body) };
    assert_eq!(first["state"], "sent");
    assert!(first["sent_at"].is_string() && first["message_id"].is_string(), "{first}");
    assert_eq!(second["state"], "cancelled");
    assert_eq!(second["reason"]["code"], "client_responded");
    let events = api.items(&format!("/api/v1/events?conversation_id={}", chat.id)).await;
    assert_eq!(events[0]["id"], second["reason"]["event_id"], "the reason names the client's message");
    assert_eq!(events[0]["data"]["text"], "never mind");
    assert_eq!(events[0]["subject"], format!("ev.default.conversation.{}.client_responded", chat.id));

    let query = "/api/v1/conversations?channel_id=web&external_id=ana";
    let found = api.items(query).await;
    assert_eq!(found.len(), 1);
    let conversation = api.get(&format!("/api/v1/conversations/{}", chat.id)).await.body;
    assert_eq!(found[0], conversation);
    assert_eq!(
        conversation["contact"],
        json!({ "id": chat.contact_id(), "name": "Ana", "language": "es", "timezone": null, "followup_hour": null, "merged_into": null })
    );
    assert_eq!((&conversation["owner"], &conversation["pending_follow_ups"]), (&json!("bot"), &json!(0)));
    assert_eq!(conversation["position"], position);

    let messages = api.items(&format!("/api/v1/conversations/{}/messages", chat.id)).await;
    let shown: Vec<_> =
        messages.iter().map(|m| (m["direction"].as_str().unwrap(), m["state"].as_str().unwrap())).collect();
    assert_eq!(shown, [("in", "received"), ("out", "sent"), ("in", "received")]);
    assert_eq!(messages[1]["external_id"], "provider-1");
    assert_eq!(messages[1]["follow_up_id"], first["id"]);
    let outbox = api.get(&format!("/api/v1/outbox/{}", messages[1]["id"].as_str().unwrap())).await.body;
    assert_eq!((&outbox["attempts"], &outbox["state"]), (&json!(1), &json!("sent")));
    let one = api.get(&format!("/api/v1/follow-ups/{}", first["id"].as_str().unwrap())).await.body;
    assert_eq!(&one, first);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_timeline_says_in_words_what_led_to_what() {
    let (system, _projector, chat) = system_with_a_kept_promise().await;
    let api = system.api();
    system.caught_up().await;
    let cause_id: uuid::Uuid =
        api.items(&format!("/api/v1/events?type=ClientResponded&conversation_id={}", chat.id)).await[0]["id"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
    let cause = Cause {
        event: Some((cause_id, cause_id)),
        ..Cause::outside("brain:rules", steward_proto::new_traceparent([1; 24]))
    };
    let cancelled = v1::FollowUpCancelled {
        follow_up_id: chat.follow_up_id(2).to_string(),
        reason: Some(v1::Reason {
            code: "by_command".to_owned(),
            text: "cancelled by anna".to_owned(),
            event_id: "0193e9a0-0000-7000-8000-000000000001".to_owned(),
        }),
        ..v1::FollowUpCancelled::default()
    };
    system.record_because(&chat.aggregate, &cause, vec![cancelled.into()]).await;
    system.caught_up().await;
    let path = format!("/api/v1/conversations/{}/timeline", chat.id);
    let entries = api.items(&path).await;
    assert_eq!(entries.len(), 7);
    assert_eq!(entries[0]["summary"], "A follow-up was cancelled: cancelled by anna");
    assert_eq!(entries[0]["because"], json!([cause_id, "0193e9a0-0000-7000-8000-000000000001"]));
    assert_eq!(entries[6]["summary"], "Ana wrote “ping me in 20 seconds”");
    let chain = api.items(&format!("{path}?follow_up_id={}", chat.follow_up_id(2))).await;
    let types: Vec<_> = chain.iter().map(|e| e["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["FollowUpCancelled", "FollowUpScheduled", "ClientResponded"], "with what led to it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promise_that_was_renewed_has_one_history_and_ends_by_who_decided_last() {
    let system = System::start().await;
    let _projector = system.project();
    let chat = Chat::new(&tenant("default"), "ana");
    let due_at = Utc::now() + TimeDelta::hours(1);
    let promise = |number: u128, renews: Option<u128>| {
        let Event::FollowUpScheduled(mut e) = chat.promises(number, due_at) else { panic!() };
        e.renews = renews.map(|number| chat.follow_up_id(number).to_string()).unwrap_or_default();
        e.topic = "the contract".to_owned();
        Event::from(e)
    };
    system.record(&chat.aggregate, vec![chat.writes("m:1", "write to me in an hour")]).await;
    system.record(&chat.aggregate, vec![promise(1, None), promise(7, None)]).await;
    for number in 2..=4 {
        system.record(&chat.aggregate, vec![chat.writes(&format!("m:{number}"), "thanks")]).await;
        system.record(&chat.aggregate, vec![promise(number, Some(number - 1))]).await;
    }
    system.record(&chat.aggregate, vec![chat.writes("m:5", "cancel it")]).await;
    let why = |code: &str| {
        let reason = Some(v1::Reason { code: code.to_owned(), ..v1::Reason::default() });
        let follow_up_id = chat.follow_up_id(4).to_string();
        let confirms = code == "by_client";
        v1::FollowUpCancelled { follow_up_id, reason, confirms, ..v1::FollowUpCancelled::default() }
    };
    system.record(&chat.aggregate, vec![why("client_responded").into()]).await;
    system.record(&chat.aggregate, vec![why("by_client").into()]).await;
    system.caught_up().await;
    let api = system.api();
    let path = format!("/api/v1/conversations/{}/timeline", chat.id);
    let mut histories = Vec::new();
    for number in 1..=4 {
        let entries = api.items(&format!("{path}?follow_up_id={}", chat.follow_up_id(number))).await;
        let types: Vec<String> = entries.iter().map(|e| e["type"].as_str().unwrap().to_owned()).collect();
        histories.push(types);
    }
    let scheduled = ["FollowUpCancelled", "FollowUpCancelled"].into_iter().chain(["FollowUpScheduled"; 4]);
    let scheduled: Vec<&str> = scheduled.collect();
    assert!(histories.iter().all(|types| *types == scheduled), "{histories:?}");
    let other = api.items(&format!("{path}?follow_up_id={}", chat.follow_up_id(7))).await;
    assert_eq!(other.len(), 1, "another promise has its own");
    let last = api.get(&format!("/api/v1/follow-ups/{}", chat.follow_up_id(4))).await.body;
    assert_eq!((&last["state"], &last["reason"]["code"]), (&json!("cancelled"), &json!("by_client")));
    assert_eq!(last["topic"], "the contract");
    let first = api.get(&format!("/api/v1/follow-ups/{}", chat.follow_up_id(1))).await.body;
    assert_eq!(
        (&first["reason"]["code"], &first["renewed_by"]),
        (&json!("client_responded"), &json!(chat.follow_up_id(2).to_string()))
    );
    assert_eq!(api.items(&format!("{path}?follow_up_id=nothing")).await, [json!(null); 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_hold_everything_once_newest_first() {
    let system = System::start().await;
    let _projector = system.project();
    let chat = Chat::new(&tenant("default"), "ana");
    let events = (0..120).map(|n| chat.writes(&format!("m:{n}"), &n.to_string())).collect();
    system.record(&chat.aggregate, events).await;
    system.caught_up().await;
    let api = system.api();
    let mut texts = Vec::new();
    let mut path = format!("/api/v1/conversations/{}/messages?limit=7", chat.id);
    loop {
        let page = api.get(&path).await.body;
        texts.extend(page["items"].as_array().unwrap().iter().map(|m| m["text"].as_str().unwrap().to_owned()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/api/v1/conversations/{}/messages?limit=7&cursor={cursor}", chat.id);
    }
    assert_eq!(texts, (0..120).rev().map(|n| n.to_string()).collect::<Vec<_>>());
    let between = api.items("/api/v1/messages?after=10&before=13").await;
    assert_eq!(between.iter().map(|m| m["position"].as_u64().unwrap()).collect::<Vec<_>>(), [12, 11]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_question_is_answered_with_what_would_be_a_good_one() {
    let (system, _projector, chat) = system_with_a_kept_promise().await;
    system.caught_up().await;
    let api = system.api();
    for query in [
        "limit=0",
        "limit=1001",
        "limit=-1",
        "limit=x",
        "cursor=junk",
        "state=nope",
        "state=",
        "after=x",
        "colour=red",
        "conversation_id=%00",
        "limit=1&limit=2",
        "cancel_on=moon",
    ] {
        let answer = api.get(&format!("/api/v1/follow-ups?{query}")).await;
        assert_problem(&answer, StatusCode::BAD_REQUEST, query);
    }
    let other = Chat::new(&tenant("default"), "nobody");
    for path in [
        format!("conversations/{}", other.id),
        format!("conversations/{}/messages", other.id),
        format!("conversations/{}/timeline", other.id),
        format!("follow-ups/{}", other.follow_up_id(1)),
        "follow-ups/x".to_owned(),
        format!("outbox/{}", other.follow_up_id(1)),
        "contacts/x".to_owned(),
        "conversations/%00%ff..%2f".to_owned(),
    ] {
        assert_problem(&api.get(&format!("/api/v1/{path}")).await, StatusCode::NOT_FOUND, &path);
    }
    // A message that came in isn't in the outbox.
    let inbound = ids::inbound_message(chat.id, "m:1");
    assert_problem(&api.get(&format!("/api/v1/outbox/{inbound}")).await, StatusCode::NOT_FOUND, "inbound");
    let path = "/api/v1/follow-ups";
    let bad = api.get_with(path, &[("steward-after", "soon")]).await;
    assert_problem(&bad, StatusCode::BAD_REQUEST, "Steward-After");
    let never = api.get_with(path, &[("steward-after", "999999999")]).await;
    assert_problem(&never, StatusCode::GATEWAY_TIMEOUT, "Steward-After");
}

fn assert_problem(answer: &support::Answer, status: StatusCode, what: &str) {
    assert_eq!(answer.status, status, "{what}: {}", answer.body);
    assert_eq!(answer.content_type, "application/problem+json", "{what}");
    assert_eq!(answer.body["status"], status.as_u16(), "{what}");
    assert!(answer.body["title"].as_str().is_some_and(|t| !t.is_empty()), "{what}");
    assert!(answer.body["detail"].as_str().is_some_and(|d| d.len() > 20), "{what}: {}", answer.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_waits_for_the_position_it_asks_for() {
    let system = System::start().await;
    let chat = Chat::new(&tenant("default"), "ana");
    let position = system.record(&chat.aggregate, vec![chat.writes("m:1", "hello")]).await;
    let (api, path) = (system.api(), format!("/api/v1/conversations/{}", chat.id));
    let after = position.to_string();
    let headers = [("steward-after", after.as_str())];
    let reading = api.get_with(&path, &headers);
    tokio::pin!(reading);
    // No projector runs yet, so there is nothing to answer with.
    assert!(tokio::time::timeout(Duration::from_millis(200), &mut reading).await.is_err());
    let _projector = system.project();
    let answer = reading.await;
    assert_eq!((answer.status, answer.position), (StatusCode::OK, Some(position)));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_tenants_things_are_not_there() {
    let system = System::start().await;
    let _projector = system.project();
    let mut keys = Vec::new();
    for name in ["default", "other"] {
        let owner = tenant(name);
        let key = steward_http::create_key(&owner);
        let created = v1::ApiKeyCreated {
            key_id: key.key_id.clone(),
            role: Role::Reader.name().to_owned(),
            hash: key.hash.clone(),
            ..v1::ApiKeyCreated::default()
        };
        system.record(&ids::tenant_aggregate(&owner), vec![created.into()]).await;
        let chat = Chat::new(&owner, "ana");
        system.record(&chat.aggregate, vec![chat.writes("m:1", name), chat.promises(1, Utc::now())]).await;
        system.record(&chat.aggregate, chat.keeps(1, Utc::now())).await;
        keys.push(key.text);
    }
    // Another tenant's command with our contact's id doesn't change our contact.
    let theirs =
        ids::contact_aggregate(&tenant("other"), Chat::new(&tenant("default"), "ana").contact_id().parse().unwrap());
    let change = v1::ContactChanged { name: Some("Mallory".to_owned()), ..v1::ContactChanged::default() };
    system.record(&theirs, vec![change.into()]).await;
    system.caught_up().await;
    let open = Api { router: steward_projection::router(system.reads(Guard::keys(system.log.clone()))), key: None };
    assert_problem(&open.get("/api/v1/conversations").await, StatusCode::UNAUTHORIZED, "no key");
    for (name, key) in ["default", "other"].into_iter().zip(&keys) {
        let api = open.with_key(key);
        let own = Chat::new(&tenant(name), "ana");
        let foreign = Chat::new(&tenant(if name == "default" { "other" } else { "default" }), "ana");
        for list in ["conversations", "messages", "follow-ups", "outbox", "channels"] {
            let items = api.items_of(list).await;
            assert!(!items.is_empty(), "{list}");
            assert!(items.iter().all(|i| !i.to_string().contains(&foreign.id.to_string())), "{list}: {items:?}");
        }
        let subject = format!("ev.{name}.");
        let events = api.items_of("events").await;
        assert!(events.iter().all(|e| e["subject"].as_str().unwrap().starts_with(&subject)));
        assert_eq!(api.get(&format!("/api/v1/contacts/{}", own.contact_id())).await.body["name"], "Ana");
        for path in [
            format!("conversations/{}", foreign.id),
            format!("conversations/{}/messages", foreign.id),
            format!("conversations/{}/timeline", foreign.id),
            format!("follow-ups/{}", foreign.follow_up_id(1)),
        ] {
            assert_problem(&api.get(&format!("/api/v1/{path}")).await, StatusCode::NOT_FOUND, &path);
        }
    }
}

impl Api {
    async fn items_of(&self, list: &str) -> Vec<Value> {
        if list == "channels" {
            return self.get("/api/v1/channels").await.body["items"].as_array().unwrap().clone();
        }
        self.items(&format!("/api/v1/{list}")).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_postgres_cannot_hold_is_projected_all_the_same() {
    let system = System::start().await;
    let _projector = system.project();
    let chat = Chat::new(&tenant("default"), "ana");
    let nul = chat.writes("m:1", "a\0b");
    // The same message is recorded twice, as if deduplication had failed.
    let mut events = vec![nul.clone(), nul, chat.writes("m:2", "after it")];
    events.insert(1, v1::UpdateKept { kind: "poll\0".to_owned(), ..v1::UpdateKept::default() }.into());
    system.record(&chat.aggregate, events).await;
    system.caught_up().await;
    let messages = system.api().items(&format!("/api/v1/conversations/{}/messages", chat.id)).await;
    let texts: Vec<_> = messages.iter().map(|m| m["text"].as_str().unwrap()).collect();
    assert_eq!(texts, ["after it", "a\u{fffd}b"]);
    steward_projection::rebuild(&system.log, &system.pool).await.unwrap();
    assert_eq!(system.api().items(&format!("/api/v1/conversations/{}/messages", chat.id)).await, messages);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_and_documents_load_nothing_from_elsewhere() {
    let system = System::start().await;
    let projector = system.project();
    system.record(&Chat::new(&tenant("default"), "a").aggregate, vec![v1::HumanRequested::default().into()]).await;
    system.caught_up().await;
    let api = system.api();
    for path in ["/inbox", "/promises", "/outbox", "/live", "/system", "/settings", "/try"] {
        let page = api.send(path, &[]).await;
        assert_eq!(page.status(), StatusCode::OK, "{path}");
        let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        let html = axum::body::to_bytes(page.into_body(), usize::MAX).await.unwrap();
        let html = std::str::from_utf8(&html).unwrap();
        for foreign in ["http://", "https://", " style=", " onclick=", "<style", "<script>"] {
            assert!(!html.contains(foreign), "{path} has {foreign}");
        }
        assert!(html.len() < 40_000, "{path}");
    }
    assert_eq!(api.get("/asyncapi.json").await.body["asyncapi"], "3.0.0");
    projector.stop().await;
}
