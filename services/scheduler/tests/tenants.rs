//! Neither a tenant's flood of alarms, nor messages among them that are no alarms, hold up another tenant.

#![allow(clippy::unwrap_used)]

mod world;

use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, pull};
use chrono::{TimeDelta, Utc};
use futures::{StreamExt, pin_mut};
use serde_json::{Value, json};
use steward_log::{Condition, Log};
use steward_proto::Event;
use steward_settings::Settings;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use world::{SOON, connect, promised, server::Server};

fn alarm(tenant: &str, due_at: chrono::DateTime<Utc>) -> Value {
    json!({
        "kind": "follow_up", "id": Uuid::now_v7(), "due_at": due_at, "tenant": tenant, "conversation": Uuid::now_v7(),
        "position": 1, "causation": Uuid::now_v7(), "correlation": Uuid::now_v7(), "traceparent": "",
    })
}

/// Publishes these payloads where fired alarms stand.
async fn fired(log: &Log, tenant: &str, alarms: impl IntoIterator<Item = Vec<u8>>) {
    let published = futures::stream::iter(alarms).map(|alarm| async move {
        let subject = format!("due.{tenant}.follow_up.{}", Uuid::now_v7());
        log.jetstream().publish(subject, alarm.into()).await.unwrap().await.unwrap();
    });
    published.buffer_unordered(256).collect::<Vec<()>>().await;
}

/// How many fired alarms aren't settled yet.
async fn left(log: &Log, subjects: &str) -> usize {
    let stream = log.jetstream().get_stream_no_info("TIMERS").await.unwrap();
    stream.info_with_subjects(subjects).await.unwrap().collect::<Vec<_>>().await.len()
}

async fn until_none_is_left(log: &Log, subjects: &str) {
    let settled = async {
        // Nothing reports it, so the server is asked until it is so.
        while left(log, subjects).await > 0 {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(SOON, settled).await.unwrap_or_else(|_| panic!("some of {subjects} are left"));
}

/// Makes and awaits a promise of this tenant's; returns how late it was found due.
async fn rings(log: &Log, tenant: &str) -> TimeDelta {
    let due_at = Utc::now() + TimeDelta::milliseconds(1_500);
    let events = log.tail(1, vec![format!("ev.{tenant}.conversation.*.follow_up_due")]).await.unwrap();
    pin_mut!(events);
    let id = promised(log, tenant, &Uuid::now_v7().to_string(), due_at).await.to_string();
    loop {
        let next = timeout(SOON, events.next()).await.expect("it rings").unwrap().unwrap().recorded;
        if matches!(&next.event, Event::FollowUpDue(e) if e.follow_up_id == id) {
            return next.metadata.at - due_at;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_tenants_flood_of_alarms_delays_none() {
    let server = Server::start().await;
    let stop = CancellationToken::new();
    let log = connect(&server, &stop).await;
    // Twenty thousand alarms ring long before their time: they would hold places for an hour.
    let far = Utc::now() + TimeDelta::hours(1);
    fired(&log, "flood", (0..20_100).map(|_| alarm("flood", far).to_string().into_bytes())).await;
    // Thousands more are due now.
    fired(&log, "flood", (0..4_000).map(|_| alarm("flood", Utc::now()).to_string().into_bytes())).await;
    let scheduler = tokio::spawn(steward_scheduler::run(log.clone(), Settings::default().into(), stop.clone()));
    let late = rings(&log, "calm").await;
    assert!(late < TimeDelta::seconds(2), "late by {late}");
    stop.cancel();
    scheduler.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_alarm_is_given_up_at_once_and_the_scheduler_stays_well() {
    let server = Server::start().await;
    let stop = CancellationToken::new();
    let log = connect(&server, &stop).await;
    let scheduler = tokio::spawn(steward_scheduler::run(log.clone(), Settings::default().into(), stop.clone()));
    rings(&log, "t").await;
    let mut no_alarms: Vec<Vec<u8>> =
        vec![Vec::new(), b"{".to_vec(), vec![0xff; 64], vec![b'['; 3_000], vec![b' '; 100_000]];
    no_alarms.push(alarm("other", Utc::now()).to_string().into_bytes());
    let mut strange = alarm("t", Utc::now());
    strange["kind"] = json!("of_another_version");
    no_alarms.push(strange.to_string().into_bytes());
    for id in ["\r\n".to_owned(), "x.y.>".to_owned(), "é".repeat(1_000)] {
        let mut strange = alarm("t", Utc::now());
        strange["id"] = json!(id);
        no_alarms.push(strange.to_string().into_bytes());
    }
    fired(&log, "t", no_alarms).await;
    until_none_is_left(&log, "due.t.>").await;
    rings(&log, "t").await;
    let said = log.health().conditions();
    assert!(said.contains(&("scheduler-alarms".to_owned(), Condition::Well)), "{said:?}");
    stop.cancel();
    scheduler.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_former_consumer_of_all_tenants_held_rings_and_the_next_alarm_too() {
    let server = Server::start().await;
    let stop = CancellationToken::new();
    let log = connect(&server, &stop).await;
    let stream = log.jetstream().get_stream_no_info("TIMERS").await.unwrap();
    let former = pull::Config {
        durable_name: Some("scheduler-alarms".to_owned()),
        filter_subject: "due.>".to_owned(),
        ack_policy: AckPolicy::Explicit,
        ..pull::Config::default()
    };
    let former = stream.get_or_create_consumer("scheduler-alarms", former).await.unwrap();
    fired(&log, "t", [alarm("t", Utc::now()).to_string().into_bytes()]).await;
    let held = former.fetch().max_messages(1).messages().await.unwrap().next().await;
    assert!(held.is_some(), "it holds the alarm unacknowledged");
    let scheduler = tokio::spawn(steward_scheduler::run(log.clone(), Settings::default().into(), stop.clone()));
    rings(&log, "t").await;
    until_none_is_left(&log, "due.t.>").await;
    stop.cancel();
    scheduler.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scheduler_that_ends_before_the_stop_is_dead_and_one_after_it_is_not() {
    let server = Server::start().await;
    let stop = CancellationToken::new();
    let log = connect(&server, &stop).await;
    let condition =
        || log.health().conditions().into_iter().find(|(name, _)| name == "scheduler-alarms").map(|(_, said)| said);
    let running = tokio::spawn(steward_scheduler::run(log.clone(), Settings::default().into(), stop.clone()));
    rings(&log, "t").await;
    assert_eq!(condition(), Some(Condition::Well));
    running.abort();
    let _ = running.await;
    let began = Instant::now();
    assert!(matches!(condition(), Some(Condition::Dead(_))), "after {:?}", began.elapsed());
    let running = tokio::spawn(steward_scheduler::run(log.clone(), Settings::default().into(), stop.clone()));
    rings(&log, "t").await;
    stop.cancel();
    running.await.unwrap().unwrap();
    assert_eq!(condition(), Some(Condition::Well));
}

/// Alarms as a former version set them: named by the follow-up alone, with a payload that has no version.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn alarms_that_a_former_version_set_ring_and_are_not_set_a_second_time() {
    let server = Server::start().await;
    let stop = CancellationToken::new();
    let log = connect(&server, &stop).await;
    let run = |stop| tokio::spawn(steward_scheduler::run(log.clone(), Settings::default().into(), stop));
    let before = CancellationToken::new();
    let scheduler = run(before.clone());
    let (soon, later) = (Utc::now() + TimeDelta::seconds(8), Utc::now() + TimeDelta::days(1));
    let id = promised(&log, "t", "client", soon).await;
    let far = promised(&log, "t", "another", later).await;
    let set = async {
        // Nothing reports it, so the server is asked until it is so.
        while left(&log, "sch.t.>").await < 2 {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(SOON, set).await.expect("both are set");
    before.cancel();
    scheduler.await.unwrap().unwrap();
    let stream = log.jetstream().get_stream_no_info("TIMERS").await.unwrap();
    stream.purge().filter("sch.>").await.unwrap();
    for (id, due_at) in [(id, soon), (far, later)] {
        let mut headers = async_nats::HeaderMap::new();
        let fire_at = (due_at - TimeDelta::seconds(1)).to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
        headers.insert("Nats-Schedule", format!("@at {fire_at}"));
        headers.insert("Nats-Schedule-Target", format!("due.t.follow_up.{id}"));
        let mut alarm = alarm("t", due_at);
        alarm["id"] = json!(id.to_string());
        alarm["conversation"] = json!(id.conversation().to_string());
        let subject = format!("sch.t.follow_up.{id}");
        log.jetstream().publish_with_headers(subject, headers, alarm.to_string().into()).await.unwrap().await.unwrap();
    }
    let scheduler = run(stop.clone());
    let events = log.tail(1, vec!["ev.t.conversation.*.follow_up_due".to_owned()]).await.unwrap();
    pin_mut!(events);
    let due = timeout(SOON, events.next()).await.expect("it rings").unwrap().unwrap().recorded;
    assert!(matches!(&due.event, Event::FollowUpDue(e) if e.follow_up_id == id.to_string()), "{:?}", due.event);
    assert!((TimeDelta::zero()..TimeDelta::seconds(2)).contains(&(due.metadata.at - soon)), "{}", due.metadata.at);
    until_none_is_left(&log, "due.t.>").await;
    // What is near was held as well, with a schedule that is taken off by now; what is far is as it was.
    let taken_off = async {
        // Nothing reports it, so the server is asked until it is so.
        while left(&log, "sch.>").await > 1 {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(SOON, taken_off).await.expect("only one is set");
    assert_eq!(left(&log, &format!("sch.t.follow_up.{far}")).await, 1, "as it was");
    stop.cancel();
    scheduler.await.unwrap().unwrap();
}
