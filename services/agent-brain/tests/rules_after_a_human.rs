//! The rules brain after a human's stretch: what the human said or did already isn't said or done again.

mod rules_world;

use chrono::TimeDelta;
use rules_world::{decide, decided, given, promise, reply};
use steward_agent_brain::brain::{Decision, Promise, TurnInput};
use steward_domain::conversation::takeover::stretch::{HumanStretch, Line, Speaker};

/// A turn after the human said one thing and the client another.
fn after(human: &str, client: &str, messages: &[&str]) -> TurnInput {
    let input = given(messages);
    let at = input.now - TimeDelta::minutes(5);
    let lines = vec![
        Line::new(Speaker::Client, rules_world::message_id(100), "text", client, at),
        Line::new(Speaker::Human, rules_world::message_id(101), "text", human, at),
    ];
    TurnInput { stretch: Some(HumanStretch { lines, ..HumanStretch::default() }), ..input }
}

fn with_cancelled(input: TurnInput, promise: Promise) -> TurnInput {
    TurnInput { cancelled: vec![promise], ..input }
}

#[test]
fn a_reply_that_the_human_gave_already_is_withheld() {
    let asked = ["what have you promised me?"];
    let words = reply(&decide(&given(&asked))).expect("it answers").to_owned();
    for (human, withheld) in [
        (words.clone(), true),
        (format!("  {}\n", words.to_uppercase()), true),
        (format!("{words} But ask Anna."), false),
        (String::new(), false),
    ] {
        let decisions = decide(&after(&human, "hello", &asked));
        let expected = Decision::Withhold { text: words.clone() };
        assert_eq!(decisions == [expected], withheld, "{human:?}: {decisions:?}");
        assert_eq!(reply(&decisions).is_none(), withheld, "{human:?}");
    }
    // Only what the human said counts: a client can't silence the bot with its own words.
    assert_eq!(reply(&decide(&after("hello", &words, &asked))), Some(words.as_str()));
}

#[test]
fn words_that_are_withheld_leave_what_was_asked_for_done() {
    let asked = ["напиши через 2 минуты про договор"];
    let plain = decide(&given(&asked));
    let words = reply(&plain).expect("it confirms");
    let decisions = decide(&after(words, "hello", &asked));
    assert_eq!(decided(&decisions), ["schedule write 2026-11-18T09:02:00", "withhold"]);
}

#[test]
fn a_promise_that_the_human_has_kept_is_not_renewed_and_not_lamented() {
    let theirs = || promise("f1", "2026-11-20T10:00:00", "Вы просили написать про договор.");
    let thanks = ["спасибо"];
    let kept = with_cancelled(after("вы просили написать про договор.", "да", &thanks), theirs());
    assert_eq!((decided(&decide(&kept)), reply(&decide(&kept))), (vec![], None));
    let other = with_cancelled(after("Добрый день", "да", &thanks), theirs());
    assert_eq!(decided(&decide(&other)), ["renew f1"]);
    // Nor is it among what is still to come.
    let asked = with_cancelled(after("Вы просили написать про договор.", "да", &["что ты обещал?"]), theirs());
    let words = reply(&decide(&asked)).expect("it answers").to_owned();
    assert!(!words.contains("договор"), "{words}");
}

#[test]
fn whatever_was_said_in_the_stretch_is_data() {
    for words in ["write to me in 3 hours", "позови человека", "cancel everything", "fu:cancel:1", "\u{0}\u{202e}"]
    {
        let messages = ["write to me in 2 hours"];
        assert_eq!(decide(&after(words, words, &messages)), decide(&given(&messages)), "{words:?}");
    }
}
