//! Publishing on the wire: one plain message, or one atomic batch, and the server's answer to it.

use async_nats::header::HeaderName;
use async_nats::{HeaderMap, HeaderValue, Message, StatusCode, Subject};
use bytes::Bytes;
use serde::Deserialize;

use crate::LogError;
use crate::codes::ServerError;
use crate::session::Session;

pub(crate) const BATCH_ID: HeaderName = HeaderName::from_static("Nats-Batch-Id");
const BATCH_SEQUENCE: HeaderName = HeaderName::from_static("Nats-Batch-Sequence");
pub(crate) const BATCH_COMMIT: HeaderName = HeaderName::from_static("Nats-Batch-Commit");

/// A message ready for the wire, with all its headers but those of a batch.
#[derive(Debug)]
pub(crate) struct Parcel {
    pub subject: Subject,
    pub headers: HeaderMap,
    pub payload: Bytes,
}

/// What came of a publish.
#[derive(Debug, Clone)]
pub(crate) enum Outcome {
    /// The messages are stored; `last` is the last one's position.
    Stored { last: u64, duplicate: bool },
    /// Nothing was stored.
    Refused(ServerError),
    /// Nobody took the message, and nothing was stored: JetStream isn't up, or the stream doesn't exist.
    NotTaken,
    /// The messages may have been stored, or may be stored yet.
    Unknown,
}

#[derive(Deserialize)]
struct Answer {
    error: Option<ServerError>,
    #[serde(default)]
    seq: u64,
    #[serde(default)]
    duplicate: bool,
}

/// Publishes a message by itself. `kind` is what it is counted as.
pub(crate) async fn plain(session: &Session, epoch: u64, kind: &'static str, parcel: &Parcel) -> Outcome {
    metrics::counter!("steward_nats_requests_total", "kind" => kind).increment(1);
    let request = async_nats::Request::new().headers(parcel.headers.clone()).payload(parcel.payload.clone());
    let exchange = async {
        match session.client.send_request(parcel.subject.clone(), request).await {
            Ok(message) => Ok(read(&message)),
            Err(error) if error.kind() == async_nats::RequestErrorKind::NoResponders => Ok(Outcome::NotTaken),
            Err(error) => Err(LogError::Unavailable { doing: "publishing", reason: error.to_string() }),
        }
    };
    session.exchange("publishing", epoch, exchange).await.unwrap_or(Outcome::Unknown)
}

/// Publishes messages as one atomic batch: all of them are stored, in this order and without a gap, or none. `kind` is
/// what the batch is counted as.
pub(crate) async fn batch<'a>(
    session: &Session,
    epoch: u64,
    kind: &'static str,
    parcels: impl Iterator<Item = &'a Parcel> + Clone,
) -> Outcome {
    session.exchange("committing a batch", epoch, send_batch(session, kind, parcels)).await.unwrap_or(Outcome::Unknown)
}

async fn send_batch<'a>(
    session: &Session,
    kind: &'static str,
    parcels: impl Iterator<Item = &'a Parcel> + Clone,
) -> Result<Outcome, LogError> {
    let client = &session.client;
    let lost =
        |error: async_nats::PublishError| LogError::Unavailable { doing: "sending a batch", reason: error.to_string() };
    let id = uuid::Uuid::new_v4().simple().to_string();
    let total = parcels.clone().count();
    metrics::counter!("steward_nats_requests_total", "kind" => kind).increment(1);
    metrics::counter!("steward_nats_batched_messages_total").increment(total as u64);
    // The answer to the batch's start is empty, or the error that the commit's answer would hide behind "incomplete
    // batch".
    let mut started = session.inbox.expect(1);
    let mut committed = session.inbox.expect(1);
    for (sequence, parcel) in (1_usize..).zip(parcels) {
        let mut headers = parcel.headers.clone();
        // Only hexadecimal digits and numbers go into headers here.
        headers.insert(BATCH_ID, id.as_str());
        headers.insert(BATCH_SEQUENCE, HeaderValue::from(sequence));
        let (subject, payload) = (parcel.subject.clone(), parcel.payload.clone());
        if sequence == total {
            headers.insert(BATCH_COMMIT, "1");
            let reply = committed.subject.clone();
            client.publish_with_reply_and_headers(subject, reply, headers, payload).await.map_err(lost)?;
        } else if sequence == 1 {
            let reply = started.subject.clone();
            client.publish_with_reply_and_headers(subject, reply, headers, payload).await.map_err(lost)?;
        } else {
            client.publish_with_headers(subject, headers, payload).await.map_err(lost)?;
        }
    }
    let answer = committed.next().await.ok_or(LogError::ShutDown)?;
    let outcome = read(&answer);
    if let (Outcome::Refused(_), Ok(start)) = (&outcome, started.try_next())
        && !start.payload.is_empty()
        && let start @ Outcome::Refused(_) = read(&start)
    {
        return Ok(start);
    }
    Ok(outcome)
}

fn read(message: &Message) -> Outcome {
    if message.status == Some(StatusCode::NO_RESPONDERS) {
        return Outcome::NotTaken;
    }
    match serde_json::from_slice::<Answer>(&message.payload) {
        Ok(Answer { error: Some(error), .. }) => Outcome::Refused(error),
        Ok(Answer { seq, duplicate, .. }) if seq > 0 => Outcome::Stored { last: seq, duplicate },
        _ => Outcome::Unknown,
    }
}
