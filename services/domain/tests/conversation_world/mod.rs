//! A conversation with its log and a clock turned by hand: what tests of its rules stand on.
#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(clippy::unwrap_used, reason = "tests")]

pub mod any_event;
pub mod ledger;
pub mod outbox;

use std::{fmt::Display, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use steward_domain::{
    conversation::{
        CancelOn, Conversation, Refused,
        dispatch::{Claiming, Step},
        follow_ups::{Alarmed, NewFollowUp, Ring},
        outbox::Queue,
        templates::Addressee,
        turns::{Inputs, StartTurn, TurnStart},
        {Author, OnReply},
    },
    ids::{self, ClaimId, ConversationId, FollowUpId, MessageId, TurnId},
    settings::{ApprovalRule, Policy, Template},
};
use steward_proto::{Event, Fold, Metadata, Recorded, SCHEMA_VERSION, from_timestamp, to_timestamp, v1};
use uuid::Uuid;

pub const CLAIM_LIFETIME: Duration = Duration::from_secs(8);
pub const LATE_LIMIT: Duration = Duration::from_secs(3600);
pub const CLIENT: &str = "client-1";
pub const HERE: ConversationId = ConversationId::new(Uuid::from_u128(0xc1));

/// The state, its clock and all that was recorded.
#[derive(Clone)]
pub struct World {
    pub state: Conversation,
    pub now: DateTime<Utc>,
    pub log: Vec<Recorded>,
    pub group: bool,
    pub policy: Policy,
    pub approval: ApprovalRule,
    pub late_limit: Duration,
    /// Kind of the channel.
    pub channel: &'static str,
    pub templates: Vec<Template>,
    /// The contact's language.
    pub language: String,
    pub breaker_open: bool,
    pub channel_configured: bool,
    /// The contact is.
    pub archived: bool,
    /// When something proactive went to the same person in their other conversations.
    pub elsewhere: Vec<DateTime<Utc>>,
    made: u64,
}

impl World {
    /// A private chat on Telegram in which nothing has been said.
    pub fn new() -> Self {
        Self {
            state: Conversation::default(),
            now: "2026-11-21T09:00:00Z".parse().unwrap(),
            log: Vec::new(),
            group: false,
            policy: Policy::default(),
            approval: ApprovalRule::default(),
            late_limit: LATE_LIMIT,
            channel: "telegram",
            templates: Vec::new(),
            language: String::new(),
            breaker_open: false,
            channel_configured: true,
            archived: false,
            elsewhere: Vec::new(),
            made: 0,
        }
    }

    /// A private chat on another kind of channel, in which the client has said hello.
    pub fn opened_on(channel: &'static str) -> Self {
        let mut world = Self { channel, ..Self::new() };
        world.client_writes("hello");
        world
    }

    /// A private chat in which the client has said hello.
    pub fn opened() -> Self {
        let mut world = Self::new();
        world.client_writes("hello");
        world
    }

    pub fn id(&mut self, kind: &str) -> String {
        self.made += 1;
        format!("{kind}-{}", self.made)
    }

    fn unique(&mut self) -> Uuid {
        self.made += 1;
        Uuid::from_u128(self.made.into())
    }

    pub fn follow_up_id(&mut self) -> FollowUpId {
        ids::follow_up(HERE, self.unique())
    }

    pub fn message_id(&mut self) -> MessageId {
        ids::message(HERE, self.unique())
    }

    pub fn claim_id(&mut self) -> ClaimId {
        ClaimId::new(self.unique())
    }

    pub fn turn_id(&mut self) -> TurnId {
        TurnId::new(self.unique())
    }

    pub fn pass(&mut self, seconds: i64) {
        self.now += TimeDelta::seconds(seconds);
    }

    pub fn at(&self, seconds: i64) -> DateTime<Utc> {
        self.now + TimeDelta::seconds(seconds)
    }

    /// Appends an event and folds it.
    pub fn record(&mut self, event: impl Into<Event>) -> Recorded {
        let event = event.into();
        let position = self.log.len() as u64 + 1;
        let event_id = Uuid::from_u128(u128::from(position));
        let subject = format!("ev.default.conversation.c1.{}", event.subject_token()).parse().unwrap();
        let metadata = Metadata {
            event_id,
            type_name: event.type_name().to_owned(),
            schema_version: SCHEMA_VERSION,
            at: self.now,
            causation_id: event_id,
            correlation_id: event_id,
            actor: "test".to_owned(),
            traceparent: String::new(),
        };
        let payload = event.encode();
        let recorded = Recorded { position, subject, metadata, event, payload };
        self.state.evolve(&recorded);
        self.log.push(recorded.clone());
        recorded
    }

    pub fn record_all(&mut self, events: Vec<Event>) {
        for event in events {
            self.record(event);
        }
    }

    /// Whether this state is what a fold of the whole log gives.
    pub fn refolded(&self) -> Conversation {
        let mut state = Conversation::default();
        for recorded in &self.log {
            state.evolve(recorded);
        }
        state
    }

    fn source(&mut self) -> v1::Source {
        v1::Source {
            channel_id: format!("{}-main", self.channel),
            channel: self.channel.to_owned(),
            external_id: "42".to_owned(),
            key: self.id("update"),
            sent_at: Some(to_timestamp(self.now)),
            group: self.group,
            ..Default::default()
        }
    }

    pub fn client_writes(&mut self, text: &str) -> Recorded {
        self.person_writes(CLIENT, text)
    }

    pub fn person_writes(&mut self, person: &str, text: &str) -> Recorded {
        let source = Some(self.source());
        let message_id = self.message_id().to_string();
        self.record(v1::ClientResponded {
            source,
            message_id,
            contact_id: "contact-1".to_owned(),
            from: Some(v1::Person { id: person.to_owned(), ..Default::default() }),
            kind: "text".to_owned(),
            text: text.to_owned(),
            ..Default::default()
        })
    }

    pub fn a_schedule(&mut self, cancel_on: CancelOn, seconds: i64) -> NewFollowUp {
        NewFollowUp {
            follow_up_id: self.follow_up_id(),
            due_at: self.at(seconds),
            timezone: "Europe/Madrid".to_owned(),
            phrase: "soon".to_owned(),
            rule: "test".to_owned(),
            intention: "write".to_owned(),
            text: "You asked me to write.".to_owned(),
            cancel_on,
            action: v1::Action::default(),
            reason: "asked for".to_owned(),
            key: String::new(),
            asked_by: CLIENT.to_owned(),
            turn_id: None,
            language: "en".to_owned(),
            context: String::new(),
            asked_in: None,
            topic: String::new(),
            by: "client".to_owned(),
        }
    }

    /// A promised follow-up, due in so many seconds; its id.
    pub fn promised(&mut self, cancel_on: CancelOn, seconds: i64) -> FollowUpId {
        let schedule = self.a_schedule(cancel_on, seconds);
        let id = schedule.follow_up_id;
        self.do_schedule(schedule).unwrap();
        id
    }

    pub fn do_schedule(&mut self, schedule: NewFollowUp) -> Result<(), Refused> {
        let events = self.state.schedule(self.now, false, schedule)?;
        self.record_all(events);
        Ok(())
    }

    pub fn a_message(&mut self, author: Author) -> Queue {
        Queue {
            message_id: self.message_id(),
            author,
            author_id: String::new(),
            text: "a message".to_owned(),
            due_at: None,
            on_reply: OnReply::Keep,
            key: String::new(),
            turn_id: None,
            follow_up_id: None,
            proactive: false,
            buttons: Vec::new(),
        }
    }

    pub fn do_queue(&mut self, queue: Queue) -> Result<(), Refused> {
        let events = self.state.queue(queue)?;
        self.record_all(events);
        Ok(())
    }

    pub fn follow_up_alarm(&self, id: &FollowUpId) -> Result<Alarmed, Refused> {
        let (now, late_limit) = (self.now, self.late_limit);
        self.state.follow_up_due(&Ring { id: *id, now, late_limit }, message_of(id))
    }

    /// The alarm of a follow-up goes off; what is decided is recorded.
    pub fn ring(&mut self, id: &FollowUpId) -> Alarmed {
        let alarmed = self.follow_up_alarm(id).unwrap();
        if let Alarmed::Decided(events) = &alarmed {
            self.record_all(events.clone());
        }
        alarmed
    }

    pub fn ring_message(&mut self, id: &MessageId) -> Alarmed {
        let (now, late_limit) = (self.now, self.late_limit);
        let alarm = Ring { id: *id, now, late_limit };
        let alarmed = self.state.message_due(&alarm).unwrap();
        if let Alarmed::Decided(events) = &alarmed {
            self.record_all(events.clone());
        }
        alarmed
    }

    /// What a dispatcher brings.
    pub fn claiming<'a>(&'a self, message_id: &MessageId, claim_id: ClaimId, worker: &'a str) -> Claiming<'a> {
        Claiming {
            message_id: *message_id,
            now: self.now,
            claim_id,
            worker,
            lifetime: CLAIM_LIFETIME,
            late_limit: self.late_limit,
            channel_configured: self.channel_configured,
            policy: &self.policy,
            approval: self.approval,
            zone: Tz::Europe__Madrid,
            archived: self.archived,
            limited_until: None,
            templates: &self.templates,
            addressee: Addressee { languages: [&self.language, "en"], name: "Ana" },
            breaker_open: self.breaker_open,
            elsewhere: &self.elsewhere,
        }
    }

    /// What a dispatcher that knows `state` would do now.
    pub fn next_step(&self, state: &Conversation, message_id: &MessageId, claim_id: ClaimId, worker: &str) -> Step {
        state.next_step(&self.claiming(message_id, claim_id, worker)).unwrap()
    }

    /// A dispatcher looks at the message and records what it decides; the claim's id if it claimed.
    pub fn dispatch(&mut self, message_id: &MessageId) -> (Step, Option<ClaimId>) {
        let claim_id = self.claim_id();
        let step = self.next_step(&self.state, message_id, claim_id, "worker-1");
        match &step {
            Step::Claim { event, .. } => {
                self.record((**event).clone());
                return (step, Some(claim_id));
            }
            Step::Record(events) => self.record_all(events.clone()),
            Step::Waits | Step::Busy(_) | Step::Nothing => {}
        }
        (step, None)
    }

    /// Claims, which must be possible.
    pub fn claim(&mut self, message_id: &MessageId) -> ClaimId {
        match self.dispatch(message_id) {
            (_, Some(claim_id)) => claim_id,
            (step, None) => panic!("no claim, but {step:?}"),
        }
    }

    pub fn start_turn(&self, turn_id: TurnId, follow_up_id: Option<FollowUpId>) -> TurnStart {
        let start = StartTurn {
            turn_id,
            now: self.now,
            lease_until: self.at(30),
            worker: "brain-1".to_owned(),
            brain: "rules".to_owned(),
            model: String::new(),
            follow_up_id,
            inputs: Inputs::default(),
        };
        self.state.start_turn(&start).unwrap()
    }

    /// Which part this claim was for.
    pub fn claimed(&self, claim_id: &ClaimId) -> v1::DispatchStarted {
        let found = self.log.iter().find_map(|r| match &r.event {
            Event::DispatchStarted(e) if e.claim_id == claim_id.to_string() => Some(e.clone()),
            _ => None,
        });
        found.unwrap()
    }

    pub fn answer(&mut self, claim_id: &ClaimId, answer: Answer) {
        let claim = self.claimed(claim_id);
        let reason = Some(v1::Reason { code: "test".to_owned(), ..Default::default() });
        let (message_id, part, follow_up_id) = (claim.message_id, claim.part, claim.follow_up_id);
        let claim_id = claim.claim_id;
        let message_id_of = message_id.clone();
        match answer {
            Answer::Success => self.record(v1::DispatchSucceeded {
                message_id,
                part,
                parts: claim.parts,
                claim_id,
                provider_message_id: provider_id(&message_id_of, part),
                sent_at: Some(to_timestamp(self.now)),
                follow_up_id,
                ..Default::default()
            }),
            Answer::Failure => self.record(v1::DispatchFailed {
                message_id,
                part,
                claim_id,
                reason,
                permanent: true,
                follow_up_id,
                ..Default::default()
            }),
            Answer::Deferral(seconds) => {
                let until = Some(to_timestamp(self.at(seconds)));
                self.record(v1::DispatchDeferred { message_id, part, claim_id, reason, until, follow_up_id })
            }
            Answer::Unknown => self.record(v1::DispatchUnknown { message_id, part, claim_id, reason, follow_up_id }),
        };
    }
}

impl World {
    /// The provider reports on a part of ours, by its own id of it.
    pub fn report(&mut self, message_id: &MessageId, part: u32, status: &str) {
        self.report_as(v1::DeliveryReported {
            provider_message_id: provider_id(message_id, part),
            status: status.to_owned(),
            ..Default::default()
        });
    }

    /// The provider reports on an attempt of ours, by our own ids.
    pub fn report_claim(&mut self, claim_id: &ClaimId, status: &str) {
        let claim = self.claimed(claim_id);
        self.report_as(v1::DeliveryReported {
            provider_message_id: provider_id(&claim.message_id, claim.part),
            message_id: claim.message_id,
            part: claim.part,
            claim_id: claim.claim_id,
            status: status.to_owned(),
            ..Default::default()
        });
    }

    pub fn report_as(&mut self, report: v1::DeliveryReported) {
        let source = Some(self.source());
        let reason = (report.status == "failed" && report.reason.is_none())
            .then(|| v1::Reason { code: "undeliverable".to_owned(), ..Default::default() });
        let at = Some(to_timestamp(self.now));
        self.record(v1::DeliveryReported { source, reason: reason.or(report.reason.clone()), at, ..report });
    }
}

/// A turn of this number, which no turn of a world's own has.
pub fn turn(number: u64) -> TurnId {
    TurnId::new(Uuid::from_u64_pair(1, number))
}

/// Likewise a follow-up.
pub fn follow_up(number: u64) -> FollowUpId {
    ids::follow_up(HERE, Uuid::from_u64_pair(1, number))
}

/// What may come of a claim.
#[derive(Debug, Clone, Copy)]
pub enum Answer {
    Success,
    Failure,
    Deferral(i64),
    Unknown,
}

/// The provider's name for a part.
pub fn provider_id(message_id: impl Display, part: u32) -> String {
    format!("wamid.{message_id}.{part}")
}

/// The message that a follow-up becomes.
pub fn message_of(follow_up_id: &FollowUpId) -> MessageId {
    ids::message_of_follow_up(HERE, follow_up_id)
}

pub fn until(claim: &v1::DispatchStarted) -> DateTime<Utc> {
    from_timestamp(claim.expires_at.as_ref()).unwrap()
}
