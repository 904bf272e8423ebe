//! Facts are never refused: any event in any order is folded without a panic, and every decision on such a state gives
//! an answer or a refusal.
#![allow(clippy::unwrap_used, reason = "tests")]

mod conversation_world;

use std::time::Duration;

use conversation_world::{
    World,
    any_event::{IDS, any_event},
    follow_up, message_of,
};
use proptest::{collection::vec, prelude::*};
use steward_domain::{
    address::Address,
    contact::Contact,
    conversation::{
        Author, CancelOn,
        dispatch::Claiming,
        follow_ups::Ring,
        templates::Addressee,
        turns::{Inputs, StartTurn},
    },
    ids::{ClaimId, FollowUpId, MessageId, TurnId},
    inbox::Inbox,
    kernel::{Refusal as _, Why},
    policy::parse_quiet_hours,
    settings::{Approval, ApprovalRule, Breaker, Policy, SetBy},
    tenant::Tenant,
};
use steward_proto::{Event, Fold};

/// Every decision there is, on every thing the state names.
fn decide_everything(world: &mut World) {
    let state = world.state.clone();
    let (now, late_limit) = (world.now, Duration::MAX);
    let turn_id: TurnId = IDS[4].parse().unwrap();
    let claim_id: ClaimId = IDS[4].parse().unwrap();
    let mut answers = Vec::new();
    for id in IDS.iter().filter_map(|id| id.parse::<FollowUpId>().ok()) {
        answers.push(state.follow_up_due(&Ring { id, now, late_limit }, message_of(&id)).map(drop));
        answers.push(state.cancel(&id, Why::default(), None).map(drop));
        let words = (String::new(), String::new());
        answers.push(state.move_follow_up(now, &id, world.at(5), words, ("", Some(turn_id))).map(drop));
        answers.push(state.change_follow_up_text(&id, "text".to_owned(), "").map(drop));
        answers.push(state.renew(&id, follow_up(1), None, None).map(drop));
    }
    for id in &IDS.iter().filter_map(|id| id.parse::<MessageId>().ok()).collect::<Vec<_>>() {
        answers.push(state.message_due(&Ring { id: *id, now, late_limit }).map(drop));
        answers.push(state.cancel_message_by(id, "").map(drop));
        answers.push(state.retry_message(id, "").map(drop));
        answers.push(state.hold_message(id, "").map(drop));
        answers.push(state.approve_message(id, "", "").map(drop));
        answers.push(state.release_from_breaker(id, "").map(drop));
        answers.push(state.edit_message(id, "other text", "").map(drop));
        answers.push(state.move_message(world.now, id, world.at(5), "").map(drop));
        for late_limit in [Duration::ZERO, Duration::MAX] {
            let policy = Policy {
                quiet_hours: parse_quiet_hours("22:00-08:00"),
                daily_cap: Some(0),
                auto_reply_cap: Some(0),
                approval: Approval::None,
                breaker: Breaker::default(),
            };
            let claiming = Claiming {
                late_limit,
                policy: &policy,
                approval: ApprovalRule {
                    mode: if late_limit.is_zero() { Approval::None } else { Approval::FirstContact },
                    set_by: SetBy::Channel,
                },
                zone: chrono_tz::Tz::America__Sao_Paulo,
                addressee: Addressee { languages: ["ru", ""], name: "" },
                breaker_open: true,
                elsewhere: &[world.now],
                ..world.claiming(id, claim_id, "worker")
            };
            answers.push(state.next_step(&claiming).map(drop));
        }
    }
    for follow_up_id in [None, IDS[0].parse().ok(), IDS[1].parse().ok()] {
        let start = StartTurn {
            turn_id,
            now: world.now,
            lease_until: world.now,
            worker: String::new(),
            brain: String::new(),
            model: String::new(),
            follow_up_id,
            inputs: Inputs::default(),
        };
        answers.push(state.start_turn(&start).map(drop));
        state.turn_standing(turn_id, true);
    }
    let (schedule, queue) = (world.a_schedule(CancelOn::Never, 5), world.a_message(Author::Bot));
    answers.push(state.schedule(world.now, true, schedule).map(drop));
    answers.push(state.queue(queue).map(drop));
    answers.push(state.take_over("anna", "http", "").map(drop));
    answers.push(state.release("anna", "http").map(drop));
    answers.push(state.silence_due(world.now, Duration::from_secs(1)).map(drop));
    state.announcements();
    state.pending();
    for refused in answers.into_iter().filter_map(Result::err) {
        assert!(!refused.to_string().is_empty(), "{}", refused.code());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::default())]

    #[test]
    fn no_event_in_any_order_makes_a_conversation_panic(events in vec((any_event(), 0i64..400), 1..60)) {
        let mut world = World::new();
        for (event, seconds) in events {
            world.pass(seconds);
            world.record(event);
            decide_everything(&mut world);
        }
    }

    #[test]
    fn no_event_in_any_order_makes_another_aggregate_panic(events in vec(any_event(), 1..60)) {
        let mut world = World::new();
        let (mut contact, mut address, mut inbox, mut tenant) =
            (Contact::default(), Address::default(), Inbox::default(), Tenant::default());
        for event in events {
            let recorded = world.record(event);
            contact.evolve(&recorded);
            address.evolve(&recorded);
            inbox.evolve(&recorded);
            tenant.evolve(&recorded);
        }
    }
}

#[test]
fn every_event_of_the_schema_can_be_made() {
    assert_eq!(conversation_world::any_event::names(), Event::TYPES);
}
