//! Load: an aggregate's state, made from the cache and from what the log has beyond it.

use std::any::TypeId;
use std::sync::Arc;
use std::time::Duration;

use steward_proto::{AggregateId, Fold, Recorded};
use tokio::time::Instant;

use crate::cache::{Folded, Slot};
use crate::session::REQUEST_TIMEOUT;
use crate::{Backoff, Log, LogError, SchemaAhead, definitions, events_of, history};

/// How fresh a state must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AtLeast {
    /// Whatever is in memory, else all that this process knows of. If it is old, the append meets a conflict.
    Cached,
    /// All of the aggregate's events up to this position of the log. If the event at this position is one of them, the
    /// load makes sure to include it: in a cluster, a server may answer with less than another has shown.
    Position(u64),
    /// Everything that the log has now.
    Latest,
}

impl AtLeast {
    fn is_met_by<S>(self, folded: &Folded<S>) -> bool {
        match self {
            Self::Cached => true,
            Self::Position(position) => folded.complete_to >= position,
            Self::Latest => false,
        }
    }
}

/// A state and the position of its last event, 0 if there is none.
#[derive(Debug, Clone)]
pub struct Versioned<S> {
    pub state: Arc<S>,
    pub version: u64,
    /// Set if the aggregate holds what this build can't read, so that the state is only half the truth.
    pub ahead: Option<SchemaAhead>,
}

impl<S> Versioned<S> {
    /// Refuses to decide on half the truth. [`Log::decide`] checks this by itself; whoever decides something on a
    /// loaded state must call this.
    pub fn readable(&self) -> Result<(), SchemaAhead> {
        self.ahead.clone().map_or(Ok(()), Err)
    }
}

/// A state, and whether the log itself was asked for it.
pub(crate) struct Loaded<S> {
    pub versioned: Versioned<S>,
    pub verified: bool,
}

impl Log {
    /// Loads an aggregate's events and folds them.
    pub async fn load<S: Fold>(&self, id: &AggregateId, at_least: AtLeast) -> Result<Versioned<S>, LogError> {
        let slot = self.cache().slot(id);
        Ok(self.load_in(&slot, id, at_least).await?.versioned)
    }

    /// Whether a state of the aggregate is in memory, however old it is.
    pub fn holds<S: Fold>(&self, id: &AggregateId) -> bool {
        self.cache().slot(id).get::<S>().is_some()
    }

    /// Like [`Self::load`], for a fold that may go on from the middle: where nothing of it is in memory, what comes before
    /// `position` isn't read, and stands for it the state given.
    ///
    /// # Errors
    /// The log can't be read.
    pub async fn load_from<S: Fold>(
        &self,
        id: &AggregateId,
        at_least: AtLeast,
        (position, state): (u64, S),
    ) -> Result<Versioned<S>, LogError> {
        let slot = self.cache().slot(id);
        Ok(self.load_begun(&slot, id, at_least, Some(&(position, state))).await?.versioned)
    }

    pub(crate) async fn load_in<S: Fold>(
        &self,
        slot: &Slot,
        id: &AggregateId,
        at_least: AtLeast,
    ) -> Result<Loaded<S>, LogError> {
        self.load_begun(slot, id, at_least, None).await
    }

    async fn load_begun<S: Fold>(
        &self,
        slot: &Slot,
        id: &AggregateId,
        at_least: AtLeast,
        begun: Option<&(u64, S)>,
    ) -> Result<Loaded<S>, LogError> {
        // From memory it isn't verified: nobody knows what has come since.
        let verified = at_least != AtLeast::Cached;
        let began = self.cache().states().filter(|states| states.keeps::<S>()).map_or(0, |states| states.began);
        // A state that is still on its way through the past isn't what this process knows.
        if let Some(folded) = slot.get::<S>().filter(|folded| at_least.is_met_by(folded) && folded.complete_to >= began)
        {
            return Ok(Loaded { versioned: versioned(id, folded), verified });
        }
        if let Some(states) = self.cache().states() {
            // What isn't in memory must be as new as all that this process knows: it is the first look, not the second.
            let position = if let AtLeast::Position(position) = at_least { position } else { self.session().seen() };
            let at_hand = states.at_hand::<S>(self.cache(), id, position).await;
            if let Some(folded) = at_hand.filter(|folded| at_least != AtLeast::Latest && folded.complete_to >= position)
            {
                return Ok(Loaded { versioned: versioned(id, folded), verified });
            }
        }
        // The slot may have been let go of meanwhile, and another be the aggregate's now.
        let slot = self.cache().slot(id);
        let mut after = slot.get::<S>().map_or(0, |folded| folded.version);
        let seed = begun.map(|(_, state)| state);
        let deadline = Instant::now() + REQUEST_TIMEOUT;
        let mut backoff = Backoff::new(Duration::from_millis(20), Duration::from_millis(500));
        loop {
            // If the server isn't behind, its answer holds everything known before it was asked.
            let known = self.session().seen();
            let stored = match (after, begun) {
                (0, None) => events_of::all(self.session(), &id.wildcard()).await?,
                (0, Some((position, _))) => {
                    let from = history::From::Position(*position);
                    history::read(self.session(), definitions::EVENTS, &id.wildcard(), from).await?
                }
                (version, _) => match events_of::after(self.session(), &id.wildcard(), version).await? {
                    Some(events) => events,
                    None => {
                        slot.spoil(TypeId::of::<S>());
                        after = 0;
                        continue;
                    }
                },
            };
            let events =
                stored.into_iter().map(history::Stored::into_recorded).collect::<Result<Vec<Recorded>, _>>()?;
            let last = events.last().map_or(after, |event| event.position);
            let complete_to = match at_least {
                AtLeast::Position(position) if last < position && self.is_of(id, position).await? => {
                    after = slot.advance::<S>(after, &events, 0, seed).map_or(0, |folded| folded.version);
                    let pause = backoff.next_pause();
                    if Instant::now() + pause >= deadline {
                        let reason = format!("the event at {position} isn't among those of its aggregate yet");
                        return Err(LogError::Unavailable { doing: "reading events", reason });
                    }
                    self.session().pause(pause).await?;
                    continue;
                }
                AtLeast::Position(position) => known.max(position),
                _ => known,
            };
            if let Some(folded) = slot.advance::<S>(after, &events, complete_to, seed) {
                return Ok(Loaded { versioned: versioned(id, folded), verified: true });
            }
            after = 0;
        }
    }

    /// Whether the event at a position is this aggregate's; an erased event is nobody's.
    async fn is_of(&self, id: &AggregateId, position: u64) -> Result<bool, LogError> {
        let stored = history::read_one(self.session(), definitions::EVENTS, position).await?;
        let of = id.wildcard();
        Ok(stored.is_some_and(|stored| stored.subject.starts_with(of.trim_end_matches('>'))))
    }
}

fn versioned<S>(id: &AggregateId, folded: Folded<S>) -> Versioned<S> {
    let ahead = folded.unread.map(|what| SchemaAhead { aggregate: id.aggregate.as_str(), what });
    Versioned { state: folded.state, version: folded.version, ahead }
}
