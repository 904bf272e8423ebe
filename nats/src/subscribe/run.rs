//! The subscription at work: feeds bring events, lanes order them, tasks handle them, acknowledgements go back.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::consumer::pull;
use steward_proto::{Recorded, TenantId};
use tokio::sync::mpsc;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout_at};
use tokio_util::sync::CancellationToken;

use super::attempt::{End, attempt};
use super::feed::{Feed, Room};
use super::lanes::{Delivery, Lanes, Out, Slot, Source, Taken};
use super::pulse::{BEAT, Hearing, Pulse};
use super::{HandleError, Handled, Subscription};
use crate::acks::{self, hand_back, tell};
use crate::{Backoff, Log, LogError, dead, definitions};

/// How long handlers that run at the shutdown may take to end.
const GRACE: Duration = Duration::from_secs(7);

/// How many dead letters are tried again at the same time.
const RETRIES_IN_HAND: usize = 16;

/// How many events are in hand for each handler: one that runs, and one of the same aggregate that follows.
const PER_HANDLER: usize = 2;

/// At least this many events may be in hand, so that a few events of one aggregate don't keep others out. The number of
/// aggregates is bounded by the handlers: what waits here for a slot, however long the work before it takes, no idle
/// process can have.
const IN_HAND: usize = 64;

/// How many bytes may be in hand. The tenants share them, and each has room for one event of any size.
const BYTES_IN_HAND: usize = 64 << 20;

struct Running<H> {
    log: Log,
    subscription: Subscription,
    handler: Arc<H>,
    lanes: Lanes,
    tasks: JoinSet<Out>,
    slots: HashMap<Id, Slot>,
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
    let pulse = Pulse::new(subscription.durable, shutdown.clone());
    log.health().register(subscription.durable, pulse.check());
    let ended = work(log, subscription, &shutdown, handler, &pulse).await;
    pulse.ended(match &ended {
        Ok(()) if shutdown.is_cancelled() => Ok(()),
        Ok(()) => Err("it ended before the stop".to_owned()),
        Err(error) => Err(error.to_string()),
    });
    ended
}

async fn work<H, Fut>(
    log: Log,
    subscription: Subscription,
    shutdown: &CancellationToken,
    handler: H,
    pulse: &Pulse,
) -> Result<(), LogError>
where
    H: Fn(Recorded) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Handled, HandleError>> + Send + 'static,
{
    let stop = shutdown.child_token();
    // Dropping this future, too, stops the feeds.
    let _stop_feeds = stop.clone().drop_guard();
    // The bound is the room that each delivery has taken before.
    let (sender, mut deliveries) = mpsc::channel(IN_HAND);
    let mut feeds = JoinSet::new();
    for feed in feeds_of(&log, &subscription, &sender, &pulse.hearing(), &stop) {
        feeds.spawn(feed.run());
    }
    drop(sender);

    let mut alive = interval(acks::renewal(subscription.ack_wait));
    let mut beat = interval(BEAT);
    for every in [&mut alive, &mut beat] {
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    }
    let (handler, lanes) = (Arc::new(handler), Lanes::default());
    let (tasks, slots) = (JoinSet::new(), HashMap::new());
    let mut running = Running { log, subscription, handler, lanes, tasks, slots, stop };
    let ended = loop {
        running.start();
        tokio::select! {
            Some(delivery) = deliveries.recv() => running.take_in(delivery).await,
            Some(ended) = running.tasks.join_next_with_id() => running.ended(ended).await,
            _ = alive.tick() => running.say_alive().await,
            _ = beat.tick() => {
                running.lanes.forget_overdue();
                pulse.beat(&running.lanes, running.tasks.len(), running.subscription.tenants.len() > 1);
            }
            Some(ended) = feeds.join_next() => match ended {
                // The feed ended by the stop.
                Ok(Ok(())) => {}
                // The definition of a consumer is wrong.
                Ok(Err(error)) => break Err(error),
                Err(error) => break Err(LogError::Ended { what: "a subscription's feed", reason: error.to_string() }),
            },
            () = running.stop.cancelled() => break Ok(()),
        }
    };
    running.finish().await;
    ended
}

/// The feeds of the log, one for each tenant or one for all, and the feed of dead letters that are to be tried again.
fn feeds_of(
    log: &Log,
    subscription: &Subscription,
    deliveries: &mpsc::Sender<Delivery>,
    hearing: &Hearing,
    stop: &CancellationToken,
) -> Vec<Feed> {
    let Subscription { durable: name, tenants, ack_wait, max_ack_pending: window, concurrency, .. } = subscription;
    let (&name, &ack_wait, &window) = (name, ack_wait, window);
    let feed = |source, config: pull::Config, begins_after, whose, room| Feed {
        log: log.clone(),
        source,
        stream: if source == Source::Log { definitions::EVENTS } else { definitions::DEAD },
        subscription: name,
        config,
        begins_after,
        whose,
        room,
        deliveries: deliveries.clone(),
        hearing: hearing.clone(),
        stop: stop.clone(),
    };
    let in_hand = (concurrency * PER_HANDLER).max(IN_HAND).min(window.max(1));
    let retry_filters = vec![format!("retry.{name}.>")];
    let retry = definitions::durable(&format!("{name}-retry"), retry_filters, ack_wait, RETRIES_IN_HAND);
    let mut feeds = vec![feed(Source::Retry, retry, None, None, Room::new(log, RETRIES_IN_HAND, RETRIES_IN_HAND, 0))];
    if tenants.is_empty() {
        let filters = subscription.filters.iter().map(|&filter| filter.to_owned()).collect();
        let all = definitions::durable(name, filters, ack_wait, window);
        feeds.push(feed(Source::Log, all, None, None, Room::new(log, *concurrency, in_hand, BYTES_IN_HAND)));
        return feeds;
    }
    // Of the events in hand, too, one of several tenants has half at most, as many as it may have running.
    let share = |of: usize| if tenants.len() > 1 { (of / 2).max(1) } else { of };
    for tenant in tenants {
        let filters = filters_of(subscription, tenant);
        let own = definitions::durable(&definitions::tenants_durable(name, tenant), filters, ack_wait, window);
        let room = Room::new(log, share(*concurrency), share(in_hand), BYTES_IN_HAND / tenants.len());
        feeds.push(feed(Source::Log, own, Some(name), Some(tenant.clone()), room));
    }
    feeds
}

/// The subscription's filters, `ev.*.…`, with the tenant's name in them.
fn filters_of(subscription: &Subscription, tenant: &TenantId) -> Vec<String> {
    if subscription.filters.is_empty() {
        return vec![format!("ev.{tenant}.>")];
    }
    let of_tenant = |filter: &&str| match filter.strip_prefix("ev.*.") {
        Some(rest) => format!("ev.{tenant}.{rest}"),
        None => (*filter).to_owned(),
    };
    subscription.filters.iter().map(of_tenant).collect()
}

impl<H, Fut> Running<H>
where
    H: Fn(Recorded) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Handled, HandleError>> + Send + 'static,
{
    fn start(&mut self) {
        let (slots, several) = (self.subscription.concurrency, self.subscription.tenants.len() > 1);
        while let Some((slot, delivery)) = self.lanes.next(slots.saturating_sub(self.tasks.len()), several) {
            let (log, handler, stop) = (self.log.clone(), self.handler.clone(), self.stop.clone());
            let consumer = self.subscription.durable;
            let task = self.tasks.spawn(async move {
                let Delivery { recorded, ack, source, tries, since: _, held } = delivery;
                let end = attempt(&*handler, &recorded, consumer, tries, || log.is_connected(), &stop).await;
                let out = settle(&log, consumer, source, &recorded, &ack, end, &stop).await;
                drop(held);
                out
            });
            self.slots.insert(task.id(), slot);
        }
    }

    async fn take_in(&mut self, delivery: Delivery) {
        match self.lanes.take_in(delivery) {
            Taken::InHand | Taken::Again => {}
            Taken::HandledBefore(ack) => tell(&self.log, &ack, acks::DONE).await,
            Taken::Behind(ack, delay) => hand_back(&self.log, &ack, delay).await,
        }
    }

    async fn ended(&mut self, ended: Result<(Id, Out), JoinError>) {
        let (id, out) = ended.unwrap_or_else(|error| {
            // Panics of handlers are caught inside, so this is a bug of our own. The event comes again by itself.
            tracing::error!(consumer = self.subscription.durable, %error, "a handler's task ended unexpectedly");
            (error.id(), Out::Again)
        });
        let Some(slot) = self.slots.remove(&id) else { return };
        for (ack, delay) in self.lanes.finished(&slot, out) {
            hand_back(&self.log, &ack, delay).await;
        }
    }

    /// Tells the server that everything in hand is still worked on, so that it gives none of it to others.
    async fn say_alive(&mut self) {
        if !self.log.is_connected() {
            return;
        }
        for ack in self.lanes.acks() {
            tell(&self.log, &ack, acks::IN_HAND).await;
        }
    }

    /// Hands back what hasn't started, and waits for what runs.
    async fn finish(mut self) {
        self.stop.cancel();
        for ack in self.lanes.give_back() {
            tell(&self.log, &ack, acks::AGAIN).await;
        }
        let deadline = Instant::now() + GRACE;
        while let Ok(Some(_)) = timeout_at(deadline, self.tasks.join_next()).await {}
        // What still runs is delivered elsewhere once the time for its acknowledgement is over.
        self.tasks.shutdown().await;
        // Sends the last acknowledgements before the process ends.
        let _ = tokio::time::timeout(Duration::from_secs(1), self.log.client().flush()).await;
    }
}

/// Tells the server how an event ended.
async fn settle(
    log: &Log,
    consumer: &'static str,
    source: Source,
    recorded: &Recorded,
    ack: &str,
    end: End,
    stop: &CancellationToken,
) -> Out {
    match end {
        End::Done => {
            if source == Source::Retry
                && let Err(error) = log.remove_dead_letter(consumer, recorded.position).await
            {
                tracing::warn!(%error, consumer, "a dead letter was handled but can't be removed; it comes again");
                return Out::Again;
            }
            tell(log, ack, acks::DONE).await;
            Out::Done
        }
        End::Later(delay) => {
            hand_back(log, ack, delay).await;
            Out::Again
        }
        End::PutOff(delay) => {
            metrics::counter!("steward_log_put_off_total", "consumer" => consumer).increment(1);
            tracing::warn!(
                consumer,
                position = recorded.position,
                ?delay,
                "an event is put off, and its aggregate with it"
            );
            hand_back(log, ack, delay).await;
            Out::PutOff(delay)
        }
        End::Dead { error, tries } => {
            let letter = dead::DeadLetter::of(consumer, recorded, error, tries);
            let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(2));
            while let Err(error) = log.bury(&letter).await {
                tracing::warn!(%error, consumer, "a dead letter can't be written; trying again");
                tokio::select! {
                    () = tokio::time::sleep(backoff.next_pause()) => {}
                    () = stop.cancelled() => return Out::Again,
                }
            }
            tell(log, ack, acks::DONE).await;
            Out::Done
        }
        End::Stopped => {
            tell(log, ack, acks::AGAIN).await;
            Out::Again
        }
    }
}
