//! How fast the log is on this machine: `cargo run --release -p steward-log --example log_bench [seconds per job] [nats url | -] [part of a job's name]`.
//!
//! Without a URL it starts a nats-server of its own with `sync_interval: always`. One JSON line per job; every figure
//! has a reference in the same run: plain publishes that each wait for their acknowledgement.

#![allow(clippy::unwrap_used)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use futures::{StreamExt as _, pin_mut};
use steward_log::{Append, AtLeast, ConnectOptions, Expected, Handled, Log, Subscription};
use support::events::{Seen, conversation, event_with, events};
use support::server::Server;
use tokio_util::sync::CancellationToken;

const PAYLOAD: usize = 330;

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let seconds = arguments.next().map_or(3.0, |seconds| seconds.parse().unwrap());
    let for_ = Duration::from_secs_f64(seconds);
    let url = arguments.next().filter(|url| url != "-");
    let wanted = arguments.next().unwrap_or_default();
    let (url, _server) = match url {
        Some(url) => (url, None),
        None => {
            let server = Server::start().await;
            (server.url(), Some(server))
        }
    };
    let log = Log::connect(&url, ConnectOptions::new("bench"), CancellationToken::new()).await.unwrap();
    log.ensure_streams().await.unwrap();
    let body = "x".repeat(PAYLOAD);

    for callers in [1, 8, 32] {
        let (jetstream, payload) = (log.jetstream().clone(), bytes::Bytes::from(body.clone()));
        run(&wanted, "reference: plain publish, each awaited", callers, for_, move |n| {
            let (jetstream, payload) = (jetstream.clone(), payload.clone());
            async move {
                let subject = format!("ev.bench.conversation.r{}.update_kept", n % 10_000);
                jetstream.publish(subject, payload).await.unwrap().await.unwrap();
            }
        })
        .await;
    }

    for callers in [1, 8, 32, 128, 512] {
        let (log, body) = (log.clone(), body.clone());
        run(&wanted, "append of facts", callers, for_, move |n| {
            let (log, body) = (log.clone(), body.clone());
            async move {
                let (aggregate, events) = (conversation(format!("f{}", n % 10_000)), vec![event_with(body)]);
                let append = Append { aggregate, events, expected: Expected::Any, dedupe_key: None };
                log.append(append).await.unwrap();
            }
        })
        .await;
    }
    for (job, callers, aggregates, count) in [
        ("decisions of one event, 1000 aggregates", 1, 1_000, 1),
        ("decisions of one event, 1000 aggregates", 16, 1_000, 1),
        ("decisions of one event, 1000 aggregates", 512, 1_000, 1),
        ("decisions of three events, 1000 aggregates", 1, 1_000, 3),
        ("decisions of three events, 1000 aggregates", 128, 1_000, 3),
        ("decisions of one event, one aggregate", 8, 1, 1),
    ] {
        let (log, body) = (log.clone(), body.clone());
        run(&wanted, job, callers, for_, move |n| {
            let (log, body) = (log.clone(), body.clone());
            async move {
                // Steps that share no divisor with the number of aggregates spread the callers over all of them.
                let id = conversation(format!("d{count}-{}", n.wrapping_mul(7_919) % aggregates));
                let make = |_: &Length, _| Ok(((0..count).map(|_| event_with(body.clone())).collect(), ()));
                log.decide::<Length, _, ()>(&id, AtLeast::Cached, make).await.unwrap();
            }
        })
        .await;
    }

    for id in 0..200 {
        let append = Append {
            aggregate: conversation(format!("l{id}")),
            events: events(20),
            expected: Expected::Any,
            dedupe_key: None,
        };
        log.append(append).await.unwrap();
    }
    for (job, at_least) in [
        ("load of 20 events, not in memory", AtLeast::Latest),
        ("load, caught up", AtLeast::Latest),
        ("load, in memory", AtLeast::Cached),
    ] {
        let mut times = Vec::new();
        let since = Instant::now();
        for id in 0..200 {
            let one = Instant::now();
            log.load::<Seen>(&conversation(format!("l{id}")), at_least).await.unwrap();
            times.push(one.elapsed());
        }
        report(job, 1, times, since.elapsed());
    }

    let mut total = log.last_position().await.unwrap();
    while total < 200_000 {
        let events = (0..500).map(|_| event_with(body.clone())).collect();
        let append = Append { aggregate: conversation("fill"), events, expected: Expected::Any, dedupe_key: None };
        total = log.append(append).await.unwrap().position;
    }
    let since = Instant::now();
    let tail = log.tail(1, vec![]).await.unwrap();
    pin_mut!(tail);
    let mut read = 0_u64;
    while let Some(tailed) = tail.next().await {
        read += 1;
        if tailed.unwrap().pending == 0 {
            break;
        }
    }
    let took = since.elapsed().as_secs_f64();
    println!(
        "{}",
        serde_json::json!({"job": "tail from the beginning", "events": read, "per_second": (read as f64 / took).round()})
    );

    let (done, mut handled) = tokio::sync::watch::channel(0_u64);
    let stop = CancellationToken::new();
    let since = Instant::now();
    let subscribed = {
        let (log, stop) = (log.clone(), stop.clone());
        tokio::spawn(async move {
            let subscription = Subscription::new("bench", []).concurrency(64);
            log.subscribe(subscription, stop, move |_| {
                done.send_modify(|handled| *handled += 1);
                async { Ok(Handled::Done) }
            })
            .await
        })
    };
    let goal = total.min(200_000);
    handled.wait_for(|handled| *handled >= goal).await.unwrap();
    let took = since.elapsed().as_secs_f64();
    println!(
        "{}",
        serde_json::json!({"job": "subscription, empty handler", "events": goal, "per_second": (goal as f64 / took).round()})
    );
    stop.cancel();
    subscribed.await.unwrap().unwrap();
}

/// A fold whose state costs nothing.
#[derive(Default, Clone)]
struct Length(u64);

impl steward_proto::Fold for Length {
    fn evolve(&mut self, _: &steward_proto::Recorded) {
        self.0 += 1;
    }
}

/// `callers` in a closed loop: each waits for its answer before it asks again.
async fn run<Fut>(
    wanted: &str,
    job: &str,
    callers: u64,
    for_: Duration,
    work: impl Fn(u64) -> Fut + Clone + Send + Sync + 'static,
) where
    Fut: Future<Output = ()> + Send + 'static,
{
    if !job.contains(wanted) {
        return;
    }
    let since = Instant::now();
    let mut tasks = Vec::new();
    for caller in 0..callers {
        let work = work.clone();
        tasks.push(tokio::spawn(async move {
            let mut times = Vec::new();
            let mut n = caller;
            while since.elapsed() < for_ {
                let one = Instant::now();
                work(n).await;
                times.push(one.elapsed());
                n += callers;
            }
            times
        }));
    }
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await.unwrap());
    }
    report(job, callers, times, since.elapsed());
}

fn report(job: &str, callers: u64, mut times: Vec<Duration>, took: Duration) {
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    let milliseconds = |value: f64| (value * 1e3).round() / 1e3;
    println!(
        "{}",
        serde_json::json!({
            "job": job,
            "callers": callers,
            "per_second": (times.len() as f64 / took.as_secs_f64()).round(),
            "p50_ms": milliseconds(at(0.5)),
            "p99_ms": milliseconds(at(0.99)),
        })
    );
}
