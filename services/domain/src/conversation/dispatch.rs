//! Deciding about sends: who may claim a message, when, and what an answer means for it.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use steward_proto::{Event, to_timestamp, v1};

use super::{
    Author, Conversation, Message, MessageState, Refused,
    outbox::{BREAKER_OPEN, fingerprint, held},
    templates::{Addressee, TemplateCall},
};
use crate::{
    kernel::Why,
    policy,
    settings::{Approval, ApprovalRule, Policy, Template},
};

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
    fn late(&self, message: &Message) -> TimeDelta {
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
            // Whoever is to approve it sees it at once, not only when its time has come.
            MessageState::Queued { .. } if self.needs_approval(message, c.approval.mode) => {
                let text = format!("a person's approval is asked for (approval = {})", c.approval);
                let why = Why::new("needs_approval", text, "");
                return Ok(Step::Record(vec![held(message, &why, "")]));
            }
            MessageState::Queued { not_before: Some(at) } if *at > c.now => return Ok(Step::Waits),
            MessageState::Queued { .. } => {}
            _ => return Ok(Step::Nothing),
        }
        if let Some(events) = self.stands_against(message, c) {
            return Ok(Step::Record(events));
        }
        if c.breaker_open && message.proactive && message.author == Author::Bot && message.part == 0 {
            let why = Why::new(BREAKER_OPEN, "sending by itself has stopped until a person resets the breaker", "");
            return Ok(Step::Record(vec![held(message, &why, "")]));
        }
        let template = if self.window_open(c.now) {
            None
        } else {
            let Some(template) = self.template_for(message, c.templates, c.addressee) else {
                return Ok(Step::Record(vec![held(message, &self.window_closed(), "")]));
            };
            Some(template)
        };
        Ok(self.claim(message, c, template))
    }

    fn claim(&self, message: &Message, c: &Claiming<'_>, template: Option<TemplateCall>) -> Step {
        let (Some(place), Some(text)) = (&self.place, message.parts.get(message.part)) else { return Step::Nothing };
        let attempt = message.attempts.saturating_add(1);
        let event = v1::DispatchStarted {
            message_id: message.id.clone(),
            part: message.part as u32,
            parts: message.parts.len() as u32,
            claim_id: c.claim_id.to_owned(),
            attempt,
            expires_at: Some(to_timestamp(c.now + c.lifetime)),
            follow_up_id: message.follow_up_id.clone(),
            request_hash: fingerprint(&place.external_id, text),
            checks: self.checks(message, c, template.as_ref()),
            worker: c.worker.to_owned(),
            template: template.as_ref().map(|t| t.name.clone()).unwrap_or_default(),
        };
        Step::Claim { event: Box::new(event.into()), part: message.part, text: text.clone(), attempt, template }
    }

    /// What was checked before a claim, with the values seen: part of its evidence.
    fn checks(&self, message: &Message, c: &Claiming<'_>, template: Option<&TemplateCall>) -> Vec<v1::Check> {
        let check = |name: &str, value: String| v1::Check { name: name.to_owned(), value };
        let window = match (self.capabilities().window, self.window_until()) {
            (None, _) => "none".to_owned(),
            (Some(_), _) if template.is_some() => "closed, so it goes as a template".to_owned(),
            (Some(_), Some(until)) => format!("open until {}", until.to_rfc3339()),
            (Some(_), None) => "closed".to_owned(),
        };
        let approval = match (message.author, message.approved.as_str()) {
            (Author::Human, _) => "written by a human".to_owned(),
            (Author::Bot, "") => "not needed".to_owned(),
            (Author::Bot, hash) => format!("given for {hash}"),
        };
        vec![
            check("state", "queued".to_owned()),
            check("human_active", self.human_active().to_string()),
            check("blocked", self.blocked.to_string()),
            check("contact_archived", c.archived.to_string()),
            check("late_ms", c.late(message).num_milliseconds().max(0).to_string()),
            check("policy", if message.proactive { "passed" } else { "not proactive" }.to_owned()),
            check("breaker", if c.breaker_open { "open for what nobody waits for" } else { "closed" }.to_owned()),
            check("window", window),
            check("approval_mode", c.approval.to_string()),
            check("approval", approval),
        ]
    }

    fn window_closed(&self) -> Why {
        let text = match self.window_until() {
            Some(until) => format!(
                "the service window closed at {}, and no template is configured for this message",
                until.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
            ),
            None => "the service window is closed, and no template is configured for this message".to_owned(),
        };
        Why::new("window_closed", text, "")
    }

    /// Whether a person must let this message go first, and hasn't in the form it has now.
    fn needs_approval(&self, message: &Message, approval: Approval) -> bool {
        let asked = message.author == Author::Bot
            && message.part == 0
            && match approval {
                Approval::None => false,
                Approval::FirstContact => !self.spoken,
                Approval::Proactive => message.proactive,
                Approval::All => true,
            };
        asked && message.approved != self.approval_hash(message)
    }

    /// What forbids sending a queued message now, as the events that say so.
    fn stands_against(&self, message: &Message, c: &Claiming<'_>) -> Option<Vec<Event>> {
        let cancel = |code: &str, text: &str| {
            let reason = Some((&Why::new(code, text, "")).into());
            Some(vec![v1::MessageCancelled { message_id: message.id.clone(), reason, by: String::new() }.into()])
        };
        if self.human_active() && message.author == Author::Bot {
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
        if let Some(cap) = c.policy.auto_reply_cap.or(self.capabilities().auto_replies_per_hour)
            && policy::answers_too_often(cap, c.now, self.answers_sent.iter())
            && message.author == Author::Bot
            && !message.proactive
            && message.part == 0
        {
            return cancel("auto_reply_cap", &format!("{cap} answers have gone to this correspondent within an hour"));
        }
        // A message whose first part is out is finished.
        if message.proactive && message.part == 0 {
            let put_off = policy::put_off(c.policy, c.zone, c.now, self.proactive_sent_to_them(c.elsewhere).iter())?;
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
