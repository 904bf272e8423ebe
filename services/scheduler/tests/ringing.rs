//! A scheduler that has just started, and knows none of the conversations, has each promise decided at its time, once.

#![allow(clippy::unwrap_used)]

#[path = "../../../nats/tests/support/server.rs"]
#[allow(dead_code)]
mod server;

use std::{collections::HashMap, sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use futures::{StreamExt, pin_mut};
use server::Server;
use steward_domain::{
    conversation::{CancelOn, Conversation, Refused, follow_ups::Schedule},
    ids,
    settings::Settings,
};
use steward_log::{Append, AtLeast, ConnectOptions, Expected, Log};
use steward_proto::{Cause, Event, NewEvent, TenantId, to_timestamp, v1};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const SOON: Duration = Duration::from_secs(20);

async fn connect(server: &Server, stop: &CancellationToken) -> Log {
    let log = Log::connect(&server.url(), ConnectOptions::new("test"), stop.clone()).await.unwrap();
    log.ensure_streams().await.unwrap();
    log
}

fn new(event: impl Into<Event>) -> NewEvent {
    NewEvent::new(Uuid::now_v7(), Utc::now(), &Cause::outside("test", ""), event)
}

/// The client writes, and the answer promises something for `due_at`; the follow-up's id.
async fn promised(log: &Log, external_id: &str, due_at: DateTime<Utc>) -> String {
    let tenant = TenantId::new("default").unwrap();
    let id = ids::conversation(&tenant, "web", external_id);
    let aggregate = ids::conversation_aggregate(&tenant, id);
    let said = v1::ClientResponded {
        source: Some(v1::Source {
            channel_id: "web".to_owned(),
            channel: "web".to_owned(),
            external_id: external_id.to_owned(),
            key: Uuid::now_v7().to_string(),
            sent_at: Some(to_timestamp(Utc::now())),
            ..Default::default()
        }),
        message_id: ids::message(id, Uuid::now_v7()),
        contact_id: "contact".to_owned(),
        from: Some(v1::Person { id: "client".to_owned(), ..Default::default() }),
        kind: "text".to_owned(),
        text: "write to me soon".to_owned(),
        ..Default::default()
    };
    let append =
        Append { aggregate: aggregate.clone(), events: vec![new(said)], expected: Expected::Any, dedupe_key: None };
    log.append(append).await.unwrap();
    let follow_up_id = ids::follow_up(id, Uuid::now_v7());
    let schedule = Schedule {
        follow_up_id: follow_up_id.clone(),
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
        turn_id: String::new(),
        language: "en".to_owned(),
        context: String::new(),
        by: "client".to_owned(),
    };
    log.decide::<Conversation, _, _>(&aggregate, AtLeast::Latest, |state, _| {
        let events = state.schedule(Utc::now(), false, schedule.clone())?;
        Ok::<_, Refused>((events.into_iter().map(new).collect(), ()))
    })
    .await
    .unwrap();
    follow_up_id
}

/// The full show: `STEWARD_RINGS=500` rounds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scheduler_that_has_just_started_decides_each_promise_at_its_time_and_once() {
    let rounds = std::env::var("STEWARD_RINGS").ok().and_then(|n| n.parse().ok()).unwrap_or(3);
    let server = Server::start().await;
    let stop = CancellationToken::new();
    let writer = connect(&server, &stop).await;
    let mut rung: HashMap<String, usize> = HashMap::new();
    let due_events = writer.tail(1, vec!["ev.*.conversation.*.follow_up_due".to_owned()]).await.unwrap();
    pin_mut!(due_events);
    for round in 0..rounds {
        let running = CancellationToken::new();
        let log = connect(&server, &running).await;
        let scheduler = tokio::spawn(steward_scheduler::run(log, Arc::new(Settings::default()), running.clone()));
        let due_at = Utc::now() + TimeDelta::milliseconds(1_300);
        let mut ids = Vec::new();
        for chat in 0..3 {
            ids.push(promised(&writer, &format!("{round}/{chat}"), due_at).await);
        }
        for n in 0..ids.len() {
            let next = tokio::time::timeout(SOON, due_events.next()).await;
            let next = next.unwrap_or_else(|_| panic!("round {round}: {n} of {ids:?} rang")).unwrap().unwrap();
            let Event::FollowUpDue(due) = next.recorded.event else { panic!("{:?}", next.recorded.event) };
            assert!(next.recorded.metadata.at >= due_at, "{} rang early", due.follow_up_id);
            *rung.entry(due.follow_up_id).or_default() += 1;
        }
        assert!(ids.iter().all(|id| rung.get(id) == Some(&1)), "round {round}: {rung:?}");
        running.cancel();
        scheduler.await.unwrap().unwrap();
    }
}
