//! One sentence per event, in plain English: what the timeline says.

use chrono::{DateTime, SecondsFormat, Utc};
use steward_proto::{Event, from_timestamp, v1};

use crate::models::EventRow;

/// Longest quotation, in characters.
const QUOTED: usize = 120;

/// What happened.
pub fn summary(row: &EventRow) -> String {
    match Event::decode(&row.type_name, row.schema_version, &row.payload) {
        Ok(event) => of_event(&event),
        Err(_) => format!("{} (it can't be read)", row.type_name),
    }
}

fn of_event(event: &Event) -> String {
    match event {
        Event::ClientResponded(e) => {
            let name = e.from.as_ref().map(|p| p.name.as_str()).filter(|n| !n.is_empty()).unwrap_or("The client");
            match e.kind.as_str() {
                "" | "text" => format!("{name} wrote {}", quoted(&e.text)),
                kind if e.text.is_empty() => format!("{name} sent {kind}"),
                kind => format!("{name} sent {kind}: {}", quoted(&e.text)),
            }
        }
        Event::HumanResponded(e) => format!("One of ours wrote {} from outside Steward", quoted(&e.text)),
        Event::UpdateKept(e) => format!("The channel reported {}; it was kept", e.kind),
        Event::HumanRequested(e) => format!("The client asked for a person: {}", quoted(&e.text)),
        Event::HumanTakeoverStarted(e) => match e.note.as_str() {
            "" => format!("{} took over (by {})", somebody(&e.by), e.via),
            note => format!("{} took over (by {}): {}", somebody(&e.by), e.via, quoted(note)),
        },
        Event::HumanTakeoverEnded(e) if e.via == "silence" => {
            format!("The bot has the conversation again: the human was silent{}", cancelled(&e.cancelled_follow_up_ids))
        }
        Event::HumanTakeoverEnded(e) if e.via == "resolve" => {
            format!(
                "{} settled the matter: the bot has the conversation again{}",
                somebody(&e.by),
                cancelled(&e.cancelled_follow_up_ids)
            )
        }
        Event::HumanTakeoverEnded(e) => {
            format!("{} gave the conversation back{}", somebody(&e.by), cancelled(&e.cancelled_follow_up_ids))
        }
        Event::RecipientBlocked(_) => "The recipient can't be reached any more: nothing is sent by itself".to_owned(),
        Event::RecipientUnblocked(_) => "The recipient can be reached again".to_owned(),
        Event::TurnStarted(e) if e.follow_up_id.is_empty() => "The bot began to work on an answer".to_owned(),
        Event::TurnStarted(_) => "The bot began to carry out a follow-up".to_owned(),
        Event::TurnCompleted(e) if e.error.is_empty() => format!("The bot's turn ended: {}", e.outcome),
        Event::TurnCompleted(e) => format!("The bot's turn ended: {} ({})", e.outcome, e.error),
        Event::TurnSuperseded(e) => format!("The bot's turn was abandoned{}", because(e.reason.as_ref())),
        Event::DraftSuppressed(e) => {
            format!("The bot would have said {}, but didn't{}", quoted(&e.text), because(e.reason.as_ref()))
        }
        Event::FollowUpScheduled(e) => scheduled(e),
        Event::FollowUpMoved(e) => {
            let to = when(from_timestamp(e.due_at.as_ref()), &e.timezone);
            format!("A follow-up was moved to {to}{}", beyond_window(e.needs_template))
        }
        Event::FollowUpTextChanged(e) => format!("A follow-up now says {}", quoted(&e.text)),
        Event::FollowUpDue(e) if e.message.is_some() => "A follow-up's time has come: it is on its way".to_owned(),
        Event::FollowUpDue(_) => "A follow-up's time has come: it is being carried out".to_owned(),
        Event::FollowUpCancelled(e) => format!("A follow-up was cancelled{}", because(e.reason.as_ref())),
        Event::FollowUpExpired(e) => format!("A follow-up expired{}", because(e.reason.as_ref())),
        Event::FollowUpDone(_) => "A follow-up was carried out".to_owned(),
        Event::FollowUpFailed(e) => format!("A follow-up failed{}", because(e.reason.as_ref())),
        other => of_sending(other),
    }
}

fn of_sending(event: &Event) -> String {
    match event {
        Event::MessageQueued(e) => match &e.message {
            Some(m) if m.author == "human" => format!("One of ours wrote {}", quoted(&m.text)),
            Some(m) => match from_timestamp(m.due_at.as_ref()) {
                Some(due_at) => format!("The bot will say {} at {}", quoted(&m.text), when(Some(due_at), "")),
                None => format!("The bot says {}", quoted(&m.text)),
            },
            None => "A message was queued".to_owned(),
        },
        Event::MessageDue(_) => "A waiting message's time has come".to_owned(),
        Event::MessageMoved(e) => {
            format!("A waiting message was moved to {}", when(from_timestamp(e.due_at.as_ref()), ""))
        }
        Event::MessageCancelled(e) => format!("A message was cancelled{}", because(e.reason.as_ref())),
        Event::MessageExpired(e) => format!("A message expired{}", because(e.reason.as_ref())),
        Event::MessageRetried(e) => format!("{} asked to send a message again", somebody(&e.by)),
        Event::SendDeferred(e) => {
            format!(
                "A send was put off until {}{}",
                when(from_timestamp(e.until.as_ref()), ""),
                because(e.reason.as_ref())
            )
        }
        Event::DispatchStarted(e) if e.template.is_empty() => {
            format!("Sending {} began (attempt {})", part(e.part, e.parts), e.attempt)
        }
        Event::DispatchStarted(e) => {
            format!("Sending the message as the template {} began (attempt {})", e.template, e.attempt)
        }
        Event::DispatchSucceeded(e) => format!("The channel took {}", part(e.part, e.parts)),
        Event::DispatchFailed(e) => format!("Sending failed{}", because(e.reason.as_ref())),
        Event::DispatchDeferred(e) => {
            format!(
                "Sending will be tried again after {}{}",
                when(from_timestamp(e.until.as_ref()), ""),
                because(e.reason.as_ref())
            )
        }
        Event::DispatchUnknown(e) => {
            format!("It isn't known whether the recipient has the message{}", because(e.reason.as_ref()))
        }
        Event::DeliveryReported(e) => match e.status.as_str() {
            "failed" => format!("The channel couldn't deliver the message{}", because(e.reason.as_ref())),
            status => format!("The channel says: {status}"),
        },
        Event::MessageHeld(e) => format!("A message is held{}", because(e.reason.as_ref())),
        Event::MessageReleased(e) => format!("{} let what the breaker held go on", somebody(&e.by)),
        Event::MessageApproved(e) => format!("{} let a held message go", somebody(&e.by)),
        Event::MessageEdited(e) => format!("{} changed a waiting message to {}", somebody(&e.by), quoted(&e.text)),
        Event::MeetingBooked(e) => meeting("A meeting was booked", e.meeting.as_ref()),
        Event::MeetingMoved(e) => meeting("A meeting was moved", e.meeting.as_ref()),
        Event::MeetingCancelled(e) => format!("A meeting was called off{}", because(e.reason.as_ref())),
        Event::ContactChanged(_) => "What is known of the contact was changed".to_owned(),
        Event::ContactArchived(_) => "The contact was archived".to_owned(),
        Event::ContactMerged(e) => {
            format!("The contacts {} and {} are one person{}", e.contact_id, e.into, because(e.reason.as_ref()))
        }
        Event::ContactSplit(e) => {
            format!("The contacts {} and {} are two people{}", e.contact_id, e.from, because(e.reason.as_ref()))
        }
        Event::AddressBound(e) => format!("The address is {} from now on", e.external_id),
        Event::WebhookCreated(e) => format!("A webhook to {} was made", e.url),
        Event::WebhookDeleted(_) => "A webhook was taken away".to_owned(),
        Event::WebhookSecretRotated(_) => "A webhook got another secret".to_owned(),
        Event::WebhookDisabled(e) => format!("The webhook to {} was disabled{}", e.url, because(e.reason.as_ref())),
        Event::WebhookDelivered(_) => "A webhook was told of an event".to_owned(),
        Event::WebhookAttemptFailed(e) => format!("Telling a webhook failed for now{}", because(e.reason.as_ref())),
        Event::WebhookDeliveryFailed(e) => format!("Telling a webhook failed{}", because(e.reason.as_ref())),
        Event::WebhookDeliveryRetried(e) => format!("{} asked to tell a webhook again", somebody(&e.by)),
        Event::BreakerTripped(e) => {
            format!("What goes out by itself has stopped until a person looks{}", because(e.reason.as_ref()))
        }
        Event::BreakerReset(e) => format!("{} let sending by itself go on", somebody(&e.by)),
        Event::ApiKeyCreated(_) => "A key was made".to_owned(),
        Event::ApiKeyRevoked(_) => "A key was revoked".to_owned(),
        other => format!("{} (this version doesn't know it)", other.type_name()),
    }
}

fn scheduled(e: &v1::FollowUpScheduled) -> String {
    let what = if e.text.is_empty() { String::new() } else { format!(": {}", quoted(&e.text)) };
    let from = if e.phrase.is_empty() { String::new() } else { format!(", as asked by {}", quoted(&e.phrase)) };
    let verb = if e.renews.is_empty() { "A follow-up was promised" } else { "A cancelled follow-up was renewed" };
    let at = when(from_timestamp(e.due_at.as_ref()), &e.timezone);
    format!("{verb} for {at}{from}{what}{}", beyond_window(e.needs_template))
}

/// The channel takes free text only for a while after the client's last word.
fn beyond_window(needs_template: bool) -> &'static str {
    if needs_template {
        "; the channel's window will be closed by then: it will need a template, unless the client writes before"
    } else {
        ""
    }
}

fn meeting(what: &str, meeting: Option<&v1::Meeting>) -> String {
    let Some(m) = meeting else { return what.to_owned() };
    format!("{what}: {} at {}", quoted(&m.title), when(from_timestamp(m.starts_at.as_ref()), &m.timezone))
}

fn somebody(by: &str) -> &str {
    if by.is_empty() { "Somebody" } else { by }
}

fn part(part: u32, parts: u32) -> String {
    if parts > 1 { format!("part {} of {parts}", part + 1) } else { "the message".to_owned() }
}

fn cancelled(ids: &[String]) -> String {
    match ids.len() {
        0 => String::new(),
        1 => "; meanwhile one follow-up was cancelled".to_owned(),
        n => format!("; meanwhile {n} follow-ups were cancelled"),
    }
}

fn because(reason: Option<&v1::Reason>) -> String {
    match reason {
        Some(reason) if !reason.text.is_empty() => format!(": {}", reason.text),
        Some(reason) if !reason.code.is_empty() => format!(": {}", reason.code),
        _ => String::new(),
    }
}

/// Local time with its zone where the zone is known, else UTC.
fn when(at: Option<DateTime<Utc>>, zone: &str) -> String {
    let Some(at) = at else { return "a time not given".to_owned() };
    match zone.parse::<chrono_tz::Tz>() {
        Ok(zone) => format!("{} ({zone})", at.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S")),
        Err(_) => utc(at),
    }
}

fn utc(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn quoted(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let mut shown: String = line.chars().take(QUOTED).collect();
    if shown.len() < text.trim_end().len() {
        shown.push('…');
    }
    format!("“{shown}”")
}
