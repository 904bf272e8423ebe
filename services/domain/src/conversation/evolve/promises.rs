//! Turns and promises: what a turn leaves behind, and what was promised.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use steward_language::understanding::LONGEST_TOPIC;
use steward_proto::{from_timestamp, v1};

use super::super::state::{
    AskedIn, CancelOn, Conversation, FollowUp, FollowUpState, Message, TAKEN_BACK_KEPT, TakenBack, Unsaid,
};
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

    /// The client took a promise back: their next word may give it back.
    pub(super) fn took_back(&mut self, follow_up_id: &FollowUpId, turn_id: &str, at: DateTime<Utc>) {
        let (Some(follow_up), Ok(turn_id)) = (self.follow_ups.get(follow_up_id), turn_id.parse()) else { return };
        let follow_up = Arc::clone(follow_up);
        match &mut self.taken_back {
            Some(taken_back) if taken_back.turn_id == turn_id => {
                if taken_back.follow_ups.len() < TAKEN_BACK_KEPT {
                    taken_back.follow_ups.push(follow_up);
                }
            }
            other => *other = Some(TakenBack { turn_id, at, follow_ups: vec![follow_up] }),
        }
    }

    /// Words that weren't sent are kept for the next turn.
    pub(super) fn keep_unsaid(&mut self, message: &Message, position: u64) {
        if self.unsaid.len() == UNSAID_KEPT {
            self.unsaid.remove(0);
        }
        self.unsaid.push(Unsaid { message_id: message.id, text: message.text.clone(), position, left: 0 });
    }

    /// A turn left them: they wait for the next one.
    pub(super) fn intent_left(&mut self, e: &v1::IntentLeft, position: u64) -> Result<(), NoId> {
        let id = e.intent_id.parse()?;
        if let Some(unsaid) = self.unsaid.iter_mut().find(|unsaid| unsaid.message_id == id) {
            (unsaid.position, unsaid.left) = (position, e.times);
        }
        Ok(())
    }

    /// It is settled what becomes of them.
    pub(super) fn intent_resolved(&mut self, e: &v1::IntentResolved) -> Result<(), NoId> {
        let id = e.intent_id.parse()?;
        self.unsaid.retain(|unsaid| unsaid.message_id != id);
        Ok(())
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
            topic: e.topic.chars().take(LONGEST_TOPIC).collect(),
            cancel_on: CancelOn::of_name(&e.cancel_on).unwrap_or(CancelOn::ClientResponse),
            action: e.action.clone().unwrap_or_default(),
            scheduled_reason: e.scheduled_reason.clone(),
            key: e.key.clone(),
            asked_by: e.asked_by.clone(),
            language: e.language.clone(),
            context: e.context.clone(),
            asked_in: e.asked_in.parse().ok().map(|message_id| AskedIn {
                message_id,
                provider_id: e.asked_in_provider_id.clone(),
                at: from_timestamp(e.asked_at.as_ref()),
            }),
            set_at: at,
            state: FollowUpState::Pending,
        };
        match (renews, &mut self.taken_back) {
            (Some(renews), Some(taken_back)) => taken_back.follow_ups.retain(|f| f.id != renews),
            // What they say from here on is about this one.
            (None, _) if !e.turn_id.is_empty() => self.taken_back = None,
            _ => {}
        }
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
