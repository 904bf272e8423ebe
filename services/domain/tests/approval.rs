//! Approval: what waits for a person's word, by whose rule, and what the word is bound to.
#![allow(clippy::unwrap_used, reason = "tests")]

mod conversation_world;

use conversation_world::{
    Answer, World, message_of,
    outbox::{approve, is, queued, state, told},
};
use steward_domain::{
    conversation::{Author, CancelOn, MessageState, dispatch::Step, follow_ups::Alarmed, outbox::fingerprint},
    kernel::Refusal as _,
    settings::{Approval, ApprovalRule, Channel, ChannelKind, OnUnknown, Policy, SetBy, Settings, TenantPolicy},
};
use steward_proto::{Event, v1};

fn approving(approval: Approval) -> World {
    let mut world = World::opened();
    world.approval = ApprovalRule { mode: approval, set_by: SetBy::Policy };
    world
}

#[test]
fn each_approval_mode_holds_what_it_names_and_never_a_humans_words() {
    let cases = [
        (Approval::None, [false, false, false]),
        (Approval::FirstContact, [true, true, false]),
        (Approval::Proactive, [false, true, false]),
        (Approval::All, [true, true, false]),
    ];
    for (approval, held) in cases {
        let mut world = approving(approval);
        let answer = queued(&mut world, |_| {});
        let proactive = queued(&mut world, |q| q.proactive = true);
        let humans = queued(&mut world, |q| q.author = Author::Human);
        for (id, held) in [answer, proactive, humans].into_iter().zip(held) {
            world.dispatch(&id);
            assert_eq!(told(&world, &id).0 == "held", held, "{approval:?}: {:?}", state(&world, &id));
        }
    }
}

#[test]
fn a_channels_mode_counts_before_its_tenants_and_that_before_everybodys() {
    use Approval::{All, FirstContact, Proactive};
    let channel = |id: &str, tenant: &str, approval| Channel {
        id: id.to_owned(),
        tenant: tenant.to_owned(),
        operators: Vec::new(),
        on_unknown: OnUnknown::Hold,
        rate_limit: None,
        approval,
        kind: ChannelKind::Web,
    };
    let settings = Settings {
        policy: Policy { approval: FirstContact, ..Policy::default() },
        tenants: [
            ("strict".to_owned(), TenantPolicy { approval: Some(All), ..TenantPolicy::default() }),
            ("silent".to_owned(), TenantPolicy::default()),
        ]
        .into(),
        channels: vec![
            channel("plain", "default", None),
            channel("plain-own", "default", Some(Proactive)),
            channel("strict", "strict", None),
            channel("strict-own", "strict", Some(Approval::None)),
            channel("silent", "silent", None),
        ],
        ..Settings::default()
    };
    for (channel_id, mode, set_by, shown) in [
        ("plain", FirstContact, SetBy::Policy, "first_contact, set by [policy]"),
        ("plain-own", Proactive, SetBy::Channel, "proactive, set for the channel"),
        ("strict", All, SetBy::Tenant, "all, set for the tenant"),
        ("strict-own", Approval::None, SetBy::Channel, "none, set for the channel"),
        ("silent", FirstContact, SetBy::Policy, "first_contact, set by [policy]"),
        ("unheard of", FirstContact, SetBy::Policy, "first_contact, set by [policy]"),
    ] {
        let rule = settings.approval(channel_id);
        assert_eq!(rule, ApprovalRule { mode, set_by }, "{channel_id}");
        assert_eq!(rule.to_string(), shown);
    }
}

#[test]
fn the_mode_in_force_and_who_set_it_are_told_by_what_is_held_and_by_what_goes() {
    let mut world = approving(Approval::Proactive);
    world.approval.set_by = SetBy::Channel;
    let held = queued(&mut world, |q| q.proactive = true);
    world.dispatch(&held);
    let MessageState::Held { why, .. } = state(&world, &held) else { panic!("{:?}", state(&world, &held)) };
    assert!(why.text.contains("proactive, set for the channel"), "{}", why.text);
    let answer = queued(&mut world, |_| {});
    let (Step::Claim { event, .. }, _) = world.dispatch(&answer) else { panic!("an answer goes at once") };
    let Event::DispatchStarted(claim) = *event else { panic!("a claim") };
    let mode = claim.checks.iter().find(|check| check.name == "approval_mode").unwrap();
    assert_eq!(mode.value, "proactive, set for the channel");
}

#[test]
fn after_something_reached_the_client_first_contact_asks_no_more() {
    let mut world = approving(Approval::FirstContact);
    let first = queued(&mut world, |_| {});
    world.dispatch(&first);
    is(&world, &first, "held", "needs_approval");
    approve(&mut world, &first);
    let claim = world.claim(&first);
    world.answer(&claim, Answer::Success);
    let second = queued(&mut world, |_| {});
    world.claim(&second);
}

#[test]
fn a_message_for_later_is_held_at_once_and_goes_at_its_time_when_it_is_approved() {
    let mut world = approving(Approval::All);
    let due_at = world.at(600);
    let id = queued(&mut world, |q| q.due_at = Some(due_at));
    world.dispatch(&id);
    is(&world, &id, "held", "needs_approval");
    approve(&mut world, &id);
    assert!(matches!(world.dispatch(&id).0, Step::Waits));
    world.pass(600);
    assert!(matches!(world.ring_message(&id), Alarmed::Decided(_)));
    world.claim(&id);
}

#[test]
fn an_approval_is_bound_to_text_and_recipient() {
    let mut world = approving(Approval::All);
    let id = queued(&mut world, |_| {});
    world.dispatch(&id);
    let seen = world.state.approval_hash(&world.state.outbox[&id]);
    assert_eq!(seen, fingerprint("42", "a message"));
    let events = world.state.edit_message(&id, "other words", "anna").unwrap();
    world.record_all(events);
    let stale = world.state.approve_message(&id, &seen, "anna").unwrap_err();
    assert_eq!(stale.code(), "approval_stale");
    approve(&mut world, &id);
    world.record(v1::AddressBound { external_id: "43".to_owned(), ..Default::default() });
    world.dispatch(&id);
    is(&world, &id, "held", "needs_approval");
    approve(&mut world, &id);
    let events = world.state.edit_message(&id, "once more", "anna").unwrap();
    world.record_all(events);
    world.dispatch(&id);
    is(&world, &id, "held", "needs_approval");
}

#[test]
fn an_approved_message_isnt_asked_about_again_after_a_deferral() {
    let mut world = approving(Approval::All);
    let id = queued(&mut world, |_| {});
    world.dispatch(&id);
    approve(&mut world, &id);
    let claim = world.claim(&id);
    world.answer(&claim, Answer::Deferral(5));
    world.pass(5);
    world.ring_message(&id);
    world.claim(&id);
}

#[test]
fn a_promise_that_was_held_long_doesnt_expire_when_it_is_let_go() {
    let mut world = approving(Approval::Proactive);
    let follow_up = world.promised(CancelOn::Never, 60);
    world.pass(60);
    world.ring(&follow_up);
    let id = message_of(&follow_up);
    world.dispatch(&id);
    world.pass(5 * 3600);
    world.dispatch(&id);
    is(&world, &id, "held", "needs_approval");
    approve(&mut world, &id);
    world.claim(&id);
}
