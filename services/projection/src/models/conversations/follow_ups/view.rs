//! What users see of a promise.

use serde::Serialize;
use utoipa::{ToSchema, openapi::schema::Object};

use super::{
    super::ConversationRow,
    row::{Action, FollowUpRow},
};
use crate::{
    read::view::{Time, given, one_of, reason_of},
    rows::{Json, Reason},
};

/// A follow-up.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FollowUp)]
pub struct FollowUpView {
    pub id: String,
    pub conversation_id: String,
    /// While its message is queued, held, deferred or claimed, it reads as pending; once that is sent, delivered or read, as
    /// sent. An action that is no message ends as done.
    #[schema(schema_with = states)]
    pub state: String,
    pub reason: Option<Reason>,
    pub due_at: Time,
    pub timezone: Option<String>,
    /// The words that the time was given in.
    pub phrase: Option<String>,
    /// The rule that read those words.
    pub rule: Option<String>,
    pub intention: Option<String>,
    /// What is sent.
    pub text: String,
    /// What it is about, in the client's own words; `null` if they named nothing.
    pub topic: Option<String>,
    #[schema(schema_with = cancel_on)]
    pub cancel_on: String,
    pub action: Action,
    pub scheduled_reason: Option<String>,
    pub key: Option<String>,
    pub renews: Option<String>,
    pub renewed_by: Option<String>,
    pub by: Option<String>,
    /// The client's message that asked for it.
    pub asked_in: Option<String>,
    pub turn_id: Option<String>,
    pub result: Option<String>,
    pub created_at: Time,
    /// When the follow-up became due, was cancelled or expired.
    pub decided_at: Option<Time>,
    pub sent_at: Option<Time>,
    /// The message that the follow-up became.
    pub message_id: Option<String>,
    /// Whether it is due after the channel's service window closes, so that it will need a template unless the client
    /// writes before.
    pub needs_template: bool,
    /// The position of the event that made the follow-up.
    pub position: u64,
    /// The position of the event that changed it last.
    pub changed_position: u64,
}

fn states() -> Object {
    one_of(super::read::STATES)
}

fn cancel_on() -> Object {
    one_of(super::read::CANCEL_ON)
}

impl FollowUpView {
    /// The view of a follow-up. Its conversation's service window tells whether free text can be sent when it is due.
    pub fn of(row: FollowUpRow, conversation: Option<&ConversationRow>) -> Self {
        let waits = matches!(row.state.as_str(), "pending" | "due");
        let Json(action) = row.action;
        Self {
            needs_template: waits && conversation.is_some_and(|c| c.is_beyond_window(row.due_at)),
            id: row.id,
            conversation_id: row.conversation_id,
            state: if row.state == "due" { "pending".to_owned() } else { row.state },
            reason: reason_of(row.reason),
            due_at: Time(row.due_at),
            timezone: given(row.timezone),
            phrase: given(row.phrase),
            rule: given(row.rule),
            intention: given(row.intention),
            text: row.text,
            topic: given(row.topic),
            cancel_on: row.cancel_on,
            action,
            scheduled_reason: given(row.scheduled_reason),
            key: given(row.key),
            renews: given(row.renews),
            renewed_by: given(row.renewed_by),
            by: given(row.by),
            asked_in: given(row.asked_in),
            turn_id: given(row.turn_id),
            result: given(row.result),
            created_at: Time(row.created_at),
            decided_at: row.decided_at.map(Time),
            sent_at: row.sent_at.map(Time),
            message_id: row.message_id,
            position: row.position,
            changed_position: row.changed_position,
        }
    }
}
