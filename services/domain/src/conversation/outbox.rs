//! Deciding about messages on their way out: queued, due, held, approved, changed, cancelled, tried again.

use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};
use steward_language::time::is_too_far;
use steward_proto::{Event, to_timestamp, v1};

use super::{
    Author, Conversation, Message, MessageState, OnReply, Refused,
    follow_ups::{Alarmed, Ring},
};
use crate::{
    ids::{self, FollowUpId, MessageId, TurnId},
    kernel::Why,
};

/// Why a message is held while the tenant's breaker is open.
pub const BREAKER_OPEN: &str = "breaker_open";

/// SHA-256 (hex) of recipient and text: what a person approves, and evidence of what was asked of the provider.
pub fn fingerprint(recipient: &str, text: &str) -> String {
    hex::encode(Sha256::new().chain_update(recipient).chain_update([0]).chain_update(text).finalize())
}

/// A message to be sent.
#[derive(Debug, Clone)]
pub struct Queue {
    pub message_id: MessageId,
    pub author: Author,
    pub author_id: String,
    pub text: String,
    /// Not before; `None`: at once.
    pub due_at: Option<DateTime<Utc>>,
    pub on_reply: OnReply,
    /// The same key replaces the waiting one. Empty: none.
    pub key: String,
    pub turn_id: Option<TurnId>,
    pub follow_up_id: Option<FollowUpId>,
    /// Nobody waits for it, so quiet hours and caps apply.
    pub proactive: bool,
    /// Offered below the text where the channel has them.
    pub buttons: Vec<v1::Button>,
}

impl Conversation {
    /// Queues a message.
    pub fn queue(&self, q: Queue) -> Result<Vec<Event>, Refused> {
        if self.place.is_none() {
            return Err(Refused::UnknownConversation);
        }
        if q.text.trim().is_empty() {
            return Err(Refused::EmptyText { what: "a message" });
        }
        let mut events = Vec::new();
        if !q.key.is_empty() {
            for old in self.outbox.values().filter(|m| m.is_waiting() && m.key == q.key) {
                let why = Why::new("replaced", "another with the same key took its place", "");
                events.push(cancelled(&old.id, &why, ""));
            }
        }
        let parts = self.split(&q.text);
        let message = v1::Outgoing {
            message_id: q.message_id.to_string(),
            author: q.author.name().to_owned(),
            text: q.text,
            parts,
            due_at: q.due_at.map(to_timestamp),
            on_reply: q.on_reply.name().to_owned(),
            key: q.key,
            follow_up_id: ids::or_empty(q.follow_up_id),
            turn_id: ids::or_empty(q.turn_id),
            proactive: q.proactive,
            author_id: q.author_id,
            buttons: q.buttons,
        };
        events.push(v1::MessageQueued { message: Some(message) }.into());
        Ok(events)
    }

    /// What the alarm of a message that waits leads to.
    pub fn message_due(&self, alarm: &Ring<MessageId>) -> Result<Alarmed, Refused> {
        let Some(message) = self.outbox.get(&alarm.id) else { return Ok(Alarmed::Nothing) };
        match message.state {
            MessageState::Queued { not_before: Some(at) } | MessageState::Held { not_before: Some(at), .. } => {
                if at > alarm.now {
                    return Ok(Alarmed::NotYet(at));
                }
                let due = v1::MessageDue { message_id: message.id.to_string(), due_at: Some(to_timestamp(at)) };
                Ok(Alarmed::Decided(vec![due.into()]))
            }
            _ => Ok(Alarmed::Nothing),
        }
    }

    /// Takes back a message that waits.
    pub fn cancel_message_by(&self, message_id: &MessageId, by: &str) -> Result<Vec<Event>, Refused> {
        self.waiting_message(message_id)?;
        Ok(vec![cancelled(message_id, &Why::new("by_command", format!("cancelled by {by}"), ""), by)])
    }

    /// Another attempt at a message that failed or whose fate is unknown.
    pub fn retry_message(&self, message_id: &MessageId, by: &str) -> Result<Vec<Event>, Refused> {
        let message = self.known_message(message_id)?;
        match message.state {
            MessageState::Failed(_) | MessageState::Unknown(_) | MessageState::Expired(_)
                if self.human_active() && message.author == Author::Bot =>
            {
                Err(Refused::HumanActive)
            }
            MessageState::Failed(_) | MessageState::Unknown(_) | MessageState::Expired(_) => {
                Ok(vec![v1::MessageRetried { message_id: message_id.to_string(), by: by.to_owned() }.into()])
            }
            _ => Err(Refused::NotRetryable),
        }
    }

    /// A person found out what became of a message whose fate was unknown.
    pub fn settle_message(&self, message_id: &MessageId, arrived: bool, by: &str) -> Result<Vec<Event>, Refused> {
        let message = self.known_message(message_id)?;
        if !matches!(message.state, MessageState::Unknown(_)) {
            return Err(Refused::NotUnknown);
        }
        let why = Why::new("by_command", format!("{by} says that it didn't arrive"), "");
        Ok(vec![
            v1::DeliveryReported {
                message_id: message_id.to_string(),
                part: u32::try_from(message.part).unwrap_or(u32::MAX),
                status: if arrived { "sent" } else { "failed" }.to_owned(),
                reason: (!arrived).then(|| (&why).into()),
                claim_id: ids::or_empty(message.last_claim),
                ..v1::DeliveryReported::default()
            }
            .into(),
        ])
    }

    /// Another attempt at a message that the provider took and then reported as outside the service window: it goes as a
    /// template now, or is held. Nothing, if that was a template already, or if the client or a human spoke since.
    pub fn retry_outside_window(&self, message_id: &MessageId) -> Result<Vec<Event>, Refused> {
        let Some(message) = self.outbox.get(message_id) else { return Ok(Vec::new()) };
        let refused = matches!(&message.state, MessageState::Failed(why) if why.code == "window_closed");
        if !refused || message.as_template || self.last_client_at.is_some() || self.human_active() {
            return Ok(Vec::new());
        }
        Ok(vec![
            v1::MessageRetried { message_id: message_id.to_string(), by: "policy:window_closed".to_owned() }.into(),
        ])
    }

    /// Another due time for a message that waits.
    pub fn move_message(
        &self,
        now: DateTime<Utc>,
        message_id: &MessageId,
        due_at: DateTime<Utc>,
        by: &str,
    ) -> Result<Vec<Event>, Refused> {
        let message = self.waiting_message(message_id)?;
        let (MessageState::Queued { not_before } | MessageState::Held { not_before, .. }) = message.state else {
            return Ok(Vec::new());
        };
        if not_before == Some(due_at) {
            return Ok(Vec::new());
        }
        ahead(now, due_at)?;
        let due_at = Some(to_timestamp(due_at));
        Ok(vec![v1::MessageMoved { message_id: message_id.to_string(), due_at, by: by.to_owned() }.into()])
    }

    /// Other words for a message that waits and of which nothing is out.
    pub fn edit_message(&self, message_id: &MessageId, text: &str, by: &str) -> Result<Vec<Event>, Refused> {
        let message = self.waiting_message(message_id)?;
        if text.trim().is_empty() {
            return Err(Refused::EmptyText { what: "a message" });
        }
        if message.part > 0 {
            return Err(Refused::PartlySent);
        }
        if message.text == text {
            return Ok(Vec::new());
        }
        Ok(vec![
            v1::MessageEdited {
                message_id: message_id.to_string(),
                text: text.to_owned(),
                parts: self.split(text),
                by: by.to_owned(),
            }
            .into(),
        ])
    }

    /// A message that waits stays until somebody lets it go.
    pub fn hold_message(&self, message_id: &MessageId, by: &str) -> Result<Vec<Event>, Refused> {
        let message = self.waiting_message(message_id)?;
        if !message.is_queued() {
            return Err(Refused::AlreadyHeld);
        }
        Ok(vec![held(message, &Why::new("by_command", format!("held by {by}"), ""), by)])
    }

    /// Lets a held message go, if it still is what `hash` names.
    pub fn approve_message(&self, message_id: &MessageId, hash: &str, by: &str) -> Result<Vec<Event>, Refused> {
        let message = self.waiting_message(message_id)?;
        if message.is_queued() {
            return Err(Refused::NotHeld);
        }
        if hash != self.approval_hash(message) {
            return Err(Refused::ApprovalStale);
        }
        Ok(vec![
            v1::MessageApproved {
                message_id: message_id.to_string(),
                approval_hash: hash.to_owned(),
                by: by.to_owned(),
            }
            .into(),
        ])
    }

    /// A person reset the breaker, so what it held goes on; nothing, if it is held for another reason by now, or isn't.
    pub fn release_from_breaker(&self, message_id: &MessageId, by: &str) -> Result<Vec<Event>, Refused> {
        let Some(message) = self.outbox.get(message_id) else { return Ok(Vec::new()) };
        if !matches!(&message.state, MessageState::Held { why, .. } if why.code == BREAKER_OPEN) {
            return Ok(Vec::new());
        }
        let why = Why::new("breaker_reset", "sending by itself goes on", "");
        Ok(vec![
            v1::MessageReleased {
                message_id: message_id.to_string(),
                reason: Some((&why).into()),
                by: by.to_owned(),
                follow_up_id: ids::or_empty(message.follow_up_id),
            }
            .into(),
        ])
    }

    /// What approving this message now would approve.
    pub fn approval_hash(&self, message: &Message) -> String {
        fingerprint(self.place.as_ref().map_or("", |p| p.external_id.as_str()), &message.text)
    }

    fn waiting_message(&self, id: &MessageId) -> Result<&Message, Refused> {
        let message = self.known_message(id)?;
        if message.is_waiting() {
            return Ok(message);
        }
        Err(Refused::NotQueued)
    }

    fn known_message(&self, id: &MessageId) -> Result<&Message, Refused> {
        self.outbox.get(id).map(AsRef::as_ref).ok_or(Refused::UnknownMessage { id: *id })
    }

    /// The text in parts that the conversation's channel takes.
    pub fn split(&self, text: &str) -> Vec<String> {
        self.capabilities().split(text)
    }
}

/// Stays until somebody lets it go.
pub(super) fn held(message: &Message, why: &Why, by: &str) -> Event {
    v1::MessageHeld {
        message_id: message.id.to_string(),
        reason: Some(why.into()),
        by: by.to_owned(),
        follow_up_id: ids::or_empty(message.follow_up_id),
    }
    .into()
}

/// Refuses an instant that has passed or is too far ahead.
pub fn ahead(now: DateTime<Utc>, at: DateTime<Utc>) -> Result<(), Refused> {
    if at <= now {
        return Err(Refused::Past { at, instead: "leave it out to send at once" });
    }
    if is_too_far(now, at) {
        return Err(Refused::TooFar { at });
    }
    Ok(())
}

pub(super) fn cancelled(id: &MessageId, why: &Why, by: &str) -> Event {
    v1::MessageCancelled { message_id: id.to_string(), reason: Some(why.into()), by: by.to_owned() }.into()
}
