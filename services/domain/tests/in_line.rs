//! What is put off until its channel's limiter has a turn for it: it isn't late for that, and what comes behind it stays behind.
#![allow(clippy::unwrap_used, reason = "tests")]

mod conversation_world;

use chrono::TimeDelta;
use conversation_world::{
    World,
    outbox::{is, queued},
};
use steward_domain::conversation::dispatch::Step;

fn lined_up(world: &mut World, id: &str, seconds: i64) {
    let events = world.state.put_in_line(id, world.now, world.at(seconds)).unwrap();
    assert_eq!(events.len(), 1);
    world.record_all(events);
}

#[test]
fn what_is_put_in_line_waits_for_its_turn_and_is_not_late_for_it() {
    let mut world = World::opened();
    let id = queued(&mut world, |q| q.proactive = true);
    lined_up(&mut world, &id, 7_200);
    assert_eq!(world.next_step(&world.state, &id, "claim", "worker"), Step::Waits);
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
    assert_eq!(world.state.line_before(&second, None), None);
    assert_eq!(world.state.ready_beside(&first), 1);
    lined_up(&mut world, &first, 10);
    let turn = world.at(10);
    assert_eq!(world.state.ready_beside(&second), 0);
    assert_eq!(world.state.line_before(&second, None), Some(turn), "who comes anew is behind all");
    lined_up(&mut world, &second, 11);
    world.pass(10);
    world.ring_message(&first);
    assert_eq!(world.state.line_before(&first, Some(turn)), None, "the second's turn is later");
    assert_eq!(world.state.line_before(&second, Some(turn + TimeDelta::seconds(1))), None, "the first is on its way");
    assert_eq!(
        world.refolded().line_before(&first, None),
        world.state.line_before(&first, None),
        "the log says the same"
    );
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
    assert_eq!(world.state.line_before(&second, Some(turn + TimeDelta::seconds(1))), Some(turn));
}
