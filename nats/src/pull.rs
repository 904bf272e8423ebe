//! Pulling messages from a consumer: asks for them, counts what is to come, notices when nobody answers.

use std::time::Duration;

use async_nats::{Message, StatusCode, Subscriber};
use futures::{FutureExt as _, StreamExt as _};
use serde::Serialize;
use tokio::time::{Instant, sleep_until};

use crate::LogError;
use crate::session::Session;

/// How often the server has to say that an open request is alive.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// After this long a silence the request counts as lost.
const SILENCE: Duration = Duration::from_millis(12_500);
/// After this time an open request ends by itself, and another is made.
const EXPIRES: Duration = Duration::from_secs(30);

#[derive(Serialize)]
struct Request {
    batch: usize,
    expires: u128,
    idle_heartbeat: u128,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_bytes: Option<usize>,
}

/// What came of waiting for a message.
pub(crate) enum Pulled {
    Message(Message),
    /// A request has ended; make another one.
    Ended,
    /// The consumer is gone, the connection was lost, or nobody answers: the puller has to be made anew.
    Broken(String),
}

pub(crate) struct Puller {
    session: Session,
    subject: String,
    inbox: String,
    subscriber: Subscriber,
    /// How many messages were asked for and haven't come yet.
    outstanding: usize,
    /// The epoch of the connection that this puller was made on.
    epoch: u64,
    last_sign: Instant,
}

impl Puller {
    /// `epoch` is the connection's, taken before the consumer was made.
    pub async fn open(session: &Session, stream: &str, consumer: &str, epoch: u64) -> Result<Self, LogError> {
        let inbox = session.client.new_inbox();
        let subscriber = session
            .client
            .subscribe(inbox.clone())
            .await
            .map_err(|error| LogError::Unavailable { doing: "subscribing to a consumer", reason: error.to_string() })?;
        Ok(Self {
            session: session.clone(),
            subject: format!("$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}"),
            inbox,
            subscriber,
            outstanding: 0,
            epoch,
            last_sign: Instant::now(),
        })
    }

    pub fn outstanding(&self) -> usize {
        self.outstanding
    }

    /// Asks for `batch` more messages, `max_bytes` in all. A message larger than that is never delivered.
    pub async fn ask(&mut self, batch: usize, max_bytes: Option<usize>) -> Result<(), LogError> {
        let request = Request { batch, expires: EXPIRES.as_nanos(), idle_heartbeat: HEARTBEAT.as_nanos(), max_bytes };
        let body = serde_json::to_vec(&request).expect("a struct of numbers is JSON");
        let publish = self.session.client.publish_with_reply(self.subject.clone(), self.inbox.clone(), body.into());
        publish
            .await
            .map_err(|error| LogError::Unavailable { doing: "asking for events", reason: error.to_string() })?;
        if self.outstanding == 0 {
            self.last_sign = Instant::now();
        }
        self.outstanding += batch;
        Ok(())
    }

    /// A message or an end that has arrived already.
    pub fn arrived(&mut self) -> Option<Pulled> {
        loop {
            let message = self.subscriber.next().now_or_never()?;
            if let Some(pulled) = self.understand(message) {
                return Some(pulled);
            }
        }
    }

    /// The next message. Cancel-safe.
    pub async fn next(&mut self) -> Pulled {
        loop {
            // What has arrived comes first: it counts whatever has happened to the connection since.
            if let Some(pulled) = self.arrived() {
                return pulled;
            }
            let message = tokio::select! {
                message = self.subscriber.next() => message,
                () = self.session.lost(self.epoch) => return Pulled::Broken("the connection was lost".to_owned()),
                () = sleep_until(self.last_sign + SILENCE), if self.outstanding > 0 => {
                    return Pulled::Broken(format!("no sign of life for {SILENCE:?}"));
                }
            };
            if let Some(pulled) = self.understand(message) {
                return pulled;
            }
        }
    }

    /// `None` for a heartbeat.
    fn understand(&mut self, message: Option<Message>) -> Option<Pulled> {
        let Some(message) = message else { return Some(Pulled::Broken("the connection is closed".to_owned())) };
        self.last_sign = Instant::now();
        let Some(status) = message.status.filter(|status| *status != StatusCode::OK) else {
            self.outstanding = self.outstanding.saturating_sub(1);
            return Some(Pulled::Message(message));
        };
        let text = message.description.as_deref().unwrap_or_default();
        match status.as_u16() {
            100 => None,
            404 | 408 => {
                self.end_request(&message);
                Some(Pulled::Ended)
            }
            409 if ["Batch Completed", "Message Size Exceeds MaxBytes"]
                .iter()
                .any(|end| text.eq_ignore_ascii_case(end)) =>
            {
                self.end_request(&message);
                Some(Pulled::Ended)
            }
            code => Some(Pulled::Broken(format!("{code} {text}"))),
        }
    }

    fn end_request(&mut self, message: &Message) {
        let header = message.headers.as_ref().and_then(|headers| headers.get("Nats-Pending-Messages"));
        let missing = header.and_then(|value| value.as_str().parse().ok()).unwrap_or(self.outstanding);
        self.outstanding = self.outstanding.saturating_sub(missing);
    }
}
