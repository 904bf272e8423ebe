//! The rules of the outbox: receipts, the service window, what holds a message and lets it go.
#![allow(clippy::unwrap_used, reason = "tests")]

mod conversation_world;

use conversation_world::{Answer, World, message_of, provider_id};
use proptest::prelude::*;
use steward_domain::{
    conversation::{
        Author, CancelOn, FollowUpState, MessageState, OnReply,
        dispatch::Step,
        follow_ups::Alarmed,
        outbox::{Queue, fingerprint},
    },
    settings::{Approval, Policy, Template},
};
use steward_proto::{Event, from_timestamp, v1};

fn state<'a>(world: &'a World, message_id: &str) -> &'a MessageState {
    &world.state.outbox[message_id].state
}

/// The state's name and its reason's code.
fn told(world: &World, message_id: &str) -> (&'static str, String) {
    match state(world, message_id) {
        MessageState::Queued { .. } => ("queued", String::new()),
        MessageState::Held { why, .. } => ("held", why.code.clone()),
        MessageState::Claimed(_) => ("claimed", String::new()),
        MessageState::Sent(receipts) => (receipts.state(), String::new()),
        MessageState::Failed(why) => ("failed", why.code.clone()),
        MessageState::Unknown(why) => ("unknown", why.code.clone()),
        MessageState::Cancelled(why) => ("cancelled", why.code.clone()),
        MessageState::Expired(why) => ("expired", why.code.clone()),
    }
}

fn is(world: &World, message_id: &str, state: &str, code: &str) {
    let (found, why) = told(world, message_id);
    assert_eq!((found, why.as_str()), (state, code), "{:?}", world.state.outbox[message_id]);
}

fn queued(world: &mut World, change: impl FnOnce(&mut Queue)) -> String {
    let mut q = world.a_message(Author::Bot);
    change(&mut q);
    let id = q.message_id.clone();
    world.do_queue(q).unwrap();
    id
}

/// An answer that the provider took.
fn sent(world: &mut World) -> String {
    let id = queued(world, |_| {});
    let claim = world.claim(&id);
    world.answer(&claim, Answer::Success);
    id
}

fn approve(world: &mut World, id: &str) {
    let hash = world.state.approval_hash(&world.state.outbox[id]);
    let events = world.state.approve_message(id, &hash, "anna").unwrap();
    world.record_all(events);
}

fn template(purpose: &str, language: &str) -> Template {
    Template {
        purpose: purpose.to_owned(),
        language: language.to_owned(),
        name: format!("{purpose}_{language}"),
        parameters: vec!["name".to_owned(), "text".to_owned()],
    }
}

// Receipts

proptest! {
    #[test]
    fn reports_in_any_order_and_any_number_leave_the_same_state(
        first in prop::sample::subsequence(vec!["sent", "delivered", "read", "failed"], 1..=4).prop_shuffle(),
        again in any::<prop::sample::Index>(),
        lost in any::<bool>(),
    ) {
        let told_after = |statuses: &[&str]| {
            let mut world = World::opened_on("whatsapp");
            let id = queued(&mut world, |_| {});
            let claim = world.claim(&id);
            world.answer(&claim, if lost { Answer::Unknown } else { Answer::Success });
            for status in statuses {
                world.report_claim(&claim, status);
            }
            told(&world, &id)
        };
        let mut sorted = first.clone();
        sorted.sort_unstable();
        let expected = told_after(&sorted);
        let mut with_repeat = first.clone();
        with_repeat.push(first[again.index(first.len())]);
        prop_assert_eq!(&told_after(&first), &expected);
        prop_assert_eq!(&told_after(&with_repeat), &expected);
        let strongest = ["read", "delivered", "failed", "sent"].into_iter().find(|s| first.contains(s)).unwrap();
        prop_assert_eq!(expected.0, strongest);
    }
}

#[test]
fn a_report_settles_an_unknown_send_as_sent_and_its_promise_with_it() {
    for status in ["sent", "delivered", "read"] {
        let mut world = World::opened_on("whatsapp");
        let follow_up = world.promised(CancelOn::Never, 60);
        world.pass(60);
        world.ring(&follow_up);
        let id = message_of(&follow_up);
        let claim = world.claim(&id);
        world.answer(&claim, Answer::Unknown);
        world.report_claim(&claim, status);
        is(&world, &id, status, "");
        assert_eq!(world.state.follow_ups[&follow_up].state, FollowUpState::Sent);
        assert_eq!(world.state.proactive_sent.len(), 1, "it counts for the day's cap");
    }
}

#[test]
fn a_failure_reported_after_the_send_makes_the_message_and_its_promise_failed() {
    let mut world = World::opened_on("whatsapp");
    let follow_up = world.promised(CancelOn::Never, 60);
    world.pass(60);
    world.ring(&follow_up);
    let id = message_of(&follow_up);
    let claim = world.claim(&id);
    world.answer(&claim, Answer::Success);
    world.report_as(v1::DeliveryReported {
        provider_message_id: provider_id(&id, 0),
        status: "failed".to_owned(),
        reason: Some(v1::Reason { code: "blocked".to_owned(), ..Default::default() }),
        ..Default::default()
    });
    is(&world, &id, "failed", "blocked");
    assert!(matches!(&world.state.follow_ups[&follow_up].state, FollowUpState::Failed(why) if why.code == "blocked"));
    assert!(world.state.blocked, "nothing proactive goes there any more");
    world.report(&id, 0, "sent");
    is(&world, &id, "failed", "blocked");
}

#[test]
fn a_report_that_comes_before_the_answer_stands_when_the_answer_comes() {
    for (status, state, code) in [("delivered", "delivered", ""), ("failed", "failed", "undeliverable")] {
        let mut world = World::opened_on("whatsapp");
        let id = queued(&mut world, |_| {});
        let claim = world.claim(&id);
        world.report_claim(&claim, status);
        world.answer(&claim, Answer::Success);
        is(&world, &id, state, code);
    }
}

#[test]
fn a_report_on_an_older_attempt_doesnt_fail_a_newer_one() {
    let mut world = World::opened_on("whatsapp");
    let id = queued(&mut world, |_| {});
    let first = world.claim(&id);
    world.answer(&first, Answer::Unknown);
    let events = world.state.retry_message(&id, "anna").unwrap();
    world.record_all(events);
    let second = world.claim(&id);
    world.report_claim(&first, "failed");
    is(&world, &id, "claimed", "");
    world.answer(&second, Answer::Success);
    world.report_claim(&first, "failed");
    is(&world, &id, "sent", "");
}

#[test]
fn a_message_in_parts_is_delivered_when_its_last_part_is() {
    let mut world = World::opened_on("whatsapp");
    let id = queued(&mut world, |q| q.text = "word ".repeat(1200));
    for _ in 0..2 {
        let claim = world.claim(&id);
        world.answer(&claim, Answer::Success);
    }
    is(&world, &id, "sent", "");
    world.report(&id, 0, "read");
    is(&world, &id, "sent", "");
    world.report(&id, 1, "delivered");
    is(&world, &id, "delivered", "");
}

#[test]
fn a_report_about_a_message_that_isnt_ours_or_was_never_sent_changes_nothing() {
    let mut world = World::opened_on("whatsapp");
    let id = queued(&mut world, |_| {});
    world.report("somebody else's", 0, "read");
    world.report_as(v1::DeliveryReported {
        message_id: id.clone(),
        status: "delivered".to_owned(),
        ..Default::default()
    });
    is(&world, &id, "queued", "");
}

// The service window

const DAY: i64 = 24 * 3600;

#[test]
fn inside_the_window_a_message_goes_as_it_is_and_the_claim_says_until_when_it_was_open() {
    let mut world = World::opened_on("whatsapp");
    world.templates = vec![template("reply", "en")];
    world.pass(DAY - 1);
    let id = queued(&mut world, |_| {});
    let (step, _) = world.dispatch(&id);
    let Step::Claim { event, template, .. } = step else { panic!("{step:?}") };
    assert_eq!(template, None);
    let Event::DispatchStarted(claim) = *event else { panic!() };
    let window = claim.checks.iter().find(|c| c.name == "window").unwrap();
    assert!(window.value.starts_with("open until 2026-11-22T09:00:00"), "{}", window.value);
}

#[test]
fn outside_the_window_a_message_goes_as_the_template_of_its_purpose_and_language() {
    let mut world = World::opened_on("whatsapp");
    world.templates = vec![template("follow_up", "en"), template("follow_up", "ru_RU"), template("reminder", "en")];
    world.language = "ru".to_owned();
    // By the language it was asked for in, else by the contact's, else by the default.
    let cases = [("write", "", "follow_up_ru_RU"), ("write", "en", "follow_up_en"), ("remind", "ru", "reminder_en")];
    let promises = cases.map(|(intention, language, name)| {
        let mut s = world.a_schedule(CancelOn::Never, DAY);
        (s.intention, s.language) = (intention.to_owned(), language.to_owned());
        let id = s.follow_up_id.clone();
        world.do_schedule(s).unwrap();
        (id, name)
    });
    world.pass(DAY);
    for (follow_up, name) in promises {
        world.ring(&follow_up);
        let (step, _) = world.dispatch(&message_of(&follow_up));
        let Step::Claim { event, template: Some(template), .. } = step else { panic!("{step:?}") };
        assert_eq!(template.name, name);
        assert_eq!(template.parameters, ["Ana", "You asked me to write."]);
        assert!(matches!(*event, Event::DispatchStarted(e) if e.template == name));
    }
}

#[test]
fn outside_the_window_without_a_template_a_message_is_held_until_a_person_lets_it_go() {
    let mut world = World::opened_on("whatsapp");
    let follow_up = world.promised(CancelOn::Never, DAY + 60);
    world.pass(DAY + 60);
    world.ring(&follow_up);
    let id = message_of(&follow_up);
    world.dispatch(&id);
    is(&world, &id, "held", "window_closed");
    assert!(world.state.follow_ups[&follow_up].is_open(), "its promise reads as pending");
    approve(&mut world, &id);
    world.dispatch(&id);
    is(&world, &id, "held", "window_closed");
    world.client_writes("hello again");
    approve(&mut world, &id);
    let claim = world.claim(&id);
    world.answer(&claim, Answer::Success);
    is(&world, &id, "sent", "");
}

#[test]
fn a_promise_beyond_the_window_says_at_once_that_it_will_need_a_template() {
    let needs = |channel, seconds| {
        let mut world = World::opened_on(channel);
        let id = world.promised(CancelOn::Never, 60);
        let due_at = world.at(seconds);
        let words = (String::new(), String::new());
        let moved = world.state.move_follow_up(world.now, &id, due_at, words, ("client", "")).unwrap();
        let schedule = world.a_schedule(CancelOn::Never, seconds);
        let scheduled = world.state.schedule(world.now, false, schedule).unwrap();
        match (&moved[0], &scheduled[0]) {
            (Event::FollowUpMoved(m), Event::FollowUpScheduled(s)) => (m.needs_template, s.needs_template),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(needs("whatsapp", DAY - 1), (false, false));
    assert_eq!(needs("whatsapp", DAY), (true, true));
    assert_eq!(needs("telegram", 90 * DAY), (false, false));
}

#[test]
fn when_the_provider_says_that_the_window_is_closed_it_is_believed_until_the_client_writes() {
    let mut world = World::opened_on("whatsapp");
    let id = queued(&mut world, |_| {});
    world.pass(10);
    let claim = world.claim(&id);
    let e = world.claimed(&claim);
    world.record(v1::DispatchDeferred {
        message_id: id.clone(),
        claim_id: e.claim_id,
        reason: Some(v1::Reason { code: "window_closed".to_owned(), ..Default::default() }),
        ..Default::default()
    });
    world.ring_message(&id);
    world.dispatch(&id);
    is(&world, &id, "held", "window_closed");
    world.client_writes("hello");
    assert!(world.state.window_open(world.now));
}

#[test]
fn what_the_provider_took_and_then_reported_as_outside_the_window_is_looked_at_once_more() {
    let mut world = World::opened_on("whatsapp");
    let report = |world: &mut World, id: &str| {
        let reason = Some(v1::Reason { code: "window_closed".to_owned(), ..Default::default() });
        let (message_id, status) = (id.to_owned(), "failed".to_owned());
        world.report_as(v1::DeliveryReported { message_id, status, reason, ..Default::default() });
    };
    let id = sent(&mut world);
    world.pass(10);
    report(&mut world, &id);
    let events = world.state.retry_outside_window(&id).unwrap();
    assert!(matches!(&events[..], [Event::MessageRetried(e)] if e.by == "policy:window_closed"), "{events:?}");
    world.record_all(events);
    // There is no template for it.
    world.dispatch(&id);
    is(&world, &id, "held", "window_closed");
    // The client has written since: nothing is repeated past their words.
    world.client_writes("hello");
    let id = sent(&mut world);
    world.pass(10);
    report(&mut world, &id);
    world.client_writes("and more");
    assert_eq!(world.state.retry_outside_window(&id).unwrap(), []);
}

#[test]
fn a_call_opens_the_window_and_an_edit_doesnt() {
    let mut world = World::opened_on("whatsapp");
    world.pass(DAY);
    assert!(!world.state.window_open(world.now));
    for (kind, open) in [("edited_message", false), ("call_connect", true)] {
        let source = Some(v1::Source { channel: "whatsapp".to_owned(), ..Default::default() });
        world.record(v1::UpdateKept { source, kind: kind.to_owned(), ..Default::default() });
        assert_eq!(world.state.window_open(world.now), open, "{kind}");
    }
}

// What the client's next message does

#[test]
fn a_message_that_says_hold_waits_for_a_person_when_the_client_writes_first() {
    let mut world = World::opened();
    let id = queued(&mut world, |q| q.on_reply = OnReply::Hold);
    world.client_writes("wait");
    is(&world, &id, "held", "client_responded");
    let announced = world.state.announcements();
    assert!(matches!(&announced[..], [Event::MessageHeld(e)] if e.message_id == id), "{announced:?}");
    world.record_all(announced);
    assert!(world.state.announcements().is_empty());
    approve(&mut world, &id);
    world.claim(&id);
}

#[test]
fn a_message_that_says_inject_is_taken_back_and_its_words_wait_for_the_next_turn() {
    let mut world = World::opened();
    let id = queued(&mut world, |q| {
        q.on_reply = OnReply::Inject;
        q.text = "shall we meet on Friday?".to_owned();
    });
    let asked = world.client_writes("I'm ill");
    is(&world, &id, "cancelled", "injected");
    let words: Vec<&str> = world.state.intents.iter().map(|i| i.text.as_str()).collect();
    assert_eq!(words, ["shall we meet on Friday?"]);
    let completed = |through_position| v1::TurnCompleted { through_position, ..Default::default() };
    world.record(completed(asked.position - 1));
    assert_eq!(world.state.intents.len(), 1, "a turn that hadn't seen them leaves them");
    world.record(completed(asked.position));
    assert!(world.state.intents.is_empty());
}

#[test]
fn what_the_client_said_while_it_was_being_sent_takes_effect_when_nothing_left() {
    for (on_reply, state, code, intents) in
        [(OnReply::Hold, "held", "client_responded", 0), (OnReply::Inject, "cancelled", "injected", 1)]
    {
        let mut world = World::opened();
        let id = queued(&mut world, |q| q.on_reply = on_reply);
        let claim = world.claim(&id);
        world.client_writes("wait");
        is(&world, &id, "claimed", "");
        world.answer(&claim, Answer::Deferral(5));
        is(&world, &id, state, code);
        assert_eq!(world.state.intents.len(), intents);
        assert_eq!(world.state.announcements().len(), 1, "subscribers are told");
    }
}

// Approval

fn approving(approval: Approval) -> World {
    let mut world = World::opened();
    world.policy = Policy { approval, ..Policy::default() };
    world
}

#[test]
fn each_approval_mode_holds_what_it_names_and_never_a_humans_words() {
    let cases = [
        (Approval::None, [false, false, false]),
        (Approval::FirstContact, [true, true, false]),
        (Approval::Proactive, [false, true, false]),
        (Approval::All, [true, true, false]),
    ];
    for (approval, held) in cases {
        let mut world = approving(approval);
        let answer = queued(&mut world, |_| {});
        let proactive = queued(&mut world, |q| q.proactive = true);
        let humans = queued(&mut world, |q| q.author = Author::Human);
        for (id, held) in [answer, proactive, humans].into_iter().zip(held) {
            world.dispatch(&id);
            assert_eq!(told(&world, &id).0 == "held", held, "{approval:?}: {:?}", state(&world, &id));
        }
    }
}

#[test]
fn after_something_reached_the_client_first_contact_asks_no_more() {
    let mut world = approving(Approval::FirstContact);
    let first = queued(&mut world, |_| {});
    world.dispatch(&first);
    is(&world, &first, "held", "needs_approval");
    approve(&mut world, &first);
    let claim = world.claim(&first);
    world.answer(&claim, Answer::Success);
    let second = queued(&mut world, |_| {});
    world.claim(&second);
}

#[test]
fn a_message_for_later_is_held_at_once_and_goes_at_its_time_when_it_is_approved() {
    let mut world = approving(Approval::All);
    let due_at = world.at(600);
    let id = queued(&mut world, |q| q.due_at = Some(due_at));
    world.dispatch(&id);
    is(&world, &id, "held", "needs_approval");
    approve(&mut world, &id);
    assert!(matches!(world.dispatch(&id).0, Step::Waits));
    world.pass(600);
    assert!(matches!(world.ring_message(&id), Alarmed::Decided(_)));
    world.claim(&id);
}

#[test]
fn an_approval_is_bound_to_text_and_recipient() {
    let mut world = approving(Approval::All);
    let id = queued(&mut world, |_| {});
    world.dispatch(&id);
    let seen = world.state.approval_hash(&world.state.outbox[&id]);
    assert_eq!(seen, fingerprint("42", "a message"));
    let events = world.state.edit_message(&id, "other words", "anna").unwrap();
    world.record_all(events);
    let stale = world.state.approve_message(&id, &seen, "anna").unwrap_err();
    assert_eq!(stale.code, "approval_stale");
    approve(&mut world, &id);
    world.record(v1::AddressBound { external_id: "43".to_owned(), ..Default::default() });
    world.dispatch(&id);
    is(&world, &id, "held", "needs_approval");
    approve(&mut world, &id);
    let events = world.state.edit_message(&id, "once more", "anna").unwrap();
    world.record_all(events);
    world.dispatch(&id);
    is(&world, &id, "held", "needs_approval");
}

#[test]
fn an_approved_message_isnt_asked_about_again_after_a_deferral() {
    let mut world = approving(Approval::All);
    let id = queued(&mut world, |_| {});
    world.dispatch(&id);
    approve(&mut world, &id);
    let claim = world.claim(&id);
    world.answer(&claim, Answer::Deferral(5));
    world.pass(5);
    world.ring_message(&id);
    world.claim(&id);
}

#[test]
fn a_promise_that_was_held_long_doesnt_expire_when_it_is_let_go() {
    let mut world = approving(Approval::Proactive);
    let follow_up = world.promised(CancelOn::Never, 60);
    world.pass(60);
    world.ring(&follow_up);
    let id = message_of(&follow_up);
    world.dispatch(&id);
    world.pass(5 * 3600);
    world.dispatch(&id);
    is(&world, &id, "held", "needs_approval");
    approve(&mut world, &id);
    world.claim(&id);
}

// Commands

#[test]
fn a_person_holds_edits_and_moves_what_waits_and_nothing_else() {
    let mut world = World::opened();
    let id = queued(&mut world, |_| {});
    let events = world.state.hold_message(&id, "anna").unwrap();
    world.record_all(events);
    is(&world, &id, "held", "by_command");
    assert_eq!(world.state.hold_message(&id, "anna").unwrap_err().code, "already_held");
    let events = world.state.edit_message(&id, &"слово ".repeat(1000), "anna").unwrap();
    world.record_all(events);
    assert_eq!(world.state.outbox[&id].parts.len(), 2, "it is split anew");
    let at = world.at(60);
    let events = world.state.move_message(world.now, &id, at, "anna").unwrap();
    assert!(matches!(&events[..], [Event::MessageMoved(e)] if from_timestamp(e.due_at.as_ref()) == Some(at)));
    world.record_all(events);
    approve(&mut world, &id);
    assert!(matches!(world.dispatch(&id).0, Step::Waits));
    let sent = sent(&mut world);
    for refused in [
        world.state.hold_message(&sent, "anna"),
        world.state.edit_message(&sent, "x", "anna"),
        world.state.move_message(world.now, &sent, at, "anna"),
        world.state.approve_message(&sent, "", "anna"),
        world.state.cancel_message_by(&sent, "anna"),
    ] {
        assert_eq!(refused.unwrap_err().code, "not_queued");
    }
}

#[test]
fn what_is_half_sent_cant_be_reworded() {
    let mut world = World::opened();
    let id = queued(&mut world, |q| q.text = "word ".repeat(1200));
    let claim = world.claim(&id);
    world.answer(&claim, Answer::Success);
    assert_eq!(world.state.edit_message(&id, "x", "anna").unwrap_err().code, "partly_sent");
}

#[test]
fn a_takeover_takes_back_what_is_held_like_what_is_queued() {
    let mut world = World::opened();
    let id = queued(&mut world, |_| {});
    let events = world.state.hold_message(&id, "anna").unwrap();
    world.record_all(events);
    world.record(v1::HumanTakeoverStarted { by: "anna".to_owned(), ..Default::default() });
    is(&world, &id, "cancelled", "human_active");
}

// Loops

#[test]
fn two_machines_that_answer_each_other_by_mail_come_to_an_end() {
    let mut world = World::opened_on("email");
    for n in 0..10 {
        sent(&mut world);
        world.pass(60);
        world.client_writes(&format!("automatic {n}"));
    }
    let eleventh = queued(&mut world, |_| {});
    world.dispatch(&eleventh);
    is(&world, &eleventh, "cancelled", "auto_reply_cap");
    let humans = queued(&mut world, |q| q.author = Author::Human);
    world.claim(&humans);
    world.pass(3600);
    let later = queued(&mut world, |_| {});
    world.claim(&later);
}

// The breaker

#[test]
fn while_the_breaker_is_open_nothing_proactive_goes_out_and_answers_do() {
    let mut world = World::opened();
    world.breaker_open = true;
    let proactive = queued(&mut world, |q| q.proactive = true);
    world.dispatch(&proactive);
    is(&world, &proactive, "held", "breaker_open");
    let answer = queued(&mut world, |_| {});
    world.claim(&answer);
    approve(&mut world, &proactive);
    world.dispatch(&proactive);
    is(&world, &proactive, "held", "breaker_open");
    world.breaker_open = false;
    approve(&mut world, &proactive);
    world.claim(&proactive);
}

// Whether the recipient can be reached

proptest! {
    #[test]
    fn whoever_was_heard_last_by_the_providers_clock_counts_whatever_the_order(
        order in Just(vec![("blocked", 10i64), ("words", 20), ("unblocked", 40), ("failed", 30)]).prop_shuffle(),
        blocked_last in any::<bool>(),
    ) {
        let mut world = World::opened_on("whatsapp");
        let id = sent(&mut world);
        let start = world.now;
        world.pass(600);
        for (what, seconds) in order {
            // The last of the four is the client let us in again, or that it failed.
            let seconds = if blocked_last && what == "failed" { 50 } else { seconds };
            let at = Some(steward_proto::to_timestamp(start + chrono::TimeDelta::seconds(seconds)));
            let source =
                Some(v1::Source { channel: "whatsapp".to_owned(), sent_at: at, ..Default::default() });
            match what {
                "blocked" => world.record(v1::RecipientBlocked { source, ..Default::default() }),
                "unblocked" => world.record(v1::RecipientUnblocked { source }),
                "words" => world.record(v1::ClientResponded { source, ..Default::default() }),
                _ => world.record(v1::DeliveryReported {
                    source,
                    at,
                    provider_message_id: provider_id(&id, 0),
                    status: "failed".to_owned(),
                    reason: Some(v1::Reason { code: "blocked".to_owned(), ..Default::default() }),
                    ..Default::default()
                }),
            };
        }
        prop_assert_eq!(world.state.blocked, blocked_last);
    }
}
