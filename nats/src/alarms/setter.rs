//! Setting alarms and taking them off: what is asked for while the server is busy with others goes into one atomic batch, which
//! costs one write to the disk. What is to be taken off waits for what is to be set.

use std::collections::VecDeque;

use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::{TAKEN_OFF, purge, within_limit};
use crate::session::{REQUEST_TIMEOUT, Session};
use crate::supervise::Ended;
use crate::wire::{self, Outcome, Parcel};
use crate::{LogError, ServerError, Treatment, code};

/// Most messages of one batch, each of at most some 4 kB.
const MOST: usize = 500;
/// Most messages of each kind that wait for a batch; who comes then waits before.
const WAITING: usize = 1_000;
/// How many messages of a refused batch are published by themselves at the same time.
const PARALLEL: usize = 32;

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
pub(crate) struct Setter {
    to_set: mpsc::Sender<Order>,
    to_take_off: mpsc::Sender<Order>,
}

impl Setter {
    /// With the task, which runs until the stop, or until the setter is gone.
    pub fn open(session: Session) -> (Self, BoxFuture<'static, Ended>) {
        let ((to_set, setting), (to_take_off, taking_off)) = (mpsc::channel(WAITING), mpsc::channel(WAITING));
        (Self { to_set, to_take_off }, Box::pin(run(session, setting, taking_off)))
    }

    /// Publishes a message that sets an alarm; returns its position once it is durable.
    pub async fn set(&self, parcel: Parcel) -> Result<u64, LogError> {
        carried(&self.to_set, "setting an alarm", parcel).await
    }

    /// Publishes a message that takes an alarm off.
    pub async fn take_off(&self, parcel: Parcel) -> Result<(), LogError> {
        carried(&self.to_take_off, "taking an alarm off", parcel).await.map(drop)
    }
}

async fn carried(orders: &mpsc::Sender<Order>, doing: &'static str, parcel: Parcel) -> Result<u64, LogError> {
    let (reply, answer) = oneshot::channel();
    orders.send(Order { doing, parcel, reply }).await.map_err(|_| LogError::ShutDown)?;
    answer.await.unwrap_or(Err(LogError::ShutDown))
}

async fn run(session: Session, mut setting: mpsc::Receiver<Order>, mut taking_off: mpsc::Receiver<Order>) -> Ended {
    let (mut to_set, mut to_take_off) = (Vec::with_capacity(MOST), Vec::with_capacity(MOST));
    loop {
        // What is to be set may be due in a moment, so it goes first.
        let open = tokio::select! {
            biased;
            () = session.stop.cancelled() => return Ended::Broken("it was stopped"),
            count = setting.recv_many(&mut to_set, MOST) => count > 0,
            count = taking_off.recv_many(&mut to_take_off, MOST) => count > 0,
        };
        if !open {
            return Ended::NothingLeft;
        }
        set(&session, std::mem::take(&mut to_set)).await;
        if !to_take_off.is_empty() {
            take_off(&session, std::mem::take(&mut to_take_off)).await;
        }
    }
}

/// Publishes messages in their order. A batch that is refused as a whole is halved until each message has an answer of its own.
async fn set(session: &Session, orders: Vec<Order>) {
    let mut groups = VecDeque::from([orders]);
    while let Some(group) = groups.pop_front() {
        if let Some(mut group) = publish(session, group).await {
            let second = group.split_off(group.len() / 2);
            groups.push_front(second);
            groups.push_front(group);
        }
    }
}

/// Publishes messages that are of different alarms. Of a batch that is refused as a whole each goes by itself: where one has
/// been set anew or has fired, many have.
async fn take_off(session: &Session, orders: Vec<Order>) {
    if let Some(group) = publish(session, orders).await {
        stream::iter(group)
            .for_each_concurrent(PARALLEL, |order| async { drop(publish(session, vec![order]).await) })
            .await;
    }
    let doing = "removing what took alarms off";
    let purged = within_limit(doing, purge(&session.context, TAKEN_OFF.to_owned(), doing)).await;
    if let Err(error) = purged {
        tracing::debug!(%error, "what took alarms off stays in the stream until the next time");
    }
}

/// Publishes messages together and answers them. Gives several back if they were refused together.
async fn publish(session: &Session, group: Vec<Order>) -> Option<Vec<Order>> {
    let doing = group.first()?.doing;
    let epoch = match session.connected(Instant::now() + REQUEST_TIMEOUT, doing).await {
        Ok(epoch) => epoch,
        Err(error) => {
            group.into_iter().for_each(|order| order.finish(Err(error.clone())));
            return None;
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
        Outcome::Refused(error) if group.len() > 1 && error.treatment() != Treatment::Full => {
            tracing::debug!(%error, messages = group.len(), "a batch of alarms was refused");
            return Some(group);
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
    None
}

fn refused(doing: &'static str, error: ServerError) -> LogError {
    if REFUSED_FOR_GOOD.contains(&error.err_code) {
        LogError::Refused { doing, error }
    } else {
        LogError::Unavailable { doing, reason: error.to_string() }
    }
}
