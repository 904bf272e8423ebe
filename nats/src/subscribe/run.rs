//! The subscription at work: feeds bring events, lanes order them, tasks handle them, acknowledgements go back.

use std::sync::Arc;
use std::time::Duration;

use steward_proto::Recorded;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout_at};
use tokio_util::sync::CancellationToken;

use super::attempt::{End, attempt};
use super::feed::Feed;
use super::lanes::{Delivery, Lanes, Source, Taken};
use super::{HandleError, Handled, Subscription};
use crate::session::Backoff;
use crate::{Log, LogError, dead, definitions};

/// What is running at the shutdown has so long to end.
const GRACE: Duration = Duration::from_secs(7);

/// Dead letters tried again at the same time.
const RETRIES_IN_HAND: usize = 16;

struct Running<H> {
    log: Log,
    subscription: Subscription,
    handler: Arc<H>,
    lanes: Lanes,
    tasks: JoinSet<(Recorded, bool)>,
    stop: CancellationToken,
}

pub(super) async fn run<H, Fut>(
    log: Log,
    subscription: Subscription,
    shutdown: CancellationToken,
    handler: H,
) -> Result<(), LogError>
where
    H: Fn(Recorded) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Handled, HandleError>> + Send + 'static,
{
    let stop = shutdown.child_token();
    // Dropping this future stops the feeds as well.
    let _stop_feeds = stop.clone().drop_guard();
    let in_hand =
        (subscription.concurrency * 8).clamp(64.min(subscription.max_ack_pending), subscription.max_ack_pending.max(1));
    let (sender, mut deliveries) = mpsc::channel(in_hand + RETRIES_IN_HAND);
    let mut feeds = JoinSet::new();
    for feed in feeds_of(&log, &subscription, in_hand, &sender, &stop) {
        feeds.spawn(feed.run());
    }
    drop(sender);

    let mut alive = interval(subscription.ack_wait.mul_f32(0.375).max(Duration::from_millis(50)));
    alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut running =
        Running { log, subscription, handler: Arc::new(handler), lanes: Lanes::default(), tasks: JoinSet::new(), stop };
    loop {
        running.start();
        tokio::select! {
            Some(delivery) = deliveries.recv() => running.take_in(delivery).await,
            Some(ended) = running.tasks.join_next() => running.ended(ended),
            _ = alive.tick() => running.say_alive().await,
            Some(ended) = feeds.join_next() => {
                // A feed that ends by itself has a wrong definition.
                if let Ok(Err(error)) = ended {
                    running.finish().await;
                    return Err(error);
                }
            }
            () = running.stop.cancelled() => break,
        }
    }
    running.finish().await;
    Ok(())
}

/// The feed of the log, and the one of dead letters that are tried again.
fn feeds_of(
    log: &Log,
    subscription: &Subscription,
    in_hand: usize,
    deliveries: &mpsc::Sender<Delivery>,
    stop: &CancellationToken,
) -> [Feed; 2] {
    let name = subscription.durable;
    let filters = subscription.filters.iter().map(|&filter| filter.to_owned()).collect();
    let (ack_wait, pending) = (subscription.ack_wait, subscription.max_ack_pending);
    let feed = |source, stream, config, room| Feed {
        log: log.clone(),
        source,
        stream,
        subscription: name,
        config,
        room: Arc::new(Semaphore::new(room)),
        deliveries: deliveries.clone(),
        stop: stop.clone(),
    };
    let main = definitions::durable(name, filters, ack_wait, pending);
    let retry_filters = vec![format!("retry.{name}.>")];
    let retry = definitions::durable(&format!("{name}-retry"), retry_filters, ack_wait, RETRIES_IN_HAND);
    [
        feed(Source::Log, definitions::EVENTS, main, in_hand),
        feed(Source::Retry, definitions::DEAD, retry, RETRIES_IN_HAND),
    ]
}

impl<H, Fut> Running<H>
where
    H: Fn(Recorded) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Handled, HandleError>> + Send + 'static,
{
    fn start(&mut self) {
        while self.tasks.len() < self.subscription.concurrency {
            let Some(delivery) = self.lanes.next() else { return };
            let (log, handler, stop) = (self.log.clone(), self.handler.clone(), self.stop.clone());
            let consumer = self.subscription.durable;
            self.tasks.spawn(async move {
                let Delivery { recorded, ack, source, permit } = delivery;
                let end = attempt(&*handler, &recorded, consumer, &stop).await;
                let done = settle(&log, consumer, source, &recorded, &ack, end, &stop).await;
                drop(permit);
                (recorded, done)
            });
        }
    }

    async fn take_in(&mut self, delivery: Delivery) {
        if let Taken::HandledBefore(ack) = self.lanes.take_in(delivery) {
            tell(&self.log, &ack, "+ACK").await;
        }
    }

    fn ended(&mut self, ended: Result<(Recorded, bool), tokio::task::JoinError>) {
        match ended {
            Ok((recorded, done)) => self.lanes.finished(&recorded, done),
            // Handlers' panics are caught inside, so only an abort comes here.
            Err(error) => tracing::error!(%error, "a handler's task ended unexpectedly"),
        }
    }

    /// Keeps what is in hand from being redelivered.
    async fn say_alive(&mut self) {
        if !self.log.is_connected() {
            return;
        }
        for ack in self.lanes.acks() {
            tell(&self.log, &ack, "+WPI").await;
        }
    }

    /// Hands back what hasn't started and waits for what runs.
    async fn finish(mut self) {
        self.stop.cancel();
        for ack in self.lanes.give_back() {
            tell(&self.log, &ack, "-NAK").await;
        }
        let deadline = Instant::now() + GRACE;
        while let Ok(Some(_)) = timeout_at(deadline, self.tasks.join_next()).await {}
        // What still runs comes again elsewhere, after the acknowledgement's time.
        self.tasks.shutdown().await;
        // So that the last acknowledgements leave before the process does.
        let _ = tokio::time::timeout(Duration::from_secs(1), self.log.client().flush()).await;
    }
}

/// Tells the server how it ended. True when the event needn't run again.
async fn settle(
    log: &Log,
    consumer: &'static str,
    source: Source,
    recorded: &Recorded,
    ack: &str,
    end: End,
    stop: &CancellationToken,
) -> bool {
    match end {
        End::Done => {
            if source == Source::Retry
                && let Err(error) = log.remove_dead_letter(consumer, recorded.position).await
            {
                tracing::warn!(%error, consumer, "a dead letter was handled but can't be removed; it comes again");
                return false;
            }
            tell(log, ack, "+ACK").await;
            true
        }
        End::Later(delay) => {
            tell(log, ack, &format!("-NAK {{\"delay\": {}}}", delay.as_nanos())).await;
            false
        }
        End::Dead { error, tries } => {
            let letter = dead::DeadLetter::of(consumer, recorded, error, tries);
            let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(2));
            while let Err(error) = log.bury(&letter).await {
                tracing::warn!(%error, consumer, "a dead letter can't be written; trying again");
                tokio::select! {
                    () = tokio::time::sleep(backoff.next()) => {}
                    () = stop.cancelled() => return false,
                }
            }
            tell(log, ack, "+ACK").await;
            true
        }
        End::Stopped => {
            tell(log, ack, "-NAK").await;
            false
        }
    }
}

/// An acknowledgement that is lost means a redelivery, no more.
async fn tell(log: &Log, ack: &str, what: &str) {
    let publish = log.client().publish(ack.to_owned(), what.to_owned().into());
    let _ = tokio::time::timeout(Duration::from_secs(2), publish).await;
}
