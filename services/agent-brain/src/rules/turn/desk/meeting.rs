//! Meetings that another brain than the rules books.

use chrono::{DateTime, TimeDelta, Utc};
use steward_language::time::{Grain, Meaning, Moment, parse};

use super::Desk;
use crate::brain::Decision;

/// Meetings that one turn books.
const MOST: usize = 3;
/// Nearer than this nobody books a meeting.
const NEAREST: TimeDelta = TimeDelta::minutes(5);

impl Desk<'_> {
    /// Books a meeting at a time in words; what would hold, as an instant.
    ///
    /// # Errors
    /// The words name no clear time with an hour, or there is a meeting then; in words.
    pub fn book(&mut self, title: &str, when: &str, minutes: u32) -> Result<DateTime<Utc>, String> {
        let Some(message) = self.asking() else { return Err("no message asks for anything".to_owned()) };
        let at = match parse(when, &self.turn.context(&message)) {
            Meaning::Instant(Moment { at, grain: Grain::Second | Grain::Minute | Grain::Hour, .. }) => at,
            Meaning::Instant(_) => return Err("that names no hour: ask the client for it".to_owned()),
            Meaning::Ambiguous { .. } => return Err("that may mean several times: ask the client which".to_owned()),
            Meaning::Past(_) => return Err("that is past: ask the client when".to_owned()),
            Meaning::TooFar(_) => return Err("that is more than two years ahead".to_owned()),
            Meaning::None => return Err("no time was recognised in `when`".to_owned()),
        };
        if at < self.turn.input.now + NEAREST {
            return Err("that is too soon: ask the client for another time".to_owned());
        }
        if self.booked.len() >= MOST {
            return Err(format!("{MOST} meetings are booked in this turn; no more"));
        }
        let ends = at + TimeDelta::minutes(minutes.into());
        let overlaps = |decision: &&Decision| match decision {
            Decision::Book { starts_at, minutes, .. } => {
                *starts_at < ends && at < *starts_at + TimeDelta::minutes((*minutes).into())
            }
            _ => false,
        };
        if self.booked.iter().any(|decision| overlaps(&decision)) {
            return Err("another meeting of this turn is at that time".to_owned());
        }
        let (title, message_id) = (title.to_owned(), message.message_id);
        self.booked.push(Decision::Book { title, starts_at: at, minutes, message_id });
        Ok(at)
    }
}
