//! Who writes with whom, and where: channels, conversations, contacts.

use serde::Serialize;
use utoipa::{ToSchema, openapi::schema::Object};

use super::{Time, one_of};

/// A configured channel.
#[derive(Debug, Serialize, ToSchema)]
pub struct Channel {
    pub id: String,
    #[schema(schema_with = channel_kinds)]
    pub kind: String,
    pub capabilities: Capabilities,
}

fn channel_kinds() -> Object {
    one_of(["telegram", "whatsapp", "email", "web"])
}

/// What a kind of channel can do.
#[derive(Debug, Serialize, ToSchema)]
pub struct Capabilities {
    /// Longest text of one message; longer ones go in parts.
    pub text_limit: Option<usize>,
    /// How long after the client's last word free text may be sent.
    pub window_seconds: Option<i64>,
    pub templates: bool,
    /// At most so many below a text.
    pub buttons: usize,
    pub receipts: bool,
    pub edits: bool,
    /// What may say whether a send of unknown fate arrived.
    #[schema(schema_with = settlers)]
    pub unknown_settled_by: &'static str,
}

fn settlers() -> Object {
    one_of(["operator", "status", "message_id", "never"])
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Conversation {
    pub id: String,
    pub channel_id: Option<String>,
    /// Kind of channel.
    pub channel: Option<String>,
    /// Chat id, phone, address.
    pub external_id: Option<String>,
    pub title: Option<String>,
    pub group: bool,
    pub contact: Person,
    #[schema(schema_with = owners)]
    pub owner: &'static str,
    pub takeover: Option<Takeover>,
    pub blocked: bool,
    /// Until when the channel takes free text; null: always, or never yet.
    pub window_until: Option<Time>,
    pub last_message_at: Option<Time>,
    pub pending_follow_ups: u32,
    pub created_at: Time,
    /// Its last event.
    pub position: u64,
}

fn owners() -> Object {
    one_of(["bot", "human"])
}

/// Who writes in a conversation.
#[derive(Debug, Serialize, ToSchema)]
pub struct Person {
    pub id: Option<String>,
    pub name: Option<String>,
    pub language: Option<String>,
    pub timezone: Option<String>,
    /// The contact that stands for this one.
    pub merged_into: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Takeover {
    pub by: Option<String>,
    pub via: Option<String>,
    pub since: Time,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Contact {
    pub id: String,
    pub channel_id: Option<String>,
    pub external_id: Option<String>,
    pub username: Option<String>,
    pub name: Option<String>,
    /// BCP 47.
    pub language: Option<String>,
    /// IANA.
    pub timezone: Option<String>,
    #[schema(minimum = 0, maximum = 23)]
    pub followup_hour: Option<u32>,
    pub archived: bool,
    /// The contact that stands for this one, while they are one person.
    pub merged_into: Option<String>,
    /// Itself and the contacts merged into it, with where each is known.
    pub identities: Vec<Identity>,
    /// Of all identities, newest first.
    pub conversations: Vec<ConversationOfContact>,
    pub position: u64,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Identity {
    pub contact_id: String,
    pub channel_id: Option<String>,
    /// telegram | whatsapp | email | web
    pub channel: Option<String>,
    /// The channel's own id of the person.
    pub external_id: Option<String>,
    pub username: Option<String>,
    pub name: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ConversationOfContact {
    pub id: String,
    pub channel_id: Option<String>,
    pub channel: String,
    pub external_id: String,
}
