//! Errands: messages of a durable consumer, each worked on for as long as it takes, in no order, and then settled.
//!
//! Unlike a subscription's events, errands may wait for minutes. Those that wait are kept by the server; of those in
//! hand this process says so until they are settled. Alarms that ring and events on their way to a webhook are errands.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::consumer::pull;
use bytes::Bytes;
use futures::FutureExt as _;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::acks::{self, hand_back, tell};
use crate::delivery::Delivered;
use crate::pull::{Pulled, Puller};
use crate::supervise::said;
use crate::tail::make_consumer;
use crate::{Backoff, Log, LogError};

/// The shortest and the longest pause before a consumer that broke is tried again.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));
/// Most messages asked for in one request.
const LARGEST_REQUEST: usize = 1_000;

/// One errand.
#[derive(Debug, Clone)]
pub(crate) struct Errand {
    pub payload: Bytes,
    /// The message's position in its stream.
    pub position: u64,
    /// How often the message was brought, this time included.
    pub tries: u64,
}

/// How an errand ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// The message doesn't come again.
    Done,
    /// The message comes again after this time.
    Again(Duration),
    /// Nothing can be done about the message, and it doesn't come again.
    GivenUp,
}

/// A durable consumer, and how its messages are worked on.
pub(crate) struct Errands {
    pub stream: &'static str,
    /// It says, among others, how long a message may be in hand without a word, and how many may wait unsettled.
    pub config: pull::Config,
    /// Most messages in hand here. No more are asked for than there is room for: what waited here would be kept from
    /// other processes.
    pub at_once: usize,
}

impl Log {
    /// Works until `stop`, then waits for what is in hand. A consumer that breaks is made again, for ever; `heard` is
    /// told when there is one, and when it is lost.
    pub(crate) async fn run_errands<H, Fut>(
        &self,
        errands: Errands,
        stop: &CancellationToken,
        heard: impl Fn(bool),
        handler: H,
    ) where
        H: Fn(Errand) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Settled> + Send + 'static,
    {
        let (handler, tasks, places) =
            (Arc::new(handler), TaskTracker::new(), Arc::new(Semaphore::new(errands.at_once)));
        let mut backoff = Backoff::new(PAUSES.0, PAUSES.1);
        while !stop.is_cancelled() {
            let error = match self.open_errands(&errands).await {
                Ok(puller) => {
                    heard(true);
                    let since = Instant::now();
                    match stop.run_until_cancelled(self.bring(&errands, puller, &tasks, &places, &handler)).await {
                        Some(error) => {
                            if since.elapsed() > PAUSES.1 {
                                backoff.reset();
                            }
                            error
                        }
                        None => break,
                    }
                }
                Err(error) => error,
            };
            heard(false);
            let consumer = errands.config.durable_name.as_deref();
            if error.is_transient() {
                tracing::debug!(%error, consumer, "a consumer can't be had; trying again");
            } else {
                tracing::warn!(%error, consumer, "a consumer can't be had; trying again");
            }
            backoff.pause(stop).await;
        }
        heard(false);
        tasks.close();
        tasks.wait().await;
    }

    async fn open_errands(&self, errands: &Errands) -> Result<Puller, LogError> {
        let session = self.session();
        let epoch = session.epoch();
        make_consumer(session, epoch, errands.stream, errands.config.clone()).await?;
        let name = errands.config.durable_name.as_deref().unwrap_or_default();
        Puller::open(session, errands.stream, name, epoch).await
    }

    /// Begins errands until the consumer breaks, and returns the reason.
    async fn bring<H, Fut>(
        &self,
        errands: &Errands,
        mut puller: Puller,
        tasks: &TaskTracker,
        places: &Arc<Semaphore>,
        handler: &Arc<H>,
    ) -> LogError
    where
        H: Fn(Errand) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Settled> + Send + 'static,
    {
        loop {
            if puller.outstanding() == 0 {
                // The semaphore is never closed, so sooner or later there is a place.
                drop(places.acquire().await);
                let asked = puller.ask(places.available_permits().clamp(1, LARGEST_REQUEST), None).await;
                if let Err(error) = asked {
                    return error;
                }
            }
            let message = match puller.next().await {
                Pulled::Message(message) => message,
                Pulled::Ended => continue,
                Pulled::Broken(reason) => return LogError::Unavailable { doing: "listening to a consumer", reason },
            };
            let Some(ack) = message.reply.as_ref().map(ToString::to_string) else { continue };
            let (Some(delivered), Ok(place)) = (Delivered::read(&ack), Arc::clone(places).acquire_owned().await) else {
                continue;
            };
            let errand = Errand { payload: message.payload, position: delivered.position, tries: delivered.tries };
            let (log, handler, every) = (self.clone(), Arc::clone(handler), acks::renewal(errands.config.ack_wait));
            tasks.spawn(async move {
                log.run_one(&*handler, errand, &ack, every).await;
                drop(place);
            });
        }
    }

    async fn run_one<H, Fut>(&self, handler: &H, errand: Errand, ack: &str, every: Duration)
    where
        H: Fn(Errand) -> Fut,
        Fut: Future<Output = Settled>,
    {
        let position = errand.position;
        let running = AssertUnwindSafe(handler(errand)).catch_unwind();
        tokio::pin!(running);
        let settled = loop {
            tokio::select! {
                settled = &mut running => break settled,
                () = tokio::time::sleep(every) => tell(self, ack, acks::IN_HAND).await,
            }
        };
        match settled {
            Ok(Settled::Done) => tell(self, ack, acks::DONE).await,
            Ok(Settled::Again(delay)) => hand_back(self, ack, delay).await,
            Ok(Settled::GivenUp) => tell(self, ack, acks::GIVEN_UP).await,
            // The message comes again once nobody has spoken of it for long enough.
            Err(panic) => tracing::error!(position, "working on a message panicked: {}", said(&*panic)),
        }
    }
}
