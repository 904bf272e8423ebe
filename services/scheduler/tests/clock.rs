//! Alarms on a clock that is turned by hand: a promise is decided once, at its time or after it.
//!
//! That holds whatever the clock does, and whenever JetStream fires.
//!
//! The clock shows a year in which no schedule fires by itself, so the test fires them.

#![allow(clippy::unwrap_used)]

mod world;

use std::time::Duration;

use async_nats::jetstream::{self, Context, message::StreamMessage, stream::Stream};
use chrono::{DateTime, TimeDelta, Utc};
use futures::{StreamExt as _, TryStreamExt as _};
use steward_domain::ids;
use steward_log::{Append, Clock, Expected, Hand, Log, LogError};
use steward_proto::{Event, Recorded, TenantId, to_timestamp, v1};
use steward_settings::Settings;
use tokio::{
    task::JoinHandle,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use world::{SOON, connect_by, new, promised, server::Server};

/// A scheduler, and the clock that it reads.
struct World {
    log: Log,
    hand: Hand,
    jetstream: Context,
    timers: Stream<()>,
    stop: CancellationToken,
    stop_scheduler: CancellationToken,
    scheduler: JoinHandle<Result<(), LogError>>,
    _server: Server,
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

impl World {
    async fn new(now: DateTime<Utc>) -> Self {
        let server = Server::start().await;
        let stop = CancellationToken::new();
        let (clock, hand) = Clock::by_hand(now);
        let log = connect_by(&server, &stop, clock).await;
        let jetstream = jetstream::new(async_nats::connect(server.url()).await.unwrap());
        let timers = jetstream.get_stream_no_info("TIMERS").await.unwrap();
        let stop_scheduler = stop.child_token();
        let run = steward_scheduler::run(log.clone(), Settings::default().into(), stop_scheduler.clone());
        let scheduler = tokio::spawn(run);
        Self { log, hand, jetstream, timers, stop, stop_scheduler, scheduler, _server: server }
    }

    async fn promise(&self, due_at: DateTime<Utc>) -> String {
        promised(&self.log, "t", "client", due_at).await.to_string()
    }

    /// Appends a fact to the client's conversation.
    async fn happened(&self, event: impl Into<Event>) {
        let tenant = TenantId::new("t").unwrap();
        let aggregate = ids::conversation_aggregate(&tenant, ids::conversation(&tenant, "web", "client"));
        let events = vec![new(&self.log, event)];
        self.log.append(Append { aggregate, events, expected: Expected::Any, dedupe_key: None }).await.unwrap();
    }

    /// The subjects on which messages stand, of those that match.
    async fn standing(&self, subjects: &str) -> Vec<String> {
        let found = self.timers.info_with_subjects(subjects).await.unwrap();
        found.map_ok(|(subject, _)| subject).try_collect().await.unwrap()
    }

    /// Waits until this many messages match.
    async fn until_standing(&self, n: usize, subjects: &str) -> Vec<String> {
        let waiting = async {
            // Nothing reports it, so the server is asked until it is so.
            loop {
                let found = self.standing(subjects).await;
                if found.len() == n {
                    return found;
                }
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(SOON, waiting).await.unwrap_or_else(|_| panic!("{n} of {subjects}"))
    }

    /// Fires the only schedule, as the server does when its time has come.
    async fn fire(&self) {
        let subject = self.until_standing(1, "sch.>").await.remove(0);
        self.fire_this(&subject).await;
    }

    async fn fire_this(&self, subject: &str) {
        self.ring(self.schedule(subject).await).await;
    }

    async fn schedule(&self, subject: &str) -> StreamMessage {
        self.timers.get_last_raw_message_by_subject(subject).await.unwrap()
    }

    /// Publishes what this schedule publishes when it fires, whether it still stands or not.
    async fn ring(&self, schedule: StreamMessage) {
        let target = schedule.headers.get("Nats-Schedule-Target").unwrap().as_str().to_owned();
        let payload = schedule.payload;
        self.jetstream.publish(target, payload).await.unwrap().await.unwrap();
    }

    /// The first event of this type, whether it is there already or still to come.
    async fn event(&self, name: &str) -> Recorded {
        let mut events = std::pin::pin!(self.log.tail(1, vec![format!("ev.t.conversation.*.{name}")]).await.unwrap());
        timeout(SOON, events.next()).await.unwrap_or_else(|_| panic!("no {name}")).unwrap().unwrap().recorded
    }

    /// How many events of this type there are.
    async fn count(&self, name: &str) -> usize {
        let filter = format!("ev.t.conversation.*.{name}");
        self.log.past(1, vec![filter]).await.unwrap().count().await
    }

    /// Ends the scheduler and starts another, which remembers nothing.
    async fn restart(&mut self) {
        self.stop_scheduler.cancel();
        (&mut self.scheduler).await.unwrap().unwrap();
        self.stop_scheduler = self.stop.child_token();
        let run = steward_scheduler::run(self.log.clone(), Settings::default().into(), self.stop_scheduler.clone());
        self.scheduler = tokio::spawn(run);
    }

    /// When the only schedule fires.
    async fn fires_at(&self) -> DateTime<Utc> {
        let subject = self.until_standing(1, "sch.>").await.remove(0);
        let schedule = self.schedule(&subject).await;
        at(schedule.headers.get("Nats-Schedule").unwrap().as_str().strip_prefix("@at ").unwrap())
    }

    async fn end(self) {
        self.stop.cancel();
        self.scheduler.await.unwrap().unwrap();
    }
}

/// When the promises of these tests are due.
const DUE: &str = "2030-06-01T09:00:00Z";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alarm_that_rings_long_before_its_time_is_set_again() {
    let due_at = at(DUE);
    let world = World::new(due_at - TimeDelta::hours(1)).await;
    world.promise(due_at).await;
    world.fire().await;
    world.until_standing(0, "due.>").await;
    assert_eq!(world.count("follow_up_due").await, 0);
    world.hand.set(due_at);
    world.fire().await;
    assert_eq!(world.event("follow_up_due").await.metadata.at, due_at);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alarm_that_rings_seconds_early_is_held_until_the_very_time() {
    let due_at = at(DUE);
    let world = World::new(due_at - TimeDelta::hours(1)).await;
    world.promise(due_at).await;
    world.until_standing(1, "sch.>").await;
    world.hand.set(due_at - TimeDelta::seconds(5));
    world.fire().await;
    world.hand.set(due_at - TimeDelta::milliseconds(1));
    world.hand.set(due_at);
    assert_eq!(world.event("follow_up_due").await.metadata.at, due_at);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_due_within_minutes_needs_no_ringing_and_its_schedule_is_taken_off() {
    for ahead in [TimeDelta::milliseconds(400), TimeDelta::minutes(9)] {
        let due_at = at(DUE);
        let world = World::new(due_at - ahead).await;
        world.promise(due_at).await;
        assert!(world.fires_at().await > due_at, "it fires only if nobody awaits the time");
        world.hand.set(due_at - TimeDelta::milliseconds(1));
        world.hand.set(due_at);
        assert_eq!(world.event("follow_up_due").await.metadata.at, due_at);
        world.until_standing(0, ">").await;
        world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_held_here_is_held_by_the_next_scheduler_too() {
    let due_at = at(DUE);
    let mut world = World::new(due_at - TimeDelta::minutes(5)).await;
    world.promise(due_at).await;
    let first = world.schedule(&world.until_standing(1, "sch.>").await[0]).await;
    world.restart().await;
    let again = async {
        // Nothing reports it, so the server is asked until it is so.
        while world.schedule(&first.subject).await.sequence == first.sequence {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(SOON, again).await.expect("the sweep sets it again");
    world.hand.set(due_at);
    assert_eq!(world.event("follow_up_due").await.metadata.at, due_at);
    world.until_standing(0, ">").await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_held_here_is_moved_and_cancelled() {
    let (due_at, later) = (at(DUE), at(DUE) + TimeDelta::minutes(3));
    let world = World::new(due_at - TimeDelta::minutes(5)).await;
    let follow_up_id = world.promise(due_at).await;
    let first = world.fires_at().await;
    let moved = |at| v1::FollowUpMoved {
        follow_up_id: follow_up_id.clone(),
        due_at: Some(to_timestamp(at)),
        ..Default::default()
    };
    world.happened(moved(later)).await;
    let set_anew = async {
        // Nothing reports it, so the server is asked until it is so.
        while world.fires_at().await == first {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(SOON, set_anew).await.expect("it is set for the later time");
    world.hand.set(due_at);
    world.hand.set(later - TimeDelta::milliseconds(1));
    assert_eq!(world.count("follow_up_due").await, 0);
    let cancelled = v1::FollowUpCancelled { follow_up_id, ..Default::default() };
    world.happened(cancelled).await;
    world.until_standing(0, "sch.>").await;
    // Another's promise shows that the time has been reached.
    let another = promised(&world.log, "t", "another", later).await.to_string();
    world.until_standing(1, "sch.>").await;
    world.hand.set(later);
    let due = world.event("follow_up_due").await;
    assert!(matches!(&due.event, Event::FollowUpDue(e) if e.follow_up_id == another), "{:?}", due.event);
    assert_eq!(world.count("follow_up_due").await, 1);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_is_set_back_makes_nothing_due_early_and_nothing_due_twice() {
    let due_at = at(DUE);
    let world = World::new(due_at - TimeDelta::hours(2)).await;
    world.promise(due_at).await;
    let schedule = world.schedule(&world.until_standing(1, "sch.>").await[0]).await;
    world.hand.set(due_at - TimeDelta::seconds(5));
    world.ring(schedule.clone()).await;
    // Whether the alarm is in hand by now or not, it is neither decided an hour too early nor forgotten.
    world.hand.turn(TimeDelta::hours(-1));
    world.ring(schedule.clone()).await;
    world.hand.set(due_at);
    world.ring(schedule.clone()).await;
    assert_eq!(world.event("follow_up_due").await.metadata.at, due_at);
    world.hand.turn(TimeDelta::seconds(-8));
    world.ring(schedule.clone()).await;
    world.hand.set(due_at);
    world.until_standing(0, "due.>").await;
    assert_eq!(world.count("follow_up_due").await, 1);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alarm_that_rings_again_and_again_is_decided_once() {
    let due_at = at(DUE);
    let world = World::new(due_at - TimeDelta::hours(1)).await;
    world.promise(due_at).await;
    let schedule = world.schedule(&world.until_standing(1, "sch.>").await[0]).await;
    world.hand.set(due_at - TimeDelta::seconds(1));
    for _ in 0..5 {
        world.ring(schedule.clone()).await;
    }
    world.hand.set(due_at);
    world.event("follow_up_due").await;
    world.ring(schedule.clone()).await;
    world.until_standing(0, "due.>").await;
    assert_eq!((world.count("follow_up_due").await, world.count("follow_up_expired").await), (1, 0));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_alarm_is_decided_up_to_the_limit_and_expires_beyond_it() {
    let limit = TimeDelta::from_std(Settings::default().defaults.late_limit).unwrap();
    let beyond = limit + TimeDelta::milliseconds(1);
    for (late, name, none) in
        [(limit, "follow_up_due", "follow_up_expired"), (beyond, "follow_up_expired", "follow_up_due")]
    {
        let due_at = at(DUE);
        let world = World::new(due_at - TimeDelta::hours(1)).await;
        world.promise(due_at).await;
        world.until_standing(1, "sch.>").await;
        world.hand.set(due_at + late);
        world.fire().await;
        assert_eq!(world.event(name).await.metadata.at, due_at + late);
        world.until_standing(0, "due.>").await;
        assert_eq!(world.count(none).await, 0);
        world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_moved_while_its_alarm_rang_is_decided_at_the_new_time() {
    let (due_at, later) = (at(DUE), at(DUE) + TimeDelta::hours(3));
    let world = World::new(due_at - TimeDelta::hours(1)).await;
    let follow_up_id = world.promise(due_at).await;
    world.until_standing(1, "sch.>").await;
    world.hand.set(due_at - TimeDelta::seconds(5));
    world.fire().await;
    let moved = v1::FollowUpMoved { follow_up_id, due_at: Some(to_timestamp(later)), ..Default::default() };
    world.happened(moved).await;
    world.hand.set(due_at);
    world.until_standing(0, "due.>").await;
    assert_eq!(world.count("follow_up_due").await, 0);
    world.hand.set(later);
    world.fire().await;
    assert_eq!(world.event("follow_up_due").await.metadata.at, later);
    world.end().await;
}

/// That night in Madrid 1:59 is followed by 3:00.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_humans_silence_is_as_long_in_the_night_when_the_clocks_go_forward() {
    let began = at("2030-03-31T00:45:00Z");
    let silence = TimeDelta::from_std(Settings::default().defaults.human_release_after.unwrap()).unwrap();
    let world = World::new(began).await;
    world.promise(began + TimeDelta::days(1)).await;
    world
        .happened(v1::HumanTakeoverStarted { by: "anna".to_owned(), via: "http".to_owned(), ..Default::default() })
        .await;
    let mut set = world.until_standing(2, "sch.>").await;
    set.retain(|subject| subject.contains(".silence"));
    world.hand.set(began + silence - TimeDelta::seconds(5));
    world.fire_this(&set[0]).await;
    world.hand.set(began + silence);
    assert_eq!(world.event("human_takeover_ended").await.metadata.at, began + silence);
    world.end().await;
}
