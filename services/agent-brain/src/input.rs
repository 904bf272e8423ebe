//! From the fold of a conversation and its contact to what a brain is given.

use chrono::{DateTime, Utc};
use steward_domain::{
    contact::Contact,
    conversation::{Conversation, FollowUp, turns::MESSAGES_AT_ONCE},
    person::effective,
};
use steward_language::Language;
use steward_settings::Settings;

use crate::brain::{Incoming, Promise, Question, TurnInput};

/// What the brain is given for the messages that wait for an answer. `open_elsewhere`: promises open in the person's other
/// conversations.
pub fn turn_input(
    state: &Conversation,
    contact: &Contact,
    settings: &Settings,
    open_elsewhere: usize,
    now: DateTime<Utc>,
) -> TurnInput {
    let person = effective(&settings.defaults, Some(contact), state);
    let language = person.language.value;
    TurnInput {
        now,
        zone: person.zone.value,
        language,
        date_order: person.date_order,
        followup_hour: person.followup_hour.value,
        defaults: settings.defaults.clone(),
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
        pending: state.pending().into_iter().map(|f| promise(f, language)).collect(),
        cancelled: state.cancelled.iter().map(|f| promise(f, language)).collect(),
        unsaid: state.unsaid.iter().map(|i| i.text.clone()).collect(),
        stretch: state.human_stretch(),
        question: state
            .question
            .as_ref()
            .filter(|q| q.is_open(now))
            .map(|q| Question { intention: q.intention.clone(), topic: q.topic.clone() }),
        opted_out: state.opted_out,
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
