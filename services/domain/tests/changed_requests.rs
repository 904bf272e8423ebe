//! Requests that the client edits or deletes after they were promised something, and promises that they take back and want again.
#![allow(clippy::unwrap_used, reason = "tests")]

mod conversation_world;

use conversation_world::{CLIENT, World, message_of};
use steward_domain::{
    conversation::{
        AskedIn, CancelOn, FollowUpState, Refused,
        requests::{Change, REQUEST_REVOKED},
        turns::{TurnStanding, TurnStart},
    },
    ids::FollowUpId,
    kernel::Why,
};
use steward_proto::{Event, v1};

/// A promise that was asked for in the message which the provider knows by this id.
fn asked_in(world: &mut World, provider_id: &str, cancel_on: CancelOn) -> FollowUpId {
    let mut schedule = world.a_schedule(cancel_on, 3_600);
    schedule.asked_in =
        Some(AskedIn { message_id: world.message_id(), provider_id: provider_id.to_owned(), at: Some(world.now) });
    schedule.topic = "the contract".to_owned();
    let id = schedule.follow_up_id;
    world.do_schedule(schedule).unwrap();
    id
}

fn kept(kind: &str, from: &str, about: &[&str]) -> v1::UpdateKept {
    let mut about = about.iter().map(|id| (*id).to_owned());
    v1::UpdateKept {
        kind: kind.to_owned(),
        from: (!from.is_empty()).then(|| v1::Person { id: from.to_owned(), ..Default::default() }),
        about: about.next().unwrap_or_default(),
        also_about: about.collect(),
        text: "other words".to_owned(),
        ..Default::default()
    }
}

fn code(world: &World, id: &FollowUpId) -> String {
    match &world.state.follow_ups[id].state {
        FollowUpState::Cancelled(why) => why.code.clone(),
        other => format!("{other:?}"),
    }
}

#[test]
fn an_edit_of_a_request_that_stands_waits_for_a_turn_and_ends_nothing() {
    let mut world = World::opened();
    let asked = asked_in(&mut world, "77", CancelOn::ClientResponse);
    let other = world.promised(CancelOn::ClientResponse, 60);
    let asked_at = world.now;
    world.pass(600);
    let edit = kept("edited_message", CLIENT, &["77"]);
    assert_eq!(Change::of(&edit), Some(Change::Edited));
    let event = world.state.edit_request(&edit).unwrap();
    world.record(event);
    let [_, message] = world.state.unanswered.as_slice() else { panic!("{:?}", world.state.unanswered) };
    assert!(message.edited && message.text == "other words" && message.provider_message_id == "77");
    assert_eq!(message.written_at, asked_at, "its times are counted from when it was written");
    let asked_in = world.state.follow_ups[&asked].asked_in.clone().unwrap();
    assert_eq!(message.message_id, asked_in.message_id);
    assert!([asked, other].iter().all(|id| world.state.follow_ups[id].is_pending()), "it is nobody's new word");
    assert_eq!(world.state.edit_request(&edit), None, "brought again, it waits already");
    let turn = world.turn_id();
    let TurnStart::Started(started) = world.start_turn(turn, None) else { panic!() };
    world.record(*started);
    assert_eq!(world.state.turn_standing(turn, false), TurnStanding::Valid);
}

#[test]
fn what_is_about_no_request_that_stands_changes_nothing() {
    let mut world = World::opened();
    let asked = asked_in(&mut world, "77", CancelOn::Never);
    let unknown = world.promised(CancelOn::Never, 3_600);
    for (what, kept) in [
        ("another message", kept("edited_message", CLIENT, &["78"])),
        ("somebody else's", kept("edited_message", "client-2", &["77"])),
        ("no message", kept("revoke", CLIENT, &[])),
        ("an empty id", kept("revoke", CLIENT, &["", ""])),
    ] {
        assert!(!world.state.is_about_request(&kept), "{what}");
        assert_eq!(world.state.edit_request(&kept), None, "{what}");
        assert_eq!(world.state.revoke_request(&kept, "e").0, [], "{what}");
    }
    for kind in ["message_reaction", "group_message", "auto_reply", "call", ""] {
        assert_eq!(Change::of(&kept(kind, CLIENT, &["77"])), None, "{kind}");
    }
    world.record(v1::FollowUpCancelled { follow_up_id: asked.to_string(), ..Default::default() });
    assert!(!world.state.is_about_request(&kept("revoke", CLIENT, &["77"])), "it has ended");
    assert!(world.state.follow_ups[&unknown].is_pending());
}

#[test]
fn a_deleted_request_takes_its_promises_back_and_says_why() {
    for (kind, from, about) in [
        ("revoke", CLIENT, vec!["77"]),
        // Nobody is named, and several are gone at once.
        ("deleted_business_messages", "", vec!["12", "77", "13"]),
    ] {
        let mut world = World::opened();
        let asked = [asked_in(&mut world, "77", CancelOn::Never), asked_in(&mut world, "77", CancelOn::ClientResponse)];
        let other = asked_in(&mut world, "78", CancelOn::Never);
        let kept = kept(kind, from, &about);
        assert_eq!(Change::of(&kept), Some(Change::Revoked));
        let (events, gone) = world.state.revoke_request(&kept, "the-update");
        assert_eq!(gone.len(), 2);
        world.record_all(events);
        for id in &asked {
            let FollowUpState::Cancelled(why) = &world.state.follow_ups[id].state else { panic!() };
            assert_eq!((why.code.as_str(), why.event_id.as_str()), (REQUEST_REVOKED, "the-update"));
        }
        assert!(world.state.follow_ups[&other].is_pending());
        assert_eq!(world.state.revoke_request(&kept, "again").0, [], "once");
    }
}

#[test]
fn what_is_due_and_still_waits_is_taken_back_with_its_request_and_what_is_being_sent_is_not() {
    for claimed in [false, true] {
        let mut world = World::opened();
        let asked = asked_in(&mut world, "77", CancelOn::Never);
        world.pass(3_600);
        world.ring(&asked);
        if claimed {
            world.claim(&message_of(&asked));
        }
        let (events, _) = world.state.revoke_request(&kept("revoke", CLIENT, &["77"]), "e");
        world.record_all(events);
        assert_eq!(code(&world, &asked) == REQUEST_REVOKED, !claimed);
        assert_eq!(world.state.outbox[&message_of(&asked)].is_open(), claimed);
    }
}

#[test]
fn what_a_message_cancelled_and_whose_request_is_deleted_then_is_not_renewed() {
    let mut world = World::opened();
    let asked = asked_in(&mut world, "77", CancelOn::ClientResponse);
    world.client_writes("thanks");
    assert!(world.state.is_renewable(&asked));
    let (events, _) = world.state.revoke_request(&kept("revoke", CLIENT, &["77"]), "e");
    assert_eq!(code(&world, &asked), "client_responded");
    world.record_all(events);
    assert_eq!(code(&world, &asked), REQUEST_REVOKED, "who decided last says why");
    let new = world.follow_up_id();
    assert_eq!(world.state.renew(&asked, new, None, None), Err(Refused::NotRenewable));
}

#[test]
fn a_renewal_keeps_the_topic_and_the_message_it_was_asked_in() {
    let mut world = World::opened();
    let asked = asked_in(&mut world, "77", CancelOn::ClientResponse);
    world.client_writes("thanks");
    let new = world.follow_up_id();
    world.record_all(world.state.renew(&asked, new, None, None).unwrap());
    let (old, renewed) = (world.state.follow_ups[&asked].clone(), world.state.follow_ups[&new].clone());
    assert_eq!((&renewed.topic, &renewed.asked_in), (&old.topic, &old.asked_in));
    assert!(world.state.is_about_request(&kept("revoke", CLIENT, &["77"])));
    world.record_all(
        world.state.change_topic(&new, ("About the invoice".to_owned(), "the invoice".to_owned()), None).unwrap(),
    );
    assert_eq!(world.state.follow_ups[&new].topic, "the invoice");
    world.record_all(world.state.change_follow_up_text(&new, "An operator's words".to_owned(), "operator").unwrap());
    let changed = &world.state.follow_ups[&new];
    assert_eq!((changed.topic.as_str(), changed.text.as_str()), ("the invoice", "An operator's words"));
}

/// Takes these back in one turn, by the client's word.
fn take_back(world: &mut World, ids: &[FollowUpId]) {
    let turn = world.turn_id();
    for id in ids {
        let why = Why::new("by_client", "the client asked for it", "");
        world.record_all(world.state.cancel(id, why, Some(turn)).unwrap());
    }
}

#[test]
fn what_the_client_took_back_is_restored_within_ten_minutes_and_once() {
    for (after, restored) in [(0, true), (600, true), (601, false)] {
        let mut world = World::opened();
        let asked = [asked_in(&mut world, "77", CancelOn::Never), asked_in(&mut world, "78", CancelOn::Never)];
        let due_at = world.state.follow_ups[&asked[0]].due_at;
        take_back(&mut world, &asked);
        world.pass(after);
        let (new, turn) = (world.follow_up_id(), world.turn_id());
        let events = world.state.restore(world.now, &asked[0], new, Some(turn));
        assert_eq!(events.is_ok(), restored, "{after} s after it");
        let Ok(events) = events else { continue };
        let [Event::FollowUpScheduled(scheduled)] = events.as_slice() else { panic!("{events:?}") };
        assert_eq!(
            (scheduled.renews.as_str(), scheduled.topic.as_str()),
            (asked[0].to_string().as_str(), "the contract")
        );
        world.record_all(events);
        assert_eq!(world.state.follow_ups[&new].due_at, due_at);
        let again = world.follow_up_id();
        assert_eq!(world.state.restore(world.now, &asked[0], again, None), Err(Refused::NotRenewable));
        assert!(world.state.restore(world.now, &asked[1], again, None).is_ok(), "the other may still be");
    }
}

#[test]
fn what_was_taken_back_otherwise_or_long_before_is_not_given_back() {
    let mut world = World::opened();
    let (first, second) = (asked_in(&mut world, "77", CancelOn::Never), asked_in(&mut world, "78", CancelOn::Never));
    let new = world.follow_up_id();
    world.record_all(world.state.cancel(&first, Why::new("by_command", "", ""), None).unwrap());
    assert_eq!(world.state.restore(world.now, &first, new, None), Err(Refused::NotRenewable), "an operator did");
    take_back(&mut world, &[second]);
    world.pass(3_600);
    assert!(world.state.restore(world.now, &second, new, None).is_err(), "its time has passed");

    let mut world = World::opened();
    let first = asked_in(&mut world, "77", CancelOn::Never);
    take_back(&mut world, &[first]);
    let mut schedule = world.a_schedule(CancelOn::Never, 60);
    schedule.turn_id = Some(world.turn_id());
    world.do_schedule(schedule).unwrap();
    let new = world.follow_up_id();
    assert_eq!(world.state.restore(world.now, &first, new, None), Err(Refused::NotRenewable), "they asked for another");
    assert_eq!(code(&world, &first), "by_client");
}
