//! What users see of an event.

use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::EventRow;
use crate::read::view::Time;

#[derive(Debug, Serialize)]
pub struct EventView {
    pub position: u64,
    pub id: Uuid,
    #[serde(rename = "type")]
    pub type_name: String,
    pub subject: String,
    pub at: Time,
    pub actor: String,
    pub causation_id: Uuid,
    pub correlation_id: Uuid,
    pub traceparent: String,
    pub schema_version: u32,
    /// Its fields, as the schema names them.
    pub data: Value,
}

impl From<EventRow> for EventView {
    fn from(row: EventRow) -> Self {
        Self {
            subject: row.subject(),
            data: steward_proto::event_json(&row.type_name, &row.payload),
            position: row.position,
            id: row.event_id,
            type_name: row.type_name,
            at: Time(row.at),
            actor: row.actor,
            causation_id: row.causation_id,
            correlation_id: row.correlation_id,
            traceparent: row.traceparent,
            schema_version: row.schema_version,
        }
    }
}
