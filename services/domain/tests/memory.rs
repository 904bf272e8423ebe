//! What is remembered of a contact: what is retired stays so, whatever is concluded from old words afterwards.
#![allow(clippy::unwrap_used, reason = "tests")]

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use steward_domain::{
    contact::{
        Contact,
        memory::{Changes, Ending, Evidence, Kind, NewItem, RememberedId, Word, Words},
    },
    ids::{self, ContactId, ConversationId},
};
use steward_proto::{Cause, Event, Fold as _, NewEvent, Recorded};
use uuid::Uuid;

const CONTACT: ContactId = ContactId::new(Uuid::from_u128(0xc0));
const TEXTS: [&str; 5] =
    ["learn Spanish", "learning Spanish!", "run a marathon", "выучить испанский", "vender la casa"];

struct World {
    contact: Contact,
    now: DateTime<Utc>,
    position: u64,
}

impl World {
    fn new() -> Self {
        Self { contact: Contact::default(), now: "2026-11-28T09:00:00Z".parse().unwrap(), position: 0 }
    }

    fn record(&mut self, events: Vec<Event>) {
        for event in events {
            self.position += 1;
            let subject = format!("ev.t.contact.{CONTACT}.{}", event.subject_token()).parse().unwrap();
            let id = Uuid::from_u128(u128::from(self.position));
            let NewEvent { metadata, event } = NewEvent::new(id, self.now, &Cause::outside("test", ""), event);
            let payload = event.encode();
            self.contact.evolve(&Recorded { position: self.position, subject, metadata, event, payload });
        }
        self.now += TimeDelta::minutes(1);
    }

    fn set(&mut self, kind: Kind, text: &str, word: Word) -> Vec<Event> {
        let id = RememberedId { contact: CONTACT, kind, unique: Uuid::from_u128(u128::from(self.position) + 1_000) };
        let message_id = ids::message(ConversationId::new(Uuid::from_u128(7)), Uuid::from_u128(1));
        let said_at = self.now;
        let evidence = vec![Evidence::of(message_id, text, text, said_at).unwrap()];
        let by = if word == Word::Commanded { "operator" } else { "brain:rules" };
        let new = NewItem {
            id,
            text: text.to_owned(),
            goal: None,
            at: None,
            progress: 0,
            evidence,
            confidence: 90,
            by: by.to_owned(),
            turn_id: None,
            word,
        };
        let events: Vec<Event> = self.contact.memory.remember(self.now, &new).unwrap_or_default().into_iter().collect();
        self.record(events.clone());
        events
    }

    fn open(&self, kind: Kind) -> Vec<(RememberedId, String)> {
        self.contact.memory.open(kind).map(|item| (item.id, item.text.clone())).collect()
    }

    fn end(&mut self, id: &RememberedId, done: bool) {
        let ending = Ending {
            done,
            code: "not_so",
            words: String::new(),
            evidence: Vec::new(),
            by: "operator".to_owned(),
            turn_id: None,
            instead: None,
        };
        let events = self.contact.memory.end_of(id, &ending).unwrap_or_default();
        self.record(events);
    }

    fn correct(&mut self, id: &RememberedId, text: &str) {
        let changes = Changes { text: Some(text.to_owned()), by: "operator".to_owned(), ..Changes::default() };
        let anew = RememberedId { unique: Uuid::from_u128(u128::from(self.position) + 5_000), ..*id };
        let events = self.contact.memory.correct(id, &changes, anew).unwrap_or_default();
        self.record(events);
    }
}

proptest! {
    /// Whatever happens to a contact's memory, what was retired is never concluded again, and a correction leaves nothing of the old.
    #[test]
    fn what_is_retired_is_never_inferred_again(
        steps in prop::collection::vec((0u8..5, 0usize..3, 0usize..5, any::<prop::sample::Index>()), 1..60)
    ) {
        let mut world = World::new();
        let mut retired: Vec<(Kind, Words)> = Vec::new();
        for (what, kind, text, which) in steps {
            let kind = Kind::ALL[kind];
            let open = world.open(kind);
            match what {
                0 | 1 => {
                    let added = world.set(kind, TEXTS[text], Word::Inferred);
                    let words = Words::of(TEXTS[text]);
                    let again = retired.iter().any(|(of, gone)| *of == kind && gone.alike(&words));
                    let known = open.iter().any(|(_, text)| Words::of(text).same(&words));
                    prop_assert!(!again || known || added.is_empty(), "{added:?}");
                }
                2 if !open.is_empty() => {
                    let (id, text) = which.get(&open);
                    world.end(id, false);
                    retired.push((kind, Words::of(text)));
                    prop_assert!(world.open(kind).iter().all(|(other, _)| other != id));
                }
                3 if !open.is_empty() => {
                    let (id, old) = which.get(&open);
                    world.correct(id, TEXTS[text]);
                    if old != TEXTS[text] {
                        retired.push((kind, Words::of(old)));
                        let stands = world.open(kind);
                        prop_assert!(!stands.iter().any(|(other, text)| other == id && text == old), "{stands:?}");
                    }
                }
                4 if !open.is_empty() && kind != Kind::Fact => world.end(&which.get(&open).0, true),
                _ => {}
            }
        }
    }
}

#[test]
fn the_clients_own_new_word_and_a_persons_command_bring_back_what_was_retired() {
    for word in [Word::Said, Word::Commanded] {
        let mut world = World::new();
        world.set(Kind::Goal, "learn Spanish", Word::Said);
        let id = world.open(Kind::Goal)[0].0;
        world.end(&id, false);
        assert!(world.set(Kind::Goal, "learn Spanish", Word::Inferred).is_empty());
        assert_eq!(world.set(Kind::Goal, "learn Spanish", word).len(), 1, "{word:?}");
    }
}

#[test]
fn brains_find_so_much_a_day_and_people_set_what_they_like() {
    let mut world = World::new();
    let text = |n: usize| format!("number{n:05} thing{n:05}");
    let found = (0..100).filter(|n| !world.set(Kind::Fact, &text(*n), Word::Inferred).is_empty()).count();
    assert_eq!(found, 32);
    assert_eq!(world.set(Kind::Fact, "lives in Valencia", Word::Commanded).len(), 1);
    world.now += TimeDelta::days(1);
    assert_eq!(world.set(Kind::Fact, "works as a nurse", Word::Inferred).len(), 1);
}

#[test]
fn a_quote_must_stand_in_its_message() {
    let message_id = ids::message(ConversationId::new(Uuid::from_u128(7)), Uuid::from_u128(1));
    let of = |quote: &str| Evidence::of(message_id, "my goal is to learn Spanish", quote, Utc::now());
    assert!(of("learn Spanish").is_some());
    for quote in ["learn spanish", "", " ", "goal to learn"] {
        assert_eq!(of(quote), None, "{quote:?}");
    }
}

#[test]
fn a_text_made_before_is_shown_without_what_is_not_so_any_more() {
    let mut world = World::new();
    for (kind, text) in
        [(Kind::Goal, "run a marathon in Berlin"), (Kind::Fact, "vegetarian"), (Kind::Goal, "learn Spanish")]
    {
        world.set(kind, text, Word::Said);
    }
    let summary =
        "They want to run a marathon in Berlin in May! They are vegetarian; they learn Spanish.\nWe sent the price.";
    let shown = |world: &World| world.contact.memory.without_retired(summary);
    assert_eq!(shown(&world), summary);
    let of = |world: &World, kind| world.open(kind)[0].0;
    world.end(&of(&world, Kind::Fact), false);
    world.correct(&of(&world, Kind::Goal), "run a marathon in Paris");
    assert_eq!(shown(&world), "they learn Spanish.\nWe sent the price.");
    // They say it again: it is so again.
    world.set(Kind::Fact, "vegetarian", Word::Said);
    assert_eq!(shown(&world), "They are vegetarian; they learn Spanish.\nWe sent the price.");
}
