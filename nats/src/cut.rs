//! Batches that a power loss cut while the server stored them, and that it can't complete because what it had staged is gone.
//!
//! Nothing of such a batch was acknowledged, so it is taken away whole: half a decision must not stand in the log.

use std::time::Duration;

use crate::history::{self, From, Stored};
use crate::wire::{BATCH_COMMIT, BATCH_ID};
use crate::{Log, LogError, definitions};

/// How far back from the log's end is looked: what a batch can hold, and what came after it until somebody looks.
const BACK: u64 = 3_000;
/// A batch that is only being stored has ended after this time.
const STORING: Duration = Duration::from_secs(2);

impl Log {
    /// Takes away cut batches at the log's end; returns how many messages they had. Only for the start of a server whose
    /// staged batches are lost, by a user who may delete.
    ///
    /// # Errors
    /// The log can't be read, or a message can't be deleted; doing it again goes on.
    pub async fn remove_cut_batches(&self) -> Result<usize, LogError> {
        let doing = "removing a cut batch";
        let mut cut = self.cut().await?;
        if cut.is_empty() {
            return Ok(0);
        }
        self.session().pause(STORING).await?;
        let still = self.cut().await?;
        cut.retain(|position| still.contains(position));
        let unavailable = |reason: String| LogError::Unavailable { doing, reason };
        let stream = self.jetstream().get_stream_no_info(definitions::EVENTS).await;
        let stream = stream.map_err(|error| unavailable(error.to_string()))?;
        // From the end: whoever breaks off leaves a batch that is still seen to be cut.
        for position in cut.iter().rev() {
            stream.delete_message(*position).await.map_err(|error| unavailable(error.to_string()))?;
        }
        tracing::warn!(
            messages = cut.len(),
            ?cut,
            "a batch was cut by a power loss before it was acknowledged; it is removed"
        );
        Ok(cut.len())
    }

    /// The positions of messages whose batch has no commit, of the last ones.
    async fn cut(&self) -> Result<Vec<u64>, LogError> {
        let end = self.last_position().await?;
        let from = From::Position(end.saturating_sub(BACK).max(1));
        let last = history::read(self.session(), definitions::EVENTS, definitions::EVENTS_SUBJECTS, from).await?;
        Ok(uncommitted(&last))
    }
}

/// The positions of messages that are of a batch without its last message. A batch stands without a gap.
fn uncommitted(messages: &[Stored]) -> Vec<u64> {
    let batch = |stored: &Stored| stored.headers.get(BATCH_ID).map(|id| id.as_str().to_owned());
    let whole = |group: &[Stored]| group.iter().any(|stored| stored.headers.get(BATCH_COMMIT).is_some());
    let groups = messages.chunk_by(|a, b| batch(a) == batch(b));
    let cut = groups.filter(|group| group.first().and_then(batch).is_some() && !whole(group));
    cut.flatten().map(|stored| stored.position).collect()
}
