//! Deciding about turns: one at a time, each message answered by one, none answered past a newer message or a takeover.

use chrono::{DateTime, Utc};
use steward_proto::{to_timestamp, v1};

use super::{Conversation, FollowUpState, Refused};
use crate::{
    ids::{self, FollowUpId, TurnId},
    kernel::Why,
};

/// Messages that one turn answers, at most; the next turn answers the rest.
pub const MESSAGES_AT_ONCE: usize = 64;

/// A turn to be claimed.
#[derive(Debug, Clone)]
pub struct StartTurn {
    pub turn_id: TurnId,
    pub now: DateTime<Utc>,
    pub lease_until: DateTime<Utc>,
    pub worker: String,
    pub brain: String,
    pub model: String,
    /// The due follow-up whose action it carries out; `None`: it answers messages.
    pub follow_up_id: Option<FollowUpId>,
    pub inputs: Inputs,
}

/// What a turn is decided by beside its time: with it in the log, the turn can be decided again.
#[derive(Debug, Clone, Default)]
pub struct Inputs {
    /// Of the conversation's last event.
    pub conversation_position: u64,
    pub contact_positions: Vec<v1::ContactPosition>,
    /// Promises open in the person's other conversations.
    pub open_elsewhere: u32,
    pub settings_hash: String,
}

/// Whether a turn may start.
#[derive(Debug, Clone, PartialEq)]
pub enum TurnStart {
    Started(Box<v1::TurnStarted>),
    /// Nothing waits for an answer.
    NothingToDo,
    /// Another worker holds a turn until then.
    Busy(DateTime<Utc>),
}

/// Whether a claimed turn may be completed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TurnStanding {
    Valid,
    /// A client's message or a takeover came in between: its output is dropped.
    Superseded(&'static str),
    /// It is no longer the open turn: its lease ran out and another took over, or it is complete.
    Lost,
}

impl Conversation {
    pub fn start_turn(&self, start: &StartTurn) -> Result<TurnStart, Refused> {
        if let Some(open) = &self.turn
            && open.lease_until > start.now
            && open.turn_id != start.turn_id
        {
            return Ok(TurnStart::Busy(open.lease_until));
        }
        if let Some(follow_up_id) = &start.follow_up_id {
            let waits = |s: &FollowUpState| matches!(s, FollowUpState::Due { message_id: None });
            if !self.follow_ups.get(follow_up_id).is_some_and(|f| waits(&f.state)) {
                return Ok(TurnStart::NothingToDo);
            }
        } else if self.unanswered.is_empty() {
            return Ok(TurnStart::NothingToDo);
        }
        let Inputs { conversation_position, contact_positions, open_elsewhere, settings_hash } = start.inputs.clone();
        Ok(TurnStart::Started(Box::new(v1::TurnStarted {
            turn_id: start.turn_id.to_string(),
            through_position: self.turn_through(),
            message_ids: self.unanswered.iter().take(MESSAGES_AT_ONCE).map(|m| m.message_id.to_string()).collect(),
            worker: start.worker.clone(),
            lease_until: Some(to_timestamp(start.lease_until)),
            brain: start.brain.clone(),
            model: start.model.clone(),
            follow_up_id: ids::or_empty(start.follow_up_id),
            now: Some(to_timestamp(start.now)),
            conversation_position,
            contact_positions,
            open_elsewhere,
            settings_hash,
            renewed: false,
        })))
    }

    /// Whether a turn that was decided without a claim may be recorded: it would begin now as it did then, and nothing came in
    /// between that would have superseded a claimed one.
    pub fn may_still_begin(&self, begun: &v1::TurnStarted, now: DateTime<Utc>, draft: bool) -> bool {
        let busy = self.turn.as_ref().is_some_and(|open| open.lease_until > now);
        let written = self.unanswered.last().is_some_and(|m| m.position > begun.conversation_position);
        let answers = self
            .unanswered
            .first()
            .is_some_and(|m| m.message_id.to_string() == begun.message_ids.first().map_or("", String::as_str));
        !busy && !written && answers && self.turn_through() == begun.through_position && self.human_active() == draft
    }

    /// The last message that a turn claimed now answers.
    fn turn_through(&self) -> u64 {
        self.unanswered.iter().take(MESSAGES_AT_ONCE).next_back().map_or(self.answered_through, |m| m.position)
    }

    /// How a claimed turn stands now; `draft` turns only record what would have been said, so a takeover doesn't supersede them.
    pub fn turn_standing(&self, turn_id: TurnId, draft: bool) -> TurnStanding {
        let Some(open) = self.turn.as_ref().filter(|t| t.turn_id == turn_id) else { return TurnStanding::Lost };
        if self.unanswered.last().is_some_and(|m| m.position > open.position.max(open.through)) {
            return TurnStanding::Superseded("client_responded");
        }
        if self.human_active() != draft {
            return TurnStanding::Superseded(if draft { "human_released" } else { "human_active" });
        }
        TurnStanding::Valid
    }

    /// The turn is dropped; its messages wait for the next.
    pub fn supersede(turn_id: TurnId, code: &str) -> v1::TurnSuperseded {
        let text = match code {
            "client_responded" => "the client wrote again before it was done",
            "human_active" => "a human took over before it was done",
            _ => "the conversation was given back before it was done",
        };
        let reason = Some((&Why::new(code, text, "")).into());
        v1::TurnSuperseded { turn_id: turn_id.to_string(), reason, ..Default::default() }
    }
}
