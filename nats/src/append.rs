//! Append: what is stored, on which condition, and what comes back.

use async_nats::HeaderValue;
use async_nats::header::HeaderName;
use steward_proto::{AggregateId, Event, NewEvent, Recorded, Subject};
use tokio::sync::oneshot;
use tokio::time::Instant;
use uuid::Uuid;

use crate::admission::{Room, SHARE};
use crate::wire::Parcel;
use crate::{AppendError, Log, LogError, header};

const MESSAGE_ID: HeaderName = HeaderName::from_static("Nats-Msg-Id");
pub(crate) const EXPECTED: HeaderName = HeaderName::from_static("Nats-Expected-Last-Subject-Sequence");
pub(crate) const EXPECTED_SUBJECT: HeaderName = HeaderName::from_static("Nats-Expected-Last-Subject-Sequence-Subject");

/// On the first event of a unit of several: how many they are.
pub(crate) const UNIT_EVENTS: HeaderName = HeaderName::from_static("Steward-Unit-Events");

/// Most events of one append: an atomic batch of the server holds 1,000 messages.
pub const MAX_EVENTS: usize = 1_000;

/// Most bytes of one append, headers counted. An append is stored whole, so it takes this much of its tenant's room at
/// once.
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
    /// A second append with the same key stores nothing, for as long as the stream remembers message ids (10 minutes).
    /// A fact without a key uses its event id, so that our own retries don't store it twice.
    pub dedupe_key: Option<String>,
}

/// Where the events of an append are in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// Position of the last event.
    pub position: u64,
    /// Position of the first event; the events between them have the positions between.
    pub first: u64,
    /// The append had been stored before under the same dedupe key; the positions are those of that time.
    pub duplicate: bool,
}

/// An event made ready for the wire, by the task that appends it: if it can't be sent, that caller alone is refused.
///
/// Only a unit's first event carries the expected version and the message id in its headers.
#[derive(Debug)]
pub(crate) struct Encoded {
    pub event_id: Uuid,
    pub parcel: Parcel,
}

/// One append on its way: the unit that is stored whole or not at all.
#[derive(Debug)]
pub(crate) struct Unit {
    pub aggregate: AggregateId,
    pub events: Vec<Encoded>,
    pub expected: Expected,
    /// `Nats-Msg-Id` of the first event.
    pub message_id: Option<String>,
    /// The room that the unit takes in its tenant's share, until it is answered.
    pub room: Option<Room>,
    pub reply: oneshot::Sender<Result<Appended, AppendError>>,
    pub queued: Instant,
    /// An earlier try may have stored the unit.
    pub uncertain: bool,
}

impl Unit {
    pub fn size(&self) -> usize {
        size(&self.events)
    }

    pub fn finish(self, result: Result<Appended, AppendError>) {
        // The caller may have gone away; the events are stored all the same.
        let _ = self.reply.send(result);
    }
}

/// About how many bytes these events take on the wire: their payloads, and 600 for the headers of each, which are at
/// most 3,000.
fn size(events: &[Encoded]) -> usize {
    events.iter().map(|event| event.parcel.payload.len() + 600).sum()
}

impl Log {
    /// Stores events: facts always, a decision only if the aggregate's version is still the one that it was made on.
    ///
    /// Returns once the events are durable. What is appended while a commit is on its way shares the next one. When the
    /// server's answer is lost, the log is read to see whether the events are stored, so that nothing is stored twice.
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
            // The writer met a bug with this unit's group and dropped it.
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
        // Leaves room for the headers, which the server counts as payload.
        let limit = self.client().max_payload().saturating_sub(4_096);
        let mut encoded = events.iter().map(|new| encode(aggregate, new, limit)).collect::<Result<Vec<_>, _>>()?;
        let bytes = size(&encoded);
        if bytes > MAX_BYTES {
            return Err(AppendError::BatchTooLarge { bytes });
        }
        let several = encoded.len();
        let headers = &mut encoded[0].parcel.headers;
        if several > 1 {
            headers.insert(UNIT_EVENTS, HeaderValue::from(several));
        }
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
    let parcel = Parcel { subject, headers: header::of(&new.metadata)?, payload };
    Ok(Encoded { event_id: new.metadata.event_id, parcel })
}

/// The events as the log now holds them, made from what was sent instead of being read back.
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
