//! States: folded from the log, cached, caught up, and decided on.

#![allow(clippy::unwrap_used)]

mod support;

use std::sync::Arc;

use futures::future::join_all;
use steward_log::{Append, AtLeast, ConnectOptions, DecideError, Expected, Log};
use steward_proto::AggregateId;
use support::events::{Seen, conversation, event, events};
use support::server::Server;
use tokio_util::sync::CancellationToken;

async fn connect(server: &Server) -> Log {
    let log = Log::connect(&server.url(), ConnectOptions::new("test"), CancellationToken::new()).await.unwrap();
    log.ensure_streams().await.unwrap();
    log
}

async fn fact(log: &Log, aggregate: &AggregateId, count: usize) -> u64 {
    let append =
        Append { aggregate: aggregate.clone(), events: events(count), expected: Expected::Any, dedupe_key: None };
    log.append(append).await.unwrap().position
}

#[tokio::test]
async fn a_long_history_is_folded_whole_and_in_order() {
    let server = Server::start().await;
    let log = connect(&server).await;
    let aggregate = conversation("a");
    for _ in 0..3 {
        fact(&log, &aggregate, 600).await;
        fact(&log, &conversation("b"), 5).await;
    }
    let state = log.load::<Seen>(&aggregate, AtLeast::Cached).await.unwrap();
    assert_eq!(state.state.ids.len(), 1_800);
    assert!(state.state.positions.is_sorted());
    assert_eq!(state.version, 1_810);
    let empty = log.load::<Seen>(&conversation("nobody"), AtLeast::Latest).await.unwrap();
    assert_eq!((empty.version, &*empty.state), (0, &Seen::default()));
}

#[tokio::test]
async fn the_cache_is_caught_up_as_far_as_is_asked() {
    let server = Server::start().await;
    let (log, other) = (connect(&server).await, connect(&server).await);
    let aggregate = conversation("a");
    let first = fact(&log, &aggregate, 1).await;
    assert_eq!(log.load::<Seen>(&aggregate, AtLeast::Cached).await.unwrap().version, first);
    let second = fact(&other, &aggregate, 2).await;
    assert_eq!(log.load::<Seen>(&aggregate, AtLeast::Cached).await.unwrap().version, first, "memory is enough");
    assert_eq!(log.load::<Seen>(&aggregate, AtLeast::Position(first)).await.unwrap().version, first);
    let state = log.load::<Seen>(&aggregate, AtLeast::Position(second)).await.unwrap();
    assert_eq!((state.version, state.state.ids.len()), (second, 3));
    let third = fact(&other, &aggregate, 1).await;
    assert_eq!(log.load::<Seen>(&aggregate, AtLeast::Latest).await.unwrap().version, third);
}

#[tokio::test]
async fn a_position_of_another_aggregate_or_of_an_erased_event_is_no_obstacle() {
    let server = Server::start().await;
    let log = connect(&server).await;
    let first = fact(&log, &conversation("a"), 2).await;
    let others = fact(&log, &conversation("b"), 1).await;
    let erased = fact(&log, &conversation("a"), 1).await;
    log.jetstream().get_stream("EVENTS").await.unwrap().delete_message(erased).await.unwrap();
    for position in [others, erased, erased + 100] {
        let fresh = connect(&server).await;
        let state = fresh.load::<Seen>(&conversation("a"), AtLeast::Position(position)).await.unwrap();
        assert_eq!((state.version, state.state.ids.len()), (first, 2), "at least {position}");
    }
}

#[tokio::test]
async fn own_decisions_reach_the_cache_without_reading() {
    let server = Server::start().await;
    let log = connect(&server).await;
    let aggregate = conversation("a");
    for count in 1..=3_usize {
        let decided = log
            .decide::<Seen, _, ()>(&aggregate, AtLeast::Cached, |state, _| Ok((events(2), state.ids.len())))
            .await
            .unwrap();
        assert_eq!(decided.value, (count - 1) * 2);
        let cached = log.load::<Seen>(&aggregate, AtLeast::Cached).await.unwrap();
        assert_eq!((cached.version, cached.state.ids.len()), (decided.version, count * 2));
    }
    let cached = log.load::<Seen>(&aggregate, AtLeast::Cached).await.unwrap().state;
    let fresh = connect(&server).await.load::<Seen>(&aggregate, AtLeast::Latest).await.unwrap().state;
    assert_eq!(cached, fresh);
}

#[tokio::test]
async fn a_refusal_on_an_old_state_is_checked_before_it_counts() {
    let server = Server::start().await;
    let (log, other) = (connect(&server).await, connect(&server).await);
    let aggregate = conversation("a");
    log.load::<Seen>(&aggregate, AtLeast::Latest).await.unwrap();
    fact(&other, &aggregate, 1).await;
    let mut versions = Vec::new();
    let decided = log
        .decide::<Seen, _, &str>(&aggregate, AtLeast::Cached, |state, version| {
            versions.push(version);
            if state.ids.is_empty() { Err("nothing was said yet") } else { Ok((events(1), ())) }
        })
        .await
        .unwrap();
    assert_eq!(versions, [0, 1]);
    assert_eq!(decided.version, 2);
    let nothing = log.decide::<Seen, _, ()>(&aggregate, AtLeast::Cached, |_, version| Ok((vec![], version))).await;
    let nothing = nothing.unwrap();
    assert!(nothing.appended.is_none());
    assert_eq!((nothing.value, nothing.version), (2, 2));
    let refused = log.decide::<Seen, (), _>(&aggregate, AtLeast::Cached, |_, _| Err("never")).await;
    assert!(matches!(refused, Err(DecideError::Refused("never"))));
}

/// Three processes decide on one aggregate at once: each decision is made on the state that the ones before it left.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contended_decisions_are_each_made_once_on_the_state_before_them() {
    let server = Server::start().await;
    let aggregate = Arc::new(conversation("a"));
    let mut deciders = Vec::new();
    for _ in 0..3 {
        let log = connect(&server).await;
        for _ in 0..4 {
            let (log, aggregate) = (log.clone(), aggregate.clone());
            deciders.push(tokio::spawn(async move {
                let mut made = Vec::new();
                while made.len() < 25 {
                    let decided = log
                        .decide::<Seen, _, ()>(&aggregate, AtLeast::Cached, |state, _| {
                            let new = event();
                            Ok((vec![new.clone()], (state.ids.len(), new.metadata.event_id)))
                        })
                        .await;
                    match decided {
                        Ok(decided) => made.push(decided.value),
                        Err(error) => assert!(error.is_transient(), "{error}"),
                    }
                }
                made
            }));
        }
    }
    let mut made = Vec::new();
    for decider in join_all(deciders).await {
        made.extend(decider.unwrap());
    }
    made.sort_unstable();
    let state = connect(&server).await.load::<Seen>(&aggregate, AtLeast::Latest).await.unwrap().state;
    assert_eq!(made.len(), 300);
    assert_eq!(state.ids.len(), 300);
    for (index, (before, id)) in made.into_iter().enumerate() {
        assert_eq!((index, state.ids[index]), (before, id));
    }
}

#[tokio::test]
async fn what_this_build_doesnt_know_is_folded_as_unknown_and_gaps_are_accepted() {
    let server = Server::start().await;
    let log = connect(&server).await;
    let aggregate = conversation("a");
    fact(&log, &aggregate, 3).await;
    // A message of a later build, which has none of our headers.
    let ack = log.jetstream().publish("ev.default.conversation.a.from_the_future", "?".into()).await.unwrap();
    ack.await.unwrap();
    let stream = log.jetstream().get_stream("EVENTS").await.unwrap();
    stream.delete_message(2).await.unwrap();
    let state = log.load::<Seen>(&aggregate, AtLeast::Latest).await.unwrap();
    assert_eq!(state.state.positions, [1, 3, 4]);
    assert_eq!(state.state.unknown, 1);
    assert!(log.read(2).await.unwrap().is_none());
}

#[tokio::test]
async fn a_fold_that_may_go_on_from_the_middle_reads_nothing_before_it_and_is_kept_as_any_other() {
    let server = Server::start().await;
    let (log, other) = (connect(&server).await, connect(&server).await);
    let aggregate = conversation("a");
    let before = fact(&other, &aggregate, 900).await;
    let last = fact(&other, &aggregate, 40).await;
    assert!(!log.holds::<Seen>(&aggregate));
    let begun = || Seen { actors: vec!["what came before".to_owned()], ..Seen::default() };
    let load = async |at_least| log.load_from(&aggregate, at_least, (before + 1, begun())).await.unwrap();
    let loaded = load(AtLeast::Latest).await;
    assert_eq!((loaded.version, loaded.state.ids.len()), (last, 40), "nothing before it is read");
    assert_eq!(loaded.state.actors[0], "what came before");
    assert!(log.holds::<Seen>(&aggregate));
    let next = fact(&other, &aggregate, 3).await;
    let loaded = load(AtLeast::Position(next)).await;
    assert_eq!((loaded.version, loaded.state.ids.len()), (next, 43), "it is caught up, not begun again");
    assert_eq!(loaded.state.actors.iter().filter(|actor| *actor == "what came before").count(), 1);
}
