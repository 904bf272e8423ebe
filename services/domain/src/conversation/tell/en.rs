//! What is told of a conversation's events in English.

use chrono::{DateTime, Utc};
use steward_proto::{ConversationEvent as E, from_timestamp, v1};

use crate::kernel::tell::{self, because};
use crate::tenant::chosen;

pub fn summary(event: E<'_>) -> String {
    match event {
        E::ClientResponded(e) => {
            let name = e.from.as_ref().map(|p| p.name.as_str()).filter(|n| !n.is_empty()).unwrap_or("The client");
            match e.kind.as_str() {
                "" | "text" => format!("{name} wrote {}", quoted(&e.text)),
                kind if e.text.is_empty() => format!("{name} sent {kind}"),
                kind => format!("{name} sent {kind}: {}", quoted(&e.text)),
            }
        }
        E::HumanResponded(e) => format!("One of ours wrote {} from outside Steward", quoted(&e.text)),
        E::UpdateKept(e) => format!("The channel reported {}; it was kept", e.kind),
        E::RequestEdited(e) => format!("The client changed what they had asked for to {}", quoted(&e.text)),
        E::HumanRequested(e) => format!("The client asked for a person: {}", quoted(&e.text)),
        E::ContactOptedOut(e) => format!("The client wants nothing more from us: {}", quoted(&e.text)),
        E::ContactOptedIn(_) => "The client asked for something again: what was promised goes out".to_owned(),
        E::QuestionAsked(e) if e.intention == "remind" => format!("The bot asked when to remind: {}", quoted(&e.topic)),
        E::QuestionAsked(e) => format!("The bot asked when to write: {}", quoted(&e.topic)),
        E::HumanTakeoverStarted(e) => match e.note.as_str() {
            "" => format!("{} took over (by {})", somebody(&e.by), e.via),
            note => format!("{} took over (by {}): {}", somebody(&e.by), e.via, quoted(note)),
        },
        E::HumanTakeoverEnded(e) if e.via == "silence" => {
            format!("The bot has the conversation again: the human was silent{}", cancelled(&e.cancelled_follow_up_ids))
        }
        E::HumanTakeoverEnded(e) if e.via == "resolve" => {
            format!(
                "{} settled the matter: the bot has the conversation again{}",
                somebody(&e.by),
                cancelled(&e.cancelled_follow_up_ids)
            )
        }
        E::HumanTakeoverEnded(e) => {
            format!("{} gave the conversation back{}", somebody(&e.by), cancelled(&e.cancelled_follow_up_ids))
        }
        E::RecipientBlocked(_) => "The recipient can't be reached any more: nothing is sent by itself".to_owned(),
        E::RecipientUnblocked(_) => "The recipient can be reached again".to_owned(),
        E::TurnStarted(e) if e.renewed => "The bot goes on working".to_owned(),
        E::TurnStarted(e) if e.follow_up_id.is_empty() => "The bot began to work on an answer".to_owned(),
        E::TurnStarted(_) => "The bot began to carry out a follow-up".to_owned(),
        E::TurnCompleted(e) if e.error.is_empty() => format!("The bot's turn ended: {}", e.outcome),
        E::TurnCompleted(e) => format!("The bot's turn ended: {} ({})", e.outcome, e.error),
        E::TurnSuperseded(e) => format!("The bot's turn was abandoned{}", because(e.reason.as_ref())),
        E::DraftSuppressed(e) => {
            format!("The bot would have said {}, but didn't{}", quoted(&e.text), because(e.reason.as_ref()))
        }
        E::FollowUpScheduled(e) => scheduled(e),
        E::FollowUpMoved(e) => {
            let to = when(from_timestamp(e.due_at.as_ref()), &e.timezone);
            format!("A follow-up was moved to {to}{}", beyond_window(e.needs_template))
        }
        E::FollowUpTextChanged(e) => format!("A follow-up now says {}", quoted(&e.text)),
        E::FollowUpDue(e) if e.message.is_some() => "A follow-up's time has come: it is on its way".to_owned(),
        E::FollowUpDue(_) => "A follow-up's time has come: it is being carried out".to_owned(),
        E::FollowUpCancelled(e) => format!("A follow-up was cancelled{}", because(e.reason.as_ref())),
        E::FollowUpExpired(e) => format!("A follow-up expired{}", because(e.reason.as_ref())),
        E::FollowUpDone(_) => "A follow-up was carried out".to_owned(),
        E::FollowUpFailed(e) => format!("A follow-up failed{}", because(e.reason.as_ref())),
        E::MessageQueued(e) => match &e.message {
            Some(m) if m.author == "human" => format!("One of ours wrote {}", quoted(&m.text)),
            Some(m) => match from_timestamp(m.due_at.as_ref()) {
                Some(due_at) => format!("The bot will say {} at {}", quoted(&m.text), when(Some(due_at), "")),
                None => format!("The bot says {}", quoted(&m.text)),
            },
            None => "A message was queued".to_owned(),
        },
        E::MessageDue(_) => "A waiting message's time has come".to_owned(),
        E::MessageMoved(e) => {
            format!("A waiting message was moved to {}", when(from_timestamp(e.due_at.as_ref()), ""))
        }
        E::MessageCancelled(e) => format!("A message was cancelled{}", because(e.reason.as_ref())),
        E::MessageExpired(e) => format!("A message expired{}", because(e.reason.as_ref())),
        E::MessageRetried(e) => format!("{} asked to send a message again", somebody(&e.by)),
        E::SendDeferred(e) => {
            format!(
                "A send was put off until {}{}",
                when(from_timestamp(e.until.as_ref()), ""),
                because(e.reason.as_ref())
            )
        }
        E::DispatchStarted(e) if e.template.is_empty() => {
            format!("Sending {} began (attempt {})", part(e.part, e.parts), e.attempt)
        }
        E::DispatchStarted(e) => {
            format!("Sending the message as the template {} began (attempt {})", e.template, e.attempt)
        }
        E::DispatchSucceeded(e) => format!("The channel took {}", part(e.part, e.parts)),
        E::DispatchFailed(e) => format!("Sending failed{}", because(e.reason.as_ref())),
        E::DispatchDeferred(e) => {
            format!(
                "Sending will be tried again after {}{}",
                when(from_timestamp(e.until.as_ref()), ""),
                because(e.reason.as_ref())
            )
        }
        E::DispatchUnknown(e) => {
            format!("It isn't known whether the recipient has the message{}", because(e.reason.as_ref()))
        }
        E::DeliveryReported(e) => match e.status.as_str() {
            "failed" => format!("The channel couldn't deliver the message{}", because(e.reason.as_ref())),
            status => format!("The channel says: {status}"),
        },
        E::MessageHeld(e) => format!("A message is held{}", because(e.reason.as_ref())),
        E::MessageReleased(e) => format!("{} let what the breaker held go on", somebody(&e.by)),
        E::MessageApproved(e) => format!("{} let a held message go", somebody(&e.by)),
        E::MessageEdited(e) => format!("{} changed a waiting message to {}", somebody(&e.by), quoted(&e.text)),
        E::MeetingBooked(e) => meeting("A meeting was booked", e.meeting.as_ref()),
        E::MeetingMoved(e) => meeting("A meeting was moved", e.meeting.as_ref()),
        E::MeetingCancelled(e) => format!("A meeting was called off{}", because(e.reason.as_ref())),
        E::IntentLeft(_) => "The bot put off what it was about to say".to_owned(),
        E::IntentResolved(e) => {
            let what = match e.decision.as_str() {
                "mentioned" => "The bot brought up what it had been about to say",
                "rescheduled" => "What the bot had been about to say was promised for later",
                "lapsed" => "What the bot had been about to say lapsed",
                _ => "The bot dropped what it had been about to say",
            };
            format!("{what}: {}", quoted(&e.text))
        }
        E::TalkSummarised(e) => format!("What was said before was summed up: {}", quoted(&e.text)),
        E::BrainChosen(e) => chosen(e, steward_language::Language::En),
        E::AddressBound(e) => format!("The address is {} from now on", e.external_id),
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
    if m.days > 0 {
        return format!("{what}: {} on {}", quoted(&m.title), m.day);
    }
    format!("{what}: {} at {}", quoted(&m.title), when(from_timestamp(m.starts_at.as_ref()), &m.timezone))
}

fn part(part: u32, parts: u32) -> String {
    if parts > 1 { format!("part {} of {parts}", part.saturating_add(1)) } else { "the message".to_owned() }
}

fn cancelled(ids: &[String]) -> String {
    match ids.len() {
        0 => String::new(),
        1 => "; meanwhile one follow-up was cancelled".to_owned(),
        n => format!("; meanwhile {n} follow-ups were cancelled"),
    }
}

fn somebody(by: &str) -> &str {
    tell::who(by, "Somebody")
}

fn quoted(text: &str) -> String {
    tell::quoted(text, ['“', '”'])
}

fn when(at: Option<DateTime<Utc>>, zone: &str) -> String {
    at.map_or_else(|| "a time not given".to_owned(), |at| tell::when(at, zone))
}
