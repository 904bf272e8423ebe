//! Two tenants, one of them flooding: the other's events are handled, and its appends stored, about as fast as alone.

#![allow(clippy::unwrap_used)]

mod support;

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use steward_log::{Append, Condition, ConnectOptions, Expected, HandleError, Handled, Log, Subscription};
use steward_proto::{Aggregate, AggregateId, Recorded, TenantId};
use support::events::{event_with, kind};
use support::server::Server;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

const PATIENCE: Duration = Duration::from_secs(120);

/// Of the tests that measure, one runs at a time, since they would measure each other.
static MEASURING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// How many events the flooding tenant has.
const FLOOD: usize = 50_000;

/// How long each of them takes to handle.
const WORK: Duration = Duration::from_millis(50);

fn tenant(name: &str) -> TenantId {
    TenantId::new(name).unwrap()
}

fn conversation(of: &str, id: impl std::fmt::Display) -> AggregateId {
    AggregateId::new(tenant(of), Aggregate::Conversation, &id.to_string()).unwrap()
}

async fn connect(server: &Server) -> Log {
    let log = Log::connect(&server.url(), ConnectOptions::new("test"), CancellationToken::new()).await.unwrap();
    log.ensure_streams().await.unwrap();
    log
}

fn subscription() -> Subscription {
    let filters = ["ev.*.conversation.*.update_kept"];
    let tenants = [tenant("flood"), tenant("other")];
    Subscription { ack_wait: Duration::from_secs(2), ..Subscription::new("worker", filters) }.tenants(tenants)
}

async fn fact(log: &Log, aggregate: &AggregateId, what: &str) -> u64 {
    let events = vec![event_with(what)];
    let append = Append { aggregate: aggregate.clone(), events, expected: Expected::Any, dedupe_key: None };
    log.append(append).await.unwrap().position
}

/// Appends `count` events over a thousand aggregates.
async fn flood(log: &Log, count: usize) {
    let writers = (0..100).map(|writer| {
        let log = log.clone();
        async move {
            for i in 0..count / 100 / 10 {
                let aggregate = conversation("flood", writer * 10 + i % 10);
                let events = (0..10).map(|_| event_with("flood")).collect();
                let append = Append { aggregate, events, expected: Expected::Any, dedupe_key: None };
                log.append(append).await.unwrap();
            }
        }
    });
    futures::future::join_all(writers).await;
}

async fn next<T>(received: &mut mpsc::UnboundedReceiver<T>) -> T {
    tokio::time::timeout(PATIENCE, received.recv()).await.unwrap().unwrap()
}

/// Appends `count` events of the other tenant, one after another; how long each took from its append to the end of its
/// handling.
async fn times_of_the_other(log: &Log, done: &mut mpsc::UnboundedReceiver<u64>, count: usize) -> Vec<Duration> {
    let mut times = Vec::new();
    for i in 0..count {
        let since = Instant::now();
        let position = fact(log, &conversation("other", i), "other").await;
        while next(done).await != position {}
        times.push(since.elapsed());
    }
    times
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_one_tenants_events_keeps_no_other_waiting_and_none_of_it_is_lost() {
    let _alone = MEASURING.lock().await;
    let server = Server::start().await;
    let log = connect(&server).await;
    let (sender, mut done) = mpsc::unbounded_channel();
    let last: Arc<Mutex<HashMap<String, u64>>> = Arc::default();
    let handled = Arc::new(AtomicUsize::new(0));
    let fast = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let stop = CancellationToken::new();
    let (last_, handled_, fast_) = (last.clone(), handled.clone(), fast.clone());
    let handler = move |recorded: Recorded| {
        let (sender, last, handled, fast) = (sender.clone(), last_.clone(), handled_.clone(), fast_.clone());
        async move {
            if !fast.load(Ordering::Relaxed) || recorded.subject.tenant.as_str() == "other" {
                tokio::time::sleep(WORK).await;
            }
            let before = last
                .lock()
                .unwrap()
                .insert(recorded.subject.tenant.to_string() + &recorded.subject.id, recorded.position);
            assert!(before.is_none_or(|before| before < recorded.position), "out of order or twice");
            if kind(&recorded) == "other" {
                sender.send(recorded.position).unwrap();
            } else {
                handled.fetch_add(1, Ordering::Relaxed);
            }
            Ok(Handled::Done)
        }
    };
    let running = tokio::spawn({
        let (log, stop) = (log.clone(), stop.clone());
        async move { log.subscribe(subscription(), stop, handler).await }
    });
    let alone = percentile(&mut times_of_the_other(&log, &mut done, 15).await, 50);

    flood(&log, FLOOD).await;
    let before = handled.load(Ordering::Relaxed);
    let beside = times_of_the_other(&log, &mut done, 40).await;
    let after = handled.load(Ordering::Relaxed);
    assert!(before < after && after < FLOOD, "the flood was under way: {before} … {after}");
    let mut beside = beside;
    let [half, most, worst] = [50, 90, 100].map(|percent| percentile(&mut beside, percent));
    println!("alone {alone:?}, beside the flood p50 {half:?}, p90 {most:?}, worst {worst:?}");
    assert!(most < alone * 3, "alone {alone:?}, beside the flood {most:?}");

    fast.store(true, Ordering::Relaxed);
    let all = async {
        while handled.load(Ordering::Relaxed) < FLOOD {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, all).await.unwrap();
    assert_eq!(handled.load(Ordering::Relaxed), FLOOD);
    assert!(log.dead_letters().await.unwrap().is_empty());
    stop.cancel();
    running.await.unwrap().unwrap();
}

/// What an earlier build had handled under the shared name isn't handled again; the rest is.
#[tokio::test]
async fn a_tenants_own_consumer_begins_where_the_shared_one_stood() {
    let server = Server::start().await;
    let log = connect(&server).await;
    let collect = |subscription: Subscription, stop: CancellationToken| {
        let (sender, received) = mpsc::unbounded_channel();
        let log = log.clone();
        let handler = move |recorded: Recorded| {
            let sent = sender.send(recorded.position);
            async move {
                sent.unwrap();
                Ok(Handled::Done)
            }
        };
        (tokio::spawn(async move { log.subscribe(subscription, stop, handler).await }), received)
    };
    let stop = CancellationToken::new();
    let (shared, mut received) = collect(Subscription { tenants: Vec::new(), ..subscription() }, stop.clone());
    for i in 0..5 {
        fact(&log, &conversation("flood", i), "x").await;
        next(&mut received).await;
    }
    stop.cancel();
    shared.await.unwrap().unwrap();
    let missed = [
        fact(&log, &conversation("flood", 1), "x").await,
        fact(&log, &conversation("stranger", 1), "x").await,
        fact(&log, &conversation("other", 1), "x").await,
    ];
    for round in 0..2 {
        let stop = CancellationToken::new();
        let (own, mut received) = collect(subscription(), stop.clone());
        if round == 0 {
            let mut came = [next(&mut received).await, next(&mut received).await];
            came.sort_unstable();
            assert_eq!(came, [missed[0], missed[2]]);
        }
        let new = fact(&log, &conversation("other", 2), "x").await;
        assert_eq!(next(&mut received).await, new, "round {round}");
        stop.cancel();
        own.await.unwrap().unwrap();
    }
    // A consumer for a tenant that is named later begins at the same mark.
    let (own, mut received) = collect(subscription().tenants([tenant("stranger")]), CancellationToken::new());
    assert_eq!(next(&mut received).await, missed[1]);
    own.abort();
}

/// Though every slot is taken by an event that lacks something for ever, other aggregates of the same tenant go on.
#[tokio::test]
async fn what_lacks_something_for_ever_holds_no_slot_for_ever() {
    let _alone = MEASURING.lock().await;
    let server = Server::start().await;
    let log = connect(&server).await;
    let (sender, mut done) = mpsc::unbounded_channel();
    let mended = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let mended_ = mended.clone();
    let handler = move |recorded: Recorded| {
        let (sender, mended) = (sender.clone(), mended_.clone());
        async move {
            if kind(&recorded) == "lacking" && !mended.load(Ordering::Relaxed) {
                return Err(HandleError::transient("the database is down"));
            }
            sender.send((recorded.subject.id.to_string(), recorded.position)).unwrap();
            Ok(Handled::Done)
        }
    };
    let stop = CancellationToken::new();
    let few = Subscription { concurrency: 4, ..subscription() }.tenants([tenant("flood")]);
    let running = tokio::spawn({
        let (log, stop) = (log.clone(), stop.clone());
        async move { log.subscribe(few, stop, handler).await }
    });
    for i in 0..8 {
        fact(&log, &conversation("flood", i), "lacking").await;
        fact(&log, &conversation("flood", i), "behind").await;
    }
    let since = Instant::now();
    let fine = fact(&log, &conversation("flood", "fine"), "fine").await;
    assert_eq!(next(&mut done).await, ("fine".to_owned(), fine));
    println!("beside events that lack something for ever: {:?}", since.elapsed());
    assert!(since.elapsed() < Duration::from_secs(60), "{:?}", since.elapsed());
    mended.store(true, Ordering::Relaxed);
    let mut last: HashMap<String, u64> = HashMap::new();
    for _ in 0..16 {
        let (id, position) = next(&mut done).await;
        assert!(last.insert(id, position).is_none_or(|before| before < position), "an aggregate's order is kept");
    }
    assert!(log.dead_letters().await.unwrap().is_empty());
    stop.cancel();
    running.await.unwrap().unwrap();
}

#[tokio::test]
async fn how_a_subscription_is_stands_in_the_logs_health() {
    let server = Server::start().await;
    let log = connect(&server).await;
    let of = |log: &Log| {
        let conditions = log.health().conditions();
        conditions.into_iter().find(|(name, _)| name == "worker").map(|(_, condition)| condition)
    };
    let stop = CancellationToken::new();
    let hang = |_| std::future::pending::<Result<Handled, HandleError>>();
    let hanging = Subscription { concurrency: 2, ..subscription() };
    let running = tokio::spawn({
        let (log, stop) = (log.clone(), stop.clone());
        async move { log.subscribe(hanging, stop, hang).await }
    });
    let until = async |wanted: fn(&Option<Condition>) -> bool| {
        let reached = async {
            while !wanted(&of(&log)) {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(PATIENCE, reached).await.unwrap();
    };
    until(|condition| *condition == Some(Condition::Well)).await;
    for i in 0..4 {
        fact(&log, &conversation("flood", i), "x").await;
    }
    until(|condition| matches!(condition, Some(Condition::Behind(why)) if why.contains("all slots are taken"))).await;
    running.abort();
    until(|condition| matches!(condition, Some(Condition::Dead(_)))).await;
}

fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort();
    times[(times.len() * percent / 100).min(times.len() - 1)]
}

/// How long facts of one tenant wait, appended one after another, beside whatever floods.
async fn waits_of_facts(log: &Log, count: usize) -> Vec<Duration> {
    let mut waits = Vec::new();
    for i in 0..count {
        let since = Instant::now();
        fact(log, &conversation("other", i % 20), "fact").await;
        waits.push(since.elapsed());
    }
    waits
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn facts_wait_neither_for_a_flood_of_decisions_nor_for_anothers_facts() {
    let _alone = MEASURING.lock().await;
    let server = Server::start().await;
    let log = connect(&server).await;
    let mut alone = waits_of_facts(&log, 100).await;
    let wait_alone = percentile(&mut alone, 50);
    for expected in [Expected::Version(0), Expected::Any] {
        let (mut flood, waits_of_the_flood) = floods(&log, expected);
        let mut waits = waits_of_facts(&log, 40).await;
        flood.shutdown().await;
        let mut floods_own = std::mem::take(&mut *waits_of_the_flood.lock().unwrap());
        let [wait, own] = [&mut waits, &mut floods_own].map(|w| (percentile(w, 50), percentile(w, 99)));
        println!(
            "a fact's wait, p50 and p99: alone {wait_alone:?}, beside a flood ({expected:?}) {wait:?}; the flood's own {own:?}"
        );
        assert!(
            wait.0 * 4 < own.0,
            "a fact waits {wait:?} beside a flood ({expected:?}) that waits {own:?} for itself"
        );
    }
}

type Waits = Arc<Mutex<Vec<Duration>>>;

/// Keeps 6,000 appends of one tenant on their way: three times what its share of the queue holds.
fn floods(log: &Log, expected: Expected) -> (tokio::task::JoinSet<()>, Waits) {
    let (mut tasks, waits) = (tokio::task::JoinSet::new(), Waits::default());
    for task in 0..6_000 {
        let (log, waits) = (log.clone(), waits.clone());
        tasks.spawn(async move {
            loop {
                let aggregate = conversation("flood", uuid::Uuid::new_v4().simple());
                let events = vec![event_with(format!("{task}"))];
                let since = Instant::now();
                log.append(Append { aggregate, events, expected, dedupe_key: None }).await.unwrap();
                waits.lock().unwrap().push(since.elapsed());
            }
        });
    }
    (tasks, waits)
}
