//! Small events for tests, which a fold remembers.

use chrono::Utc;
use serde::{Deserialize, Serialize};
use steward_proto::{Aggregate, AggregateId, Cause, Event, Fold, Kept, NewEvent, Recorded, TenantId, v1};
use uuid::Uuid;

pub fn conversation(id: impl std::fmt::Display) -> AggregateId {
    AggregateId::new(TenantId::new("default").unwrap(), Aggregate::Conversation, &id.to_string()).unwrap()
}

pub fn event() -> NewEvent {
    event_with("test")
}

pub fn event_with(kind: impl Into<String>) -> NewEvent {
    let cause = Cause::outside("service:test", steward_proto::new_traceparent([7; 24]));
    let kept = v1::UpdateKept { kind: kind.into(), ..v1::UpdateKept::default() };
    NewEvent::new(Uuid::now_v7(), Utc::now(), &cause, kept)
}

pub fn events(count: usize) -> Vec<NewEvent> {
    (0..count).map(|_| event()).collect()
}

/// What `event_with` was given.
pub fn kind(recorded: &Recorded) -> &str {
    match &recorded.event {
        Event::UpdateKept(kept) => &kept.kind,
        _ => "another type",
    }
}

/// Holds everything that was folded, in order.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    pub ids: Vec<Uuid>,
    pub positions: Vec<u64>,
    pub unknown: usize,
    pub actors: Vec<String>,
}

impl Fold for Seen {
    fn evolve(&mut self, recorded: &Recorded) {
        self.ids.push(recorded.metadata.event_id);
        self.positions.push(recorded.position);
        self.actors.push(recorded.metadata.actor.clone());
        if matches!(recorded.event, Event::Unknown { .. }) {
            self.unknown += 1;
        }
    }
}

impl Kept for Seen {
    const AGGREGATE: Aggregate = Aggregate::Conversation;
    const VERSION: u32 = 1;
}

/// The same by a fold of another version, which counts only.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub struct Counted(pub usize);

impl Fold for Counted {
    fn evolve(&mut self, _: &Recorded) {
        self.0 += 1;
    }
}

impl Kept for Counted {
    const AGGREGATE: Aggregate = Aggregate::Conversation;
    const VERSION: u32 = 2;
}
