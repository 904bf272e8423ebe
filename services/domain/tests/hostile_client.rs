//! A client who writes without end: what it does has bounds, fits a batch of the log, and loses no promise.
#![allow(clippy::unwrap_used)]

mod conversation_world;

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use conversation_world::{Answer, HERE, World, turn};
use steward_domain::{
    conversation::{
        CancelOn, FollowUpState, UNANSWERED_KEPT,
        batch::Batch,
        follow_ups::AT_ONCE,
        meetings::Reminding,
        turns::{MESSAGES_AT_ONCE, TurnStanding, TurnStart},
    },
    kernel::{Refusal as _, Why},
};
use steward_language::excerpt::MOST_BYTES;
use steward_proto::{to_timestamp, v1};

#[test]
fn what_one_message_cancels_is_told_in_batches_that_the_log_takes() {
    let mut world = World::opened();
    let promised = 5 * AT_ONCE + 1;
    for _ in 0..promised {
        world.promised(CancelOn::ClientResponse, 3600);
    }
    world.client_writes("hello");
    assert_eq!((world.state.unannounced.len(), world.state.cancelled.len()), (promised, promised));
    let mut told = 0;
    loop {
        let Batch { events, full: more, .. } = world.state.announcements();
        assert!(!events.is_empty() && events.len() <= AT_ONCE);
        told += events.len();
        world.record_all(events);
        if !more {
            break;
        }
    }
    assert_eq!((told, world.state.unannounced.len()), (promised, 0));
    let old: Vec<_> = world.state.cancelled.iter().map(|f| f.id).collect();
    for id in old {
        let new_id = world.follow_up_id();
        let renewed = world.state.renew(&id, new_id, None, None).unwrap();
        world.record_all(renewed);
    }
    assert_eq!((world.state.open_follow_ups(), world.state.cancelled.len()), (promised, 0));
}

#[test]
fn beyond_the_cap_no_promise_is_made_and_what_stands_stays() {
    let mut world = World::opened();
    for _ in 0..3 {
        world.promised(CancelOn::Never, 3600);
    }
    assert!(world.state.room_for_one_more(4, 0).is_ok());
    for most in [3, 2, 0] {
        assert_eq!(world.state.room_for_one_more(most, 0).unwrap_err().code(), "too_many_follow_ups");
    }
    assert_eq!(world.state.open_follow_ups(), 3);
    for (elsewhere, refused) in [(0, false), (1, false), (2, true), (usize::MAX, true)] {
        assert_eq!(world.state.room_for_one_more(5, elsewhere).is_err(), refused, "{elsewhere} in other conversations");
    }
}

/// `cargo test -p steward-domain --test hostile_client costs_nothing -- --nocapture` prints what each costs.
#[test]
fn what_has_ended_costs_nothing_and_is_forgotten() {
    let mut world = World::opened();
    let (open, ended) = (1_000, 10_000);
    for _ in 0..open {
        world.promised(CancelOn::Never, 86_400);
    }
    let mut all = Vec::new();
    for _ in 0..ended {
        let id = world.promised(CancelOn::Never, 3_600);
        let why = Why::new("by_command", "", "");
        world.record_all(world.state.cancel(&id, why, None).unwrap());
    }
    let remembered = world.state.follow_ups.len();
    assert!(remembered <= open + 128, "{remembered} follow-ups are remembered");
    // the world's own log isn't part of what is measured
    for _ in 0..200 {
        let mut timed = [Duration::ZERO; 4];
        let mut time = |n: usize, what: &mut dyn FnMut()| {
            let since = Instant::now();
            what();
            timed[n] = since.elapsed();
        };
        time(0, &mut || drop(world.client_writes("hello")));
        let schedule = world.a_schedule(CancelOn::Never, 60);
        let id = schedule.follow_up_id;
        time(1, &mut || {
            world.state.room_for_one_more(2 * open, 0).unwrap();
            world.do_schedule(schedule.clone()).unwrap();
        });
        world.pass(60);
        time(2, &mut || drop(world.ring(&id)));
        let message = world.state.follow_ups[&id].clone();
        let FollowUpState::Due { message_id: Some(message_id) } = &message.state else { panic!("{:?}", message.state) };
        let mut claim = None;
        time(3, &mut || claim = Some(world.claim(message_id)));
        world.answer(&claim.unwrap(), Answer::Success);
        all.push(timed);
    }
    for (n, what) in ["a client's message", "a promise", "a due promise", "a claim"].into_iter().enumerate() {
        let mut times: Vec<_> = all.iter().map(|timed| timed[n]).collect();
        times.sort();
        println!("{what}: {:?} (median), {:?} (p95)", times[100], times[190]);
    }
    assert_eq!(world.state.open_follow_ups(), open);
    assert!(world.state.follow_ups.len() <= open + 128);
}

#[test]
fn what_waits_for_an_answer_is_bounded_and_the_turn_is_told() {
    let mut world = World::opened();
    world.client_writes(&"слово ".repeat(20_000));
    let long = world.state.unanswered.last().unwrap();
    assert!(long.cut && long.text.len() <= MOST_BYTES);
    for _ in 0..UNANSWERED_KEPT + 5 {
        world.client_writes("hello");
    }
    assert_eq!(world.state.unanswered.len(), UNANSWERED_KEPT);
    assert!(world.state.unanswered.last().unwrap().cut, "messages before it were never read");
}

#[test]
fn many_messages_are_answered_by_several_turns_and_each_answers_its_own() {
    let mut world = World::opened();
    for _ in 0..MESSAGES_AT_ONCE {
        world.client_writes("hello");
    }
    let last = world.client_writes("one more").position;
    let waiting = world.state.unanswered.len();
    let TurnStart::Started(started) = world.start_turn(turn(1), None) else { panic!("messages wait") };
    world.record(*started);
    assert_eq!(world.state.turn_standing(turn(1), false), TurnStanding::Valid, "those beyond it don't supersede it");
    let through_position = world.state.turn.as_ref().unwrap().through;
    assert!(through_position < last);
    world.record(v1::TurnCompleted { turn_id: turn(1).to_string(), through_position, ..Default::default() });
    assert_eq!(world.state.unanswered.len(), waiting - MESSAGES_AT_ONCE);
    let TurnStart::Started(started) = world.start_turn(turn(2), None) else { panic!("messages still wait") };
    world.record(*started);
    world.client_writes("and again");
    assert_eq!(world.state.turn_standing(turn(2), false), TurnStanding::Superseded("client_responded"));
}

#[test]
fn an_invitation_years_ahead_is_no_error_and_makes_no_promise() {
    for (days, most_open, expected) in [(800, 10, 0), (365 * 900, 10, 0), (3, 10, 2), (3, 1, 1), (3, 0, 0)] {
        let mut world = World::opened();
        let meeting = v1::Meeting {
            meeting_id: "m".to_owned(),
            starts_at: Some(to_timestamp(world.now + TimeDelta::days(days))),
            ..Default::default()
        };
        world.record(v1::MeetingBooked { meeting: Some(meeting), ..Default::default() });
        let reminding = Reminding {
            conversation: HERE,
            meeting_id: "m",
            now: world.now,
            news: true,
            hours: &[24, 1],
            day_hour: 10,
            timezone: chrono_tz::Tz::UTC,
            language: "en",
            most_open,
        };
        let events = world.state.remind_of_meeting(&reminding, |_, at| format!("at {at}")).unwrap();
        world.record_all(events);
        assert_eq!(world.state.open_follow_ups(), expected, "{days} days ahead, {most_open} at most");
    }
}
