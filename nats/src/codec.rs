//! Between an event and the message that carries it.

use async_nats::HeaderMap;
use async_nats::header::HeaderName;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use steward_proto::{Event, Metadata, MetadataError, Recorded, Subject, TenantId, header};
use uuid::Uuid;

use crate::LogError;
use crate::append::Encoded;

pub(crate) fn headers(encoded: &Encoded) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in encoded.metadata.headers() {
        map.insert(HeaderName::from_static(name), value);
    }
    map
}

/// Reads a stored message. Whatever can't be understood, but stands on an event's subject, is `Event::Unknown`,
/// so that readers see that something is there.
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
    let read = read_metadata(headers);
    let (metadata, event) = match read {
        Ok(metadata) => {
            let event = Event::decode(&metadata.type_name, metadata.schema_version, &payload).unwrap_or_else(|error| {
                tracing::warn!(position, %error, "an event can't be decoded; it is kept as unknown");
                unknown(&metadata)
            });
            (metadata, event)
        }
        Err(error) => {
            tracing::warn!(position, %error, "an event's headers can't be read; it is kept as unknown");
            let metadata = nameless(&subject, stored_at());
            let event = unknown(&metadata);
            (metadata, event)
        }
    };
    Ok(Recorded { position, subject, metadata, event, payload })
}

const NAMES: [&str; 8] = [
    header::EVENT_ID,
    header::TYPE,
    header::SCHEMA_VERSION,
    header::TIME,
    header::CAUSATION_ID,
    header::CORRELATION_ID,
    header::ACTOR,
    header::TRACEPARENT,
];

/// One pass over the headers: looking each one up would hash its name, which costs more than all the rest.
fn read_metadata(headers: Option<&HeaderMap>) -> Result<Metadata, MetadataError> {
    let mut values = [None; NAMES.len()];
    for (name, found) in headers.into_iter().flat_map(HeaderMap::iter) {
        let name: &str = name.as_ref();
        if let Some(index) = NAMES.iter().position(|&known| known == name) {
            values[index] = found.first().map(|value| value.as_str());
        }
    }
    Metadata::from_headers(|name| values[NAMES.iter().position(|&known| known == name)?])
}

fn unknown(metadata: &Metadata) -> Event {
    Event::Unknown { type_name: metadata.type_name.clone(), schema_version: metadata.schema_version }
}

/// What can be said of an event whose headers are missing or broken.
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
    Uuid::parse_str(headers?.get(header::EVENT_ID)?.as_str()).ok()
}
