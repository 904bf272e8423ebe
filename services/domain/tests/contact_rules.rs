//! Which contacts are one person: merged by command or proof, one pointer deep, and split again.
#![allow(clippy::unwrap_used, reason = "tests")]

mod conversation_world;

use std::collections::BTreeMap;

use chrono::{TimeDelta, TimeZone as _, Utc};
use conversation_world::{Answer, World, outbox::queued};
use proptest::{collection::vec, prelude::*};
use steward_domain::{
    contact::{Contact, How, MERGED_AT_MOST, Merge, Refused},
    conversation::dispatch::Step,
    ids::{ContactId, ConversationId, MessageId},
    kernel::Refusal as _,
    settings::Policy,
};
use steward_proto::{Cause, Event, Fold as _, NewEvent, Recorded, v1};
use uuid::Uuid;

fn contact(n: u128) -> ContactId {
    ContactId::new(Uuid::from_u128(0xc000 + n))
}

fn conversation(n: u128) -> ConversationId {
    ConversationId::new(Uuid::from_u128(0xa000 + n))
}

/// Contacts with their events, decided on as the commands do: first the survivor, then the merged one.
#[derive(Default)]
struct People {
    states: BTreeMap<ContactId, Contact>,
    recorded: u64,
}

impl People {
    fn of(&self, n: u128) -> Contact {
        self.states.get(&contact(n)).cloned().unwrap_or_default()
    }

    fn record(&mut self, on: ContactId, event: impl Into<Event>) {
        self.recorded += 1;
        let event = event.into();
        let subject = format!("ev.t.contact.{on}.{}", event.subject_token());
        let when = Utc.timestamp_opt(1_795_251_600, 0).unwrap();
        let new =
            NewEvent::new(Uuid::from_u128(self.recorded.into()), when, &Cause::outside("operator:test", ""), event);
        let payload = new.event.encode();
        let position = self.recorded;
        let recorded =
            Recorded { position, subject: subject.parse().unwrap(), metadata: new.metadata, event: new.event, payload };
        self.states.entry(on).or_default().evolve(&recorded);
    }

    fn take_in(&mut self, merge: &Merge) -> Result<bool, Refused> {
        let event = self.states.entry(merge.into).or_default().take_in(merge)?;
        Ok(event.map(|event| self.record(merge.into, event)).is_some())
    }

    fn point(&mut self, merge: &Merge) -> Result<(), Refused> {
        match self.states.entry(merge.contact).or_default().merge(merge) {
            Ok(Some(event)) => self.record(merge.contact, event),
            Ok(None) => {}
            Err(refused) => {
                let undone = self.states[&merge.into].let_go(merge.contact, merge.into, "operator:test", "");
                if let Some(event) = undone.filter(|_| self.states[&merge.contact].merged_into != Some(merge.into)) {
                    self.record(merge.into, event);
                }
                return Err(refused);
            }
        }
        Ok(())
    }

    fn merge(&mut self, n: u128, into: u128) -> Result<(), Refused> {
        let merge = merge(n, into);
        // Refused before anything is recorded, if it is known to be.
        self.of(n).merge(&merge)?;
        self.take_in(&merge)?;
        self.point(&merge)
    }

    fn split(&mut self, n: u128) -> Result<(), Refused> {
        let split = self.of(n).split(contact(n), "operator:test", "")?;
        let from = split.from.parse().unwrap();
        self.record(contact(n), split);
        if let Some(event) = self.states[&from].let_go(contact(n), from, "operator:test", "") {
            self.record(from, event);
        }
        Ok(())
    }
}

/// Contact `n` has the conversation `n`.
fn merge(n: u128, into: u128) -> Merge {
    Merge {
        contact: contact(n),
        into: contact(into),
        how: How::Command,
        by: "operator:test".to_owned(),
        reason: String::new(),
        conversations: [conversation(n)].into(),
        into_conversations: [conversation(into)].into(),
    }
}

fn code(refused: Result<(), Refused>) -> &'static str {
    refused.unwrap_err().code()
}

#[test]
fn merging_twice_changes_nothing_the_second_time() {
    let mut people = People::default();
    people.merge(1, 2).unwrap();
    let (before, events) = (people.states.clone(), people.recorded);
    people.merge(1, 2).unwrap();
    assert_eq!((people.states, people.recorded), (before, events));
}

#[test]
fn what_makes_no_sense_is_refused_with_its_reason() {
    let mut people = People::default();
    assert_eq!(code(people.merge(1, 1)), "same_contact");
    let nobody = Merge { conversations: [].into(), ..merge(1, 2) };
    assert_eq!(Contact::default().merge(&nobody).unwrap_err().code(), "unknown_contact");
    let into_nobody = Merge { into_conversations: [].into(), ..merge(1, 2) };
    assert_eq!(Contact::default().take_in(&into_nobody).unwrap_err().code(), "unknown_contact");
    people.merge(1, 2).unwrap();
    assert_eq!(code(people.merge(2, 1)), "merge_cycle");
    assert_eq!(people.of(1).take_in(&merge(2, 1)).unwrap_err().code(), "merge_cycle");
    assert_eq!(code(people.merge(1, 3)), "already_merged");
    assert_eq!(code(people.merge(2, 3)), "has_merged_contacts");
    assert_eq!(code(people.merge(3, 1)), "contact_merged");
    assert_eq!(code(people.split(2)), "not_merged");
    assert_eq!(people.recorded, 2, "what is refused leaves nothing");
    people.merge(3, 2).unwrap();
}

#[test]
fn a_contact_stands_for_so_many_others_and_no_more() {
    let mut people = People::default();
    let most = MERGED_AT_MOST as u128;
    for n in 1..=most {
        people.merge(n, 1_000).unwrap();
    }
    assert_eq!(code(people.merge(most + 1, 1_000)), "too_many_merged");
    assert_eq!(people.of(most + 1).merged_into, None);
    people.merge(1, 1_000).unwrap();
    people.split(1).unwrap();
    people.merge(most + 1, 1_000).unwrap();
}

#[test]
fn of_two_merges_into_each_other_at_once_no_circle_is_left() {
    let mut people = People::default();
    // Both have taken the other in before either points.
    people.take_in(&merge(1, 2)).unwrap();
    people.take_in(&merge(2, 1)).unwrap();
    let first = people.point(&merge(1, 2));
    let second = people.point(&merge(2, 1));
    assert!(first.is_err() || second.is_err());
    let pointers = [1, 2].map(|n| people.of(n).merged_into);
    assert!(pointers.iter().flatten().count() <= 1, "{pointers:?}");
}

#[test]
fn a_split_restores_what_was() {
    let mut people = People::default();
    for (n, zone) in [(1, "Asia/Makassar"), (2, "Europe/Madrid")] {
        let changed = v1::ContactChanged { timezone: Some(zone.to_owned()), ..v1::ContactChanged::default() };
        people.record(contact(n), changed);
    }
    people.merge(1, 2).unwrap();
    people.split(1).unwrap();
    for (n, zone) in [(1, "Asia/Makassar"), (2, "Europe/Madrid")] {
        let state = people.of(n);
        assert_eq!((state.timezone.as_deref(), state.merged_into), (Some(zone), None));
        assert_eq!(state.elsewhere(conversation(n)).count(), 0);
    }
    people.merge(1, 2).unwrap();
    assert_eq!(people.of(1).merged_into, Some(contact(2)));
}

#[test]
fn a_merged_contact_follows_the_surviving_one() {
    let mut people = People::default();
    let of = |zone: &str, language: Option<&str>| v1::ContactChanged {
        timezone: Some(zone.to_owned()),
        language: language.map(str::to_owned),
        ..v1::ContactChanged::default()
    };
    people.record(contact(1), of("Asia/Makassar", Some("ru")));
    people.record(contact(2), of("Europe/Madrid", None));
    people.merge(1, 2).unwrap();
    let effective = people.of(1).under(&people.of(2));
    assert_eq!(effective.timezone.as_deref(), Some("Europe/Madrid"));
    assert_eq!(effective.language.as_deref(), Some("ru"), "the surviving one says nothing of it");
    assert!(!effective.archived);
    people.record(contact(2), v1::ContactArchived::default());
    assert!(people.of(1).under(&people.of(2)).archived);
    assert_eq!(people.of(1).stands_for_itself().unwrap_err().code(), "contact_merged");
}

#[test]
fn a_persons_other_conversations_are_known_from_each_of_them() {
    let mut people = People::default();
    people.merge(1, 2).unwrap();
    people.merge(3, 2).unwrap();
    let survivor = people.of(2);
    for (n, others) in [(1, [2, 3]), (2, [1, 3]), (3, [1, 2])] {
        let effective = if n == 2 { survivor.clone() } else { people.of(n).under(&survivor) };
        let elsewhere: Vec<ConversationId> = effective.elsewhere(conversation(n)).collect();
        assert_eq!(elsewhere, others.map(conversation));
    }
}

#[test]
fn the_daily_cap_counts_what_went_to_the_same_person_elsewhere() {
    let mut world = World::opened();
    world.policy = Policy { daily_cap: Some(2), ..Policy::default() };
    let id = queued(&mut world, |q| q.proactive = true);
    let claim_id = world.claim_id();
    world.elsewhere = vec![world.now - TimeDelta::hours(25), world.now - TimeDelta::hours(1)];
    assert!(
        matches!(world.next_step(&world.state, &id, claim_id, "w"), Step::Claim { .. }),
        "one of two within the day"
    );
    world.elsewhere.push(world.now - TimeDelta::hours(2));
    let Step::Record(events) = world.next_step(&world.state, &id, claim_id, "w") else {
        panic!("nothing stood against it")
    };
    let [Event::SendDeferred(put_off)] = &events[..] else { panic!("{events:?}") };
    assert_eq!(put_off.reason.as_ref().unwrap().code, "frequency_cap");
    let until = steward_proto::from_timestamp(put_off.until.as_ref()).unwrap();
    assert_eq!(until, world.at(22 * 3600), "a day after the older of the two");
}

#[test]
fn claims_that_are_open_at_once_see_one_another() {
    let mut world = World::opened();
    world.policy = Policy { daily_cap: Some(1), ..Policy::default() };
    let id = queued(&mut world, |q| q.proactive = true);
    let claim = world.claim(&id);
    let elsewhere: Vec<_> = world.state.proactive_claimed(None).collect();
    assert_eq!((elsewhere.len(), world.state.proactive_claimed(Some(id)).count()), (1, 0));
    let mut other = World::opened();
    let another = other.message_id();
    let at_cap = |state: &World, own: MessageId, elsewhere: &[_]| {
        state.state.is_at_cap(&world.policy, world.now, own, elsewhere)
    };
    assert!(at_cap(&other, another, &elsewhere));
    assert!(!at_cap(&world, id, &[]), "its own claim doesn't stand in its way");
    assert!(!World::opened().state.is_at_cap(&Policy::default(), world.now, another, &elsewhere), "no cap");
    world.answer(&claim, Answer::Success);
    assert_eq!((world.state.proactive_claimed(None).count(), world.state.proactive_sent.len()), (0, 1));
}

proptest! {
    /// Whatever is asked in whatever order, a pointer is one hop, and both sides say the same.
    #[test]
    fn a_pointer_never_leads_to_a_pointer(steps in vec((any::<bool>(), 0u128..5, 0u128..5), 0..60)) {
        let mut people = People::default();
        for (merges, n, into) in steps {
            let _ = if merges { people.merge(n, into) } else { people.split(n) };
            for (id, state) in &people.states {
                if let Some(into) = state.merged_into {
                    prop_assert!(people.states[&into].merged_into.is_none());
                    prop_assert!(people.states[&into].merged.contains_key(id));
                    prop_assert!(state.merged.is_empty());
                }
                for merged in state.merged.keys() {
                    prop_assert_eq!(people.states[merged].merged_into, Some(*id));
                }
            }
        }
    }
}
