//! The feed: pulls from one durable consumer as much as there is room for in hand, and makes it anew when it breaks.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::consumer::pull;
use steward_proto::Recorded;
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use super::lanes::{Delivery, Source};
use crate::delivery::Delivered;
use crate::pull::{Pulled, Puller};
use crate::session::Backoff;
use crate::tail::make_consumer;
use crate::{Log, LogError, codec, dead, definitions, history};

pub(super) struct Feed {
    pub log: Log,
    pub source: Source,
    pub stream: &'static str,
    /// The subscription's own name, also for its retries.
    pub subscription: &'static str,
    pub config: pull::Config,
    pub room: Arc<Semaphore>,
    pub deliveries: mpsc::Sender<Delivery>,
    pub stop: CancellationToken,
}

impl Feed {
    /// Runs until the stop. Fails only on a wrong definition.
    pub async fn run(self) -> Result<(), LogError> {
        let stop = self.stop.clone();
        tokio::select! {
            result = self.feed() => result,
            () = stop.cancelled() => Ok(()),
        }
    }

    async fn feed(&self) -> Result<(), LogError> {
        let mut backoff = backoff();
        loop {
            match self.open().await {
                Ok(puller) => {
                    backoff = self.pull(puller).await.unwrap_or(backoff);
                }
                Err(LogError::ShutDown) => return Ok(()),
                Err(error) if error.is_transient() => {
                    tracing::debug!(consumer = self.subscription, %error, "the consumer can't be made; trying again");
                }
                Err(error) => return Err(error),
            }
            tokio::time::sleep(backoff.next()).await;
        }
    }

    async fn open(&self) -> Result<Puller, LogError> {
        let session = self.log.session();
        let epoch = session.epoch();
        make_consumer(session, epoch, self.stream, self.config.clone()).await?;
        let name = self.config.durable_name.as_deref().unwrap_or_default();
        Puller::open(session, self.stream, name, epoch).await
    }

    /// Pulls until it breaks. A new backoff if anything came.
    async fn pull(&self, mut puller: Puller) -> Option<Backoff> {
        let mut fresh = None;
        loop {
            let room = self.room.available_permits();
            if room == 0 && puller.outstanding() == 0 {
                // Everything is in hand: wait for room.
                drop(self.room.acquire().await.ok()?);
                continue;
            }
            if puller.outstanding() <= room / 2 && puller.ask(room - puller.outstanding()).await.is_err() {
                return fresh;
            }
            match puller.next().await {
                Pulled::Message(message) => {
                    fresh = Some(backoff());
                    self.deliver(message).await;
                }
                Pulled::Ended => {}
                Pulled::Broken(reason) => {
                    tracing::debug!(consumer = self.subscription, %reason, "the subscription is interrupted");
                    return fresh;
                }
            }
        }
    }

    async fn deliver(&self, message: async_nats::Message) {
        let Some(ack) = message.reply.as_ref().map(ToString::to_string) else { return };
        let Ok(permit) = self.room.clone().acquire_owned().await else { return };
        let Some(delivered) = Delivered::read(&ack) else { return };
        if delivered.tries > 1 {
            metrics::counter!("steward_log_redeliveries_total", "consumer" => self.subscription).increment(1);
        }
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
                let delivery = Delivery { recorded, ack, source: self.source, permit };
                // An error means that the subscription is stopping; the event comes again.
                let _ = self.deliveries.send(delivery).await;
            }
            // No event at all: nobody can handle it.
            Ok(Err(error)) => {
                let letter = dead::DeadLetter::malformed(self.subscription, position, &message.subject, &error);
                if self.log.bury(&letter).await.is_ok() {
                    let _ = self.log.client().publish(ack, "+ACK".into()).await;
                }
            }
            // It comes again.
            Err(error) => tracing::debug!(consumer = self.subscription, %error, "a dead letter can't be read now"),
        }
    }

    /// The event that a retry on `retry.{consumer}.{position}` means.
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
