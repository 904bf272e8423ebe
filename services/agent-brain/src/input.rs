//! From the fold of a conversation and its contact to what a brain is given.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use steward_domain::{
    contact::Contact,
    conversation::{ClientMessage, Conversation, FollowUp, talk::Talk, turns::MESSAGES_AT_ONCE},
    ids::ConversationId,
    person::effective,
};
use steward_language::{Language, wording::topic_of};
use steward_proto::TenantId;
use steward_settings::Settings;

use crate::brain::{Around, Incoming, Promise, Question, TakenBack, TurnInput, Unsaid};

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
        messages: wholes(&state.unanswered[..state.unanswered.len().min(MESSAGES_AT_ONCE)])
            .map(|m| Incoming {
                message_id: m.message_id,
                kind: m.kind.clone(),
                text: m.text.clone(),
                edited: m.edited,
                forwarded: m.forwarded,
                cut: m.cut,
                written_at: m.written_at,
            })
            .collect(),
        pending: state.pending().into_iter().map(|f| promise(f, language)).collect(),
        cancelled: state.cancelled.iter().map(|f| promise(f, language)).collect(),
        unsaid: state
            .unsaid
            .iter()
            .map(|u| Unsaid { message_id: u.message_id, text: u.text.clone(), left: u.left })
            .collect(),
        stretch: state.human_stretch(),
        question: state
            .question
            .as_ref()
            .filter(|q| q.is_open(now))
            .map(|q| Question { intention: q.intention.clone(), topic: q.topic.clone() }),
        taken_back: state.taken_back.as_ref().filter(|t| t.is_remembered(now) && !t.follow_ups.is_empty()).map(|t| {
            TakenBack { promises: t.follow_ups.iter().map(|f| promise(f, language)).collect(), fresh: t.is_fresh(now) }
        }),
        opted_out: state.opted_out,
        human_active: state.human_active(),
        contact: state
            .place
            .as_ref()
            .filter(|place| !place.group)
            .and_then(|place| contact.merged_into.or(place.contact_id)),
        memory: Arc::clone(&contact.memory),
        around: Around::default(),
    }
}

/// What stands around a turn of this conversation.
pub fn around(
    tenant: &TenantId,
    conversation: ConversationId,
    state: &Conversation,
    contact: &Contact,
    talk: Arc<Talk>,
) -> Around {
    Around {
        tenant: tenant.as_str().to_owned(),
        conversation: Some(conversation),
        name: contact.name.clone().filter(|name| !name.is_empty()).unwrap_or_else(|| state.person.name.clone()),
        channel: state.place.as_ref().map(|place| place.channel.clone()).unwrap_or_default(),
        talk,
    }
}

/// The messages to answer, without those parts that say nothing by themselves: of what somebody says at once, the words
/// count; without any, its first part does. Parts of what was answered before add nothing to it.
fn wholes(messages: &[Arc<ClientMessage>]) -> impl Iterator<Item = &ClientMessage> {
    let speaks = |m: &ClientMessage| !m.forwarded && !m.text.trim().is_empty();
    messages.chunk_by(|_, next| next.part).flat_map(move |whole| {
        let spoken = whole.iter().any(|m| speaks(m));
        let kept = move |m: &&Arc<ClientMessage>| if spoken { speaks(m) } else { !m.part };
        whole.iter().filter(kept).map(AsRef::as_ref)
    })
}

fn promise(f: &FollowUp, language: Language) -> Promise {
    Promise {
        follow_up_id: Some(f.id),
        due_at: f.due_at,
        intention: f.intention.clone(),
        text: f.text.clone(),
        topic: if f.topic.is_empty() { topic_of(&f.text) } else { f.topic.clone() },
        phrase: f.phrase.clone(),
        language: Language::of_tag(&f.language).unwrap_or(language),
        asked_in: f.asked_in.as_ref().map(|asked| asked.message_id),
    }
}

#[cfg(test)]
mod tests {
    use steward_domain::{
        conversation::Person,
        ids::{self, ConversationId},
    };
    use uuid::Uuid;

    use super::*;

    /// `text`, `+text` of a part, `>text` of a forwarded one.
    fn kept(messages: &[&str]) -> Vec<String> {
        let message = |written: &&str| {
            let (part, rest) = written.strip_prefix('+').map_or((false, *written), |rest| (true, rest));
            let (forwarded, text) = rest.strip_prefix('>').map_or((false, rest), |text| (true, text));
            Arc::new(ClientMessage {
                position: 1,
                message_id: ids::message(ConversationId::new(Uuid::nil()), Uuid::nil()),
                event_id: (*written).to_owned(),
                kind: "text".to_owned(),
                text: text.to_owned(),
                cut: false,
                provider_message_id: String::new(),
                edited: false,
                forwarded,
                part,
                more: false,
                from: Person::default(),
                written_at: DateTime::UNIX_EPOCH,
                at: DateTime::UNIX_EPOCH,
            })
        };
        let messages: Vec<_> = messages.iter().map(message).collect();
        wholes(&messages).map(|m| m.event_id.clone()).collect()
    }

    #[test]
    fn of_what_is_said_at_once_the_words_are_answered_and_nothing_is_answered_twice() {
        for (messages, expected) in [
            (vec!["write tomorrow", "+", "+"], vec!["write tomorrow"]),
            (vec!["", "+write tomorrow", "+"], vec!["+write tomorrow"]),
            (vec!["write tomorrow", "+>their words"], vec!["write tomorrow"]),
            (vec!["one", "+two"], vec!["one", "+two"]),
            (vec!["", "+", "+"], vec![""]),
            (vec![">their words", "+>more"], vec![">their words"]),
            (vec!["one", "two", ""], vec!["one", "two", ""]),
            // Their first part was answered before.
            (vec!["+", "+>their words"], vec![]),
            (vec!["+", "two"], vec!["two"]),
            (vec!["+the end of it"], vec!["+the end of it"]),
            (vec![], vec![]),
        ] {
            assert_eq!(kept(&messages), expected, "{messages:?}");
        }
    }
}
