//! Any event of the schema with any content, made from its descriptors: what a fold must take without complaint.

use std::sync::LazyLock;

use proptest::prelude::*;
use prost::Message as _;
use prost_reflect::{
    DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, ReflectMessage as _, Value,
};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom as _};
use steward_proto::{Event, FILE_DESCRIPTORS, SCHEMA_VERSION};

static POOL: LazyLock<DescriptorPool> =
    LazyLock::new(|| DescriptorPool::decode(FILE_DESCRIPTORS).expect("our own descriptors are well-formed"));

/// Words that mean something in some field; as an id, none can be read.
const WORDS: [&str; 22] = [
    "",
    "a",
    "client_response",
    "never",
    "cancel",
    "keep",
    "bot",
    "human",
    "compose",
    "message",
    "blocked",
    "by_client",
    "hold",
    "inject",
    "client_responded",
    "window_closed",
    "whatsapp",
    "sent",
    "delivered",
    "read",
    "failed",
    "ё🙂\u{0}",
];

/// Few ids, so that events meet each other: follow-ups, messages, and one of all that are a UUID.
pub const IDS: [&str; 5] = [
    "000000000000000000000000000000c1f0000000000000000000000000000000a",
    "000000000000000000000000000000c1f0000000000000000000000000000000b",
    "000000000000000000000000000000c1m0000000000000000000000000000000a",
    "000000000000000000000000000000c1m0000000000000000000000000000000b",
    "00000000-0000-0000-0000-00000000000a",
];

/// Goals, milestones, facts.
const REMEMBERED: [&str; 6] = [
    "000000000000000000000000000000c1g0000000000000000000000000000000a",
    "000000000000000000000000000000c1g0000000000000000000000000000000b",
    "000000000000000000000000000000c1s0000000000000000000000000000000a",
    "000000000000000000000000000000c1s0000000000000000000000000000000b",
    "000000000000000000000000000000c1k0000000000000000000000000000000a",
    "000000000000000000000000000000c1k0000000000000000000000000000000b",
];

/// An event of any type, from a seed; one in twenty is a type from the future.
pub fn any_event() -> impl Strategy<Value = Event> {
    (any::<prop::sample::Index>(), any::<u64>(), 0u8..20).prop_map(|(index, seed, future)| {
        if future == 0 {
            return Event::Unknown { type_name: "MoonPhaseChanged".to_owned(), schema_version: 1 };
        }
        made(Event::TYPES[index.index(Event::TYPES.len())], seed)
    })
}

pub fn made(type_name: &str, seed: u64) -> Event {
    let descriptor = POOL.get_message_by_name(&format!("steward.v1.{type_name}")).expect("every event has a message");
    let message = filled(&descriptor, &mut StdRng::seed_from_u64(seed));
    Event::decode(type_name, SCHEMA_VERSION, &message.encode_to_vec()).expect("what the schema made, it can read")
}

fn filled(descriptor: &MessageDescriptor, rng: &mut StdRng) -> DynamicMessage {
    let mut message = DynamicMessage::new(descriptor.clone());
    if descriptor.full_name() == "google.protobuf.Timestamp" {
        // Inside chrono's range, beyond it, and absurd.
        let seconds: i64 = match rng.random_range(0..6) {
            0 => i64::MAX,
            1 => i64::MIN,
            2 => 8_210_266_876_799,
            _ => 1_795_251_600 + rng.random_range(-10_000..10_000),
        };
        message.set_field_by_name("seconds", Value::I64(seconds));
        message.set_field_by_name("nanos", Value::I32(if rng.random_bool(0.9) { 5 } else { rng.random() }));
        return message;
    }
    for field in descriptor.fields() {
        if rng.random_bool(0.2) {
            continue;
        }
        let value = if field.is_list() {
            Value::List((0..rng.random_range(0..3)).map(|_| one(&field, rng)).collect())
        } else {
            one(&field, rng)
        };
        message.set_field(&field, value);
    }
    message
}

fn one(field: &FieldDescriptor, rng: &mut StdRng) -> Value {
    match field.kind() {
        Kind::String => Value::String(text(field.name(), rng).to_owned()),
        Kind::Bool => Value::Bool(rng.random()),
        Kind::Int32 => Value::I32(*[0, 3600, -16_200, i32::MIN, i32::MAX].choose(rng).expect("numbers")),
        Kind::Uint32 => Value::U32(if rng.random_bool(0.8) { rng.random_range(0..3) } else { u32::MAX }),
        Kind::Uint64 => Value::U64(if rng.random_bool(0.8) { rng.random_range(0..50) } else { u64::MAX }),
        Kind::Bytes => Value::Bytes(vec![0xff, 0].into()),
        Kind::Message(inner) => Value::Message(filled(&inner, rng)),
        other => panic!("{} is a {other:?}: teach this test to make one", field.full_name()),
    }
}

/// In a field for an id, mostly one.
fn text(field: &str, rng: &mut StdRng) -> &'static str {
    let ids = match field {
        "follow_up_id" | "renews" => &IDS[..2],
        "message_id" => &IDS[2..4],
        "intent_id" => &IDS[2..4],
        "goal_id" | "merged_into" => &REMEMBERED[..2],
        "milestone_id" | "replaced_by" => &REMEMBERED[2..4],
        "fact_id" => &REMEMBERED[4..],
        "turn_id" | "claim_id" | "contact_id" | "conversation_id" | "webhook_id" => &IDS[4..],
        _ => &[],
    };
    let words = if !ids.is_empty() && rng.random_bool(0.9) { ids } else { &WORDS };
    words.choose(rng).expect("words")
}

/// The name of a message's type, as its descriptor has it.
pub fn names() -> Vec<String> {
    Event::TYPES
        .iter()
        .map(|t| DynamicMessage::new(POOL.get_message_by_name(&format!("steward.v1.{t}")).expect("its message")))
        .map(|m| m.descriptor().name().to_owned())
        .collect()
}
