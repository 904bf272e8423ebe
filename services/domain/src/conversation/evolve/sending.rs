//! Messages on their way out: queued, claimed, sent, put off, tried again.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use steward_proto::{from_timestamp, v1};

use super::super::state::{Author, Cancelled, Conversation, FollowUpState, Message, MessageState, OnReply, Receipts};
use crate::{
    ids::{self, ClaimId, MessageId, NoId},
    kernel::Why,
};

impl Conversation {
    pub(super) fn queued(&mut self, m: &v1::Outgoing, late_from: DateTime<Utc>) -> Result<(), NoId> {
        let not_before = from_timestamp(m.due_at.as_ref());
        let message = Message {
            id: m.message_id.parse()?,
            author: if m.author == Author::Human.name() { Author::Human } else { Author::Bot },
            text: m.text.clone(),
            parts: if m.parts.is_empty() { vec![m.text.clone()] } else { m.parts.clone() },
            part: 0,
            attempts: 0,
            on_reply: OnReply::of_name(&m.on_reply).unwrap_or(OnReply::Keep),
            key: m.key.clone(),
            follow_up_id: ids::optional(&m.follow_up_id)?,
            turn_id: ids::optional(&m.turn_id)?,
            proactive: m.proactive,
            late_from: not_before.map_or(late_from, |at| at.max(late_from)),
            last_claim: None,
            as_template: false,
            provider_ids: Vec::new(),
            buttons: m.buttons.clone(),
            approved: String::new(),
            let_go: false,
            in_line: false,
            state: MessageState::Queued { not_before },
            cancel_after_claim: None,
        };
        self.outbox.insert(message.id, Arc::new(message));
        Ok(())
    }

    /// An answer counts for the open claim, and for the claim whose fate is unknown.
    pub(super) fn claim_matters(&self, message_id: &MessageId, claim_id: ClaimId) -> bool {
        self.outbox.get(message_id).is_some_and(|m| {
            m.last_claim == Some(claim_id) && matches!(m.state, MessageState::Claimed(_) | MessageState::Unknown(_))
        })
    }

    pub(super) fn is_unknown(&self, message_id: &MessageId) -> bool {
        self.outbox.get(message_id).is_some_and(|m| matches!(m.state, MessageState::Unknown(_)))
    }

    /// A success is proof, however late it comes: also for one that is unknown, or queued again after that.
    pub(super) fn succeeded(
        &mut self,
        e: &v1::DispatchSucceeded,
        (position, at): (u64, DateTime<Utc>),
    ) -> Result<(), NoId> {
        let (message_id, claim_id) = (e.message_id.parse()?, e.claim_id.parse()?);
        let part = e.part as usize;
        self.named(&message_id, part, &e.provider_message_id);
        self.arrived(&message_id, part, Some(claim_id), Receipts::default(), (position, at));
        Ok(())
    }

    /// The provider has its own id for a part.
    pub(super) fn named(&mut self, message_id: &MessageId, part: usize, provider_id: &str) {
        let known = |m: &Message| m.provider_ids.get(part).is_some_and(|id| id == provider_id);
        let Some(message) = self.outbox.get(message_id) else { return };
        if provider_id.is_empty() || part >= message.parts.len() || known(message) {
            return;
        }
        self.change_message(message_id, |m| {
            if m.provider_ids.len() <= part {
                m.provider_ids.resize(part + 1, String::new());
            }
            provider_id.clone_into(&mut m.provider_ids[part]);
        });
    }

    /// A part that was awaited is proven to have been taken. `claim_id`: by an answer to this claim.
    pub(super) fn arrived(
        &mut self,
        message_id: &MessageId,
        part: usize,
        claim_id: Option<ClaimId>,
        receipts: Receipts,
        (position, at): (u64, DateTime<Utc>),
    ) {
        let Some(message) = self.outbox.get(message_id).cloned() else { return };
        let awaited = message.is_open() || matches!(message.state, MessageState::Unknown(_));
        if !awaited || message.part != part {
            return;
        }
        self.spoken = true;
        if message.part + 1 < message.parts.len() {
            if matches!(message.state, MessageState::Unknown(_)) {
                // Settled late: the rest is not sent by itself, for nothing weighed what happened meanwhile.
                self.change_message(message_id, |m| m.part += 1);
                let text = format!("part {} of {} was sent, the rest was not", message.part + 1, message.parts.len());
                let why = Why::new("partly_sent", text, "");
                self.end_message(message_id, MessageState::Failed(why));
                return;
            }
            if claim_id.is_some() && message.last_claim != claim_id {
                // Another claim of the same part is open: its answer decides.
                return;
            }
            self.change_message(message_id, |m| {
                m.part += 1;
                m.attempts = 0;
                if let MessageState::Claimed(_) | MessageState::Queued { .. } = m.state {
                    m.state = MessageState::Queued { not_before: None };
                }
            });
            self.after_claim(message_id, position);
            return;
        }
        if message.proactive {
            let day = TimeDelta::hours(24);
            self.proactive_sent.retain(|sent| at - *sent < day);
            self.proactive_sent.push_back(at);
        } else if message.author == Author::Bot {
            let hour = TimeDelta::hours(1);
            self.answers_sent.retain(|sent| at - *sent < hour);
            self.answers_sent.push_back(at);
        }
        self.end_message(message_id, MessageState::Sent(receipts));
    }

    /// Nothing left. What the client or a human did while the claim was open takes effect now.
    pub(super) fn deferred(&mut self, e: &v1::DispatchDeferred, position: u64, at: DateTime<Utc>) -> Result<(), NoId> {
        let message_id = e.message_id.parse()?;
        if !self.claim_matters(&message_id, e.claim_id.parse()?) {
            return Ok(());
        }
        let why = e.reason.as_ref().map(Why::from).unwrap_or_default();
        if self.is_unknown(&message_id) {
            // It never left, but what the client did meanwhile was not weighed: an operator decides.
            self.end_message(&message_id, MessageState::Failed(why));
            return Ok(());
        }
        if why.code == "window_closed"
            && let Some(MessageState::Claimed(claim)) = self.outbox.get(&message_id).map(|m| &m.state)
            && self.last_client_at.is_none_or(|heard| heard <= claim.at)
        {
            // The provider knows better: until the client writes again, the window is closed.
            self.last_client_at = None;
        }
        self.put_off(&message_id, from_timestamp(e.until.as_ref()).unwrap_or(at), position);
        Ok(())
    }

    pub(super) fn hold(&mut self, message_id: &MessageId, why: Why) {
        self.change_message(message_id, |m| {
            if let MessageState::Queued { not_before } | MessageState::Held { not_before, .. } = m.state {
                m.state = MessageState::Held { why, not_before };
            }
        });
    }

    /// A person lets a message go, as it is now. Lateness counts from here.
    pub(super) fn approved(&mut self, message_id: &MessageId, hash: &str, at: DateTime<Utc>) {
        self.change_message(message_id, |m| {
            if let MessageState::Queued { not_before } | MessageState::Held { not_before, .. } = m.state {
                hash.clone_into(&mut m.approved);
                m.let_go = true;
                m.late_from = m.late_from.max(at);
                m.state = MessageState::Queued { not_before };
            }
        });
    }

    /// What held it is over. Lateness counts from here, as after a deferral.
    pub(super) fn released(&mut self, message_id: &MessageId, at: DateTime<Utc>) {
        self.change_message(message_id, |m| {
            if let MessageState::Held { not_before, .. } = m.state {
                m.let_go = true;
                m.late_from = m.late_from.max(at);
                m.state = MessageState::Queued { not_before };
            }
        });
    }

    /// Other words. What was approved was the old ones.
    pub(super) fn edited(&mut self, message_id: &MessageId, e: &v1::MessageEdited) {
        self.change_message(message_id, |m| {
            if m.is_waiting() {
                m.text.clone_from(&e.text);
                m.parts = if e.parts.is_empty() { vec![e.text.clone()] } else { e.parts.clone() };
                m.part = 0;
                m.approved.clear();
            }
        });
    }

    pub(super) fn put_off(&mut self, message_id: &MessageId, until: DateTime<Utc>, position: u64) {
        let Some(message) = self.outbox.get(message_id) else { return };
        if !message.is_open() {
            return;
        }
        self.change_message(message_id, |m| {
            m.late_from = m.late_from.max(until);
            match &mut m.state {
                MessageState::Held { not_before, .. } => *not_before = Some(until),
                state => *state = MessageState::Queued { not_before: Some(until) },
            }
        });
        self.after_claim(message_id, position);
    }

    /// It is put off because its turn at the limiter is later, or for another reason.
    pub(super) fn lined_up(&mut self, message_id: &MessageId, in_line: bool) {
        if self.outbox.get(message_id).is_some_and(|m| m.in_line != in_line) {
            self.change_message(message_id, |m| m.in_line = in_line);
        }
    }

    /// Carries out what the fold had to leave alone while a claim was open.
    fn after_claim(&mut self, message_id: &MessageId, position: u64) {
        let Some(message) = self.outbox.get(message_id).cloned() else { return };
        let Some(why) = &message.cancel_after_claim else { return };
        if why.code == "client_responded" && message.on_reply == OnReply::Hold {
            self.change_message(message_id, |m| m.cancel_after_claim = None);
            self.hold(message_id, why.clone());
            self.unannounced_holds.insert(*message_id, (*message_id, why.clone()));
        } else if let Some(follow_up_id) = message.follow_up_id {
            if self.cancel_follow_up(&follow_up_id, why) {
                self.tell_later(Cancelled::FollowUp(follow_up_id), why.clone());
                if let Some(takeover) = &mut self.takeover {
                    takeover.misses(follow_up_id);
                }
            }
        } else if self.cancel_message(message_id, why) {
            self.tell_later(Cancelled::Message(*message_id), why.clone());
            if why.code == "injected" {
                self.keep_unsaid(&message, position);
            }
        }
    }

    pub(super) fn retried(&mut self, message_id: &MessageId, at: DateTime<Utc>) {
        let Some(message) = self.outbox.get(message_id).cloned() else { return };
        if message.is_open() || message.is_sent() {
            return;
        }
        self.change_message(message_id, |m| {
            m.state = MessageState::Queued { not_before: None };
            m.attempts = 0;
            m.late_from = at;
            m.cancel_after_claim = None;
        });
        if let Some(follow_up_id) = &message.follow_up_id {
            let message_id = Some(*message_id);
            self.change_follow_up(follow_up_id, |f| f.state = FollowUpState::Due { message_id });
        }
    }
}
