//! The gates before a send: everything that may stand against a queued message, in the order in which it is asked.
//!
//! A claim needs what [`pass`] gives, and its evidence is what the gates answered: a gate that isn't in [`GATES`] neither
//! stops a message nor is told of, and one that is can't be left out of the evidence.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use steward_proto::{Event, to_timestamp, v1};

use super::{
    Author, Conversation, Message, MessageState,
    dispatch::{Claiming, Step},
    outbox::{BREAKER_OPEN, cancelled, held},
    templates::TemplateCall,
};
use crate::{ids, kernel::Why, policy, settings::Approval};

/// One gate: a name that its evidence bears, and what it answers.
struct Gate {
    name: &'static str,
    ask: fn(&Weighed<'_>) -> Answer,
}

/// All of them. The first that doesn't let a message pass says what becomes of it, and the others aren't asked.
const GATES: &[Gate] = &[
    Gate { name: "channel", ask: channel },
    // Whoever is to approve it sees it at once, not only when its time has come.
    Gate { name: "approval", ask: approval },
    Gate { name: "due", ask: due },
    Gate { name: "human_active", ask: human_active },
    Gate { name: "blocked", ask: blocked },
    Gate { name: "opted_out", ask: opted_out },
    Gate { name: "contact_archived", ask: contact_archived },
    Gate { name: "late_limit", ask: late_limit },
    Gate { name: "auto_reply_cap", ask: auto_reply_cap },
    Gate { name: "policy", ask: policy },
    Gate { name: "breaker", ask: breaker },
    Gate { name: "window", ask: window },
];

/// A queued message, with all that gates look at.
pub(super) struct Weighed<'a> {
    state: &'a Conversation,
    message: &'a Message,
    c: &'a Claiming<'a>,
    /// What it goes out as, when the channel's window is closed and there is one.
    template: Option<TemplateCall>,
}

/// What a gate answers.
struct Answer {
    verdict: Verdict,
    /// What it saw.
    value: String,
    /// Further things it saw, by name.
    beside: Vec<(&'static str, String)>,
}

/// What becomes of a message at a gate.
enum Verdict {
    Pass,
    /// It waits for a person.
    Hold(Why),
    /// Its time hasn't come, and its alarm is set.
    Wait,
    /// It isn't sent before that time.
    Defer(Why, DateTime<Utc>),
    Cancel(Why),
    /// It is too late for it.
    Expire(Why),
}

/// A message that every gate let pass.
pub(super) struct Passed {
    /// What the gates answered.
    pub checks: Vec<v1::Check>,
    pub template: Option<TemplateCall>,
}

/// Asks the gates.
///
/// # Errors
/// What is to be done instead of sending.
pub(super) fn pass(state: &Conversation, message: &Message, c: &Claiming<'_>) -> Result<Passed, Step> {
    let open = state.window_open(c.now);
    let template = if open { None } else { state.template_for(message, c.templates, c.addressee) };
    let weighed = Weighed { state, message, c, template };
    let mut checks = Vec::new();
    for gate in GATES {
        let Answer { verdict, value, beside } = (gate.ask)(&weighed);
        if let Some(step) = verdict.step(message) {
            return Err(step);
        }
        let seen = std::iter::once((gate.name, value)).chain(beside);
        checks.extend(seen.map(|(name, value)| v1::Check { name: name.to_owned(), value }));
    }
    Ok(Passed { checks, template: weighed.template })
}

impl Verdict {
    /// What is to be done instead of sending; `None`: it passes.
    fn step(self, message: &Message) -> Option<Step> {
        let event: Event = match self {
            Self::Pass => return None,
            Self::Wait => return Some(Step::Waits),
            Self::Hold(why) => held(message, &why, ""),
            Self::Defer(why, until) => v1::SendDeferred {
                message_id: message.id.to_string(),
                reason: Some((&why).into()),
                until: Some(to_timestamp(until)),
                follow_up_id: ids::or_empty(message.follow_up_id),
            }
            .into(),
            Self::Cancel(why) => cancelled(&message.id, &why, ""),
            Self::Expire(why) => v1::MessageExpired {
                message_id: message.id.to_string(),
                reason: Some((&why).into()),
                follow_up_id: ids::or_empty(message.follow_up_id),
            }
            .into(),
        };
        Some(Step::Record(vec![event]))
    }
}

impl Answer {
    fn new(verdict: Verdict, value: impl ToString) -> Self {
        Self { verdict, value: value.to_string(), beside: Vec::new() }
    }

    /// Cancels the message if it is so.
    fn cancels_if(stands: bool, code: &str, text: impl Into<String>, value: impl ToString) -> Self {
        Self::new(if stands { Verdict::Cancel(Why::new(code, text, "")) } else { Verdict::Pass }, value)
    }

    fn and(mut self, name: &'static str, value: impl ToString) -> Self {
        self.beside.push((name, value.to_string()));
        self
    }
}

/// The channel it is to go out on is configured.
fn channel(w: &Weighed<'_>) -> Answer {
    let id = w.state.place.as_ref().map_or("", |place| place.channel_id.as_str());
    let text = format!("no channel `{id}` is configured");
    Answer::cancels_if(!w.c.channel_configured, "channel_not_configured", text, id)
}

/// A person has let it go in the form it has now, or needn't.
fn approval(w: &Weighed<'_>) -> Answer {
    let (message, mode) = (w.message, w.c.approval);
    let asked = message.author == Author::Bot
        && message.part == 0
        && match mode.mode {
            Approval::None => false,
            Approval::FirstContact => !w.state.spoken,
            Approval::Proactive => message.proactive,
            Approval::All => true,
        };
    let verdict = if asked && message.approved != w.state.approval_hash(message) {
        let text = format!("a person's approval is asked for (approval = {mode})");
        Verdict::Hold(Why::new("needs_approval", text, ""))
    } else {
        Verdict::Pass
    };
    let value = match (message.author, message.approved.as_str()) {
        (Author::Human, _) => "written by a human".to_owned(),
        (Author::Bot, "") => "not needed".to_owned(),
        (Author::Bot, hash) => format!("given for {hash}"),
    };
    Answer::new(verdict, value).and("approval_mode", mode)
}

/// Its time has come.
fn due(w: &Weighed<'_>) -> Answer {
    let answer = match w.message.state {
        MessageState::Queued { not_before: Some(at) } if at > w.c.now => Answer::new(Verdict::Wait, at.to_rfc3339()),
        MessageState::Queued { not_before: Some(at) } => Answer::new(Verdict::Pass, at.to_rfc3339()),
        _ => Answer::new(Verdict::Pass, "now"),
    };
    answer.and("state", "queued")
}

/// The bot is silent while a human of ours is active.
fn human_active(w: &Weighed<'_>) -> Answer {
    let active = w.state.human_active();
    Answer::cancels_if(active && w.message.author == Author::Bot, "human_active", "a human is active", active)
}

/// Who has blocked us isn't written to unasked.
fn blocked(w: &Weighed<'_>) -> Answer {
    let blocked = w.state.blocked;
    Answer::cancels_if(blocked && w.message.proactive, "blocked", "the recipient has blocked us", blocked)
}

/// Nor who wants nothing more from us.
fn opted_out(w: &Weighed<'_>) -> Answer {
    let out = w.state.opted_out;
    Answer::cancels_if(out && w.message.proactive, "opted_out", "the client wants nothing more from us", out)
}

/// Nor who is archived.
fn contact_archived(w: &Weighed<'_>) -> Answer {
    let archived = w.c.archived;
    Answer::cancels_if(archived && w.message.proactive, "contact_archived", "the contact is archived", archived)
}

/// What comes much later than it was promised is worse than nothing.
fn late_limit(w: &Weighed<'_>) -> Answer {
    let (late, limit) = (w.c.late(w.message), w.c.late_limit);
    let answer = if !w.message.proactive {
        Answer::new(Verdict::Pass, "not proactive")
    } else if late > TimeDelta::from_std(limit).unwrap_or(TimeDelta::MAX) {
        let text = format!("it was {} s late, and the limit is {} s", late.num_seconds(), limit.as_secs());
        Answer::new(Verdict::Expire(Why::new("too_late", text, "")), "")
    } else {
        Answer::new(Verdict::Pass, format!("{} s", limit.as_secs()))
    };
    answer.and("late_ms", late.num_milliseconds().max(0))
}

/// Two machines that answer each other come to an end.
fn auto_reply_cap(w: &Weighed<'_>) -> Answer {
    let (message, c) = (w.message, w.c);
    if message.author == Author::Human || message.proactive || message.part > 0 {
        return Answer::new(Verdict::Pass, "not an answer of the bot's, or its first part is out");
    }
    let Some(cap) = c.policy.auto_reply_cap.or(w.state.capabilities().auto_replies_per_hour) else {
        return Answer::new(Verdict::Pass, "none");
    };
    let sent = policy::within_the_hour(c.now, w.state.answers_sent.iter());
    let text = format!("{cap} answers have gone to this correspondent within an hour");
    let value = format!("{sent} of {cap} sent within an hour");
    Answer::cancels_if(sent >= cap as usize, "auto_reply_cap", text, value)
}

/// Quiet hours and the cap of a day, for what nobody waits for. A message whose first part is out is finished.
fn policy(w: &Weighed<'_>) -> Answer {
    let (message, c) = (w.message, w.c);
    let sent = w.state.proactive_sent_to_them(c.elsewhere);
    let asked = message.proactive && message.part == 0;
    let put_off = if asked { policy::put_off(c.policy, c.zone, c.now, sent.iter()) } else { None };
    let verdict = match put_off {
        Some(put_off) => Verdict::Defer(Why::new(put_off.code, "policy puts it off", ""), put_off.until),
        None => Verdict::Pass,
    };
    let quiet = c.policy.quiet_hours.map_or("none".to_owned(), |quiet| format!("{quiet} in {}", c.zone.name()));
    let sent = policy::within_the_day(c.now, sent.iter());
    let cap = c.policy.daily_cap.map_or("none".to_owned(), |cap| format!("{sent} of {cap} sent within a day"));
    let value = if message.proactive { "passed" } else { "not proactive" };
    Answer::new(verdict, value).and("quiet_hours", quiet).and("daily_cap", cap)
}

/// Something went wrong in bulk: what nobody waits for waits until a person has looked.
fn breaker(w: &Weighed<'_>) -> Answer {
    let (message, open) = (w.message, w.c.breaker_open);
    let verdict = if open && message.proactive && message.author == Author::Bot && message.part == 0 {
        let text = "sending by itself has stopped until a person resets the breaker";
        Verdict::Hold(Why::new(BREAKER_OPEN, text, ""))
    } else {
        Verdict::Pass
    };
    Answer::new(verdict, if open { "open for what nobody waits for" } else { "closed" })
}

/// The channel takes free text now, or there is a template to send instead.
fn window(w: &Weighed<'_>) -> Answer {
    let until = w.state.window_until();
    if let Some(template) = &w.template {
        let answer = Answer::new(Verdict::Pass, "closed, so it goes as a template");
        if !template.other_language {
            return answer;
        }
        let languages = w.state.template_languages(w.message, w.c.addressee);
        let wanted = languages.into_iter().find(|language| !language.is_empty()).unwrap_or_default();
        return answer.and("template_language", format!("{}, for there is none in {wanted}", template.language));
    }
    if w.state.window_open(w.c.now) {
        let open = until.map_or("none".to_owned(), |until| format!("open until {}", until.to_rfc3339()));
        return Answer::new(Verdict::Pass, open);
    }
    let closed = match until {
        Some(until) => format!("closed at {}", until.to_rfc3339_opts(SecondsFormat::Secs, true)),
        None => "is closed".to_owned(),
    };
    let text = format!("the service window {closed}, and no template is configured for this message");
    Answer::new(Verdict::Hold(Why::new("window_closed", text, "")), closed)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Every function of this file that answers as a gate does, by name.
    fn written() -> BTreeSet<&'static str> {
        let signature = "(w: &Weighed<'_>) -> Answer {";
        let names =
            include_str!("gates.rs").lines().filter_map(|line| line.strip_prefix("fn ")?.strip_suffix(signature));
        names.collect()
    }

    #[test]
    fn a_gate_that_is_written_is_in_the_list_under_its_own_name() {
        let listed: BTreeSet<_> = GATES.iter().map(|gate| gate.name).collect();
        assert_eq!(listed.len(), GATES.len(), "two gates have one name");
        assert_eq!(listed, written());
    }
}
