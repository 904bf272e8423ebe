//! The table `follow_ups`.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use steward_domain::{
    conversation::{CancelOn, FollowUp, FollowUpState},
    ids::NoId,
    kernel::Why,
};
use steward_proto::{Recorded, v1};
use utoipa::{ToSchema, openapi::schema::Object};

use crate::{
    read::view::one_of,
    rows::{Entity, Json, Lookup, Reason, hashed, table},
};

table! {
    pub struct FollowUpRow = "follow_ups" {
        tenant: String,
        id: String,
        conversation_id: String,
        state: String,
        reason: Option<Json<Reason>>,
        due_at: DateTime<Utc>,
        timezone: String,
        phrase: String,
        rule: String,
        intention: String,
        text: String,
        topic: String,
        cancel_on: String,
        action: Json<Action>,
        scheduled_reason: String,
        key: String,
        renews: String,
        renewed_by: String,
        asked_by: String,
        language: String,
        context: String,
        asked_in: String,
        by: String,
        turn_id: String,
        message_id: Option<String>,
        result: String,
        created_at: DateTime<Utc>,
        decided_at: Option<DateTime<Utc>>,
        sent_at: Option<DateTime<Utc>>,
        position: u64,
        changed_position: u64,
    }
}

/// What a follow-up does when it is due, as it is stored and shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Action {
    #[schema(schema_with = action_kinds)]
    pub kind: String,
    pub prompt: Option<String>,
    pub tool: Option<String>,
    /// The tool's input, as JSON.
    pub input: Option<String>,
}

fn action_kinds() -> Object {
    one_of(["message", "compose", "task", "tool"])
}

impl Entity for FollowUpRow {
    const KEY: &'static [&'static str] = &["tenant", "conversation_id", "id"];

    const LOOKUPS: &'static [Lookup<Self>] = &[OPEN];

    fn key(&self) -> [&str; 3] {
        [&self.tenant, &self.conversation_id, &self.id]
    }
}

/// Finds the open follow-ups of conversations.
pub const OPEN: Lookup<FollowUpRow> = Lookup {
    name: "open follow-ups",
    condition: || format!("{} AND state IN ('pending', 'due')", hashed::key_in(&["tenant", "conversation_id"])),
    under: |row, found| {
        if matches!(row.state.as_str(), "pending" | "due") {
            found([&row.tenant, &row.conversation_id, ""]);
        }
    },
};

impl FollowUpRow {
    pub fn scheduled(recorded: &Recorded, e: &v1::FollowUpScheduled, folded: &FollowUp) -> Self {
        let action = &folded.action;
        let some = |s: &str| Some(s.to_owned()).filter(|s| !s.is_empty());
        Self {
            tenant: recorded.subject.tenant.to_string(),
            id: e.follow_up_id.clone(),
            conversation_id: recorded.subject.id.to_string(),
            state: "pending".to_owned(),
            reason: None,
            due_at: folded.due_at,
            timezone: e.timezone.clone(),
            phrase: e.phrase.clone(),
            rule: e.rule.clone(),
            intention: e.intention.clone(),
            text: e.text.clone(),
            topic: folded.topic.clone(),
            cancel_on: folded.cancel_on.name().to_owned(),
            action: Json(Action {
                kind: some(&action.kind).unwrap_or_else(|| "message".to_owned()),
                prompt: some(&action.prompt),
                tool: some(&action.tool),
                input: some(&action.input),
            }),
            scheduled_reason: e.scheduled_reason.clone(),
            key: e.key.clone(),
            renews: e.renews.clone(),
            renewed_by: String::new(),
            asked_by: e.asked_by.clone(),
            language: e.language.clone(),
            context: e.context.clone(),
            asked_in: e.asked_in.clone(),
            by: e.by.clone(),
            turn_id: e.turn_id.clone(),
            message_id: None,
            result: String::new(),
            created_at: recorded.metadata.at,
            decided_at: None,
            sent_at: None,
            position: recorded.position,
            changed_position: recorded.position,
        }
    }

    /// Takes in the folded state after an event that changed it.
    pub fn follow(&mut self, folded: &FollowUp, recorded: &Recorded) {
        let at = recorded.metadata.at;
        let was_waiting = self.state == "pending";
        self.changed_position = recorded.position;
        self.due_at = folded.due_at;
        self.phrase.clone_from(&folded.phrase);
        self.rule.clone_from(&folded.rule);
        self.text.clone_from(&folded.text);
        self.topic.clone_from(&folded.topic);
        let (state, why) = match &folded.state {
            FollowUpState::Pending => ("pending", None),
            FollowUpState::Due { message_id } => {
                self.message_id = message_id.map(|id| id.to_string());
                ("due", None)
            }
            FollowUpState::Sent => ("sent", None),
            FollowUpState::Done => ("done", None),
            FollowUpState::Cancelled(why) => ("cancelled", Some(why)),
            FollowUpState::Expired(why) => ("expired", Some(why)),
            FollowUpState::Failed(why) => ("failed", Some(why)),
            FollowUpState::Unknown(why) => ("unknown", Some(why)),
        };
        let changed = self.state != state;
        state.clone_into(&mut self.state);
        self.reason = why.map(|why| Json(why.into()));
        if changed && (was_waiting || matches!(state, "cancelled" | "expired" | "done")) {
            self.decided_at = Some(at);
        }
        if changed && state == "sent" {
            self.sent_at = Some(at);
        }
    }

    /// The folded state, as far as this row holds it.
    pub fn restore(&self) -> Result<FollowUp, NoId> {
        let why = || self.reason.as_ref().map(|Json(reason)| Why::from(reason)).unwrap_or_default();
        Ok(FollowUp {
            id: self.id.parse()?,
            due_at: self.due_at,
            timezone: self.timezone.clone(),
            phrase: self.phrase.clone(),
            rule: self.rule.clone(),
            intention: self.intention.clone(),
            text: self.text.clone(),
            topic: self.topic.clone(),
            cancel_on: CancelOn::of_name(&self.cancel_on).unwrap_or(CancelOn::ClientResponse),
            action: v1::Action {
                kind: self.action.0.kind.clone(),
                prompt: self.action.0.prompt.clone().unwrap_or_default(),
                tool: self.action.0.tool.clone().unwrap_or_default(),
                input: self.action.0.input.clone().unwrap_or_default(),
            },
            scheduled_reason: self.scheduled_reason.clone(),
            key: self.key.clone(),
            asked_by: self.asked_by.clone(),
            language: self.language.clone(),
            context: self.context.clone(),
            // Nothing that rows hold is decided by it.
            asked_in: None,
            set_at: self.created_at,
            state: match self.state.as_str() {
                "due" => {
                    let message_id = self.message_id.as_ref().map(|id| id.parse()).transpose()?;
                    FollowUpState::Due { message_id }
                }
                "sent" => FollowUpState::Sent,
                "done" => FollowUpState::Done,
                "cancelled" => FollowUpState::Cancelled(why()),
                "expired" => FollowUpState::Expired(why()),
                "failed" => FollowUpState::Failed(why()),
                "unknown" => FollowUpState::Unknown(why()),
                _ => FollowUpState::Pending,
            },
        })
    }
}
