//! The rules of the outbox: what a client's message, a person's command and the breaker do to what waits.
#![allow(clippy::unwrap_used, reason = "tests")]

mod conversation_world;

use conversation_world::{
    Answer, World,
    outbox::{approve, is, queued, sent},
};
use steward_domain::{
    conversation::{Author, OnReply, dispatch::Step},
    ids::MessageId,
    kernel::Refusal as _,
    settings::Approval,
    tenant::Tenant,
};
use steward_proto::{Event, Fold as _, from_timestamp, v1};

// What the client's next message does

#[test]
fn a_message_that_says_hold_waits_for_a_person_when_the_client_writes_first() {
    let mut world = World::opened();
    let id = queued(&mut world, |q| q.on_reply = OnReply::Hold);
    world.client_writes("wait");
    is(&world, &id, "held", "client_responded");
    let announced = world.state.announcements().events;
    assert!(matches!(&announced[..], [Event::MessageHeld(e)] if e.message_id == id.to_string()), "{announced:?}");
    world.record_all(announced);
    assert!(world.state.announcements().events.is_empty());
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
    let words: Vec<&str> = world.state.unsaid.iter().map(|i| i.text.as_str()).collect();
    assert_eq!(words, ["shall we meet on Friday?"]);
    let completed = |through_position| v1::TurnCompleted { through_position, ..Default::default() };
    world.record(completed(asked.position - 1));
    assert_eq!(world.state.unsaid.len(), 1, "a turn that hadn't seen them leaves them");
    world.record(completed(asked.position));
    assert!(world.state.unsaid.is_empty());
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
        assert_eq!(world.state.unsaid.len(), intents);
        assert_eq!(world.state.announcements().events.len(), 1, "subscribers are told");
    }
}

// Commands

#[test]
fn a_person_holds_edits_and_moves_what_waits_and_nothing_else() {
    let mut world = World::opened();
    let id = queued(&mut world, |_| {});
    let events = world.state.hold_message(&id, "anna").unwrap();
    world.record_all(events);
    is(&world, &id, "held", "by_command");
    assert_eq!(world.state.hold_message(&id, "anna").unwrap_err().code(), "already_held");
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
        assert_eq!(refused.unwrap_err().code(), "not_queued");
    }
}

#[test]
fn what_is_half_sent_cant_be_reworded() {
    let mut world = World::opened();
    let id = queued(&mut world, |q| q.text = "word ".repeat(1200));
    let claim = world.claim(&id);
    world.answer(&claim, Answer::Success);
    assert_eq!(world.state.edit_message(&id, "x", "anna").unwrap_err().code(), "partly_sent");
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

fn release(world: &mut World, id: &MessageId) -> usize {
    let events = world.state.release_from_breaker(id, "anna").unwrap();
    let count = events.len();
    world.record_all(events);
    count
}

#[test]
fn what_the_breaker_held_is_released_once_weighed_again_and_isnt_late_for_it() {
    let mut world = World::opened();
    world.breaker_open = true;
    let [first, answered, strict] = [OnReply::Keep, OnReply::Cancel, OnReply::Keep].map(|on_reply| {
        let id = queued(&mut world, |q| (q.proactive, q.on_reply) = (true, on_reply));
        world.dispatch(&id);
        is(&world, &id, "held", "breaker_open");
        id
    });
    world.pass(5 * 3600);
    world.client_writes("hello again");
    world.breaker_open = false;
    assert_eq!(release(&mut world, &first), 1);
    is(&world, &first, "queued", "");
    assert_eq!(release(&mut world, &first), 0, "a second time changes nothing");
    let claim = world.claim(&first);
    assert!(world.state.outbox[&first].let_go, "it doesn't count as going out by itself");
    world.answer(&claim, Answer::Success);
    assert_eq!(release(&mut world, &first), 0);
    is(&world, &first, "sent", "");
    // The client's reply took this one back.
    assert_eq!(release(&mut world, &answered), 0);
    is(&world, &answered, "cancelled", "client_responded");
    // A rule that asks for approval by now is asked again.
    world.approval.mode = Approval::Proactive;
    assert_eq!(release(&mut world, &strict), 1);
    world.dispatch(&strict);
    is(&world, &strict, "held", "needs_approval");
    assert_eq!(release(&mut world, &strict), 0, "it is held for another reason now");
}

#[test]
fn the_breaker_lets_go_of_what_was_held_before_it_was_reset_and_of_nothing_later() {
    let mut world = World::new();
    let mut tenant = Tenant::default();
    let tripped = world.record(v1::BreakerTripped::default());
    tenant.evolve(&tripped);
    assert!(!tenant.lets_go_of(tripped.position + 1));
    let reset = tenant.reset_breaker("anna", "").unwrap();
    assert!(matches!(&reset[..], [Event::BreakerReset(e)] if e.tripped_position == tripped.position));
    tenant.evolve(&world.record(reset[0].clone()));
    assert!(tenant.lets_go_of(tripped.position + 1), "held by somebody who hadn't seen the reset");
    let again = world.record(v1::BreakerTripped::default());
    tenant.evolve(&again);
    assert!(tenant.lets_go_of(again.position - 1), "held for the first time that it was open");
    assert!(!tenant.lets_go_of(again.position + 1));
}
