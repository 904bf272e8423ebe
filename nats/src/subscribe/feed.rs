//! The feed: pulls from one durable consumer as much as there is room for, and makes the consumer anew when it breaks.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::consumer::{DeliverPolicy, pull};
use chrono::Utc;
use futures::FutureExt as _;
use steward_proto::Recorded;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::lanes::{Delivery, Held, Source};
use super::pulse::{BEAT, Hearing, Whose};
use crate::delivery::Delivered;
use crate::pull::{Pulled, Puller};
use crate::tail::{consumer, make_consumer};
use crate::{Backoff, Log, LogError, acks, codec, dead, definitions, history};

/// What headers and subjects add to the largest payload, at most.
const ENVELOPE: usize = 16 << 10;

/// Room for what one feed brings: for so many aggregates, so many events of them, and so many bytes.
#[derive(Clone)]
pub(super) struct Room {
    /// No more aggregates than handlers can run at once: what would wait here for a slot, an idle process could run.
    aggregates: Arc<Semaphore>,
    events: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
    /// A request is made only when there is room for this many bytes, which the largest event may need.
    largest: usize,
    most: usize,
}

impl Room {
    /// There is always room for one event of any size if nothing else is in hand.
    pub fn new(log: &Log, aggregates: usize, events: usize, bytes: usize) -> Self {
        let largest = log.client().max_payload() + ENVELOPE;
        let most = bytes.max(largest);
        let [aggregates, events, bytes] = [aggregates, events, most].map(|room| Arc::new(Semaphore::new(room)));
        Self { aggregates, events, bytes, largest, most }
    }

    /// Waits until there is room; returns for how many events and bytes. It is never `None`, since the semaphores
    /// aren't closed.
    async fn some(&self) -> Option<(usize, usize)> {
        drop(self.aggregates.acquire().await.ok()?);
        drop(self.events.acquire().await.ok()?);
        drop(self.bytes.acquire_many(u32::try_from(self.largest).ok()?).await.ok()?);
        let events = self.events.available_permits().min(self.aggregates.available_permits());
        Some((events.max(1), self.bytes.available_permits().max(self.largest)))
    }

    async fn take(&self, bytes: usize) -> Option<Held> {
        let place = Some(self.aggregates.clone().acquire_owned().await.ok()?);
        let event = self.events.clone().acquire_owned().await.ok()?;
        let bytes = u32::try_from(bytes.min(self.most)).ok()?;
        let bytes = self.bytes.clone().acquire_many_owned(bytes).await.ok()?;
        Some(Held { place, itself: [event, bytes] })
    }
}

pub(super) struct Feed {
    pub log: Log,
    pub source: Source,
    pub stream: &'static str,
    /// The subscription's own name, which its retries have as well.
    pub subscription: &'static str,
    /// The durable consumer that it pulls from.
    pub config: pull::Config,
    /// Set for a tenant's own consumer: it begins where this one stands, which all tenants shared in a former version.
    pub begins_after: Option<&'static str>,
    pub whose: Whose,
    pub room: Room,
    pub deliveries: mpsc::Sender<Delivery>,
    pub hearing: Hearing,
    pub stop: CancellationToken,
}

impl Feed {
    /// Runs until the stop. Fails only if the consumer's definition is wrong.
    pub async fn run(self) -> Result<(), LogError> {
        let stop = self.stop.clone();
        tokio::select! {
            result = self.feed() => result,
            () = stop.cancelled() => Ok(()),
        }
    }

    fn name(&self) -> &str {
        self.config.durable_name.as_deref().unwrap_or_default()
    }

    async fn feed(&self) -> Result<(), LogError> {
        let mut backoff = backoff();
        loop {
            match self.open().await {
                Ok(puller) => {
                    self.hearing.has(self.name());
                    backoff = self.pull(puller).await.unwrap_or(backoff);
                    self.hearing.lost(self.name());
                }
                Err(LogError::ShutDown) => return Ok(()),
                Err(error) if error.is_transient() => {
                    self.hearing.lost(self.name());
                    tracing::debug!(consumer = self.name(), %error, "the consumer can't be made; trying again");
                }
                Err(error) => return Err(error),
            }
            tokio::time::sleep(backoff.next_pause()).await;
        }
    }

    async fn open(&self) -> Result<Puller, LogError> {
        let session = self.log.session();
        let epoch = session.epoch();
        let mut config = self.config.clone();
        if let Some(shared) = self.begins_after {
            config.deliver_policy = self.begin(epoch, shared).await?;
        }
        make_consumer(session, epoch, self.stream, config).await?;
        Puller::open(session, self.stream, self.name(), epoch).await
    }

    /// Where a tenant's own consumer begins: where it began when it was first made, or behind what the shared consumer
    /// had handled. The shared one stays as it is from then on, as the mark for tenants that are added later; if there
    /// never was one, the log's beginning.
    async fn begin(&self, epoch: u64, shared: &str) -> Result<DeliverPolicy, LogError> {
        let session = self.log.session();
        if let Some(own) = consumer(session, epoch, self.stream, self.name()).await? {
            return Ok(own.config.deliver_policy);
        }
        let shared = consumer(session, epoch, self.stream, shared).await?;
        Ok(shared.map_or(DeliverPolicy::All, |shared| DeliverPolicy::ByStartSequence {
            start_sequence: shared.ack_floor.stream_sequence + 1,
        }))
    }

    /// Pulls until the consumer breaks. Returns a new backoff if anything came.
    ///
    /// Makes one request at a time, so that no more is on its way than there is room for.
    async fn pull(&self, mut puller: Puller) -> Option<Backoff> {
        let (mut fresh, mut behind) = (None, None);
        loop {
            if puller.outstanding() == 0 {
                let (events, bytes) = self.some_room(&mut behind).await?;
                if puller.ask(events, Some(bytes)).await.is_err() {
                    return fresh;
                }
            }
            let Ok(pulled) = timeout(BEAT, puller.next()).await else {
                // There is room, and nothing in the log to fill it.
                self.hearing.waits(&self.whose, None);
                continue;
            };
            match pulled {
                Pulled::Message(message) => {
                    fresh = Some(backoff());
                    behind = self.deliver(message).await;
                }
                Pulled::Ended => {}
                Pulled::Broken(reason) => {
                    tracing::debug!(consumer = self.name(), %reason, "the subscription is interrupted");
                    return fresh;
                }
            }
        }
    }

    /// Waits for room. Meanwhile it tells `hearing` since when the next event in the log has waited, and looks every
    /// second. `behind` is that time as the last delivery said it.
    async fn some_room(&self, behind: &mut Option<Instant>) -> Option<(usize, usize)> {
        let mut some = std::pin::pin!(self.room.some());
        if let Some(some) = some.as_mut().now_or_never() {
            return some;
        }
        loop {
            self.hearing.waits(&self.whose, *behind);
            tokio::select! {
                some = &mut some => return some,
                () = tokio::time::sleep(BEAT) => {
                    let session = self.log.session();
                    // Another process may have taken that event, and more may have come.
                    match consumer(session, session.epoch(), self.stream, self.name()).await {
                        Ok(Some(info)) if info.num_pending == 0 => *behind = None,
                        Ok(Some(_)) => *behind = behind.or_else(|| Some(Instant::now())),
                        Ok(None) | Err(_) => {}
                    }
                }
            }
        }
    }

    /// Hands on a message. Returns since when the message after it has waited at most, if there is one.
    async fn deliver(&self, message: async_nats::Message) -> Option<Instant> {
        let ack = message.reply.as_ref().map(ToString::to_string)?;
        let held = self.room.take(message.length).await?;
        let delivered = Delivered::read(&ack)?;
        let age = match delivered.tries {
            1 => (Utc::now() - delivered.stored_at()).to_std().unwrap_or_default(),
            _ => Duration::ZERO,
        };
        if delivered.tries > 1 {
            metrics::counter!("steward_log_redeliveries_total", "consumer" => self.subscription).increment(1);
        }
        let since = Instant::now().checked_sub(age).unwrap_or_else(Instant::now);
        let position = delivered.position;
        let recorded = match self.source {
            Source::Log => {
                self.log.session().saw(position);
                let (headers, payload) = (message.headers.as_ref(), message.payload.clone());
                Ok(codec::recorded(position, &message.subject, headers, payload, || delivered.stored_at()))
            }
            Source::Retry => self.dead_event(&message.subject).await,
        };
        match recorded {
            Ok(Ok(recorded)) => {
                let (source, tries) = (self.source, delivered.tries);
                // An error means that the subscription is stopping; the event comes again.
                let _ = self.deliveries.send(Delivery { recorded, ack, source, tries, since, held }).await;
            }
            // The message is no event at all, so nobody can handle it.
            Ok(Err(error)) => {
                let letter = dead::DeadLetter::malformed(self.subscription, position, &message.subject, &error);
                if self.log.bury(&letter).await.is_ok() {
                    acks::tell(&self.log, &ack, acks::DONE).await;
                }
            }
            // The request to retry comes again.
            Err(error) => tracing::debug!(consumer = self.subscription, %error, "a dead letter can't be read now"),
        }
        (delivered.pending > 0).then_some(since)
    }

    /// The event that a request on `retry.{consumer}.{position}` means.
    async fn dead_event(&self, subject: &str) -> Result<Result<Recorded, LogError>, LogError> {
        let position = subject.rsplit('.').next().and_then(|position| position.parse().ok()).unwrap_or(0);
        match history::read_one(self.log.session(), definitions::EVENTS, position).await? {
            Some(stored) => Ok(stored.into_recorded()),
            None => Ok(Err(LogError::Malformed { position, reason: "it was erased".to_owned() })),
        }
    }
}

fn backoff() -> Backoff {
    Backoff::new(Duration::from_millis(20), Duration::from_secs(1))
}
