//! One turn at a time: wait for the client to finish, claim, ask the brain, record its decisions together.

use std::{sync::Arc, time::Duration};

use chrono::{TimeDelta, Utc};
use steward_domain::{
    contact::Contact,
    conversation::{
        Conversation, Refused,
        turns::{StartTurn, TurnStanding, TurnStart},
    },
    ids,
    settings::Settings,
};
use steward_log::{AtLeast, DecideError, HandleError, Handled, Log, LogError, Subscription};
use steward_proto::{AggregateId, Cause, Event, NewEvent, Recorded, TenantId, v1};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    actions,
    brain::{Decision, RULES},
    input::{Known, turn_input},
    meetings,
    outcome::{Failure, Turn},
    rules,
    thinking::{Place, Thinking},
};

/// How long a turn of the `rules` brain may take before another worker may start one.
const LEASE: TimeDelta = TimeDelta::seconds(3);
/// How long the `rules` brain may take: it needs some milliseconds, so what isn't done by then is not going to be.
const THINKS_FOR: Duration = Duration::from_secs(2);
/// Conversations answered at the same time: most of them wait for the client to finish writing.
const AT_ONCE: usize = 256;

/// When to look again at a turn that another worker holds.
const BUSY: Duration = Duration::from_millis(250);

/// Runs until `shutdown`.
pub async fn run(log: Log, settings: Arc<Settings>, shutdown: CancellationToken) -> Result<(), LogError> {
    let worker = Arc::new(Worker {
        log: log.clone(),
        settings,
        name: format!("agent-brain:{}", Uuid::now_v7().simple()),
        thinking: Thinking::new(THINKS_FOR),
        shutdown: shutdown.clone(),
    });
    let filters = [
        "ev.*.conversation.*.client_responded",
        "ev.*.conversation.*.follow_up_due",
        "ev.*.conversation.*.meeting_booked",
        "ev.*.conversation.*.meeting_moved",
        "ev.*.conversation.*.meeting_cancelled",
    ];
    let tenants = worker.settings.tenant_ids();
    let subscription = Subscription::new("agent-brain", filters).concurrency(AT_ONCE).tenants(tenants);
    log.subscribe(subscription, shutdown, move |recorded| {
        let worker = Arc::clone(&worker);
        async move { worker.handle(&recorded).await }
    })
    .await
}

/// One process's brain.
pub struct Worker {
    pub log: Log,
    pub settings: Arc<Settings>,
    pub name: String,
    thinking: Thinking,
    shutdown: CancellationToken,
}

/// Whether a turn was claimed.
pub enum Claim {
    /// It is in the log as ours.
    Turn(Box<Turn>),
    Busy(Duration),
    NothingToDo,
}

/// What became of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    Done,
    /// Something came in between: look again.
    Superseded,
    /// This process ends: another takes the turn when its lease is over.
    PutOff,
}

impl Worker {
    async fn handle(&self, recorded: &Recorded) -> Result<Handled, HandleError> {
        let Some(aggregate) = recorded.subject.aggregate_id() else { return Ok(Handled::Done) };
        let handled = match &recorded.event {
            Event::ClientResponded(_) => self.answer(&aggregate, recorded).await,
            Event::FollowUpDue(due) if due.message.is_none() => {
                actions::carry_out(self, &aggregate, recorded, &due.follow_up_id).await
            }
            Event::MeetingBooked(v1::MeetingBooked { meeting: Some(m), .. })
            | Event::MeetingMoved(v1::MeetingMoved { meeting: Some(m), .. }) => {
                meetings::remind(self, &aggregate, recorded, &m.meeting_id).await
            }
            Event::MeetingCancelled(e) => meetings::remind(self, &aggregate, recorded, &e.meeting_id).await,
            _ => return Ok(Handled::Done),
        };
        handled.map_err(HandleError::from)
    }

    /// Answers what waits in this conversation, through at least this message.
    async fn answer(&self, aggregate: &AggregateId, recorded: &Recorded) -> Result<Handled, DecideError<Refused>> {
        let cause = Cause::of(recorded, format!("brain:{}", RULES));
        let mut at_least = AtLeast::Position(recorded.position);
        loop {
            let seen = self.log.load::<Conversation>(aggregate, at_least).await?;
            if seen.state.answered_through >= recorded.position {
                return Ok(Handled::Done);
            }
            if let Some(wait) = self.still_writing(&seen.state) {
                tokio::select! {
                    () = tokio::time::sleep(wait) => {}
                    () = self.shutdown.cancelled() => return Ok(Handled::Later(Duration::ZERO)),
                }
                at_least = AtLeast::Latest;
                continue;
            }
            // A place first: a turn's lease runs while the brain works, not while it waits.
            let Some(place) = self.place(&aggregate.tenant).await else { return Ok(Handled::Later(Duration::ZERO)) };
            let turn = match self.claim(aggregate, "", &cause).await? {
                Claim::Turn(turn) => turn,
                Claim::Busy(wait) => return Ok(Handled::Later(wait)),
                Claim::NothingToDo => return Ok(Handled::Done),
            };
            match self.take(aggregate, *turn, &cause, place).await? {
                Ended::Done => return Ok(Handled::Done),
                Ended::Superseded => at_least = AtLeast::Latest,
                Ended::PutOff => return Ok(Handled::Later(Duration::ZERO)),
            }
        }
    }

    /// Waits for a place to think in; `None`: this process ends.
    pub async fn place(&self, tenant: &TenantId) -> Option<Place> {
        tokio::select! {
            place = self.thinking.place(tenant) => Some(place),
            () = self.shutdown.cancelled() => None,
        }
    }

    /// Has the brain think, no longer than it may; `None`: this process ends.
    pub async fn think<T: Send + 'static>(
        &self,
        thought: impl FnOnce() -> T + Send + 'static,
    ) -> Option<Result<T, Failure>> {
        tokio::select! {
            thought = self.thinking.think(thought) => Some(thought),
            () = self.shutdown.cancelled() => None,
        }
    }

    /// How long to wait for the client's next message before answering.
    fn still_writing(&self, state: &Conversation) -> Option<Duration> {
        let defaults = &self.settings.defaults;
        if defaults.turn_debounce.is_zero() {
            return None;
        }
        let (first, last) = (state.unanswered.first()?, state.unanswered.last()?);
        let quiet = last.at + TimeDelta::from_std(defaults.turn_debounce).ok()?;
        let longest = first.at + TimeDelta::from_std(defaults.turn_max_wait).ok()?;
        (quiet.min(longest) - Utc::now()).to_std().ok().filter(|wait| !wait.is_zero())
    }

    /// Claims a turn for what waits, or for a due follow-up's action.
    pub async fn claim(
        &self,
        aggregate: &AggregateId,
        follow_up_id: &str,
        cause: &Cause,
    ) -> Result<Claim, DecideError<Refused>> {
        let turn_id = Uuid::now_v7().to_string();
        let decided = self
            .log
            .decide::<Conversation, _, _>(aggregate, AtLeast::Cached, |state, _| {
                let now = Utc::now();
                let start = StartTurn {
                    turn_id: turn_id.clone(),
                    now,
                    lease_until: now + LEASE,
                    worker: self.name.clone(),
                    brain: RULES.to_owned(),
                    model: String::new(),
                    follow_up_id: follow_up_id.to_owned(),
                };
                Ok(match state.start_turn(&start)? {
                    TurnStart::Started(events) => {
                        let turn = Turn {
                            id: turn_id.clone(),
                            conversation: aggregate.id().parse().unwrap_or_default(),
                            through: state.turn_through(),
                            zone: String::new(),
                            brain: RULES,
                            now,
                            failure: None,
                            ids: Vec::new(),
                        };
                        (new_events(cause, events), Claim::Turn(Box::new(turn)))
                    }
                    TurnStart::Busy(until) => {
                        // It will most likely be done long before its lease is over.
                        let wait = (until - now).to_std().unwrap_or_default().min(BUSY);
                        (Vec::new(), Claim::Busy(wait))
                    }
                    TurnStart::NothingToDo => (Vec::new(), Claim::NothingToDo),
                })
            })
            .await?;
        Ok(decided.value)
    }

    /// The contact behind a conversation, as it is now; a merged one under the contact that stands for it.
    pub async fn contact(&self, aggregate: &AggregateId, state: &Conversation) -> Result<Arc<Contact>, LogError> {
        let contact_id = state.place.as_ref().and_then(|p| p.contact_id.parse().ok());
        let Some(contact_id) = contact_id else { return Ok(Arc::default()) };
        let load = async |id: Uuid| {
            let contact = ids::contact_aggregate(&aggregate.tenant, id);
            Ok::<_, LogError>(self.log.load::<Contact>(&contact, AtLeast::Latest).await?.state)
        };
        let own = load(contact_id).await?;
        Ok(match own.merged_into {
            Some(survivor) => {
                let survivor = load(survivor).await?;
                Arc::new(own.under(&survivor))
            }
            None => own,
        })
    }

    /// Promises that are open in the person's other conversations, counted up to the limit. One that is made there at the
    /// same moment may be missed; the limit of this conversation alone is kept exactly.
    pub async fn open_elsewhere(&self, aggregate: &AggregateId, contact: &Contact) -> Result<usize, LogError> {
        let Ok(here) = aggregate.id().parse() else { return Ok(0) };
        let mut open = 0;
        for other in contact.elsewhere(here) {
            if open >= self.settings.limits.open_follow_ups {
                break;
            }
            let other = ids::conversation_aggregate(&aggregate.tenant, other);
            open += self.log.load::<Conversation>(&other, AtLeast::Latest).await?.state.open_follow_ups();
        }
        Ok(open)
    }

    /// Asks the brain and records what it decided.
    async fn take(
        &self,
        aggregate: &AggregateId,
        mut turn: Turn,
        cause: &Cause,
        place: Place,
    ) -> Result<Ended, DecideError<Refused>> {
        let started = std::time::Instant::now();
        let seen = self.log.load::<Conversation>(aggregate, AtLeast::Cached).await?;
        let contact = self.contact(aggregate, &seen.state).await?;
        let elsewhere = self.open_elsewhere(aggregate, &contact).await?;
        let known = Known::of(&seen.state, &contact, &self.settings.defaults);
        turn.zone = known.zone.name().to_owned();
        // A message that came after the claim supersedes the turn below; the brain needn't see it.
        let input = Arc::new(turn_input(&seen.state, &contact, &self.settings, elsewhere, Utc::now()));
        // Held any longer, the fold would have to copy it for the next event.
        drop(seen);
        let asked = Arc::clone(&input);
        let Some(thought) = self.think(move || rules::decide(&asked)).await else { return Ok(Ended::PutOff) };
        drop(place);
        let draft = input.human_active;
        let recorded = match thought {
            Ok(decisions) => self.record(aggregate, cause, &mut turn, draft, &decisions).await,
            Err(failure) => {
                turn.failure = Some(failure);
                self.record(aggregate, cause, &mut turn, draft, &rules::failed(&input)).await
            }
        };
        let ended = match recorded {
            Ok(ended) => ended,
            Err(error) => {
                let failure = Failure::of(&error).filter(|_| turn.failure.is_none());
                turn.failure = Some(failure.ok_or(error)?);
                self.record(aggregate, cause, &mut turn, draft, &rules::failed(&input)).await?
            }
        };
        if let Some(failure) = &turn.failure {
            tracing::error!(
                code = failure.code,
                turn_id = turn.id,
                "a turn failed; its promises stand and a person is called"
            );
        }
        let outcome = match (ended, &turn.failure) {
            (Ended::Done, None) => "completed",
            (Ended::Done, Some(_)) => "failed",
            _ => "superseded",
        };
        metrics::histogram!("steward_turn_seconds", "brain" => RULES, "outcome" => outcome)
            .record(started.elapsed().as_secs_f64());
        Ok(ended)
    }

    /// Records all of a turn's decisions: together, but for promises carried on or taken back by the hundred, which go ahead.
    async fn record(
        &self,
        aggregate: &AggregateId,
        cause: &Cause,
        turn: &mut Turn,
        draft: bool,
        decisions: &[Decision],
    ) -> Result<Ended, DecideError<Refused>> {
        turn.ids = decisions.iter().map(|_| Uuid::now_v7()).collect();
        let turn = &*turn;
        if draft {
            return self.complete(aggregate, cause, &turn.id, draft, |_| Ok(turn.suppress(decisions))).await;
        }
        let bulk = Turn::bulk(decisions);
        let mut done = 0;
        loop {
            let mut after = None;
            let events = |state: &Conversation| {
                let (events, recorded) = turn.next(state, decisions, &bulk, done)?;
                after = recorded;
                Ok(events)
            };
            let ended = self.complete(aggregate, cause, &turn.id, draft, events).await?;
            match (ended, after) {
                (Ended::Done, Some(recorded)) => done = recorded,
                _ => return Ok(ended),
            }
        }
    }

    /// Records a turn's decisions together, if nothing came in between.
    pub async fn complete(
        &self,
        aggregate: &AggregateId,
        cause: &Cause,
        turn_id: &str,
        draft: bool,
        mut events: impl FnMut(&Conversation) -> Result<Vec<Event>, Refused>,
    ) -> Result<Ended, DecideError<Refused>> {
        let decided = self
            .log
            .decide::<Conversation, _, _>(aggregate, AtLeast::Cached, |state, _| {
                Ok(match state.turn_standing(turn_id, draft) {
                    TurnStanding::Valid => (new_events(cause, events(state)?), Ended::Done),
                    TurnStanding::Superseded(code) => {
                        (new_events(cause, vec![Conversation::supersede(turn_id, code)]), Ended::Superseded)
                    }
                    // Another worker has it now.
                    TurnStanding::Lost => (Vec::new(), Ended::Superseded),
                })
            })
            .await?;
        Ok(decided.value)
    }
}

fn new_events(cause: &Cause, events: Vec<Event>) -> Vec<NewEvent> {
    events.into_iter().map(|e| NewEvent::new(Uuid::now_v7(), Utc::now(), cause, e)).collect()
}
