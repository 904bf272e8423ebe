//! The table `webhook_deliveries`: what became of events on their way to outgoing webhooks.

use chrono::{DateTime, Utc};
use steward_proto::{Event, Recorded, from_timestamp, v1};

use crate::rows::{Entity, Json, Reason, table};

table! {
    /// An event on its way to one webhook, as of the latest attempt: each outcome replaces the one before.
    pub struct DeliveryRow = "webhook_deliveries" {
        tenant: String,
        webhook_id: String,
        id: String,
        event_id: String,
        event_type: String,
        /// delivered, retrying or failed.
        state: String,
        attempts: u32,
        /// The HTTP status; 0 if there was no answer.
        status: u32,
        reason: Option<Json<Reason>>,
        answer: String,
        took_ms: u32,
        at: DateTime<Utc>,
        next_at: Option<DateTime<Utc>>,
        /// The position of the delivered event.
        position: u64,
        changed_position: u64,
    }
}

impl Entity for DeliveryRow {
    const KEY: &'static [&'static str] = &["tenant", "webhook_id", "id"];

    fn key(&self) -> [&str; 3] {
        [&self.tenant, &self.webhook_id, &self.id]
    }
}

impl DeliveryRow {
    /// The row that an outcome makes; `None` if the event is no outcome.
    pub fn of(recorded: &Recorded) -> Option<Self> {
        let (state, delivery) = match &recorded.event {
            Event::WebhookDelivered(e) => ("delivered", e.delivery.as_ref()?),
            Event::WebhookAttemptFailed(e) => ("retrying", e.delivery.as_ref()?),
            Event::WebhookDeliveryFailed(e) => ("failed", e.delivery.as_ref()?),
            Event::WebhookDeliveryRetried(e) => ("retrying", e.delivery.as_ref()?),
            _ => return None,
        };
        let row = Self::begun(recorded, delivery, state);
        let because = |reason: &Option<v1::Reason>| reason.as_ref().map(|r| Json(Reason::from(r)));
        Some(match &recorded.event {
            Event::WebhookAttemptFailed(e) => Self {
                reason: because(&e.reason),
                answer: e.answer.clone(),
                next_at: from_timestamp(e.next_at.as_ref()),
                ..row
            },
            Event::WebhookDeliveryFailed(e) => Self { reason: because(&e.reason), answer: e.answer.clone(), ..row },
            Event::WebhookDeliveryRetried(_) => Self { next_at: Some(recorded.metadata.at), ..row },
            _ => row,
        })
    }

    fn begun(recorded: &Recorded, delivery: &v1::Delivery, state: &str) -> Self {
        Self {
            tenant: recorded.subject.tenant.to_string(),
            webhook_id: delivery.webhook_id.clone(),
            id: delivery.delivery_id.clone(),
            event_id: delivery.event_id.clone(),
            event_type: delivery.event_type.clone(),
            state: state.to_owned(),
            attempts: delivery.attempt,
            status: delivery.status,
            reason: None,
            answer: String::new(),
            took_ms: delivery.took_ms,
            at: recorded.metadata.at,
            next_at: None,
            position: delivery.event_position,
            changed_position: recorded.position,
        }
    }
}
