//! What a provider reports of our messages: receipts and failures, in any order, some never, some twice.
//!
//! A report can only add to what is known: sent, then failed, then delivered, then read. So the order of reports doesn't
//! matter, and a message that was delivered didn't fail.

use chrono::{DateTime, Utc};
use steward_proto::{from_timestamp, v1};

use super::super::state::{Conversation, MessageState, Receipts};
use crate::{
    ids::{self, ClaimId, MessageId, NoId},
    kernel::Why,
};

impl Conversation {
    pub(super) fn reported(
        &mut self,
        e: &v1::DeliveryReported,
        (position, at): (u64, DateTime<Utc>),
    ) -> Result<(), NoId> {
        let Some((message_id, part)) = self.reported_part(e) else { return Ok(()) };
        let claim_id: Option<ClaimId> = ids::optional(&e.claim_id)?;
        self.named(&message_id, part, &e.provider_message_id);
        let reported_at = from_timestamp(e.at.as_ref()).unwrap_or(at);
        let receipts = match e.status.as_str() {
            "sent" => Receipts::default(),
            "delivered" => Receipts { delivered_at: Some(reported_at), ..Receipts::default() },
            "read" => Receipts { read_at: Some(reported_at), ..Receipts::default() },
            "failed" => {
                let why = e.reason.as_ref().map(Why::from).unwrap_or_default();
                self.undelivered(&message_id, part, claim_id, why, reported_at);
                return Ok(());
            }
            _ => return Ok(()),
        };
        let Some(message) = self.outbox.get(&message_id) else { return Ok(()) };
        let last = part + 1 == message.parts.len();
        match &message.state {
            // Never claimed: a report can't be about it.
            MessageState::Queued { .. } | MessageState::Held { .. } if message.last_claim.is_none() => {}
            MessageState::Queued { .. }
            | MessageState::Held { .. }
            | MessageState::Claimed(_)
            | MessageState::Unknown(_) => {
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
        Ok(())
    }

    /// Which part of which message a report is about: by our own id, else by the provider's.
    fn reported_part(&self, e: &v1::DeliveryReported) -> Option<(MessageId, usize)> {
        if let Some(message) = e.message_id.parse().ok().and_then(|id: MessageId| self.outbox.get(&id)) {
            let part = e.part as usize;
            return (part < message.parts.len()).then(|| (message.id, part));
        }
        if e.provider_message_id.is_empty() {
            return None;
        }
        // Should a provider use one twice, which message is meant can't be told: it is the greatest of our ids, always.
        self.outbox.values().rev().find_map(|m| {
            let part = m.provider_ids.iter().position(|id| *id == e.provider_message_id)?;
            Some((m.id, part))
        })
    }

    fn undelivered(
        &mut self,
        message_id: &MessageId,
        part: usize,
        claim_id: Option<ClaimId>,
        why: Why,
        at: DateTime<Utc>,
    ) {
        if why.code == "blocked" {
            self.unreachable(at);
        }
        // What the client wrote after that has opened it again.
        if why.code == "window_closed" && self.last_client_at.is_none_or(|heard| heard <= at) {
            self.last_client_at = None;
        }
        let Some(message) = self.outbox.get(message_id) else { return };
        let of_this_claim = claim_id.is_none() || claim_id == message.last_claim;
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
