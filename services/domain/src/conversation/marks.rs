//! Marks: where a conversation's latest messages stand in the log, so that whoever shows them to a model reads those and no more,
//! however long the conversation is.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use steward_proto::Recorded;

use super::talk::{SAID_KEPT, is_said};

/// Messages from one mark to the next.
const EVERY: u64 = 8;
/// Marks that are kept: from the oldest on there are as many messages as a talk keeps, at least.
const KEPT: usize = SAID_KEPT / EVERY as usize + 1;

/// Where the latest messages stand.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marks {
    /// All messages there have been.
    said: u64,
    kept: VecDeque<Mark>,
}

/// The position of a message, and how many there were before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    pub position: u64,
    pub before: u64,
}

impl Marks {
    pub(super) fn take(&mut self, recorded: &Recorded) {
        if !is_said(recorded) {
            return;
        }
        if self.said.is_multiple_of(EVERY) {
            self.kept.push_back(Mark { position: recorded.position, before: self.said });
            if self.kept.len() > KEPT {
                self.kept.pop_front();
            }
        }
        self.said += 1;
    }

    /// All messages there have been.
    pub fn said(&self) -> u64 {
        self.said
    }

    /// From where on a talk is read; `None`: from its beginning.
    pub fn begins(&self) -> Option<Mark> {
        self.kept.front().copied().filter(|mark| mark.before > 0)
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};
    use steward_proto::{Cause, Event, Fold as _, NewEvent, v1};
    use uuid::Uuid;

    use super::*;
    use crate::conversation::talk::Talk;

    const HERE: &str = "00000000-0000-0000-0000-0000000000e9";

    fn recorded(position: u64) -> Recorded {
        let message_id = format!("000000000000000000000000000000e9m{position:032x}");
        let text = format!("number {position}");
        // Of three events two are messages.
        let event: Event = match position % 3 {
            0 => v1::TurnSuperseded::default().into(),
            1 => v1::ClientResponded { message_id, kind: "text".to_owned(), text, ..Default::default() }.into(),
            _ => {
                let message = v1::Outgoing { message_id, author: "bot".to_owned(), text, ..Default::default() };
                v1::MessageQueued { message: Some(message) }.into()
            }
        };
        let at = DateTime::UNIX_EPOCH + TimeDelta::seconds(position.cast_signed());
        let new = NewEvent::new(Uuid::nil(), at, &Cause::outside("test", ""), event);
        let subject = format!("ev.t.conversation.{HERE}.{}", new.event.subject_token()).parse().unwrap();
        let payload = new.event.encode();
        Recorded { position, subject, metadata: new.metadata, event: new.event, payload }
    }

    #[test]
    fn of_a_hundred_thousand_messages_a_talk_is_read_from_among_the_last_and_is_the_same() {
        let (mut marks, mut whole) = (Marks::default(), Talk::default());
        let end = 150_000;
        let read = |from: u64, mut talk: Talk| {
            (from..=end).for_each(|position| talk.evolve(&recorded(position)));
            talk
        };
        for position in 1..=end {
            let one = recorded(position);
            marks.take(&one);
            whole.evolve(&one);
            if position == 60 {
                assert_eq!(marks.begins(), None, "all of it is shown");
            }
        }
        assert_eq!(marks.said(), 100_000);
        let mark = marks.begins().unwrap();
        let messages = marks.said() - mark.before;
        assert!((SAID_KEPT as u64..=SAID_KEPT as u64 + EVERY).contains(&messages), "{messages} are read");
        assert_eq!(read(mark.position, Talk::behind(mark.before, None)), whole);
    }
}
