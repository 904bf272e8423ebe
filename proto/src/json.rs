//! The JSON form of an event's payload, made from the descriptors so that it has the proto's own field names.

use std::sync::LazyLock;

use base64::Engine as _;
use prost_reflect::{DescriptorPool, DynamicMessage, SerializeOptions};
use serde_json::Value;

/// The compiled `.proto` files as a `FileDescriptorSet`.
pub const FILE_DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

static POOL: LazyLock<DescriptorPool> =
    LazyLock::new(|| DescriptorPool::decode(FILE_DESCRIPTORS).expect("our own descriptors are well-formed"));

/// Fields that no reader of JSON may see.
const SECRET: [(&str, &str); 2] = [("WebhookCreated", "secret"), ("WebhookSecretRotated", "secret")];

/// The payload as JSON: proto field names, RFC 3339 times, 64-bit numbers as numbers, bytes in base64, secrets as `***`.
/// A type this build doesn't know, or a payload it can't read, is `{"raw": "<base64>"}`.
pub fn event_json(type_name: &str, payload: &[u8]) -> Value {
    decoded(type_name, payload)
        .unwrap_or_else(|| serde_json::json!({ "raw": base64::engine::general_purpose::STANDARD.encode(payload) }))
}

fn decoded(type_name: &str, payload: &[u8]) -> Option<Value> {
    let descriptor = POOL.get_message_by_name(&format!("steward.v1.{type_name}"))?;
    let message = DynamicMessage::decode(descriptor, payload).ok()?;
    let options = SerializeOptions::new().use_proto_field_name(true).stringify_64_bit_integers(false);
    let mut json = message.serialize_with_options(serde_json::value::Serializer, &options).ok()?;
    for (_, field) in SECRET.iter().filter(|(of, _)| *of == type_name) {
        if let Some(secret) = json.get_mut(field) {
            *secret = Value::from("***");
        }
    }
    Some(json)
}

/// Names of all messages in the `.proto` files, for documents that list them.
pub fn message_names() -> Vec<String> {
    POOL.all_messages().map(|m| m.name().to_owned()).collect()
}
