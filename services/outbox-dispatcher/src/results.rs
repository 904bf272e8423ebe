//! Turning the answer to an attempt into the event that records it.

use chrono::{DateTime, TimeDelta, Utc};
use steward_domain::{
    conversation::dispatch::MOST_ATTEMPTS,
    ids::{self, MessageId},
    kernel::Why,
};
use steward_proto::{Event, to_timestamp, v1};

use crate::{channels::Sent, claim::Claimed};

/// The outcome's name in the metrics.
pub fn outcome(sent: &Sent) -> &'static str {
    match sent {
        Sent::Accepted { .. } => "sent",
        Sent::Deferred { .. } | Sent::Moved { .. } => "deferred",
        Sent::Refused { .. } => "failed",
        Sent::Unknown { .. } => "unknown",
    }
}

/// How long to wait after an attempt that was deferred, by its number: 1, 2, 4 … 60 s.
fn backoff(attempt: u32) -> TimeDelta {
    TimeDelta::seconds(1_i64.checked_shl(attempt.saturating_sub(1)).unwrap_or(60).clamp(1, 60))
}

/// The event that records an attempt.
pub fn result_event(message_id: &MessageId, c: Claimed, sent: Sent, now: DateTime<Utc>) -> Event {
    let (message_id, claim_id) = (message_id.to_string(), c.claim_id.to_string());
    let follow_up_id = ids::or_empty(c.follow_up_id);
    let part = c.part as u32;
    let reason = |code: &str, text: String| Some((&Why::new(code, text, "")).into());
    match sent {
        Sent::Accepted { provider_message_id, answer } => v1::DispatchSucceeded {
            message_id,
            part,
            parts: c.parts as u32,
            claim_id,
            provider_message_id,
            sent_at: Some(to_timestamp(now)),
            follow_up_id,
            text: c.text,
            author: c.author.to_owned(),
            answer,
        }
        .into(),
        Sent::Deferred { code, text, .. } if c.attempt >= MOST_ATTEMPTS => v1::DispatchFailed {
            message_id,
            part,
            claim_id,
            reason: reason(code, format!("given up after {MOST_ATTEMPTS} attempts: {text}")),
            permanent: false,
            provider_code: String::new(),
            follow_up_id,
        }
        .into(),
        Sent::Deferred { code, text, retry_at } => v1::DispatchDeferred {
            message_id,
            part,
            claim_id,
            reason: reason(code, text),
            until: Some(to_timestamp(retry_at.unwrap_or(now + backoff(c.attempt)))),
            follow_up_id,
        }
        .into(),
        Sent::Moved { external_id } => v1::DispatchDeferred {
            message_id,
            part,
            claim_id,
            reason: reason("moved", format!("the chat is now {external_id}")),
            until: Some(to_timestamp(now)),
            follow_up_id,
        }
        .into(),
        // Only free text is refused, and only for now: the message is looked at again, and goes as a template or is
        // held.
        Sent::Refused { code: "window_closed", text, .. } if c.template.is_none() => v1::DispatchDeferred {
            message_id,
            part,
            claim_id,
            reason: reason("window_closed", text),
            until: Some(to_timestamp(now)),
            follow_up_id,
        }
        .into(),
        Sent::Refused { code, text, provider_code } => v1::DispatchFailed {
            message_id,
            part,
            claim_id,
            reason: reason(code, text),
            permanent: true,
            provider_code,
            follow_up_id,
        }
        .into(),
        Sent::Unknown { text } => {
            v1::DispatchUnknown { message_id, part, claim_id, reason: reason("no_answer", text), follow_up_id }.into()
        }
    }
}
