//! Setting alarms and taking them off, many at a time, on a real server.

#![allow(clippy::unwrap_used)]

mod support;

use chrono::{DateTime, TimeDelta, Utc};
use futures::{StreamExt as _, TryStreamExt as _, future::join_all};
use steward_log::{Alarm, AlarmName, ConnectOptions, Fires, Log, LogError};
use steward_proto::{Aggregate, AggregateId, TenantId};
use support::server::Server;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

fn alarm(n: u128, due_at: DateTime<Utc>) -> Alarm {
    let aggregate = AggregateId::of_uuid(TenantId::new("t").unwrap(), Aggregate::Conversation, Uuid::from_u128(n));
    Alarm {
        name: AlarmName::new(aggregate, "follow_up", &n.to_string()),
        due_at,
        position: 1,
        causation: Uuid::now_v7(),
        correlation: Uuid::now_v7(),
        traceparent: String::new(),
    }
}

async fn connect(server: &Server) -> Log {
    let log = Log::connect(&server.url(), ConnectOptions::new("test"), CancellationToken::new()).await.unwrap();
    log.ensure_streams().await.unwrap();
    log
}

async fn set(log: &Log) -> usize {
    log.alarms_set().await.unwrap().try_collect::<Vec<_>>().await.unwrap().len()
}

/// How many messages of any kind the stream of alarms holds.
async fn messages(log: &Log) -> u64 {
    log.jetstream().get_stream("TIMERS").await.unwrap().cached_info().state.messages
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_are_set_and_taken_off_but_for_those_that_were_set_anew() {
    let server = Server::start().await;
    let log = connect(&server).await;
    let far = Utc::now() + TimeDelta::days(1);
    let alarms: Vec<Alarm> = (0..1_000).map(|n| alarm(n, far)).collect();
    let setting = alarms.iter().map(|alarm| log.set_alarm(alarm, Fires::Late));
    let schedules: Vec<_> = join_all(setting).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(set(&log).await, 1_000);
    // Each of these spoils the batch in which it is taken off.
    for alarm in alarms.iter().step_by(100) {
        log.set_alarm(alarm, Fires::Early).await.unwrap();
    }
    log.unset_alarm(&alarms[1].name).await.unwrap();
    let off = alarms.iter().zip(&schedules).map(|(alarm, schedule)| log.take_off_alarm(&alarm.name, *schedule));
    join_all(off).await.into_iter().for_each(Result::unwrap);
    let left = log.alarms_set().await.unwrap().map(Result::unwrap).collect::<Vec<_>>().await;
    let expected: Vec<AlarmName> = alarms.iter().step_by(100).map(|alarm| alarm.name.clone()).collect();
    assert!(left.len() == 10 && left.iter().all(|name| expected.contains(name)), "{left:?}");
    // The next batch removes what took the others off, and so does one that takes nothing off but was asked to.
    log.take_off_alarm(&alarms[2].name, schedules[2]).await.unwrap();
    let wait = async {
        // Nothing reports it, so the server is asked until it is so.
        while messages(&log).await != 10 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(120), wait).await.expect("only the ten are left");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_cant_be_set_fails_alone() {
    let server = Server::start().await;
    let log = connect(&server).await;
    let far = Utc::now() + TimeDelta::days(1);
    let mut alarms: Vec<Alarm> = (0..50).map(|n| alarm(n, far)).collect();
    // No server reads such a year.
    alarms[20].due_at = DateTime::<Utc>::MAX_UTC - TimeDelta::days(400);
    // And no alarm is as large.
    alarms[30].traceparent = "x".repeat(5_000);
    let results = join_all(alarms.iter().map(|alarm| log.set_alarm(alarm, Fires::Early))).await;
    for (n, result) in results.iter().enumerate() {
        match n {
            20 | 30 => assert!(matches!(result, Err(LogError::Refused { .. })), "{n}: {result:?}"),
            _ => assert!(result.is_ok(), "{n}: {result:?}"),
        }
    }
    assert_eq!(set(&log).await, 48);
}
