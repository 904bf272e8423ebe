//! States that are kept beside the log: written and read back they are the same, and a change of what they are is noticed.

#[path = "conversation_world/any_event.rs"]
#[allow(dead_code, reason = "other tests use the rest of it")]
mod any_event;

use chrono::{DateTime, TimeDelta};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use sha2::{Digest as _, Sha256};
use steward_domain::{address::Address, contact::Contact, conversation::Conversation};
use steward_proto::{Event, Kept, Metadata, Recorded, SCHEMA_VERSION};
use uuid::Uuid;

/// So many events of all types, the same each time.
fn history(seed: u64, count: u64) -> impl Iterator<Item = Recorded> {
    let mut rng = StdRng::seed_from_u64(seed);
    (1..=count).map(move |position| {
        let event = any_event::made(Event::TYPES[rng.random_range(0..Event::TYPES.len())], rng.random());
        let id = Uuid::from_u128(u128::from(position));
        let metadata = Metadata {
            event_id: id,
            type_name: event.type_name().to_owned(),
            schema_version: SCHEMA_VERSION,
            at: DateTime::UNIX_EPOCH + TimeDelta::seconds(1_795_251_600 + position.cast_signed()),
            causation_id: id,
            correlation_id: id,
            actor: "test".to_owned(),
            traceparent: String::new(),
        };
        let subject = format!("ev.default.conversation.c1.{}", event.subject_token()).parse().expect("a subject");
        Recorded { position, subject, metadata, payload: event.encode(), event }
    })
}

fn written<S: Kept>(state: &S) -> Vec<u8> {
    postcard::to_stdvec(state).expect("a state can be written")
}

/// Read back at any time, the state is the same, and goes on the same.
fn is_the_same_read_back<S: Kept>() {
    for seed in 0..20 {
        let (mut state, mut again) = (S::default(), S::default());
        for recorded in history(seed, 400) {
            state.evolve(&recorded);
            again.evolve(&recorded);
            if recorded.position % 37 == 0 {
                again = postcard::from_bytes(&written(&again)).expect("what was written can be read");
            }
        }
        assert_eq!(written(&again), written(&state), "seed {seed}");
    }
}

#[test]
fn a_state_that_was_written_and_read_back_goes_on_as_it_was() {
    is_the_same_read_back::<Conversation>();
    is_the_same_read_back::<Contact>();
    is_the_same_read_back::<Address>();
}

/// What all of the schema makes of a state of this version.
fn fingerprint<S: Kept>() -> (u32, String) {
    let mut hash = Sha256::new();
    for seed in 0..20 {
        let mut state = S::default();
        for recorded in history(seed, 400) {
            state.evolve(&recorded);
            hash.update(written(&state).len().to_le_bytes());
        }
        hash.update(written(&state));
    }
    (S::VERSION, hex::encode(&hash.finalize()[..8]))
}

/// If this fails, a fold, a state's fields or the schema has changed; a new event that these aggregates never have changes the
/// histories alone, and needs nothing but the new fingerprint. Else `VERSION` in `kept.rs` must go up, or processes
/// would go on with states that another fold has made; the fingerprint here follows it.
#[test]
fn a_change_of_what_is_kept_has_a_version_of_its_own() {
    let found = (fingerprint::<Conversation>(), fingerprint::<Contact>(), fingerprint::<Address>());
    let expected = |version, print: &str| (version, print.to_owned());
    assert_eq!(
        found,
        (expected(4, "fc2d62c6e5d67fb1"), expected(2, "6206813a9d0f720c"), expected(1, "05070e43264b2c35"),)
    );
}
