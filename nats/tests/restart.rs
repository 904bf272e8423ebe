//! `kill -9` of the server under load: whatever was acknowledged is there, nothing is there twice, and all goes on.

#![allow(clippy::unwrap_used)]

mod support;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::{StreamExt as _, pin_mut};
use steward_log::{Append, AppendError, Appended, AtLeast, ConnectOptions, DecideError, Expected, Log, LogError};
use support::events::{Seen, conversation, event, events};
use support::server::Server;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const KILLS: usize = 3;
const WRITERS: usize = 48;

#[derive(Default)]
struct Progress {
    stored: AtomicUsize,
    more: Notify,
}

impl Progress {
    fn one(&self) {
        self.stored.fetch_add(1, Ordering::Relaxed);
        self.more.notify_waiters();
    }

    async fn reaches(&self, goal: usize) {
        loop {
            let more = self.more.notified();
            if self.stored.load(Ordering::Relaxed) >= goal {
                return;
            }
            more.await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_and_nothing_is_doubled_when_the_server_is_killed() {
    killed(None).await;
}

/// As the managed server does it: what was staged then outlives the server, not the machine.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nor_is_it_when_batches_are_staged_elsewhere() {
    killed(Some(tempfile::tempdir().unwrap())).await;
}

async fn killed(staged: Option<tempfile::TempDir>) {
    let stage = |server: &Server| {
        if let Some(folder) = &staged {
            server.stage_in(folder.path());
        }
    };
    let mut server = Server::start().await;
    let log = Log::connect(&server.url(), ConnectOptions::new("test"), CancellationToken::new()).await.unwrap();
    log.ensure_streams().await.unwrap();
    stage(&server);
    let progress = Arc::new(Progress::default());
    let stop = CancellationToken::new();
    let mut writers = Vec::new();
    for writer in 0..WRITERS {
        let (log, progress, stop) = (log.clone(), progress.clone(), stop.clone());
        writers.push(tokio::spawn(async move {
            let mut stored: Vec<(Vec<Uuid>, Appended)> = Vec::new();
            // Some aggregates are shared, so that decisions meet each other.
            let aggregate = conversation(format!("a{}", writer % (WRITERS * 3 / 4)));
            while !stop.is_cancelled() {
                let (ids, appended) = if writer % 2 == 0 {
                    let events = events(1 + writer % 4);
                    let ids = events.iter().map(|event| event.metadata.event_id).collect();
                    let append =
                        Append { aggregate: aggregate.clone(), events, expected: Expected::Any, dedupe_key: None };
                    (ids, log.append(append).await.unwrap())
                } else {
                    let decided = log
                        .decide::<Seen, _, ()>(&aggregate, AtLeast::Cached, |_, _| {
                            let event = event();
                            let id = event.metadata.event_id;
                            Ok((vec![event], vec![id]))
                        })
                        .await
                        .unwrap();
                    (decided.value, decided.appended.unwrap())
                };
                stored.push((ids, appended));
                progress.one();
            }
            stored
        }));
    }
    for kill in 1..=KILLS {
        progress.reaches(kill * 400).await;
        server.kill();
        server.run().await;
        stage(&server);
    }
    progress.reaches(KILLS * 400 + 600).await;
    stop.cancel();
    let mut acknowledged: HashMap<u64, Uuid> = HashMap::new();
    for writer in writers {
        for (ids, appended) in writer.await.unwrap() {
            assert!(!appended.duplicate);
            assert_eq!(appended.position - appended.first + 1, ids.len() as u64);
            acknowledged.extend((appended.first..).zip(ids));
        }
    }

    let last = log.last_position().await.unwrap();
    let tail = log.tail(1, vec![]).await.unwrap();
    pin_mut!(tail);
    let mut seen = HashSet::new();
    for position in 1..=last {
        let recorded = tail.next().await.unwrap().unwrap().recorded;
        assert_eq!(recorded.position, position);
        let id = recorded.metadata.event_id;
        assert!(seen.insert(id), "the event at {position} is stored twice");
        match acknowledged.remove(&position) {
            Some(acknowledged) => assert_eq!(acknowledged, id),
            // Every append was answered in the end, so no event can be there that nobody was told of.
            None => panic!("nobody was told of the event at {position}"),
        }
    }
    assert!(acknowledged.is_empty(), "{} acknowledged events are lost", acknowledged.len());
}

#[tokio::test]
async fn while_the_server_is_down_appends_wait_and_then_say_that_nothing_was_stored() {
    let mut server = Server::start().await;
    let options = ConnectOptions { append_timeout: Duration::from_millis(700), ..ConnectOptions::new("test") };
    let log = Log::connect(&server.url(), options, CancellationToken::new()).await.unwrap();
    log.ensure_streams().await.unwrap();
    let append =
        || Append { aggregate: conversation("a"), events: events(1), expected: Expected::Version(0), dedupe_key: None };
    server.kill();
    // The first append may meet the connection before its loss is known.
    let answers = [log.append(append()).await.unwrap_err(), log.append(append()).await.unwrap_err()];
    assert!(answers[0].is_transient() && matches!(answers[1], AppendError::Unavailable { .. }), "{answers:?}");
    let decided = log.decide::<Seen, _, ()>(&conversation("b"), AtLeast::Latest, |_, _| Ok((events(1), ()))).await;
    assert!(matches!(decided, Err(DecideError::Log(LogError::Unavailable { .. }))), "{decided:?}");
    server.run().await;
    log.ensure_streams().await.unwrap();
    log.append(append()).await.unwrap();
}

#[tokio::test]
async fn connecting_waits_for_a_server_and_ends_at_the_shutdown() {
    let mut server = Server::start().await;
    server.kill();
    let shutdown = CancellationToken::new();
    let connect = |shutdown| Log::connect("nats://127.0.0.1:1", ConnectOptions::default(), shutdown);
    let connecting = tokio::spawn(connect(shutdown.clone()));
    shutdown.cancel();
    assert!(matches!(connecting.await.unwrap(), Err(LogError::ShutDown)));

    let url = server.url();
    let connecting =
        tokio::spawn(async move { Log::connect(&url, ConnectOptions::default(), CancellationToken::new()).await });
    server.run().await;
    connecting.await.unwrap().unwrap().ensure_streams().await.unwrap();
    let wrong = Log::connect("nats://me:secret@[::", ConnectOptions::default(), CancellationToken::new()).await;
    let wrong = wrong.unwrap_err().to_string();
    assert!(wrong.contains("is no NATS address") && !wrong.contains("secret"), "{wrong}");
}

#[tokio::test]
async fn after_the_shutdown_what_is_in_hand_is_finished_and_then_appends_are_refused() {
    let server = Server::start().await;
    let shutdown = CancellationToken::new();
    let options = ConnectOptions { grace: Duration::from_secs(1), ..ConnectOptions::default() };
    let log = Log::connect(&server.url(), options, shutdown.clone()).await.unwrap();
    log.ensure_streams().await.unwrap();
    let append =
        || Append { aggregate: conversation("a"), events: events(1), expected: Expected::Any, dedupe_key: None };
    shutdown.cancel();
    log.append(append()).await.unwrap();
    tokio::time::timeout(Duration::from_secs(120), log.closed()).await.unwrap();
    let late = log.append(append()).await.unwrap_err();
    assert!(matches!(late, AppendError::Log(LogError::ShutDown)), "{late}");
}
