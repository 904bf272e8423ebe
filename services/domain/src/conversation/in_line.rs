//! Messages put off because their channel's limiter has a turn for them only later: how long, and in which order they stay.

use chrono::{DateTime, Utc};
use steward_proto::{Event, to_timestamp, v1};

use super::{Conversation, MessageState, Refused};
use crate::kernel::Why;

/// Why a message is put off until its turn.
pub const WAITS_ITS_TURN: &str = "waits_its_turn";

impl Conversation {
    /// When the last of those has its turn that must go before this one: the conversation's messages that were put in line
    /// before it, or before its own time if it was in line itself.
    pub fn line_before(&self, message_id: &str, own_turn: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
        let others = self.outbox.values().filter(|m| m.in_line && m.id != message_id);
        let turns = others.filter_map(|m| match m.state {
            MessageState::Queued { not_before } => not_before,
            _ => None,
        });
        turns.filter(|turn| own_turn.is_none_or(|own| *turn < own)).max()
    }

    /// How many messages beside this one could go out now, as far as their own time is concerned.
    pub fn ready_beside(&self, message_id: &str) -> usize {
        let ready = |state: &MessageState| matches!(state, MessageState::Queued { not_before: None });
        self.outbox.values().filter(|m| m.id != message_id && ready(&m.state)).count()
    }

    /// Puts a message off until its turn; nothing, if it doesn't wait to be claimed any more.
    pub fn put_in_line(
        &self,
        message_id: &str,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Vec<Event>, Refused> {
        let Some(message) = self.outbox.get(message_id) else { return Ok(Vec::new()) };
        match message.state {
            MessageState::Queued { not_before } if not_before.is_none_or(|at| at <= now) => {}
            _ => return Ok(Vec::new()),
        }
        let why = Why::new(WAITS_ITS_TURN, "more is to go out on its channel than the channel takes at once", "");
        let deferred = v1::SendDeferred {
            message_id: message.id.clone(),
            reason: Some((&why).into()),
            until: Some(to_timestamp(until)),
            follow_up_id: message.follow_up_id.clone(),
        };
        Ok(vec![deferred.into()])
    }
}
