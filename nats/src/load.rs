//! Load: an aggregate's state, from the cache and what the log has beyond it.

use std::sync::Arc;

use steward_proto::{AggregateId, Fold, Recorded};

use crate::cache::{Folded, Slot};
use crate::{Log, LogError, events_of, history};

/// How fresh a state must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AtLeast {
    /// Whatever is in memory; a conflict will tell when it is old.
    Cached,
    /// All of the aggregate's events up to this position of the log.
    Position(u64),
    /// All that the log has now.
    Latest,
}

/// A state and the position of its last event, 0 if there is none.
#[derive(Debug, Clone)]
pub struct Versioned<S> {
    pub state: Arc<S>,
    pub version: u64,
}

/// A state, and whether the log itself was asked for it.
pub(crate) struct Loaded<S> {
    pub versioned: Versioned<S>,
    pub verified: bool,
}

impl Log {
    /// Folds an aggregate's events.
    pub async fn load<S: Fold>(&self, id: &AggregateId, at_least: AtLeast) -> Result<Versioned<S>, LogError> {
        let slot = self.cache().slot(id);
        Ok(self.load_in(&slot, id, at_least).await?.versioned)
    }

    pub(crate) async fn load_in<S: Fold>(
        &self,
        slot: &Slot,
        id: &AggregateId,
        at_least: AtLeast,
    ) -> Result<Loaded<S>, LogError> {
        let cached = slot.get::<S>();
        if let Some(folded) = &cached {
            let fresh = match at_least {
                AtLeast::Cached => true,
                AtLeast::Position(position) => folded.complete_to >= position,
                AtLeast::Latest => false,
            };
            if fresh {
                let verified = at_least != AtLeast::Cached;
                return Ok(Loaded { versioned: versioned(folded.clone()), verified });
            }
        }
        let after = cached.map_or(0, |folded| folded.version);
        // What was known before asking is surely in the answer.
        let known = self.session().seen();
        let stored = match after {
            0 => events_of::all(self.session(), &id.wildcard()).await?,
            version => events_of::after(self.session(), &id.wildcard(), version).await?,
        };
        let events = stored.into_iter().map(history::Stored::into_recorded).collect::<Result<Vec<Recorded>, _>>()?;
        let complete_to = match at_least {
            AtLeast::Position(position) => known.max(position),
            _ => known,
        };
        let folded = slot.advance::<S>(after, &events, complete_to);
        Ok(Loaded { versioned: versioned(folded), verified: true })
    }
}

fn versioned<S>(folded: Folded<S>) -> Versioned<S> {
    Versioned { state: folded.state, version: folded.version }
}
