//! `GET /asyncapi.json`: the event streams, described from the compiled `.proto` files.

use std::sync::LazyLock;

use bytes::Bytes;
use prost_reflect::{Cardinality, DescriptorPool, FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value, json};
use steward_proto::{Event, FILE_DESCRIPTORS, header, snake_case};

static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| {
    let text = serde_json::to_vec_pretty(&document()).expect("it is made of maps and strings");
    text.into()
});

/// The document.
pub fn json() -> Bytes {
    DOCUMENT.clone()
}

fn document() -> Value {
    let pool = DescriptorPool::decode(FILE_DESCRIPTORS).expect("our own descriptors are well-formed");
    let (mut channels, mut operations, mut messages, mut schemas) = (Map::new(), Map::new(), Map::new(), Map::new());
    for message in pool.all_messages().filter(|m| m.package_name() == "steward.v1") {
        schemas.insert(message.name().to_owned(), schema(&message));
    }
    for name in Event::TYPES {
        let token = snake_case(name);
        messages.insert(
            (*name).to_owned(),
            json!({
                "name": name,
                "contentType": "application/protobuf",
                "summary": format!("The bare protobuf message steward.v1.{name}; its JSON form is the payload described here."),
                "headers": { "$ref": "#/components/schemas/Headers" },
                "payload": { "$ref": format!("#/components/schemas/{name}") },
            }),
        );
        channels.insert(
            token.clone(),
            json!({
                "address": format!("ev.{{tenant}}.{{aggregate}}.{{aggregate_id}}.{token}"),
                "parameters": { "tenant": {}, "aggregate": {}, "aggregate_id": {} },
                "messages": { *name: { "$ref": format!("#/components/messages/{name}") } },
            }),
        );
        operations.insert(
            format!("on_{token}"),
            json!({ "action": "receive", "channel": { "$ref": format!("#/channels/{token}") } }),
        );
    }
    schemas.insert("Headers".to_owned(), headers());
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Steward events",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The JetStream stream EVENTS. The aggregate's kind and id are tokens of the subject; new types and fields may be added at any time: skip what you don't know.",
            "license": { "name": "Apache-2.0" },
        },
        "defaultContentType": "application/protobuf",
        "channels": channels,
        "operations": operations,
        "components": { "messages": messages, "schemas": schemas },
    })
}

fn headers() -> Value {
    let text = |description: &str| json!({ "type": "string", "description": description });
    let id = |description: &str| json!({ "type": "string", "format": "uuid", "description": description });
    let properties = json!({
        header::EVENT_ID: id("UUIDv7"),
        header::TYPE: text("the message's name"),
        header::SCHEMA_VERSION: text("a whole number"),
        header::TIME: { "type": "string", "format": "date-time" },
        header::CAUSATION_ID: id("the event that caused it; its own id if nothing did"),
        header::CORRELATION_ID: id("the first event of the chain"),
        header::ACTOR: text("client:…, operator:…, service:…, brain:…"),
        header::TRACEPARENT: text("W3C Trace Context"),
    });
    let required: Vec<&String> = properties.as_object().map(|p| p.keys().collect()).unwrap_or_default();
    json!({ "type": "object", "required": required, "properties": properties })
}

fn schema(message: &MessageDescriptor) -> Value {
    let properties: Map<String, Value> =
        message.fields().map(|field| (field.name().to_owned(), field_schema(&field))).collect();
    json!({ "type": "object", "properties": properties })
}

fn field_schema(field: &FieldDescriptor) -> Value {
    let one = match field.kind() {
        Kind::Bool => json!({ "type": "boolean" }),
        Kind::Bytes => json!({ "type": "string", "contentEncoding": "base64" }),
        Kind::Double | Kind::Float => json!({ "type": "number" }),
        Kind::String | Kind::Enum(_) => json!({ "type": "string" }),
        Kind::Message(m) if m.full_name() == "google.protobuf.Timestamp" => {
            json!({ "type": "string", "format": "date-time" })
        }
        Kind::Message(m) if m.package_name() == "steward.v1" => {
            json!({ "$ref": format!("#/components/schemas/{}", m.name()) })
        }
        Kind::Message(_) => json!({ "type": "object" }),
        _ => json!({ "type": "integer" }),
    };
    if field.cardinality() == Cardinality::Repeated { json!({ "type": "array", "items": one }) } else { one }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn every_event_is_described_with_its_fields_and_no_reference_is_dangling() {
        let document = document();
        for name in Event::TYPES {
            let address = document["channels"][snake_case(name)]["address"].as_str().unwrap();
            assert!(address.ends_with(&format!(".{}", snake_case(name))), "{address}");
        }
        let scheduled = &document["components"]["schemas"]["FollowUpScheduled"]["properties"];
        assert_eq!(scheduled["due_at"]["format"], "date-time");
        assert_eq!(scheduled["action"]["$ref"], "#/components/schemas/Action");
        let text = document.to_string();
        for reference in text.split("\"$ref\":\"#").skip(1) {
            let pointer = reference.split('"').next().unwrap();
            assert!(document.pointer(pointer).is_some(), "{pointer}");
        }
    }
}
