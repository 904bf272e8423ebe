//! Other brains than the rules: slow ones, ones that fail for now or for good, and ones that decide too much.
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "../../../nats/tests/support/server.rs"]
#[allow(dead_code, reason = "a part is used")]
mod server;

use std::{pin::pin, sync::Arc, time::Duration};

use chrono::{TimeDelta, Utc};
use futures::StreamExt as _;
use server::Server;
use steward_agent_brain::{
    brain::{Brain, BrainError, CancelOn, Decision, Failure, Pace, Run, Thought, TurnInput},
    run_with,
};
use steward_domain::{
    conversation::{
        Conversation,
        turns::{Inputs, StartTurn, TurnStart},
    },
    ids::{self, TurnId},
    settings::{Defaults, OnUnknown},
};
use steward_language::Language;
use steward_log::{Append, AtLeast, Clock, ConnectOptions, Expected, Log};
use steward_proto::{
    Aggregate, AggregateId, Cause, Event, Fold as _, NewEvent, Recorded, TenantId, from_timestamp, to_timestamp, v1,
};
use steward_settings::{Channel, ChannelKind, Settings};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const SOON: Duration = Duration::from_secs(120);
const LEASE: TimeDelta = TimeDelta::milliseconds(1_000);

/// How long it takes, and what it answers then: the first time it is asked, the second …
type Script = fn(usize, &TurnInput) -> (Duration, Result<Vec<Decision>, BrainError>);

/// A brain that does what is written.
struct Scripted {
    script: Script,
    longest: Duration,
    asked: watch::Sender<usize>,
}

impl Brain for Scripted {
    fn name(&self) -> &str {
        "scripted"
    }

    fn model(&self) -> &str {
        "a-model-1"
    }

    fn pace(&self) -> Pace {
        Pace { at_once: false, lease: LEASE, longest: self.longest }
    }

    fn decide<'a>(&'a self, turn: &'a Arc<TurnInput>, _: &'a dyn Run) -> Thought<'a> {
        Box::pin(async move {
            let mut asked = 0;
            self.asked.send_modify(|times| asked = std::mem::replace(times, *times + 1));
            let (wait, answer) = (self.script)(asked, turn);
            // Thinking takes time: what is tested is what happens meanwhile.
            tokio::time::sleep(wait).await;
            answer
        })
    }
}

fn says(text: &str) -> Vec<Decision> {
    vec![Decision::Reply { text: text.to_owned(), offer: None }]
}

/// A log on a server of its own, a client, and a process in which the brain answers.
struct World {
    log: Log,
    aggregate: AggregateId,
    brain: Arc<Scripted>,
    stop: CancellationToken,
    _server: Server,
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl World {
    async fn begin(longest: Duration, script: Script) -> Self {
        Self::begin_with(Clock::system(), Defaults::default(), longest, script).await
    }

    async fn begin_with(clock: Clock, defaults: Defaults, longest: Duration, script: Script) -> Self {
        let (server, stop) = (Server::start().await, CancellationToken::new());
        let options = ConnectOptions { clock, ..ConnectOptions::new("test") };
        let log = Log::connect(&server.url(), options, stop.clone()).await.unwrap();
        log.ensure_streams().await.unwrap();
        let tenant = TenantId::new("default").unwrap();
        let aggregate = ids::conversation_aggregate(&tenant, ids::conversation(&tenant, "web", "ana"));
        let channel = Channel {
            id: "web".to_owned(),
            tenant: "default".to_owned(),
            operators: Vec::new(),
            on_unknown: OnUnknown::Hold,
            rate_limit: None,
            approval: None,
            kind: ChannelKind::Web,
        };
        let settings = Settings { channels: vec![channel], defaults, ..Settings::default() }.into();
        let brain = Arc::new(Scripted { script, longest, asked: watch::Sender::new(0) });
        tokio::spawn(run_with(brain.clone(), log.clone(), settings, stop.clone()));
        Self { log, aggregate, brain, stop, _server: server }
    }

    async fn client_writes(&self, to: &AggregateId, text: &str) -> u64 {
        let said = v1::ClientResponded {
            source: Some(v1::Source {
                channel_id: "web".to_owned(),
                channel: "web".to_owned(),
                external_id: "ana".to_owned(),
                key: Uuid::now_v7().to_string(),
                sent_at: Some(to_timestamp(Utc::now())),
                ..Default::default()
            }),
            message_id: ids::message(ids::conversation(&self.aggregate.tenant, "web", "ana"), Uuid::now_v7())
                .to_string(),
            contact_id: Uuid::from_u128(7).to_string(),
            from: Some(v1::Person { id: "ana".to_owned(), ..Default::default() }),
            kind: "text".to_owned(),
            text: text.to_owned(),
            ..Default::default()
        };
        let event = NewEvent::new(Uuid::now_v7(), self.log.clock().now(), &Cause::outside("test", ""), said);
        let append = Append { aggregate: to.clone(), events: vec![event], expected: Expected::Any, dedupe_key: None };
        self.log.append(append).await.unwrap().position
    }

    async fn events(&self) -> Vec<Recorded> {
        let past = self.log.past(1, vec![self.aggregate.wildcard()]).await.unwrap();
        pin!(past).map(|tailed| tailed.unwrap().recorded).collect().await
    }

    async fn state(&self) -> Arc<Conversation> {
        self.log.load::<Conversation>(&self.aggregate, AtLeast::Latest).await.unwrap().state
    }

    /// Waits until so many turns have ended; all events of the conversation up to there, and the last turn's end.
    async fn until_completed(&self, turns: usize) -> (Vec<Event>, v1::TurnCompleted) {
        self.until_completed_in(&self.aggregate, turns).await
    }

    async fn until_completed_in(&self, aggregate: &AggregateId, turns: usize) -> (Vec<Event>, v1::TurnCompleted) {
        let mut tail = pin!(self.log.tail(1, vec![aggregate.wildcard()]).await.unwrap());
        let (mut events, mut ended) = (Vec::new(), 0);
        let completed = async {
            loop {
                let event = tail.next().await.unwrap().unwrap().recorded.event;
                events.push(event.clone());
                if let Event::TurnCompleted(end) = event {
                    ended += 1;
                    if ended == turns {
                        return end;
                    }
                }
            }
        };
        let end = tokio::time::timeout(SOON, completed).await.expect("the turn ends");
        (events, end)
    }

    fn asked(&self) -> usize {
        *self.brain.asked.borrow()
    }
}

/// Claims, and how many of them were of a turn that was claimed before.
fn claims(events: &[Event]) -> (usize, usize) {
    let started = events.iter().filter_map(|event| match event {
        Event::TurnStarted(e) => Some(e.renewed),
        _ => None,
    });
    let all: Vec<bool> = started.collect();
    (all.iter().filter(|renewed| !**renewed).count(), all.iter().filter(|renewed| **renewed).count())
}

fn replies(events: &[Event]) -> Vec<&str> {
    let queued = events.iter().filter_map(|event| match event {
        Event::MessageQueued(e) => e.message.as_ref(),
        _ => None,
    });
    queued.map(|message| message.text.as_str()).collect()
}

fn calls_a_person(events: &[Event]) -> bool {
    events.iter().any(|event| matches!(event, Event::HumanRequested(_)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_brain_keeps_its_turn_by_renewing_the_lease_and_nobody_else_gets_it() {
    let world = World::begin(SOON, |_, _| (Duration::from_secs(4), Ok(says("at last")))).await;
    world.client_writes(&world.aggregate, "take your time").await;
    let (events, completed) = world.until_completed(1).await;
    // At the moment before each of the turn's events somebody else still found it taken.
    let mut state = Conversation::default();
    for recorded in world.events().await {
        let now = recorded.metadata.at - TimeDelta::milliseconds(1);
        let other = StartTurn {
            turn_id: TurnId::new(Uuid::from_u128(9)),
            now,
            lease_until: now + LEASE,
            worker: "another".to_owned(),
            brain: String::new(),
            model: String::new(),
            follow_up_id: None,
            inputs: Inputs::default(),
        };
        if state.turn.is_some() {
            let start = state.start_turn(&other).unwrap();
            assert!(matches!(start, TurnStart::Busy(_)), "the lease ran out: {:?}", state.turn);
        }
        state.evolve(&recorded);
    }
    let (began, renewed) = claims(&events);
    assert_eq!((began, world.asked()), (1, 1));
    assert!(renewed >= 3, "{renewed}");
    assert_eq!(replies(&events), ["at last"]);
    assert_eq!((completed.brain.as_str(), completed.model.as_str()), ("scripted", "a-model-1"));
    assert_eq!((completed.outcome.as_str(), completed.error.as_str()), ("replied", ""));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_client_writes_while_a_slow_brain_thinks_ends_that_turn_and_the_next_answers_both() {
    let script: Script = |asked, turn| {
        let wait = if asked == 0 { SOON } else { Duration::ZERO };
        (wait, Ok(says(&format!("to {}", turn.messages.len()))))
    };
    let world = World::begin(2 * SOON, script).await;
    world.client_writes(&world.aggregate, "one").await;
    let mut asked = world.brain.asked.subscribe();
    tokio::time::timeout(SOON, asked.wait_for(|asked| *asked > 0)).await.unwrap().unwrap();
    world.client_writes(&world.aggregate, "two").await;
    let (events, _) = world.until_completed(1).await;
    assert_eq!(replies(&events), ["to 2"], "the brain was not waited for");
    assert!(events.iter().any(|event| matches!(event, Event::TurnSuperseded(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_brain_that_fails_for_now_is_asked_again_within_the_same_turn() {
    let script: Script = |asked, _| {
        let busy = Failure::new("busy", "later");
        let busy = BrainError::Transient { failure: busy, after: Duration::from_millis(30) };
        (Duration::ZERO, if asked < 2 { Err(busy) } else { Ok(says("here it is")) })
    };
    let world = World::begin(SOON, script).await;
    world.client_writes(&world.aggregate, "hello").await;
    let (events, completed) = world.until_completed(1).await;
    assert_eq!((replies(&events), world.asked(), claims(&events).0), (vec!["here it is"], 3, 1));
    assert_eq!(completed.error, "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_brain_that_gives_no_answer_as_long_as_it_may_take_fails_the_turn_with_its_own_cause() {
    let script: Script = |asked, turn| {
        let busy = Failure::new("busy", "later");
        let busy = BrainError::Transient { failure: busy, after: Duration::from_millis(200) };
        let second = turn.messages.iter().any(|m| m.text == "and now?");
        (Duration::ZERO, if second && asked > 0 { Ok(says("now I can")) } else { Err(busy) })
    };
    let world = World::begin(Duration::from_secs(2), script).await;
    world.client_writes(&world.aggregate, "hello").await;
    let (events, completed) = world.until_completed(1).await;
    assert_eq!((completed.outcome.as_str(), completed.error.as_str()), ("failed", "busy: later"));
    assert!(calls_a_person(&events) && world.asked() > 3);
    world.client_writes(&world.aggregate, "and now?").await;
    let (events, completed) = world.until_completed(2).await;
    assert_eq!((replies(&events).last(), completed.outcome.as_str()), (Some(&"now I can"), "replied"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_brain_that_fails_for_good_is_not_asked_again_and_a_person_is_called() {
    let script: Script = |_, _| {
        (Duration::ZERO, Err(BrainError::Permanent(Failure::new("content_refused", "the model won't answer this"))))
    };
    let world = World::begin(SOON, script).await;
    world.client_writes(&world.aggregate, "hello").await;
    let (events, completed) = world.until_completed(1).await;
    assert_eq!(completed.outcome, "failed");
    assert_eq!(completed.error, "content_refused: the model won't answer this");
    assert!(calls_a_person(&events));
    assert_eq!((replies(&events).len(), world.asked()), (1, 1), "the client is told");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_brain_that_decides_more_than_the_log_takes_fails_the_turn_and_the_conversation_goes_on() {
    let script: Script = |_, turn| {
        let schedule = |n: usize| Decision::Schedule {
            due_at: turn.now + TimeDelta::seconds(60 + n as i64),
            phrase: String::new(),
            rule: "script".to_owned(),
            intention: "write".to_owned(),
            text: "x".to_owned(),
            topic: String::new(),
            cancel_on: CancelOn::Never,
            reason: "asked for".to_owned(),
            language: Language::En,
            message_id: Some(turn.messages[0].message_id),
        };
        let decisions = match turn.messages[0].text.as_str() {
            "too long" => says(&"x".repeat(5_000_000)),
            "too many" => (0..1_500).map(schedule).collect(),
            _ => says("all is well"),
        };
        (Duration::ZERO, Ok(decisions))
    };
    let world = World::begin(SOON, script).await;
    for (turn, text) in ["too long", "too many"].into_iter().enumerate() {
        world.client_writes(&world.aggregate, text).await;
        let (events, completed) = world.until_completed(turn + 1).await;
        assert_eq!(completed.outcome, "failed", "{text}: {completed:?}");
        assert!(!completed.error.is_empty() && calls_a_person(&events), "{text}");
        assert_eq!(world.state().await.open_follow_ups(), 0, "all or nothing");
    }
    world.client_writes(&world.aggregate, "how are you?").await;
    let (events, completed) = world.until_completed(3).await;
    assert_eq!((replies(&events).last(), completed.outcome.as_str()), (Some(&"all is well"), "replied"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_under_an_id_that_is_none_becomes_a_dead_letter_and_others_are_answered() {
    let world = World::begin(SOON, |_, _| (Duration::ZERO, Ok(says("hello")))).await;
    let nobody = AggregateId::new(world.aggregate.tenant.clone(), Aggregate::Conversation, "no-uuid").unwrap();
    let position = world.client_writes(&nobody, "hello").await;
    world.client_writes(&world.aggregate, "hello").await;
    world.until_completed(1).await;
    let buried = async {
        loop {
            let letters = world.log.dead_letters().await.unwrap();
            if let Some(letter) = letters.into_iter().find(|letter| letter.position == position) {
                return letter;
            }
            // Nobody is told of a dead letter: it is looked for.
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    let letter = tokio::time::timeout(SOON, buried).await.expect("it is given up");
    assert!(letter.error.contains("no-uuid"), "{}", letter.error);
    assert_eq!(world.asked(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_turn_waits_for_the_client_by_the_clock_that_is_passed_in_and_is_decided_by_it() {
    let noon = "2026-11-21T12:00:00Z".parse().unwrap();
    let (clock, hand) = Clock::by_hand(noon);
    let minute = Duration::from_secs(60);
    let defaults = Defaults { turn_debounce: minute, turn_max_wait: minute, ..Defaults::default() };
    let script: Script = |_, turn| (Duration::ZERO, Ok(says(&turn.now.to_rfc3339())));
    let world = World::begin_with(clock, defaults, SOON, script).await;
    let tenant = &world.aggregate.tenant;
    let earlier = ids::conversation_aggregate(tenant, ids::conversation(tenant, "web", "berta"));
    world.client_writes(&world.aggregate, "hello").await;
    hand.turn(TimeDelta::seconds(-1));
    world.client_writes(&earlier, "hello").await;
    hand.turn(TimeDelta::seconds(60));
    // Who wrote a second before is answered, and the other isn't yet.
    world.until_completed_in(&earlier, 1).await;
    assert_eq!((world.asked(), world.events().await.len()), (1, 1));
    hand.turn(TimeDelta::seconds(1));
    let (events, _) = world.until_completed(1).await;
    assert_eq!(replies(&events), ["2026-11-21T12:01:00+00:00"]);
    let Some(Event::TurnStarted(started)) = events.get(1) else { panic!("{events:?}") };
    let at = |timestamp: &Option<_>| from_timestamp(timestamp.as_ref()).unwrap() - noon;
    assert_eq!(at(&started.now), TimeDelta::seconds(60));
    assert_eq!(at(&started.lease_until), TimeDelta::seconds(60) + LEASE);
    assert_eq!(started.conversation_position, 1);
}
