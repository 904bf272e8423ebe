//! What users see of an event.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::EventRow;
use crate::read::view::Time;

/// An event as it stands in the log, without its secrets.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Event)]
pub struct EventView {
    pub position: u64,
    #[schema(value_type = String)]
    pub id: Uuid,
    /// The name of its message in the .proto files.
    #[serde(rename = "type")]
    pub type_name: String,
    pub subject: String,
    pub at: Time,
    pub actor: String,
    #[schema(value_type = String)]
    pub causation_id: Uuid,
    #[schema(value_type = String)]
    pub correlation_id: Uuid,
    pub traceparent: String,
    pub schema_version: u32,
    /// Its fields, see /asyncapi.json; {"raw": base64} where the type is unknown.
    #[schema(value_type = Object)]
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
