//! What users see of a message.

use serde::Serialize;
use steward_domain::conversation::outbox::fingerprint;

use super::{
    super::ConversationRow,
    row::{Media, MessageRow},
};
use crate::{
    read::view::{Time, given, reason_of},
    rows::{Json, Reason},
};

/// A message, in or out.
#[derive(Debug, Serialize)]
pub struct MessageView {
    pub id: String,
    pub conversation_id: String,
    /// in or out.
    pub direction: String,
    /// client, bot or human.
    pub author: String,
    pub author_id: Option<String>,
    pub kind: String,
    pub text: String,
    pub full_text: Option<String>,
    /// The channel's own id of it.
    pub external_id: Option<String>,
    pub reply_to: Option<String>,
    pub media: Option<Vec<Media>>,
    pub state: String,
    pub reason: Option<Reason>,
    pub at: Time,
    pub due_at: Option<Time>,
    pub sent_at: Option<Time>,
    pub delivered_at: Option<Time>,
    pub read_at: Option<Time>,
    pub follow_up_id: Option<String>,
    pub turn_id: Option<String>,
    pub position: u64,
    pub changed_position: u64,
}

/// A message of the outbox.
#[derive(Debug, Serialize)]
pub struct OutgoingView {
    #[serde(flatten)]
    pub message: MessageView,
    pub attempts: u32,
    pub on_reply: Option<String>,
    pub key: Option<String>,
    pub proactive: bool,
    pub parts: u32,
    /// What an approval of it is bound to: recipient and text.
    pub approval_hash: Option<String>,
}

impl From<MessageRow> for MessageView {
    fn from(row: MessageRow) -> Self {
        Self {
            id: row.id,
            conversation_id: row.conversation_id,
            direction: row.direction,
            author: row.author,
            author_id: given(row.author_id),
            kind: row.kind,
            text: row.text,
            full_text: given(row.full_text),
            external_id: given(row.external_id),
            reply_to: given(row.reply_to),
            media: row.media.map(|Json(media)| media),
            state: row.state,
            reason: reason_of(row.reason),
            at: Time(row.at),
            due_at: row.due_at.map(Time),
            sent_at: row.sent_at.map(Time),
            delivered_at: row.delivered_at.map(Time),
            read_at: row.read_at.map(Time),
            follow_up_id: given(row.follow_up_id),
            turn_id: given(row.turn_id),
            position: row.position,
            changed_position: row.changed_position,
        }
    }
}

impl OutgoingView {
    pub fn of(row: MessageRow, conversation: Option<&ConversationRow>) -> Self {
        Self {
            attempts: row.attempts,
            on_reply: given(row.on_reply.clone()),
            key: given(row.key.clone()),
            proactive: row.proactive,
            parts: row.parts,
            approval_hash: conversation.map(|c| fingerprint(&c.external_id, &row.text)),
            message: row.into(),
        }
    }
}
