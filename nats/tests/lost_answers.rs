//! The server stores an event and its answer is lost: nothing is stored twice, and the caller learns that it is stored.

#![allow(clippy::unwrap_used)]

mod support;

use std::collections::HashSet;
use std::time::Duration;

use futures::future::join_all;
use futures::{StreamExt as _, pin_mut};
use steward_log::{Append, AppendError, Appended, ConnectOptions, Expected, Log};
use steward_proto::{AggregateId, NewEvent};
use support::events::{conversation, events};
use support::line::Line;
use support::server::Server;
use tokio_util::sync::CancellationToken;

struct World {
    server: Server,
    line: Line,
    /// Connected through the line that can be cut.
    log: Log,
    /// Connected straight to the server.
    witness: Log,
}

async fn world() -> World {
    let server = Server::start().await;
    let line = Line::to(server.port).await;
    let connect = |url: String| async move {
        Log::connect(&url, ConnectOptions::new("test"), CancellationToken::new()).await.unwrap()
    };
    let (witness, log) = (connect(server.url()).await, connect(line.url()).await);
    witness.ensure_streams().await.unwrap();
    World { server, line, log, witness }
}

fn append(aggregate: &AggregateId, events: Vec<NewEvent>, expected: Expected) -> Append {
    Append { aggregate: aggregate.clone(), events, expected, dedupe_key: None }
}

impl World {
    /// Makes appends whose answers are lost after they are stored; the line comes back after that.
    async fn without_answers(&self, appends: Vec<Append>) -> Vec<Result<Appended, AppendError>> {
        let total: usize = appends.iter().map(|append| append.events.len()).sum();
        let from = self.witness.last_position().await.unwrap() + 1;
        self.line.lose_answers();
        let appending = join_all(appends.into_iter().map(|append| self.log.append(append)));
        let breaking = async {
            self.stored(from, total).await;
            // The cut comes first: an answer that is still on its way must not pass.
            self.line.cut();
            self.line.pass_answers();
        };
        tokio::time::timeout(Duration::from_secs(120), async { tokio::join!(appending, breaking).0 }).await.unwrap()
    }

    /// Waits until this many events are stored from a position on.
    async fn stored(&self, from: u64, count: usize) {
        let tail = self.witness.tail(from, vec![]).await.unwrap();
        pin_mut!(tail);
        for _ in 0..count {
            tail.next().await.unwrap().unwrap();
        }
    }

    async fn all_ids(&self) -> Vec<uuid::Uuid> {
        let mut ids = Vec::new();
        for position in 1..=self.witness.last_position().await.unwrap() {
            ids.push(self.witness.read(position).await.unwrap().unwrap().metadata.event_id);
        }
        ids
    }
}

#[tokio::test]
async fn a_single_append_whose_answer_was_lost_is_stored_once() {
    let world = world().await;
    for (aggregate, count, expected) in [
        ("fact", 1, Expected::Any),
        ("facts", 3, Expected::Any),
        ("decision", 1, Expected::Version(0)),
        ("decisions", 3, Expected::Version(0)),
    ] {
        let before = world.witness.last_position().await.unwrap();
        let append = append(&conversation(aggregate), events(count), expected);
        let id = append.events[0].metadata.event_id;
        let answers = world.without_answers(vec![append]).await;
        let appended = answers[0].as_ref().unwrap_or_else(|error| panic!("{aggregate}: {error}"));
        let (first, position) = (before + 1, before + count as u64);
        assert_eq!(*appended, Appended { first, position, duplicate: false }, "{aggregate}");
        assert_eq!(world.witness.last_position().await.unwrap(), position, "{aggregate}");
        assert_eq!(world.witness.read(first).await.unwrap().unwrap().metadata.event_id, id);
    }
}

#[tokio::test]
async fn a_group_whose_answer_was_lost_is_stored_once() {
    let world = world().await;
    let appends = (0..120).map(|i| {
        let expected = if i % 2 == 0 { Expected::Any } else { Expected::Version(0) };
        append(&conversation(format!("a{i}")), events(if i % 5 == 0 { 2 } else { 1 }), expected)
    });
    let appends: Vec<_> = appends.collect();
    let wanted: Vec<_> = appends.iter().map(|append| append.events[0].metadata.event_id).collect();
    // Only the lone first unit and the group behind it are sent: the group goes when the first has been answered.
    let lone = world.log.append(append(&conversation("lone"), events(1), Expected::Any)).await.unwrap();
    assert_eq!(lone.position, 1);
    let answers = world.without_answers(appends).await;
    for (answer, id) in answers.into_iter().zip(wanted) {
        let appended = answer.unwrap();
        assert!(!appended.duplicate);
        assert_eq!(world.witness.read(appended.first).await.unwrap().unwrap().metadata.event_id, id);
    }
    let ids = world.all_ids().await;
    assert_eq!(ids.len(), 1 + 120 + 24);
    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len(), "an event is stored twice");
}

/// Nothing cuts the line here; the time-out notices.
#[tokio::test]
async fn a_line_that_went_silent_is_given_up_and_nothing_doubles() {
    let world = world().await;
    let aggregate = conversation("a");
    world.line.lose_answers();
    let appending = world.log.append(append(&aggregate, events(1), Expected::Version(0)));
    let healing = async {
        world.stored(1, 1).await;
        world.line.pass_answers();
    };
    let (appended, ()) = tokio::join!(appending, healing);
    // The open connection passes answers again, but the answer that counted is lost.
    assert_eq!(appended.unwrap(), Appended { first: 1, position: 1, duplicate: false });
    assert_eq!(world.witness.last_position().await.unwrap(), 1);
}

/// Somebody else's decision takes the version while ours is lost on its way.
#[tokio::test]
async fn a_decision_that_lost_in_the_meantime_is_told_so() {
    let mut world = world().await;
    let aggregate = conversation("a");
    world.log.append(append(&aggregate, events(1), Expected::Version(0))).await.unwrap();
    world.server.signal(nix::sys::signal::Signal::SIGSTOP);
    let (ours, other) = (world.log.clone(), world.witness.clone());
    let (mine, theirs) = (aggregate.clone(), aggregate.clone());
    let theirs = tokio::spawn(async move { other.append(append(&theirs, events(2), Expected::Version(1))).await });
    let mine = tokio::spawn(async move { ours.append(append(&mine, events(1), Expected::Version(1))).await });
    world.line.cut();
    world.server.signal(nix::sys::signal::Signal::SIGCONT);
    let (theirs, mine) = (theirs.await.unwrap(), mine.await.unwrap());
    assert_ne!(theirs.is_ok(), mine.is_ok(), "{theirs:?} {mine:?}");
    for answer in [theirs, mine] {
        if let Err(error) = answer {
            assert!(matches!(error, AppendError::Conflict { expected: 1, .. }), "{error}");
        }
    }
    world.server.kill();
}
