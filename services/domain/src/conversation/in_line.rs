//! Messages put off because their channel's limiter has a turn for them only later: how long, and in which order they stay.

use chrono::{DateTime, TimeDelta, Utc};
use steward_proto::{Event, to_timestamp, v1};

use super::{Conversation, MessageState, Refused};
use crate::{
    ids::{self, MessageId},
    kernel::Why,
};

/// Why a message is put off until its turn.
pub const WAITS_ITS_TURN: &str = "waits_its_turn";
/// How long after its turn the others wait for a message that nobody claims: it may be that nobody ever will.
const WAITED_FOR: TimeDelta = TimeDelta::minutes(10);

impl Conversation {
    /// When the last of those has its turn that must go before this one: the conversation's messages that were put in line
    /// before it, or before its own time if it was in line itself, and that aren't claimed yet.
    pub fn line_before(
        &self,
        message_id: &MessageId,
        own_turn: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        let others = self.outbox.values().filter(|m| m.in_line && m.id != *message_id);
        let turns = others.filter_map(|m| match m.state {
            MessageState::Queued { not_before: Some(turn) } => Some(turn),
            // Its turn has come.
            MessageState::Queued { not_before: None } if now - m.late_from < WAITED_FOR => Some(m.late_from),
            _ => None,
        });
        turns.filter(|turn| own_turn.is_none_or(|own| *turn < own)).max()
    }

    /// How many messages beside this one could go out now, as far as their own time is concerned.
    pub fn ready_beside(&self, message_id: &MessageId) -> usize {
        let ready = |state: &MessageState| matches!(state, MessageState::Queued { not_before: None });
        self.outbox.values().filter(|m| m.id != *message_id && ready(&m.state)).count()
    }

    /// Puts a message off until its turn; nothing, if it doesn't wait to be claimed any more.
    pub fn put_in_line(
        &self,
        message_id: &MessageId,
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
            message_id: message.id.to_string(),
            reason: Some((&why).into()),
            until: Some(to_timestamp(until)),
            follow_up_id: ids::or_empty(message.follow_up_id),
        };
        Ok(vec![deferred.into()])
    }
}
