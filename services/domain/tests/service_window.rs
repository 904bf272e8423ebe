//! The service window: what goes inside it, what stands in outside it, and who says that it is closed.
#![allow(clippy::unwrap_used, reason = "tests")]

mod conversation_world;

use conversation_world::{
    Answer, World, message_of,
    outbox::{approve, is, queued, sent},
};
use steward_domain::{
    conversation::{CancelOn, dispatch::Step},
    ids::MessageId,
    settings::Template,
};
use steward_proto::{Event, v1};

fn template(purpose: &str, language: &str) -> Template {
    Template {
        purpose: purpose.to_owned(),
        language: language.to_owned(),
        name: format!("{purpose}_{language}"),
        parameters: vec!["name".to_owned(), "text".to_owned()],
    }
}

const DAY: i64 = 24 * 3600;

#[test]
fn inside_the_window_a_message_goes_as_it_is_and_the_claim_says_until_when_it_was_open() {
    let mut world = World::opened_on("whatsapp");
    world.templates = vec![template("reply", "en")];
    world.pass(DAY - 1);
    let id = queued(&mut world, |_| {});
    let (step, _) = world.dispatch(&id);
    let Step::Claim { event, template, .. } = step else { panic!("{step:?}") };
    assert_eq!(template, None);
    let Event::DispatchStarted(claim) = *event else { panic!() };
    let window = claim.checks.iter().find(|c| c.name == "window").unwrap();
    assert!(window.value.starts_with("open until 2026-11-22T09:00:00"), "{}", window.value);
}

#[test]
fn outside_the_window_a_message_goes_as_the_template_of_its_purpose_and_language() {
    let mut world = World::opened_on("whatsapp");
    world.templates = vec![template("follow_up", "en"), template("follow_up", "ru_RU"), template("reminder", "en")];
    world.language = "ru".to_owned();
    // By the language it was asked for in, else by the contact's, else by the default.
    let cases = [("write", "", "follow_up_ru_RU"), ("write", "en", "follow_up_en"), ("remind", "ru", "reminder_en")];
    let promises = cases.map(|(intention, language, name)| {
        let mut s = world.a_schedule(CancelOn::Never, DAY);
        (s.intention, s.language) = (intention.to_owned(), language.to_owned());
        let id = s.follow_up_id;
        world.do_schedule(s).unwrap();
        (id, name)
    });
    world.pass(DAY);
    for (follow_up, name) in promises {
        world.ring(&follow_up);
        let (step, _) = world.dispatch(&message_of(&follow_up));
        let Step::Claim { event, template: Some(template), .. } = step else { panic!("{step:?}") };
        assert_eq!(template.name, name);
        assert_eq!(template.parameters, ["Ana", "You asked me to write."]);
        assert!(matches!(*event, Event::DispatchStarted(e) if e.template == name));
    }
}

#[test]
fn a_template_in_another_language_is_better_than_none_and_the_claim_says_so() {
    // What there is, the language it was asked for in, the contact's, what is taken, and what is said of its language.
    let cases = [
        (vec![("follow_up", "es"), ("follow_up", "de")], "ru", "", "follow_up_es", Some("es, for there is none in ru")),
        (vec![("follow_up", "es"), ("follow_up", "de")], "", "de", "follow_up_de", None),
        (vec![("reply", "ru"), ("follow_up", "es")], "ru", "", "follow_up_es", Some("es, for there is none in ru")),
        (vec![("follow_up", "pt_BR")], "", "ru", "follow_up_pt_BR", Some("pt_BR, for there is none in ru")),
        (vec![("follow_up", "es"), ("follow_up", "en_US")], "ru", "de", "follow_up_en_US", None),
    ];
    for (templates, asked, theirs, name, said) in cases {
        let mut world = World::opened_on("whatsapp");
        world.templates = templates.iter().map(|(purpose, language)| template(purpose, language)).collect();
        world.language = theirs.to_owned();
        let mut s = world.a_schedule(CancelOn::Never, DAY);
        s.language = asked.to_owned();
        let id = s.follow_up_id;
        world.do_schedule(s).unwrap();
        world.pass(DAY);
        world.ring(&id);
        let (step, _) = world.dispatch(&message_of(&id));
        let Step::Claim { event, template: Some(template), .. } = step else { panic!("{templates:?}: {step:?}") };
        assert_eq!(template.name, name, "{asked} {theirs}");
        let Event::DispatchStarted(claim) = *event else { panic!() };
        let check = claim.checks.iter().find(|c| c.name == "template_language").map(|c| c.value.as_str());
        assert_eq!(check, said, "{asked} {theirs} {name}");
    }
    let mut world = World::opened_on("whatsapp");
    world.templates = vec![template("reply", "en")];
    let id = world.promised(CancelOn::Never, DAY);
    world.pass(DAY);
    world.ring(&id);
    world.dispatch(&message_of(&id));
    is(&world, &message_of(&id), "held", "window_closed");
}

#[test]
fn outside_the_window_without_a_template_a_message_is_held_until_a_person_lets_it_go() {
    let mut world = World::opened_on("whatsapp");
    let follow_up = world.promised(CancelOn::Never, DAY + 60);
    world.pass(DAY + 60);
    world.ring(&follow_up);
    let id = message_of(&follow_up);
    world.dispatch(&id);
    is(&world, &id, "held", "window_closed");
    assert!(world.state.follow_ups[&follow_up].is_open(), "its promise reads as pending");
    approve(&mut world, &id);
    world.dispatch(&id);
    is(&world, &id, "held", "window_closed");
    world.client_writes("hello again");
    approve(&mut world, &id);
    let claim = world.claim(&id);
    world.answer(&claim, Answer::Success);
    is(&world, &id, "sent", "");
}

#[test]
fn a_promise_beyond_the_window_says_at_once_that_it_will_need_a_template() {
    let needs = |channel, seconds| {
        let mut world = World::opened_on(channel);
        let id = world.promised(CancelOn::Never, 60);
        let due_at = world.at(seconds);
        let words = (String::new(), String::new());
        let moved = world.state.move_follow_up(world.now, &id, due_at, words, ("client", None)).unwrap();
        let schedule = world.a_schedule(CancelOn::Never, seconds);
        let scheduled = world.state.schedule(world.now, false, schedule).unwrap();
        match (&moved[0], &scheduled[0]) {
            (Event::FollowUpMoved(m), Event::FollowUpScheduled(s)) => (m.needs_template, s.needs_template),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(needs("whatsapp", DAY - 1), (false, false));
    assert_eq!(needs("whatsapp", DAY), (true, true));
    assert_eq!(needs("telegram", 90 * DAY), (false, false));
}

#[test]
fn when_the_provider_says_that_the_window_is_closed_it_is_believed_until_the_client_writes() {
    let mut world = World::opened_on("whatsapp");
    let id = queued(&mut world, |_| {});
    world.pass(10);
    let claim = world.claim(&id);
    let e = world.claimed(&claim);
    world.record(v1::DispatchDeferred {
        message_id: id.to_string(),
        claim_id: e.claim_id,
        reason: Some(v1::Reason { code: "window_closed".to_owned(), ..Default::default() }),
        ..Default::default()
    });
    world.ring_message(&id);
    world.dispatch(&id);
    is(&world, &id, "held", "window_closed");
    world.client_writes("hello");
    assert!(world.state.window_open(world.now));
}

#[test]
fn what_the_provider_took_and_then_reported_as_outside_the_window_is_looked_at_once_more() {
    let mut world = World::opened_on("whatsapp");
    let report = |world: &mut World, id: &MessageId| {
        let reason = Some(v1::Reason { code: "window_closed".to_owned(), ..Default::default() });
        let (message_id, status) = (id.to_string(), "failed".to_owned());
        world.report_as(v1::DeliveryReported { message_id, status, reason, ..Default::default() });
    };
    let id = sent(&mut world);
    world.pass(10);
    report(&mut world, &id);
    let events = world.state.retry_outside_window(&id).unwrap();
    assert!(matches!(&events[..], [Event::MessageRetried(e)] if e.by == "policy:window_closed"), "{events:?}");
    world.record_all(events);
    // There is no template for it.
    world.dispatch(&id);
    is(&world, &id, "held", "window_closed");
    // The client has written since: nothing is repeated past their words.
    world.client_writes("hello");
    let id = sent(&mut world);
    world.pass(10);
    report(&mut world, &id);
    world.client_writes("and more");
    assert_eq!(world.state.retry_outside_window(&id).unwrap(), []);
}

#[test]
fn a_call_opens_the_window_and_an_edit_doesnt() {
    let mut world = World::opened_on("whatsapp");
    world.pass(DAY);
    assert!(!world.state.window_open(world.now));
    for (kind, open) in [("edited_message", false), ("call_connect", true)] {
        let source = Some(v1::Source { channel: "whatsapp".to_owned(), ..Default::default() });
        world.record(v1::UpdateKept { source, kind: kind.to_owned(), ..Default::default() });
        assert_eq!(world.state.window_open(world.now), open, "{kind}");
    }
}
