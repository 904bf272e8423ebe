//! Rows as what users see of them.

use std::collections::HashMap;

use steward_domain::conversation::outbox::fingerprint;

use super::view::{
    Action, Contact, Conversation, ConversationOfContact, Event, FollowUp, Identity, Message, OutboxMessage, Person,
    Reason, Takeover, Time,
};
use crate::rows::{self, ContactRow, ConversationRow, EventRow, FollowUpRow, Json, MessageRow};

/// What is absent is `null`.
pub fn text(value: &str) -> Option<String> {
    Some(value).filter(|v| !v.is_empty()).map(str::to_owned)
}

fn reason(reason: Option<&Json<rows::Reason>>) -> Option<Reason> {
    reason.map(|Json(reason)| reason.into())
}

/// The contact's name: as set here, else as the channel says.
fn set_or_said(set: Option<&String>, said: &str) -> Option<String> {
    set.cloned().or_else(|| text(said))
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

pub fn conversation(row: &ConversationRow, contact: Option<Met<'_>>) -> Conversation {
    let said = |set: fn(&ContactRow) -> Option<&String>, said: fn(&ContactRow) -> &str, person| match contact {
        Some(contact) => set_or_said(contact.set(set), said(contact.own)),
        None => text(person),
    };
    let takeover = row.takeover_since.map(|since| Takeover {
        by: row.takeover_by.clone(),
        via: row.takeover_via.clone(),
        since: Time(since),
    });
    Conversation {
        id: row.id.clone(),
        channel_id: row.channel_id.clone(),
        channel: text(&row.channel),
        external_id: text(&row.external_id),
        title: text(&row.title),
        group: row.is_group,
        contact: Person {
            id: text(&row.contact_id),
            name: said(|c| c.set_name.as_ref(), |c| &c.said_name, &row.person_name),
            language: said(|c| c.set_language.as_ref(), |c| &c.said_language, &row.person_language),
            timezone: said(|c| c.set_timezone.as_ref(), |c| &c.said_timezone, &row.person_timezone),
            merged_into: contact.and_then(|c| c.own.merged_into.clone()),
        },
        owner: if takeover.is_some() { "human" } else { "bot" },
        takeover,
        blocked: row.blocked,
        window_until: row.window_until().map(Time),
        last_message_at: row.last_message_at.map(Time),
        pending_follow_ups: row.pending_follow_ups,
        created_at: Time(row.created_at),
        position: row.position,
    }
}

/// A contact, with those merged into it and the conversations of all.
pub fn contact(row: &ContactRow, merged: &[ContactRow], conversations: &[ConversationRow]) -> Contact {
    let channel = |of: &ContactRow| conversations.iter().find(|c| c.contact_id == of.id).map(|c| c.channel.clone());
    let identity = |c: &ContactRow| Identity {
        contact_id: c.id.clone(),
        channel_id: text(&c.channel_id),
        channel: channel(c),
        external_id: text(&c.external_id),
        username: text(&c.username),
        name: set_or_said(c.set_name.as_ref(), &c.said_name),
    };
    let conversation = |c: &ConversationRow| ConversationOfContact {
        id: c.id.clone(),
        channel_id: c.channel_id.clone(),
        channel: c.channel.clone(),
        external_id: c.external_id.clone(),
    };
    Contact {
        id: row.id.clone(),
        channel_id: text(&row.channel_id),
        external_id: text(&row.external_id),
        username: text(&row.username),
        name: set_or_said(row.set_name.as_ref(), &row.said_name),
        language: set_or_said(row.set_language.as_ref(), &row.said_language),
        timezone: set_or_said(row.set_timezone.as_ref(), &row.said_timezone),
        followup_hour: row.followup_hour,
        archived: row.archived,
        merged_into: row.merged_into.clone(),
        identities: std::iter::once(row).chain(merged).map(identity).collect(),
        conversations: conversations.iter().map(conversation).collect(),
        position: row.position,
    }
}

/// A message, in or out.
pub fn message(row: &MessageRow) -> Message {
    Message {
        id: row.id.clone(),
        conversation_id: row.conversation_id.clone(),
        direction: row.direction.clone(),
        author: row.author.clone(),
        author_id: text(&row.author_id),
        kind: row.kind.clone(),
        text: row.text.clone(),
        full_text: text(&row.full_text),
        external_id: text(&row.external_id),
        reply_to: text(&row.reply_to),
        media: row.media.as_ref().map(|Json(media)| media.clone()),
        state: row.state.clone(),
        reason: reason(row.reason.as_ref()),
        at: Time(row.at),
        due_at: row.due_at.map(Time),
        sent_at: row.sent_at.map(Time),
        delivered_at: row.delivered_at.map(Time),
        read_at: row.read_at.map(Time),
        follow_up_id: text(&row.follow_up_id),
        turn_id: text(&row.turn_id),
        position: row.position,
        changed_position: row.changed_position,
    }
}

/// A message of the outbox, with its conversation: what is approved is recipient and text.
pub fn outgoing(row: &MessageRow, conversation: Option<&ConversationRow>) -> OutboxMessage {
    OutboxMessage {
        message: message(row),
        attempts: row.attempts,
        on_reply: text(&row.on_reply),
        key: text(&row.key),
        proactive: row.proactive,
        parts: row.parts,
        approval_hash: conversation.map(|c| fingerprint(&c.external_id, &row.text)),
    }
}

/// A promise, with its conversation: whether free text can be sent when it is due is told by the service window.
pub fn follow_up(row: &FollowUpRow, conversation: Option<&ConversationRow>) -> FollowUp {
    let Json(action) = &row.action;
    let waits = matches!(row.state.as_str(), "pending" | "due");
    let state = if row.state == "due" { "pending" } else { row.state.as_str() };
    FollowUp {
        id: row.id.clone(),
        conversation_id: row.conversation_id.clone(),
        state: state.to_owned(),
        reason: reason(row.reason.as_ref()),
        due_at: Time(row.due_at),
        timezone: text(&row.timezone),
        phrase: text(&row.phrase),
        rule: text(&row.rule),
        intention: text(&row.intention),
        text: row.text.clone(),
        cancel_on: row.cancel_on.clone(),
        action: Action {
            kind: action.kind.clone(),
            prompt: action.prompt.clone(),
            tool: action.tool.clone(),
            input: action.input.clone(),
        },
        scheduled_reason: text(&row.scheduled_reason),
        key: text(&row.key),
        renews: text(&row.renews),
        renewed_by: text(&row.renewed_by),
        by: text(&row.by),
        turn_id: text(&row.turn_id),
        result: text(&row.result),
        created_at: Time(row.created_at),
        decided_at: row.decided_at.map(Time),
        sent_at: row.sent_at.map(Time),
        message_id: row.message_id.clone(),
        needs_template: waits && conversation.is_some_and(|c| c.is_beyond_window(row.due_at)),
        position: row.position,
        changed_position: row.changed_position,
    }
}

pub fn event(row: &EventRow) -> Event {
    Event {
        position: row.position,
        id: row.event_id,
        r#type: row.type_name.clone(),
        subject: row.subject(),
        at: Time(row.at),
        actor: row.actor.clone(),
        causation_id: row.causation_id,
        correlation_id: row.correlation_id,
        traceparent: row.traceparent.clone(),
        schema_version: row.schema_version,
        data: steward_proto::event_json(&row.type_name, &row.payload),
    }
}
