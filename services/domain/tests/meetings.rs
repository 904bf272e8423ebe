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
    remind(world, true);
    world.state.pending().iter().map(|f| f.due_at).collect()
}

fn remind(world: &mut World, news: bool) {
    let reminding = Reminding {
        conversation: HERE,
        meeting_id: ID,
        now: world.now,
        news,
        hours: &[24, 1],
        day_hour: 10,
        timezone: chrono_tz::Tz::UTC,
        language: "en",
        most_open: 100,
    };
    let events = world.state.remind_of_meeting(&reminding, |m, at| format!("{} at {at}", m.title)).unwrap();
    world.record_all(events);
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

#[test]
fn a_meeting_nearer_than_every_reminder_gets_one_that_still_fits() {
    for (ahead, before) in [(59, Some(15)), (16, Some(15)), (15, None), (2, None)] {
        let mut world = World::opened();
        let starts_at = world.now + TimeDelta::minutes(ahead);
        booked(&mut world, 0, starts_at);
        let expected = before.map_or(world.now, |minutes| starts_at - TimeDelta::minutes(minutes));
        assert_eq!(reminders(&mut world), [expected], "{ahead} minutes ahead");
        // Its time comes, and the same is told again.
        world.now = expected.max(world.now + TimeDelta::seconds(1));
        let id = world.state.pending()[0].id;
        world.ring(&id);
        booked(&mut world, 0, starts_at);
        assert!(reminders(&mut world).is_empty(), "{ahead} minutes ahead: reminded of once");
    }
    let mut world = World::opened();
    let begun = world.now - TimeDelta::minutes(1);
    booked(&mut world, 0, begun);
    assert!(reminders(&mut world).is_empty(), "of what has begun, nothing is said");
}

#[test]
fn whole_days_are_reminded_of_the_day_before_or_on_the_day() {
    // It is 09:00 in UTC, and the hour is 10:00.
    for (told, day, due) in [
        (9, "2026-11-25", Some("2026-11-24T10:00:00Z")),
        (9, "2026-11-22", Some("2026-11-21T10:00:00Z")),
        (11, "2026-11-22", Some("2026-11-22T10:00:00Z")),
        (9, "2026-11-21", Some("2026-11-21T10:00:00Z")),
        (11, "2026-11-21", None),
        (9, "2026-11-20", None),
    ] {
        let mut world = World::opened();
        world.now += TimeDelta::hours(told - 9);
        let meeting = v1::Meeting { day: day.to_owned(), days: 1, ..meeting(0, world.now) };
        world.record(v1::MeetingBooked { meeting: Some(meeting), ..Default::default() });
        let expected: Vec<DateTime<Utc>> = due.map(|at| at.parse().unwrap()).into_iter().collect();
        assert_eq!(reminders(&mut world), expected, "told at {told}:00 of {day}");
    }
}

#[test]
fn a_series_goes_on_as_its_reminders_are_used_up_or_end_otherwise() {
    let mut world = World::opened();
    let first = world.now + TimeDelta::days(2);
    let series = v1::Meeting { rule: "FREQ=WEEKLY".to_owned(), ..meeting(0, first) };
    world.record(v1::MeetingBooked { meeting: Some(series), ..Default::default() });
    let promised = reminders(&mut world);
    // Eight weeks and a bit, two reminders each.
    assert_eq!((promised.len(), promised[0]), (18, first - TimeDelta::hours(24)));
    let mut last = *promised.last().unwrap();
    for week in 0..20 {
        let id = world.state.pending()[0].id;
        world.now = world.state.pending()[0].due_at;
        world.ring(&id);
        remind(&mut world, false);
        let pending = world.state.pending();
        assert!((16..=18).contains(&pending.len()), "{week}: {}", pending.len());
        let now_last = pending.last().unwrap().due_at;
        assert!(now_last >= last);
        last = now_last;
    }
    assert!(last > first + TimeDelta::weeks(16));
}

#[test]
fn what_the_client_took_back_of_a_series_stays_taken_back() {
    let mut world = World::opened();
    let series = v1::Meeting { rule: "FREQ=DAILY;COUNT=4".to_owned(), ..meeting(0, world.now + TimeDelta::days(2)) };
    world.record(v1::MeetingBooked { meeting: Some(series), ..Default::default() });
    let promised = reminders(&mut world);
    let second = world.state.pending()[1].id;
    let why = steward_domain::kernel::Why::new("by_client", "the client asked for it", "");
    let events = world.state.cancel(&second, why, None).unwrap();
    world.record_all(events);
    remind(&mut world, false);
    remind(&mut world, true);
    assert_eq!(world.state.pending().len(), promised.len() - 1);
}

#[test]
fn an_occurrence_has_one_set_of_reminders_whatever_is_said_of_it() {
    let mut world = World::opened();
    let first = world.now + TimeDelta::days(2);
    let series = v1::Meeting { rule: "FREQ=WEEKLY;COUNT=3".to_owned(), ..meeting(0, first) };
    world.record(v1::MeetingBooked { meeting: Some(series), ..Default::default() });
    assert_eq!(reminders(&mut world).len(), 6);
    let id = format!("{ID}/{}", first.format("%Y%m%dT%H%M%SZ"));
    let moved = v1::Meeting { meeting_id: id.clone(), ..meeting(1, first + TimeDelta::hours(3)) };
    world.record(v1::MeetingMoved { meeting: Some(moved), ..Default::default() });
    let due = reminders(&mut world);
    assert_eq!((due.len(), due[0]), (6, first + TimeDelta::hours(3 - 24)));
    assert_eq!(world.state.follow_ups.len(), 6, "moved, not made anew");
    world.record(v1::MeetingCancelled { meeting_id: id, sequence: 2, ..Default::default() });
    assert_eq!(reminders(&mut world).len(), 4);
    let ended = world.state.follow_ups.values().filter_map(|f| match &f.state {
        FollowUpState::Cancelled(why) => Some(why.code.clone()),
        _ => None,
    });
    assert!(ended.eq(["meeting_cancelled", "meeting_cancelled"]));
}

#[test]
fn a_yearly_series_of_29_february_goes_on_from_one_leap_year_to_the_next() {
    for (first, next) in [("2028-02-29T09:00:00Z", 2032), ("2096-02-29T09:00:00Z", 2104)] {
        let first: DateTime<Utc> = first.parse().unwrap();
        let mut world = World::opened();
        world.now = first - TimeDelta::days(30);
        world.client_writes("hello");
        let series = v1::Meeting { rule: "FREQ=YEARLY".to_owned(), ..meeting(0, first) };
        world.record(v1::MeetingBooked { meeting: Some(series), ..Default::default() });
        assert_eq!(reminders(&mut world), [first - TimeDelta::hours(24), first - TimeDelta::hours(1)]);
        for _ in 0..2 {
            let id = world.state.pending()[0].id;
            world.now = world.state.pending()[0].due_at;
            world.ring(&id);
            remind(&mut world, false);
        }
        let due: Vec<_> = world.state.pending().iter().map(|f| f.due_at).collect();
        let there: DateTime<Utc> = format!("{next}-02-29T09:00:00Z").parse().unwrap();
        assert_eq!(due, [there - TimeDelta::hours(24), there - TimeDelta::hours(1)]);
        // The calendar moves all of it by an hour.
        let series = v1::Meeting { rule: "FREQ=YEARLY".to_owned(), ..meeting(1, first + TimeDelta::hours(1)) };
        world.record(v1::MeetingMoved { meeting: Some(series), ..Default::default() });
        world.now += TimeDelta::days(1);
        assert_eq!(reminders(&mut world), due.iter().map(|at| *at + TimeDelta::hours(1)).collect::<Vec<_>>());
    }
}

#[test]
fn of_a_rule_that_is_not_read_the_first_is_reminded_of_and_the_reminder_says_so() {
    for (rule, said, promised) in [
        ("FREQ=MINUTELY", true, 2),
        ("FREQ=SECONDLY;INTERVAL=5", true, 2),
        ("FREQ=HOURLY;INTERVAL=12;COUNT=4", false, 8),
        ("FREQ=MINUTELY;INTERVAL=90;COUNT=3", false, 6),
        ("", false, 2),
    ] {
        let mut world = World::opened();
        let series = v1::Meeting { rule: rule.to_owned(), ..meeting(0, world.now + TimeDelta::days(3)) };
        world.record(v1::MeetingBooked { meeting: Some(series), ..Default::default() });
        assert_eq!(reminders(&mut world).len(), promised, "{rule}");
        let pending = world.state.pending();
        assert!(pending.iter().all(|f| f.scheduled_reason.contains("rule isn't one") == said), "{rule}: {pending:?}");
    }
}

#[test]
fn a_hostile_calendar_is_walked_for_a_bounded_time() {
    for rule in [
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=31",
        "FREQ=SECONDLY",
        "FREQ=HOURLY;COUNT=4294967295",
        "FREQ=MINUTELY;INTERVAL=10000;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;BYHOUR=0,1,2,3,4,5,6,7;BYMINUTE=0,10,20",
        "FREQ=DAILY;COUNT=4294967295;BYHOUR=0,1,2,3,4,5,6,7;BYMINUTE=0,10,20",
        "FREQ=MONTHLY;BYDAY=5MO;BYSETPOS=-366",
        "FREQ=",
        "INTERVAL=0",
    ] {
        let mut world = World::opened();
        let series = v1::Meeting { rule: rule.to_owned(), ..meeting(0, world.now + TimeDelta::days(3)) };
        world.record(v1::MeetingBooked { meeting: Some(series), ..Default::default() });
        let due = reminders(&mut world).len();
        assert!((2..=128).contains(&due), "{rule}: the first is known, {due}");
    }
}
