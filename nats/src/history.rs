//! Reading back from the log by position.

use async_nats::{HeaderMap, Message, StatusCode};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::Serialize;
use steward_proto::Recorded;

use crate::session::Session;
use crate::{Log, LogError, codec, definitions};

/// How many messages one request asks for; pages are asked for until the end.
pub(crate) const PAGE: usize = 512;

#[derive(Clone, Copy, Serialize, Default)]
pub(crate) struct DirectGet<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_by_subj: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    batch: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_time: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_by_subj: Option<&'a str>,
}

impl<'a> DirectGet<'a> {
    /// The last message on these subjects.
    pub fn last(subjects: &'a str) -> Self {
        Self { last_by_subj: Some(subjects), ..Self::default() }
    }

    /// The first message on these subjects from a position on.
    pub fn next(subjects: &'a str, from: u64) -> Self {
        Self { seq: Some(from), next_by_subj: Some(subjects), ..Self::default() }
    }
}

/// A message as it stands in the stream.
pub(crate) struct Stored {
    pub position: u64,
    pub subject: String,
    pub headers: HeaderMap,
    pub payload: Bytes,
    pub at: DateTime<Utc>,
}

/// Where reading begins.
#[derive(Debug, Clone, Copy)]
pub(crate) enum From {
    /// This position is the first one wanted.
    Position(u64),
    Time(DateTime<Utc>),
}

impl Log {
    /// The position of the first event that was stored at this time or later; behind the last, if there is none.
    ///
    /// # Errors
    /// The log can't be read.
    pub async fn position_at(&self, at: DateTime<Utc>) -> Result<u64, LogError> {
        let end = self.last_position().await? + 1;
        let session = self.session();
        let first = session
            .persist("reading events", |epoch| page(session, epoch, definitions::EVENTS, "ev.>", From::Time(at), 1))
            .await?;
        Ok(first.0.first().map_or(end, |stored| stored.position))
    }
}

/// All messages of `stream` on `subjects` (a wildcard), beginning at `from`. Gaps where messages were erased are
/// skipped.
pub(crate) async fn read(
    session: &Session,
    stream: &'static str,
    subjects: &str,
    from: From,
) -> Result<Vec<Stored>, LogError> {
    let mut found: Vec<Stored> = Vec::new();
    let mut from = from;
    loop {
        let (page, more) =
            session.persist("reading events", |epoch| page(session, epoch, stream, subjects, from, PAGE)).await?;
        if let Some(last) = page.last() {
            from = From::Position(last.position + 1);
        }
        let empty = page.is_empty();
        found.extend(page);
        if !more || empty {
            return Ok(found);
        }
    }
}

/// One page, of `limit` messages at most, and whether more come after it.
pub(crate) async fn page(
    session: &Session,
    epoch: u64,
    stream: &'static str,
    subjects: &str,
    from: From,
    limit: usize,
) -> Result<(Vec<Stored>, bool), LogError> {
    let mut request = DirectGet { next_by_subj: Some(subjects), batch: Some(limit), ..DirectGet::default() };
    match from {
        From::Position(position) => request.seq = Some(position.max(1)),
        From::Time(at) => request.start_time = Some(at),
    }
    answers(session, epoch, stream, request, limit).await
}

/// The messages that answer a request with a batch, `limit` at most, and whether there are more.
pub(crate) async fn answers(
    session: &Session,
    epoch: u64,
    stream: &'static str,
    request: DirectGet<'_>,
    limit: usize,
) -> Result<(Vec<Stored>, bool), LogError> {
    let exchange = async {
        let mut answers = session.inbox.expect(limit + 1);
        send(session, stream, answers.subject.clone(), &request).await?;
        let mut page = Vec::new();
        loop {
            let message = answers.next().await.ok_or(LogError::ShutDown)?;
            match status(&message) {
                None => page.push(stored(message)?),
                // The server says that the batch has ended.
                Some(204) => {
                    let pending = header_number(message.headers.as_ref(), "Nats-Num-Pending").unwrap_or(0);
                    return Ok((page, pending > 0));
                }
                Some(404) => return Ok((page, false)),
                Some(code) => return Err(refused(code, &message)),
            }
        }
    };
    session.exchange("reading events", epoch, exchange).await
}

/// One message by its position; `None` if it was erased, or isn't there yet.
pub(crate) async fn read_one(
    session: &Session,
    stream: &'static str,
    position: u64,
) -> Result<Option<Stored>, LogError> {
    if position == 0 {
        return Ok(None);
    }
    let request = DirectGet { seq: Some(position), ..DirectGet::default() };
    session.persist("reading an event", |epoch| one(session, epoch, stream, request)).await
}

/// The message that answers a request without a batch; `None` if there is none.
pub(crate) async fn one(
    session: &Session,
    epoch: u64,
    stream: &'static str,
    request: DirectGet<'_>,
) -> Result<Option<Stored>, LogError> {
    let exchange = async {
        let mut answers = session.inbox.expect(1);
        send(session, stream, answers.subject.clone(), &request).await?;
        let message = answers.next().await.ok_or(LogError::ShutDown)?;
        match status(&message) {
            None => stored(message).map(Some),
            Some(404) => Ok(None),
            Some(code) => Err(refused(code, &message)),
        }
    };
    session.exchange("reading an event", epoch, exchange).await
}

async fn send(session: &Session, stream: &'static str, reply: String, request: &DirectGet<'_>) -> Result<(), LogError> {
    metrics::counter!("steward_nats_requests_total", "kind" => "read").increment(1);
    let body = serde_json::to_vec(request).expect("a struct of numbers and strings is JSON");
    let subject = format!("$JS.API.DIRECT.GET.{stream}");
    session
        .client
        .publish_with_reply(subject, reply, body.into())
        .await
        .map_err(|error| LogError::Unavailable { doing: "reading events", reason: error.to_string() })
}

fn status(message: &Message) -> Option<u16> {
    message.status.filter(|status| *status != StatusCode::OK).map(|status| status.as_u16())
}

fn refused(code: u16, message: &Message) -> LogError {
    let reason = format!("{code} {}", message.description.as_deref().unwrap_or_default());
    // 503: JetStream isn't up yet. 408 and 413 don't occur with these requests.
    LogError::Unavailable { doing: "reading events", reason }
}

fn header_number(headers: Option<&HeaderMap>, name: &'static str) -> Option<u64> {
    headers?.get(name)?.as_str().parse().ok()
}

fn stored(message: Message) -> Result<Stored, LogError> {
    let malformed = |what: &str| LogError::Malformed { position: 0, reason: format!("the answer has no {what}") };
    let headers = message.headers.unwrap_or_default();
    let position = header_number(Some(&headers), "Nats-Sequence").ok_or_else(|| malformed("Nats-Sequence"))?;
    let subject = headers.get("Nats-Subject").ok_or_else(|| malformed("Nats-Subject"))?.to_string();
    let at = headers
        .get("Nats-Time-Stamp")
        .and_then(|at| DateTime::parse_from_rfc3339(at.as_str()).ok())
        .ok_or_else(|| malformed("Nats-Time-Stamp"))?
        .with_timezone(&Utc);
    Ok(Stored { position, subject, headers, payload: message.payload, at })
}

impl Stored {
    pub fn into_recorded(self) -> Result<Recorded, LogError> {
        let at = self.at;
        codec::recorded(self.position, &self.subject, Some(&self.headers), self.payload, || at)
    }
}

impl Log {
    /// The event at a position; `None` if it was erased, or isn't there yet.
    pub async fn read(&self, position: u64) -> Result<Option<Recorded>, LogError> {
        match read_one(self.session(), definitions::EVENTS, position).await? {
            Some(stored) => stored.into_recorded().map(Some),
            None => Ok(None),
        }
    }

    /// The position of the log's last event; 0 when it is empty.
    pub async fn last_position(&self) -> Result<u64, LogError> {
        let session = self.session();
        let last = session
            .persist("reading the log's end", |epoch| {
                let exchange = async {
                    let stream = session.context.get_stream(definitions::EVENTS).await.map_err(|error| {
                        LogError::Unavailable { doing: "reading the log's end", reason: error.to_string() }
                    })?;
                    Ok(stream.cached_info().state.last_sequence)
                };
                session.exchange("reading the log's end", epoch, exchange)
            })
            .await?;
        session.saw(last);
        Ok(last)
    }

    /// The position of the first event on a subject that has no wildcard; 0 when there is none.
    ///
    /// # Errors
    /// The log can't be read.
    pub async fn first_position_on(&self, subject: &str) -> Result<u64, LogError> {
        let (session, request) = (self.session(), DirectGet::next(subject, 1));
        let read = |epoch| one(session, epoch, definitions::EVENTS, request);
        let first = session.persist("reading the first event of a kind", read).await?;
        Ok(first.map_or(0, |first| first.position))
    }

    /// The position of the last event on a subject; 0 when there is none.
    pub async fn last_position_on(&self, subject: &str) -> Result<u64, LogError> {
        use async_nats::jetstream::stream::LastRawMessageErrorKind;
        let doing = "reading the last event of a kind";
        let session = self.session();
        let unavailable = |reason: String| LogError::Unavailable { doing, reason };
        let read = |epoch| {
            let exchange = async {
                let stream = session.context.get_stream_no_info(definitions::EVENTS).await;
                let stream = stream.map_err(|error| unavailable(error.to_string()))?;
                match stream.get_last_raw_message_by_subject(subject).await {
                    Ok(message) => Ok(message.sequence),
                    Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => Ok(0),
                    Err(error) => Err(unavailable(error.to_string())),
                }
            };
            session.exchange(doing, epoch, exchange)
        };
        session.persist(doing, read).await
    }
}
