//! From the fold of a conversation and its contact to what a brain is given.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use steward_domain::{
    contact::Contact,
    conversation::{Conversation, FollowUp, turns::MESSAGES_AT_ONCE},
    settings::{Defaults, Settings},
};
use steward_language::Language;

use crate::brain::{Incoming, Promise, TurnInput};

/// What is known of the contact, over what their channel says, over the defaults.
pub struct Known {
    pub zone: Tz,
    pub language: Language,
    pub day_first: bool,
    pub followup_hour: u32,
}

impl Known {
    pub fn of(state: &Conversation, contact: &Contact, defaults: &Defaults) -> Self {
        let tag = contact.language.as_deref().unwrap_or(&state.person.language);
        let zone = contact.timezone.as_deref().unwrap_or(&state.person.timezone);
        Self {
            zone: zone.parse().unwrap_or(defaults.timezone),
            language: Language::of_tag(tag).unwrap_or(defaults.language),
            day_first: day_first(tag),
            followup_hour: contact.followup_hour.filter(|h| *h < 24).unwrap_or(defaults.followup_hour),
        }
    }
}

/// English is written day first everywhere but in the United States and a few more.
fn day_first(tag: &str) -> bool {
    match tag.split_once(['-', '_']) {
        Some((language, region)) if language.eq_ignore_ascii_case("en") => {
            !["us", "ph", "pr", "gu"].iter().any(|r| region.eq_ignore_ascii_case(r))
        }
        _ => false,
    }
}

/// What the brain is given for the messages that wait for an answer. `open_elsewhere`: promises open in the person's other
/// conversations.
pub fn turn_input(
    state: &Conversation,
    contact: &Contact,
    settings: &Settings,
    open_elsewhere: usize,
    now: DateTime<Utc>,
) -> TurnInput {
    let defaults = &settings.defaults;
    let known = Known::of(state, contact, defaults);
    TurnInput {
        now,
        zone: known.zone,
        language: known.language,
        day_first: known.day_first,
        followup_hour: known.followup_hour,
        defaults: defaults.clone(),
        most_promises: settings.limits.open_follow_ups.saturating_sub(open_elsewhere),
        messages: state
            .unanswered
            .iter()
            .take(MESSAGES_AT_ONCE)
            .map(|m| Incoming {
                message_id: m.message_id.clone(),
                kind: m.kind.clone(),
                text: m.text.clone(),
                forwarded: m.forwarded,
                cut: m.cut,
                written_at: m.written_at,
            })
            .collect(),
        pending: state.pending().into_iter().map(|f| promise(f, known.language)).collect(),
        cancelled: state.cancelled.iter().map(|f| promise(f, known.language)).collect(),
        unsaid: state.unsaid.iter().map(|i| i.text.clone()).collect(),
        stretch: state.human_stretch(),
        human_active: state.human_active(),
    }
}

fn promise(f: &FollowUp, language: Language) -> Promise {
    Promise {
        follow_up_id: f.id.clone(),
        due_at: f.due_at,
        intention: f.intention.clone(),
        text: f.text.clone(),
        phrase: f.phrase.clone(),
        language: Language::of_tag(&f.language).unwrap_or(language),
    }
}
