use std::time::Duration;

use steward_proto::{AggregateId, Fold as _};
use tokio_util::sync::CancellationToken;

use super::store::{Checkpoint, Store};
use super::{KeepStates, Kind, Written};
use crate::support::events::{Seen, conversation, event, events};
use crate::support::server::Server;
use crate::{Append, AtLeast, ConnectOptions, Expected, Log};

async fn fact(log: &Log, aggregate: &AggregateId, count: usize) -> u64 {
    let append =
        Append { aggregate: aggregate.clone(), events: events(count), expected: Expected::Any, dedupe_key: None };
    log.append(append).await.unwrap().position
}

/// What is kept says less than the log though it claims to be complete, or can't be read: what a fault of ours, or of a disk,
/// might leave. Decisions are made on the whole truth all the same, for the version is the judge.
#[tokio::test]
async fn a_kept_state_that_lacks_events_or_cant_be_read_decides_nothing() {
    let server = Server::start().await;
    let place = tempfile::tempdir().unwrap();
    let log = Log::connect(&server.url(), ConnectOptions::new("test"), CancellationToken::new()).await.unwrap();
    log.ensure_streams().await.unwrap();
    let names = ["stale", "unreadable", "missing", "unkept", "right"];
    for name in names {
        fact(&log, &conversation(name), 2).await;
    }
    let mut last = 0;
    for name in names {
        let aggregate = conversation(name);
        let decided = log.decide::<Seen, _, ()>(&aggregate, AtLeast::Latest, |_, _| Ok((vec![event()], ())));
        last = decided.await.unwrap().version;
    }
    let kinds = vec![Kind::of::<Seen>()];
    {
        let store = Store::open(place.path(), &kinds).unwrap();
        let mut states = Vec::new();
        for name in names {
            let all = log.load::<Seen>(&conversation(name), AtLeast::Latest).await.unwrap();
            let mut stale = Seen::default();
            let first = log.read(all.state.positions[0]).await.unwrap().unwrap();
            stale.evolve(&first);
            let written = match name {
                "stale" => Written::State(first.position, postcard::to_stdvec(&stale).unwrap()),
                "unreadable" => Written::State(all.version, vec![255; 40]),
                "missing" => continue,
                "unkept" => Written::Unkept,
                _ => Written::State(all.version, postcard::to_stdvec(&*all.state).unwrap()),
            };
            states.push((conversation(name), written));
        }
        let event_id = log.read(last).await.unwrap().unwrap().metadata.event_id;
        store.put(states, Checkpoint { position: last, event_id }).unwrap();
    }
    let keeping = Log::connect(&server.url(), ConnectOptions::new("test"), CancellationToken::new()).await.unwrap();
    keeping.keep_states(KeepStates { place: place.path().to_owned(), kinds }).await.unwrap();
    for name in names {
        let decided = keeping
            .decide::<Seen, _, ()>(&conversation(name), AtLeast::Cached, |state, _| {
                Ok((vec![event()], state.ids.len()))
            })
            .await
            .unwrap();
        assert_eq!(decided.value, 3, "{name}");
    }
}

/// Another process decides on an aggregate whose kept state lacks events: what follows finds the gap, and neither the rest of
/// that decision nor what is on disk hides it.
#[tokio::test]
async fn a_gap_that_a_decision_shows_isnt_filled_from_disk() {
    let server = Server::start().await;
    let place = tempfile::tempdir().unwrap();
    let log = Log::connect(&server.url(), ConnectOptions::new("test"), CancellationToken::new()).await.unwrap();
    log.ensure_streams().await.unwrap();
    let (aggregate, kinds) = (conversation("stale"), vec![Kind::of::<Seen>()]);
    let last = fact(&log, &aggregate, 3).await;
    {
        let store = Store::open(place.path(), &kinds).unwrap();
        let first = log.read(1).await.unwrap().unwrap();
        let mut stale = Seen::default();
        stale.evolve(&first);
        let written = Written::State(1, postcard::to_stdvec(&stale).unwrap());
        let event_id = log.read(last).await.unwrap().unwrap().metadata.event_id;
        store.put(vec![(aggregate.clone(), written)], Checkpoint { position: last, event_id }).unwrap();
    }
    let keeping = Log::connect(&server.url(), ConnectOptions::new("test"), CancellationToken::new()).await.unwrap();
    keeping.keep_states(KeepStates { place: place.path().to_owned(), kinds }).await.unwrap();
    let mut version = 0;
    for _ in 0..3 {
        let decided = log.decide::<Seen, _, ()>(&aggregate, AtLeast::Latest, |_, _| Ok((events(3), ())));
        decided.await.unwrap();
        version = fact(&log, &aggregate, 1).await;
        let truth = log.load::<Seen>(&aggregate, AtLeast::Latest).await.unwrap();
        let seen = keeping.load::<Seen>(&aggregate, AtLeast::Position(version)).await.unwrap();
        assert_eq!((seen.version, &seen.state), (version, &truth.state));
    }
    let decided = keeping.decide::<Seen, _, ()>(&aggregate, AtLeast::Cached, |state, seen| {
        assert_eq!(seen, version);
        Ok((vec![event()], state.ids.len()))
    });
    assert_eq!(decided.await.unwrap().value, 15);
}

/// An admin erases the last event of an aggregate whose state is kept: the next decision is made on what is left.
#[tokio::test]
async fn an_aggregate_whose_last_event_was_erased_goes_on() {
    let server = Server::start().await;
    let place = tempfile::tempdir().unwrap();
    let aggregate = conversation("erased");
    for restart in [false, true] {
        let shutdown = CancellationToken::new();
        let options = ConnectOptions { grace: Duration::from_millis(100), ..ConnectOptions::new("test") };
        let log = Log::connect(&server.url(), options, shutdown.clone()).await.unwrap();
        log.ensure_streams().await.unwrap();
        let keep = || KeepStates { place: place.path().to_owned(), kinds: vec![Kind::of::<Seen>()] };
        log.keep_states(keep()).await.unwrap();
        let last = fact(&log, &aggregate, 3).await;
        let beyond = fact(&log, &conversation("another"), 1).await;
        log.load::<Seen>(&aggregate, AtLeast::Position(beyond)).await.unwrap();
        let log = if restart {
            shutdown.cancel();
            log.closed().await;
            drop(log);
            let log = Log::connect(&server.url(), ConnectOptions::new("test"), CancellationToken::new()).await.unwrap();
            log.keep_states(keep()).await.unwrap();
            log
        } else {
            log
        };
        log.jetstream().get_stream("EVENTS").await.unwrap().delete_message(last).await.unwrap();
        let before = log.load::<Seen>(&aggregate, AtLeast::Cached).await.unwrap().state.ids.len();
        let decided = log
            .decide::<Seen, _, ()>(&aggregate, AtLeast::Cached, |state, _| Ok((vec![event()], state.ids.len())))
            .await
            .unwrap();
        assert_eq!(decided.value, before - 1);
        let seen = log.load::<Seen>(&aggregate, AtLeast::Position(decided.version)).await.unwrap();
        assert_eq!((seen.version, seen.state.ids.len()), (decided.version, before));
    }
}

#[test]
fn what_is_kept_is_read_back_as_it_was_written() {
    for written in [Written::Unkept, Written::State(7, vec![]), Written::State(u64::MAX, vec![1, 2, 3])] {
        assert_eq!(Written::of_bytes(&written.to_bytes()), written);
    }
    assert_eq!(Written::of_bytes(&[1, 2, 3]), Written::Unkept, "cut short");
}
