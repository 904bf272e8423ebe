//! Long messages, many promises, faults of ours: what the rules do, and what they say of it.
#![allow(clippy::unwrap_used)]

mod rules_world;

use rules_world::{decide, decided, given, promise, reminder, reply};
use steward_agent_brain::rules::failed;
use steward_language::Language::{En, Es, Ru};

#[test]
fn a_long_message_is_read_in_part_and_the_reply_says_so() {
    for (request, rest, says) in [
        ("напиши мне завтра в 10. ", "И ещё слово о погоде. ", "прочитал только начало"),
        ("write to me tomorrow at 10. ", "And a word about the weather. ", "read only the beginning"),
        ("escríbeme mañana a las 10. ", "Y unas palabras sobre el tiempo. ", "solo he leído el principio"),
    ] {
        let decisions = decide(&given(&[&(request.to_owned() + &rest.repeat(500))]));
        assert_eq!(decided(&decisions), ["schedule write 2026-11-19T10:00:00"]);
        assert!(reply(&decisions).unwrap().contains(says), "{decisions:?}");
        let short = decide(&given(&[request]));
        assert!(!reply(&short).unwrap().contains(says), "{short:?}");
    }
}

#[test]
fn beyond_the_cap_the_client_is_told_what_to_do() {
    for (request, says) in [
        ("напиши мне завтра в 10", "Отмените часть"),
        ("write to me tomorrow at 10", "Cancel some"),
        ("escríbeme mañana a las 10", "Cancele algunas"),
    ] {
        let mut input = given(&[request]);
        input.most_promises = 1;
        input.pending = vec![reminder("a", "2026-11-20T10:00:00", "Напоминаю: счёт")];
        let decisions = decide(&input);
        assert!(decided(&decisions).is_empty(), "{decisions:?}");
        assert!(reply(&decisions).unwrap().contains(says), "{decisions:?}");
    }
}

#[test]
fn ten_thousand_promises_are_cancelled_and_few_are_named() {
    let mut input = given(&["cancel all my reminders"]);
    let id = |n: usize| format!("f{n}");
    input.pending = (0..10_000).map(|n| reminder(&id(n), "2026-11-20T10:00:00", "Reminder: call the bank")).collect();
    let decisions = decide(&input);
    assert_eq!(decided(&decisions).len(), 10_000);
    let reply = reply(&decisions).unwrap();
    assert!(reply.contains("and 9980 more") && reply.len() < 5_000, "{reply}");
}

#[test]
fn a_turn_that_fails_keeps_its_promises_names_them_and_calls_a_person() {
    for (language, says) in [(Ru, "сбой"), (En, "went wrong on our side"), (Es, "fallo por nuestra parte")] {
        let mut input = given(&["whatever it was"]);
        input.language = language;
        input.cancelled = vec![promise("a", "2026-11-18T14:32:00", "Здравствуйте! Вы просили написать про договор.")];
        let decisions = failed(&input);
        assert_eq!(decided(&decisions), ["renew a", "human m0"]);
        let reply = reply(&decisions).unwrap();
        assert!(reply.contains(says) && reply.contains("договор"), "{reply}");
    }
}
