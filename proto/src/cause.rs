//! What leads to an event: the chain of causes that metadata carries on.

use chrono::{DateTime, Utc};
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

use crate::{Aggregate, Event, Metadata, Recorded, SCHEMA_VERSION};

/// The cause of events about to be recorded.
#[derive(Debug, Clone)]
pub struct Cause {
    /// The event that caused them, with the first event of its chain; `None` when the cause is outside.
    pub event: Option<(Uuid, Uuid)>,
    pub actor: String,
    /// W3C Trace Context of the work in which they are recorded.
    pub traceparent: String,
}

impl Cause {
    /// Something outside Steward: a webhook or a command.
    pub fn outside(actor: impl Into<String>, traceparent: impl Into<String>) -> Self {
        Self { event: None, actor: actor.into(), traceparent: traceparent.into() }
    }

    /// A recorded event on which `actor` acts. Its trace goes on.
    pub fn of(recorded: &Recorded, actor: impl Into<String>) -> Self {
        Self {
            event: Some((recorded.metadata.event_id, recorded.metadata.correlation_id)),
            actor: actor.into(),
            traceparent: recorded.metadata.traceparent.clone(),
        }
    }
}

/// An event with its metadata, ready to be appended.
#[derive(Debug, Clone)]
pub struct NewEvent {
    pub metadata: Metadata,
    pub event: Event,
}

impl NewEvent {
    /// `event_id` is a UUIDv7 made by the caller; `at` is the moment of recording.
    pub fn new(event_id: Uuid, at: DateTime<Utc>, cause: &Cause, event: impl Into<Event>) -> Self {
        let event = event.into();
        let (causation_id, correlation_id) = cause.event.unwrap_or((event_id, event_id));
        Self {
            metadata: Metadata {
                event_id,
                type_name: event.type_name().to_owned(),
                schema_version: SCHEMA_VERSION,
                at,
                causation_id,
                correlation_id,
                actor: cause.actor.clone(),
                traceparent: cause.traceparent.clone(),
            },
            event,
        }
    }
}

/// A `traceparent` made from 24 bytes of randomness, for a new trace that isn't sampled.
pub fn new_traceparent(random: [u8; 24]) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(55);
    out.push_str("00-");
    for (i, byte) in random.iter().enumerate() {
        if i == 16 {
            out.push('-');
        }
        let _ = write!(out, "{byte:02x}");
    }
    out.push_str("-00");
    out
}

/// A state that is made by folding an aggregate's events. It is pure: no clock, no I/O.
pub trait Fold: Default + Clone + Send + Sync + 'static {
    /// Folds an event in. An event that it can't read leaves the state as it is.
    fn evolve(&mut self, recorded: &Recorded);

    /// What it can't read of an event: its type, or a value in it, that a later version brought. A state that has met
    /// such an event is only half the truth, so nothing is decided on it.
    fn unread(event: &Event) -> Option<String> {
        match event {
            Event::Unknown { type_name, .. } => Some(type_name.clone()),
            _ => None,
        }
    }
}

/// A state that a process may keep, so that it needn't be folded from the first event each time. The log stays the judge: a
/// state that is behind is refused by the version, and caught up.
pub trait Kept: Fold + Serialize + DeserializeOwned {
    /// Whose state it is.
    const AGGREGATE: Aggregate;

    /// Goes up with whatever changes what the fold makes of an event, or how the state is written: kept states of another
    /// version are forgotten.
    const VERSION: u32;
}
