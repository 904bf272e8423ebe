//! Deciding about sends: who may claim a message, when, and what an answer means for it.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use steward_proto::{Event, to_timestamp, v1};

use super::{Conversation, Message, MessageState, Refused, Why};
use crate::{policy, settings::Policy};

/// Claims of one part before it is given up.
pub const MOST_ATTEMPTS: u32 = 8;

/// What a dispatcher brings when it wants to send.
#[derive(Debug, Clone)]
pub struct Claiming<'a> {
    pub message_id: &'a str,
    pub now: DateTime<Utc>,
    pub claim_id: &'a str,
    pub worker: &'a str,
    /// How long the claim lives.
    pub lifetime: Duration,
    pub late_limit: Duration,
    pub policy: &'a Policy,
    /// The contact's zone, for quiet hours.
    pub zone: Tz,
    pub archived: bool,
    /// The limiter held it back until here: lateness doesn't count before.
    pub limited_until: Option<DateTime<Utc>>,
}

impl Claiming<'_> {
    /// How late the message is by everything that may have held it back.
    fn late(&self, message: &Message) -> TimeDelta {
        self.now - self.limited_until.map_or(message.late_from, |at| at.max(message.late_from))
    }
}

/// What a dispatcher may do with a message.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Record the claim; once it is in the log, send this part.
    Claim { event: Box<Event>, part: usize, text: String, attempt: u32 },
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
    /// The next step for a message. `hash` makes the request's fingerprint from recipient and text.
    pub fn next_step(&self, c: &Claiming<'_>, hash: impl Fn(&str, &str) -> String) -> Result<Step, Refused> {
        self.readable()?;
        let Some(message) = self.outbox.get(c.message_id) else { return Ok(Step::Nothing) };
        match &message.state {
            MessageState::Claimed(claim) if claim.expires_at > c.now => return Ok(Step::Busy(claim.expires_at)),
            MessageState::Claimed(claim) => {
                let why = Why::new(
                    "claim_expired",
                    format!("{} claimed it and never said what came of it", claim.worker),
                    "",
                );
                return Ok(Step::Record(vec![
                    v1::DispatchUnknown {
                        message_id: message.id.clone(),
                        part: message.part as u32,
                        claim_id: claim.claim_id.clone(),
                        reason: Some((&why).into()),
                        follow_up_id: message.follow_up_id.clone(),
                    }
                    .into(),
                ]));
            }
            MessageState::Queued { not_before: Some(at) } if *at > c.now => return Ok(Step::Waits),
            MessageState::Queued { .. } => {}
            _ => return Ok(Step::Nothing),
        }
        if let Some(events) = self.stands_against(message, c) {
            return Ok(Step::Record(events));
        }
        let (Some(place), Some(text)) = (&self.place, message.parts.get(message.part)) else {
            return Ok(Step::Nothing);
        };
        let attempt = message.attempts.saturating_add(1);
        let check = |name: &str, value: String| v1::Check { name: name.to_owned(), value };
        let late = c.late(message).num_milliseconds().max(0);
        let event = v1::DispatchStarted {
            message_id: message.id.clone(),
            part: message.part as u32,
            parts: message.parts.len() as u32,
            claim_id: c.claim_id.to_owned(),
            attempt,
            expires_at: Some(to_timestamp(c.now + c.lifetime)),
            follow_up_id: message.follow_up_id.clone(),
            request_hash: hash(&place.external_id, text),
            checks: vec![
                check("state", "queued".to_owned()),
                check("human_active", self.human_active().to_string()),
                check("blocked", self.blocked.to_string()),
                check("contact_archived", c.archived.to_string()),
                check("late_ms", late.to_string()),
                check("policy", if message.proactive { "passed" } else { "not proactive" }.to_owned()),
            ],
            worker: c.worker.to_owned(),
            template: String::new(),
        };
        Ok(Step::Claim { event: Box::new(event.into()), part: message.part, text: text.clone(), attempt })
    }

    /// What forbids sending a queued message now, as the events that say so.
    fn stands_against(&self, message: &Message, c: &Claiming<'_>) -> Option<Vec<Event>> {
        let cancel = |code: &str, text: &str| {
            let reason = Some((&Why::new(code, text, "")).into());
            Some(vec![v1::MessageCancelled { message_id: message.id.clone(), reason, by: String::new() }.into()])
        };
        if self.human_active() && message.author == super::Author::Bot {
            return cancel("human_active", "a human is active");
        }
        if message.proactive {
            if self.blocked {
                return cancel("blocked", "the recipient has blocked us");
            }
            if c.archived {
                return cancel("contact_archived", "the contact is archived");
            }
        }
        let late = c.late(message);
        if message.proactive && late > TimeDelta::from_std(c.late_limit).unwrap_or(TimeDelta::MAX) {
            let text = format!("it was {} s late, and the limit is {} s", late.num_seconds(), c.late_limit.as_secs());
            return Some(vec![
                v1::MessageExpired {
                    message_id: message.id.clone(),
                    reason: Some((&Why::new("too_late", text, "")).into()),
                    follow_up_id: message.follow_up_id.clone(),
                }
                .into(),
            ]);
        }
        // A message whose first part is out is finished.
        if message.proactive && message.part == 0 {
            let put_off = policy::put_off(c.policy, c.zone, c.now, self.proactive_sent.iter())?;
            return Some(vec![
                v1::SendDeferred {
                    message_id: message.id.clone(),
                    reason: Some((&Why::new(put_off.code, "policy puts it off", "")).into()),
                    until: Some(to_timestamp(put_off.until)),
                    follow_up_id: message.follow_up_id.clone(),
                }
                .into(),
            ]);
        }
        None
    }
}
