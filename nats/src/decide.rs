//! Decide: load → decide → append, and again when the aggregate has changed in between.

use std::convert::Infallible;
use std::time::Duration;

use steward_proto::{AggregateId, Fold, NewEvent};
use tokio::time::timeout;

use crate::append::{Append, Appended, Expected};
use crate::{AppendError, AtLeast, DecideError, Log, LogError, Versioned};

/// Conflicts after which a decision is given up.
const TRIES: u32 = 20;

/// How long a decision waits for others of this process on the same aggregate.
const TURN_TIMEOUT: Duration = Duration::from_secs(15);

/// A decision that was recorded, or that had nothing to record.
#[derive(Debug, Clone)]
pub struct Decided<T> {
    /// What `decide` returned beside the events.
    pub value: T,
    /// `None` when there was nothing to do.
    pub appended: Option<Appended>,
    /// The aggregate's version after it.
    pub version: u64,
}

impl Log {
    /// Decides on an aggregate's state and records the events, if nothing came in between; else loads and decides again.
    ///
    /// `decide` gets the state and its version and returns the events (none: nothing to do) and a value for the caller.
    /// It may be called several times, and only its last answer counts. A refusal, or nothing to do, on a state from
    /// memory is checked against the log before it counts. Nothing is decided on an aggregate that holds what this build
    /// can't read ([`DecideError::SchemaAhead`]).
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

    /// Records a fact once, in the form that the state gives it, as [`Log::decide`] does a decision. What happened can't be
    /// refused, so an aggregate that holds what this build can't read takes it too; `note` sees that in `ahead`.
    pub async fn note<S: Fold, T>(
        &self,
        id: &AggregateId,
        at_least: AtLeast,
        mut note: impl FnMut(&Versioned<S>) -> (Vec<NewEvent>, T),
    ) -> Result<Decided<T>, DecideError<Infallible>> {
        self.decide_on(id, at_least, |seen| Ok(note(seen))).await
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
        let mut at_least = at_least;
        for _ in 0..TRIES {
            let loaded = self.load_in::<S>(&slot, id, at_least).await?;
            let version = loaded.versioned.version;
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
                Err(AppendError::Conflict { .. }) => at_least = AtLeast::Latest,
                Err(error) => return Err(DecideError::Append(error)),
            }
        }
        Err(DecideError::Append(AppendError::Contended { tries: TRIES }))
    }
}
