//! What users see as the evidence of a message.

use serde::Serialize;
use steward_domain::channel::Capabilities;
use steward_proto::{Event, from_timestamp, v1};
use utoipa::{ToSchema, openapi::schema::Object};
use uuid::Uuid;

use super::Told;
use crate::{
    models::{ConversationRow, EventRow, MessageRow, OutgoingView},
    read::{
        view::{Time, given, one_of},
        words,
    },
    rows::Reason,
};

/// What led to a message, and what became of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Evidence)]
pub struct EvidenceView {
    pub message: OutgoingView,
    /// What the message answers: the client's words, the promise and its due time.
    pub trigger: Vec<EntryView>,
    pub decision: DecisionView,
    /// What was changed before it was sent: moved, edited, held, approved, put off, tried again.
    pub changes: Vec<EntryView>,
    pub attempts: Vec<AttemptView>,
    /// What the provider said afterwards.
    pub receipts: Vec<ReceiptView>,
    pub ending: EndingView,
    /// All events that concern the message, the oldest first.
    pub events: Vec<EntryView>,
}

/// An event, told in words.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EvidenceEntry)]
pub struct EntryView {
    pub position: u64,
    #[schema(value_type = String)]
    pub event_id: Uuid,
    #[serde(rename = "type")]
    pub type_name: String,
    pub at: Time,
    pub actor: String,
    pub summary: String,
}

/// Who decided that the message is sent, and on which grounds.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Decision)]
pub struct DecisionView {
    pub by: Option<String>,
    pub at: Option<Time>,
    #[schema(value_type = Option<String>)]
    pub event_id: Option<Uuid>,
    pub turn: Option<TurnView>,
    pub follow_up_id: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TurnOfDecision)]
pub struct TurnView {
    pub id: String,
    pub brain: String,
    pub model: Option<String>,
}

/// One attempt: the checks before it, what was asked of the provider, and what the provider answered.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Attempt)]
pub struct AttemptView {
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
    /// What was checked before the attempt, with the values that were seen.
    pub checks: Vec<CheckView>,
    #[schema(schema_with = outcomes)]
    pub outcome: &'static str,
    pub answered_at: Option<Time>,
    /// What the provider answered, or why there is no answer.
    pub answer: Option<OutcomeView>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Check)]
pub struct CheckView {
    pub name: String,
    pub value: String,
}

/// How an attempt ended.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
#[schema(as = ProvidersAnswer)]
pub enum OutcomeView {
    Sent { provider_message_id: Option<String>, provider_answer: Option<String> },
    Failed { reason: Option<Reason>, permanent: bool, provider_code: Option<String> },
    Deferred { reason: Option<Reason>, until: Option<Time> },
    Unknown { reason: Option<Reason> },
}

/// What the provider said of the message afterwards.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Receipt)]
pub struct ReceiptView {
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

/// How the message ended, or where it stands.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Ending)]
pub struct EndingView {
    pub state: String,
    pub reason: Option<Reason>,
    pub because: Option<EntryView>,
    /// If its fate is unknown: what may still say whether the recipient has it.
    pub settled_by: Option<&'static str>,
}

fn outcomes() -> Object {
    one_of(["open", "sent", "failed", "deferred", "unknown"])
}

impl EvidenceView {
    pub(super) fn of(message: MessageRow, conversation: Option<&ConversationRow>, told: &Told) -> Self {
        let of = |types: &[&str]| -> Vec<EntryView> {
            let wanted = told.0.iter().filter(|(row, _)| types.contains(&row.type_name.as_str()));
            wanted.map(|(row, _)| EntryView::from(row)).collect()
        };
        Self {
            trigger: of(&["ClientResponded", "FollowUpScheduled", "FollowUpDue"]),
            decision: DecisionView::of(&message, told),
            changes: of(&[
                "MessageDue",
                "MessageMoved",
                "MessageEdited",
                "MessageHeld",
                "MessageApproved",
                "MessageReleased",
                "MessageRetried",
                "SendDeferred",
                "FollowUpMoved",
                "FollowUpTextChanged",
            ]),
            attempts: attempts(&message, told),
            receipts: receipts(told),
            ending: EndingView::of(&message, conversation, told),
            events: told.0.iter().map(|(row, _)| EntryView::from(row)).collect(),
            message: OutgoingView::of(message, conversation),
        }
    }
}

impl From<&EventRow> for EntryView {
    fn from(row: &EventRow) -> Self {
        Self {
            position: row.position,
            event_id: row.event_id,
            type_name: row.type_name.clone(),
            at: Time(row.at),
            actor: row.actor.clone(),
            summary: words::summary(row),
        }
    }
}

impl DecisionView {
    fn of(message: &MessageRow, told: &Told) -> Self {
        let made = told.0.iter().find(|(_, event)| match event {
            Event::MessageQueued(e) => e.message.as_ref().is_some_and(|m| m.message_id == message.id),
            Event::FollowUpDue(e) => e.message.as_ref().is_some_and(|m| m.message_id == message.id),
            _ => false,
        });
        let turn = told.0.iter().rev().find_map(|(_, event)| match event {
            Event::TurnStarted(e) => {
                Some(TurnView { id: e.turn_id.clone(), brain: e.brain.clone(), model: given(e.model.clone()) })
            }
            _ => None,
        });
        Self {
            by: made.map(|(row, _)| row.actor.clone()),
            at: made.map(|(row, _)| Time(row.at)),
            event_id: made.map(|(row, _)| row.event_id),
            turn,
            follow_up_id: given(message.follow_up_id.clone()),
        }
    }
}

impl EndingView {
    fn of(message: &MessageRow, conversation: Option<&ConversationRow>, told: &Told) -> Self {
        let about_it = |id: &str| id == message.id;
        let reason = message.reason.as_ref().map(|reason| reason.0.clone());
        let behind = reason.as_ref().and_then(|reason| reason.event_id.as_deref());
        let ending = told.0.iter().rev().find(|(row, event)| match event {
            Event::MessageCancelled(e) => about_it(&e.message_id),
            Event::MessageExpired(e) => about_it(&e.message_id),
            Event::DispatchSucceeded(e) => about_it(&e.message_id),
            Event::DispatchFailed(e) => about_it(&e.message_id),
            Event::DispatchUnknown(e) => about_it(&e.message_id),
            Event::FollowUpCancelled(_) | Event::FollowUpExpired(_) | Event::DeliveryReported(_) => true,
            _ => behind.is_some_and(|id| row.event_id.to_string() == id),
        });
        let because = ending.map(|(row, _)| EntryView::from(row));
        let unknown = message.state == "unknown";
        Self {
            state: message.state.clone(),
            because,
            settled_by: conversation.filter(|_| unknown).map(|c| Capabilities::of(&c.channel).unknown.name()),
            reason,
        }
    }
}

fn attempts(message: &MessageRow, told: &Told) -> Vec<AttemptView> {
    let claims = told.0.iter().filter_map(|(row, event)| match event {
        Event::DispatchStarted(e) if e.message_id == message.id => Some((row, e)),
        _ => None,
    });
    let view = |(row, claim): (&EventRow, &v1::DispatchStarted)| {
        let answered = told.0.iter().find_map(|(row, event)| Some((row.at, OutcomeView::of(event, &claim.claim_id)?)));
        let (answered_at, answer) = answered.unzip();
        AttemptView {
            claim_id: claim.claim_id.clone(),
            attempt: claim.attempt,
            part: claim.part,
            parts: claim.parts,
            worker: claim.worker.clone(),
            claimed_at: Time(row.at),
            expires_at: from_timestamp(claim.expires_at.as_ref()).map(Time),
            request_hash: claim.request_hash.clone(),
            template: given(claim.template.clone()),
            checks: claim.checks.iter().map(|c| CheckView { name: c.name.clone(), value: c.value.clone() }).collect(),
            outcome: answer.as_ref().map_or("open", OutcomeView::state),
            answered_at: answered_at.map(Time),
            answer,
        }
    };
    claims.map(view).collect()
}

impl OutcomeView {
    /// How the claim ended, if this event says so.
    fn of(event: &Event, claim_id: &str) -> Option<Self> {
        let mine = |id: &str| id == claim_id;
        let because = |reason: &Option<v1::Reason>| reason.as_ref().map(Reason::from);
        Some(match event {
            Event::DispatchSucceeded(e) if mine(&e.claim_id) => Self::Sent {
                provider_message_id: given(e.provider_message_id.clone()),
                provider_answer: given(e.answer.clone()),
            },
            Event::DispatchFailed(e) if mine(&e.claim_id) => Self::Failed {
                reason: because(&e.reason),
                permanent: e.permanent,
                provider_code: given(e.provider_code.clone()),
            },
            Event::DispatchDeferred(e) if mine(&e.claim_id) => {
                Self::Deferred { reason: because(&e.reason), until: from_timestamp(e.until.as_ref()).map(Time) }
            }
            Event::DispatchUnknown(e) if mine(&e.claim_id) => Self::Unknown { reason: because(&e.reason) },
            _ => return None,
        })
    }

    /// The name of the outcome in JSON.
    fn state(&self) -> &'static str {
        match self {
            Self::Sent { .. } => "sent",
            Self::Failed { .. } => "failed",
            Self::Deferred { .. } => "deferred",
            Self::Unknown { .. } => "unknown",
        }
    }
}

fn receipts(told: &Told) -> Vec<ReceiptView> {
    let reports = told.0.iter().filter_map(|(row, event)| match event {
        Event::DeliveryReported(e) => Some((row, e)),
        _ => None,
    });
    let view = |(row, e): (&EventRow, &v1::DeliveryReported)| ReceiptView {
        status: e.status.clone(),
        at: from_timestamp(e.at.as_ref()).map(Time),
        recorded_at: Time(row.at),
        provider_message_id: given(e.provider_message_id.clone()),
        reason: e.reason.as_ref().map(Reason::from),
        provider_code: given(e.provider_code.clone()),
        event_id: row.event_id,
        position: row.position,
    };
    reports.map(view).collect()
}
