//! Durable subscriptions: order per aggregate, redelivery, retries, dead letters, restarts.

#![allow(clippy::unwrap_used)]

mod support;

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use steward_log::{Append, AtLeast, ConnectOptions, Expected, HandleError, Handled, Log, LogError, Subscription};
use steward_proto::Recorded;
use support::events::{Seen, conversation, event_with, events, kind};
use support::server::Server;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const PATIENCE: Duration = Duration::from_secs(120);

struct World {
    server: Server,
    log: Log,
}

async fn world() -> World {
    let server = Server::start().await;
    let log = connect(&server).await;
    log.ensure_streams().await.unwrap();
    World { server, log }
}

async fn connect(server: &Server) -> Log {
    Log::connect(&server.url(), ConnectOptions::new("test"), CancellationToken::new()).await.unwrap()
}

fn subscription() -> Subscription {
    let filters = ["ev.*.conversation.*.update_kept"];
    Subscription { ack_wait: Duration::from_millis(800), ..Subscription::new("worker", filters) }
}

struct Running {
    stop: CancellationToken,
    task: JoinHandle<Result<(), LogError>>,
}

impl Running {
    async fn stop(self) {
        self.stop.cancel();
        tokio::time::timeout(PATIENCE, self.task).await.unwrap().unwrap().unwrap();
    }

    /// Ends the subscription as if the process had been killed: nothing is handed back.
    async fn kill(self) {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
    }
}

fn run<H, Fut>(log: &Log, subscription: Subscription, handler: H) -> Running
where
    H: Fn(Recorded) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Handled, HandleError>> + Send + 'static,
{
    let stop = CancellationToken::new();
    let (log, shutdown) = (log.clone(), stop.clone());
    Running { stop, task: tokio::spawn(async move { log.subscribe(subscription, shutdown, handler).await }) }
}

/// Subscribes with a handler that hands every event to the test.
fn collect(log: &Log, subscription: Subscription) -> (Running, mpsc::UnboundedReceiver<Recorded>) {
    let (sender, received) = mpsc::unbounded_channel();
    let running = run(log, subscription, move |recorded| {
        let sent = sender.send(recorded);
        async move {
            sent.unwrap();
            Ok(Handled::Done)
        }
    });
    (running, received)
}

async fn fact(log: &Log, id: &str, what: &str) -> u64 {
    let append = Append {
        aggregate: conversation(id),
        events: vec![event_with(what)],
        expected: Expected::Any,
        dedupe_key: None,
    };
    log.append(append).await.unwrap().position
}

async fn next<T>(received: &mut mpsc::UnboundedReceiver<T>) -> T {
    tokio::time::timeout(PATIENCE, received.recv()).await.unwrap().unwrap()
}

/// Waits until everything is acknowledged.
async fn all_acknowledged(log: &Log, up_to: u64) {
    let mut consumer: async_nats::jetstream::consumer::PullConsumer =
        log.jetstream().get_consumer_from_stream("worker", "EVENTS").await.unwrap();
    let done = async {
        loop {
            let info = consumer.info().await.unwrap();
            if info.ack_floor.stream_sequence >= up_to && info.num_ack_pending == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, done).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_aggregate_goes_in_order_one_at_a_time_others_side_by_side() {
    let world = world().await;
    let busy: Arc<Mutex<HashSet<String>>> = Arc::default();
    let most = Arc::new(AtomicUsize::new(0));
    let (sender, mut received) = mpsc::unbounded_channel();
    let (busy_, most_) = (busy.clone(), most.clone());
    let running = run(&world.log, subscription(), move |recorded| {
        let (busy, most, sender) = (busy_.clone(), most_.clone(), sender.clone());
        async move {
            let id = recorded.subject.id.to_string();
            {
                let mut busy = busy.lock().unwrap();
                assert!(busy.insert(id.clone()), "two events of one aggregate at once");
                most.fetch_max(busy.len(), Ordering::Relaxed);
            }
            tokio::time::sleep(Duration::from_millis(recorded.position % 5)).await;
            busy.lock().unwrap().remove(&id);
            sender.send(recorded).unwrap();
            Ok(Handled::Done)
        }
    });
    for i in 0..400 {
        fact(&world.log, &format!("a{}", i % 16), "x").await;
    }
    let mut last: HashMap<String, u64> = HashMap::new();
    for _ in 0..400 {
        let recorded = next(&mut received).await;
        let before = last.insert(recorded.subject.id.to_string(), recorded.position);
        assert!(before.is_none_or(|before| before < recorded.position));
    }
    assert!(most.load(Ordering::Relaxed) > 1, "never two aggregates at once");
    all_acknowledged(&world.log, 400).await;
    running.stop().await;
    assert!(received.try_recv().is_err(), "an event came twice");
}

#[tokio::test]
async fn what_a_dead_process_held_comes_back_to_another() {
    let world = world().await;
    let started = Arc::new(Notify::new());
    let started_ = started.clone();
    let stuck = run(&world.log, subscription(), move |_| {
        let started = started_.clone();
        async move {
            started.notify_one();
            std::future::pending().await
        }
    });
    fact(&world.log, "a", "x").await;
    fact(&world.log, "a", "y").await;
    started.notified().await;
    stuck.kill().await;
    let since = Instant::now();
    let other = connect(&world.server).await;
    let (running, mut received) = collect(&other, subscription());
    assert_eq!([next(&mut received).await.position, next(&mut received).await.position], [1, 2]);
    assert!(since.elapsed() < Duration::from_secs(15), "{:?}", since.elapsed());
    all_acknowledged(&world.log, 2).await;
    running.stop().await;
}

#[tokio::test]
async fn a_handler_that_takes_long_keeps_its_event() {
    let world = world().await;
    let begun = Arc::new(AtomicUsize::new(0));
    let begun_ = begun.clone();
    let slow = move |_: Recorded| {
        begun_.fetch_add(1, Ordering::Relaxed);
        async {
            tokio::time::sleep(Duration::from_secs(3)).await;
            Ok(Handled::Done)
        }
    };
    let one = run(&world.log, subscription(), slow.clone());
    let two = run(&connect(&world.server).await, subscription(), slow);
    fact(&world.log, "a", "x").await;
    // This event waits in hand behind the first one, for longer than the server waits for an acknowledgement.
    fact(&world.log, "a", "y").await;
    all_acknowledged(&world.log, 2).await;
    assert_eq!(begun.load(Ordering::Relaxed), 2);
    one.stop().await;
    two.stop().await;
}

#[tokio::test]
async fn what_is_missing_for_now_is_tried_until_it_works_and_the_next_one_waits() {
    let world = world().await;
    let (sender, mut received) = mpsc::unbounded_channel();
    let tries = Arc::new(AtomicUsize::new(0));
    let running = run(&world.log, subscription(), move |recorded| {
        let (sender, tries) = (sender.clone(), tries.clone());
        async move {
            if kind(&recorded) == "hard" && tries.fetch_add(1, Ordering::Relaxed) < 6 {
                return Err(HandleError::transient("the database is down"));
            }
            sender.send(recorded.position).unwrap();
            Ok(Handled::Done)
        }
    });
    fact(&world.log, "a", "hard").await;
    fact(&world.log, "a", "easy").await;
    fact(&world.log, "b", "easy").await;
    let order = [next(&mut received).await, next(&mut received).await, next(&mut received).await];
    assert_eq!(order, [3, 1, 2]);
    all_acknowledged(&world.log, 3).await;
    assert!(world.log.dead_letters().await.unwrap().is_empty());
    running.stop().await;
}

#[tokio::test]
async fn a_decision_too_large_ends_in_a_dead_letter_and_the_conversation_goes_on() {
    let world = world().await;
    let (sender, mut received) = mpsc::unbounded_channel();
    let log = world.log.clone();
    let running = run(&world.log, subscription(), move |recorded| {
        let (sender, log) = (sender.clone(), log.clone());
        async move {
            // One event larger than the server takes, more events than an append holds, and some that are too large
            // together.
            let decision = match kind(&recorded) {
                "large" => vec![event_with("x".repeat(5 << 20))],
                "many" => events(1_001),
                "heavy" => (0..9).map(|_| event_with("x".repeat(1_000_000))).collect(),
                _ => Vec::new(),
            };
            let aggregate = conversation(format!("{}-decided", recorded.subject.id));
            log.decide::<Seen, (), Infallible>(&aggregate, AtLeast::Cached, |_, _| Ok((decision.clone(), ()))).await?;
            sender.send(recorded.position).unwrap();
            Ok(Handled::Done)
        }
    });
    let mut expected = Vec::new();
    for (id, decision) in [("a", "large"), ("b", "many"), ("c", "heavy")] {
        fact(&world.log, id, decision).await;
        fact(&world.log, id, "fine").await;
        expected.push(next(&mut received).await);
    }
    assert_eq!(expected, [2, 4, 6], "what comes after it in its conversation is handled");
    all_acknowledged(&world.log, 6).await;
    let letters = world.log.dead_letters().await.unwrap();
    let told: Vec<_> = letters.iter().map(|letter| (letter.position, letter.tries, letter.error.as_str())).collect();
    assert!(
        matches!(told[..], [(1, 5, large), (3, 5, many), (5, 5, heavy)] if large.contains("has 5242")
            && many.contains("1001 events are too many") && heavy.contains("too large for one append")),
        "{told:?}"
    );
    assert_eq!(world.log.last_position().await.unwrap(), 6, "nothing of it was stored");
    running.stop().await;
}

#[tokio::test]
async fn poison_becomes_a_dead_letter_the_rest_goes_on_and_an_operator_can_retry_it() {
    let world = world().await;
    let (sender, mut received) = mpsc::unbounded_channel();
    let mended = Arc::new(AtomicUsize::new(0));
    let mended_ = mended.clone();
    let running = run(&world.log, subscription(), move |recorded| {
        let (sender, mended) = (sender.clone(), mended_.clone());
        async move {
            match (kind(&recorded), mended.load(Ordering::Relaxed)) {
                ("poison", 0) => {
                    sender.send((recorded.position, false)).unwrap();
                    Err(HandleError::poison("can't be read"))
                }
                ("panic", 0) => panic!("oh no"),
                _ => {
                    sender.send((recorded.position, true)).unwrap();
                    Ok(Handled::Done)
                }
            }
        }
    });
    fact(&world.log, "a", "poison").await;
    fact(&world.log, "a", "fine").await;
    for _ in 0..5 {
        assert_eq!(next(&mut received).await, (1, false));
    }
    assert_eq!(next(&mut received).await, (2, true));
    fact(&world.log, "b", "panic").await;
    fact(&world.log, "b", "fine").await;
    assert_eq!(next(&mut received).await, (4, true));
    all_acknowledged(&world.log, 4).await;

    let letters = world.log.dead_letters().await.unwrap();
    assert_eq!(letters.iter().map(|letter| letter.position).collect::<Vec<_>>(), [1, 3]);
    let letter = &letters[0];
    assert_eq!((letter.consumer.as_str(), letter.error.as_str(), letter.tries), ("worker", "can't be read", 5));
    assert_eq!(letter.subject, "ev.default.conversation.a.update_kept");
    assert!(letters[1].error.contains("panicked: oh no"), "{}", letters[1].error);

    let missing = world.log.retry_dead_letter("worker", 2).await;
    assert!(matches!(missing, Err(LogError::NoSuchDeadLetter { .. })));
    // A retry that fails leaves the letter where it is.
    world.log.retry_dead_letter("worker", 1).await.unwrap();
    for _ in 0..5 {
        assert_eq!(next(&mut received).await, (1, false));
    }
    assert_eq!(world.log.dead_letters().await.unwrap().len(), 2);
    mended.store(1, Ordering::Relaxed);
    for position in [1, 3] {
        world.log.retry_dead_letter("worker", position).await.unwrap();
        assert_eq!(next(&mut received).await, (position, true));
    }
    let emptied = async {
        while !world.log.dead_letters().await.unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, emptied).await.unwrap();
    running.stop().await;
}

#[tokio::test]
async fn what_is_put_off_frees_its_aggregate_and_comes_again() {
    let world = world().await;
    let (sender, mut received) = mpsc::unbounded_channel();
    let seen = Arc::new(AtomicUsize::new(0));
    let running = run(&world.log, subscription(), move |recorded| {
        let (sender, seen) = (sender.clone(), seen.clone());
        async move {
            if recorded.position == 1 && seen.fetch_add(1, Ordering::Relaxed) == 0 {
                return Ok(Handled::Later(Duration::from_millis(400)));
            }
            sender.send((recorded.position, Instant::now())).unwrap();
            Ok(Handled::Done)
        }
    });
    let since = Instant::now();
    fact(&world.log, "a", "x").await;
    fact(&world.log, "a", "y").await;
    assert_eq!(next(&mut received).await.0, 2);
    let (position, at) = next(&mut received).await;
    assert_eq!(position, 1);
    assert!(at - since >= Duration::from_millis(400));
    all_acknowledged(&world.log, 2).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_survives_kills_of_the_server_and_the_loss_of_its_consumer() {
    let mut world = world().await;
    let (running, mut received) = collect(&world.log, subscription());
    let mut seen = HashSet::new();
    let mut last = 0;
    for round in 0..4 {
        for i in 0..50 {
            last = fact(&world.log, &format!("a{i}"), "x").await;
        }
        if round < 3 {
            world.server.kill();
            world.server.run().await;
        }
    }
    while seen.len() < 200 {
        seen.insert(next(&mut received).await.position);
    }
    all_acknowledged(&world.log, last).await;

    // The consumer that was made again begins at the log's beginning; this process doesn't run again what it handled a
    // moment ago.
    while received.try_recv().is_ok() {}
    let stream = world.log.jetstream().get_stream("EVENTS").await.unwrap();
    stream.delete_consumer("worker").await.unwrap();
    let new = fact(&world.log, "a", "x").await;
    assert_eq!(next(&mut received).await.position, new);
    running.stop().await;
}

#[tokio::test]
async fn a_stop_finishes_what_runs_and_hands_back_what_waits() {
    let world = world().await;
    let (started, finish) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let handled = Arc::new(Mutex::new(Vec::new()));
    let (started_, finish_, handled_) = (started.clone(), finish.clone(), handled.clone());
    let running = run(&world.log, Subscription { ack_wait: PATIENCE, ..subscription() }, move |recorded| {
        let (started, finish, handled) = (started_.clone(), finish_.clone(), handled_.clone());
        async move {
            started.notify_one();
            finish.notified().await;
            handled.lock().unwrap().push(recorded.position);
            Ok(Handled::Done)
        }
    });
    fact(&world.log, "a", "x").await;
    fact(&world.log, "a", "y").await;
    started.notified().await;
    let stopping = tokio::spawn(running.stop());
    // The second event comes to another process at once, although its acknowledgement isn't due for long.
    let (other, mut received) =
        collect(&connect(&world.server).await, Subscription { ack_wait: PATIENCE, ..subscription() });
    finish.notify_one();
    stopping.await.unwrap();
    assert_eq!(*handled.lock().unwrap(), [1]);
    assert_eq!(next(&mut received).await.position, 2);
    other.stop().await;
}

#[tokio::test]
async fn a_wrong_definition_is_told_at_once() {
    let world = world().await;
    let overlapping = Subscription::new("worker", ["ev.>", "ev.*.conversation.>"]);
    let handler = |_| async { Ok(Handled::Done) };
    let subscribed = world.log.subscribe(overlapping, CancellationToken::new(), handler);
    let error = tokio::time::timeout(PATIENCE, subscribed).await.unwrap().unwrap_err();
    assert!(matches!(error, LogError::Refused { .. }), "{error}");
}

/// One process has all in hand that it can run, and is stuck: another process finds everything else at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_work_hides_nothing_from_an_idle_process() {
    let world = world().await;
    let (began, mut begun) = mpsc::unbounded_channel();
    let slow = run(&world.log, subscription().concurrency(4), move |recorded| {
        began.send(recorded.position).unwrap();
        std::future::pending()
    });
    let mut all = HashSet::new();
    for id in 0..40 {
        all.insert(fact(&world.log, &id.to_string(), "work").await);
    }
    let mut handled = HashSet::new();
    for _ in 0..4 {
        handled.insert(next(&mut begun).await);
    }
    let idle = connect(&world.server).await;
    let (running, mut received) = collect(&idle, subscription().concurrency(4));
    for _ in 0..36 {
        handled.insert(next(&mut received).await.position);
    }
    assert_eq!(handled, all);
    assert!(begun.try_recv().is_err(), "the busy one has begun no more");
    slow.kill().await;
    running.stop().await;
}
