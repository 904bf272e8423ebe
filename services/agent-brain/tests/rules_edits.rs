//! What the rules do when the client changes the message that asked: its promises become what it says now, and never two of one.
#![allow(clippy::unwrap_used, reason = "tests")]

mod rules_world;

use chrono::{DateTime, TimeDelta, Utc};
use rules_world::{decide, decided, follow_up, given, promise, reply};
use steward_agent_brain::brain::{Decision, Promise, TakenBack, TurnInput};

/// What stands of a promise: when, what for, about what, and the words that will be sent.
type Stands = (DateTime<Utc>, String, String, String);

/// What a request is promised by itself, as a promise of the message 0.
fn promised(text: &str) -> Vec<Promise> {
    let schedules = decide(&given(&[text])).into_iter().filter_map(|decision| match decision {
        Decision::Schedule { due_at, phrase, intention, text, topic, language, message_id, .. } => {
            Some((due_at, phrase, intention, text, topic, language, message_id))
        }
        _ => None,
    });
    let promises = schedules.enumerate().map(|(n, (due_at, phrase, intention, text, topic, language, asked_in))| {
        let follow_up_id = Some(follow_up(&format!("p{n}")));
        Promise { follow_up_id, due_at, intention, text, topic, phrase, language, asked_in }
    });
    promises.collect()
}

/// The turn in which the message that asked for these says `text` now.
fn edited(text: &str, pending: Vec<Promise>, cancelled: Vec<Promise>) -> TurnInput {
    let mut input = given(&[text]);
    input.messages[0].edited = true;
    input.now += TimeDelta::minutes(1);
    TurnInput { pending, cancelled, ..input }
}

/// What stands after these decisions.
fn after(promises: &[Promise], decisions: &[Decision]) -> Vec<Stands> {
    let mut standing: Vec<Promise> = promises.to_vec();
    let at = |standing: &[Promise], id| standing.iter().position(|p| p.follow_up_id == Some(id)).unwrap();
    for decision in decisions {
        match decision.clone() {
            Decision::Move { follow_up_id, due_at, .. } => {
                let at = at(&standing, follow_up_id);
                standing[at].due_at = due_at;
            }
            Decision::Retopic { follow_up_id, text, topic } => {
                let at = at(&standing, follow_up_id);
                (standing[at].text, standing[at].topic) = (text, topic);
            }
            Decision::Cancel { follow_up_id } => {
                let at = at(&standing, follow_up_id);
                standing.remove(at);
            }
            Decision::Schedule { due_at, intention, text, topic, message_id, language, phrase, .. } => {
                assert_eq!(message_id, Some(rules_world::message_id(0)));
                let asked_in = message_id;
                standing.push(Promise {
                    follow_up_id: None,
                    due_at,
                    intention,
                    text,
                    topic,
                    phrase,
                    language,
                    asked_in,
                });
            }
            Decision::Renew { .. } | Decision::Reply { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    let mut stands: Vec<Stands> = standing.into_iter().map(|p| (p.due_at, p.intention, p.topic, p.text)).collect();
    stands.sort();
    stands
}

/// Requests in each language: verbs, times and topics in all combinations, alone and by twos.
fn requests() -> Vec<Vec<String>> {
    let languages = [
        (
            ["write to me", "remind me"],
            ["tomorrow at 10", "on Friday at 15:00", "in 2 hours"],
            ["", "about the contract", "about the invoice"],
        ),
        (
            ["напиши мне", "напомни мне"],
            ["завтра в 10:00", "в пятницу в 15:00", "через 2 часа"],
            ["", "про договор", "про счёт"],
        ),
        (
            ["escríbeme", "recuérdame"],
            ["mañana a las 10:00", "el viernes a las 15:00", "dentro de 2 horas"],
            ["", "sobre el contrato", "sobre la factura"],
        ),
    ];
    let made = languages.map(|(verbs, times, topics)| {
        let mut made = Vec::new();
        for verb in verbs {
            for time in times {
                made.extend(topics.map(|topic| format!("{verb} {time} {topic}").trim_end().to_owned()));
            }
        }
        let twos: Vec<String> =
            made.iter().step_by(5).zip(made.iter().skip(7).step_by(4)).map(|(a, b)| format!("{a}. {b}")).collect();
        made.extend(twos);
        made
    });
    made.to_vec()
}

#[test]
fn an_edited_request_comes_to_what_its_new_words_alone_would_have_come_to() {
    let (mut cases, mut moved, mut silent) = (0, 0, 0);
    for language in requests() {
        for before in &language {
            let promises = promised(before);
            assert_eq!(promises.len(), before.split(". ").count(), "{before}");
            for now in &language {
                let expected = after(&promised(now), &[]);
                let decisions = decide(&edited(now, promises.clone(), vec![]));
                assert_eq!(after(&promises, &decisions), expected, "{before} -> {now}: {decisions:?}");
                assert_eq!(reply(&decisions).is_none(), before == now, "{before} -> {now}: {decisions:?}");
                // The client wrote again before it was read: what that cancelled comes to the same.
                let renewed = decide(&edited(now, vec![], promises.clone()));
                assert_eq!(after(&promises, &renewed), expected, "{before} -> {now}: {renewed:?}");
                cases += 1;
                moved += usize::from(decisions.iter().any(|d| matches!(d, Decision::Move { .. })));
                silent += usize::from(decisions.is_empty());
            }
        }
    }
    println!("{cases} edits, {moved} moved something, {silent} changed nothing");
    assert!(cases > 1_000 && moved > 300 && silent > 60);
}

#[test]
fn an_edit_that_asks_for_nothing_certain_changes_nothing_and_the_client_is_told() {
    for (before, now, said) in [
        ("write to me tomorrow at 10", "the weather is nice", "nothing has changed"),
        ("write to me tomorrow at 10", "write to me", "it stands"),
        ("напиши мне завтра в 10:00", "напиши мне вчера в 10:00", "прошло"),
        ("напиши мне завтра в 10:00", "напиши мне когда-нибудь", "в силе"),
        ("remind me tomorrow at 10 about the contract", "write to me in 30 seconds", "passed"),
    ] {
        let promises = promised(before);
        let decisions = decide(&edited(now, promises.clone(), vec![]));
        assert_eq!(after(&promises, &decisions), after(&promises, &[]), "{now}: {decisions:?}");
        let reply = reply(&decisions).unwrap_or_else(|| panic!("{now}: nothing was said"));
        assert!(reply.contains(said), "{now}: {reply}");
        assert!(!decided(&decisions).iter().any(|d| d.starts_with("ask")), "an answer would make a second promise");
    }
}

#[test]
fn an_edit_takes_its_own_promises_back_and_leaves_the_others() {
    let mine = promised("напиши мне завтра в 10:00");
    let other = promise("other", "2026-11-20T12:00:00", "Здравствуйте! Вы просили написать про счёт.");
    let decisions = decide(&edited("не надо писать", vec![other.clone(), mine[0].clone()], vec![]));
    assert_eq!(decided(&decisions), ["cancel p0"]);
    // What has ended isn't asked for again.
    let decisions = decide(&edited("напиши мне в пятницу в 15:00", vec![other], vec![]));
    assert_eq!(decisions, []);
}

/// The turn after the client took these back.
fn taken_back(text: &str, promises: Vec<Promise>, fresh: bool) -> TurnInput {
    TurnInput { taken_back: Some(TakenBack { promises, fresh }), ..given(&[text]) }
}

#[test]
fn what_was_taken_back_a_moment_ago_is_given_back_by_a_word() {
    for text in [
        "no, keep it",
        "keep it",
        "bring it back",
        "leave it",
        "нет, оставь",
        "верни",
        "верни обратно",
        "оставь как было",
        "не надо отменять",
        "я передумал, верни",
        "déjalo",
        "no, déjalo",
        "déjalo como estaba",
    ] {
        let a = promise("a", "2026-11-20T10:00:00", "Здравствуйте! Вы просили написать про договор.");
        let decisions = decide(&taken_back(text, vec![a.clone()], true));
        assert_eq!(decided(&decisions), ["restore a"], "{text}: {decisions:?}");
        assert!(reply(&decisions).unwrap().contains("договор"), "{text}: {decisions:?}");
        // Long after it, they are asked for a time, and the topic is kept.
        let decisions = decide(&taken_back(text, vec![a], false));
        assert_eq!(decided(&decisions), ["ask write [про договор]"], "{text}: {decisions:?}");
        // Its time has passed.
        let gone = promise("a", "2026-11-18T08:00:00", "Здравствуйте! Вы просили написать про договор.");
        let decisions = decide(&taken_back(text, vec![gone], true));
        assert_eq!(decided(&decisions), ["ask write [про договор]"], "{text}: {decisions:?}");
        // Nothing was taken back.
        assert_eq!(decided(&decide(&given(&[text]))), [""; 0], "{text}");
    }
}

#[test]
fn the_button_keep_below_what_was_taken_back_gives_that_one_back() {
    let a = promise("a", "2026-11-20T10:00:00", "Здравствуйте! Вы просили написать про договор.");
    let b = promise("b", "2026-11-21T10:00:00", "Здравствуйте! Вы просили написать про счёт.");
    let mut input = taken_back("", vec![a, b], true);
    input.messages[0].kind = "button".to_owned();
    input.messages[0].text = format!("fu:keep:{}", follow_up("b").unique().simple());
    assert_eq!(decided(&decide(&input)), ["restore b"]);
}

#[test]
fn who_wants_their_data_deleted_gets_a_person_and_a_plain_word() {
    for (text, said, also) in [
        ("delete my number", "I don't delete anything by myself", Some("opt out")),
        ("Please erase all the data you have about me", "I don't delete anything by myself", None),
        ("удалите мои персональные данные, пожалуйста", "Сам я ничего не удаляю", None),
        ("Solicito la eliminación de mis datos personales", "Por mi cuenta no borro nada", None),
    ] {
        let decisions = decide(&given(&[text]));
        let expected: Vec<&str> = also.into_iter().chain(["human m0"]).collect();
        assert_eq!(decided(&decisions), expected, "{text}");
        assert_eq!(reply(&decisions).unwrap().matches(said).count(), 1, "{text}: {decisions:?}");
    }
    let decisions = decide(&given(&["remind me tomorrow at 10 to delete my number from the list"]));
    assert_eq!(decided(&decisions), ["schedule remind 2026-11-19T10:00:00"]);
}
