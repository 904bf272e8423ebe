//! A unit that a power loss cut: the server stored the beginning of a batch, and can't complete it because what it had staged is
//! gone.
//!
//! The units that stand whole are decisions and facts like others, whether anybody was told of them or not. The one that was
//! cut was acknowledged to nobody, and half a decision must not stand in the log: its events are taken away. A unit of
//! several events says on the first how many they are.

use std::time::Duration;

use crate::append::UNIT_EVENTS;
use crate::history::{self, From, Stored};
use crate::wire::{BATCH_COMMIT, BATCH_ID};
use crate::{Log, LogError, definitions};

/// How far back from the log's end is looked: what a batch can hold, and what came after it until somebody looks.
const BACK: u64 = 3_000;
/// A batch that is only being stored has ended after this time.
const STORING: Duration = Duration::from_secs(2);

impl Log {
    /// Takes away units near the log's end that were cut; returns how many events they had. For the start of a server, by a
    /// user who may delete.
    ///
    /// # Errors
    /// The log can't be read, or an event can't be deleted; doing it again goes on.
    pub async fn remove_cut_units(&self) -> Result<usize, LogError> {
        let doing = "removing a cut unit";
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
        // The first goes last: by it one sees that the others belong to a cut unit.
        for position in cut.iter().rev() {
            stream.delete_message(*position).await.map_err(|error| unavailable(error.to_string()))?;
        }
        if !cut.is_empty() {
            tracing::warn!(
                events = cut.len(),
                ?cut,
                "a decision was cut by a power loss before anybody was told of it; it is removed. `steward rebuild` makes sure that no list shows it"
            );
        }
        Ok(cut.len())
    }

    /// The positions of the events of cut units, of the last ones.
    async fn cut(&self) -> Result<Vec<u64>, LogError> {
        let end = self.last_position().await?;
        let from = From::Position(end.saturating_sub(BACK).max(1));
        let last = history::read(self.session(), definitions::EVENTS, definitions::EVENTS_SUBJECTS, from).await?;
        Ok(cut_units(&last, end))
    }
}

/// Of each batch without its last message the events of the unit in which it ends, if that unit lacks some. A message after
/// which one is missing was erased, not cut.
fn cut_units(messages: &[Stored], end: u64) -> Vec<u64> {
    let batch = |stored: &Stored| stored.headers.get(BATCH_ID).map(|id| id.as_str().to_owned());
    let mut cut = Vec::new();
    let mut rest = messages;
    for group in messages.chunk_by(|a, b| batch(a) == batch(b)) {
        rest = &rest[group.len()..];
        let Some(last) = group.last() else { continue };
        let erased = match rest.first() {
            Some(next) => next.position != last.position + 1,
            None => last.position != end,
        };
        let whole = group.iter().any(|stored| stored.headers.get(BATCH_COMMIT).is_some());
        if whole || erased || batch(last).is_none() {
            continue;
        }
        let events = |stored: &Stored| stored.headers.get(UNIT_EVENTS)?.as_str().parse::<u64>().ok();
        let Some(first) = group.iter().rev().find(|stored| events(stored).is_some()) else { continue };
        // One of a single event may follow the last of several.
        if first.position + events(first).unwrap_or(0) > last.position + 1 {
            cut.extend(group.iter().map(|stored| stored.position).filter(|position| *position >= first.position));
        }
    }
    cut
}
