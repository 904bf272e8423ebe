//! What users see of what is remembered.

use serde::Serialize;
use utoipa::ToSchema;

use super::row::{Quote, RememberedRow};
use crate::{read::Time, rows::Reason};

/// The client's words that something was found in.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EvidenceOfMemory)]
pub struct EvidenceView {
    pub message_id: String,
    /// Stands in the message just so.
    pub quote: String,
    pub said_at: Option<Time>,
}

/// What a contact wants to reach.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Goal)]
pub struct GoalView {
    pub id: String,
    pub contact_id: String,
    pub title: String,
    /// open, achieved, abandoned
    pub state: String,
    pub due: Option<Time>,
    /// Percent.
    pub progress: u32,
    pub evidence: Vec<EvidenceView>,
    /// From 0 to 1.
    pub confidence: f64,
    /// Who set it: a brain, or who commanded it.
    pub by: String,
    pub ended_by: Option<String>,
    pub reason: Option<Reason>,
    /// The goal that stands for it, if two were merged.
    pub merged_into: Option<String>,
    pub created_at: Time,
    pub changed_at: Time,
    pub position: u64,
}

/// What happened to a contact, or is going to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Milestone)]
pub struct MilestoneView {
    pub id: String,
    pub contact_id: String,
    pub goal_id: Option<String>,
    pub text: String,
    /// active, resolved, dismissed
    pub state: String,
    pub happened_at: Option<Time>,
    pub evidence: Vec<EvidenceView>,
    /// From 0 to 1.
    pub confidence: f64,
    pub by: String,
    pub ended_by: Option<String>,
    pub reason: Option<Reason>,
    /// The one that it corrects.
    pub replaces: Option<String>,
    /// The one that stands for it.
    pub replaced_by: Option<String>,
    pub created_at: Time,
    pub changed_at: Time,
    pub position: u64,
}

/// What is so of a contact.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Fact)]
pub struct FactView {
    pub id: String,
    pub contact_id: String,
    pub text: String,
    /// known, retired
    pub state: String,
    pub evidence: Vec<EvidenceView>,
    /// From 0 to 1.
    pub confidence: f64,
    pub by: String,
    pub ended_by: Option<String>,
    pub reason: Option<Reason>,
    pub replaces: Option<String>,
    pub replaced_by: Option<String>,
    pub created_at: Time,
    pub changed_at: Time,
    pub position: u64,
}

fn evidence(quotes: Vec<Quote>) -> Vec<EvidenceView> {
    let view = |q: Quote| EvidenceView { message_id: q.message_id, quote: q.quote, said_at: q.said_at.map(Time) };
    quotes.into_iter().map(view).collect()
}

fn share(percent: u32) -> f64 {
    f64::from(percent) / 100.0
}

impl From<RememberedRow> for GoalView {
    fn from(row: RememberedRow) -> Self {
        Self {
            id: row.id,
            contact_id: row.contact_id,
            title: row.text,
            state: row.state,
            due: row.due_at.map(Time),
            progress: row.progress,
            evidence: evidence(row.evidence.0),
            confidence: share(row.confidence),
            by: row.set_by,
            ended_by: row.ended_by,
            reason: row.reason.map(|reason| reason.0),
            merged_into: row.instead,
            created_at: Time(row.created_at),
            changed_at: Time(row.changed_at),
            position: row.position,
        }
    }
}

impl From<RememberedRow> for MilestoneView {
    fn from(row: RememberedRow) -> Self {
        Self {
            id: row.id,
            contact_id: row.contact_id,
            goal_id: row.goal_id,
            text: row.text,
            state: row.state,
            happened_at: row.happened_at.map(Time),
            evidence: evidence(row.evidence.0),
            confidence: share(row.confidence),
            by: row.set_by,
            ended_by: row.ended_by,
            reason: row.reason.map(|reason| reason.0),
            replaces: row.replaces,
            replaced_by: row.instead,
            created_at: Time(row.created_at),
            changed_at: Time(row.changed_at),
            position: row.position,
        }
    }
}

impl From<RememberedRow> for FactView {
    fn from(row: RememberedRow) -> Self {
        Self {
            id: row.id,
            contact_id: row.contact_id,
            text: row.text,
            state: row.state,
            evidence: evidence(row.evidence.0),
            confidence: share(row.confidence),
            by: row.set_by,
            ended_by: row.ended_by,
            reason: row.reason.map(|reason| reason.0),
            replaces: row.replaces,
            replaced_by: row.instead,
            created_at: Time(row.created_at),
            changed_at: Time(row.changed_at),
            position: row.position,
        }
    }
}
