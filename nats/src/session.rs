//! The connection as the rest of the crate sees it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_nats::jetstream;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::inbox::Inbox;
use crate::{Backoff, LogError};

/// How long one request to the server may take.
pub(crate) const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// The state of the connection. `epoch` grows with every loss: what was on its way then may have arrived or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Line {
    pub up: bool,
    pub epoch: u64,
}

#[derive(Clone)]
pub(crate) struct Session {
    pub client: async_nats::Client,
    pub context: jetstream::Context,
    pub inbox: Inbox,
    pub line: watch::Receiver<Line>,
    /// The process stops, so nothing is waited for any more.
    pub stop: CancellationToken,
    /// The highest position that this process knows of.
    pub seen: Arc<AtomicU64>,
    /// One more than the epoch of the connection that was last given up because nobody answered.
    pub doubted: Arc<AtomicU64>,
}

impl Session {
    pub fn saw(&self, position: u64) {
        self.seen.fetch_max(position, Ordering::Relaxed);
    }

    pub fn seen(&self) -> u64 {
        self.seen.load(Ordering::Relaxed)
    }

    pub fn epoch(&self) -> u64 {
        self.line.borrow().epoch
    }

    /// Waits until the connection is up; returns its epoch.
    pub async fn connected(&self, deadline: Instant, doing: &'static str) -> Result<u64, LogError> {
        let mut line = self.line.clone();
        let up = async {
            match line.wait_for(|line| line.up).await {
                Ok(line) => Ok(line.epoch),
                Err(_) => Err(LogError::ShutDown),
            }
        };
        tokio::select! {
            up = timeout_at(deadline, up) => {
                up.unwrap_or_else(|_| Err(LogError::Unavailable { doing, reason: "not connected".to_owned() }))
            }
            () = self.stop.cancelled() => Err(LogError::ShutDown),
        }
    }

    /// Resolves when the connection of this epoch is lost.
    pub async fn lost(&self, epoch: u64) {
        let mut line = self.line.clone();
        // An error means that the connection is closed for good, which is a loss as well.
        let _ = line.wait_for(|line| line.epoch != epoch).await;
    }

    /// Does one exchange with the server; gives up at the time-out, when the connection is lost, and at the stop.
    pub async fn exchange<T>(
        &self,
        doing: &'static str,
        epoch: u64,
        exchange: impl Future<Output = Result<T, LogError>>,
    ) -> Result<T, LogError> {
        tokio::select! {
            biased;
            done = tokio::time::timeout(REQUEST_TIMEOUT, exchange) => match done {
                Ok(done) => done,
                Err(_) => {
                    self.doubt(epoch).await;
                    Err(LogError::TimedOut { doing, after: REQUEST_TIMEOUT })
                }
            },
            () = self.lost(epoch) => Err(LogError::Unavailable { doing, reason: "the connection was lost".to_owned() }),
            () = self.stop.cancelled() => Err(LogError::ShutDown),
        }
    }

    /// A server that doesn't answer may be behind a dead connection: connects anew, once per connection.
    async fn doubt(&self, epoch: u64) {
        let line = *self.line.borrow();
        let doubted = epoch + 1;
        if line == (Line { up: true, epoch }) && self.doubted.fetch_max(doubted, Ordering::Relaxed) < doubted {
            tracing::warn!("NATS doesn't answer; connecting anew");
            let _ = self.client.force_reconnect().await;
        }
    }

    /// Repeats `attempt` for up to `REQUEST_TIMEOUT` while it fails for a reason that passes. Only for what may be done
    /// twice: reads and idempotent writes.
    pub async fn persist<T, Fut>(&self, doing: &'static str, mut attempt: impl FnMut(u64) -> Fut) -> Result<T, LogError>
    where
        Fut: Future<Output = Result<T, LogError>>,
    {
        let deadline = Instant::now() + REQUEST_TIMEOUT;
        let mut backoff = Backoff::new(Duration::from_millis(20), Duration::from_millis(500));
        loop {
            let epoch = self.connected(deadline, doing).await?;
            match attempt(epoch).await {
                Err(error) if error.is_transient() => {
                    let pause = backoff.next_pause();
                    if Instant::now() + pause >= deadline {
                        return Err(error);
                    }
                    self.pause(pause).await?;
                }
                done => return done,
            }
        }
    }

    /// Pauses between two attempts; fails at the stop.
    pub async fn pause(&self, pause: Duration) -> Result<(), LogError> {
        tokio::select! {
            () = tokio::time::sleep(pause) => Ok(()),
            () = self.stop.cancelled() => Err(LogError::ShutDown),
        }
    }
}
