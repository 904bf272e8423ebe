//! Parts of what a person says at once: no part cancels the promise that another part asked for.
#![allow(clippy::unwrap_used, reason = "tests")]

mod conversation_world;

use chrono::{DateTime, TimeDelta, Utc};
use conversation_world::{CLIENT, HERE, World};
use steward_domain::{
    conversation::{CancelOn, parts::Speech},
    ids,
};
use steward_proto::{to_timestamp, v1};
use uuid::Uuid;

/// What comes in, said at this time by the channel's clock.
fn said(world: &mut World, person: &str, at: DateTime<Utc>, message: v1::ClientResponded) {
    let number = world.log.len();
    let source = v1::Source {
        channel_id: "telegram-main".to_owned(),
        channel: "telegram".to_owned(),
        external_id: "42".to_owned(),
        key: format!("part:{number}"),
        sent_at: Some(to_timestamp(at)),
        ..Default::default()
    };
    world.record(v1::ClientResponded {
        source: Some(source),
        message_id: ids::message(HERE, Uuid::from_u128(number as u128)).to_string(),
        contact_id: Uuid::from_u128(0xca).to_string(),
        from: Some(v1::Person { id: person.to_owned(), ..Default::default() }),
        kind: "text".to_owned(),
        ..message
    });
}

/// Whether a promise that was made after the first message stands after the second, which is so many seconds later.
fn stands(first: v1::ClientResponded, second: v1::ClientResponded, seconds: i64, person: &str) -> bool {
    let mut world = World::new();
    let at = world.now;
    said(&mut world, CLIENT, at, first);
    let id = world.promised(CancelOn::ClientResponse, 3600);
    said(&mut world, person, at + TimeDelta::seconds(seconds), second);
    assert_eq!(world.state.unanswered.len(), 2, "both are there to be answered");
    world.state.pending().iter().any(|f| f.id == id)
}

#[test]
fn a_part_of_what_was_said_at_once_cancels_nothing() {
    let text = |text: &str| v1::ClientResponded { text: text.to_owned(), ..Default::default() };
    let in_album = |text: &str, album: &str| v1::ClientResponded {
        text: text.to_owned(),
        album: album.to_owned(),
        ..Default::default()
    };
    let joins = || v1::ClientResponded { joins: true, ..Default::default() };
    let long = || v1::ClientResponded { goes_on: true, ..text("long") };
    for (name, first, second, seconds, person, expected) in [
        ("two messages", text("a"), text("b"), 0, CLIENT, false),
        ("an album", in_album("a", "g"), in_album("", "g"), 1, CLIENT, true),
        ("an album whose part is late", in_album("a", "g"), in_album("", "g"), 90, CLIENT, true),
        ("two albums", in_album("a", "g"), in_album("b", "h"), 0, CLIENT, false),
        ("somebody else's album of that name", in_album("a", "g"), in_album("", "g"), 1, "other", false),
        ("a comment and its forward", text("a"), joins(), 0, CLIENT, true),
        ("a forward within two seconds", text("a"), joins(), 2, CLIENT, true),
        ("a forward of a while later", text("a"), joins(), 3, CLIENT, false),
        ("somebody else's forward", text("a"), joins(), 0, "other", false),
        ("a text longer than a message", long(), text("b"), 1, CLIENT, true),
        ("another text a while later", long(), text("b"), 3, CLIENT, false),
        ("clocks that go back a second", text("a"), joins(), -1, CLIENT, true),
    ] {
        assert_eq!(stands(first, second, seconds, person), expected, "{name}");
    }
}

#[test]
fn the_first_part_cancels_what_stood_before_it() {
    let mut world = World::opened();
    let id = world.promised(CancelOn::ClientResponse, 3600);
    let at = world.now + TimeDelta::minutes(10);
    said(&mut world, CLIENT, at, v1::ClientResponded { album: "g".to_owned(), ..Default::default() });
    assert!(world.state.pending().is_empty() && world.state.is_renewable(&id));
    assert!(world.state.unanswered.last().is_some_and(|m| !m.part && m.more));
}

#[test]
fn albums_are_forgotten_one_after_the_other() {
    let mut world = World::new();
    let album = |n: usize| v1::ClientResponded { album: format!("g{n}"), ..Default::default() };
    for n in 0..100 {
        let at = world.now + TimeDelta::seconds(10 * n);
        said(&mut world, CLIENT, at, album(usize::try_from(n).unwrap()));
    }
    let at = world.now + TimeDelta::seconds(5_000);
    said(&mut world, CLIENT, at, album(99));
    assert!(world.state.unanswered.last().unwrap().part);
    said(&mut world, CLIENT, at + TimeDelta::seconds(9), album(1));
    assert!(!world.state.unanswered.last().unwrap().part);
}

#[test]
fn a_fold_that_goes_on_from_a_row_knows_what_was_said_last() {
    let mut world = World::new();
    let at = world.now;
    said(&mut world, CLIENT, at, v1::ClientResponded { album: "g".to_owned(), goes_on: true, ..Default::default() });
    let text = world.state.speech.to_text();
    assert_eq!(Speech::of_text(&text), world.state.speech);
    assert_eq!((Speech::default().to_text().as_str(), Speech::of_text("?")), ("", Speech::default()));
}
