//! Sending on a clock that is turned by hand: quiet hours, caps and limits go by that clock.
//!
//! It is turned forward, back, and over the nights in which a zone's clocks are changed.

#![allow(clippy::unwrap_used)]

#[path = "../../scheduler/tests/world/mod.rs"]
mod world;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures::StreamExt as _;
use steward_domain::{
    conversation::{
        Conversation, Refused,
        follow_ups::{self, Alarmed},
    },
    ids::{self, ConversationId, MessageId},
    policy::parse_quiet_hours,
    settings::{OnUnknown, Policy},
};
use steward_log::{AtLeast, Clock, Hand, Log};
use steward_outbox_dispatcher::Error;
use steward_proto::{Event, Recorded, TenantId, from_timestamp};
use steward_settings::{Channel, ChannelKind, Settings};
use tokio::{task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;
use world::{SOON, connect_by, new, promised, server::Server};

struct World {
    log: Log,
    hand: Hand,
    settings: Settings,
    stop: CancellationToken,
    _server: Server,
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

impl World {
    /// A channel on which the log itself is the delivery, with people who live in Madrid.
    async fn new(now: &str, policy: Policy) -> Self {
        let server = Server::start().await;
        let stop = CancellationToken::new();
        let (clock, hand) = Clock::by_hand(at(now));
        let log = connect_by(&server, &stop, clock).await;
        let channel = Channel {
            id: "web".to_owned(),
            tenant: "t".to_owned(),
            operators: Vec::new(),
            on_unknown: OnUnknown::default(),
            rate_limit: None,
            approval: None,
            kind: ChannelKind::Web,
        };
        let mut settings = Settings { channels: vec![channel], policy, ..Settings::default() };
        settings.defaults.timezone = chrono_tz::Europe::Madrid;
        Self { log, hand, settings, stop, _server: server }
    }

    fn dispatch(&self) -> JoinHandle<Result<(), Error>> {
        let settings = self.settings.clone().into();
        tokio::spawn(steward_outbox_dispatcher::run(self.log.clone(), settings, self.stop.clone()))
    }

    /// Makes a promise fall due now, which becomes a message. Returns the message's id.
    async fn falls_due(&self) -> MessageId {
        let now = self.log.clock().now();
        let follow_up = promised(&self.log, "t", "client", now + TimeDelta::milliseconds(1)).await;
        self.hand.turn(TimeDelta::milliseconds(1));
        let message_id = ids::message_of_follow_up(follow_up.conversation(), &follow_up);
        let due = |state: &Conversation, now, late_limit| {
            state.follow_up_due(&follow_ups::Ring { id: follow_up, now, late_limit }, message_id)
        };
        self.rings(follow_up.conversation(), due).await;
        message_id
    }

    /// Makes the alarm of a message ring that was put off.
    async fn comes_back(&self, message_id: &MessageId) {
        let due = |state: &Conversation, now, late_limit| {
            state.message_due(&follow_ups::Ring { id: *message_id, now, late_limit })
        };
        self.rings(message_id.conversation(), due).await;
    }

    async fn rings(
        &self,
        conversation: ConversationId,
        decide: impl Fn(&Conversation, DateTime<Utc>, Duration) -> Result<Alarmed, Refused>,
    ) {
        let aggregate = ids::conversation_aggregate(&TenantId::new("t").unwrap(), conversation);
        let decided = self.log.decide::<Conversation, _, Refused>(&aggregate, AtLeast::Latest, |state, _| {
            let (now, late_limit) = (self.log.clock().now(), self.settings.defaults.late_limit);
            let Alarmed::Decided(events) = decide(state, now, late_limit)? else { panic!("it isn't due") };
            Ok((events.into_iter().map(|event| new(&self.log, event)).collect(), ()))
        });
        decided.await.unwrap();
    }

    /// The nth event of this type, counted from 0.
    async fn event(&self, nth: usize, name: &str) -> Recorded {
        let events = self.log.tail(1, vec![format!("ev.t.conversation.*.{name}")]).await.unwrap();
        let mut events = std::pin::pin!(events.skip(nth));
        timeout(SOON, events.next()).await.unwrap_or_else(|_| panic!("no {name}")).unwrap().unwrap().recorded
    }

    /// Until when a message was put off the nth time, and why.
    async fn put_off(&self, nth: usize) -> (DateTime<Utc>, String) {
        let Event::SendDeferred(deferred) = self.event(nth, "send_deferred").await.event else {
            panic!("another event")
        };
        (from_timestamp(deferred.until.as_ref()).unwrap(), deferred.reason.unwrap().code)
    }

    async fn end(self, dispatcher: JoinHandle<Result<(), Error>>) {
        self.stop.cancel();
        dispatcher.await.unwrap().unwrap();
    }
}

/// In that night in Madrid 1:59 is followed by 3:00, and in autumn 2:59 by 2:00.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quiet_hours_end_by_the_persons_clock_in_the_nights_when_clocks_are_changed() {
    let policy = Policy { quiet_hours: parse_quiet_hours("22:00-08:00"), ..Policy::default() };
    for (night, morning) in
        [("2030-03-31T00:30:00Z", "2030-03-31T06:00:00Z"), ("2030-10-27T00:30:00Z", "2030-10-27T07:00:00Z")]
    {
        let world = World::new(night, policy).await;
        let dispatcher = world.dispatch();
        let message_id = world.falls_due().await;
        assert_eq!(world.put_off(0).await, (at(morning), "quiet_hours".to_owned()));
        world.hand.set(at(morning));
        world.comes_back(&message_id).await;
        assert_eq!(world.event(0, "dispatch_succeeded").await.metadata.at, at(morning));
        world.end(dispatcher).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_days_cap_counts_a_whole_day_also_on_a_clock_that_was_set_back() {
    let world = World::new("2030-06-01T09:00:00Z", Policy { daily_cap: Some(1), ..Policy::default() }).await;
    let dispatcher = world.dispatch();
    world.falls_due().await;
    let sent = world.event(0, "dispatch_succeeded").await.metadata.at;
    world.hand.turn(TimeDelta::hours(5));
    let second = world.falls_due().await;
    let (free, why) = world.put_off(0).await;
    assert_eq!(why, "frequency_cap");
    assert!((TimeDelta::hours(24)..TimeDelta::hours(24) + TimeDelta::seconds(1)).contains(&(free - sent)), "{free}");
    // The alarm rings, and before the dispatcher looks, somebody has set the clock back.
    world.hand.set(free);
    let late = async {
        world.comes_back(&second).await;
        world.event(1, "dispatch_succeeded").await.metadata.at
    };
    assert_eq!(late.await, free);
    world.hand.turn(TimeDelta::hours(-20));
    world.falls_due().await;
    let (free_again, why) = world.put_off(1).await;
    assert_eq!((free_again, why.as_str()), (free + TimeDelta::hours(24), "frequency_cap"));
    world.end(dispatcher).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_claimed_later_than_the_limit_expires_instead() {
    let world = World::new("2030-06-01T09:00:00Z", Policy::default()).await;
    world.falls_due().await;
    world.hand.turn(TimeDelta::from_std(world.settings.defaults.late_limit).unwrap() + TimeDelta::milliseconds(1));
    let dispatcher = world.dispatch();
    let expired = world.event(0, "message_expired").await;
    assert_eq!(expired.metadata.at, world.log.clock().now());
    world.end(dispatcher).await;
}
