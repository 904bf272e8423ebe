//! What `GET /api/v1/outbox/{id}/evidence` answers.

use serde::Serialize;
use utoipa::{ToSchema, openapi::schema::Object};
use uuid::Uuid;

use super::{OutboxMessage, Reason, Time, one_of};

/// What led to a message and all that became of it.
#[derive(Serialize, ToSchema)]
pub struct Evidence {
    pub message: OutboxMessage,
    /// What it answers: the client's words, the promise and its due time.
    pub trigger: Vec<EvidenceEntry>,
    pub decision: Decision,
    /// Moved, edited, held, approved, put off, tried again.
    pub changes: Vec<EvidenceEntry>,
    pub attempts: Vec<Attempt>,
    /// What the provider said later.
    pub receipts: Vec<Receipt>,
    pub ending: Ending,
    /// All of these in the log's order.
    pub events: Vec<EvidenceEntry>,
}

/// An event in words.
#[derive(Serialize, ToSchema)]
pub struct EvidenceEntry {
    pub position: u64,
    #[schema(value_type = String)]
    pub event_id: Uuid,
    pub r#type: String,
    pub at: Time,
    pub actor: String,
    pub summary: String,
}

/// Who decided that it be sent, and with what.
#[derive(Serialize, ToSchema)]
pub struct Decision {
    pub by: Option<String>,
    pub at: Option<Time>,
    #[schema(value_type = Option<String>)]
    pub event_id: Option<Uuid>,
    pub turn: Option<TurnOfDecision>,
    pub follow_up_id: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct TurnOfDecision {
    pub id: String,
    pub brain: String,
    pub model: Option<String>,
}

/// A claim: the checks before it, what was asked of the provider and what it answered.
#[derive(Serialize, ToSchema)]
pub struct Attempt {
    pub claim_id: String,
    pub attempt: u32,
    pub part: u32,
    pub parts: u32,
    pub worker: String,
    pub claimed_at: Time,
    pub expires_at: Option<Time>,
    /// SHA-256 (hex) of recipient and text.
    pub request_hash: String,
    pub template: Option<String>,
    /// What was checked before the claim, with the values seen.
    pub checks: Vec<Check>,
    #[schema(schema_with = outcomes)]
    pub outcome: &'static str,
    pub answered_at: Option<Time>,
    /// What the provider answered, or why there is no answer.
    pub answer: Option<ProvidersAnswer>,
}

fn outcomes() -> Object {
    one_of(["open", "sent", "failed", "deferred", "unknown"])
}

#[derive(Serialize, ToSchema)]
pub struct Check {
    pub name: String,
    pub value: String,
}

/// What came of a claim.
#[derive(Serialize, ToSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum ProvidersAnswer {
    Sent { provider_message_id: Option<String>, provider_answer: Option<String> },
    Failed { reason: Option<Reason>, permanent: bool, provider_code: Option<String> },
    Deferred { reason: Option<Reason>, until: Option<Time> },
    Unknown { reason: Option<Reason> },
}

impl ProvidersAnswer {
    pub fn state(&self) -> &'static str {
        match self {
            Self::Sent { .. } => "sent",
            Self::Failed { .. } => "failed",
            Self::Deferred { .. } => "deferred",
            Self::Unknown { .. } => "unknown",
        }
    }
}

#[derive(Serialize, ToSchema)]
pub struct Receipt {
    pub status: String,
    pub at: Option<Time>,
    pub recorded_at: Time,
    pub provider_message_id: Option<String>,
    pub reason: Option<Reason>,
    pub provider_code: Option<String>,
    #[schema(value_type = String)]
    pub event_id: Uuid,
    pub position: u64,
}

/// How it ended, as far as it has.
#[derive(Serialize, ToSchema)]
pub struct Ending {
    pub state: String,
    pub reason: Option<Reason>,
    pub because: Option<EvidenceEntry>,
    /// For an unknown: what may still say whether the recipient has it.
    pub settled_by: Option<String>,
}
