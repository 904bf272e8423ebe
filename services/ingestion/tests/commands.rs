//! Commands over HTTP: what they make, what they refuse, what a repeat does.

#![allow(clippy::unwrap_used)]

mod world;

use std::{
    convert::Infallible,
    time::{Duration, Instant},
};

use axum::http::{Method, StatusCode};
use chrono::{DateTime, TimeDelta, Utc};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use steward_domain::{conversation::Conversation, ids, tenant::Tenant};
use steward_http::Guard;
use steward_log::{AtLeast, Clock};
use steward_proto::{AggregateId, Cause, Event, Fold, NewEvent, TenantId, new_traceparent, v1};
use uuid::Uuid;
use world::World;

fn in_an_hour() -> String {
    (Utc::now() + TimeDelta::hours(1)).to_rfc3339()
}

async fn state(world: &World, id: &str) -> Conversation {
    let id = ids::conversation_aggregate(&world.tenant, id.parse().unwrap());
    (*world.log.load::<Conversation>(&id, AtLeast::Latest).await.unwrap().state).clone()
}

fn web(contact: &str, text: &str) -> Value {
    json!({"channel_id": "web", "contact": {"id": contact, "name": "Ana", "language": "es"}, "text": text})
}

#[tokio::test]
async fn a_web_message_is_recorded_once_per_key() {
    let world = World::start().await;
    let post = |key: &'static str, body: Value| world.keyed(key, "/api/v1/messages", body);
    let first = post("k1", web("ana", "hola")).await;
    assert_eq!(first.status, StatusCode::CREATED, "{:?}", first.body);
    let again = post("k1", web("ana", "hola")).await;
    assert_eq!((again.status, again.json()), (first.status, first.json()));
    let conversation = first.text("conversation_id");
    assert_eq!(conversation, ids::conversation(&world.tenant, "web", "ana").to_string());
    for other in [web("ana", "adiós"), web("bea", "hola")] {
        let refused = post("k1", other.clone()).await;
        assert_eq!((refused.status, refused.text("code").as_str()), (StatusCode::UNPROCESSABLE_ENTITY, "key_reused"));
        // Also by a process that never saw the key.
        let beside = World::start_beside(&world).await;
        if other["contact"]["id"] == "bea" {
            let refused = beside.keyed("k1", "/api/v1/messages", other).await;
            assert_eq!(refused.text("code"), "key_reused");
        }
    }
    let mut named = web("ana", "otra vez");
    named["external_id"] = json!("m-1 ✓");
    for _ in 0..2 {
        assert_eq!(world.command(Method::POST, "/api/v1/messages", named.clone()).await.status, StatusCode::CREATED);
    }
    assert_eq!(world.types(&conversation).await, ["ClientResponded"; 2]);
    for _ in 0..2 {
        world.command(Method::POST, "/api/v1/messages", web("ana", "sin clave")).await;
    }
    assert_eq!(world.types(&conversation).await, ["ClientResponded"; 4]);
}

#[tokio::test]
async fn a_repeat_is_recognised_by_a_process_that_never_saw_the_key() {
    let began = Utc::now();
    let (clock, hand) = Clock::by_hand(began);
    let world = World::start_by(clock).await;
    let beside = World::start_beside(&world).await;
    let id = world.client(42).await;
    let due = began + TimeDelta::hours(1);
    let body = json!({"conversation_id": id, "text": "x", "due_at": due.to_rfc3339()});
    for path in ["/api/v1/outbox", "/api/v1/follow-ups"] {
        let first = world.keyed("same", path, body.clone()).await;
        assert_eq!(first.status, StatusCode::CREATED, "{:?}", first.body);
    }
    hand.turn(TimeDelta::hours(1));
    for path in ["/api/v1/outbox", "/api/v1/follow-ups"] {
        let repeat = beside.keyed("same", path, body.clone()).await;
        assert_eq!(repeat.status, StatusCode::CREATED, "{path}: its time has passed, and it is a repeat all the same");
    }
    assert_eq!(world.types(&id).await, ["ClientResponded", "MessageQueued", "FollowUpScheduled"]);
}

#[tokio::test]
async fn another_body_under_a_key_is_refused_by_a_process_that_never_saw_the_key() {
    let world = World::start().await;
    let id = world.client(42).await;
    let write = format!("/api/v1/conversations/{id}/messages");
    let (due, later) = (in_an_hour(), (Utc::now() + TimeDelta::hours(2)).to_rfc3339());
    let promise = |more: Value| {
        let mut body =
            json!({ "conversation_id": id, "text": "x", "phrase": "in 3 days at 10", "reason": "they asked" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let cases = [
        (
            "/api/v1/follow-ups",
            promise(json!({})),
            vec![
                promise(json!({ "text": "y" })),
                promise(json!({ "phrase": "in 4 days at 10" })),
                promise(json!({ "cancel_on": "never" })),
                promise(json!({ "reason": "we asked" })),
                promise(json!({ "action": { "kind": "compose", "prompt": "z" } })),
            ],
        ),
        (
            "/api/v1/outbox",
            json!({ "conversation_id": id, "text": "x", "due_at": due }),
            vec![
                json!({ "conversation_id": id, "text": "y", "due_at": due }),
                json!({ "conversation_id": id, "text": "x", "due_at": later }),
                json!({ "conversation_id": id, "text": "x", "due_at": due, "on_reply": "keep" }),
            ],
        ),
        (write.as_str(), json!({ "text": "x" }), vec![json!({ "text": "y" }), json!({ "text": "x", "send_at": due })]),
        ("/api/v1/messages", web("ana", "hola"), vec![web("ana", "adiós")]),
    ];
    let mut made = Vec::new();
    for (path, body, _) in &cases {
        let first = world.keyed("same", path, body.clone()).await;
        assert_eq!(first.status, StatusCode::CREATED, "{path}: {:?}", first.body);
        made.push(first.text("id"));
    }
    // What was made may have changed meanwhile: that the command is the same counts.
    let changed = json!({ "text": "changed", "due_at": later });
    let path = format!("/api/v1/follow-ups/{}", made[0]);
    assert_eq!(world.command(Method::PATCH, &path, changed).await.status, StatusCode::OK);
    let before = world.events().await.len();
    for ((path, body, others), id) in cases.iter().zip(&made) {
        for other in others {
            let beside = World::start_beside(&world).await;
            let refused = beside.keyed("same", path, other.clone()).await;
            let code = (refused.status, refused.text("code"));
            assert_eq!(code, (StatusCode::UNPROCESSABLE_ENTITY, "key_reused".to_owned()), "{path}: {other}");
        }
        let beside = World::start_beside(&world).await;
        let repeat = beside.keyed("same", path, body.clone()).await;
        assert_eq!((repeat.status, &repeat.text("id")), (StatusCode::CREATED, id), "{path}: {:?}", repeat.body);
    }
    assert_eq!(world.events().await.len(), before, "nothing was done twice");
}

#[tokio::test]
async fn any_contact_id_is_fine_and_bad_messages_are_refused() {
    let world = World::start().await;
    for id in ["a.b", "a*", ">", "a b", "Ünï", "../../etc", "line\nbreak"] {
        let answer = world.command(Method::POST, "/api/v1/messages", web(id, "x")).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{id}");
    }
    let with = |change: fn(&mut Value)| {
        let mut body = web("ana", "x");
        change(&mut body);
        body
    };
    for (body, status) in [
        (web("", "x"), StatusCode::UNPROCESSABLE_ENTITY),
        (web(&"x".repeat(300), "x"), StatusCode::UNPROCESSABLE_ENTITY),
        (web("ana", " "), StatusCode::UNPROCESSABLE_ENTITY),
        (with(|b| b["channel_id"] = json!("tg")), StatusCode::UNPROCESSABLE_ENTITY),
        (with(|b| b["channel_id"] = json!("foreign")), StatusCode::NOT_FOUND),
        (with(|b| b["channel_id"] = json!("nope")), StatusCode::NOT_FOUND),
        (with(|b| b["contact"]["timezone"] = json!("Mars/Base")), StatusCode::UNPROCESSABLE_ENTITY),
        (with(|b| b["contact"]["language"] = json!("tlh")), StatusCode::UNPROCESSABLE_ENTITY),
        (with(|b| b["contact"]["age"] = json!(7)), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({}), StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        let answer = world.command(Method::POST, "/api/v1/messages", body.clone()).await;
        assert_eq!(answer.status, status, "{body}");
        assert!(answer.text("detail").len() > 10);
    }
    let plain = world.send(Method::POST, "/api/v1/messages", &[], web("ana", "x").to_string()).await;
    assert_eq!(plain.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn a_human_takes_over_writes_and_gives_back() {
    let world = World::start().await;
    let id = world.client(42).await;
    let at = |what: &str| format!("/api/v1/conversations/{id}/{what}");
    let post = |what: &str, body: Value| {
        let path = at(what);
        let world = &world;
        async move { world.command(Method::POST, &path, body).await }
    };
    // One for later begins no takeover; one for now does.
    let later = post("messages", json!({"text": "see you", "send_at": in_an_hour()})).await;
    assert_eq!(later.status, StatusCode::CREATED, "{:?}", later.body);
    assert!(!state(&world, &id).await.human_active());
    let now = world.keyed("k", &at("messages"), json!({"text": "hello"})).await;
    let again = world.keyed("k", &at("messages"), json!({"text": "hello"})).await;
    assert_eq!(now.json(), again.json());
    let expected = ["ClientResponded", "MessageQueued", "HumanTakeoverStarted", "MessageQueued"];
    assert_eq!(world.types(&id).await, expected);
    assert_eq!(post("release", json!({"by": "anna"})).await.status, StatusCode::OK);
    assert_eq!(post("release", json!({"by": "anna"})).await.text("code"), "not_taken_over");
    assert_eq!(post("takeover", json!({"by": "anna", "note": "vip"})).await.status, StatusCode::OK);
    let refused = post("takeover", json!({"by": "anna"})).await;
    assert_eq!((refused.status, refused.text("code").as_str()), (StatusCode::CONFLICT, "already_taken_over"));
    assert_eq!(world.keyed("t", &at("takeover"), json!({"by": "anna"})).await.status, StatusCode::OK);
    for (what, body) in [
        ("takeover", json!({"by": " "})),
        ("messages", json!({"text": ""})),
        ("messages", json!({"text": "x", "send_at": "2001-01-01T00:00:00Z"})),
        ("messages", json!({"text": "x", "send_at": "soon"})),
    ] {
        assert_eq!(post(what, body).await.status, StatusCode::UNPROCESSABLE_ENTITY, "{what}");
    }
    for unknown in [Uuid::new_v4().to_string(), "junk".to_owned()] {
        for (what, body) in
            [("takeover", json!({"by": "a"})), ("release", json!({"by": "a"})), ("messages", json!({"text": "a"}))]
        {
            let path = format!("/api/v1/conversations/{unknown}/{what}");
            assert_eq!(world.command(Method::POST, &path, body).await.status, StatusCode::NOT_FOUND, "{what}");
        }
    }
}

#[tokio::test]
async fn a_follow_up_is_promised_moved_and_taken_back() {
    let world = World::start().await;
    let id = world.client(42).await;
    let due = in_an_hour();
    let body = json!({"conversation_id": id, "text": "the contract", "due_at": due, "reason": "asked on the phone",
        "intention": "remind", "cancel_on": "never"});
    let made = world.keyed("f", "/api/v1/follow-ups", body.clone()).await;
    assert_eq!(made.status, StatusCode::CREATED, "{:?}", made.body);
    let follow_up = made.text("id");
    assert_eq!(world.keyed("f", "/api/v1/follow-ups", body).await.text("id"), follow_up);
    let promised = state(&world, &id).await.follow_ups[&follow_up.parse().unwrap()].clone();
    assert_eq!((promised.text.as_str(), promised.scheduled_reason.as_str()), ("the contract", "asked on the phone"));
    assert!(made.json()["position"].as_u64().unwrap() >= 2);

    let path = format!("/api/v1/follow-ups/{follow_up}");
    let moved = world
        .command(
            Method::PATCH,
            &path,
            json!({"due_at": (Utc::now() + TimeDelta::hours(2)).to_rfc3339(), "text": "both"}),
        )
        .await;
    assert_eq!(moved.status, StatusCode::OK, "{:?}", moved.body);
    let changed = state(&world, &id).await.follow_ups[&follow_up.parse().unwrap()].clone();
    assert!(changed.text == "both" && changed.due_at > promised.due_at);
    let nothing = world.command(Method::PATCH, &path, json!({})).await;
    assert_eq!(nothing.status, StatusCode::UNPROCESSABLE_ENTITY);

    let gone = world.send(Method::DELETE, &path, &[], "").await;
    assert_eq!((gone.status, gone.text("id")), (StatusCode::OK, follow_up));
    let refused = world.command(Method::DELETE, &path, json!({"reason": "again"})).await;
    assert_eq!((refused.status, refused.text("code").as_str()), (StatusCode::CONFLICT, "already_cancelled"));
    assert_eq!(
        world.types(&id).await,
        ["ClientResponded", "FollowUpScheduled", "FollowUpMoved", "FollowUpTextChanged", "FollowUpCancelled"]
    );
}

#[tokio::test]
async fn a_bad_follow_up_is_refused_with_a_reason() {
    let world = World::start().await;
    let id = world.client(42).await;
    let due = in_an_hour();
    let u = StatusCode::UNPROCESSABLE_ENTITY;
    for (body, status) in [
        (json!({"conversation_id": id, "text": "a", "due_at": "2001-01-01T00:00:00Z"}), u),
        (json!({"conversation_id": id, "text": "a", "due_at": "2100-01-01T00:00:00Z"}), u),
        (json!({"conversation_id": id, "text": "a"}), u),
        (json!({"conversation_id": id, "text": "a", "due_at": due, "phrase": "tomorrow"}), u),
        (json!({"conversation_id": id, "text": "a", "phrase": "зелёный стул"}), u),
        (json!({"conversation_id": id, "text": "", "due_at": due}), u),
        (json!({"conversation_id": id, "text": "a", "due_at": "2026-12-01T10:00:00"}), u),
        (json!({"conversation_id": id, "text": "a", "due_at": due, "cancel_on": "moon"}), u),
        (json!({"conversation_id": id, "text": "a", "due_at": due, "due": 1}), u),
        (json!({"conversation_id": id, "due_at": due, "action": {"kind": "dance"}}), u),
        (json!({"conversation_id": id, "due_at": due, "action": {"kind": "tool"}}), u),
        (json!({"conversation_id": Uuid::new_v4(), "text": "a", "due_at": due}), StatusCode::NOT_FOUND),
        (json!({"conversation_id": "x", "text": "a", "due_at": due}), StatusCode::NOT_FOUND),
    ] {
        let answer = world.command(Method::POST, "/api/v1/follow-ups", body.clone()).await;
        assert_eq!(answer.status, status, "{body}: {:?}", answer.body);
        assert!(answer.text("detail").len() > 10);
    }
    let broken = [("content-type", "application/json")];
    let answer = world.send(Method::POST, "/api/v1/follow-ups", &broken, "text=1").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    for unknown in [Uuid::new_v4().to_string(), format!("{}f{}", "a".repeat(32), "b".repeat(32)), "%ff".to_owned()] {
        let answer = world.send(Method::DELETE, &format!("/api/v1/follow-ups/{unknown}"), &[], "").await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{unknown}");
    }
    assert_eq!(world.types(&id).await, ["ClientResponded"]);
}

#[tokio::test]
async fn a_message_for_later_is_queued_replaced_moved_and_cancelled() {
    let world = World::start().await;
    let id = world.client(42).await;
    let new = |text: &str| json!({"conversation_id": id, "text": text, "due_at": in_an_hour(), "key": "news"});
    let first = world.command(Method::POST, "/api/v1/outbox", new("one")).await;
    assert_eq!(first.status, StatusCode::CREATED, "{:?}", first.body);
    let second = world.command(Method::POST, "/api/v1/outbox", new("two")).await.text("id");
    let path = |id: &str, what: &str| format!("/api/v1/outbox/{id}/{what}");
    let to = json!({"due_at": (Utc::now() + TimeDelta::hours(3)).to_rfc3339()});
    assert_eq!(world.command(Method::POST, &path(&second, "move"), to.clone()).await.status, StatusCode::OK);
    let replaced = world.command(Method::POST, &path(&first.text("id"), "move"), to).await;
    assert_eq!((replaced.status, replaced.text("code").as_str()), (StatusCode::CONFLICT, "not_queued"));
    let early = world.send(Method::POST, &path(&second, "retry"), &[], "").await;
    assert_eq!((early.status, early.text("code").as_str()), (StatusCode::CONFLICT, "not_retryable"));
    assert_eq!(world.send(Method::POST, &path(&second, "cancel"), &[], "").await.status, StatusCode::OK);
    assert_eq!(world.send(Method::POST, &path(&second, "cancel"), &[], "").await.status, StatusCode::CONFLICT);
    let keyed = [("idempotency-key", "c")];
    assert_eq!(world.send(Method::POST, &path(&second, "cancel"), &keyed, "").await.status, StatusCode::OK);
    assert_eq!(
        world.types(&id).await,
        ["ClientResponded", "MessageQueued", "MessageCancelled", "MessageQueued", "MessageMoved", "MessageCancelled"]
    );
    let other = json!({"conversation_id": id, "text": "x", "on_reply": "later"});
    let refused = world.command(Method::POST, "/api/v1/outbox", other).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_contact_is_changed_and_archived() {
    let world = World::start().await;
    world.client(42).await;
    let contact = ids::contact(&world.tenant, "tg", "42").to_string();
    let path = format!("/api/v1/contacts/{contact}");
    let changed = world.command(Method::PATCH, &path, json!({"timezone": "Asia/Makassar", "followup_hour": 9})).await;
    assert_eq!((changed.status, changed.text("id")), (StatusCode::OK, contact.clone()));
    for body in [json!({"timezone": "x"}), json!({"language": "xx"}), json!({"followup_hour": 24}), json!({})] {
        let refused = world.command(Method::PATCH, &path, body.clone()).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
    }
    for _ in 0..2 {
        let archived = world.send(Method::POST, &format!("{path}/archive"), &[], "").await;
        assert_eq!(archived.status, StatusCode::OK);
    }
    let of = |e: &Event| matches!(e, Event::ContactChanged(_) | Event::ContactArchived(_));
    assert_eq!(world.events().await.iter().filter(|r| of(&r.event)).count(), 2);
}

#[tokio::test]
async fn a_key_opens_its_own_tenant_as_far_as_its_role_goes() {
    let server = world::server::Server::start().await;
    let world = World::start_on(server, Guard::keys).await;
    let operator = world.key("default", "operator").await;
    let (reader, other) = (world.key("default", "reader").await, world.key("others", "admin").await);
    let post = async |key: Option<&str>| {
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(key.map(|k| ("authorization", k)));
        world.send(Method::POST, "/api/v1/messages", &headers, web("ana", "x").to_string()).await.status
    };
    assert_eq!(post(Some(&operator)).await, StatusCode::CREATED);
    assert_eq!(post(Some(&reader)).await, StatusCode::FORBIDDEN);
    assert_eq!(post(Some(&other)).await, StatusCode::NOT_FOUND);
    for wrong in [None, Some("Bearer sk_default_0000"), Some("Basic x"), Some("Bearer nonsense")] {
        assert_eq!(post(wrong).await, StatusCode::UNAUTHORIZED, "{wrong:?}");
    }
    // Webhooks have secrets of their own.
    world.update(&world.message(42, 42, "x")).await;
}

#[tokio::test]
async fn settings_put_in_force_count_for_the_next_command() {
    let world = World::start().await;
    let id = world.client(42).await;
    let body = json!({"conversation_id": id, "text": "x", "phrase": "in 3 days"});
    let schedule = async || world.command(Method::POST, "/api/v1/follow-ups", body.clone()).await;
    let made = schedule().await;
    assert_eq!(made.status, StatusCode::CREATED, "{:?}", made.body);
    let mut settings = world::settings();
    settings.limits.open_follow_ups = 2;
    settings.defaults.followup_hour = 7;
    settings.defaults.timezone = "Asia/Makassar".parse().unwrap();
    world.source.put(settings);
    let made = schedule().await;
    assert_eq!(made.status, StatusCode::CREATED, "{:?}", made.body);
    let due = state(&world, &id).await.follow_ups[&made.text("id").parse().unwrap()].due_at;
    let local = due.with_timezone(&chrono_tz::Asia::Makassar).time();
    assert_eq!(local, chrono::NaiveTime::from_hms_opt(7, 0, 0).unwrap());
    let refused = schedule().await;
    assert_eq!((refused.status, refused.text("code").as_str()), (StatusCode::CONFLICT, "too_many_follow_ups"));
}

#[tokio::test]
async fn a_phrase_is_read_in_the_contacts_own_zone() {
    let world = World::start().await;
    let id = world.client(42).await;
    let contact = ids::contact(&world.tenant, "tg", "42");
    let zone: chrono_tz::Tz = "Asia/Makassar".parse().unwrap();
    let settings = json!({"timezone": zone.name(), "followup_hour": 9});
    world.command(Method::PATCH, &format!("/api/v1/contacts/{contact}"), settings).await;
    let schedule = async |phrase: &str| {
        let body = json!({"conversation_id": id, "text": "x", "phrase": phrase});
        world.command(Method::POST, "/api/v1/follow-ups", body).await
    };
    let made = schedule("in 3 days").await;
    assert_eq!(made.status, StatusCode::CREATED, "{:?}", made.body);
    let promised = state(&world, &id).await.follow_ups[&made.text("id").parse().unwrap()].clone();
    let local = promised.due_at.with_timezone(&zone);
    assert_eq!(local.time(), chrono::NaiveTime::from_hms_opt(9, 0, 0).unwrap());
    assert_eq!((promised.timezone.as_str(), promised.phrase.as_str()), (zone.name(), "in 3 days"));
    assert!(!promised.rule.is_empty());
    let past = schedule("yesterday").await;
    assert_eq!(past.status, StatusCode::UNPROCESSABLE_ENTITY, "{:?}", past.body);
    let two = schedule("in 3 days or in 5 days").await;
    assert_eq!((two.status, two.text("code").as_str()), (StatusCode::UNPROCESSABLE_ENTITY, "ambiguous_time"));
    assert!(two.text("detail").contains("in 3 days or in 5 days"));
    let moved = json!({"phrase": "in 3 hours"});
    let path = format!("/api/v1/follow-ups/{}", made.text("id"));
    assert_eq!(world.command(Method::PATCH, &path, moved).await.status, StatusCode::OK);
    let due = state(&world, &id).await.follow_ups[&made.text("id").parse().unwrap()].due_at;
    assert!((due - Utc::now() - TimeDelta::hours(3)).num_seconds().abs() < 60);
}

#[tokio::test]
async fn what_is_not_there_or_another_tenants_is_not_found_and_nothing_is_made_up() {
    let server = world::server::Server::start().await;
    let world = World::start_on(server, Guard::keys).await;
    let (own, theirs) = (world.key("default", "admin").await, world.key("others", "admin").await);
    let send = async |key: &str, method: &Method, path: &str, body: &Value| {
        let headers = [("content-type", "application/json"), ("authorization", key)];
        world.send(method.clone(), path, &headers, body.to_string()).await
    };
    let post = Method::POST;
    let message = json!({"channel_id": "foreign", "contact": {"id": "ana"}, "text": "x"});
    let made = send(&theirs, &post, "/api/v1/messages", &message).await;
    let conversation = made.text("conversation_id");
    let queued = json!({"conversation_id": conversation, "text": "x", "due_at": in_an_hour()});
    let queue = send(&theirs, &post, "/api/v1/outbox", &queued).await.text("id");
    let follow_up = send(&theirs, &post, "/api/v1/follow-ups", &queued).await.text("id");
    let hook = json!({"url": "https://1.1.1.1/", "types": ["*"]});
    let webhook = send(&theirs, &post, "/api/v1/webhooks", &hook).await.text("id");
    let contact = ids::contact(&TenantId::new("others").unwrap(), "foreign", "ana").to_string();
    let before = world.events().await.len();
    // Each as it is with theirs, and with what nobody has.
    let unknown = Uuid::new_v4();
    let part = |kind: char| format!("{}{kind}{}", unknown.simple(), unknown.simple());
    let delivery = |id: &str| format!("{}d3", id.replace('-', ""));
    for (conversation, queue, follow_up, contact, webhook) in [
        (conversation, queue, follow_up, contact, webhook),
        (unknown.to_string(), part('m'), part('f'), unknown.to_string(), unknown.to_string()),
    ] {
        let due = in_an_hour();
        let commands = [
            (&post, format!("conversations/{conversation}/takeover"), json!({"by": "eve"})),
            (&post, format!("conversations/{conversation}/release"), json!({"by": "eve"})),
            (&post, format!("conversations/{conversation}/resolve"), json!({"by": "eve"})),
            (&post, format!("conversations/{conversation}/messages"), json!({"text": "x"})),
            (&post, format!("conversations/{conversation}/messages"), json!({"text": "x", "send_at": due})),
            (&post, "follow-ups".to_owned(), json!({"conversation_id": conversation, "text": "x", "due_at": due})),
            (&post, "outbox".to_owned(), json!({"conversation_id": conversation, "text": "x"})),
            (&Method::PATCH, format!("follow-ups/{follow_up}"), json!({"text": "x"})),
            (&Method::PATCH, format!("follow-ups/{follow_up}"), json!({"due_at": due})),
            (&Method::DELETE, format!("follow-ups/{follow_up}"), json!({})),
            (&Method::PATCH, format!("outbox/{queue}"), json!({"text": "x"})),
            (&post, format!("outbox/{queue}/cancel"), json!({})),
            (&post, format!("outbox/{queue}/hold"), json!({})),
            (&post, format!("outbox/{queue}/approve"), json!({"hash": "x"})),
            (&post, format!("outbox/{queue}/retry"), json!({})),
            (&post, format!("outbox/{queue}/move"), json!({"due_at": due})),
            (&Method::PATCH, format!("contacts/{contact}"), json!({"name": "Eve"})),
            (&post, format!("contacts/{contact}/archive"), json!({})),
            (&post, format!("contacts/{contact}/merge"), json!({"into": Uuid::new_v4()})),
            (&post, format!("contacts/{contact}/split"), json!({})),
            (&Method::DELETE, format!("webhooks/{webhook}"), json!({})),
            (&post, format!("webhooks/{webhook}/rotate"), json!({})),
            (&post, format!("webhooks/deliveries/{}/retry", delivery(&webhook)), json!({})),
            (&post, format!("webhooks/{webhook}/deliveries/{}/retry", delivery(&webhook)), json!({})),
        ];
        for (method, path, body) in commands {
            let answer = send(&own, method, &format!("/api/v1/{path}"), &body).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{method} {path}: {:?}", answer.body);
        }
    }
    let made_up: Vec<_> =
        world.events().await.into_iter().skip(before).map(|r| r.event.type_name().to_owned()).collect();
    assert!(made_up.is_empty(), "{made_up:?}");
}

#[tokio::test]
async fn texts_of_a_command_are_bounded() {
    let world = World::start().await;
    let id = world.client(42).await;
    let long = "x".repeat(100_000);
    for (path, body) in [
        ("/api/v1/outbox".to_owned(), json!({"conversation_id": id, "text": long})),
        ("/api/v1/outbox".to_owned(), json!({"conversation_id": id, "text": "x", "key": long})),
        ("/api/v1/follow-ups".to_owned(), json!({"conversation_id": id, "text": "x", "phrase": long})),
        (format!("/api/v1/conversations/{id}/takeover"), json!({"by": long})),
    ] {
        let refused = world.command(Method::POST, &path, body).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}");
        assert!(refused.text("detail").contains("at most"), "{:?}", refused.body);
    }
    // What a client wrote is a fact: it is kept, cut, and all of it stands in the raw body.
    let said = world.command(Method::POST, "/api/v1/messages", web("ana\r\n", &long)).await;
    assert_eq!(said.status, StatusCode::CREATED);
    let Event::ClientResponded(said) = world.last_of(&said.text("conversation_id")).await else { panic!() };
    assert!(said.text.len() <= 64 << 10 && said.text.ends_with('…') && said.full_text == long);
    let source = said.source.unwrap();
    assert!(source.external_id.starts_with("sha256:") && source.raw.len() > 100_000);
}

/// Begins a decision that the log doesn't take: the next ones on the same aggregate stand behind it.
fn hold_up<S: Fold>(world: &World, aggregate: AggregateId) {
    let log = world.log.clone();
    tokio::spawn(async move {
        let cause = Cause::outside("service:test", new_traceparent([7; 24]));
        let event = || NewEvent::new(Uuid::now_v7(), Utc::now(), &cause, v1::UpdateKept::default());
        log.decide(&aggregate, AtLeast::Cached, |_: &S, _| Ok::<_, Infallible>((vec![event()], ()))).await
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn no_command_keeps_its_caller_waiting_while_the_log_hangs() {
    let world = World::start().await;
    let conversation = world.client(4711).await;
    let contact = ids::contact(&world.tenant, "tg", "4711");
    let hook = json!({"url": "https://1.1.1.1/hook", "types": ["*"]});
    let webhook = world.command(Method::POST, "/api/v1/webhooks", hook).await.text("id");
    let server = world.server.as_ref().unwrap();
    let tenant = &world.tenant;
    // What is loaded is known, so that each waits to be appended.
    world.command(Method::POST, &format!("/api/v1/conversations/{conversation}/takeover"), json!({"by": "anna"})).await;
    world.command(Method::PATCH, &format!("/api/v1/contacts/{contact}"), json!({"name": "Ana"})).await;
    world.log.load::<Tenant>(&ids::tenant_aggregate(tenant), AtLeast::Latest).await.unwrap();
    server.signal(Signal::SIGSTOP);
    let began = Instant::now();
    hold_up::<Tenant>(&world, ids::tenant_aggregate(tenant));
    let calls = [
        (Method::POST, format!("/api/v1/conversations/{conversation}/release"), json!({"by": "anna"})),
        (Method::PATCH, format!("/api/v1/contacts/{contact}"), json!({"name": "Anna"})),
        (Method::POST, format!("/api/v1/webhooks/{webhook}/rotate"), json!({})),
        (Method::POST, "/api/v1/breaker/reset".to_owned(), json!({})),
    ];
    let world = &world;
    let answers = calls.map(|(method, path, body)| async move {
        let answer = world.command(method, &path, body).await;
        (path, answer)
    });
    for (path, answer) in futures::future::join_all(answers).await {
        let code = answer.json()["code"].clone();
        assert_eq!((answer.status, code), (StatusCode::SERVICE_UNAVAILABLE, json!("log_unavailable")), "{path}");
    }
    assert!(began.elapsed() < Duration::from_secs(25), "{:?}", began.elapsed());
    server.signal(Signal::SIGCONT);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_past_what_is_too_far_and_what_is_shown_again_is_told_by_the_clock() {
    let began: DateTime<Utc> = "2031-03-01T12:00:00Z".parse().unwrap();
    let (clock, hand) = Clock::by_hand(began);
    let world = World::start_by(clock).await;
    let said = world.command(Method::POST, "/api/v1/messages", web("ana", "hola")).await;
    let conversation = said.text("conversation_id");
    let recorded = world.log.read(said.json()["position"].as_u64().unwrap()).await.unwrap().unwrap();
    assert_eq!(recorded.metadata.at, began);
    let promised = async |key: &str, due_at: &str| {
        let body = json!({"conversation_id": conversation, "text": "well?", "due_at": due_at});
        let answer = world.keyed(key, "/api/v1/follow-ups", body).await;
        (answer.status.as_u16(), answer.json()["code"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(promised("1", "2031-03-01T11:59:59Z").await, (422, "past".to_owned()));
    assert_eq!(promised("2", "2033-03-02T12:00:00Z").await, (422, "too_far".to_owned()));
    assert_eq!(promised("3", "2031-03-01T12:30:00Z").await, (201, String::new()));
    hand.turn(TimeDelta::hours(1));
    assert_eq!(promised("4", "2031-03-01T12:30:00Z").await, (422, "past".to_owned()));
    // A phrase is read at the same time.
    let body = json!({"conversation_id": conversation, "text": "well?", "phrase": "en dos horas"});
    let id = world.command(Method::POST, "/api/v1/follow-ups", body).await.text("id");
    assert_eq!(state(&world, &conversation).await.follow_ups[&id.parse().unwrap()].due_at, began + TimeDelta::hours(3));

    let hook = json!({"url": "https://1.1.1.1/hook", "types": ["*"]});
    let made = world.keyed("hook", "/api/v1/webhooks", hook.clone()).await.text("secret");
    hand.turn(TimeDelta::hours(23));
    assert_eq!(world.keyed("hook", "/api/v1/webhooks", hook.clone()).await.text("secret"), made);
    hand.turn(TimeDelta::hours(2));
    assert_eq!(world.keyed("hook", "/api/v1/webhooks", hook).await.text("code"), "secret_shown");
}
