//! What is put off until its channel's limiter has a turn for it: it isn't late for that, and what comes behind it stays behind.
#![allow(clippy::unwrap_used, reason = "tests")]

mod conversation_world;

use chrono::{DateTime, TimeDelta, Utc};
use conversation_world::{
    World,
    outbox::{is, queued},
};
use steward_domain::{conversation::dispatch::Step, ids::MessageId};

fn lined_up(world: &mut World, id: &MessageId, seconds: i64) {
    let events = world.state.put_in_line(id, world.now, world.at(seconds)).unwrap();
    assert_eq!(events.len(), 1);
    world.record_all(events);
}

fn line_before(world: &World, id: &MessageId, own_turn: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    world.state.line_before(id, own_turn, world.now)
}

#[test]
fn what_is_put_in_line_waits_for_its_turn_and_is_not_late_for_it() {
    let mut world = World::opened();
    let id = queued(&mut world, |q| q.proactive = true);
    lined_up(&mut world, &id, 7_200);
    let claim_id = world.claim_id();
    assert_eq!(world.next_step(&world.state, &id, claim_id, "worker"), Step::Waits);
    assert!(world.state.put_in_line(&id, world.now, world.at(9_000)).unwrap().is_empty(), "it has its turn already");
    world.pass(7_200);
    world.ring_message(&id);
    world.claim(&id);
    is(&world, &id, "claimed", "");
    assert!(world.state.put_in_line(&id, world.now, world.at(60)).unwrap().is_empty(), "a claimed one isn't put off");
}

#[test]
fn what_comes_behind_in_the_same_conversation_stays_behind() {
    let mut world = World::opened();
    let first = queued(&mut world, |_| {});
    let second = queued(&mut world, |_| {});
    assert_eq!(line_before(&world, &second, None), None);
    assert_eq!(world.state.ready_beside(&first), 1);
    lined_up(&mut world, &first, 10);
    let turn = world.at(10);
    assert_eq!(world.state.ready_beside(&second), 0);
    assert_eq!(line_before(&world, &second, None), Some(turn), "who comes anew is behind all");
    lined_up(&mut world, &second, 11);
    world.pass(10);
    world.ring_message(&first);
    assert_eq!(line_before(&world, &first, Some(turn)), None, "the second's turn is later");
    let seconds = Some(turn + TimeDelta::seconds(1));
    assert_eq!(line_before(&world, &second, seconds), Some(turn), "the first's turn has come, but it is still here");
    world.claim(&first);
    assert_eq!(line_before(&world, &second, seconds), None, "the first is on its way");
    let mut refolded = world.clone();
    refolded.state = world.refolded();
    assert_eq!(line_before(&refolded, &first, None), line_before(&world, &first, None), "the log says the same");
}

#[test]
fn whose_turn_has_come_stays_ahead_until_it_is_claimed_or_has_ended() {
    let ends: [fn(&mut World, &MessageId); 5] = [
        |world, id| {
            world.claim(id);
        },
        |world, id| world.record_all(world.state.cancel_message_by(id, "anna").unwrap()),
        |world, id| world.record_all(world.state.hold_message(id, "anna").unwrap()),
        // Nobody has claimed it for so long that nobody will.
        |world, _| world.pass(600),
        // Somebody wants it at another time.
        |world, id| {
            let at = world.at(3_600);
            world.record_all(world.state.move_message(world.now, id, at, "anna").unwrap());
        },
    ];
    for end in ends {
        let mut world = World::opened();
        let first = queued(&mut world, |_| {});
        lined_up(&mut world, &first, 10);
        let turn = world.at(10);
        world.pass(10);
        world.ring_message(&first);
        let second = queued(&mut world, |_| {});
        assert_eq!(line_before(&world, &second, None), Some(turn), "what comes now is behind it");
        end(&mut world, &first);
        assert_eq!(line_before(&world, &second, None), None);
    }
}

#[test]
fn what_is_for_later_and_was_never_in_line_holds_nothing_up() {
    let mut world = World::opened();
    let due_at = Some(world.at(10));
    let later = queued(&mut world, |q| q.due_at = due_at);
    world.pass(10);
    world.ring_message(&later);
    let answer = queued(&mut world, |_| {});
    assert_eq!(line_before(&world, &answer, None), None);
}

#[test]
fn of_two_whose_turn_has_come_one_waits_for_the_other_and_never_both() {
    let mut world = World::opened();
    let first = queued(&mut world, |_| {});
    let second = queued(&mut world, |_| {});
    lined_up(&mut world, &first, 10);
    lined_up(&mut world, &second, 11);
    let turns = [world.at(10), world.at(11)];
    world.pass(20);
    world.ring_message(&second);
    world.ring_message(&first);
    assert_eq!(line_before(&world, &second, Some(turns[1])), Some(turns[0]));
    assert_eq!(line_before(&world, &first, Some(turns[0])), None);
}

#[test]
fn what_rings_before_its_forerunner_still_stays_behind_it() {
    let mut world = World::opened();
    let first = queued(&mut world, |_| {});
    let second = queued(&mut world, |_| {});
    lined_up(&mut world, &first, 10);
    lined_up(&mut world, &second, 11);
    world.pass(20);
    let turn = world.at(-10);
    world.ring_message(&second);
    assert_eq!(line_before(&world, &second, Some(turn + TimeDelta::seconds(1))), Some(turn));
}
