//! Whatever a client writes, the rules answer without panic and promise only what lies ahead.

mod rules_world;

use proptest::prelude::*;
use rules_world::{follow_up, given, promise, reminder};
use steward_agent_brain::{
    brain::Decision,
    rules::decide,
    truth::{Backing, check},
};

/// Words that requests are made of, in any order, between arbitrary text.
const WORDS: &[&str] = &[
    "напиши",
    "напомни",
    "завтра",
    "через",
    "2",
    "часа",
    "в пятницу",
    "не",
    "пиши",
    "отмени",
    "про договор",
    "лучше",
    "или",
    "и",
    ",",
    ".",
    "?",
    "«",
    "»",
    "\"",
    ">",
    "\n",
    "ping",
    "me",
    "remind",
    "tomorrow",
    "in 2 hours",
    "don't",
    "write",
    "cancel",
    "make it",
    "Friday",
    "escríbeme",
    "recuérdame",
    "mañana",
    "el viernes",
    "no",
    "me escribas",
    "cancela",
    "mejor",
    "👍",
    "ок",
    "спасибо",
    "оставь",
    "/human",
    "through 99999999999",
    "через 999999999 лет",
    "31.02",
    "25:61",
    "e\u{301}scribeme",
];

fn wordy() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(WORDS), 0..14).prop_map(|words| words.join(" "))
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![3 => wordy(), 1 => any::<String>(), 1 => (wordy(), any::<String>(), wordy()).prop_map(|(a, b, c)| a + &b + &c)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn every_promise_lies_ahead_of_the_writing_and_there_is_at_most_one_reply(texts in prop::collection::vec(any_text(), 0..4), renew in any::<bool>()) {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let mut input = given(&texts);
        input.defaults.renew = renew;
        input.cancelled = vec![promise("a", "2026-11-18T14:32:00", "Здравствуйте! Вы просили написать про договор."), promise("b", "2026-11-20T10:00:00", "о погоде")];
        input.pending = vec![reminder("r", "2026-11-19T10:00:00", "Напоминаю про молоко")];
        let decisions = decide(&input);
        let mut spoken_of = Vec::new();
        let mut replies = 0;
        for decision in &decisions {
            match decision {
                Decision::Schedule { due_at, text, message_id, .. } => {
                    prop_assert!(input.messages.iter().any(|m| Some(m.message_id) == *message_id && *due_at > m.written_at));
                    prop_assert!(!text.is_empty() && text.chars().count() < 600);
                }
                Decision::Move { follow_up_id, due_at, .. } => {
                    prop_assert!(*due_at > input.messages[0].written_at);
                    spoken_of.push(*follow_up_id);
                }
                Decision::Renew { follow_up_id } => {
                    prop_assert!(renew && *follow_up_id != follow_up("r"));
                    spoken_of.push(*follow_up_id);
                }
                Decision::Retopic { .. } | Decision::Restore { .. } => prop_assert!(false, "nothing was edited or taken back"),
                Decision::Cancel { follow_up_id } => spoken_of.push(*follow_up_id),
                Decision::Reply { text, .. } => {
                    prop_assert!(!text.trim().is_empty());
                    prop_assert_eq!(check(text, &Backing::of(&input, &decisions)), []);
                    replies += 1;
                }
                Decision::Remember(_) => {}
                Decision::Book { .. } => prop_assert!(false, "the rules book nothing"),
                Decision::Ask { message_id, .. }
                | Decision::Intent { message_id, .. }
                | Decision::OptOut { message_id }
                | Decision::OptIn { message_id }
                | Decision::RequestHuman { message_id } => {
                    prop_assert!(input.messages.iter().any(|m| m.message_id == *message_id));
                }
                Decision::Withhold { .. } => prop_assert!(false, "no human has said anything"),
            }
        }
        prop_assert!(replies <= 1);
        let total = spoken_of.len();
        spoken_of.sort();
        spoken_of.dedup();
        prop_assert_eq!(spoken_of.len(), total, "two fates for one promise");
    }

    #[test]
    fn an_empty_text_promises_nothing(text in "[ \t\n\r]{0,5}", kind in prop::sample::select(vec!["text", "image", "sticker"])) {
        let mut input = given(&[text.as_str()]);
        input.messages[0].kind = kind.to_owned();
        let decisions = decide(&input);
        let only_replies = decisions.iter().all(|d| matches!(d, Decision::Reply { .. }));
        prop_assert!(only_replies);
    }
}
