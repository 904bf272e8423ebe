//! Outgoing webhooks and their deliveries.

use serde::Serialize;
use utoipa::{ToSchema, openapi::schema::Object};

use super::{Time, one_of};
use crate::rows;

/// What became of a webhook or of a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct WebhookReason {
    /// Of a webhook: gone (the receiver answered 410), failing. Of a delivery: refused, redirected, gone, timed_out,
    /// unreachable, broken_off, private_address, bad_url, disabled, deleted.
    pub code: String,
    /// For people, in English.
    pub text: String,
    /// The event that made it so.
    pub event_id: Option<String>,
}

impl From<&rows::Reason> for WebhookReason {
    fn from(reason: &rows::Reason) -> Self {
        Self { code: reason.code.clone(), text: reason.text.clone(), event_id: reason.event_id.clone() }
    }
}

/// An outgoing webhook, without its secret, which only who made it was shown.
#[derive(Debug, Serialize, ToSchema)]
pub struct Webhook {
    pub id: String,
    pub url: String,
    pub types: Vec<String>,
    pub filter: WebhookFilter,
    #[schema(schema_with = webhook_states)]
    pub state: &'static str,
    pub reason: Option<WebhookReason>,
    pub created_at: Option<Time>,
    pub secret_since: Option<Time>,
    pub position: u64,
}

fn webhook_states() -> Object {
    one_of(["active", "disabled"])
}

#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookFilter {
    pub conversation_id: Option<String>,
    pub channel_id: Option<String>,
}

/// An event on its way to a webhook.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookDelivery {
    pub id: String,
    pub webhook_id: String,
    pub event_id: String,
    pub event_type: String,
    #[schema(schema_with = delivery_states)]
    pub state: String,
    pub attempts: u32,
    /// Of HTTP; null: no answer.
    pub status: Option<u32>,
    pub reason: Option<WebhookReason>,
    /// The beginning of what the receiver said, if it was no success.
    pub answer: Option<String>,
    pub took_ms: Option<u32>,
    pub at: Time,
    pub next_at: Option<Time>,
    /// Of the event.
    pub position: u64,
    pub changed_position: u64,
}

fn delivery_states() -> Object {
    one_of(crate::read::webhooks::STATES)
}
