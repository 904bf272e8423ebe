//! Turns stored messages into events.

use async_nats::HeaderMap;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use steward_proto::{Event, Metadata, Recorded, Subject, TenantId};
use uuid::Uuid;

use crate::{LogError, header};

/// Reads a stored message. A message on an event's subject that can't be understood becomes `Event::Unknown`, so that
/// readers see that there is something.
pub(crate) fn recorded(
    position: u64,
    subject: &str,
    headers: Option<&HeaderMap>,
    payload: Bytes,
    stored_at: impl FnOnce() -> DateTime<Utc>,
) -> Result<Recorded, LogError> {
    let subject = read_subject(subject).ok_or_else(|| LogError::Malformed {
        position,
        reason: format!("`{subject}` isn't ev.tenant.aggregate.id.event"),
    })?;
    let (metadata, event) = match header::metadata(headers) {
        Ok(metadata) => {
            let event = Event::decode(&metadata.type_name, metadata.schema_version, &payload).unwrap_or_else(|error| {
                tracing::warn!(position, %error, "an event can't be decoded; it is kept as unknown");
                unknown(&metadata)
            });
            (metadata, event)
        }
        Err(error) => {
            tracing::warn!(position, "an event's headers can't be read; it is kept as unknown");
            tracing::debug!(position, %error, "what is wrong with them");
            let metadata = nameless(&subject, stored_at());
            let event = unknown(&metadata);
            (metadata, event)
        }
    };
    Ok(Recorded { position, subject, metadata, event, payload })
}

fn unknown(metadata: &Metadata) -> Event {
    Event::Unknown { type_name: metadata.type_name.clone(), schema_version: metadata.schema_version }
}

/// Metadata for an event whose headers are missing or broken.
fn nameless(subject: &Subject, at: DateTime<Utc>) -> Metadata {
    Metadata {
        event_id: Uuid::nil(),
        type_name: subject.event.to_string(),
        schema_version: 0,
        at,
        causation_id: Uuid::nil(),
        correlation_id: Uuid::nil(),
        actor: "unknown".to_owned(),
        traceparent: "00-00000000000000000000000000000000-0000000000000000-00".to_owned(),
    }
}

fn read_subject(subject: &str) -> Option<Subject> {
    let mut tokens = subject.splitn(5, '.');
    if tokens.next()? != "ev" {
        return None;
    }
    Some(Subject {
        tenant: TenantId::new(tokens.next()?).ok()?,
        aggregate: tokens.next()?.into(),
        id: tokens.next()?.into(),
        event: tokens.next()?.into(),
    })
}

/// The event id of a stored message, if it has one.
pub(crate) fn event_id(headers: Option<&HeaderMap>) -> Option<Uuid> {
    Uuid::parse_str(headers?.get(steward_proto::header::EVENT_ID)?.as_str()).ok()
}
