//! A claimed turn to its end: the brain decides while the claim is renewed, and its decisions are recorded together.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use steward_domain::{
    contact::{Contact, memory::Word},
    conversation::{Conversation, Refused, turns::TurnStanding},
    ids::{self, ContactId},
};
use steward_language::Language;
use steward_log::{AtLeast, DecideError, places::Place};
use steward_proto::{AggregateId, Cause, Event, NewEvent};
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use crate::{
    brain::{Brain, BrainError, Decision, Failure, Run as _, TurnInput},
    journal::Journal,
    outcome::Turn,
    remembering::{self, By},
    rules,
    turns::Worker,
};

/// Before a brain that gave no answer is asked again, at least.
const PAUSE: Duration = Duration::from_millis(50);

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
    /// Asks the brain and records what it decided.
    pub async fn take(
        &self,
        aggregate: &AggregateId,
        mut turn: Turn,
        brain: &dyn Brain,
        input: TurnInput,
        cause: &Cause,
        place: Place,
    ) -> Result<Ended, DecideError<Refused>> {
        let started = std::time::Instant::now();
        turn.zone = input.zone.name().to_owned();
        let input = Arc::new(input);
        let journal = Journal::new(&self.log, aggregate, turn.id, cause, self.traces(&aggregate.tenant));
        let decided = self.decide(aggregate, &mut turn, brain, &input, (cause, &journal)).await;
        // Beside what follows, which doesn't hang on it.
        let keeping = async {
            if let Err(error) = journal.keep().await {
                tracing::warn!(%error, "what a turn did wasn't noted");
            }
        };
        let thought = match decided? {
            Ok(thought) => thought,
            Err(ended) => {
                keeping.await;
                return Ok(ended);
            }
        };
        // One that waited for others has waited. One that works itself keeps its place, for recording is work too.
        let place = Some(place).filter(|_| brain.pace().at_once);
        turn.spent = journal.spent();
        if let Ok(decisions) = &thought
            && let Some(contact) = input.contact
        {
            let by = By { contact, by: &cause.actor, turn_id: Some(turn.id), word: Word::Said };
            let found = remembering::of_decisions(decisions);
            if let Err(error) = self.remember(&aggregate.tenant, found, by, cause).await {
                tracing::warn!(%error, "what a client said of themselves can't be recorded now; the turn is begun again");
                keeping.await;
                return Ok(Ended::PutOff);
            }
        }
        let (ended, ()) = tokio::join!(self.record_thought(aggregate, cause, &mut turn, &input, thought), keeping);
        let ended = ended?;
        if let Some(failure) = &turn.failure {
            tracing::error!(
                code = %failure.code,
                turn_id = %turn.id,
                "a turn failed; its promises stand and a person is called"
            );
        }
        let outcome = match (ended, &turn.failure) {
            (Ended::Done, None) => "completed",
            (Ended::Done, Some(_)) => "failed",
            _ => "superseded",
        };
        metrics::histogram!("steward_turn_seconds", "brain" => turn.brain, "outcome" => outcome)
            .record(started.elapsed().as_secs_f64());
        if let Some(place) = place {
            place.rest().await;
        }
        Ok(ended)
    }

    /// Records what a brain decided, or that it didn't.
    async fn record_thought(
        &self,
        aggregate: &AggregateId,
        cause: &Cause,
        turn: &mut Turn,
        input: &TurnInput,
        thought: Result<Vec<Decision>, Failure>,
    ) -> Result<Ended, DecideError<Refused>> {
        let draft = input.human_active;
        let recorded = match thought {
            Ok(decisions) => self.record(aggregate, cause, turn, draft, &decisions).await,
            Err(failure) => {
                turn.failure = Some(failure);
                self.record(aggregate, cause, turn, draft, &rules::failed(input)).await
            }
        };
        match recorded {
            Ok(ended) => Ok(ended),
            Err(error) => {
                let failure = Failure::of(&error).filter(|_| turn.failure.is_none());
                turn.failure = Some(failure.ok_or(error)?);
                self.record(aggregate, cause, turn, draft, &rules::failed(input)).await
            }
        }
    }

    /// Has the brain decide, and holds a claimed turn meanwhile. Outer error: what else became of it.
    async fn decide(
        &self,
        aggregate: &AggregateId,
        turn: &mut Turn,
        brain: &dyn Brain,
        input: &Arc<TurnInput>,
        (cause, journal): (&Cause, &Journal<'_>),
    ) -> Result<Result<Result<Vec<Decision>, Failure>, Ended>, DecideError<Refused>> {
        let mut thought = Box::pin(ask(brain, input, journal));
        if !turn.claimed {
            return Ok(tokio::select! {
                thought = &mut thought => Ok(thought),
                () = self.shutdown.cancelled() => Err(Ended::PutOff),
            });
        }
        let mut watch = self.log.watch(aggregate);
        // Half of it is left, should the log take its time.
        let lease = brain.pace().lease;
        let half = lease.to_std().unwrap_or_default() / 2;
        let mut renew_at = Instant::now() + half;
        loop {
            let changed = async {
                match &mut watch {
                    Some(watch) => watch.changed().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                thought = &mut thought => return Ok(Ok(thought)),
                () = changed => {
                    let seen = self.log.load::<Conversation>(aggregate, AtLeast::Cached).await?;
                    if seen.state.turn_standing(turn.id, input.human_active) == TurnStanding::Valid {
                        continue;
                    }
                    // It answers nothing any more: whoever is being asked needn't go on. Should it stand again by the time
                    // that is recorded, it is thought anew.
                    thought = Box::pin(ask(brain, input, journal));
                    turn.spent = journal.spent();
                }
                () = sleep_until(renew_at) => {}
                () = self.shutdown.cancelled() => return Ok(Err(Ended::PutOff)),
            }
            let begun = Instant::now();
            let renewed = self.renew(aggregate, cause, turn, lease, input.human_active).await?;
            if renewed != Ended::Done {
                return Ok(Err(renewed));
            }
            renew_at = begun + half;
        }
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
        if draft {
            let turn = &*turn;
            return self.complete(aggregate, cause, turn, draft, |state| Ok(turn.suppress(state, decisions))).await;
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
            let ended = self.complete(aggregate, cause, turn, draft, events).await?;
            match (ended, after) {
                (Ended::Done, Some(recorded)) => {
                    done = recorded;
                    turn.claimed = true;
                }
                _ => return Ok(ended),
            }
        }
    }

    /// Remembers the language that a client wrote in, for what is sent to them unasked. Should it fail, their next words say it.
    pub async fn remember_language(
        &self,
        aggregate: &AggregateId,
        contact: ContactId,
        language: Language,
        cause: &Cause,
    ) {
        let contact = ids::contact_aggregate(&aggregate.tenant, contact);
        let recorded = self.log.record::<Contact, _>(&contact, AtLeast::Cached, |seen| {
            let changed = seen.state.wrote_in(language).map(Event::from);
            (new_events(self.now(), cause, changed.into_iter().collect()), ())
        });
        if let Err(error) = recorded.await {
            tracing::warn!(%error, "the language that a client wrote in wasn't remembered");
        }
    }

    /// Records what a turn came to, if nothing came in between; before it the claim of a turn that has none yet.
    pub async fn complete(
        &self,
        aggregate: &AggregateId,
        cause: &Cause,
        turn: &Turn,
        draft: bool,
        mut events: impl FnMut(&Conversation) -> Result<Vec<Event>, Refused>,
    ) -> Result<Ended, DecideError<Refused>> {
        let decided = self
            .log
            .decide::<Conversation, _, _>(aggregate, AtLeast::Cached, |state, _| {
                let now = self.now();
                if !turn.claimed {
                    if !state.may_still_begin(&turn.started, now, draft) {
                        return Ok((Vec::new(), Ended::Superseded));
                    }
                    let claim = Event::from(turn.started.clone());
                    let events = std::iter::once(claim).chain(events(state)?).collect();
                    return Ok((new_events(now, cause, events), Ended::Done));
                }
                Ok(match state.turn_standing(turn.id, draft) {
                    TurnStanding::Valid => (new_events(now, cause, events(state)?), Ended::Done),
                    TurnStanding::Superseded(code) => {
                        (new_events(now, cause, vec![turn.superseded(code)]), Ended::Superseded)
                    }
                    // Another worker has it now.
                    TurnStanding::Lost => (Vec::new(), Ended::Superseded),
                })
            })
            .await?;
        Ok(decided.value)
    }
}

pub fn new_events(now: DateTime<Utc>, cause: &Cause, events: Vec<Event>) -> Vec<NewEvent> {
    events.into_iter().map(|e| NewEvent::new(Uuid::now_v7(), now, cause, e)).collect()
}

/// Asks the brain, again if it can't answer now, for as long as it may take.
async fn ask(brain: &dyn Brain, input: &Arc<TurnInput>, journal: &Journal<'_>) -> Result<Vec<Decision>, Failure> {
    let longest = brain.pace().longest;
    let mut last = None;
    let asking = async {
        loop {
            match brain.decide(input, journal).await {
                Ok(decisions) => return Ok(decisions),
                Err(BrainError::Permanent(failure)) => return Err(failure),
                Err(BrainError::Transient { failure, after }) => {
                    tracing::warn!(brain = brain.name(), %failure, "the brain gives no answer now");
                    last = Some(failure);
                    tokio::time::sleep(after.max(PAUSE)).await;
                }
            }
        }
    };
    match tokio::time::timeout(longest, asking).await {
        Ok(thought) => thought,
        Err(_) => Err(last.unwrap_or_else(|| {
            Failure::new("brain_timed_out", format!("no decision within {} s", longest.as_secs_f64()))
        })),
    }
}
