//! A log on a server of its own, with clients who are promised something.
#![allow(dead_code, reason = "each test uses a part")]

#[path = "../../../../nats/tests/support/server.rs"]
pub mod server;

use std::time::Duration;

use chrono::{DateTime, Utc};
use server::Server;
use steward_domain::{
    conversation::{CancelOn, Conversation, Refused, follow_ups::NewFollowUp},
    ids::{self, FollowUpId},
};
use steward_log::{Append, AtLeast, Clock, ConnectOptions, Expected, Log};
use steward_proto::{Cause, Event, NewEvent, TenantId, to_timestamp, v1};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub const SOON: Duration = Duration::from_secs(120);

pub async fn connect(server: &Server, stop: &CancellationToken) -> Log {
    connect_by(server, stop, Clock::system()).await
}

/// Connects with a clock that a test may turn.
pub async fn connect_by(server: &Server, stop: &CancellationToken, clock: Clock) -> Log {
    let options = ConnectOptions { clock, ..ConnectOptions::new("test") };
    let log = Log::connect(&server.url(), options, stop.clone()).await.unwrap();
    log.ensure_streams().await.unwrap();
    log
}

pub fn new(log: &Log, event: impl Into<Event>) -> NewEvent {
    NewEvent::new(Uuid::now_v7(), log.clock().now(), &Cause::outside("test", ""), event)
}

/// Records that the client writes and that the answer promises something for `due_at`; returns the follow-up's id.
pub async fn promised(log: &Log, tenant: &str, external_id: &str, due_at: DateTime<Utc>) -> FollowUpId {
    let tenant = TenantId::new(tenant).unwrap();
    let id = ids::conversation(&tenant, "web", external_id);
    let aggregate = ids::conversation_aggregate(&tenant, id);
    let said = v1::ClientResponded {
        source: Some(v1::Source {
            channel_id: "web".to_owned(),
            channel: "web".to_owned(),
            external_id: external_id.to_owned(),
            key: Uuid::now_v7().to_string(),
            sent_at: Some(to_timestamp(log.clock().now())),
            ..Default::default()
        }),
        message_id: ids::message(id, Uuid::now_v7()).to_string(),
        contact_id: "contact".to_owned(),
        from: Some(v1::Person { id: "client".to_owned(), ..Default::default() }),
        kind: "text".to_owned(),
        text: "write to me soon".to_owned(),
        ..Default::default()
    };
    let append = Append {
        aggregate: aggregate.clone(),
        events: vec![new(log, said)],
        expected: Expected::Any,
        dedupe_key: None,
    };
    log.append(append).await.unwrap();
    let follow_up_id = ids::follow_up(id, Uuid::now_v7());
    let schedule = NewFollowUp {
        follow_up_id,
        due_at,
        timezone: "Europe/Madrid".to_owned(),
        phrase: "soon".to_owned(),
        rule: "test".to_owned(),
        intention: "write".to_owned(),
        text: "You asked me to write.".to_owned(),
        cancel_on: CancelOn::ClientResponse,
        action: v1::Action::default(),
        reason: "asked for".to_owned(),
        key: String::new(),
        asked_by: "client".to_owned(),
        turn_id: None,
        language: "en".to_owned(),
        context: String::new(),
        asked_in: None,
        topic: String::new(),
        by: "client".to_owned(),
    };
    log.decide::<Conversation, _, _>(&aggregate, AtLeast::Latest, |state, _| {
        let events = state.schedule(log.clock().now(), false, schedule.clone())?;
        Ok::<_, Refused>((events.into_iter().map(|event| new(log, event)).collect(), ()))
    })
    .await
    .unwrap();
    follow_up_id
}
