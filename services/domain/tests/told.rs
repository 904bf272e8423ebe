//! What people are told of events: every event, in every language, whatever is in it.
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "conversation_world/any_event.rs"]
#[allow(dead_code)]
mod any_event;

use any_event::any_event;
use proptest::prelude::*;
use steward_domain::told::{live, summary};
use steward_language::Language::{En, Es, Ru};
use steward_proto::{Event, SCHEMA_VERSION, v1};

#[test]
fn every_event_has_a_sentence_of_its_own_in_each_language() {
    for type_name in Event::TYPES {
        let event = Event::decode(type_name, SCHEMA_VERSION, &[]).unwrap();
        let [en, es, ru] = [En, Es, Ru].map(|language| summary(&event, language));
        assert!(!en.is_empty() && en != es && es != ru && en != ru, "{type_name}: {en} / {es} / {ru}");
        let cyrillic = |text: &str| text.chars().any(|c| ('а'..='я').contains(&c.to_lowercase().next().unwrap()));
        assert!(cyrillic(&ru) && !cyrillic(&en) && !cyrillic(&es), "{type_name}: {en} / {es} / {ru}");
    }
}

#[test]
fn a_sentence_says_who_when_what_and_why() {
    let released = v1::HumanTakeoverEnded {
        by: "anna".to_owned(),
        cancelled_follow_up_ids: vec!["a".to_owned(), "b".to_owned()],
        ..Default::default()
    };
    let promised = v1::FollowUpScheduled {
        due_at: Some(steward_proto::to_timestamp("2026-11-21T01:00:00Z".parse().unwrap())),
        timezone: "Asia/Makassar".to_owned(),
        phrase: "завтра в 9".to_owned(),
        text: "Как дела?\nЖду.".to_owned(),
        ..Default::default()
    };
    let reason =
        v1::Reason { code: "by_client".to_owned(), text: "the client asked for it".to_owned(), ..Default::default() };
    let cancelled = v1::FollowUpCancelled { reason: Some(reason), ..Default::default() };
    for (event, en, es, ru) in [
        (
            Event::from(released),
            "anna gave the conversation back; meanwhile 2 follow-ups were cancelled",
            "anna devolvió la conversación; entretanto se cancelaron 2 seguimientos",
            "Разговор возвращён боту (anna); за это время отменено обещаний: 2",
        ),
        (
            promised.into(),
            "A follow-up was promised for 2026-11-21 09:00:00 (Asia/Makassar), as asked by “завтра в 9”: “Как дела?…”",
            "Se prometió un seguimiento para 2026-11-21 09:00:00 (Asia/Makassar), como pidió con «завтра в 9»: «Как дела?…»",
            "Обещано написать: 2026-11-21 09:00:00 (Asia/Makassar), по просьбе «завтра в 9»: «Как дела?…»",
        ),
        (
            cancelled.into(),
            "A follow-up was cancelled: the client asked for it",
            "Se canceló un seguimiento: the client asked for it",
            "Обещание отменено: the client asked for it",
        ),
    ] {
        assert_eq!([En, Es, Ru].map(|language| summary(&event, language)), [en, es, ru]);
    }
}

proptest! {
    #[test]
    fn any_event_can_be_told(event in any_event()) {
        for language in [En, Es, Ru] {
            prop_assert!(!summary(&event, language).is_empty());
        }
        live(&event);
    }
}
