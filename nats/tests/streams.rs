//! Making the streams again and again, over what an operator has set, with timers that fire after a restart.

#![allow(clippy::unwrap_used)]

mod support;

use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::jetstream::consumer::{AckPolicy, PullConsumer, pull};
use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, StorageType};
use bytes::Bytes;
use chrono::Utc;
use futures::StreamExt as _;
use steward_log::{ConnectOptions, Log, LogError, Trace};
use steward_proto::TenantId;
use support::server::Server;
use tokio_util::sync::CancellationToken;

async fn connect(server: &Server) -> Log {
    Log::connect(&server.url(), ConnectOptions::new("test"), CancellationToken::new()).await.unwrap()
}

async fn config(log: &Log, stream: &str) -> Config {
    log.jetstream().get_stream(stream).await.unwrap().cached_info().config.clone()
}

#[tokio::test]
async fn they_are_made_once_and_keep_what_an_operator_sets() {
    let server = Server::start().await;
    let log = connect(&server).await;
    let (one, two) = tokio::join!(log.ensure_streams(), log.ensure_streams());
    one.unwrap();
    two.unwrap();
    let events = config(&log, "EVENTS").await;
    assert!(events.deny_purge && events.allow_direct && events.allow_atomic_publish);
    assert!(!events.allow_rollup && !events.allow_message_ttl && !events.deny_delete);
    assert_eq!((events.retention, events.storage), (RetentionPolicy::Limits, StorageType::File));
    assert_eq!(events.duplicate_window, Duration::from_secs(600));
    let timers = config(&log, "TIMERS").await;
    assert!(timers.allow_message_schedules && timers.allow_direct);

    // Settings that an operator changed, and some of an older build.
    let changed = Config {
        max_bytes: 16 << 20,
        duplicate_window: Duration::from_secs(60),
        discard: DiscardPolicy::Old,
        ..events.clone()
    };
    log.jetstream().update_stream(changed).await.unwrap();
    log.ensure_streams().await.unwrap();
    let after = config(&log, "EVENTS").await;
    assert_eq!(after, Config { max_bytes: 16 << 20, ..events });
}

#[tokio::test]
async fn a_stream_that_cant_become_ours_is_named() {
    let server = Server::start().await;
    let log = connect(&server).await;
    let foreign = Config {
        name: "EVENTS".to_owned(),
        subjects: vec!["ev.>".to_owned()],
        storage: StorageType::Memory,
        ..Config::default()
    };
    log.jetstream().create_stream(foreign).await.unwrap();
    let error = log.ensure_streams().await.unwrap_err();
    assert!(matches!(error, LogError::IncompatibleStream { stream: "EVENTS", .. }), "{error}");
}

#[tokio::test]
async fn a_timer_fires_after_a_kill_of_the_server_once_and_is_gone_when_acknowledged() {
    let mut server = Server::start().await;
    let log = connect(&server).await;
    log.ensure_streams().await.unwrap();
    let due = |name: &str, seconds: i64| {
        let mut headers = HeaderMap::new();
        let at = Utc::now() + chrono::Duration::seconds(seconds);
        headers.insert("Nats-Schedule", format!("@at {}", at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)));
        headers.insert("Nats-Schedule-Target", format!("due.{name}"));
        (format!("sch.{name}"), headers)
    };
    for (name, seconds) in [("one", 2), ("moved", 900), ("moved", 2), ("later", 900)] {
        let (subject, headers) = due(name, seconds);
        log.jetstream()
            .publish_with_headers(subject, headers, Bytes::from(name.to_owned()))
            .await
            .unwrap()
            .await
            .unwrap();
    }
    server.kill();
    server.run().await;
    let durable = pull::Config {
        durable_name: Some("scheduler".to_owned()),
        filter_subject: "due.>".to_owned(),
        ack_policy: AckPolicy::Explicit,
        ..pull::Config::default()
    };
    log.ensure_streams().await.unwrap();
    let consumer: PullConsumer = log.jetstream().create_consumer_on_stream(durable, "TIMERS").await.unwrap();
    let mut messages = consumer.messages().await.unwrap();
    let mut fired = Vec::new();
    for _ in 0..2 {
        let message = tokio::time::timeout(Duration::from_secs(120), messages.next()).await.unwrap().unwrap().unwrap();
        fired.push((message.subject.to_string(), message.payload.clone()));
        message.double_ack().await.unwrap();
    }
    fired.sort();
    assert_eq!(fired, [("due.moved".to_owned(), "moved".into()), ("due.one".to_owned(), "one".into())]);
    // The timer that fired and was acknowledged is gone, even after another kill; the one that isn't due stays.
    server.kill();
    server.run().await;
    log.ensure_streams().await.unwrap();
    let mut stream = log.jetstream().get_stream("TIMERS").await.unwrap();
    let left = stream.info().await.unwrap().state.messages;
    assert_eq!(left, 1);
    assert!(stream.direct_get_last_for_subject("sch.later").await.is_ok());
}

#[tokio::test]
async fn a_blob_is_kept_once_and_checked() {
    let server = Server::start().await;
    let log = connect(&server).await;
    log.ensure_streams().await.unwrap();
    let body = Bytes::from((0..700_000_u32).flat_map(u32::to_le_bytes).collect::<Vec<_>>());
    let name = log.put_blob(body.clone()).await.unwrap();
    let messages = || async { log.jetstream().get_stream("OBJ_BLOBS").await.unwrap().cached_info().state.messages };
    let stored = messages().await;
    assert_eq!(log.put_blob(body.clone()).await.unwrap(), name);
    assert_eq!(messages().await, stored, "the second time it was stored again");
    assert_eq!(log.get_blob(&name).await.unwrap(), body);
    assert_eq!(name.len(), 64);
    let missing = log.get_blob(&"0".repeat(64)).await;
    assert!(matches!(missing, Err(LogError::NoSuchBlob(_))), "{missing:?}");
}

#[tokio::test]
async fn a_trace_is_its_tenants_alone_an_object_for_others_clients_and_gone_when_its_life_is_over() {
    let server = Server::start().await;
    let log = connect(&server).await;
    log.ensure_streams().await.unwrap();
    let tenant = |name: &str| TenantId::new(name).unwrap();
    let (acme, other) = (tenant("acme"), tenant("other"));
    let trace = Trace::of(Bytes::from(vec![7; 300_000])).unwrap();
    let of = async |tenant: &TenantId| log.get_trace(tenant, trace.sha256()).await.unwrap();
    let week = Duration::from_secs(7 * 24 * 3600);
    log.put_trace(&acme, &trace, week).await.unwrap();
    log.put_trace(&acme, &trace, week).await.unwrap();
    assert_eq!(of(&acme).await.map(|body| body.len()), Some(300_000));
    assert_eq!(of(&other).await, None);
    assert_eq!(log.get_trace(&acme, "*").await.unwrap(), None);
    let stored = || async { log.jetstream().get_stream("OBJ_TRACES").await.unwrap().cached_info().state.messages };
    assert_eq!(stored().await, 2, "the same body is there once: its chunk and its name");

    let bucket = log.jetstream().get_object_store("TRACES").await.unwrap();
    let mut object = bucket.get(format!("acme-{}", trace.sha256())).await.unwrap();
    let mut body = Vec::new();
    tokio::io::AsyncReadExt::read_to_end(&mut object, &mut body).await.unwrap();
    assert_eq!(body.len(), 300_000, "any client reads it as an object");

    log.put_trace(&other, &trace, Duration::ZERO).await.unwrap();
    assert_eq!(of(&other).await, None, "zero: it isn't kept at all");
    log.put_trace(&other, &trace, Duration::from_secs(1)).await.unwrap();
    let gone = async {
        while of(&other).await.is_some() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(120), gone).await.expect("the server takes it away");
    assert!(of(&acme).await.is_some(), "another's life is its own");
}
