//! Deciding who speaks: a human takes the conversation over and gives it back.

pub mod stretch;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use steward_proto::{Event, v1};

use super::{Conversation, Refused, follow_ups::Alarmed};

impl Conversation {
    /// A human takes over. Taking over again renews it without a second event, unless somebody else does.
    pub fn take_over(&self, by: &str, via: &str, note: &str) -> Result<Vec<Event>, Refused> {
        if self.place.is_none() {
            return Err(Refused::UnknownConversation);
        }
        if self.takeover.as_ref().is_some_and(|t| t.by == by) {
            return Err(Refused::AlreadyTakenOver { by: by.to_owned() });
        }
        Ok(vec![
            v1::HumanTakeoverStarted { by: by.to_owned(), via: via.to_owned(), note: note.to_owned(), source: None }
                .into(),
        ])
    }

    /// The conversation goes back to the bot.
    pub fn release(&self, by: &str, via: &str) -> Result<Vec<Event>, Refused> {
        let Some(takeover) = &self.takeover else {
            return Err(Refused::NotTakenOver);
        };
        Ok(vec![
            v1::HumanTakeoverEnded {
                by: by.to_owned(),
                via: via.to_owned(),
                cancelled_follow_up_ids: takeover.cancelled.iter().map(ToString::to_string).collect(),
                source: None,
            }
            .into(),
        ])
    }

    /// When the human's silence gives the conversation back.
    pub fn silence_ends(&self, release_after: Duration) -> Option<DateTime<Utc>> {
        self.takeover.as_ref()?.active_at.checked_add_signed(TimeDelta::from_std(release_after).ok()?)
    }

    /// What the alarm of a human's silence leads to.
    pub fn silence_due(&self, now: DateTime<Utc>, release_after: Duration) -> Result<Alarmed, Refused> {
        match self.silence_ends(release_after) {
            None => Ok(Alarmed::Nothing),
            Some(at) if at > now => Ok(Alarmed::NotYet(at)),
            Some(_) => Ok(Alarmed::Decided(self.release("service:scheduler", "silence")?)),
        }
    }
}
