//! What was said, is to be sent, and was promised.

use serde::Serialize;
use serde_json::Value;
use utoipa::{ToSchema, openapi::schema::Object};

use super::{Reason, Time, one_of};

/// A message, in or out.
#[derive(Debug, Serialize, ToSchema)]
pub struct Message {
    pub id: String,
    pub conversation_id: String,
    #[schema(schema_with = directions)]
    pub direction: String,
    #[schema(schema_with = authors)]
    pub author: String,
    /// Who of them: the channel's or operator's id.
    pub author_id: Option<String>,
    /// text, image, audio, video, document, sticker, location, contacts, interactive, button, order, reaction, system,
    /// unsupported, auto_reply, bounce, list, meeting
    pub kind: String,
    /// What is new in it.
    pub text: String,
    /// All of it, where quotes or signatures were cut.
    pub full_text: Option<String>,
    /// The provider's id.
    pub external_id: Option<String>,
    pub reply_to: Option<String>,
    #[schema(value_type = Option<Vec<Object>>)]
    pub media: Option<Value>,
    #[schema(schema_with = message_states)]
    pub state: String,
    pub reason: Option<Reason>,
    /// When it was recorded.
    pub at: Time,
    /// Not before.
    pub due_at: Option<Time>,
    pub sent_at: Option<Time>,
    pub delivered_at: Option<Time>,
    pub read_at: Option<Time>,
    pub follow_up_id: Option<String>,
    pub turn_id: Option<String>,
    /// The event that made it.
    pub position: u64,
    /// Its last change.
    pub changed_position: u64,
}

fn directions() -> Object {
    one_of(crate::read::messages::DIRECTIONS)
}

fn authors() -> Object {
    one_of(crate::read::messages::AUTHORS)
}

fn message_states() -> Object {
    one_of(["received"].into_iter().chain(crate::read::messages::OUTBOX_STATES))
}

/// A message that was queued here.
#[derive(Debug, Serialize, ToSchema)]
pub struct OutboxMessage {
    #[serde(flatten)]
    pub message: Message,
    /// Claims of the part in hand.
    pub attempts: u32,
    /// cancel | hold | inject | keep: what the client's next message does to it.
    pub on_reply: Option<String>,
    pub key: Option<String>,
    pub proactive: bool,
    pub parts: u32,
    /// SHA-256 (hex) of recipient and text as they are now: what an approval is bound to.
    pub approval_hash: Option<String>,
}

/// A promise.
#[derive(Debug, Serialize, ToSchema)]
pub struct FollowUp {
    pub id: String,
    pub conversation_id: String,
    /// queued, held, deferred and claimed read as pending; delivered and read as sent; done: an action that is no message
    #[schema(schema_with = follow_up_states)]
    pub state: String,
    pub reason: Option<Reason>,
    pub due_at: Time,
    pub timezone: Option<String>,
    /// The words that gave the time.
    pub phrase: Option<String>,
    /// The rule that read them.
    pub rule: Option<String>,
    pub intention: Option<String>,
    pub text: String,
    #[schema(schema_with = cancel_on)]
    pub cancel_on: String,
    pub action: Action,
    pub scheduled_reason: Option<String>,
    pub key: Option<String>,
    pub renews: Option<String>,
    pub renewed_by: Option<String>,
    pub by: Option<String>,
    pub turn_id: Option<String>,
    pub result: Option<String>,
    pub created_at: Time,
    /// When it became due, was cancelled or expired.
    pub decided_at: Option<Time>,
    pub sent_at: Option<Time>,
    /// The message it became.
    pub message_id: Option<String>,
    /// It is due after the channel's service window closes, so it will need a template, unless the client writes before.
    pub needs_template: bool,
    /// The event that made it.
    pub position: u64,
    /// Its last change.
    pub changed_position: u64,
}

fn follow_up_states() -> Object {
    one_of(crate::read::follow_ups::STATES)
}

fn cancel_on() -> Object {
    one_of(crate::read::follow_ups::CANCEL_ON)
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Action {
    #[schema(schema_with = action_kinds)]
    pub kind: String,
    pub prompt: Option<String>,
    pub tool: Option<String>,
    /// JSON.
    pub input: Option<String>,
}

fn action_kinds() -> Object {
    one_of(["message", "compose", "task", "tool"])
}
