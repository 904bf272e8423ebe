//! Rows as the JSON that users see.

use std::collections::HashMap;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};
use steward_domain::conversation::outbox::fingerprint;

use crate::{
    models::{ContactRow, ConversationRow, EventRow, FollowUpRow, MessageRow},
    rows::{Json, Reason},
};

/// RFC 3339 with offset.
pub fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

fn time_or_null(at: Option<DateTime<Utc>>) -> Option<String> {
    at.map(time)
}

/// What is absent is `null`.
fn text(value: &str) -> Option<&str> {
    Some(value).filter(|v| !v.is_empty())
}

fn reason(reason: Option<&Json<Reason>>) -> Value {
    reason.map_or(Value::Null, |Json(r)| json!({ "code": r.code, "text": r.text, "event_id": r.event_id }))
}

/// The contact's name: as set here, else as the channel says.
fn set_or_said<'a>(set: Option<&'a String>, said: &'a str) -> Option<&'a str> {
    set.map(String::as_str).or(text(said))
}

/// A contact, and the one that stands for it.
#[derive(Clone, Copy)]
pub struct Met<'a> {
    pub own: &'a ContactRow,
    pub survivor: Option<&'a ContactRow>,
}

impl<'a> Met<'a> {
    pub fn of(contacts: &'a HashMap<String, ContactRow>, id: &str) -> Option<Self> {
        let own = contacts.get(id)?;
        Some(Self { own, survivor: own.merged_into.as_ref().and_then(|into| contacts.get(into)) })
    }

    /// What was set: the surviving contact's word counts.
    fn set(&self, column: fn(&ContactRow) -> Option<&String>) -> Option<&'a String> {
        self.survivor.and_then(column).or_else(|| column(self.own))
    }
}

pub fn conversation(row: &ConversationRow, contact: Option<Met<'_>>) -> Value {
    let said = |set: fn(&ContactRow) -> Option<&String>, said: fn(&ContactRow) -> &str, person| match contact {
        Some(contact) => set_or_said(contact.set(set), said(contact.own)),
        None => text(person),
    };
    let person = match contact {
        Some(_) => ["", "", ""],
        None => [row.person_name.as_str(), row.person_language.as_str(), row.person_timezone.as_str()],
    };
    json!({
        "id": row.id,
        "channel_id": row.channel_id,
        "channel": text(&row.channel),
        "external_id": text(&row.external_id),
        "title": text(&row.title),
        "group": row.is_group,
        "contact": {
            "id": text(&row.contact_id),
            "name": said(|c| c.set_name.as_ref(), |c| &c.said_name, person[0]),
            "language": said(|c| c.set_language.as_ref(), |c| &c.said_language, person[1]),
            "timezone": said(|c| c.set_timezone.as_ref(), |c| &c.said_timezone, person[2]),
            "merged_into": contact.and_then(|c| c.own.merged_into.as_deref()),
        },
        "owner": if row.takeover_since.is_some() { "human" } else { "bot" },
        "takeover": row.takeover_since.map(|since| json!({
            "by": row.takeover_by, "via": row.takeover_via, "since": time(since),
        })),
        "blocked": row.blocked,
        "window_until": time_or_null(row.window_until()),
        "last_message_at": time_or_null(row.last_message_at),
        "pending_follow_ups": row.pending_follow_ups,
        "created_at": time(row.created_at),
        "position": row.position,
    })
}

/// A contact, with those merged into it and the conversations of all.
pub fn contact(row: &ContactRow, merged: &[ContactRow], conversations: &[ConversationRow]) -> Value {
    let channel = |of: &ContactRow| conversations.iter().find(|c| c.contact_id == of.id).map(|c| c.channel.as_str());
    json!({
        "id": row.id,
        "channel_id": text(&row.channel_id),
        "external_id": text(&row.external_id),
        "username": text(&row.username),
        "name": set_or_said(row.set_name.as_ref(), &row.said_name),
        "language": set_or_said(row.set_language.as_ref(), &row.said_language),
        "timezone": set_or_said(row.set_timezone.as_ref(), &row.said_timezone),
        "followup_hour": row.followup_hour,
        "archived": row.archived,
        "merged_into": row.merged_into,
        "identities": std::iter::once(row).chain(merged).map(|c| json!({
            "contact_id": c.id,
            "channel_id": text(&c.channel_id),
            "channel": channel(c),
            "external_id": text(&c.external_id),
            "username": text(&c.username),
            "name": set_or_said(c.set_name.as_ref(), &c.said_name),
        })).collect::<Vec<_>>(),
        "conversations": conversations.iter().map(|c| json!({
            "id": c.id, "channel_id": c.channel_id, "channel": c.channel, "external_id": c.external_id,
        })).collect::<Vec<_>>(),
        "position": row.position,
    })
}

/// A message, in or out.
pub fn message(row: &MessageRow) -> Value {
    json!({
        "id": row.id,
        "conversation_id": row.conversation_id,
        "direction": row.direction,
        "author": row.author,
        "author_id": text(&row.author_id),
        "kind": row.kind,
        "text": row.text,
        "full_text": text(&row.full_text),
        "external_id": text(&row.external_id),
        "reply_to": text(&row.reply_to),
        "media": row.media.as_ref().map(|Json(media)| media),
        "state": row.state,
        "reason": reason(row.reason.as_ref()),
        "at": time(row.at),
        "due_at": time_or_null(row.due_at),
        "sent_at": time_or_null(row.sent_at),
        "delivered_at": time_or_null(row.delivered_at),
        "read_at": time_or_null(row.read_at),
        "follow_up_id": text(&row.follow_up_id),
        "turn_id": text(&row.turn_id),
        "position": row.position,
        "changed_position": row.changed_position,
    })
}

/// A message of the outbox, with its conversation: what is approved is recipient and text.
pub fn outgoing(row: &MessageRow, conversation: Option<&ConversationRow>) -> Value {
    let mut shown = message(row);
    let more = json!({
        "attempts": row.attempts,
        "on_reply": text(&row.on_reply),
        "key": text(&row.key),
        "proactive": row.proactive,
        "parts": row.parts,
        "approval_hash": conversation.map(|c| fingerprint(&c.external_id, &row.text)),
    });
    if let (Value::Object(shown), Value::Object(more)) = (&mut shown, more) {
        shown.extend(more);
    }
    shown
}

/// A promise, with its conversation: whether free text can be sent when it is due is told by the service window.
pub fn follow_up(row: &FollowUpRow, conversation: Option<&ConversationRow>) -> Value {
    let Json(action) = &row.action;
    let waits = matches!(row.state.as_str(), "pending" | "due");
    let needs_template = waits && conversation.is_some_and(|c| c.is_beyond_window(row.due_at));
    json!({
        "id": row.id,
        "conversation_id": row.conversation_id,
        "state": if row.state == "due" { "pending" } else { row.state.as_str() },
        "reason": reason(row.reason.as_ref()),
        "due_at": time(row.due_at),
        "timezone": text(&row.timezone),
        "phrase": text(&row.phrase),
        "rule": text(&row.rule),
        "intention": text(&row.intention),
        "text": row.text,
        "cancel_on": row.cancel_on,
        "action": { "kind": action.kind, "prompt": action.prompt, "tool": action.tool, "input": action.input },
        "scheduled_reason": text(&row.scheduled_reason),
        "key": text(&row.key),
        "renews": text(&row.renews),
        "renewed_by": text(&row.renewed_by),
        "by": text(&row.by),
        "turn_id": text(&row.turn_id),
        "result": text(&row.result),
        "created_at": time(row.created_at),
        "decided_at": time_or_null(row.decided_at),
        "sent_at": time_or_null(row.sent_at),
        "message_id": row.message_id,
        "needs_template": needs_template,
        "position": row.position,
        "changed_position": row.changed_position,
    })
}

pub fn event(row: &EventRow) -> Value {
    json!({
        "position": row.position,
        "id": row.event_id,
        "type": row.type_name,
        "subject": row.subject(),
        "at": time(row.at),
        "actor": row.actor,
        "causation_id": row.causation_id,
        "correlation_id": row.correlation_id,
        "traceparent": row.traceparent,
        "schema_version": row.schema_version,
        "data": steward_proto::event_json(&row.type_name, &row.payload),
    })
}
