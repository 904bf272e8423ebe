//! What reads answer, as users see it: the structs behind the JSON, which the OpenAPI document describes.
//!
//! What is absent is `null`: each field is always there.

pub mod evidence;
mod messages;
mod people;
mod webhooks;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer};
use serde_json::Value;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        KnownFormat, RefOr, SchemaFormat,
        schema::{Object, ObjectBuilder, Schema, Type},
    },
};
use uuid::Uuid;

pub use messages::{Action, FollowUp, Message, OutboxMessage};
pub use people::{Capabilities, Channel, Contact, Conversation, ConversationOfContact, Identity, Person, Takeover};
pub use webhooks::{Webhook, WebhookDelivery, WebhookFilter, WebhookReason};

use crate::rows;

/// An instant: RFC 3339 in UTC, to the microsecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Time(pub DateTime<Utc>);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.to_rfc3339_opts(SecondsFormat::Micros, true))
    }
}

impl PartialSchema for Time {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new().schema_type(Type::String);
        text.format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .description(Some("RFC 3339 with offset"))
            .into()
    }
}

impl ToSchema for Time {}

/// One page of a list, newest first.
#[derive(Serialize, ToSchema)]
pub struct List<T: ToSchema> {
    pub items: Vec<T>,
    /// Pass it on as `cursor` for the next page.
    pub next_cursor: Option<String>,
}

/// Why something is as it is.
///
/// client_responded: the client wrote first. human_active: a person of ours has the conversation. blocked: the recipient
/// can't be reached. no_such_recipient: the provider knows nobody there. quiet_hours, frequency_cap: policy puts it off.
/// too_late: later than late_limit. by_command, by_client: somebody asked for it. replaced: another with the same key.
/// said_by_human: a human has said just this. provider_refused: the channel said no. no_answer, claim_expired: it isn't known
/// whether it was sent. window_closed: the channel takes no free text now, and no template is configured for the message.
/// needs_approval: policy asks for a person's approval. injected: taken back when the client wrote, for the next turn to
/// weigh. auto_reply_cap: too many automatic answers went to one correspondent within an hour. breaker_open: sending by
/// itself has stopped until a person resets it. unauthorized, account_stopped: the channel refuses our token or our account
/// until somebody mends it. template_refused: the template is wrong, paused or not approved. opted_out: the recipient wants
/// no marketing. withheld: the provider holds it back from this recipient for a day. not_allowed_in_country: the provider
/// takes nothing for the recipient's country. provider_down: the provider has trouble of its own. not_connected: no
/// connection to the provider was made. waits_its_turn: the channel is busy, and it goes when its turn has come. no_model,
/// unknown_tool: nothing here can carry the action out. New codes may come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Reason {
    #[schema(schema_with = reason_codes)]
    pub code: String,
    /// For people, in English.
    pub text: String,
    /// The event that made it so.
    pub event_id: Option<String>,
}

fn reason_codes() -> Object {
    let codes = [
        "client_responded",
        "human_active",
        "window_closed",
        "blocked",
        "no_such_recipient",
        "contact_archived",
        "quiet_hours",
        "frequency_cap",
        "needs_approval",
        "breaker_open",
        "too_late",
        "by_command",
        "by_client",
        "replaced",
        "said_by_human",
        "provider_refused",
        "rate_limited",
        "no_answer",
        "claim_expired",
        "partly_sent",
        "channel_not_configured",
        "network",
        "not_connected",
        "injected",
        "auto_reply_cap",
        "undeliverable",
        "failures",
        "volume",
        "unauthorized",
        "account_stopped",
        "template_refused",
        "opted_out",
        "withheld",
        "not_allowed_in_country",
        "provider_down",
        "waits_its_turn",
        "no_model",
        "unknown_tool",
    ];
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(codes)).build()
}

impl From<&rows::Reason> for Reason {
    fn from(reason: &rows::Reason) -> Self {
        Self { code: reason.code.clone(), text: reason.text.clone(), event_id: reason.event_id.clone() }
    }
}

/// What happened, in words.
#[derive(Debug, Serialize, ToSchema)]
pub struct TimelineEntry {
    pub position: u64,
    pub at: Time,
    pub r#type: String,
    pub actor: String,
    /// One sentence.
    pub summary: String,
    #[schema(value_type = String)]
    pub event_id: Uuid,
    /// Ids of the events that led to it.
    pub because: Vec<String>,
}

/// An event as it stands in the log, without its secrets.
#[derive(Debug, Serialize, ToSchema)]
pub struct Event {
    pub position: u64,
    #[schema(value_type = String)]
    pub id: Uuid,
    /// The message's name in the .proto files.
    pub r#type: String,
    pub subject: String,
    pub at: Time,
    pub actor: String,
    #[schema(value_type = String)]
    pub causation_id: Uuid,
    #[schema(value_type = String)]
    pub correlation_id: Uuid,
    pub traceparent: String,
    pub schema_version: u32,
    /// See /asyncapi.json; {"raw": base64} where the type is unknown.
    #[schema(value_type = Object)]
    pub data: Value,
}

/// Whether what goes out by itself has stopped, and why.
#[derive(Debug, Serialize, ToSchema)]
pub struct Breaker {
    #[schema(schema_with = breaker_states)]
    pub state: &'static str,
    pub since: Option<Time>,
    pub reason: Option<Reason>,
}

fn breaker_states() -> Object {
    one_of(["open", "closed"])
}

/// One of these words.
fn one_of(words: impl IntoIterator<Item = &'static str>) -> Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).build()
}
