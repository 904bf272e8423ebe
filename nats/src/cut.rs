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
/// How many messages are in memory at once, each of at most some 300 kB.
const AT_ONCE: usize = 64;
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
        let (session, end) = (self.session(), self.last_position().await?);
        let (mut marks, mut from) = (Vec::new(), end.saturating_sub(BACK).max(1));
        loop {
            let (stream, subjects) = (definitions::EVENTS, definitions::EVENTS_SUBJECTS);
            let read = |epoch| history::page(session, epoch, stream, subjects, From::Position(from), AT_ONCE);
            let (page, more) = session.persist("looking for cut units", read).await?;
            from = page.last().map_or(from, |last| last.position + 1);
            let empty = page.is_empty();
            marks.extend(page.iter().map(Mark::of));
            if !more || empty {
                return Ok(cut_units(&marks, end));
            }
        }
    }
}

/// What of a message says to which batch and unit it belongs.
#[derive(Debug, Clone, PartialEq)]
struct Mark {
    position: u64,
    batch: Option<String>,
    /// It is the last of its batch.
    commit: bool,
    /// It is the first of a unit of so many events.
    events: Option<u64>,
}

impl Mark {
    fn of(stored: &Stored) -> Self {
        let header = |name| stored.headers.get(name).map(|value| value.as_str());
        Self {
            position: stored.position,
            batch: header(BATCH_ID).map(str::to_owned),
            commit: header(BATCH_COMMIT).is_some(),
            events: header(UNIT_EVENTS).and_then(|events| events.parse().ok()),
        }
    }
}

/// Of each batch without its last message the events of the unit in which it ends, if that unit lacks some. A message after
/// which one is missing was erased, not cut.
fn cut_units(marks: &[Mark], end: u64) -> Vec<u64> {
    let mut cut = Vec::new();
    let mut rest = marks;
    for group in marks.chunk_by(|a, b| a.batch == b.batch) {
        rest = &rest[group.len()..];
        let Some(last) = group.last().filter(|last| last.batch.is_some()) else { continue };
        let erased = rest.first().map_or(end, |next| next.position - 1) != last.position;
        if erased || group.iter().any(|mark| mark.commit) {
            continue;
        }
        let Some(first) = group.iter().rev().find(|mark| mark.events.is_some()) else { continue };
        // One of a single event may follow the last of several.
        if first.position + first.events.unwrap_or(0) > last.position + 1 {
            cut.extend(group.iter().map(|mark| mark.position).filter(|position| *position >= first.position));
        }
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Messages from position 10 on: the batch's letter, or a dot for none; then how many events its unit has, `c` for a commit.
    fn marks(text: &str) -> Vec<Mark> {
        let mark = |(position, word): (u64, &str)| {
            let (batch, rest) = word.split_at(1);
            Mark {
                position,
                batch: (batch != ".").then(|| batch.to_owned()),
                commit: rest.ends_with('c'),
                events: rest.trim_end_matches('c').parse().ok(),
            }
        };
        (10..).zip(text.split(' ')).filter(|(_, word)| *word != "-").map(mark).collect()
    }

    #[test]
    fn only_a_unit_that_lacks_events_is_cut_and_none_of_which_an_event_was_erased() {
        for (text, cut) in [
            (". .", vec![]),
            ("a3 a a a2 ac", vec![]),
            // The power was lost here.
            ("a3 a a a2", vec![13]),
            ("a3 a a a3 a", vec![13, 14]),
            ("a3 a a a a", vec![]),
            ("a3 a a", vec![]),
            // Others came before anybody looked.
            ("b2 bc a3 a .", vec![12, 13]),
            // A person's data was erased: the last event of a batch, or one in its middle.
            ("a3 a a -", vec![]),
            ("a3 a - .", vec![]),
            ("a3 a a a2 - .", vec![]),
            ("a3 - a ac", vec![]),
        ] {
            let end = 9 + text.split(' ').count() as u64;
            assert_eq!(cut_units(&marks(text), end), cut, "{text}");
        }
    }
}
