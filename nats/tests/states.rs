//! States at hand: kept in memory and on disk by following the log, and never other than the log itself says.

#![allow(clippy::unwrap_used)]

mod support;

use std::path::Path;
use std::time::Duration;

use futures::future::join_all;
use nix::sys::signal::Signal;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use steward_log::{Append, AtLeast, ConnectOptions, Expected, KeepStates, Kind, Log};
use steward_proto::{AggregateId, Kept};
use support::events::{Counted, Seen, conversation, events};
use support::server::Server;
use tokio_util::sync::CancellationToken;

/// A process that may keep states; it ends with [`Process::end`].
struct Process {
    log: Log,
    shutdown: CancellationToken,
}

impl Process {
    async fn begin(server: &Server, cache_entries: u64) -> Self {
        let shutdown = CancellationToken::new();
        let grace = Duration::from_millis(100);
        let options = ConnectOptions { cache_entries, grace, ..ConnectOptions::new("test") };
        let log = Log::connect(&server.url(), options, shutdown.clone()).await.unwrap();
        log.ensure_streams().await.unwrap();
        Self { log, shutdown }
    }

    async fn keeping<S: Kept>(server: &Server, place: &Path, cache_entries: u64) -> Self {
        let process = Self::begin(server, cache_entries).await;
        let keep = KeepStates { place: place.to_owned(), kinds: vec![Kind::of::<S>()] };
        process.log.keep_states(keep).await.unwrap();
        process
    }

    /// Ends as a process does that is stopped: what it kept is written.
    async fn end(self) {
        self.shutdown.cancel();
        let log = self.log;
        log.closed().await;
    }

    async fn fact(&self, aggregate: &AggregateId, count: usize) -> u64 {
        let append =
            Append { aggregate: aggregate.clone(), events: events(count), expected: Expected::Any, dedupe_key: None };
        self.log.append(append).await.unwrap().position
    }

    /// As the log has it, folded from the first event.
    async fn truth(server: &Server, aggregate: &AggregateId) -> (u64, Seen) {
        let fresh = Self::begin(server, 10).await;
        let seen = fresh.log.load::<Seen>(aggregate, AtLeast::Latest).await.unwrap();
        (seen.version, (*seen.state).clone())
    }

    async fn at_hand(&self, aggregate: &AggregateId, position: u64) -> (u64, Seen) {
        let seen = self.log.load::<Seen>(aggregate, AtLeast::Position(position)).await.unwrap();
        (seen.version, (*seen.state).clone())
    }

    /// Loads while the server is stopped, so that nobody can be asked.
    async fn without_the_server(&self, server: &Server, aggregate: &AggregateId, position: u64) -> (u64, Seen) {
        server.signal(Signal::SIGSTOP);
        let found = self.at_hand(aggregate, position).await;
        server.signal(Signal::SIGCONT);
        found
    }
}

#[tokio::test]
async fn a_state_that_nobody_has_asked_for_is_at_hand_without_the_server() {
    let server = Server::start().await;
    let place = tempfile::tempdir().unwrap();
    let other = Process::begin(&server, 10).await;
    let old = other.fact(&conversation("old"), 3).await;
    let process = Process::keeping::<Seen>(&server, place.path(), 10).await;
    let new = other.fact(&conversation("new"), 2).await;
    // What was there before is followed as what comes.
    for (name, position) in [("old", old), ("new", new), ("nobody", new)] {
        let truth = Process::truth(&server, &conversation(name)).await;
        process.at_hand(&conversation("another"), new).await;
        assert_eq!(process.without_the_server(&server, &conversation(name), new).await, truth, "{name} to {position}");
    }
    assert_eq!(process.at_hand(&conversation("old"), old).await.0, old);
}

#[tokio::test]
async fn states_outlive_the_process_and_the_log_goes_on_behind_them() {
    let server = Server::start().await;
    let place = tempfile::tempdir().unwrap();
    let process = Process::keeping::<Seen>(&server, place.path(), 4).await;
    for n in 0..40 {
        process.fact(&conversation(n), 1 + n % 3).await;
    }
    let seventh = conversation(7);
    let decided = process.log.decide::<Seen, _, ()>(&seventh, AtLeast::Latest, |_, _| Ok((events(2), ())));
    let before = decided.await.unwrap().version;
    process.at_hand(&conversation(0), before).await;
    process.end().await;
    let other = Process::begin(&server, 10).await;
    let meanwhile = other.fact(&conversation(7), 1).await;
    let process = Process::keeping::<Seen>(&server, place.path(), 4).await;
    process.at_hand(&conversation(0), meanwhile).await;
    for n in [0, 7, 39, 40] {
        let truth = Process::truth(&server, &conversation(n)).await;
        assert_eq!(process.without_the_server(&server, &conversation(n), meanwhile).await, truth, "conversation {n}");
    }
}

#[tokio::test]
async fn states_of_another_fold_or_another_log_are_forgotten() {
    let server = Server::start().await;
    let place = tempfile::tempdir().unwrap();
    let process = Process::keeping::<Seen>(&server, place.path(), 4).await;
    let last = process.fact(&conversation("a"), 5).await;
    process.at_hand(&conversation("a"), last).await;
    process.end().await;
    let process = Process::keeping::<Counted>(&server, place.path(), 4).await;
    let counted = process.log.load::<Counted>(&conversation("a"), AtLeast::Position(last)).await.unwrap();
    assert_eq!((counted.version, &*counted.state), (last, &Counted(5)));
    process.end().await;
    // Another log, whose positions are the same.
    let another = Server::start().await;
    let process = Process::keeping::<Counted>(&another, place.path(), 4).await;
    assert_eq!(process.log.load::<Counted>(&conversation("a"), AtLeast::Latest).await.unwrap().version, 0);
    let position = process.fact(&conversation("b"), 5).await;
    assert_eq!(position, last);
    let counted = process.log.load::<Counted>(&conversation("a"), AtLeast::Position(position)).await.unwrap();
    assert_eq!((counted.version, &*counted.state), (0, &Counted(0)));
    process.end().await;
    let process = Process::keeping::<Counted>(&server, place.path(), 4).await;
    let counted = process.log.load::<Counted>(&conversation("a"), AtLeast::Position(last)).await.unwrap();
    assert_eq!((counted.version, &*counted.state), (last, &Counted(5)));
}

#[tokio::test]
async fn files_that_were_spoilt_or_lost_are_made_again_from_the_log() {
    let server = Server::start().await;
    let place = tempfile::tempdir().unwrap();
    let mut rng = StdRng::seed_from_u64(7);
    let mut last = 0;
    for round in 0..6 {
        let process = Process::keeping::<Seen>(&server, place.path(), 4).await;
        last = process.fact(&conversation(round), 3).await.max(last);
        for n in 0..=round {
            assert_eq!(
                process.at_hand(&conversation(n), last).await,
                Process::truth(&server, &conversation(n)).await,
                "conversation {n} in round {round}"
            );
        }
        process.end().await;
        let files: Vec<_> = walk(place.path());
        for file in files {
            match rng.random_range(0..4) {
                0 => std::fs::remove_file(&file).unwrap(),
                1 => std::fs::write(&file, b"nothing of the kind").unwrap(),
                2 => {
                    let mut bytes = std::fs::read(&file).unwrap();
                    bytes.truncate(bytes.len() / 2);
                    std::fs::write(&file, bytes).unwrap();
                }
                _ => {}
            }
        }
    }
}

fn walk(place: &Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(place).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(walk(&path)) } else { files.push(path) }
    }
    files.sort();
    files
}

#[tokio::test]
async fn several_processes_that_decide_at_once_agree_with_the_log() {
    let server = Server::start().await;
    let place = tempfile::tempdir().unwrap();
    // Two of one service have a directory each; their memory is smaller than what they work on.
    let processes = [
        Process::keeping::<Seen>(&server, place.path(), 3).await,
        Process::keeping::<Seen>(&server, place.path(), 3).await,
    ];
    let server = &server;
    let work = processes.iter().enumerate().flat_map(|(which, process)| {
        (0..4_usize).map(move |writer| async move {
            for step in 0..20_usize {
                let aggregate = conversation((writer * 7 + step * 3 + which) % 12);
                if step % 3 == 0 {
                    process.fact(&aggregate, 1 + step % 2).await;
                } else {
                    let decided = process
                        .log
                        .decide::<Seen, _, ()>(&aggregate, AtLeast::Cached, |state, version| {
                            assert_eq!(state.positions.last().copied().unwrap_or(0), version, "a state of its version");
                            assert!(state.positions.is_sorted());
                            Ok((events(1 + step % 3), state.ids.len()))
                        })
                        .await
                        .unwrap();
                    // Decided on all that came before it: no event is missing in the state.
                    let first = decided.appended.unwrap().first;
                    let (_, truth) = Process::truth(server, &aggregate).await;
                    assert_eq!(truth.positions.iter().filter(|at| **at < first).count(), decided.value);
                }
            }
        })
    });
    join_all(work).await;
    let last = processes[0].log.last_position().await.unwrap();
    for n in 0..12 {
        let truth = Process::truth(server, &conversation(n)).await;
        for process in &processes {
            assert_eq!(process.at_hand(&conversation(n), last).await, truth, "conversation {n}");
        }
    }
}
