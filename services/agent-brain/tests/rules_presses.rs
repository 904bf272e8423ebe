//! What the buttons below a confirmation offer, and what a press of one does.
#![allow(clippy::unwrap_used)]

mod rules_world;

use rules_world::{decide, decide_text, decided, follow_up, given, promise, reminder, reply};
use steward_agent_brain::brain::{Decision, Offer, Promise, TurnInput};
use steward_language::Language;

const FIRST: &str = "a";
const OTHER: &str = "b";

/// A press of a button that stood under `FIRST`.
fn pressed(verb: &str, pending: Vec<Promise>, cancelled: Vec<Promise>) -> TurnInput {
    let mut input = given(&[&format!("fu:{verb}:{}", follow_up(FIRST).unique().simple())]);
    input.messages[0].kind = "button".to_owned();
    TurnInput { pending, cancelled, ..input }
}

fn first() -> Promise {
    promise(FIRST, "2026-11-20T14:30:00", "Здравствуйте! Вы просили написать про договор.")
}

fn other() -> Promise {
    promise(OTHER, "2026-11-21T10:00:00", "Здравствуйте! Вы просили написать про счёт.")
}

fn offer(decisions: &[Decision]) -> Option<&Offer> {
    decisions.iter().find_map(|d| if let Decision::Reply { offer, .. } = d { offer.as_ref() } else { None })
}

#[test]
fn the_confirmation_of_one_promise_offers_to_keep_cancel_or_put_it_off() {
    for (text, cancel) in
        [("напиши мне завтра", "Отменить"), ("ping me in 2 hours", "Cancel it"), ("escríbeme mañana", "Cancelar")]
    {
        let decisions = decide_text(text);
        let offer = offer(&decisions).unwrap();
        assert!(matches!(decisions[offer.decision], Decision::Schedule { .. }), "{text}: {decisions:?}");
        assert_eq!(offer.titles[1], cancel, "{text}");
        assert!(offer.titles.iter().all(|t| t.chars().count() <= 20), "{text}");
    }
    for text in ["спасибо", "напиши завтра про договор. напомни в пятницу про счёт", "какая погода?"]
    {
        let decisions = decide_text(text);
        assert_eq!(offer(&decisions), None, "{text}: {decisions:?}");
    }
}

#[test]
fn a_press_keeps_cancels_or_puts_off_the_promise_it_stood_under_and_renews_the_rest() {
    let keep = decide(&pressed("keep", vec![], vec![first(), other()]));
    assert_eq!(decided(&keep), [format!("renew {FIRST}"), format!("renew {OTHER}")]);
    assert!(reply(&keep).unwrap().contains("договор"), "{keep:?}");

    let cancel = decide(&pressed("cancel", vec![], vec![first(), other()]));
    assert_eq!(decided(&cancel), [format!("cancel {FIRST}"), format!("renew {OTHER}")]);
    assert!(reply(&cancel).unwrap().contains("договор"), "{cancel:?}");

    let later = decide(&pressed("later", vec![], vec![first(), other()]));
    assert_eq!(decided(&later), [format!("move {FIRST} 2026-11-21T14:30:00"), format!("renew {OTHER}")]);
    let offered = offer(&later).unwrap();
    assert_eq!(offered.decision, 0, "the new confirmation has buttons of its own");
}

#[test]
fn a_reminder_that_no_message_cancels_is_put_off_and_cancelled_by_its_buttons_too() {
    let pending = || vec![reminder(FIRST, "2026-11-20T14:30:00", "Напоминаю про договор.")];
    let later = decide(&pressed("later", pending(), vec![]));
    assert_eq!(decided(&later), [format!("move {FIRST} 2026-11-21T14:30:00")]);
    let cancel = decide(&pressed("cancel", pending(), vec![]));
    assert_eq!(decided(&cancel), [format!("cancel {FIRST}")]);
    let keep = decide(&pressed("keep", pending(), vec![]));
    assert!(decided(&keep).is_empty() && reply(&keep).is_some(), "{keep:?}");
}

#[test]
fn a_day_later_is_the_same_time_by_the_wall_clock() {
    // The clocks go back in the night to 25 October 2026.
    let due = promise(FIRST, "2026-10-24T14:30:00", "Здравствуйте! Вы просили написать про договор.");
    let mut input = pressed("later", vec![], vec![due]);
    input.now = rules_world::at("2026-10-24T09:00:00");
    assert_eq!(decided(&decide(&input)), [format!("move {FIRST} 2026-10-25T14:30:00")]);
}

#[test]
fn a_press_under_a_promise_that_has_ended_says_so_and_loses_nothing() {
    let ended = decide(&pressed("cancel", vec![], vec![other()]));
    assert_eq!(decided(&ended), [format!("renew {OTHER}")]);
    assert!(reply(&ended).is_some());
    let nothing = decide(&pressed("later", vec![], vec![]));
    assert!(decided(&nothing).is_empty() && reply(&nothing).is_some(), "{nothing:?}");
}

#[test]
fn a_press_is_answered_in_the_language_of_its_promise() {
    let mut input = pressed("cancel", vec![], vec![first()]);
    input.language = Language::En;
    assert!(reply(&decide(&input)).unwrap().contains("не буду писать"), "{:?}", decide(&input));
}

#[test]
fn the_same_words_typed_are_no_press() {
    let mut input = pressed("cancel", vec![], vec![first()]);
    input.messages[0].kind = "text".to_owned();
    let decided = decided(&decide(&input));
    assert!(
        decided.iter().all(|d| d.starts_with("renew")),
        "it may be about the promise, and cancels nothing: {decided:?}"
    );
}
