//! One subscription for all answers: each request gets a subject of its own below it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_nats::{Client, Message, Subscriber};
use futures::StreamExt as _;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::LogError;
use crate::supervise::Ended;

type Waiting = Arc<Mutex<HashMap<u64, mpsc::Sender<Message>>>>;

/// Passes answers on to those who asked.
#[derive(Clone)]
pub(crate) struct Inbox {
    prefix: Arc<str>,
    waiting: Waiting,
    next: Arc<std::sync::atomic::AtomicU64>,
}

/// The answers to one request. When this is dropped, later answers to that request are dropped as well.
pub(crate) struct Answers {
    pub subject: String,
    token: u64,
    received: mpsc::Receiver<Message>,
    waiting: Waiting,
}

impl Inbox {
    /// Subscribes. No answer arrives unless `run` is driven.
    pub async fn open(client: &Client) -> Result<(Self, Subscriber), LogError> {
        let prefix = client.new_inbox();
        let subscriber = client
            .subscribe(format!("{prefix}.*"))
            .await
            .map_err(|error| LogError::Unavailable { doing: "subscribing to answers", reason: error.to_string() })?;
        let inbox = Self { prefix: prefix.into(), waiting: Waiting::default(), next: Arc::default() };
        Ok((inbox, subscriber))
    }

    /// Passes answers on until `stop`.
    pub async fn run(self, mut subscriber: Subscriber, stop: CancellationToken) -> Ended {
        loop {
            let message = tokio::select! {
                message = subscriber.next() => message,
                () = stop.cancelled() => return Ended::Broken("it was stopped"),
            };
            let Some(message) = message else { return Ended::Broken("the connection is closed for good") };
            let token = message.subject.rsplit('.').next().and_then(|token| token.parse::<u64>().ok());
            let Some(token) = token else { continue };
            let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(sender) = waiting.get(&token) {
                // The channel is full only if the server sends more than was asked for; the reader notices the gap.
                let _ = sender.try_send(message);
            }
        }
    }

    /// A subject for the answers to one request, and their receiver, which holds `capacity` of them at most.
    pub fn expect(&self, capacity: usize) -> Answers {
        let token = self.next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let (sender, received) = mpsc::channel(capacity);
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).insert(token, sender);
        Answers { subject: format!("{}.{token}", self.prefix), token, received, waiting: self.waiting.clone() }
    }
}

impl Answers {
    /// The next answer; `None` when the log is shut down.
    pub async fn next(&mut self) -> Option<Message> {
        self.received.recv().await
    }

    /// An answer that has arrived already, if there is one.
    pub fn try_next(&mut self) -> Result<Message, mpsc::error::TryRecvError> {
        self.received.try_recv()
    }
}

impl Drop for Answers {
    fn drop(&mut self) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.token);
    }
}
