//! Reading the log in order: across restarts, from any position, filtered, and with its end known.

#![allow(clippy::unwrap_used)]

mod support;

use std::time::Duration;

use futures::{StreamExt as _, pin_mut};
use steward_log::{Append, Condition, ConnectOptions, Expected, Log, LogError};
use support::events::{conversation, events};
use support::server::Server;
use tokio_util::sync::CancellationToken;

async fn started() -> (Server, Log) {
    let server = Server::start().await;
    let log = Log::connect(&server.url(), ConnectOptions::new("test"), CancellationToken::new()).await.unwrap();
    log.ensure_streams().await.unwrap();
    (server, log)
}

async fn facts(log: &Log, id: &str, count: usize) -> u64 {
    let append =
        Append { aggregate: conversation(id), events: events(count), expected: Expected::Any, dedupe_key: None };
    log.append(append).await.unwrap().position
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_of_the_server_leaves_no_gap_and_repeats_nothing() {
    let (mut server, log) = started().await;
    let stop = CancellationToken::new();
    let writer = {
        let (log, stop) = (log.clone(), stop.clone());
        tokio::spawn(async move {
            let mut last = 0;
            while !stop.is_cancelled() {
                last = facts(&log, "a", 20).await;
            }
            last
        })
    };
    let tail = log.tail(1, vec![]).await.unwrap();
    pin_mut!(tail);
    let mut position = 0;
    for kill in 0..4 {
        let goal = position + 1_000;
        while position < goal {
            let tailed = tokio::time::timeout(Duration::from_secs(120), tail.next()).await.unwrap().unwrap().unwrap();
            assert_eq!(tailed.recorded.position, position + 1);
            position += 1;
        }
        if kill < 3 {
            server.kill();
            server.run().await;
        }
    }
    stop.cancel();
    let last = writer.await.unwrap();
    while position < last {
        let tailed = tail.next().await.unwrap().unwrap();
        assert_eq!(tailed.recorded.position, position + 1);
        position += 1;
    }
}

#[tokio::test]
async fn it_begins_where_it_is_told_and_says_how_many_are_left() {
    let (_server, log) = started().await;
    facts(&log, "a", 10).await;
    let tail = log.tail(8, vec![]).await.unwrap();
    pin_mut!(tail);
    for (position, pending) in [(8, 2), (9, 1), (10, 0)] {
        let tailed = tail.next().await.unwrap().unwrap();
        assert_eq!((tailed.recorded.position, tailed.pending), (position, pending));
    }
    // Beyond the log's end only events that are still to come are read, from that position on.
    let ahead = log.tail(13, vec![]).await.unwrap();
    pin_mut!(ahead);
    facts(&log, "a", 4).await;
    assert_eq!(ahead.next().await.unwrap().unwrap().recorded.position, 13);
    assert_eq!(tail.next().await.unwrap().unwrap().recorded.position, 11);
}

#[tokio::test]
async fn it_can_be_filtered_and_accepts_gaps_and_foreign_messages() {
    let (_server, log) = started().await;
    for id in ["a", "b", "a", "b", "a"] {
        facts(&log, id, 2).await;
    }
    log.jetstream().get_stream("EVENTS").await.unwrap().delete_message(5).await.unwrap();
    let filter = vec!["ev.*.conversation.a.update_kept".to_owned()];
    let tail = log.tail(1, filter).await.unwrap().map(|tailed| tailed.unwrap().recorded.position);
    assert_eq!(tail.take(5).collect::<Vec<_>>().await, [1, 2, 6, 9, 10]);

    log.jetstream().publish("ev.nonsense", "".into()).await.unwrap().await.unwrap();
    facts(&log, "a", 1).await;
    let tail = log.tail(10, vec![]).await.unwrap();
    pin_mut!(tail);
    assert_eq!(tail.next().await.unwrap().unwrap().recorded.position, 10);
    let foreign = tail.next().await.unwrap();
    assert!(matches!(foreign, Err(LogError::Malformed { position: 11, .. })), "{foreign:?}");
    assert_eq!(tail.next().await.unwrap().unwrap().recorded.position, 12);

    let overlapping = vec!["ev.>".to_owned(), "ev.*.conversation.>".to_owned()];
    let refused = log.tail(1, overlapping).await.err().unwrap();
    assert!(matches!(refused, LogError::Refused { .. }), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_past_ends_where_the_log_ends_also_when_nothing_fits_and_when_the_server_restarts() {
    let (mut server, log) = started().await;
    let positions = async |from, filters: &[&str]| {
        let past = log.past(from, filters.iter().map(|f| (*f).to_owned()).collect()).await.unwrap();
        let read = past.map(|tailed| tailed.unwrap().recorded.position).collect::<Vec<_>>();
        tokio::time::timeout(Duration::from_secs(120), read).await.expect("it ends")
    };
    assert_eq!(positions(1, &[]).await, [0; 0]);
    for id in ["a", "b", "a"] {
        facts(&log, id, 2).await;
    }
    assert_eq!(positions(1, &[]).await, [1, 2, 3, 4, 5, 6]);
    assert_eq!(positions(2, &["ev.*.conversation.a.>"]).await, [2, 5, 6]);
    assert_eq!(positions(4, &["ev.*.conversation.b.>"]).await, [4]);
    assert_eq!(positions(5, &["ev.*.conversation.b.>"]).await, [0; 0]);
    assert_eq!(positions(7, &[]).await, [0; 0]);
    assert_eq!(positions(70, &[]).await, [0; 0]);

    for _ in 0..5 {
        facts(&log, "a", 500).await;
    }
    let apart = log.past_apart("replays");
    let is_there = || log.health().conditions().iter().any(|(name, _)| name == "replays");
    assert!(!is_there(), "it connects when something is read");
    let (past, on_its_own) = (log.past(1, vec![]).await.unwrap(), apart.read(1, vec![]).await.unwrap());
    assert!(is_there());
    pin_mut!(past, on_its_own);
    let first = past.next().await.unwrap().unwrap();
    let first_there = on_its_own.next().await.unwrap().unwrap();
    assert_eq!((first.recorded.position, first_there.recorded.position), (1, 1));
    server.kill();
    let lost = async || {
        loop {
            let conditions = log.health().conditions();
            if conditions.iter().any(|(name, is)| name == "replays" && matches!(is, Condition::Behind(_))) {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(120), lost()).await.expect("its part says that the connection is lost");
    server.run().await;
    let rest = past.map(|tailed| tailed.unwrap().recorded.position).collect::<Vec<_>>().await;
    let rest_there = on_its_own.map(|tailed| tailed.unwrap().recorded.position).collect::<Vec<_>>().await;
    assert_eq!((rest.len(), rest.last()), (2_505, Some(&2_506)));
    assert_eq!(rest_there, rest);
}
