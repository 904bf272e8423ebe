//! The table `events`: the log itself.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use steward_proto::{Event, Metadata, Recorded, snake_case, without_secrets};
use uuid::Uuid;

use crate::rows::table;

table! {
    /// An event as it stands in the log, without its secrets.
    pub struct EventRow = "events" {
        position: u64,
        tenant: String,
        aggregate: String,
        aggregate_id: String,
        type_name: String,
        schema_version: u32,
        at: DateTime<Utc>,
        actor: String,
        event_id: Uuid,
        causation_id: Uuid,
        correlation_id: Uuid,
        traceparent: String,
        payload: Bytes,
    }
}

impl From<&Recorded> for EventRow {
    fn from(recorded: &Recorded) -> Self {
        let metadata = &recorded.metadata;
        Self {
            position: recorded.position,
            tenant: recorded.subject.tenant.to_string(),
            aggregate: recorded.subject.aggregate.to_string(),
            aggregate_id: recorded.subject.id.to_string(),
            type_name: metadata.type_name.clone(),
            schema_version: metadata.schema_version,
            at: metadata.at,
            actor: metadata.actor.clone(),
            event_id: metadata.event_id,
            causation_id: metadata.causation_id,
            correlation_id: metadata.correlation_id,
            traceparent: metadata.traceparent.clone(),
            payload: without_secrets(&metadata.type_name, &recorded.payload),
        }
    }
}

impl EventRow {
    pub fn subject(&self) -> String {
        format!("ev.{}.{}.{}.{}", self.tenant, self.aggregate, self.aggregate_id, snake_case(&self.type_name))
    }

    /// The event as the log has it; `None` for what this build can't read.
    pub fn recorded(self) -> Option<Recorded> {
        let subject = self.subject().parse().ok()?;
        let event = Event::decode(&self.type_name, self.schema_version, &self.payload).ok()?;
        let metadata = Metadata {
            event_id: self.event_id,
            type_name: self.type_name,
            schema_version: self.schema_version,
            at: self.at,
            causation_id: self.causation_id,
            correlation_id: self.correlation_id,
            actor: self.actor,
            traceparent: self.traceparent,
        };
        Some(Recorded { position: self.position, subject, metadata, payload: self.payload, event })
    }
}
