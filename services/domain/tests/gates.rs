//! The gates before a send: what each of them stops, and that a sent message's evidence tells of all of them.
#![allow(clippy::unwrap_used, reason = "tests")]

mod conversation_world;

use chrono::Utc;
use conversation_world::{
    World,
    outbox::{queued, sent, told},
};
use steward_domain::{
    conversation::{Author, outbox::Queue},
    policy::parse_quiet_hours,
    settings::{Approval, ApprovalRule, SetBy},
};
use steward_proto::{Event, v1};

/// What a claim's evidence tells, gate by gate in their order. Readers know these names: there may come more.
const EVIDENCE: [&str; 17] = [
    "channel",
    "approval",
    "approval_mode",
    "due",
    "state",
    "human_active",
    "blocked",
    "opted_out",
    "contact_archived",
    "late_limit",
    "late_ms",
    "auto_reply_cap",
    "policy",
    "quiet_hours",
    "daily_cap",
    "breaker",
    "window",
];

fn checks(world: &mut World, change: impl FnOnce(&mut Queue)) -> Vec<v1::Check> {
    let id = queued(world, change);
    let claim = world.claim(&id);
    world.claimed(&claim).checks
}

#[test]
fn the_evidence_of_a_sent_message_tells_of_every_gate() {
    for (proactive, author) in [(false, Author::Bot), (true, Author::Bot), (false, Author::Human)] {
        let mut world = World::opened();
        let told = checks(&mut world, |q| (q.proactive, q.author) = (proactive, author));
        let names: Vec<_> = told.iter().map(|check| check.name.as_str()).collect();
        assert_eq!(names, EVIDENCE);
        let silent: Vec<_> = told.iter().filter(|check| check.value.is_empty()).collect();
        assert!(silent.is_empty(), "{silent:?}");
    }
}

#[test]
fn the_evidence_names_the_values_that_the_gates_saw() {
    let mut world = World::opened();
    world.policy.auto_reply_cap = Some(7);
    world.policy.daily_cap = Some(3);
    world.policy.quiet_hours = parse_quiet_hours("22:00-08:00");
    let value = |told: &[v1::Check], name: &str| told.iter().find(|c| c.name == name).unwrap().value.clone();
    sent(&mut world);
    let answer = checks(&mut world, |_| {});
    assert_eq!(value(&answer, "auto_reply_cap"), "1 of 7 sent within an hour");
    assert_eq!(value(&answer, "policy"), "not proactive");
    world.elsewhere = vec![world.now];
    let proactive = checks(&mut world, |q| q.proactive = true);
    assert_eq!(value(&proactive, "quiet_hours"), "22:00-08:00 in Europe/Madrid");
    assert_eq!(value(&proactive, "daily_cap"), "1 of 3 sent within a day");
    assert_eq!(value(&proactive, "late_limit"), "3600 s");
}

/// A gate, how it is closed, and what becomes of a message then: its state and the code of the reason.
type Closed = (&'static str, fn(&mut World), &'static str, &'static str);

/// Each gate closed, and nothing else.
const CLOSED: [Closed; 12] = [
    ("channel", |world| world.channel_configured = false, "cancelled", "channel_not_configured"),
    (
        "approval",
        |world| world.approval = ApprovalRule { mode: Approval::All, set_by: SetBy::Policy },
        "held",
        "needs_approval",
    ),
    ("due", |world| world.pass(-5), "queued", ""),
    ("human_active", |world| human_takes_over(world), "cancelled", "human_active"),
    ("blocked", |world| drop(world.record(v1::RecipientBlocked::default())), "cancelled", "blocked"),
    ("opted_out", |world| drop(world.record(v1::ContactOptedOut::default())), "cancelled", "opted_out"),
    ("contact_archived", |world| world.archived = true, "cancelled", "contact_archived"),
    ("late_limit", |world| world.pass(4_000), "expired", "too_late"),
    ("auto_reply_cap", |world| world.policy.auto_reply_cap = Some(0), "cancelled", "auto_reply_cap"),
    ("policy", |world| world.policy.daily_cap = Some(0), "queued", "frequency_cap"),
    ("breaker", |world| world.breaker_open = true, "held", "breaker_open"),
    ("window", |world| world.pass(25 * 3_600), "held", "window_closed"),
];

/// A takeover that the fold of the message doesn't know of yet, as when both are decided at once.
fn human_takes_over(world: &mut World) {
    let takeover = v1::HumanTakeoverStarted { by: "anna".to_owned(), ..Default::default() };
    let mut other = World::opened();
    other.record(takeover);
    world.state.takeover = other.state.takeover;
}

#[test]
fn each_gate_stops_what_it_is_for_and_lets_it_pass_when_it_is_open() {
    assert_eq!(CLOSED.map(|(gate, ..)| gate).to_vec(), {
        let values = ["approval_mode", "state", "late_ms", "quiet_hours", "daily_cap"];
        EVIDENCE.into_iter().filter(|name| !values.contains(name)).collect::<Vec<_>>()
    });
    for (gate, close, state, code) in CLOSED {
        let channel = if gate == "window" { "whatsapp" } else { "telegram" };
        // An answer's own gate, and the window, concern what somebody waits for.
        let proactive = !matches!(gate, "auto_reply_cap" | "window");
        let world = || {
            let mut world = World::opened_on(channel);
            let due_at = Some(world.now).filter(|_| gate == "due");
            let id = queued(&mut world, |q| (q.proactive, q.due_at) = (proactive, due_at));
            (world, id)
        };
        let (mut open, id) = world();
        open.claim(&id);
        let (mut closed, id) = world();
        close(&mut closed);
        let before = closed.log.len();
        closed.dispatch(&id);
        assert_eq!(told(&closed, &id).0, state, "{gate}");
        let events = &closed.log[before..];
        assert!(!events.iter().any(|r| matches!(r.event, Event::DispatchStarted(_))), "{gate} let it pass");
        let reasons: Vec<_> = events.iter().filter_map(|r| reason(&r.event)).collect();
        assert_eq!(reasons, [code].into_iter().filter(|code| !code.is_empty()).collect::<Vec<_>>(), "{gate}");
    }
}

fn reason(event: &Event) -> Option<&str> {
    let reason = match event {
        Event::MessageCancelled(e) => &e.reason,
        Event::MessageHeld(e) => &e.reason,
        Event::MessageExpired(e) => &e.reason,
        Event::SendDeferred(e) => &e.reason,
        _ => return None,
    };
    reason.as_ref().map(|reason| reason.code.as_str())
}

#[test]
fn a_message_is_never_late_for_what_it_had_to_wait_for() {
    let mut world = World::opened();
    let id = queued(&mut world, |q| q.proactive = true);
    world.policy.quiet_hours = parse_quiet_hours("09:30-12:00");
    world.pass(1_800);
    world.dispatch(&id);
    let until = "2026-11-21T11:00:00Z".parse::<chrono::DateTime<Utc>>().unwrap();
    world.now = until;
    world.policy.quiet_hours = None;
    world.ring_message(&id);
    let claim = world.claim(&id);
    let late = world.claimed(&claim).checks.iter().find(|c| c.name == "late_ms").unwrap().value.clone();
    assert_eq!(late, "0");
}
