//! The JSON form of an event's payload, made from the descriptors so that it has the proto's own field names.

use std::sync::LazyLock;

use base64::Engine as _;
use prost_reflect::{DescriptorPool, DynamicMessage, SerializeOptions};
use serde_json::Value;

use crate::secrets;

/// The compiled `.proto` files as a `FileDescriptorSet`.
pub const FILE_DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

static POOL: LazyLock<DescriptorPool> =
    LazyLock::new(|| DescriptorPool::decode(FILE_DESCRIPTORS).expect("our own descriptors are well-formed"));

/// The payload as JSON: proto field names, RFC 3339 times, 64-bit numbers as numbers, bytes in base64, secrets as
/// `***`. If this build doesn't know the type or can't read the payload, it is `{"raw": "<base64>"}`, or `{"raw":
/// null}` where the event may hold a secret.
pub fn event_json(type_name: &str, payload: &[u8]) -> Value {
    decoded(type_name, payload).unwrap_or_else(|| {
        let raw =
            secrets::may_be_shown_raw(type_name).then(|| base64::engine::general_purpose::STANDARD.encode(payload));
        serde_json::json!({ "raw": raw })
    })
}

/// The payload, read as a message that this build knows.
pub(crate) fn message_of(type_name: &str, payload: &[u8]) -> Option<DynamicMessage> {
    let descriptor = POOL.get_message_by_name(&format!("steward.v1.{type_name}"))?;
    DynamicMessage::decode(descriptor, payload).ok()
}

fn decoded(type_name: &str, payload: &[u8]) -> Option<Value> {
    let mut message = message_of(type_name, payload)?;
    secrets::hide(type_name, &mut message);
    let options = SerializeOptions::new().use_proto_field_name(true).stringify_64_bit_integers(false);
    message.serialize_with_options(serde_json::value::Serializer, &options).ok()
}

/// Names of all messages in the `.proto` files, for documents that list them.
pub fn message_names() -> Vec<String> {
    POOL.all_messages().map(|m| m.name().to_owned()).collect()
}
