//! Reading the log in batches: all that is there, but no more than fits into memory.

use std::pin::Pin;

use futures::{FutureExt as _, Stream, StreamExt as _};
use steward_log::{LogError, Tailed};
use steward_proto::Recorded;
use tokio::time::Instant;

/// Most bytes of payload in one batch; the event that exceeds it still belongs to the batch.
const BYTES: usize = 16 * 1024 * 1024;

/// Events that follow each other in the log.
#[derive(Default)]
pub struct Batch {
    pub events: Vec<Recorded>,
    /// The last position that was read; it is behind the last event if no event follows that.
    pub through: u64,
    /// Nothing more was in the log when the batch was read.
    pub at_end: bool,
}

impl Batch {
    /// Waits until there is something to read and it is `not_before`, and takes what is there, `most` messages at most.
    /// `None` when the log has stopped.
    ///
    /// A message that is no event is skipped, so that it doesn't stop everything behind it.
    ///
    /// # Errors
    /// The log can't be read.
    pub async fn next<S>(mut tail: Pin<&mut S>, most: usize, not_before: Instant) -> Result<Option<Self>, LogError>
    where
        S: Stream<Item = Result<Tailed, LogError>>,
    {
        let Some(first) = tail.next().await else { return Ok(None) };
        tokio::time::sleep_until(not_before).await;
        let mut batch = Self::default();
        let mut bytes = batch.add(first)?;
        for _ in 1..most {
            if bytes >= BYTES {
                break;
            }
            let Some(Some(read)) = tail.next().now_or_never() else { break };
            bytes += batch.add(read)?;
        }
        Ok(Some(batch))
    }

    /// Adds what was read; returns its size.
    ///
    /// # Errors
    /// The log can't be read.
    pub fn add(&mut self, read: Result<Tailed, LogError>) -> Result<usize, LogError> {
        match read {
            Ok(Tailed { recorded, pending, .. }) => {
                let bytes = recorded.payload.len();
                (self.through, self.at_end) = (recorded.position, pending == 0);
                self.events.push(recorded);
                Ok(bytes)
            }
            Err(LogError::Malformed { position, .. }) => {
                metrics::counter!("steward_projection_skipped_total").increment(1);
                tracing::warn!(position, "a message that is no event is skipped");
                self.through = self.through.max(position);
                Ok(0)
            }
            Err(error) => Err(error),
        }
    }
}
