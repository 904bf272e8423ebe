//! Receipts, and whether a recipient can be reached: whatever the order in which reports come.
#![allow(clippy::unwrap_used, reason = "tests")]

mod conversation_world;

use conversation_world::{
    Answer, World, message_of,
    outbox::{is, queued, sent, told},
    provider_id,
};
use proptest::prelude::*;
use steward_domain::conversation::{CancelOn, FollowUpState};
use steward_proto::v1;

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
        provider_message_id: provider_id(id, 0),
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
    let foreign = world.message_id();
    world.report(&foreign, 0, "read");
    world.report_as(v1::DeliveryReported {
        message_id: id.to_string(),
        status: "delivered".to_owned(),
        ..Default::default()
    });
    is(&world, &id, "queued", "");
}

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
                    provider_message_id: provider_id(id, 0),
                    status: "failed".to_owned(),
                    reason: Some(v1::Reason { code: "blocked".to_owned(), ..Default::default() }),
                    ..Default::default()
                }),
            };
        }
        prop_assert_eq!(world.state.blocked, blocked_last);
    }
}
