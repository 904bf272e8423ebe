//! An event from a newer version: readers show it as it is, and nobody decides on half the truth.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{convert::Infallible, time::Duration};

use async_nats::HeaderMap;
use chrono::{TimeDelta, Utc};
use serde_json::json;
use steward_domain::{
    address::Address, contact::Contact, conversation::Conversation, ids, inbox::Inbox, tenant::Tenant, webhook::Webhook,
};
use steward_log::{Append, AtLeast, ConnectOptions, DecideError, Expected, HandleError, Log};
use steward_proto::{AggregateId, Cause, Event, Fold, NewEvent, TenantId, header, v1};
use steward_tests::{Config, System, Telegram, updates};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const SOON: Duration = Duration::from_secs(120);

/// A newer version writes what this one doesn't know: its id, and where it stands.
async fn from_the_future(system: &System, subject: &str) -> (String, u64) {
    let id = Uuid::now_v7().to_string();
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
    let sent = jetstream.publish_with_headers(subject.to_owned(), headers, "full moon".into()).await.unwrap();
    (id, sent.await.unwrap().sequence)
}

/// Nothing is decided on the aggregate, whatever is wanted, and that is for good.
async fn refuses<S: Fold>(log: &Log, aggregate: &AggregateId) {
    let version = log.load::<S>(aggregate, AtLeast::Latest).await.unwrap().version;
    assert!(version > 0, "{aggregate}");
    for at_least in [AtLeast::Cached, AtLeast::Latest] {
        let wanted =
            || NewEvent::new(Uuid::now_v7(), Utc::now(), &Cause::outside("test", ""), v1::UpdateKept::default());
        let decided = log.decide::<S, (), Infallible>(aggregate, at_least, |_, _| Ok((vec![wanted()], ()))).await;
        let Err(error @ DecideError::SchemaAhead(_)) = decided else { panic!("{aggregate}: {decided:?}") };
        assert!(error.is_permanent() && !error.is_transient(), "{aggregate}");
        assert!(matches!(HandleError::from(error), HandleError::Poison(_)), "{aggregate}");
    }
    assert_eq!(log.load::<S>(aggregate, AtLeast::Latest).await.unwrap().version, version, "{aggregate}");
}

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
    let (id, position) = from_the_future(&system, &format!("ev.default.conversation.{ahead}.moon_phase_changed")).await;
    system.saw(position);
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_aggregate_is_decided_on_that_holds_a_type_or_a_value_from_the_future() {
    let telegram = Telegram::start().await.unwrap();
    let system = System::start(Config::telegram(&telegram)).await.unwrap();
    let stop = CancellationToken::new();
    let _stop = stop.clone().drop_guard();
    let log = Log::connect(&system.admin_url().unwrap(), ConnectOptions::new("test"), stop).await.unwrap();
    let tenant = TenantId::new("ahead").unwrap();
    let (conversation, contact) = (ids::conversation(&tenant, "tg", "7"), ids::contact(&tenant, "tg", "7"));
    let aggregates = [
        ids::address(&tenant, "tg", "7"),
        ids::contact_aggregate(&tenant, contact),
        ids::conversation_aggregate(&tenant, conversation),
        ids::inbox(&tenant, "tg", "7"),
        ids::tenant_aggregate(&tenant),
        ids::webhook_aggregate(&tenant, ids::WebhookId::new(Uuid::from_u128(7))),
    ];
    for aggregate in &aggregates {
        from_the_future(&system, &aggregate.subject("moon_phase_changed")).await;
    }
    let [address, contact, conversation, inbox, own, webhook] = &aggregates;
    refuses::<Address>(&log, address).await;
    refuses::<Contact>(&log, contact).await;
    refuses::<Conversation>(&log, conversation).await;
    refuses::<Inbox>(&log, inbox).await;
    refuses::<Tenant>(&log, own).await;
    refuses::<Webhook>(&log, webhook).await;

    let later = TenantId::new("later").unwrap();
    let record = async |aggregate: &AggregateId, event: Event| {
        let events = vec![NewEvent::new(Uuid::now_v7(), Utc::now(), &Cause::outside("test", ""), event)];
        let append = Append { aggregate: aggregate.clone(), events, expected: Expected::Any, dedupe_key: None };
        log.append(append).await.unwrap();
    };
    let conversation = ids::conversation_aggregate(&later, ids::conversation(&later, "tg", "7"));
    let promised = v1::FollowUpScheduled { cancel_on: "weekend".to_owned(), ..Default::default() };
    record(&conversation, promised.into()).await;
    refuses::<Conversation>(&log, &conversation).await;
    let own = ids::tenant_aggregate(&later);
    record(&own, v1::ApiKeyCreated { role: "auditor".to_owned(), ..Default::default() }.into()).await;
    refuses::<Tenant>(&log, &own).await;
    // What another aggregate's events mean here, this version doesn't know either.
    let contact = ids::contact_aggregate(&later, ids::contact(&later, "tg", "7"));
    record(&contact, v1::BreakerReset::default().into()).await;
    refuses::<Contact>(&log, &contact).await;
}
