//! What users see of a webhook and its deliveries.

use serde::Serialize;
use steward_domain::{
    ids,
    webhook::{Filter, Standing, Webhook},
};
use utoipa::{ToSchema, openapi::schema::Object};

use super::row::DeliveryRow;
use crate::{
    read::view::{Time, given, one_of, reason_as_said, reason_of},
    rows::Reason,
};

/// An outgoing webhook. Its secret isn't shown; only whoever made it got to see it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Webhook)]
pub struct WebhookView {
    pub id: String,
    pub url: String,
    pub types: Vec<String>,
    pub filter: FilterView,
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

macro_rules! filter_view {
    ($($field:ident),*) => {
        /// What narrows the events that the webhook gets, beside their types.
        #[derive(Debug, Serialize, ToSchema)]
        #[schema(as = WebhookFilter)]
        pub struct FilterView {
            $(pub $field: Option<String>,)*
        }

        impl From<&Filter> for FilterView {
            fn from(filter: &Filter) -> Self {
                Self { $($field: filter.$field.clone(),)* }
            }
        }
    };
}

steward_domain::each_filter!(filter_view);

/// An event on its way to a webhook, as of the latest attempt.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookDelivery)]
pub struct DeliveryView {
    pub id: String,
    pub webhook_id: String,
    pub event_id: String,
    pub event_type: String,
    #[schema(schema_with = delivery_states)]
    pub state: String,
    pub attempts: u32,
    /// The HTTP status; `null` if there was no answer.
    pub status: Option<u32>,
    pub reason: Option<WebhookReason>,
    /// The beginning of the receiver's answer, if it was no success.
    pub answer: Option<String>,
    pub took_ms: Option<u32>,
    pub at: Time,
    pub next_at: Option<Time>,
    /// The position of the event.
    pub position: u64,
    pub changed_position: u64,
}

fn delivery_states() -> Object {
    one_of(super::read::STATES)
}

/// Why a webhook or a delivery ended as it did.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookReason {
    /// Of a webhook: gone (the receiver answered 410), failing. Of a delivery: refused, redirected, gone, timed_out,
    /// unreachable, broken_off, private_address, bad_url, disabled, deleted.
    pub code: String,
    /// For people, in English.
    pub text: String,
    /// The event that is the reason.
    pub event_id: Option<String>,
}

impl From<Reason> for WebhookReason {
    fn from(reason: Reason) -> Self {
        Self { code: reason.code, text: reason.text, event_id: reason.event_id }
    }
}

impl From<&Webhook> for WebhookView {
    fn from(webhook: &Webhook) -> Self {
        let (state, reason) = match &webhook.standing {
            Standing::Disabled(why) => ("disabled", Some(reason_as_said(why))),
            _ => ("active", None),
        };
        Self {
            id: ids::or_empty(webhook.id),
            url: webhook.url.clone(),
            types: webhook.types.clone(),
            filter: FilterView::from(&webhook.filter),
            state,
            reason: reason.map(Into::into),
            created_at: webhook.created_at.map(Time),
            secret_since: webhook.secret_since().map(Time),
            position: webhook.created_position,
        }
    }
}

impl DeliveryView {
    /// The view of a delivery. If its webhook has ended, it isn't shown as waiting to be tried again.
    pub fn of(row: DeliveryRow, webhook: &Webhook) -> Self {
        let left = row.state == "retrying" && !webhook.is_active();
        let reason = match &webhook.standing {
            Standing::Disabled(why) if left => Some(Reason { code: "disabled".to_owned(), ..reason_as_said(why) }),
            Standing::Deleted if left => {
                Some(Reason { code: "deleted".to_owned(), text: "the webhook was deleted".to_owned(), event_id: None })
            }
            _ => reason_of(row.reason),
        };
        Self {
            id: row.id,
            webhook_id: row.webhook_id,
            event_id: row.event_id,
            event_type: row.event_type,
            state: if left { "failed".to_owned() } else { row.state },
            attempts: row.attempts,
            status: Some(row.status).filter(|s| *s > 0),
            reason: reason.map(Into::into),
            answer: given(row.answer),
            took_ms: Some(row.took_ms).filter(|_| row.attempts > 0),
            at: Time(row.at),
            next_at: row.next_at.filter(|_| !left).map(Time),
            position: row.position,
            changed_position: row.changed_position,
        }
    }
}
