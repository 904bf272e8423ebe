//! `GET /api/v1/outbox/{id}/evidence`: everything that led to a message and all that became of it, told from the log.

use std::{collections::BTreeSet, sync::Arc};

use axum::extract::State;
use steward_domain::channel::Capabilities;
use steward_http::{Caller, Problem};
use steward_proto::{Event, from_timestamp, v1};
use uuid::Uuid;

use super::{
    answer::{Answer, Fresh, Id},
    conversations,
    desk::Desk,
    messages,
    openapi::Unread,
    params::Params,
    show::{self, text},
    snapshot::Snapshot,
    view::{
        Reason, Time,
        evidence::{
            Attempt, Check, Decision, Ending, Evidence, EvidenceEntry, ProvidersAnswer, Receipt, TurnOfDecision,
        },
    },
    words,
};
use crate::rows::{ConversationRow, EventRow, MessageRow, columns, hashed};

/// Events read for one message. A message has a dozen; retried for weeks it might have more.
const MOST_EVENTS: u32 = 2000;

/// What led to a message and all that became of it, told from the log; for one that was not sent, up to the reason
#[utoipa::path(
    get,
    path = "/api/v1/outbox/{id}/evidence",
    tag = "outbox",
    operation_id = "get_evidence",
    params(Fresh),
    responses((status = 200, description = "as of Steward-Position", body = Evidence), Unread),
)]
pub async fn of_message(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    _: Fresh,
    Id(id): Id,
    params: Params,
) -> Result<Answer, Problem> {
    params.finish(&[])?;
    let mut reading = desk.begin(&caller).await?;
    let snapshot = reading.snapshot().await?;
    let message = messages::find(&snapshot, &caller, &id).await?;
    let own = conversations::of_rows(&snapshot, &caller, std::iter::once(message.conversation_id.as_str())).await?;
    let events = Told::of(&snapshot, &message).await?;
    let body = evidence(&message, own.get(&message.conversation_id), &events);
    Ok(snapshot.answer(&body))
}

/// The events that tell of one message, oldest first.
struct Told(Vec<(EventRow, Event)>);

impl Told {
    async fn of(snapshot: &Snapshot<'_>, message: &MessageRow) -> Result<Self, Problem> {
        let some = |ids: Vec<&str>| -> Vec<Vec<u8>> {
            ids.into_iter().filter(|id| !id.is_empty()).map(|id| id.as_bytes().to_vec()).collect()
        };
        let named = some(vec![&message.id, &message.follow_up_id, &message.turn_id]);
        let by_provider = some(message.provider_ids.0.iter().map(String::as_str).collect());
        let mentions = "EXISTS (SELECT 1 FROM unnest({}::bytea[]) AS name WHERE position(name IN payload) > 0)";
        let first = format!(
            "{} OR (type_name = 'DeliveryReported' AND {})",
            mentions.replace("{}", "$3"),
            mentions.replace("{}", "$4")
        );
        let mut told = Self::read(snapshot, message, &first, named, by_provider).await?;
        // What those name in turn: the turn that promised the follow-up, the words it answered, what a reason points to.
        let further = told.names();
        let second = format!(
            "{} AND type_name IN ('TurnStarted', 'ClientResponded') OR convert_to(event_id::text, 'UTF8') = ANY($4::bytea[])",
            mentions.replace("{}", "$3")
        );
        let more = Self::read(snapshot, message, &second, further.clone(), told.reasons(message)).await?;
        told.add(more);
        // The words that the promising turn answered.
        let asked = told.names();
        if asked != further {
            let more = Self::read(snapshot, message, &second, asked, Vec::new()).await?;
            told.add(more);
        }
        Ok(told)
    }

    async fn read(
        snapshot: &Snapshot<'_>,
        message: &MessageRow,
        condition: &str,
        third: Vec<Vec<u8>>,
        fourth: Vec<Vec<u8>>,
    ) -> Result<Self, Problem> {
        let sql = format!(
            "SELECT {} FROM {}.events WHERE tenant = $1 AND aggregate = 'conversation' AND {} AND ({condition}) \
             ORDER BY position LIMIT {MOST_EVENTS}",
            columns::<EventRow>(),
            snapshot.schema,
            hashed::is("aggregate_id", "$2")
        );
        let values: [super::snapshot::Value; 4] = [
            Box::new(message.tenant.clone()),
            Box::new(message.conversation_id.clone()),
            Box::new(third),
            Box::new(fourth),
        ];
        let rows = snapshot.rows::<EventRow>(&sql, "position", &values).await?;
        let decoded = rows.items.into_iter().filter_map(|row| {
            let event = Event::decode(&row.type_name, row.schema_version, &row.payload).ok()?;
            concerns(&event, message).then_some((row, event))
        });
        Ok(Self(decoded.collect()))
    }

    fn add(&mut self, more: Self) {
        let here: BTreeSet<u64> = self.0.iter().map(|(row, _)| row.position).collect();
        self.0.extend(more.0.into_iter().filter(|(row, _)| !here.contains(&row.position)));
        self.0.sort_by_key(|(row, _)| row.position);
    }

    /// Turns and client messages that these events name.
    fn names(&self) -> Vec<Vec<u8>> {
        let mut names = BTreeSet::new();
        for (_, event) in &self.0 {
            match event {
                Event::FollowUpScheduled(e) => names.extend([e.turn_id.as_str()]),
                Event::TurnStarted(e) => names.extend(e.message_ids.iter().map(String::as_str)),
                _ => {}
            }
        }
        names.into_iter().filter(|name| !name.is_empty()).map(|name| name.as_bytes().to_vec()).collect()
    }

    /// Events that the reasons point to; also of what the fold ended by itself and nobody has announced yet.
    fn reasons(&self, message: &MessageRow) -> Vec<Vec<u8>> {
        let told = self.0.iter().filter_map(|(_, event)| Some(reason_of(event)?.event_id.as_str()));
        let own = message.reason.as_ref().and_then(|reason| reason.0.event_id.as_deref());
        let ids: BTreeSet<Uuid> = told.chain(own).filter_map(|id| id.parse().ok()).collect();
        ids.into_iter().map(|id| id.to_string().into_bytes()).collect()
    }
}

/// Not what the same turn decided beside it, nor another promise that renewed its own.
fn concerns(event: &Event, message: &MessageRow) -> bool {
    let follow_up = |id: &str| id == message.follow_up_id;
    match event {
        Event::MessageQueued(e) => e.message.as_ref().is_some_and(|m| m.message_id == message.id),
        Event::FollowUpScheduled(e) => follow_up(&e.follow_up_id),
        Event::FollowUpMoved(e) => follow_up(&e.follow_up_id),
        Event::FollowUpCancelled(e) => follow_up(&e.follow_up_id),
        Event::DraftSuppressed(_) | Event::TurnSuperseded(_) => false,
        _ => true,
    }
}

fn reason_of(event: &Event) -> Option<&v1::Reason> {
    match event {
        Event::MessageCancelled(e) => e.reason.as_ref(),
        Event::MessageExpired(e) => e.reason.as_ref(),
        Event::MessageHeld(e) => e.reason.as_ref(),
        Event::SendDeferred(e) => e.reason.as_ref(),
        Event::FollowUpCancelled(e) => e.reason.as_ref(),
        Event::FollowUpExpired(e) => e.reason.as_ref(),
        Event::DispatchFailed(e) => e.reason.as_ref(),
        Event::DispatchDeferred(e) => e.reason.as_ref(),
        Event::DispatchUnknown(e) => e.reason.as_ref(),
        Event::DeliveryReported(e) => e.reason.as_ref(),
        _ => None,
    }
}

fn shown(reason: Option<&v1::Reason>) -> Option<Reason> {
    reason.map(|r| Reason { code: r.code.clone(), text: r.text.clone(), event_id: text(&r.event_id) })
}

fn entry(row: &EventRow) -> EvidenceEntry {
    EvidenceEntry {
        position: row.position,
        event_id: row.event_id,
        r#type: row.type_name.clone(),
        at: Time(row.at),
        actor: row.actor.clone(),
        summary: words::summary(row),
    }
}

fn evidence(message: &MessageRow, conversation: Option<&ConversationRow>, told: &Told) -> Evidence {
    let of = |types: &[&str]| -> Vec<EvidenceEntry> {
        told.0.iter().filter(|(row, _)| types.contains(&row.type_name.as_str())).map(|(row, _)| entry(row)).collect()
    };
    let about_it = |id: &str| id == message.id;
    let behind = message.reason.as_ref().and_then(|reason| reason.0.event_id.as_deref());
    let ending = told.0.iter().rev().find(|(row, event)| match event {
        Event::MessageCancelled(e) => about_it(&e.message_id),
        Event::MessageExpired(e) => about_it(&e.message_id),
        Event::DispatchSucceeded(e) => about_it(&e.message_id),
        Event::DispatchFailed(e) => about_it(&e.message_id),
        Event::DispatchUnknown(e) => about_it(&e.message_id),
        Event::FollowUpCancelled(_) | Event::FollowUpExpired(_) | Event::DeliveryReported(_) => true,
        _ => behind.is_some_and(|id| row.event_id.to_string() == id),
    });
    // What may still say whether the recipient has it.
    let settled_by = conversation.filter(|_| message.state == "unknown").map(|c| Capabilities::of(&c.channel).unknown);
    Evidence {
        message: show::outgoing(message, conversation),
        trigger: of(&["ClientResponded", "FollowUpScheduled", "FollowUpDue"]),
        decision: decision(message, told),
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
        attempts: attempts(message, told),
        receipts: receipts(told),
        ending: Ending {
            state: message.state.clone(),
            reason: message.reason.as_ref().map(|reason| (&reason.0).into()),
            because: ending.map(|(row, _)| entry(row)),
            settled_by: settled_by.map(|by| by.name().to_owned()),
        },
        events: told.0.iter().map(|(row, _)| entry(row)).collect(),
    }
}

/// Who decided that it be sent, and with what.
fn decision(message: &MessageRow, told: &Told) -> Decision {
    let made = told.0.iter().find(|(_, event)| match event {
        Event::MessageQueued(e) => e.message.as_ref().is_some_and(|m| m.message_id == message.id),
        Event::FollowUpDue(e) => e.message.as_ref().is_some_and(|m| m.message_id == message.id),
        _ => false,
    });
    let turn = told.0.iter().rev().find_map(|(_, event)| match event {
        Event::TurnStarted(e) => {
            Some(TurnOfDecision { id: e.turn_id.clone(), brain: e.brain.clone(), model: text(&e.model) })
        }
        _ => None,
    });
    Decision {
        by: made.map(|(row, _)| row.actor.clone()),
        at: made.map(|(row, _)| Time(row.at)),
        event_id: made.map(|(row, _)| row.event_id),
        turn,
        follow_up_id: text(&message.follow_up_id),
    }
}

/// Each claim with the checks before it, what was asked of the provider and what it answered.
fn attempts(message: &MessageRow, told: &Told) -> Vec<Attempt> {
    let claims = told.0.iter().filter_map(|(row, event)| match event {
        Event::DispatchStarted(e) if e.message_id == message.id => Some((row, e)),
        _ => None,
    });
    claims
        .map(|(row, claim)| {
            let answer = told.0.iter().find_map(|(row, event)| Some((row, outcome(event, &claim.claim_id)?)));
            Attempt {
                claim_id: claim.claim_id.clone(),
                attempt: claim.attempt,
                part: claim.part,
                parts: claim.parts,
                worker: claim.worker.clone(),
                claimed_at: Time(row.at),
                expires_at: from_timestamp(claim.expires_at.as_ref()).map(Time),
                request_hash: claim.request_hash.clone(),
                template: text(&claim.template),
                checks: claim.checks.iter().map(|c| Check { name: c.name.clone(), value: c.value.clone() }).collect(),
                outcome: answer.as_ref().map_or("open", |(_, outcome)| outcome.state()),
                answered_at: answer.as_ref().map(|(row, _)| Time(row.at)),
                answer: answer.map(|(_, outcome)| outcome),
            }
        })
        .collect()
}

/// What came of a claim, if this event says so.
fn outcome(event: &Event, claim_id: &str) -> Option<ProvidersAnswer> {
    let mine = |id: &str| id == claim_id;
    Some(match event {
        Event::DispatchSucceeded(e) if mine(&e.claim_id) => ProvidersAnswer::Sent {
            provider_message_id: text(&e.provider_message_id),
            provider_answer: text(&e.answer),
        },
        Event::DispatchFailed(e) if mine(&e.claim_id) => ProvidersAnswer::Failed {
            reason: shown(e.reason.as_ref()),
            permanent: e.permanent,
            provider_code: text(&e.provider_code),
        },
        Event::DispatchDeferred(e) if mine(&e.claim_id) => ProvidersAnswer::Deferred {
            reason: shown(e.reason.as_ref()),
            until: from_timestamp(e.until.as_ref()).map(Time),
        },
        Event::DispatchUnknown(e) if mine(&e.claim_id) => ProvidersAnswer::Unknown { reason: shown(e.reason.as_ref()) },
        _ => return None,
    })
}

/// What the provider said later.
fn receipts(told: &Told) -> Vec<Receipt> {
    let reports = told.0.iter().filter_map(|(row, event)| match event {
        Event::DeliveryReported(e) => Some((row, e)),
        _ => None,
    });
    reports
        .map(|(row, e)| Receipt {
            status: e.status.clone(),
            at: from_timestamp(e.at.as_ref()).map(Time),
            recorded_at: Time(row.at),
            provider_message_id: text(&e.provider_message_id),
            reason: shown(e.reason.as_ref()),
            provider_code: text(&e.provider_code),
            event_id: row.event_id,
            position: row.position,
        })
        .collect()
}
