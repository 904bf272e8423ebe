//! Setting alarms and taking them off: what is asked for while the server is busy with others goes into one atomic batch, which
//! costs one write to the disk.

use std::collections::VecDeque;

use futures::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::{TAKEN_OFF, purge, within_limit};
use crate::session::{REQUEST_TIMEOUT, Session};
use crate::supervise::Ended;
use crate::wire::{self, Outcome, Parcel};
use crate::{LogError, ServerError, code};

/// Most messages of one batch, each of at most some 4 kB.
const MOST: usize = 500;
/// Most messages that wait for a batch; who comes then waits before.
const WAITING: usize = 1_000;

/// What the requests are counted as.
const KIND: &str = "alarm";

/// Errors that the server will answer each time: it can't read the time or the subject, or the message is too large. And one
/// that tells the caller something: the schedule isn't the one that was meant.
const REFUSED_FOR_GOOD: [u64; 4] =
    [code::MESSAGE_TOO_LARGE, code::SCHEDULE_PATTERN_INVALID, code::SCHEDULE_TARGET_INVALID, code::WRONG_LAST_SEQUENCE];

/// A message on its way to the stream of alarms.
struct Order {
    doing: &'static str,
    parcel: Parcel,
    /// Gets the message's position in the stream.
    reply: oneshot::Sender<Result<u64, LogError>>,
}

impl Order {
    fn finish(self, result: Result<u64, LogError>) {
        // Whoever asked may have gone away.
        let _ = self.reply.send(result);
    }
}

/// Hands messages to the task that publishes them.
pub(crate) struct Setter(mpsc::Sender<Order>);

impl Setter {
    /// With the task, which runs until the stop, or until the setter is gone.
    pub fn open(session: Session) -> (Self, BoxFuture<'static, Ended>) {
        let (orders, waiting) = mpsc::channel(WAITING);
        (Self(orders), Box::pin(run(session, waiting)))
    }

    /// Publishes a message; returns its position once it is durable.
    pub async fn carry(&self, doing: &'static str, parcel: Parcel) -> Result<u64, LogError> {
        let (reply, answer) = oneshot::channel();
        self.0.send(Order { doing, parcel, reply }).await.map_err(|_| LogError::ShutDown)?;
        answer.await.unwrap_or(Err(LogError::ShutDown))
    }
}

async fn run(session: Session, mut waiting: mpsc::Receiver<Order>) -> Ended {
    let mut orders = Vec::with_capacity(MOST);
    loop {
        match session.stop.run_until_cancelled(waiting.recv_many(&mut orders, MOST)).await {
            None => return Ended::Broken("it was stopped"),
            Some(0) => return Ended::NothingLeft,
            Some(_) => {}
        }
        let taken_off = orders.iter().any(|order| &*order.parcel.subject == TAKEN_OFF);
        carry(&session, std::mem::take(&mut orders)).await;
        if taken_off {
            let doing = "removing what took alarms off";
            let purged = within_limit(doing, purge(&session.context, TAKEN_OFF.to_owned(), doing)).await;
            if let Err(error) = purged {
                tracing::debug!(%error, "what took alarms off stays in the stream until the next time");
            }
        }
    }
}

/// Publishes messages in their order. A batch that is refused as a whole is halved until each message has an answer of its own.
async fn carry(session: &Session, orders: Vec<Order>) {
    let mut groups = VecDeque::from([orders]);
    while let Some(mut group) = groups.pop_front() {
        let Some(first) = group.first() else { continue };
        let doing = first.doing;
        let epoch = match session.connected(Instant::now() + REQUEST_TIMEOUT, doing).await {
            Ok(epoch) => epoch,
            Err(error) => {
                group.into_iter().for_each(|order| order.finish(Err(error.clone())));
                continue;
            }
        };
        let outcome = match group.as_slice() {
            [alone] => wire::plain(session, epoch, KIND, &alone.parcel).await,
            several => wire::batch(session, epoch, KIND, several.iter().map(|order| &order.parcel)).await,
        };
        match outcome {
            Outcome::Stored { last, .. } => {
                let first = last + 1 - group.len() as u64;
                (first..).zip(group).for_each(|(position, order)| order.finish(Ok(position)));
            }
            Outcome::Refused(error) if group.len() > 1 => {
                tracing::debug!(%error, messages = group.len(), "a batch of alarms was refused");
                let second = group.split_off(group.len() / 2);
                groups.push_front(second);
                groups.push_front(group);
            }
            Outcome::Refused(error) => group.into_iter().for_each(|order| {
                let error = refused(order.doing, error.clone());
                order.finish(Err(error));
            }),
            // Whoever asked may do so again: that does no harm.
            Outcome::NotTaken | Outcome::Unknown => group.into_iter().for_each(|order| {
                let reason = "the server gave no answer".to_owned();
                let error = LogError::Unavailable { doing: order.doing, reason };
                order.finish(Err(error));
            }),
        }
    }
}

fn refused(doing: &'static str, error: ServerError) -> LogError {
    if REFUSED_FOR_GOOD.contains(&error.err_code) {
        LogError::Refused { doing, error }
    } else {
        LogError::Unavailable { doing, reason: error.to_string() }
    }
}
