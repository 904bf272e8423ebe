//! Meetings: a calendar's news become reminders, which follow it wherever it goes.
#![allow(clippy::unwrap_used, reason = "tests")]

mod conversation_world;

use chrono::{DateTime, TimeDelta, Utc};
use conversation_world::{HERE, World};
use steward_domain::conversation::{FollowUpState, meetings::Reminding};
use steward_proto::{to_timestamp, v1};

const ID: &str = "uid-1@example.com";

fn meeting(sequence: u32, starts_at: DateTime<Utc>) -> v1::Meeting {
    v1::Meeting {
        meeting_id: ID.to_owned(),
        sequence,
        starts_at: Some(to_timestamp(starts_at)),
        title: "Demo".to_owned(),
        ..Default::default()
    }
}

/// Brings the reminders into order and says when they are due.
fn reminders(world: &mut World) -> Vec<DateTime<Utc>> {
    let reminding = Reminding {
        conversation: HERE,
        meeting_id: ID,
        now: world.now,
        hours: &[24, 1],
        timezone: "UTC",
        language: "en",
        most_open: 10,
    };
    let events = world.state.remind_of_meeting(&reminding, |m, at| format!("{} at {at}", m.title)).unwrap();
    world.record_all(events);
    world.state.pending().iter().map(|f| f.due_at).collect()
}

fn booked(world: &mut World, sequence: u32, starts_at: DateTime<Utc>) {
    world.record(v1::MeetingBooked { meeting: Some(meeting(sequence, starts_at)), ..Default::default() });
}

#[test]
fn a_meeting_is_reminded_of_a_day_and_an_hour_before() {
    let mut world = World::opened();
    let starts_at = world.now + TimeDelta::days(3);
    booked(&mut world, 0, starts_at);
    let hours = |h| starts_at - TimeDelta::hours(h);
    assert_eq!(reminders(&mut world), [hours(24), hours(1)]);
    let again = reminders(&mut world);
    assert_eq!((again.len(), world.state.follow_ups.len()), (2, 2), "told twice, it is promised once");
    world.client_writes("thanks");
    assert_eq!(world.state.pending().len(), 2, "a reminder survives what the client writes");
}

#[test]
fn a_meeting_that_is_too_near_for_a_reminder_gets_only_the_other() {
    let mut world = World::opened();
    let starts_at = world.now + TimeDelta::hours(3);
    booked(&mut world, 0, starts_at);
    assert_eq!(reminders(&mut world), [starts_at - TimeDelta::hours(1)]);
}

#[test]
fn reminders_move_with_their_meeting() {
    let mut world = World::opened();
    let (first, second) = (world.now + TimeDelta::days(3), world.now + TimeDelta::days(5));
    booked(&mut world, 0, first);
    reminders(&mut world);
    world.record(v1::MeetingMoved { meeting: Some(meeting(1, second)), ..Default::default() });
    assert_eq!(reminders(&mut world), [second - TimeDelta::hours(24), second - TimeDelta::hours(1)]);
    assert_eq!(world.state.follow_ups.len(), 2, "moved, not made anew");
    // The older word, brought late.
    booked(&mut world, 0, first);
    assert_eq!(reminders(&mut world), [second - TimeDelta::hours(24), second - TimeDelta::hours(1)]);
    let soon = world.now + TimeDelta::hours(5);
    world.record(v1::MeetingMoved { meeting: Some(meeting(2, soon)), ..Default::default() });
    assert_eq!(reminders(&mut world), [soon - TimeDelta::hours(1)]);
}

#[test]
fn a_meeting_called_off_takes_its_reminders_with_it_and_may_come_back() {
    let mut world = World::opened();
    let starts_at = world.now + TimeDelta::days(3);
    booked(&mut world, 0, starts_at);
    reminders(&mut world);
    world.record(v1::MeetingCancelled { meeting_id: ID.to_owned(), sequence: 1, ..Default::default() });
    assert!(reminders(&mut world).is_empty());
    let all_cancelled =
        |f: &FollowUpState| matches!(f, FollowUpState::Cancelled(why) if why.code == "meeting_cancelled");
    assert!(world.state.follow_ups.values().all(|f| all_cancelled(&f.state)));
    world.record(v1::MeetingMoved { meeting: Some(meeting(2, starts_at)), ..Default::default() });
    assert_eq!(reminders(&mut world).len(), 2);
}
