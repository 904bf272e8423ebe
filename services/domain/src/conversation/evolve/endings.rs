//! How things end: cancelled by the fold itself, settled, and forgotten after a while.

use std::sync::Arc;

use super::super::state::{Cancelled, Conversation, FollowUp, FollowUpState, Message, MessageState};
use crate::{
    ids::{FollowUpId, MessageId},
    kernel::Why,
};

/// How many ended follow-ups and messages a conversation remembers.
const ENDED_KEPT: usize = 128;

impl Conversation {
    pub(super) fn change_follow_up(&mut self, id: &FollowUpId, change: impl FnOnce(&mut FollowUp)) {
        if let Some(follow_up) = self.follow_ups.get_mut(id) {
            change(Arc::make_mut(follow_up));
        }
    }

    pub(super) fn change_message(&mut self, id: &MessageId, change: impl FnOnce(&mut Message)) {
        if let Some(message) = self.outbox.get_mut(id) {
            change(Arc::make_mut(message));
        }
    }

    /// Whether it was cancelled now. One that is being sent is cancelled when its claim ends without a send.
    pub(super) fn cancel_follow_up(&mut self, id: &FollowUpId, why: &Why) -> bool {
        let Some(follow_up) = self.follow_ups.get(id).filter(|f| f.is_open()) else { return false };
        if let FollowUpState::Due { message_id: Some(message_id) } = &follow_up.state
            && let Some(message) = self.outbox.get(message_id).cloned()
        {
            if let MessageState::Claimed(_) = message.state {
                self.change_message(&message.id, |m| m.cancel_after_claim = Some(why.clone()));
                return false;
            }
            if message.is_open() {
                self.change_message(&message.id, |m| m.state = MessageState::Cancelled(why.clone()));
                self.forget_later(Cancelled::Message(message.id));
            }
        }
        self.end_follow_up(id, FollowUpState::Cancelled(why.clone()));
        true
    }

    /// Likewise for a message; its follow-up, if it has one, ends with it.
    pub(super) fn cancel_message(&mut self, id: &MessageId, why: &Why) -> bool {
        let Some(message) = self.outbox.get(id).filter(|m| m.is_open()) else { return false };
        if let MessageState::Claimed(_) = message.state {
            self.change_message(id, |m| m.cancel_after_claim = Some(why.clone()));
            return false;
        }
        self.end_message(id, MessageState::Cancelled(why.clone()));
        true
    }

    pub(super) fn end_follow_up(&mut self, id: &FollowUpId, state: FollowUpState) {
        let Some(follow_up) = self.follow_ups.get(id) else { return };
        // Unknown may be settled, and what the provider reports later changes sent and failed; every other end is for good.
        let reported = matches!(
            (&follow_up.state, &state),
            (FollowUpState::Sent, FollowUpState::Failed(_)) | (FollowUpState::Failed(_), FollowUpState::Sent)
        );
        if !follow_up.is_open() && !matches!(follow_up.state, FollowUpState::Unknown(_)) && !reported {
            return;
        }
        self.change_follow_up(id, |f| f.state = state);
        self.forget_later(Cancelled::FollowUp(*id));
    }

    pub(super) fn end_message(&mut self, id: &MessageId, state: MessageState) {
        let Some(message) = self.outbox.get(id) else { return };
        let follow_up_id = message.follow_up_id;
        let follow_up = match &state {
            MessageState::Sent(_) => Some(FollowUpState::Sent),
            MessageState::Failed(why) => Some(FollowUpState::Failed(why.clone())),
            MessageState::Unknown(why) => Some(FollowUpState::Unknown(why.clone())),
            MessageState::Cancelled(why) => Some(FollowUpState::Cancelled(why.clone())),
            MessageState::Expired(why) => Some(FollowUpState::Expired(why.clone())),
            MessageState::Queued { .. } | MessageState::Held { .. } | MessageState::Claimed(_) => None,
        };
        self.change_message(id, |m| {
            m.state = state;
            m.cancel_after_claim = None;
        });
        self.forget_later(Cancelled::Message(*id));
        if let (Some(state), Some(follow_up_id)) = (follow_up, follow_up_id) {
            self.end_follow_up(&follow_up_id, state);
        }
    }

    /// Remembers that this ended and forgets what ended long before it.
    pub(super) fn forget_later(&mut self, ended: Cancelled) {
        self.ended.push_back(ended);
        while self.ended.len() > ENDED_KEPT {
            match self.ended.pop_front() {
                Some(Cancelled::FollowUp(id)) if self.follow_ups.get(&id).is_some_and(|f| !f.is_open()) => {
                    self.follow_ups.remove(&id);
                }
                Some(Cancelled::Message(id)) if self.outbox.get(&id).is_some_and(|m| !m.is_open()) => {
                    self.outbox.remove(&id);
                }
                _ => {}
            }
        }
    }
}
