//! Events written by earlier builds stay readable: the bytes in `golden/` decode to the JSON beside them.
//!
//! `STEWARD_WRITE_GOLDEN=1 cargo test -p steward-proto --test golden` adds files for new events and for new fields; it
//! never touches one that exists.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value};
use serde_json::Value as Json;
use steward_proto::{Event, FILE_DESCRIPTORS, SCHEMA_VERSION, event_json};

/// 2026-11-21T09:00:00Z
const A_TIME: i64 = 1_795_251_600;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden")
}

fn descriptor(type_name: &str) -> MessageDescriptor {
    let pool = DescriptorPool::decode(FILE_DESCRIPTORS).unwrap();
    pool.get_message_by_name(&format!("steward.v1.{type_name}")).unwrap()
}

/// A message in which every field has a value of its own.
fn filled(descriptor: &MessageDescriptor, path: &str) -> DynamicMessage {
    let mut message = DynamicMessage::new(descriptor.clone());
    if descriptor.full_name() == "google.protobuf.Timestamp" {
        message.set_field_by_name("seconds", Value::I64(A_TIME + path.len() as i64));
        message.set_field_by_name("nanos", Value::I32(123_000_000));
        return message;
    }
    for field in descriptor.fields() {
        let path = format!("{path}.{}", field.name());
        let value = if field.is_list() {
            Value::List(vec![one(&field, &format!("{path}.0")), one(&field, &format!("{path}.1"))])
        } else {
            one(&field, &path)
        };
        message.set_field(&field, value);
    }
    message
}

fn one(field: &FieldDescriptor, path: &str) -> Value {
    match field.kind() {
        Kind::String => Value::String(format!("{path} ё🙂")),
        Kind::Bool => Value::Bool(true),
        Kind::Int32 => Value::I32(-300),
        Kind::Uint32 => Value::U32(300 + field.number()),
        Kind::Uint64 => Value::U64(5_000_000_000 + u64::from(field.number())),
        Kind::Bytes => Value::Bytes(b"{\"raw\":\xff}".to_vec().into()),
        Kind::Message(inner) => Value::Message(filled(&inner, path)),
        other => panic!("{path} is a {other:?}: teach this test to make one"),
    }
}

/// The golden files of an event, the oldest first: `Event.bin`, `Event.2.bin`, …
fn files(type_name: &str) -> Vec<PathBuf> {
    let numbered = (2..).map(|n| folder().join(format!("{type_name}.{n}.bin")));
    std::iter::once(folder().join(format!("{type_name}.bin"))).chain(numbered).take_while(|p| p.exists()).collect()
}

/// Lists where the leaves of a JSON value stand: `message.parts[]`.
fn leaves(value: &Json, path: &str, out: &mut BTreeSet<String>) {
    match value {
        Json::Object(fields) => fields.iter().for_each(|(name, v)| leaves(v, &format!("{path}.{name}"), out)),
        Json::Array(items) => items.iter().for_each(|v| leaves(v, &format!("{path}[]"), out)),
        _ => {
            out.insert(path.to_owned());
        }
    }
}

fn leaves_of(type_name: &str, payload: &[u8]) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    leaves(&event_json(type_name, payload), "", &mut out);
    out
}

/// Writes the missing files, if the variable asks for it.
fn write_missing() {
    if std::env::var_os("STEWARD_WRITE_GOLDEN").is_none() {
        return;
    }
    for type_name in Event::TYPES {
        let payload = filled(&descriptor(type_name), type_name).encode_to_vec();
        let existing = files(type_name);
        let covered: BTreeSet<String> =
            existing.iter().flat_map(|p| leaves_of(type_name, &fs::read(p).unwrap())).collect();
        if leaves_of(type_name, &payload).is_subset(&covered) {
            continue;
        }
        let name =
            if existing.is_empty() { (*type_name).to_owned() } else { format!("{type_name}.{}", existing.len() + 1) };
        let json = serde_json::to_string_pretty(&event_json(type_name, &payload)).unwrap();
        fs::write(folder().join(format!("{name}.bin")), &payload).unwrap();
        fs::write(folder().join(format!("{name}.json")), json + "\n").unwrap();
    }
}

#[test]
fn every_event_ever_written_reads_as_it_did() {
    write_missing();
    for type_name in Event::TYPES {
        let files = files(type_name);
        assert!(!files.is_empty(), "{type_name} has no golden file: write it with STEWARD_WRITE_GOLDEN=1");
        for file in files {
            let payload = fs::read(&file).unwrap();
            let event = Event::decode(type_name, SCHEMA_VERSION, &payload).unwrap();
            assert_eq!(event.type_name(), *type_name);
            assert!(!matches!(event, Event::Unknown { .. }), "{type_name} is unknown to its own build");
            let written: Json = serde_json::from_slice(&fs::read(file.with_extension("json")).unwrap()).unwrap();
            assert_eq!(event_json(type_name, &payload), written, "{} reads otherwise", file.display());
            // The types that services use lose nothing of the event.
            assert_eq!(event_json(type_name, &event.encode()), written, "{} loses a field", file.display());
        }
    }
}

#[test]
fn every_field_of_every_event_stands_in_a_golden_file() {
    write_missing();
    for type_name in Event::TYPES {
        let covered: BTreeSet<String> =
            files(type_name).iter().flat_map(|p| leaves_of(type_name, &fs::read(p).unwrap())).collect();
        let all = leaves_of(type_name, &filled(&descriptor(type_name), type_name).encode_to_vec());
        let missing: Vec<_> = all.difference(&covered).collect();
        assert!(missing.is_empty(), "{type_name}: {missing:?}: write it with STEWARD_WRITE_GOLDEN=1");
    }
}

#[test]
fn no_event_that_was_once_written_has_left_the_schema() {
    let known: BTreeSet<&str> = Event::TYPES.iter().copied().collect();
    for entry in fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let type_name = name.split('.').next().unwrap();
        assert!(known.contains(type_name), "golden/{name} has no event in the schema any more");
    }
}

#[test]
fn an_event_of_an_unknown_type_is_kept_as_unknown() {
    let payload = fs::read(folder().join("FollowUpScheduled.bin")).unwrap();
    let event = Event::decode("MoonPhaseChanged", 1, &payload).unwrap();
    assert_eq!(event, Event::Unknown { type_name: "MoonPhaseChanged".to_owned(), schema_version: 1 });
    assert!(event_json("MoonPhaseChanged", &payload)["raw"].is_string(), "readers see its bytes");
}

#[test]
fn an_event_of_a_newer_schema_version_is_kept_as_unknown() {
    let payload = fs::read(folder().join("FollowUpScheduled.bin")).unwrap();
    let newer = SCHEMA_VERSION + 1;
    let event = Event::decode("FollowUpScheduled", newer, &payload).unwrap();
    assert_eq!(event, Event::Unknown { type_name: "FollowUpScheduled".to_owned(), schema_version: newer });
}

#[test]
fn a_field_from_the_future_does_not_stop_a_reader() {
    let mut payload = fs::read(folder().join("FollowUpTextChanged.bin")).unwrap();
    let before = event_json("FollowUpTextChanged", &payload);
    // An unknown field: number 1999, a string of one byte.
    payload.extend([0xfa, 0x7c, 0x01, b'x']);
    let Event::FollowUpTextChanged(event) = Event::decode("FollowUpTextChanged", SCHEMA_VERSION, &payload).unwrap()
    else {
        panic!("another event");
    };
    assert_eq!(before["text"], Json::String(event.text));
}

#[test]
fn a_payload_that_is_no_protobuf_is_an_error_that_names_the_type() {
    let error = Event::decode("FollowUpScheduled", SCHEMA_VERSION, &[0xff, 0xff]).unwrap_err();
    assert!(error.to_string().contains("FollowUpScheduled"), "{error}");
}
