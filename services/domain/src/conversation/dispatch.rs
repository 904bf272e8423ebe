//! Deciding about sends: who may claim a message, when, and what an answer means for it.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use steward_proto::{Event, to_timestamp, v1};

use super::{
    Conversation, Message, MessageState, Refused,
    gates::{self, Passed},
    outbox::fingerprint,
    templates::{Addressee, TemplateCall},
};
use crate::{
    ids::{self, ClaimId, MessageId},
    kernel::Why,
    settings::{ApprovalRule, Policy, Template},
};

/// Claims of one part before it is given up.
pub const MOST_ATTEMPTS: u32 = 8;

/// What a dispatcher brings when it wants to send.
#[derive(Debug, Clone)]
pub struct Claiming<'a> {
    pub message_id: MessageId,
    pub now: DateTime<Utc>,
    pub claim_id: ClaimId,
    pub worker: &'a str,
    /// How long the claim lives.
    pub lifetime: Duration,
    pub late_limit: Duration,
    /// There is a way to send on the conversation's channel.
    pub channel_configured: bool,
    pub policy: &'a Policy,
    /// Of the channel.
    pub approval: ApprovalRule,
    /// The contact's zone, for quiet hours.
    pub zone: Tz,
    pub archived: bool,
    /// The limiter held it back until here: lateness doesn't count before.
    pub limited_until: Option<DateTime<Utc>>,
    /// Of the channel, for when its window is closed.
    pub templates: &'a [Template],
    pub addressee: Addressee<'a>,
    /// Nothing proactive of the tenant's goes out.
    pub breaker_open: bool,
    /// When something proactive went to the same person in their other conversations.
    pub elsewhere: &'a [DateTime<Utc>],
}

impl Claiming<'_> {
    /// How late the message is by everything that may have held it back.
    pub(super) fn late(&self, message: &Message) -> TimeDelta {
        self.now - self.limited_until.map_or(message.late_from, |at| at.max(message.late_from))
    }
}

/// What a dispatcher may do with a message.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Record the claim; once it is in the log, send this part.
    Claim { event: Box<Event>, part: usize, text: String, attempt: u32, template: Option<TemplateCall> },
    /// Record these instead of sending.
    Record(Vec<Event>),
    /// Its time hasn't come; the scheduler will say when.
    Waits,
    /// Another dispatcher's claim lives until then.
    Busy(DateTime<Utc>),
    /// It has ended.
    Nothing,
}

impl Conversation {
    /// The next step for a message.
    pub fn next_step(&self, c: &Claiming<'_>) -> Result<Step, Refused> {
        let Some(message) = self.outbox.get(&c.message_id) else { return Ok(Step::Nothing) };
        Ok(match &message.state {
            MessageState::Claimed(claim) if claim.expires_at > c.now => Step::Busy(claim.expires_at),
            MessageState::Claimed(claim) => {
                let why = Why::new(
                    "claim_expired",
                    format!("{} claimed it and never said what came of it", claim.worker),
                    "",
                );
                let unknown = v1::DispatchUnknown {
                    message_id: message.id.to_string(),
                    part: message.part as u32,
                    claim_id: claim.claim_id.to_string(),
                    reason: Some((&why).into()),
                    follow_up_id: ids::or_empty(message.follow_up_id),
                };
                Step::Record(vec![unknown.into()])
            }
            MessageState::Queued { .. } => match gates::pass(self, message, c) {
                Ok(passed) => self.claim(message, c, passed),
                Err(instead) => instead,
            },
            _ => Step::Nothing,
        })
    }

    fn claim(&self, message: &Message, c: &Claiming<'_>, passed: Passed) -> Step {
        let (Some(place), Some(text)) = (&self.place, message.parts.get(message.part)) else { return Step::Nothing };
        let Passed { checks, template } = passed;
        let attempt = message.attempts.saturating_add(1);
        let event = v1::DispatchStarted {
            message_id: message.id.to_string(),
            part: message.part as u32,
            parts: message.parts.len() as u32,
            claim_id: c.claim_id.to_string(),
            attempt,
            expires_at: Some(to_timestamp(c.now + c.lifetime)),
            follow_up_id: ids::or_empty(message.follow_up_id),
            request_hash: fingerprint(&place.external_id, text),
            checks,
            worker: c.worker.to_owned(),
            template: template.as_ref().map(|t| t.name.clone()).unwrap_or_default(),
        };
        Step::Claim { event: Box::new(event.into()), part: message.part, text: text.clone(), attempt, template }
    }
}
