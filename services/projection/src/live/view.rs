//! What a domain event looks like on the live stream: at most one event of one of five kinds.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use steward_proto::{Event, Recorded, from_timestamp, v1};

use crate::{
    read::{Time, show_message},
    rows::MessageRow,
};

/// The kinds of live events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    TaskUpdate,
    NewMessage,
    ArtifactStream,
    TerminalLog,
    SystemNotification,
}

impl Kind {
    pub const ALL: [Self; 5] =
        [Self::TaskUpdate, Self::NewMessage, Self::ArtifactStream, Self::TerminalLog, Self::SystemNotification];

    pub fn name(self) -> &'static str {
        match self {
            Self::TaskUpdate => "task_update",
            Self::NewMessage => "new_message",
            Self::ArtifactStream => "artifact_stream",
            Self::TerminalLog => "terminal_log",
            Self::SystemNotification => "system_notification",
        }
    }

    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The events that make one of this kind, as subjects name them; `None`: too many to list.
    pub fn events(self) -> Option<&'static [&'static str]> {
        match self {
            Self::NewMessage => Some(&["client_responded", "human_responded", "dispatch_succeeded"]),
            Self::SystemNotification => Some(&[
                "human_requested",
                "human_takeover_started",
                "human_takeover_ended",
                "recipient_blocked",
                "recipient_unblocked",
                "webhook_disabled",
                "breaker_tripped",
                "breaker_reset",
            ]),
            // Nothing makes them yet.
            Self::ArtifactStream | Self::TerminalLog => Some(&[]),
            Self::TaskUpdate => None,
        }
    }
}

/// The kind and `data` of the live event that this event makes, if it makes one. The first message of a client says so in
/// `new_lead`, for it is a message already.
pub fn view(recorded: &Recorded, new_lead: bool) -> Option<(Kind, Value)> {
    let (kind, what) = match &recorded.event {
        Event::ClientResponded(e) => {
            let message = show_message(&MessageRow::received(recorded, e));
            (Kind::NewMessage, json!({ "message": message, "new_lead": new_lead }))
        }
        Event::HumanResponded(e) => {
            (Kind::NewMessage, json!({ "message": show_message(&MessageRow::seen(recorded, e)) }))
        }
        Event::DispatchSucceeded(e) => (Kind::NewMessage, json!({ "message": sent(recorded, e) })),
        other => notification(other)
            .map(|what| (Kind::SystemNotification, what))
            .or_else(|| task(other).map(|what| (Kind::TaskUpdate, what)))?,
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

/// A part that the channel took, in the form of a message.
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

fn notification(event: &Event) -> Option<Value> {
    let (level, code, more) = match event {
        Event::HumanRequested(e) => ("warning", "human_requested", json!({ "text": e.text })),
        Event::HumanTakeoverStarted(e) => {
            ("info", "takeover_started", json!({ "by": e.by, "via": e.via, "note": e.note }))
        }
        Event::HumanTakeoverEnded(e) => (
            "info",
            "takeover_ended",
            json!({ "by": e.by, "via": e.via, "cancelled_follow_up_ids": e.cancelled_follow_up_ids }),
        ),
        Event::RecipientBlocked(e) => ("warning", "recipient_blocked", json!({ "text": e.text })),
        Event::WebhookDisabled(e) => (
            "warning",
            "webhook_disabled",
            json!({ "webhook_id": e.webhook_id, "url": e.url, "reason": reason(e.reason.as_ref()) }),
        ),
        Event::RecipientUnblocked(_) => ("info", "recipient_unblocked", json!({})),
        Event::BreakerTripped(e) => (
            "error",
            "breaker_open",
            json!({ "reason": reason(e.reason.as_ref()), "sends": e.sends, "failures": e.failures }),
        ),
        Event::BreakerReset(e) => ("info", "breaker_reset", json!({ "by": e.by, "note": e.note })),
        _ => return None,
    };
    let mut what = json!({ "level": level, "code": code });
    if let (Value::Object(what), Value::Object(more)) = (&mut what, more) {
        what.extend(more);
    }
    Some(what)
}

fn task(event: &Event) -> Option<Value> {
    let turn = |id: &str, state: &str, more: Value| json!({ "turn": { "id": id, "state": state }, "detail": more });
    Some(match event {
        Event::TurnStarted(e) => turn(&e.turn_id, "running", json!({ "brain": e.brain })),
        Event::TurnCompleted(e) => turn(&e.turn_id, "done", json!({ "outcome": e.outcome })),
        Event::TurnSuperseded(e) => turn(&e.turn_id, "superseded", reason(e.reason.as_ref())),
        Event::DraftSuppressed(e) => turn(&e.turn_id, "suppressed", json!({ "text": e.text })),
        Event::ContactChanged(_) => json!({ "contact": { "state": "changed" } }),
        Event::ContactArchived(_) => json!({ "contact": { "state": "archived" } }),
        Event::ContactMerged(e) => json!({ "contact": { "state": "merged", "id": e.contact_id, "into": e.into } }),
        Event::ContactSplit(e) => json!({ "contact": { "state": "split", "id": e.contact_id, "from": e.from } }),
        other => follow_up(other).or_else(|| outgoing(other)).or_else(|| delivery(other))?,
    })
}

fn follow_up(event: &Event) -> Option<Value> {
    let of =
        |id: &str, state: &str, reason: Value| json!({ "follow_up": { "id": id, "state": state, "reason": reason } });
    Some(match event {
        Event::FollowUpScheduled(e) => json!({ "follow_up": {
            "id": e.follow_up_id, "state": "pending", "due_at": time(from_timestamp(e.due_at.as_ref())), "timezone": e.timezone,
            "text": e.text, "phrase": e.phrase, "cancel_on": e.cancel_on, "renews": e.renews,
        } }),
        Event::FollowUpMoved(e) => json!({ "follow_up": {
            "id": e.follow_up_id, "state": "pending", "due_at": time(from_timestamp(e.due_at.as_ref())),
        } }),
        Event::FollowUpTextChanged(e) => {
            json!({ "follow_up": { "id": e.follow_up_id, "state": "pending", "text": e.text } })
        }
        Event::FollowUpDue(e) => json!({ "follow_up": {
            "id": e.follow_up_id, "state": "pending", "due": true,
            "message_id": e.message.as_ref().map(|m| m.message_id.as_str()),
        } }),
        Event::FollowUpCancelled(e) => of(&e.follow_up_id, "cancelled", reason(e.reason.as_ref())),
        Event::FollowUpExpired(e) => of(&e.follow_up_id, "expired", reason(e.reason.as_ref())),
        Event::FollowUpDone(e) => of(&e.follow_up_id, "done", Value::Null),
        Event::FollowUpFailed(e) => of(&e.follow_up_id, "failed", reason(e.reason.as_ref())),
        _ => return None,
    })
}

fn outgoing(event: &Event) -> Option<Value> {
    let of = |id: &str, follow_up_id: &str, state: &str, reason: Value| {
        let follow_up_id = Some(follow_up_id).filter(|id| !id.is_empty());
        json!({ "message": { "id": id, "state": state, "reason": reason, "follow_up_id": follow_up_id } })
    };
    Some(match event {
        Event::MessageQueued(v1::MessageQueued { message: Some(m) }) => json!({ "message": {
            "id": m.message_id, "state": "queued", "author": m.author, "text": m.text,
            "due_at": time(from_timestamp(m.due_at.as_ref())),
            "follow_up_id": Some(&m.follow_up_id).filter(|id| !id.is_empty()),
        } }),
        Event::MessageDue(e) => of(&e.message_id, "", "queued", Value::Null),
        Event::MessageMoved(e) => json!({ "message": {
            "id": e.message_id, "state": "queued", "due_at": time(from_timestamp(e.due_at.as_ref())),
        } }),
        Event::MessageCancelled(e) => of(&e.message_id, "", "cancelled", reason(e.reason.as_ref())),
        Event::MessageExpired(e) => of(&e.message_id, &e.follow_up_id, "expired", reason(e.reason.as_ref())),
        Event::MessageRetried(e) => of(&e.message_id, "", "queued", Value::Null),
        Event::SendDeferred(e) => of(&e.message_id, &e.follow_up_id, "deferred", reason(e.reason.as_ref())),
        Event::DispatchStarted(e) => of(&e.message_id, &e.follow_up_id, "claimed", Value::Null),
        Event::DispatchFailed(e) => of(&e.message_id, &e.follow_up_id, "failed", reason(e.reason.as_ref())),
        Event::DispatchDeferred(e) => of(&e.message_id, &e.follow_up_id, "deferred", reason(e.reason.as_ref())),
        Event::DispatchUnknown(e) => of(&e.message_id, &e.follow_up_id, "unknown", reason(e.reason.as_ref())),
        // By our id if the report carries it, else by the provider's.
        Event::DeliveryReported(e) => json!({ "message": {
            "id": Some(&e.message_id).filter(|id| !id.is_empty()),
            "external_id": Some(&e.provider_message_id).filter(|id| !id.is_empty()),
            "state": e.status, "reason": reason(e.reason.as_ref()),
        } }),
        Event::MessageHeld(e) => of(&e.message_id, &e.follow_up_id, "held", reason(e.reason.as_ref())),
        Event::MessageReleased(e) => of(&e.message_id, &e.follow_up_id, "queued", Value::Null),
        Event::MessageApproved(e) => of(&e.message_id, "", "queued", Value::Null),
        Event::MessageEdited(e) => json!({ "message": { "id": e.message_id, "state": "queued", "text": e.text } }),
        _ => return None,
    })
}

/// An event on its way to an outgoing webhook.
fn delivery(event: &Event) -> Option<Value> {
    let (state, delivery, why) = match event {
        Event::WebhookDelivered(e) => ("delivered", e.delivery.as_ref()?, Value::Null),
        Event::WebhookAttemptFailed(e) => ("retrying", e.delivery.as_ref()?, reason(e.reason.as_ref())),
        Event::WebhookDeliveryFailed(e) => ("failed", e.delivery.as_ref()?, reason(e.reason.as_ref())),
        Event::WebhookDeliveryRetried(e) => ("retrying", e.delivery.as_ref()?, Value::Null),
        _ => return None,
    };
    Some(json!({ "webhook_delivery": {
        "id": delivery.delivery_id, "webhook_id": delivery.webhook_id, "state": state, "attempts": delivery.attempt,
        "reason": why,
    } }))
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
    use steward_proto::{Metadata, SCHEMA_VERSION, snake_case};
    use uuid::Uuid;

    use super::*;

    /// With a delivery in it, if it can hold one: without, nothing is shown.
    const PAYLOADS: [&[u8]; 2] = [&[], &[0x0a, 0x00]];

    #[test]
    fn each_kind_names_all_events_that_make_it() {
        for name in Event::TYPES {
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
                for of in Kind::ALL {
                    let named = of.events().is_some_and(|events| events.contains(&snake_case(name).as_str()));
                    assert!(!named || kind == Some(of), "{name} is no {}", of.name());
                    assert!(named || of.events().is_none() || kind != Some(of), "{name} is missing from {}", of.name());
                }
            }
        }
    }
}
