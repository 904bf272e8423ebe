//! What a human of ours said: the brain is told of it once, bounded, and none of it is said again.
#![allow(clippy::unwrap_used, reason = "tests")]

mod conversation_world;

use conversation_world::World;
use proptest::prelude::*;
use steward_domain::{
    conversation::{
        Author, CancelOn, FollowUpState,
        takeover::stretch::{CHARACTERS_KEPT, HumanStretch, LINES_KEPT, Speaker},
        turns::TurnStart,
    },
    ids::{FollowUpId, MessageId},
};
use steward_proto::v1;

fn take_over(world: &mut World) {
    let events = world.state.take_over("anna", "http", "").unwrap();
    world.record_all(events);
}

fn release(world: &mut World) {
    let events = world.state.release("anna", "http").unwrap();
    world.record_all(events);
}

/// A human writes by Steward; the message's id.
fn writes(world: &mut World, text: &str) -> MessageId {
    let mut message = world.a_message(Author::Human);
    text.clone_into(&mut message.text);
    let id = message.message_id;
    world.do_queue(message).unwrap();
    id
}

/// A human writes past Steward.
fn is_seen_writing(world: &mut World, text: &str) {
    let message_id = world.message_id().to_string();
    let (kind, text) = ("text".to_owned(), text.to_owned());
    world.record(v1::HumanResponded { message_id, kind, text, ..Default::default() });
}

/// A whole turn with this outcome.
fn turn(world: &mut World, outcome: &str) {
    let turn_id = world.turn_id();
    let TurnStart::Started(started) = world.start_turn(turn_id, None) else { panic!("nothing to answer") };
    world.record(*started);
    let through_position = world.log.len() as u64;
    let outcome = outcome.to_owned();
    world.record(v1::TurnCompleted { turn_id: turn_id.to_string(), through_position, outcome, ..Default::default() });
}

fn told(stretch: &HumanStretch) -> Vec<(Speaker, &str)> {
    stretch.lines.iter().map(|line| (line.speaker, line.text.as_str())).collect()
}

#[test]
fn on_release_the_next_turn_is_told_what_both_sides_said_and_the_one_after_isnt() {
    use Speaker::{Client, Human};
    let mut world = World::opened();
    turn(&mut world, "replied");
    assert_eq!(world.state.human_stretch(), None);
    world.client_writes("is anybody there?");
    is_seen_writing(&mut world, "Anna here");
    take_over(&mut world);
    turn(&mut world, "suppressed");
    world.client_writes("how much is it?");
    turn(&mut world, "suppressed");
    writes(&mut world, "Ten euros");
    assert_eq!(world.state.human_stretch(), None, "it still lasts");
    world.pass(60);
    release(&mut world);
    let said = [(Client, "is anybody there?"), (Human, "Anna here"), (Client, "how much is it?"), (Human, "Ten euros")];
    world.client_writes("thanks");
    let stretch = world.state.human_stretch().unwrap();
    assert_eq!(told(&stretch), said, "what the turn answers is no part of it");
    assert_eq!((stretch.by.as_str(), stretch.via.as_str(), stretch.left_out), ("anna", "http", 0));
    assert_eq!(stretch.until.unwrap() - stretch.since.unwrap(), chrono::TimeDelta::seconds(60));
    turn(&mut world, "silent");
    assert_eq!(world.state.human_stretch(), None);
}

#[test]
fn two_takeovers_before_the_brain_speaks_are_told_together() {
    let mut world = World::opened();
    turn(&mut world, "replied");
    for words in ["first", "second"] {
        take_over(&mut world);
        writes(&mut world, words);
        release(&mut world);
    }
    let stretch = world.state.human_stretch().unwrap();
    assert_eq!(told(&stretch), [(Speaker::Human, "first"), (Speaker::Human, "second")]);
}

#[test]
fn of_a_long_stretch_the_latest_is_told_and_how_much_isnt() {
    let mut world = World::opened();
    turn(&mut world, "replied");
    take_over(&mut world);
    let long = "я".repeat(CHARACTERS_KEPT + 1);
    for _ in 0..LINES_KEPT {
        writes(&mut world, "before");
    }
    for _ in 0..LINES_KEPT {
        writes(&mut world, &long);
    }
    release(&mut world);
    let stretch = world.state.human_stretch().unwrap();
    assert_eq!((stretch.lines.len(), stretch.left_out), (LINES_KEPT, LINES_KEPT));
    assert!(stretch.lines.iter().all(|line| line.cut && line.text.chars().count() == CHARACTERS_KEPT));
    assert!(!stretch.said(&stretch.lines[0].text), "half of a message isn't what was said");
}

#[test]
fn what_never_went_out_wasnt_said_and_what_was_changed_was_said_as_it_is_now() {
    let mut world = World::opened();
    turn(&mut world, "replied");
    take_over(&mut world);
    let (first, second) = (writes(&mut world, "never mind"), writes(&mut world, "ten euros"));
    let reason = Some(v1::Reason { code: "by_command".to_owned(), ..Default::default() });
    world.record(v1::MessageCancelled { message_id: first.to_string(), reason, by: String::new() });
    let (text, parts) = ("nine euros".to_owned(), vec!["nine euros".to_owned()]);
    world.record(v1::MessageEdited { message_id: second.to_string(), text, parts, by: String::new() });
    release(&mut world);
    assert_eq!(told(&world.state.human_stretch().unwrap()), [(Speaker::Human, "nine euros")]);
}

#[test]
fn what_a_human_writes_for_later_is_said_when_its_time_comes() {
    let mut world = World::opened();
    turn(&mut world, "replied");
    let mut message = world.a_message(Author::Human);
    let (id, due_at) = (message.message_id, world.at(60));
    message.due_at = Some(due_at);
    world.do_queue(message).unwrap();
    assert_eq!(world.state.human_stretch(), None);
    world.pass(60);
    world.ring_message(&id);
    let stretch = world.state.human_stretch().unwrap();
    assert_eq!((told(&stretch), stretch.since), (vec![(Speaker::Human, "a message")], None));
}

#[test]
fn a_promise_whose_very_words_a_human_has_said_since_isnt_kept_twice() {
    for (said, ends) in [("you  asked me to WRITE.\n", true), ("You asked me to call.", false)] {
        let mut world = World::opened();
        let (promise, renewed) = (world.promised(CancelOn::Never, 60), world.promised(CancelOn::Never, 60));
        take_over(&mut world);
        writes(&mut world, said);
        release(&mut world);
        world.pass(60);
        // What is promised anew is promised whatever was said before.
        let due_at = Some(steward_proto::to_timestamp(world.now));
        world.record(v1::FollowUpMoved { follow_up_id: renewed.to_string(), due_at, ..Default::default() });
        world.ring(&promise);
        world.ring(&renewed);
        let state = |id: &FollowUpId| &world.state.follow_ups[id].state;
        let ended = matches!(state(&promise), FollowUpState::Cancelled(why) if why.code == "said_by_human");
        assert_eq!(ended, ends, "{:?}", state(&promise));
        assert!(matches!(state(&renewed), FollowUpState::Due { .. }), "{:?}", state(&renewed));
    }
}

proptest! {
    #[test]
    fn whatever_is_said_the_summary_stays_bounded(
        words in prop::collection::vec((any::<bool>(), ".{0,8}", 0..1_200_usize, any::<bool>()), 0..80),
    ) {
        let mut world = World::opened();
        for (human, text, times, active) in words {
            match (world.state.human_active(), active) {
                (false, true) => take_over(&mut world),
                (true, false) => release(&mut world),
                _ => {}
            }
            let text = text.repeat(times / 8 + 1);
            if human { is_seen_writing(&mut world, &text) } else { drop(world.client_writes(&text)) }
        }
        if world.state.human_active() {
            release(&mut world);
        }
        let stretch = world.state.human_stretch().unwrap_or_default();
        prop_assert!(stretch.lines.len() <= LINES_KEPT);
        prop_assert!(stretch.lines.iter().all(|line| line.text.chars().count() <= CHARACTERS_KEPT));
        prop_assert_eq!(world.refolded().human_stretch().unwrap_or_default(), stretch);
    }
}
