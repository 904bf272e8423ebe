//! Turns and promises: what a turn leaves behind, and what was promised.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use steward_proto::{from_timestamp, v1};

use super::super::state::{CancelOn, Conversation, FollowUp, FollowUpState, Message, Unsaid};
use crate::ids::{self, FollowUpId, NoId};

/// Words kept back for one turn, at most.
const UNSAID_KEPT: usize = 16;

impl Conversation {
    pub(super) fn turn_completed(&mut self, e: &v1::TurnCompleted) {
        if self.turn.as_ref().is_some_and(|t| e.turn_id.parse() == Ok(t.turn_id)) {
            self.turn = None;
        }
        self.answered_through = self.answered_through.max(e.through_position);
        let through = self.answered_through;
        self.unanswered.retain(|m| m.position > through);
        self.unsaid.retain(|i| i.position > through);
        if self.unanswered.is_empty() {
            self.cancelled.clear();
        }
    }

    /// Words that weren't sent are kept for the next turn.
    pub(super) fn keep_unsaid(&mut self, message: &Message, position: u64) {
        if self.unsaid.len() == UNSAID_KEPT {
            self.unsaid.remove(0);
        }
        self.unsaid.push(Unsaid { message_id: message.id, text: message.text.clone(), position });
    }

    pub(super) fn scheduled(&mut self, e: &v1::FollowUpScheduled, at: DateTime<Utc>) -> Result<(), NoId> {
        let renews: Option<FollowUpId> = ids::optional(&e.renews)?;
        let follow_up = FollowUp {
            id: e.follow_up_id.parse()?,
            due_at: from_timestamp(e.due_at.as_ref()).unwrap_or(at),
            timezone: e.timezone.clone(),
            phrase: e.phrase.clone(),
            rule: e.rule.clone(),
            intention: e.intention.clone(),
            text: e.text.clone(),
            cancel_on: CancelOn::of_name(&e.cancel_on).unwrap_or(CancelOn::ClientResponse),
            action: e.action.clone().unwrap_or_default(),
            scheduled_reason: e.scheduled_reason.clone(),
            key: e.key.clone(),
            asked_by: e.asked_by.clone(),
            language: e.language.clone(),
            context: e.context.clone(),
            set_at: at,
            state: FollowUpState::Pending,
        };
        if let Some(renews) = renews {
            self.cancelled.remove(&renews);
            if let Some(takeover) = &mut self.takeover {
                takeover.cancelled.retain(|id| *id != renews);
            }
        }
        self.follow_ups.insert(follow_up.id, Arc::new(follow_up));
        Ok(())
    }
}
