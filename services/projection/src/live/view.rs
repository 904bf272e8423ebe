//! What the live stream shows of a domain event: one live event at most, of the kind that the domain says.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use steward_domain::{kernel::Live, told};
use steward_proto::{
    ByAggregate, ContactEvent, ConversationEvent, DeliveryEvent, Event, Recorded, RunEvent, SCHEMA_VERSION,
    TenantEvent, WebhookEvent, from_timestamp, snake_case, v1,
};

use crate::{
    models::{MessageRow, MessageView},
    read::Time,
};

/// The events that make a live event of this kind, by their names in subjects; `None`: too many to list.
pub fn events_of(kind: Live) -> Option<Vec<String>> {
    let made =
        |name: &&&str| Event::decode(name, SCHEMA_VERSION, &[]).is_ok_and(|event| told::live(&event) == Some(kind));
    let made: Vec<String> = Event::TYPES.iter().filter(made).map(|name| snake_case(name)).collect();
    (kind != Live::TaskUpdate).then_some(made)
}

/// The kind and `data` of the live event that this event makes, if it makes one. A client's first message is no event
/// of its own: `new_lead` marks it.
pub fn view(recorded: &Recorded, new_lead: bool) -> Option<(Live, Value)> {
    let kind = told::live(&recorded.event)?;
    let what = match recorded.event.by_aggregate()? {
        ByAggregate::Conversation(e) => in_conversation(recorded, e, new_lead)?,
        ByAggregate::Contact(e) => contact(e)?,
        ByAggregate::Tenant(e) => tenant(e)?,
        ByAggregate::Webhook(e) => webhook(e)?,
        ByAggregate::Delivery(e) => delivery(e)?,
        ByAggregate::Run(e) => run(e),
        // Whatever is told live has its view above; a test asks it of every event.
        _ => return None,
    };
    let conversation_id = (&*recorded.subject.aggregate == "conversation").then(|| recorded.subject.id.to_string());
    let mut data = Map::new();
    data.insert("position".to_owned(), recorded.position.into());
    data.insert("event_id".to_owned(), recorded.metadata.event_id.to_string().into());
    data.insert("type".to_owned(), recorded.metadata.type_name.clone().into());
    data.insert("conversation_id".to_owned(), conversation_id.into());
    data.insert("at".to_owned(), json!(Time(recorded.metadata.at)));
    data.insert("actor".to_owned(), recorded.metadata.actor.clone().into());
    if let Value::Object(what) = what {
        data.extend(what);
    }
    Some((kind, Value::Object(data)))
}

/// A part of a message that the channel took, in the form of a message.
fn sent(recorded: &Recorded, e: &v1::DispatchSucceeded) -> Value {
    let text = |s: &str| Some(s.to_owned()).filter(|s| !s.is_empty());
    json!({
        "id": e.message_id,
        "conversation_id": recorded.subject.id.to_string(),
        "direction": "out",
        "author": text(&e.author).unwrap_or_else(|| "bot".to_owned()),
        "kind": "text",
        "text": e.text,
        "external_id": text(&e.provider_message_id),
        "state": "sent",
        "reason": null,
        "at": Time(recorded.metadata.at),
        "sent_at": Time(from_timestamp(e.sent_at.as_ref()).unwrap_or(recorded.metadata.at)),
        "delivered_at": null,
        "read_at": null,
        "follow_up_id": text(&e.follow_up_id),
        "part": e.part,
        "parts": e.parts.max(1),
        "position": recorded.position,
    })
}

fn in_conversation(recorded: &Recorded, event: ConversationEvent<'_>, new_lead: bool) -> Option<Value> {
    use ConversationEvent as E;
    let message = |id: &str, follow_up_id: &str, state: &str, reason: Value| json!({ "message": { "id": id, "state": state, "reason": reason, "follow_up_id": given(follow_up_id) } });
    let follow_up =
        |id: &str, state: &str, reason: Value| json!({ "follow_up": { "id": id, "state": state, "reason": reason } });
    let turn = |id: &str, state: &str, more: Value| json!({ "turn": { "id": id, "state": state }, "detail": more });
    Some(match event {
        E::ClientResponded(e) => {
            let message = MessageView::from(MessageRow::received(recorded, e));
            json!({ "message": message, "new_lead": new_lead })
        }
        E::HumanResponded(e) => json!({ "message": MessageView::from(MessageRow::seen(recorded, e)) }),
        E::DispatchSucceeded(e) => json!({ "message": sent(recorded, e) }),

        E::HumanRequested(e) => notice("warning", "human_requested", json!({ "text": e.text })),
        E::ContactOptedOut(e) => notice("warning", "contact_opted_out", json!({ "text": e.text })),
        E::ContactOptedIn(_) => notice("info", "contact_opted_in", json!({})),
        E::HumanTakeoverStarted(e) => {
            notice("info", "takeover_started", json!({ "by": e.by, "via": e.via, "note": e.note }))
        }
        E::HumanTakeoverEnded(e) => {
            let cancelled = &e.cancelled_follow_up_ids;
            notice("info", "takeover_ended", json!({ "by": e.by, "via": e.via, "cancelled_follow_up_ids": cancelled }))
        }
        E::RecipientBlocked(e) => notice("warning", "recipient_blocked", json!({ "text": e.text })),
        E::RecipientUnblocked(_) => notice("info", "recipient_unblocked", json!({})),

        E::TurnStarted(e) => turn(&e.turn_id, "running", json!({ "brain": e.brain })),
        E::TurnCompleted(e) => {
            turn(&e.turn_id, "done", json!({ "outcome": e.outcome, "degraded": given(&e.degraded) }))
        }
        E::TurnSuperseded(e) => turn(&e.turn_id, "superseded", reason(e.reason.as_ref())),
        E::DraftSuppressed(e) => turn(&e.turn_id, "suppressed", json!({ "text": e.text })),

        E::QuestionAsked(e) => turn(&e.turn_id, "asked", json!({ "intention": e.intention, "topic": e.topic })),

        E::IntentLeft(e) => json!({ "intent": { "id": e.intent_id, "state": "pending", "left": e.times } }),
        E::IntentResolved(e) => json!({ "intent": {
            "id": e.intent_id, "state": e.decision, "text": e.text, "reason": reason(e.reason.as_ref()),
        } }),

        E::FollowUpScheduled(e) => json!({ "follow_up": {
            "id": e.follow_up_id, "state": "pending", "due_at": time(from_timestamp(e.due_at.as_ref())), "timezone": e.timezone,
            "text": e.text, "topic": given(&e.topic), "phrase": e.phrase, "cancel_on": e.cancel_on, "renews": e.renews,
        } }),
        E::FollowUpMoved(e) => json!({ "follow_up": {
            "id": e.follow_up_id, "state": "pending", "due_at": time(from_timestamp(e.due_at.as_ref())),
        } }),
        E::FollowUpTextChanged(e) => {
            json!({ "follow_up": { "id": e.follow_up_id, "state": "pending", "text": e.text } })
        }
        E::FollowUpDue(e) => json!({ "follow_up": {
            "id": e.follow_up_id, "state": "pending", "due": true,
            "message_id": e.message.as_ref().map(|m| m.message_id.as_str()),
        } }),
        E::FollowUpCancelled(e) => follow_up(&e.follow_up_id, "cancelled", reason(e.reason.as_ref())),
        E::FollowUpExpired(e) => follow_up(&e.follow_up_id, "expired", reason(e.reason.as_ref())),
        E::FollowUpDone(e) => follow_up(&e.follow_up_id, "done", Value::Null),
        E::FollowUpFailed(e) => follow_up(&e.follow_up_id, "failed", reason(e.reason.as_ref())),

        E::MessageQueued(e) => {
            let m = e.message.as_ref()?;
            json!({ "message": {
                "id": m.message_id, "state": "queued", "author": m.author, "text": m.text,
                "due_at": time(from_timestamp(m.due_at.as_ref())), "follow_up_id": given(&m.follow_up_id),
            } })
        }
        E::MessageDue(e) => message(&e.message_id, "", "queued", Value::Null),
        E::MessageMoved(e) => json!({ "message": {
            "id": e.message_id, "state": "queued", "due_at": time(from_timestamp(e.due_at.as_ref())),
        } }),
        E::MessageCancelled(e) => message(&e.message_id, "", "cancelled", reason(e.reason.as_ref())),
        E::MessageExpired(e) => message(&e.message_id, &e.follow_up_id, "expired", reason(e.reason.as_ref())),
        E::MessageRetried(e) => message(&e.message_id, "", "queued", Value::Null),
        E::MessageHeld(e) => message(&e.message_id, &e.follow_up_id, "held", reason(e.reason.as_ref())),
        E::MessageReleased(e) => message(&e.message_id, &e.follow_up_id, "queued", Value::Null),
        E::MessageApproved(e) => message(&e.message_id, "", "queued", Value::Null),
        E::MessageEdited(e) => json!({ "message": { "id": e.message_id, "state": "queued", "text": e.text } }),
        E::SendDeferred(e) => message(&e.message_id, &e.follow_up_id, "deferred", reason(e.reason.as_ref())),
        E::DispatchStarted(e) => message(&e.message_id, &e.follow_up_id, "claimed", Value::Null),
        E::DispatchFailed(e) => message(&e.message_id, &e.follow_up_id, "failed", reason(e.reason.as_ref())),
        E::DispatchDeferred(e) => message(&e.message_id, &e.follow_up_id, "deferred", reason(e.reason.as_ref())),
        E::DispatchUnknown(e) => message(&e.message_id, &e.follow_up_id, "unknown", reason(e.reason.as_ref())),
        // The message is named by our id if the report carries it, otherwise by the provider's.
        E::DeliveryReported(e) => json!({ "message": {
            "id": given(&e.message_id), "external_id": given(&e.provider_message_id),
            "state": e.status, "reason": reason(e.reason.as_ref()),
        } }),

        E::UpdateKept(_)
        | E::RequestEdited(_)
        | E::MeetingBooked(_)
        | E::MeetingMoved(_)
        | E::MeetingCancelled(_)
        | E::AddressBound(_)
        | E::TalkSummarised(_)
        | E::BrainChosen(_) => return None,
    })
}

fn contact(event: ContactEvent<'_>) -> Option<Value> {
    Some(match event {
        ContactEvent::ContactChanged(_) => json!({ "contact": { "state": "changed" } }),
        ContactEvent::ContactArchived(_) => json!({ "contact": { "state": "archived" } }),
        ContactEvent::ContactMerged(e) => {
            json!({ "contact": { "state": "merged", "id": e.contact_id, "into": e.into } })
        }
        ContactEvent::ContactSplit(e) => json!({ "contact": { "state": "split", "id": e.contact_id, "from": e.from } }),
        ContactEvent::GoalSet(e) => json!({ "goal": { "id": e.goal_id, "state": "open", "title": e.title } }),
        ContactEvent::GoalChanged(e) => json!({ "goal": { "id": e.goal_id, "state": "open", "title": e.title } }),
        ContactEvent::GoalAchieved(e) => json!({ "goal": { "id": e.goal_id, "state": "achieved" } }),
        ContactEvent::GoalAbandoned(e) => {
            json!({ "goal": { "id": e.goal_id, "state": "abandoned", "reason": reason(e.reason.as_ref()) } })
        }
        ContactEvent::MilestoneRecorded(e) => {
            json!({ "milestone": { "id": e.milestone_id, "state": "active", "text": e.text } })
        }
        ContactEvent::MilestoneResolved(e) => json!({ "milestone": { "id": e.milestone_id, "state": "resolved" } }),
        ContactEvent::MilestoneDismissed(e) => {
            json!({ "milestone": { "id": e.milestone_id, "state": "dismissed", "reason": reason(e.reason.as_ref()) } })
        }
        ContactEvent::FactRemembered(e) => json!({ "fact": { "id": e.fact_id, "state": "known", "text": e.text } }),
        ContactEvent::FactRetired(e) => {
            json!({ "fact": { "id": e.fact_id, "state": "retired", "reason": reason(e.reason.as_ref()) } })
        }
        ContactEvent::TalkSearched(_) => return None,
    })
}

fn tenant(event: TenantEvent<'_>) -> Option<Value> {
    match event {
        TenantEvent::BreakerTripped(e) => {
            let why = reason(e.reason.as_ref());
            Some(notice("error", "breaker_open", json!({ "reason": why, "sends": e.sends, "failures": e.failures })))
        }
        TenantEvent::BreakerReset(e) => Some(notice("info", "breaker_reset", json!({ "by": e.by, "note": e.note }))),
        TenantEvent::BudgetNearlySpent(e) => {
            let more = json!({ "day": e.day, "micro_usd": e.micro_usd, "per_day": e.per_day });
            Some(notice("warning", "budget_nearly_spent", more))
        }
        TenantEvent::BudgetExhausted(e) => {
            let more = json!({ "day": e.day, "micro_usd": e.micro_usd, "per_day": e.per_day });
            Some(notice("warning", "budget_exhausted", more))
        }
        TenantEvent::BrainChosen(e) => Some(notice(
            "info",
            "brain_chosen",
            json!({ "provider": e.provider, "model": e.model, "job": e.job, "by": e.by }),
        )),
        TenantEvent::ApiKeyCreated(_)
        | TenantEvent::ApiKeyRevoked(_)
        | TenantEvent::SessionBegun(_)
        | TenantEvent::SessionEnded(_) => None,
    }
}

fn webhook(event: WebhookEvent<'_>) -> Option<Value> {
    match event {
        WebhookEvent::WebhookDisabled(e) => {
            let why = reason(e.reason.as_ref());
            let more = json!({ "webhook_id": e.webhook_id, "url": e.url, "reason": why });
            Some(notice("warning", "webhook_disabled", more))
        }
        WebhookEvent::WebhookCreated(_) | WebhookEvent::WebhookDeleted(_) | WebhookEvent::WebhookSecretRotated(_) => {
            None
        }
    }
}

/// What became of an event on its way to an outgoing webhook.
fn delivery(event: DeliveryEvent<'_>) -> Option<Value> {
    let (state, delivery, why) = match event {
        DeliveryEvent::WebhookDelivered(e) => ("delivered", e.delivery.as_ref()?, Value::Null),
        DeliveryEvent::WebhookAttemptFailed(e) => ("retrying", e.delivery.as_ref()?, reason(e.reason.as_ref())),
        DeliveryEvent::WebhookDeliveryFailed(e) => ("failed", e.delivery.as_ref()?, reason(e.reason.as_ref())),
        DeliveryEvent::WebhookDeliveryRetried(e) => ("retrying", e.delivery.as_ref()?, Value::Null),
    };
    Some(json!({ "webhook_delivery": {
        "id": delivery.delivery_id, "webhook_id": delivery.webhook_id, "state": state, "attempts": delivery.attempt,
        "reason": why,
    } }))
}

/// What a brain does in a turn.
fn run(event: RunEvent<'_>) -> Value {
    let step = |id: &str, step: &str, more: Value| json!({ "run": { "id": id, "step": step }, "detail": more });
    match event {
        RunEvent::ModelCallStarted(e) => step(&e.run_id, "asking", json!({ "model": e.model, "provider": e.provider })),
        RunEvent::ModelCallCompleted(e) => {
            step(&e.run_id, "answered", json!({ "model": e.model, "stop": e.stop, "micro_usd": e.micro_usd }))
        }
        RunEvent::ModelCallFailed(e) => step(&e.run_id, "no_answer", json!({ "model": e.model, "code": e.code })),
        RunEvent::ToolCallStarted(e) => step(&e.run_id, "tool", json!({ "tool": e.tool })),
        RunEvent::ToolCallReturned(e) => step(&e.run_id, "tool_done", json!({ "tool": e.tool, "failed": e.failed })),
        RunEvent::StepTaken(e) => step(&e.run_id, "noted", json!({ "kind": e.kind })),
        RunEvent::ExpertAnswered(e) => step(&e.run_id, "expert_answered", json!({ "expert": e.expert })),
        RunEvent::ClaimCorrected(e) => step(&e.run_id, "claim_corrected", json!({ "kind": e.kind, "why": e.why })),
        RunEvent::BrainUnavailable(e) => {
            let more = json!({ "reason": e.code, "instead": e.instead, "of_conversation": e.conversation_id });
            notice("warning", "brain_unavailable", more)
        }
    }
}

fn notice(level: &str, code: &str, more: Value) -> Value {
    let mut what = json!({ "level": level, "code": code });
    if let (Value::Object(what), Value::Object(more)) = (&mut what, more) {
        what.extend(more);
    }
    what
}

fn given(id: &str) -> Option<&str> {
    Some(id).filter(|id| !id.is_empty())
}

fn reason(reason: Option<&v1::Reason>) -> Value {
    reason.map_or(Value::Null, |r| json!({ "code": r.code, "text": r.text, "event_id": r.event_id }))
}

fn time(at: Option<DateTime<Utc>>) -> Option<Time> {
    at.map(Time)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use steward_proto::Metadata;
    use uuid::Uuid;

    use super::*;

    /// An empty event, and one whose first field is an empty message: a delivery, without which nothing would be shown.
    const PAYLOADS: [&[u8]; 2] = [&[], &[0x0a, 0x00]];

    #[test]
    fn each_kind_names_all_events_that_make_it() {
        for name in Event::TYPES {
            let (mut is_told, mut is_shown) = (false, false);
            for payload in PAYLOADS {
                let Ok(event) = Event::decode(name, SCHEMA_VERSION, payload) else { continue };
                let metadata = Metadata {
                    event_id: Uuid::nil(),
                    type_name: (*name).to_owned(),
                    schema_version: SCHEMA_VERSION,
                    at: Utc::now(),
                    causation_id: Uuid::nil(),
                    correlation_id: Uuid::nil(),
                    actor: String::new(),
                    traceparent: String::new(),
                };
                let subject = format!("ev.t.conversation.c.{}", snake_case(name)).parse().unwrap();
                let recorded = Recorded { position: 1, subject, metadata, event, payload: Default::default() };
                let kind = view(&recorded, false).map(|(kind, _)| kind);
                is_told |= told::live(&recorded.event).is_some();
                is_shown |= kind.is_some();
                // An empty event may show nothing where others of its type do.
                let shown = kind.is_some() || payload.is_empty() || told::live(&recorded.event).is_none();
                assert!(shown, "{name} is told live and not shown");
                for of in Live::ALL {
                    let named = events_of(of).is_some_and(|events| events.contains(&snake_case(name)));
                    assert!(!named || kind == Some(of), "{name} is no {}", of.name());
                    assert!(
                        named || events_of(of).is_none() || kind != Some(of),
                        "{name} is missing from {}",
                        of.name()
                    );
                }
            }
            assert_eq!(is_told, is_shown, "{name}");
        }
    }
}
