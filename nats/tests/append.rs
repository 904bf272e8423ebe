//! Appends against a real server: facts, decisions, several events at once, duplicates, limits.

#![allow(clippy::unwrap_used)]

mod support;

use std::collections::HashSet;

use futures::future::join_all;
use steward_log::{Append, AppendError, Appended, AtLeast, Condition, ConnectOptions, Expected, Log, Refusal};
use steward_proto::{AggregateId, NewEvent};
use support::events::{Seen, conversation, event, event_with, events};
use support::server::Server;
use tokio_util::sync::CancellationToken;

async fn started() -> (Server, Log) {
    let server = Server::start().await;
    let log = Log::connect(&server.url(), ConnectOptions::new("test"), CancellationToken::new()).await.unwrap();
    log.ensure_streams().await.unwrap();
    (server, log)
}

fn append(aggregate: &AggregateId, events: Vec<NewEvent>, expected: Expected) -> Append {
    Append { aggregate: aggregate.clone(), events, expected, dedupe_key: None }
}

fn keyed(aggregate: &AggregateId, events: Vec<NewEvent>, key: &str) -> Append {
    Append { dedupe_key: Some(key.to_owned()), ..append(aggregate, events, Expected::Any) }
}

#[tokio::test]
async fn an_event_reads_back_as_it_was_written() {
    let (_server, log) = started().await;
    let aggregate = conversation("a");
    let new = event_with("poll");
    let appended = log.append(append(&aggregate, vec![new.clone()], Expected::Version(0))).await.unwrap();
    assert_eq!(appended, Appended { position: 1, first: 1, duplicate: false });
    let read = log.read(1).await.unwrap().unwrap();
    // Headers on the wire keep microseconds.
    let at = new.metadata.at;
    assert_eq!(read.metadata.at.timestamp_micros(), at.timestamp_micros());
    assert_eq!(steward_proto::Metadata { at, ..read.metadata }, new.metadata);
    assert_eq!(read.event, new.event);
    assert_eq!(read.subject.to_string(), "ev.default.conversation.a.update_kept");
    assert_eq!(log.last_position().await.unwrap(), 1);
    assert!(log.read(2).await.unwrap().is_none());
}

#[tokio::test]
async fn a_decision_on_an_old_version_is_refused_and_names_the_new_one() {
    let (_server, log) = started().await;
    let aggregate = conversation("a");
    let first = log.append(append(&aggregate, events(1), Expected::Version(0))).await.unwrap();
    for stale in
        [append(&aggregate, events(1), Expected::Version(0)), append(&aggregate, events(3), Expected::Version(0))]
    {
        let error = log.append(stale).await.unwrap_err();
        let AppendError::Conflict { expected: 0, actual } = error else { panic!("{error}") };
        assert_eq!(actual, Some(first.position));
    }
    assert_eq!(log.last_position().await.unwrap(), first.position);
    log.append(append(&aggregate, events(1), Expected::Version(first.position))).await.unwrap();
}

#[tokio::test]
async fn several_events_follow_one_another() {
    let (_server, log) = started().await;
    let aggregate = conversation("a");
    log.append(append(&conversation("b"), events(1), Expected::Any)).await.unwrap();
    let appended = log.append(append(&aggregate, events(700), Expected::Version(0))).await.unwrap();
    assert_eq!(appended, Appended { first: 2, position: 701, duplicate: false });
    let state = log.load::<Seen>(&aggregate, AtLeast::Latest).await.unwrap();
    assert_eq!(state.version, 701);
    assert_eq!(state.state.positions, (2..=701).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_the_server_would_never_take_is_refused_by_name() {
    let (_server, log) = started().await;
    let aggregate = conversation("a");
    let none = log.append(append(&aggregate, vec![], Expected::Any)).await.unwrap_err();
    assert!(matches!(none, AppendError::Empty), "{none}");
    let many = log.append(append(&aggregate, events(1_001), Expected::Any)).await.unwrap_err();
    assert!(matches!(many, AppendError::TooMany(1_001)), "{many}");
    let large = event_with("x".repeat(1 << 20));
    let large = log.append(append(&aggregate, vec![large], Expected::Any)).await.unwrap_err();
    assert!(matches!(large, AppendError::TooLarge { .. }), "{large}");
    assert_eq!(log.last_position().await.unwrap(), 0);
}

#[tokio::test]
async fn the_same_key_stores_nothing_twice() {
    let (_server, log) = started().await;
    let aggregate = conversation("a");
    let one = log.append(keyed(&aggregate, events(1), "k1")).await.unwrap();
    let again = log.append(keyed(&aggregate, events(1), "k1")).await.unwrap();
    assert_eq!(again, Appended { duplicate: true, ..one });
    let three = log.append(keyed(&aggregate, events(3), "k3")).await.unwrap();
    let again = log.append(keyed(&aggregate, events(3), "k3")).await.unwrap();
    assert_eq!(again, Appended { duplicate: true, ..three });
    assert_eq!(log.last_position().await.unwrap(), 4);
}

/// The server refuses a batch as a whole when it holds a duplicate or a stale decision. Nobody else may notice that.
#[tokio::test]
async fn in_a_burst_each_append_gets_its_own_answer() {
    let (_server, log) = started().await;
    for i in 0..40 {
        log.append(keyed(&conversation(format!("a{}", i * 10)), events(1), &format!("k{}", i * 10))).await.unwrap();
    }
    let before = log.last_position().await.unwrap();
    let burst = (0..1_000).map(|i| {
        let (log, aggregate) = (log.clone(), conversation(format!("a{i}")));
        async move {
            let known = i < 400 && i % 10 == 0;
            let append = match i % 3 {
                0 => keyed(&aggregate, events(1), &format!("k{i}")),
                1 => append(&aggregate, events(1), Expected::Version(0)),
                _ => append(&aggregate, events(2), Expected::Version(0)),
            };
            let decision = append.expected != Expected::Any;
            (known, decision, log.append(append).await)
        }
    });
    let mut positions = HashSet::new();
    let mut stored = 0;
    for (known, decision, answer) in join_all(burst).await {
        match (known, decision) {
            (true, true) => assert!(matches!(answer, Err(AppendError::Conflict { .. })), "{answer:?}"),
            (true, false) => assert!(answer.unwrap().duplicate),
            (false, _) => {
                let appended = answer.unwrap();
                assert!(!appended.duplicate);
                for position in appended.first..=appended.position {
                    assert!(positions.insert(position) && position > before);
                    stored += 1;
                }
            }
        }
    }
    assert_eq!(log.last_position().await.unwrap(), before + stored);
}

#[tokio::test]
async fn facts_of_one_aggregate_keep_their_order_under_load() {
    let (_server, log) = started().await;
    let aggregate = conversation("a");
    let facts = events(300);
    let ids: Vec<_> = facts.iter().map(|fact| fact.metadata.event_id).collect();
    // Tasks of a single-threaded runtime start in the order in which they are spawned.
    let tasks = facts.into_iter().map(|fact| {
        let (log, append) = (log.clone(), append(&aggregate, vec![fact], Expected::Any));
        tokio::spawn(async move { log.append(append).await })
    });
    for answer in join_all(tasks).await {
        answer.unwrap().unwrap();
    }
    assert!(log.load::<Seen>(&aggregate, AtLeast::Latest).await.unwrap().state.ids == ids);
}

#[tokio::test]
async fn a_full_log_says_so_loses_nothing_and_goes_on_when_there_is_room() {
    let (_server, log) = started().await;
    let mut config = log.jetstream().get_stream("EVENTS").await.unwrap().cached_info().config.clone();
    config.max_bytes = 64 * 1024;
    log.jetstream().update_stream(config.clone()).await.unwrap();
    log.ensure_streams().await.unwrap();

    let mut stored = Vec::new();
    let refused = loop {
        let fact = event_with("x".repeat(8_000));
        match log.append(append(&conversation("a"), vec![fact], Expected::Any)).await {
            Ok(appended) => stored.push(appended.position),
            Err(error) => break error,
        }
    };
    assert!(matches!(&refused, AppendError::Refused(Refusal::Full(_))), "{refused:?}");
    assert!(refused.to_string().contains("the log is full"), "{refused}");
    let batch =
        (0..40).map(|i| log.append(append(&conversation(i), vec![event_with("x".repeat(8_000))], Expected::Any)));
    for answer in join_all(batch).await {
        assert!(matches!(answer, Err(AppendError::Refused(Refusal::Full(_)))), "{answer:?}");
    }
    let writer = || log.health().conditions().into_iter().find(|(name, _)| name == "writer").unwrap().1;
    assert!(matches!(writer(), Condition::Behind(why) if why.contains("no room")), "{:?}", writer());
    for position in &stored {
        assert!(log.read(*position).await.unwrap().is_some(), "{position} was dropped to make room");
    }

    config.max_bytes = -1;
    log.jetstream().update_stream(config).await.unwrap();
    log.append(append(&conversation("a"), vec![event()], Expected::Any)).await.unwrap();
    assert_eq!(writer(), Condition::Well);
}
