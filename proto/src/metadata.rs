//! Metadata: what is known about an event beside its content, and the headers that carry that.

use chrono::{DateTime, SecondsFormat, Utc};
use uuid::Uuid;

/// Names of the headers. All of them are always present.
pub mod header {
    pub const EVENT_ID: &str = "Steward-Event-Id";
    pub const TYPE: &str = "Steward-Type";
    pub const SCHEMA_VERSION: &str = "Steward-Schema-Version";
    pub const TIME: &str = "Steward-Time";
    pub const CAUSATION_ID: &str = "Steward-Causation-Id";
    pub const CORRELATION_ID: &str = "Steward-Correlation-Id";
    pub const ACTOR: &str = "Steward-Actor";
    pub const TRACEPARENT: &str = "traceparent";
}

/// Who recorded an event, when, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// UUIDv7.
    pub event_id: Uuid,
    pub type_name: String,
    pub schema_version: u32,
    /// When the event was recorded or, for a fact, when it reached us.
    pub at: DateTime<Utc>,
    /// The event that caused this one; its own id if none did.
    pub causation_id: Uuid,
    /// The first event of the chain of causes.
    pub correlation_id: Uuid,
    /// Who recorded the event: `client:…`, `operator:…`, `service:…`, `brain:…`.
    pub actor: String,
    /// W3C Trace Context.
    pub traceparent: String,
}

#[derive(Debug, thiserror::Error)]
pub enum MetadataError {
    #[error("the header {0} is missing")]
    Missing(&'static str),
    #[error("the header {name} is `{found}`, which is no {expected}")]
    Malformed { name: &'static str, found: String, expected: &'static str },
}

impl Metadata {
    /// All headers, as names and values.
    pub fn headers(&self) -> [(&'static str, String); 8] {
        [
            (header::EVENT_ID, self.event_id.to_string()),
            (header::TYPE, self.type_name.clone()),
            (header::SCHEMA_VERSION, self.schema_version.to_string()),
            (header::TIME, self.at.to_rfc3339_opts(SecondsFormat::Micros, true)),
            (header::CAUSATION_ID, self.causation_id.to_string()),
            (header::CORRELATION_ID, self.correlation_id.to_string()),
            (header::ACTOR, self.actor.clone()),
            (header::TRACEPARENT, self.traceparent.clone()),
        ]
    }

    /// Reads the metadata from its headers, which `get` finds by name.
    pub fn from_headers<'a>(get: impl Fn(&'static str) -> Option<&'a str>) -> Result<Self, MetadataError> {
        let need = |name| get(name).ok_or(MetadataError::Missing(name));
        let id = |name: &'static str| {
            let found = need(name)?;
            Uuid::parse_str(found).map_err(|_| MetadataError::Malformed {
                name,
                found: found.to_owned(),
                expected: "UUID",
            })
        };
        let at = need(header::TIME)?;
        let version = need(header::SCHEMA_VERSION)?;
        Ok(Self {
            event_id: id(header::EVENT_ID)?,
            type_name: need(header::TYPE)?.to_owned(),
            schema_version: version.parse().map_err(|_| MetadataError::Malformed {
                name: header::SCHEMA_VERSION,
                found: version.to_owned(),
                expected: "whole number",
            })?,
            at: DateTime::parse_from_rfc3339(at)
                .map_err(|_| MetadataError::Malformed {
                    name: header::TIME,
                    found: at.to_owned(),
                    expected: "RFC 3339 time",
                })?
                .with_timezone(&Utc),
            causation_id: id(header::CAUSATION_ID)?,
            correlation_id: id(header::CORRELATION_ID)?,
            actor: need(header::ACTOR)?.to_owned(),
            traceparent: need(header::TRACEPARENT)?.to_owned(),
        })
    }
}
