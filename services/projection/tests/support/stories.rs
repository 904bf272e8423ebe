//! Conversations as they happen, event by event.

use chrono::{DateTime, Utc};
use steward_domain::ids::{self, ConversationId, FollowUpId};
use steward_proto::{AggregateId, Event, TenantId, to_timestamp, v1};
use uuid::Uuid;

/// A chat on the channel `web`.
#[derive(Clone)]
pub struct Chat {
    pub tenant: TenantId,
    pub external_id: String,
    pub id: ConversationId,
    pub aggregate: AggregateId,
}

impl Chat {
    pub fn new(tenant: &TenantId, external_id: &str) -> Self {
        let id = ids::conversation(tenant, "web", external_id);
        let aggregate = ids::conversation_aggregate(tenant, id);
        Self { tenant: tenant.clone(), external_id: external_id.to_owned(), id, aggregate }
    }

    pub fn contact_id(&self) -> String {
        ids::contact(&self.tenant, "web", &self.external_id).to_string()
    }

    pub fn writes(&self, key: &str, text: &str) -> Event {
        v1::ClientResponded {
            source: Some(v1::Source {
                channel_id: "web".to_owned(),
                channel: "web".to_owned(),
                external_id: self.external_id.clone(),
                key: key.to_owned(),
                ..v1::Source::default()
            }),
            message_id: ids::inbound_message(self.id, key).to_string(),
            contact_id: self.contact_id(),
            from: Some(v1::Person {
                id: self.external_id.clone(),
                name: "Ana".to_owned(),
                language: "es".to_owned(),
                ..v1::Person::default()
            }),
            kind: "text".to_owned(),
            text: text.to_owned(),
            ..v1::ClientResponded::default()
        }
        .into()
    }

    pub fn follow_up_id(&self, number: u128) -> FollowUpId {
        ids::follow_up(self.id, Uuid::from_u128(number))
    }

    pub fn promises(&self, number: u128, due_at: DateTime<Utc>) -> Event {
        v1::FollowUpScheduled {
            follow_up_id: self.follow_up_id(number).to_string(),
            due_at: Some(to_timestamp(due_at)),
            timezone: "Asia/Makassar".to_owned(),
            phrase: "in 20 seconds".to_owned(),
            text: "ping".to_owned(),
            cancel_on: "client_response".to_owned(),
            ..v1::FollowUpScheduled::default()
        }
        .into()
    }

    /// A promise that is kept: it is due, claimed and sent.
    pub fn keeps(&self, number: u128, due_at: DateTime<Utc>) -> Vec<Event> {
        let follow_up_id = self.follow_up_id(number);
        let message_id = ids::message_of_follow_up(self.id, &follow_up_id).to_string();
        let follow_up_id = follow_up_id.to_string();
        let message = v1::Outgoing {
            message_id: message_id.clone(),
            author: "bot".to_owned(),
            text: "ping".to_owned(),
            parts: vec!["ping".to_owned()],
            on_reply: "cancel".to_owned(),
            follow_up_id: follow_up_id.clone(),
            proactive: true,
            ..v1::Outgoing::default()
        };
        let claim_id = Uuid::from_u128(number).to_string();
        vec![
            v1::FollowUpDue {
                follow_up_id: follow_up_id.clone(),
                due_at: Some(to_timestamp(due_at)),
                message: Some(message),
                ..v1::FollowUpDue::default()
            }
            .into(),
            v1::DispatchStarted {
                message_id: message_id.clone(),
                parts: 1,
                claim_id: claim_id.clone(),
                attempt: 1,
                expires_at: Some(to_timestamp(due_at)),
                follow_up_id: follow_up_id.clone(),
                ..v1::DispatchStarted::default()
            }
            .into(),
            v1::DispatchSucceeded {
                message_id,
                parts: 1,
                claim_id,
                provider_message_id: format!("provider-{number}"),
                sent_at: Some(to_timestamp(due_at)),
                follow_up_id,
                text: "ping".to_owned(),
                author: "bot".to_owned(),
                ..v1::DispatchSucceeded::default()
            }
            .into(),
        ]
    }
}
