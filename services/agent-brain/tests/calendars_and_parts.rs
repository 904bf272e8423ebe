//! The worker with its rules: a series' reminders go on as they are used up, and an album is one message.
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "../../../nats/tests/support/server.rs"]
#[allow(dead_code, reason = "a part is used")]
mod server;

use std::{pin::pin, sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use futures::StreamExt as _;
use server::Server;
use steward_agent_brain::run;
use steward_domain::{
    conversation::{
        Conversation, Refused,
        follow_ups::{Alarmed, Ring},
    },
    ids::{self, ConversationId},
};
use steward_log::{Append, AtLeast, Clock, ConnectOptions, Expected, Hand, Log};
use steward_proto::{AggregateId, Cause, Event, NewEvent, TenantId, from_timestamp, to_timestamp, v1};
use steward_settings::Settings;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const SOON: Duration = Duration::from_secs(120);

/// A log on a server of its own, a clock, and a process in which the rules answer.
struct World {
    log: Log,
    hand: Hand,
    conversation: ConversationId,
    aggregate: AggregateId,
    stop: CancellationToken,
    _server: Server,
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl World {
    async fn begin() -> Self {
        let (server, stop) = (Server::start().await, CancellationToken::new());
        let (clock, hand) = Clock::by_hand("2026-12-01T09:00:00Z".parse().unwrap());
        let options = ConnectOptions { clock, ..ConnectOptions::new("test") };
        let log = Log::connect(&server.url(), options, stop.clone()).await.unwrap();
        log.ensure_streams().await.unwrap();
        let tenant = TenantId::new("default").unwrap();
        let conversation = ids::conversation(&tenant, "tg", "42");
        let aggregate = ids::conversation_aggregate(&tenant, conversation);
        tokio::spawn(run(log.clone(), Settings::default().into(), stop.clone()));
        Self { log, hand, conversation, aggregate, stop, _server: server }
    }

    fn now(&self) -> DateTime<Utc> {
        self.log.clock().now()
    }

    fn source(&self) -> Option<v1::Source> {
        Some(v1::Source {
            channel_id: "tg".to_owned(),
            channel: "telegram".to_owned(),
            external_id: "42".to_owned(),
            key: Uuid::now_v7().to_string(),
            sent_at: Some(to_timestamp(self.now())),
            ..Default::default()
        })
    }

    async fn append(&self, event: impl Into<Event>) {
        let event = NewEvent::new(Uuid::now_v7(), self.now(), &Cause::outside("test", ""), event.into());
        let aggregate = self.aggregate.clone();
        let append = Append { aggregate, events: vec![event], expected: Expected::Any, dedupe_key: None };
        self.log.append(append).await.unwrap();
    }

    async fn says(&self, message: v1::ClientResponded) {
        let said = v1::ClientResponded {
            source: self.source(),
            message_id: ids::message(self.conversation, Uuid::now_v7()).to_string(),
            contact_id: Uuid::from_u128(7).to_string(),
            from: Some(v1::Person { id: "42".to_owned(), language: "en".to_owned(), ..Default::default() }),
            kind: if message.text.is_empty() { "image" } else { "text" }.to_owned(),
            ..message
        };
        self.append(said).await;
    }

    async fn state(&self) -> Arc<Conversation> {
        self.log.load::<Conversation>(&self.aggregate, AtLeast::Latest).await.unwrap().state
    }

    /// The events up to the one that satisfies this, which is waited for.
    async fn until(&self, mut enough: impl FnMut(&Event) -> bool) -> Vec<Event> {
        let mut tail = pin!(self.log.tail(1, vec![self.aggregate.wildcard()]).await.unwrap());
        let mut events = Vec::new();
        let waiting = async {
            loop {
                let event = tail.next().await.unwrap().unwrap().recorded.event;
                events.push(event.clone());
                if enough(&event) {
                    return;
                }
            }
        };
        tokio::time::timeout(SOON, waiting).await.expect("it comes");
        events
    }

    /// Waits until so many reminders were promised; when the last is due.
    async fn until_promised(&self, reminders: usize) -> DateTime<Utc> {
        let (mut promised, mut due_at) = (0, None);
        self.until(|event| {
            if let Event::FollowUpScheduled(e) = event {
                promised += 1;
                due_at = from_timestamp(e.due_at.as_ref());
            }
            promised == reminders
        })
        .await;
        due_at.unwrap()
    }

    /// The time of the next promise comes.
    async fn next_comes_due(&self) {
        let next = Arc::clone(self.state().await.pending()[0]);
        self.hand.set(next.due_at);
        let late_limit = Duration::from_secs(3600);
        let message_id = ids::message_of_follow_up(self.conversation, &next.id);
        let decided = self.log.decide::<Conversation, _, Refused>(&self.aggregate, AtLeast::Latest, |state, _| {
            let ring = Ring { id: next.id, now: next.due_at, late_limit };
            let Alarmed::Decided(events) = state.follow_up_due(&ring, message_id)? else { panic!("it isn't due") };
            let cause = Cause::outside("test", "");
            Ok((events.into_iter().map(|e| NewEvent::new(Uuid::now_v7(), next.due_at, &cause, e)).collect(), ()))
        });
        decided.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_series_is_promised_on_as_its_reminders_are_sent_expire_or_are_kept_back() {
    let world = World::begin().await;
    let starts_at: DateTime<Utc> = "2026-12-03T15:00:00Z".parse().unwrap();
    let meeting = v1::Meeting {
        meeting_id: "u1@example.com".to_owned(),
        starts_at: Some(to_timestamp(starts_at)),
        timezone: "UTC".to_owned(),
        title: "Demo".to_owned(),
        rule: "FREQ=WEEKLY".to_owned(),
        ..Default::default()
    };
    world.append(v1::MeetingBooked { meeting: Some(meeting), source: world.source(), ..Default::default() }).await;
    // Nine weeks begin within sixty days.
    let last = world.until_promised(18).await;
    assert_eq!(last, starts_at + TimeDelta::weeks(8) - TimeDelta::hours(1));
    world.next_comes_due().await;
    // A day before the first the tenth is still further than sixty days; a week later it isn't.
    world.next_comes_due().await;
    world.next_comes_due().await;
    assert_eq!(world.until_promised(20).await, last + TimeDelta::weeks(1));
    // A human is active: the reminder ends without being sent, and the series goes on.
    world.next_comes_due().await;
    world.append(v1::HumanTakeoverStarted { by: "op".to_owned(), via: "http".to_owned(), ..Default::default() }).await;
    world.next_comes_due().await;
    assert_eq!(world.until_promised(22).await, last + TimeDelta::weeks(2));
    let state = world.state().await;
    assert!(state.pending().iter().all(|f| f.text.contains("Demo") && !f.text.contains('(')));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_album_is_one_message_and_its_late_part_cancels_nothing_and_is_not_answered() {
    let world = World::begin().await;
    let part = |text: &str| v1::ClientResponded {
        text: text.to_owned(),
        album: "g1".to_owned(),
        joins: text.is_empty(),
        ..Default::default()
    };
    world.says(part("write to me in two days about these photos")).await;
    world.says(part("")).await;
    world.says(part("")).await;
    world.hand.turn(TimeDelta::seconds(2));
    let events = world.until(|event| matches!(event, Event::TurnCompleted(_))).await;
    let count = |events: &[Event], of: fn(&Event) -> bool| events.iter().filter(|e| of(e)).count();
    assert_eq!(count(&events, |e| matches!(e, Event::FollowUpScheduled(_))), 1);
    assert_eq!(count(&events, |e| matches!(e, Event::MessageQueued(_))), 1);
    world.hand.turn(TimeDelta::seconds(30));
    world.says(part("")).await;
    world.hand.turn(TimeDelta::seconds(2));
    let mut ended = 0;
    let events = world
        .until(|event| {
            ended += usize::from(matches!(event, Event::TurnCompleted(_)));
            ended == 2
        })
        .await;
    assert_eq!(count(&events, |e| matches!(e, Event::MessageQueued(_))), 1, "nothing more is said");
    let state = world.state().await;
    assert_eq!((state.pending().len(), state.cancelled.iter().count()), (1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_comment_is_answered_at_once_and_what_it_forwards_changes_nothing() {
    let world = World::begin().await;
    world
        .says(v1::ClientResponded { text: "write to me tomorrow at 10 about this".to_owned(), ..Default::default() })
        .await;
    world.until(|event| matches!(event, Event::TurnCompleted(_))).await;
    world
        .says(v1::ClientResponded {
            text: "their words".to_owned(),
            forwarded: true,
            joins: true,
            ..Default::default()
        })
        .await;
    let mut ended = 0;
    let events = world
        .until(|event| {
            ended += usize::from(matches!(event, Event::TurnCompleted(_)));
            ended == 2
        })
        .await;
    assert_eq!(events.iter().filter(|e| matches!(e, Event::MessageQueued(_))).count(), 1);
    assert_eq!(world.state().await.pending().len(), 1);
}
