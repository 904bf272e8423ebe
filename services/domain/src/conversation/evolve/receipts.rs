//! What a provider reports of our messages: receipts and failures, in any order, some never, some twice.
//!
//! A report can only add to what is known: sent, then failed, then delivered, then read. So the order of reports doesn't
//! matter, and a message that was delivered didn't fail.

use chrono::{DateTime, Utc};
use steward_proto::{from_timestamp, v1};

use super::super::state::{Conversation, MessageState, Receipts};
use crate::kernel::Why;

impl Conversation {
    pub(super) fn reported(&mut self, e: &v1::DeliveryReported, (position, at): (u64, DateTime<Utc>)) {
        let Some((message_id, part)) = self.reported_part(e) else { return };
        self.named(&message_id, part, &e.provider_message_id);
        let reported_at = from_timestamp(e.at.as_ref()).unwrap_or(at);
        let receipts = match e.status.as_str() {
            "sent" => Receipts::default(),
            "delivered" => Receipts { delivered_at: Some(reported_at), ..Receipts::default() },
            "read" => Receipts { read_at: Some(reported_at), ..Receipts::default() },
            "failed" => {
                let why = e.reason.as_ref().map(Why::from).unwrap_or_default();
                self.undelivered(&message_id, part, &e.claim_id, why, reported_at);
                return;
            }
            _ => return,
        };
        let Some(message) = self.outbox.get(&message_id) else { return };
        let last = part + 1 == message.parts.len();
        match &message.state {
            // Never claimed: a report can't be about it.
            MessageState::Queued { .. } | MessageState::Held { .. } if message.last_claim.is_empty() => {}
            MessageState::Queued { .. }
            | MessageState::Held { .. }
            | MessageState::Claimed(_)
            | MessageState::Unknown(_) => {
                let claim_id = Some(e.claim_id.as_str()).filter(|id| !id.is_empty());
                self.arrived(&message_id, part, claim_id, receipts, (position, at));
            }
            // Of a message in parts, the last one counts.
            MessageState::Sent(before) if last => {
                let both = before.and(receipts);
                if both != *before {
                    self.change_message(&message_id, |m| m.state = MessageState::Sent(both));
                }
            }
            // It arrived after all; that it was sent says nothing new.
            MessageState::Failed(_) if last && message.part == part && receipts != Receipts::default() => {
                self.end_message(&message_id, MessageState::Sent(receipts));
            }
            _ => {}
        }
    }

    /// Which part of which message a report is about: by our own id, else by the provider's.
    fn reported_part(&self, e: &v1::DeliveryReported) -> Option<(String, usize)> {
        if let Some(message) = self.outbox.get(&e.message_id) {
            let part = e.part as usize;
            return (part < message.parts.len()).then(|| (message.id.clone(), part));
        }
        if e.provider_message_id.is_empty() {
            return None;
        }
        // Should a provider use one twice, which message is meant can't be told: it is the greatest of our ids, always.
        self.outbox.values().rev().find_map(|m| {
            let part = m.provider_ids.iter().position(|id| *id == e.provider_message_id)?;
            Some((m.id.clone(), part))
        })
    }

    fn undelivered(&mut self, message_id: &str, part: usize, claim_id: &str, why: Why, at: DateTime<Utc>) {
        if why.code == "blocked" {
            self.unreachable(at);
        }
        // What the client wrote after that has opened it again.
        if why.code == "window_closed" && self.last_client_at.is_none_or(|heard| heard <= at) {
            self.last_client_at = None;
        }
        let Some(message) = self.outbox.get(message_id) else { return };
        let of_this_claim = claim_id.is_empty() || claim_id == message.last_claim;
        let counts = match &message.state {
            MessageState::Claimed(_) | MessageState::Unknown(_) => of_this_claim && part == message.part,
            MessageState::Sent(receipts) => of_this_claim && *receipts == Receipts::default(),
            // A part before the one that waits: the rest makes no sense alone.
            MessageState::Queued { .. } | MessageState::Held { .. } => part < message.part,
            MessageState::Failed(_) | MessageState::Cancelled(_) | MessageState::Expired(_) => false,
        };
        if counts {
            self.end_message(message_id, MessageState::Failed(why));
        }
    }
}
