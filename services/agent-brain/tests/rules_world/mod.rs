//! What the tests of the rules are given: a turn on Wednesday, 18 November 2026, 09:00 in Madrid.
#![allow(dead_code)] // each test binary uses its part

use chrono::{DateTime, NaiveDateTime, TimeZone, Utc};
use chrono_tz::{Europe::Madrid, Tz};
use steward_agent_brain::{
    brain::{Around, Decision, Incoming, Promise, TurnInput},
    rules,
    truth::{Backing, check},
};
use steward_domain::{
    ids::{self, ConversationId, FollowUpId, MessageId},
    settings::Defaults,
};
use steward_language::{DateOrder, Language, wording::topic_of};
use uuid::Uuid;

pub const ZONE: Tz = Madrid;

/// A local time in Madrid.
pub fn at(local: &str) -> DateTime<Utc> {
    let naive: NaiveDateTime = local.parse().expect("a local time");
    ZONE.from_local_datetime(&naive).single().expect("no clock change then").to_utc()
}

const HERE: ConversationId = ConversationId::new(Uuid::from_u128(1));

/// The turn's message of this number.
pub fn message_id(number: usize) -> MessageId {
    ids::message(HERE, Uuid::from_u128(number as u128))
}

/// The follow-up of this name: up to 16 characters.
pub fn follow_up(name: &str) -> FollowUpId {
    let unique = name.bytes().fold(0, |unique, byte| (unique << 8) | u128::from(byte));
    ids::follow_up(HERE, Uuid::from_u128(unique))
}

/// The other way round.
fn name(id: &FollowUpId) -> String {
    id.unique().as_bytes().iter().filter(|byte| **byte != 0).map(|byte| char::from(*byte)).collect()
}

/// A turn of these messages, with no promises.
pub fn given(messages: &[&str]) -> TurnInput {
    let now = at("2026-11-18T09:00:00");
    TurnInput {
        now,
        zone: ZONE,
        language: Language::Ru,
        date_order: DateOrder::MonthFirst,
        followup_hour: 10,
        defaults: Defaults::default(),
        most_promises: 1_000,
        messages: messages
            .iter()
            .enumerate()
            .map(|(i, text)| Incoming {
                message_id: message_id(i),
                kind: "text".into(),
                text: (*text).to_owned(),
                edited: false,
                forwarded: false,
                cut: false,
                written_at: now,
            })
            .collect(),
        pending: Vec::new(),
        cancelled: Vec::new(),
        unsaid: Vec::new(),
        stretch: None,
        question: None,
        taken_back: None,
        opted_out: false,
        human_active: false,
        contact: None,
        memory: Default::default(),
        around: Around::default(),
    }
}

/// What the rules decide; what they say is true.
pub fn decide(input: &TurnInput) -> Vec<Decision> {
    let decisions = rules::decide(input);
    for text in texts(&decisions) {
        assert_eq!(check(text, &Backing::of(input, &decisions)), [], "{text}");
    }
    decisions
}

pub fn decide_text(text: &str) -> Vec<Decision> {
    decide(&given(&[text]))
}

pub fn promise(id: &str, due: &str, text: &str) -> Promise {
    Promise {
        follow_up_id: Some(follow_up(id)),
        due_at: at(due),
        intention: "write".into(),
        text: text.into(),
        topic: topic_of(text),
        phrase: "тогда-то".into(),
        language: Language::Ru,
        asked_in: None,
    }
}

pub fn reminder(id: &str, due: &str, text: &str) -> Promise {
    Promise { intention: "remind".into(), ..promise(id, due, text) }
}

/// The replies.
pub fn texts(decisions: &[Decision]) -> Vec<&str> {
    decisions
        .iter()
        .filter_map(|d| if let Decision::Reply { text, .. } = d { Some(text.as_str()) } else { None })
        .collect()
}

/// The only reply, if there is one.
pub fn reply(decisions: &[Decision]) -> Option<&str> {
    let texts = texts(decisions);
    assert!(texts.len() < 2, "{decisions:?}");
    texts.first().copied()
}

/// All but the replies, in short; times local.
pub fn decided(decisions: &[Decision]) -> Vec<String> {
    let local = |due: &DateTime<Utc>| due.with_timezone(&ZONE).format("%Y-%m-%dT%H:%M:%S").to_string();
    decisions
        .iter()
        .filter_map(|decision| match decision {
            Decision::Reply { .. } => None,
            Decision::Withhold { .. } => Some("withhold".to_owned()),
            Decision::Schedule { due_at, intention, .. } => Some(format!("schedule {intention} {}", local(due_at))),
            Decision::Renew { follow_up_id } => Some(format!("renew {}", name(follow_up_id))),
            Decision::Move { follow_up_id, due_at, .. } => {
                Some(format!("move {} {}", name(follow_up_id), local(due_at)))
            }
            Decision::Retopic { follow_up_id, topic, .. } => Some(format!("retopic {} [{topic}]", name(follow_up_id))),
            Decision::Restore { follow_up_id } => Some(format!("restore {}", name(follow_up_id))),
            Decision::Cancel { follow_up_id } => Some(format!("cancel {}", name(follow_up_id))),
            Decision::RequestHuman { message_id } => Some(format!("human m{}", message_id.unique().as_u128())),
            Decision::Ask { question, .. } => Some(format!("ask {} [{}]", question.intention, question.topic)),
            Decision::OptOut { .. } => Some("opt out".to_owned()),
            Decision::OptIn { .. } => Some("opt in".to_owned()),
            Decision::Book { title, starts_at, .. } => Some(format!("book {} [{title}]", local(starts_at))),
            Decision::Remember(what) => Some(format!("remember {what:?}")),
            Decision::Intent { .. } => Some("intent".to_owned()),
        })
        .collect()
}
