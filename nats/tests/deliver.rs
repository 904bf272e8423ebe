//! Deliveries: each takes as long as it needs, is put off and brought again, and is never lost with its process.

#![allow(clippy::unwrap_used)]

mod support;

use std::time::Duration;

use async_nats::jetstream::consumer::PullConsumer;
use steward_log::{Append, ConnectOptions, Deliveries, Expected, Log, Settled};
use support::events::{conversation, event};
use support::server::Server;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

const PATIENCE: Duration = Duration::from_secs(120);
/// Longer than a process may be silent about a delivery that it has in hand.
const LONG: Duration = Duration::from_secs(7);

async fn fact(log: &Log, id: &str) -> u64 {
    let (aggregate, events) = (conversation(id), vec![event()]);
    log.append(Append { aggregate, events, expected: Expected::Any, dedupe_key: None }).await.unwrap().position
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_takes_long_is_brought_once_what_is_put_off_comes_again_and_what_is_given_up_does_not() {
    let server = Server::start().await;
    let connect =
        async || Log::connect(&server.url(), ConnectOptions::new("test"), CancellationToken::new()).await.unwrap();
    let logs = [connect().await, connect().await];
    logs[0].ensure_streams().await.unwrap();
    let before = fact(&logs[0], "before").await;
    let (long, later, hopeless) =
        (fact(&logs[0], "long").await, fact(&logs[0], "later").await, fact(&logs[0], "hopeless").await);
    let deliveries = Deliveries {
        durable: "webhook-t-1".to_owned(),
        filters: vec!["ev.*.conversation.>".to_owned()],
        from: before + 1,
        at_once: 2,
        waiting: 10,
    };
    let stop = CancellationToken::new();
    let (brought, mut seen) = mpsc::unbounded_channel();
    let working = logs.clone().map(|log| {
        let (deliveries, stop, brought) = (deliveries.clone(), stop.clone(), brought.clone());
        tokio::spawn(async move {
            let handler = move |position, tries| {
                brought.send((position, tries)).unwrap();
                async move {
                    match (position, tries) {
                        (p, _) if p == long => {
                            sleep(LONG).await;
                            Settled::Done
                        }
                        (p, 1) if p == later => Settled::Again(Duration::from_millis(300)),
                        (p, _) if p == hopeless => Settled::GivenUp,
                        _ => Settled::Done,
                    }
                }
            };
            log.deliver(deliveries, &stop, handler).await;
        })
    });
    let settled = async {
        let mut consumer: PullConsumer =
            logs[0].jetstream().get_consumer_from_stream("webhook-t-1", "EVENTS").await.unwrap();
        // Nothing reports it, so the server is asked until it is so.
        loop {
            let info = consumer.info().await.unwrap();
            if info.ack_floor.stream_sequence >= hopeless && info.num_ack_pending == 0 {
                return;
            }
            sleep(Duration::from_millis(50)).await;
        }
    };
    let mut all = Vec::new();
    for _ in 0..4 {
        all.push(timeout(PATIENCE, seen.recv()).await.unwrap().unwrap());
    }
    let began = Instant::now();
    timeout(PATIENCE, settled).await.unwrap();
    assert!(began.elapsed() > LONG / 2, "the long one took its time");
    while let Ok(more) = seen.try_recv() {
        all.push(more);
    }
    all.sort_unstable();
    assert_eq!(all, [(long, 1), (later, 1), (later, 2), (hopeless, 1)]);
    stop.cancel();
    for worker in working {
        timeout(PATIENCE, worker).await.unwrap().unwrap();
    }
    logs[0].end_deliveries(&["webhook-t-1".to_owned(), "webhook-t-2".to_owned()]).await.unwrap();
    let gone = logs[0]
        .jetstream()
        .get_consumer_from_stream::<async_nats::jetstream::consumer::pull::Config, _, _>("webhook-t-1", "EVENTS");
    assert!(gone.await.is_err(), "a consumer that nobody wants is gone");
}
