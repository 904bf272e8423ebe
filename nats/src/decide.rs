//! Decide: load the state, decide on it, append; all of it again when the aggregate has changed meanwhile.

use std::convert::Infallible;
use std::time::Duration;

use steward_proto::{AggregateId, Fold, NewEvent};
use tokio::time::timeout;

use crate::append::{Append, Appended, Expected};
use crate::{AppendError, AtLeast, DecideError, Log, LogError, Versioned};

/// After this many conflicts a decision is given up.
const TRIES: u32 = 20;

/// How long a decision waits for others that this process is making on the same aggregate.
const TURN_TIMEOUT: Duration = Duration::from_secs(15);

/// A decision that was recorded, or that had nothing to record.
#[derive(Debug, Clone)]
pub struct Decided<T> {
    /// What `decide` returned beside the events.
    pub value: T,
    /// Where the events are; `None` when there was nothing to record.
    pub appended: Option<Appended>,
    /// The aggregate's version after the decision.
    pub version: u64,
}

impl Log {
    /// Decides on an aggregate's state and records the events; if an event came in between, loads and decides again.
    ///
    /// `decide` gets the state and its version, and returns the events (none if there is nothing to do) and a value for
    /// the caller. It may be called several times; only its last answer counts. When it refuses, or finds nothing to
    /// do, on a state from memory, the log is asked for a newer state first. It isn't called at all on an aggregate
    /// that holds what this build can't read ([`DecideError::SchemaAhead`]).
    pub async fn decide<S: Fold, T, R>(
        &self,
        id: &AggregateId,
        at_least: AtLeast,
        mut decide: impl FnMut(&S, u64) -> Result<(Vec<NewEvent>, T), R>,
    ) -> Result<Decided<T>, DecideError<R>> {
        self.decide_on(id, at_least, |seen: &Versioned<S>| {
            seen.readable()?;
            decide(&seen.state, seen.version).map_err(DecideError::Refused)
        })
        .await
    }

    /// Records a fact once, in the form that the state gives it; otherwise like [`Log::decide`]. What happened can't be
    /// refused, so the fact is recorded even where the aggregate holds what this build can't read; `form` learns that
    /// from `ahead`.
    pub async fn record<S: Fold, T>(
        &self,
        id: &AggregateId,
        at_least: AtLeast,
        mut form: impl FnMut(&Versioned<S>) -> (Vec<NewEvent>, T),
    ) -> Result<Decided<T>, DecideError<Infallible>> {
        self.decide_on(id, at_least, |seen| Ok(form(seen))).await
    }

    async fn decide_on<S: Fold, T, R>(
        &self,
        id: &AggregateId,
        at_least: AtLeast,
        mut decide: impl FnMut(&Versioned<S>) -> Result<(Vec<NewEvent>, T), DecideError<R>>,
    ) -> Result<Decided<T>, DecideError<R>> {
        let slot = self.cache().slot(id);
        let turn = timeout(TURN_TIMEOUT, slot.turn.acquire()).await;
        let _turn = turn.map_err(|_| LogError::TimedOut { doing: "waiting for a turn", after: TURN_TIMEOUT })?;
        let (mut at_least, mut overtaken_at) = (at_least, None);
        for _ in 0..TRIES {
            let loaded = self.load_in::<S>(&slot, id, at_least).await?;
            let version = loaded.versioned.version;
            if overtaken_at.take().is_some_and(|actual| version < actual) {
                // What is at hand lacks the very event that refused the last try: only the log itself knows.
                at_least = AtLeast::Latest;
                continue;
            }
            let decision = decide(&loaded.versioned);
            drop(loaded.versioned);
            let (events, value) = match decision {
                Err(_) if !loaded.verified => {
                    at_least = AtLeast::Latest;
                    continue;
                }
                Err(refused) => return Err(refused),
                Ok((events, _)) if events.is_empty() && !loaded.verified => {
                    at_least = AtLeast::Latest;
                    continue;
                }
                Ok((events, value)) if events.is_empty() => return Ok(Decided { value, appended: None, version }),
                Ok(decision) => decision,
            };
            let expected = Expected::Version(version);
            match self.append(Append { aggregate: id.clone(), events, expected, dedupe_key: None }).await {
                Ok(appended) => {
                    return Ok(Decided { value, version: appended.position, appended: Some(appended) });
                }
                Err(AppendError::Conflict { actual, .. }) => {
                    // An older one than was decided on: an event was erased.
                    overtaken_at = actual.filter(|actual| *actual > version);
                    at_least = overtaken_at.map_or(AtLeast::Latest, AtLeast::Position);
                }
                Err(error) => return Err(DecideError::Append(error)),
            }
        }
        Err(DecideError::Append(AppendError::Contended { tries: TRIES }))
    }
}
