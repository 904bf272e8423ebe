//! What users see of a message.

use serde::Serialize;
use steward_domain::conversation::outbox::fingerprint;
use utoipa::{ToSchema, openapi::schema::Object};

use super::{
    super::ConversationRow,
    row::{Media, MessageRow},
};
use crate::{
    read::view::{Time, given, one_of, reason_of},
    rows::{Json, Reason},
};

/// A message that came in or goes out.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Message)]
pub struct MessageView {
    pub id: String,
    pub conversation_id: String,
    #[schema(schema_with = directions)]
    pub direction: String,
    #[schema(schema_with = authors)]
    pub author: String,
    /// Who wrote it, by the channel's id or the operator's.
    pub author_id: Option<String>,
    /// text, image, audio, video, document, sticker, location, contacts, interactive, button, order, reaction, system,
    /// unsupported, auto_reply, bounce, list, meeting
    pub kind: String,
    /// The new text: without quotes and signatures.
    pub text: String,
    /// The whole text, if quotes or signatures were cut.
    pub full_text: Option<String>,
    /// The channel's own id of the message.
    pub external_id: Option<String>,
    pub reply_to: Option<String>,
    pub media: Option<Vec<Media>>,
    #[schema(schema_with = states)]
    pub state: String,
    pub reason: Option<Reason>,
    /// When the message was recorded.
    pub at: Time,
    /// The time before which it isn't sent.
    pub due_at: Option<Time>,
    pub sent_at: Option<Time>,
    pub delivered_at: Option<Time>,
    pub read_at: Option<Time>,
    pub follow_up_id: Option<String>,
    pub turn_id: Option<String>,
    /// The position of the event that made the message.
    pub position: u64,
    /// The position of the event that changed it last.
    pub changed_position: u64,
}

fn directions() -> Object {
    one_of(super::read::DIRECTIONS)
}

fn authors() -> Object {
    one_of(super::read::AUTHORS)
}

fn states() -> Object {
    one_of(["received"].into_iter().chain(super::read::OUTBOX_STATES))
}

/// A message of the outbox.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OutboxMessage)]
pub struct OutgoingView {
    #[serde(flatten)]
    pub message: MessageView,
    /// How often the part in hand was claimed.
    pub attempts: u32,
    /// What the client's next message does to it: cancel, hold, inject or keep.
    pub on_reply: Option<String>,
    pub key: Option<String>,
    pub proactive: bool,
    pub parts: u32,
    /// SHA-256 (hex) of recipient and text as they are now, to which an approval is bound.
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
    /// What an approval of this text to this recipient is bound to.
    pub fn approval_of(recipient: &str, text: &str) -> String {
        fingerprint(recipient, text)
    }

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
