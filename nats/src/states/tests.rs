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
    // And another's decision, which is followed, finds the gap before anybody decides.
    let other = conversation("stale");
    let decided = log.decide::<Seen, _, ()>(&other, AtLeast::Latest, |state, _| Ok((vec![event()], state.ids.len())));
    let version = decided.await.unwrap().version;
    let seen = keeping.load::<Seen>(&other, AtLeast::Position(version)).await.unwrap();
    assert_eq!((seen.version, seen.state.ids.len()), (version, 5));
}

#[test]
fn what_is_kept_is_read_back_as_it_was_written() {
    for written in [Written::Unkept, Written::State(7, vec![]), Written::State(u64::MAX, vec![1, 2, 3])] {
        assert_eq!(Written::of_bytes(&written.to_bytes()), written);
    }
    assert_eq!(Written::of_bytes(&[1, 2, 3]), Written::Unkept, "cut short");
}
