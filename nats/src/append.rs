//! Append: what is stored, on which condition, and what comes back.

use async_nats::header::HeaderName;
use async_nats::{HeaderMap, HeaderValue};
use steward_proto::{AggregateId, Event, NewEvent, Recorded, Subject};
use tokio::sync::oneshot;
use tokio::time::Instant;
use uuid::Uuid;

use crate::admission::{Room, SHARE};
use crate::{AppendError, Log, LogError, header};

const MESSAGE_ID: HeaderName = HeaderName::from_static("Nats-Msg-Id");
const EXPECTED: HeaderName = HeaderName::from_static("Nats-Expected-Last-Subject-Sequence");
const EXPECTED_SUBJECT: HeaderName = HeaderName::from_static("Nats-Expected-Last-Subject-Sequence-Subject");

/// Events of one append, at most: an atomic batch of the server holds 1,000 messages.
pub const MAX_EVENTS: usize = 1_000;

/// Bytes of one append, at most, headers counted: it is stored whole, so it takes all of a tenant's room at once.
pub const MAX_BYTES: usize = SHARE;

/// The condition of an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// A fact: never refused.
    Any,
    /// A decision: the aggregate's last event must be at this position; 0 when it has none.
    Version(u64),
}

/// Events of one aggregate, stored all or none.
#[derive(Debug, Clone)]
pub struct Append {
    pub aggregate: AggregateId,
    pub events: Vec<NewEvent>,
    pub expected: Expected,
    /// Within the stream's duplicate window (10 minutes) a second append with the same key stores nothing.
    /// Left out, a fact uses its event id, so that our own retries don't double it.
    pub dedupe_key: Option<String>,
}

/// Where the events stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// Position of the last event.
    pub position: u64,
    /// Position of the first event; those between follow one another.
    pub first: u64,
    /// It had been stored before, under the same dedupe key; these are the positions of then.
    pub duplicate: bool,
}

/// An event made ready for the wire, by the task that appends it: what can't be sent is that caller's refusal alone.
#[derive(Debug)]
pub(crate) struct Encoded {
    pub subject: async_nats::Subject,
    pub event_id: Uuid,
    /// All but those of a batch. The expectation and the message id stand on a unit's first event.
    pub headers: HeaderMap,
    pub payload: bytes::Bytes,
}

/// One append on its way: the unit that is stored whole or not at all.
#[derive(Debug)]
pub(crate) struct Unit {
    pub aggregate: AggregateId,
    pub events: Vec<Encoded>,
    pub expected: Expected,
    /// `Nats-Msg-Id` of the first event.
    pub message_id: Option<String>,
    /// What it takes of its tenant's room until it is answered.
    pub room: Option<Room>,
    pub reply: oneshot::Sender<Result<Appended, AppendError>>,
    pub queued: Instant,
    /// An earlier try may have stored it.
    pub uncertain: bool,
}

impl Unit {
    pub fn size(&self) -> usize {
        size(&self.events)
    }

    pub fn finish(self, result: Result<Appended, AppendError>) {
        // The caller may have gone; the events stay.
        let _ = self.reply.send(result);
    }
}

/// Bytes on the wire, roughly: payloads and some 600 of headers each, which are at most 3,000.
fn size(events: &[Encoded]) -> usize {
    events.iter().map(|event| event.payload.len() + 600).sum()
}

impl Log {
    /// Stores events. Facts are never refused, decisions only on the version they were made on.
    ///
    /// It returns when the events are durable. What is appended while another commit is on its way shares the next
    /// one. A lost answer is looked up, so that nothing is stored twice.
    pub async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        let Append { aggregate, mut events, expected, dedupe_key } = append;
        events.iter_mut().for_each(|new| header::cleaned(&mut new.metadata));
        let (reply, answer) = oneshot::channel();
        let mut unit = self.unit(&aggregate, &events, expected, dedupe_key, reply)?;
        let since = unit.queued;
        unit.room = Some(self.admission().enter(&unit).await.ok_or(LogError::ShutDown)?);
        self.writer().send(unit).map_err(|_| LogError::ShutDown)?;
        let appended = match answer.await {
            Ok(answer) => answer?,
            Err(_) if self.session().stop.is_cancelled() => return Err(LogError::ShutDown.into()),
            // Its group met a bug; see the writer.
            Err(_) => return Err(AppendError::Broken),
        };
        metrics::histogram!("steward_log_append_seconds").record(since.elapsed().as_secs_f64());
        metrics::counter!("steward_log_appended_events_total").increment(events.len() as u64);
        self.session().saw(appended.position);
        if let (Expected::Version(version), false) = (expected, appended.duplicate) {
            self.cache().advance_by_own(&aggregate, version, || recorded(&aggregate, events, appended.first));
        }
        Ok(appended)
    }

    pub(crate) fn unit(
        &self,
        aggregate: &AggregateId,
        events: &[NewEvent],
        expected: Expected,
        dedupe_key: Option<String>,
        reply: oneshot::Sender<Result<Appended, AppendError>>,
    ) -> Result<Unit, AppendError> {
        let first = events.first().ok_or(AppendError::Empty)?;
        if events.len() > MAX_EVENTS {
            return Err(AppendError::TooMany(events.len()));
        }
        let message_id = match (dedupe_key, expected) {
            (Some(key), _) => Some(header::message_id(&key)),
            (None, Expected::Any) => Some(first.metadata.event_id.to_string()),
            (None, Expected::Version(_)) => None,
        };
        // Room for the headers, which count as payload.
        let limit = self.client().max_payload().saturating_sub(4_096);
        let mut encoded = events.iter().map(|new| encode(aggregate, new, limit)).collect::<Result<Vec<_>, _>>()?;
        let bytes = size(&encoded);
        if bytes > MAX_BYTES {
            return Err(AppendError::BatchTooLarge { bytes });
        }
        let headers = &mut encoded[0].headers;
        if let Some(id) = &message_id {
            headers.insert(MESSAGE_ID, header::value(id)?);
        }
        if let Expected::Version(version) = expected {
            headers.insert(EXPECTED, HeaderValue::from(version));
            headers.insert(EXPECTED_SUBJECT, header::value(&aggregate.wildcard())?);
        }
        Ok(Unit {
            aggregate: aggregate.clone(),
            events: encoded,
            expected,
            message_id,
            room: None,
            reply,
            queued: Instant::now(),
            uncertain: false,
        })
    }
}

fn encode(aggregate: &AggregateId, new: &NewEvent, limit: usize) -> Result<Encoded, AppendError> {
    if let Event::Unknown { type_name, .. } = &new.event {
        return Err(AppendError::UnknownEvent(type_name.clone()));
    }
    let payload = new.event.encode();
    if payload.len() > limit {
        return Err(AppendError::TooLarge { type_name: new.metadata.type_name.clone(), bytes: payload.len(), limit });
    }
    let subject = header::subject(&aggregate.subject(&new.event.subject_token()))?;
    Ok(Encoded { subject, event_id: new.metadata.event_id, headers: header::of(&new.metadata)?, payload })
}

/// The events as the log holds them now, without reading them back.
fn recorded(aggregate: &AggregateId, events: Vec<NewEvent>, first: u64) -> Vec<Recorded> {
    let record = |(position, new): (u64, NewEvent)| Recorded {
        position,
        subject: Subject {
            tenant: aggregate.tenant.clone(),
            aggregate: aggregate.aggregate.as_str().into(),
            id: aggregate.id().into(),
            event: new.event.subject_token().into(),
        },
        payload: new.event.encode(),
        metadata: new.metadata,
        event: new.event,
    };
    (first..).zip(events).map(record).collect()
}
