//! Deliveries: events that are brought somewhere, each for as long as that takes, as errands of a durable consumer.

use std::time::Duration;

use futures::StreamExt as _;
use tokio_util::sync::CancellationToken;

use crate::errands::{Errands, Settled};
use crate::{Log, LogError, definitions};

/// Events of the log that are worked on one by one. Each may take as long as it needs; some wait for hours.
#[derive(Debug, Clone)]
pub struct Deliveries {
    /// The consumer's name, its memory on the server: processes that share it share the work.
    pub durable: String,
    /// Subjects of the events, with wildcards.
    pub filters: Vec<String>,
    /// The first position that is brought.
    pub from: u64,
    /// How many events this process may have in hand at once.
    pub at_once: usize,
    /// How many events may wait to be brought again, in all processes together; the others stay in the log.
    pub waiting: usize,
}

/// How long after its death a process's deliveries are given to another.
const ACK_WAIT: Duration = Duration::from_secs(5);

impl Log {
    /// Gives the position of each event to `handler`, with how often it was given, until `stop`. The event itself isn't
    /// read; the handler does that when its turn has come. An event that is put off comes again, also after a crash.
    pub async fn deliver<H, Fut>(&self, deliveries: Deliveries, stop: &CancellationToken, handler: H)
    where
        H: Fn(u64, u64) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Settled> + Send + 'static,
    {
        let Deliveries { durable, filters, from, at_once, waiting } = deliveries;
        let config = definitions::deliveries(&durable, filters, from, ACK_WAIT, waiting);
        let errands = Errands { stream: definitions::EVENTS, config, at_once };
        self.run_errands(errands, stop, |_| {}, move |errand| handler(errand.position, errand.tries)).await;
    }

    /// Deletes those of these consumers that exist, because nobody wants their deliveries any more.
    ///
    /// # Errors
    /// Some of the consumers may be left.
    pub async fn end_deliveries(&self, durables: &[String]) -> Result<(), LogError> {
        let unavailable = |reason: String| LogError::Unavailable { doing: "deleting a consumer", reason };
        let stream = self.jetstream().get_stream_no_info(definitions::EVENTS).await;
        let stream = stream.map_err(|error| unavailable(error.to_string()))?;
        let mut names = stream.consumer_names();
        while let Some(name) = names.next().await {
            let name = name.map_err(|error| unavailable(error.to_string()))?;
            if durables.contains(&name) {
                stream.delete_consumer(&name).await.map_err(|error| unavailable(error.to_string()))?;
            }
        }
        Ok(())
    }
}
