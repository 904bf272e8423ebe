//! Fields that hold a secret. Only the log keeps them: no JSON, no read model and no `Debug` shows them.

use std::fmt;

use bytes::Bytes;
use prost_reflect::{DynamicMessage, Value, prost::Message as _};

use crate::{
    json::message_of,
    v1::{ApiKeyCreated, SessionBegun, WebhookCreated, WebhookSecretRotated},
};

/// All such fields, as message and field. A test compares every other field with a suspicious name with a list of
/// harmless ones.
pub(crate) const SECRET: [(&str, &str); 4] = [
    ("ApiKeyCreated", "hash"),
    ("SessionBegun", "hash"),
    ("WebhookCreated", "secret"),
    ("WebhookSecretRotated", "secret"),
];

/// What JSON shows in place of a secret.
const HIDDEN: &str = "***";

/// Names of the events that hold a secret.
pub fn secret_types() -> impl Iterator<Item = &'static str> {
    SECRET.iter().map(|(message, _)| *message)
}

fn has_secret(type_name: &str) -> bool {
    secret_types().any(|message| message == type_name)
}

/// The payload as everything but the log may keep it: with its secrets emptied. A payload that should hold a secret and
/// can't be read is emptied altogether.
pub fn without_secrets(type_name: &str, payload: &Bytes) -> Bytes {
    if !has_secret(type_name) {
        return payload.clone();
    }
    let Some(mut message) = message_of(type_name, payload) else { return Bytes::new() };
    for (_, field) in SECRET.iter().filter(|(of, _)| *of == type_name) {
        message.clear_field_by_name(field);
    }
    message.encode_to_vec().into()
}

/// Replaces each secret of a message by stars, also an empty one.
pub(crate) fn hide(type_name: &str, message: &mut DynamicMessage) {
    for (_, field) in SECRET.iter().filter(|(of, _)| *of == type_name) {
        message.set_field_by_name(field, Value::String(HIDDEN.to_owned()));
    }
}

/// Whether a payload that can't be read may be shown raw: not if the event may hold a secret.
pub(crate) fn may_be_shown_raw(type_name: &str) -> bool {
    !has_secret(type_name)
}

impl fmt::Debug for WebhookCreated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookCreated")
            .field("webhook_id", &self.webhook_id)
            .field("types", &self.types)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for WebhookSecretRotated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookSecretRotated").field("webhook_id", &self.webhook_id).finish_non_exhaustive()
    }
}

impl fmt::Debug for ApiKeyCreated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKeyCreated").field("key_id", &self.key_id).field("role", &self.role).finish_non_exhaustive()
    }
}

impl fmt::Debug for SessionBegun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionBegun")
            .field("session_id", &self.session_id)
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use prost_reflect::{DescriptorPool, Kind};

    use super::*;
    use crate::{FILE_DESCRIPTORS, event_json, v1};

    /// Fields with the name of a secret that are none: hashes of what a reader sees anyway, or of settings that hold no
    /// secret.
    const HARMLESS: [(&str, &str); 5] = [
        ("DispatchStarted", "request_hash"),
        ("MessageApproved", "approval_hash"),
        ("TurnStarted", "settings_hash"),
        ("ModelCallStarted", "prompt_hash"),
        ("TurnCompleted", "prompt_hash"),
    ];

    #[test]
    fn every_field_named_like_a_secret_is_one_or_is_known_to_be_harmless() {
        let pool = DescriptorPool::decode(FILE_DESCRIPTORS).unwrap();
        let mut found = Vec::new();
        for message in pool.all_messages() {
            for field in message.fields() {
                let named = ["secret", "hash", "token", "password", "credential", "private", "api_key", "signing"]
                    .iter()
                    .any(|word| field.name().contains(word));
                if named && matches!(field.kind(), Kind::String | Kind::Bytes) {
                    found.push((message.name().to_owned(), field.name().to_owned()));
                }
            }
        }
        for (message, field) in &found {
            let pair = (message.as_str(), field.as_str());
            assert!(SECRET.contains(&pair) || HARMLESS.contains(&pair), "is {message}.{field} a secret?");
        }
        for (message, field) in SECRET.iter().chain(&HARMLESS) {
            assert!(found.contains(&((*message).to_owned(), (*field).to_owned())), "{message}.{field} is gone");
            // A secret is hidden only where it stands in the event itself.
            assert!(!SECRET.contains(&(message, field)) || crate::Event::TYPES.contains(message), "{message}");
        }
    }

    #[test]
    fn a_secret_is_neither_in_json_nor_in_what_is_kept() {
        let created = v1::ApiKeyCreated { key_id: "k".to_owned(), hash: "5ec2e7".to_owned(), ..Default::default() };
        let webhook = v1::WebhookCreated { url: "u".to_owned(), secret: "5ec2e7".to_owned(), ..Default::default() };
        let rotated = v1::WebhookSecretRotated { secret: "5ec2e7".to_owned(), ..Default::default() };
        let begun = v1::SessionBegun { session_id: "s".to_owned(), hash: "5ec2e7".to_owned(), ..Default::default() };
        for event in [crate::Event::from(created), begun.into(), webhook.into(), rotated.into()] {
            let (name, payload) = (event.type_name(), event.encode());
            let kept = without_secrets(name, &payload);
            let holds = |bytes: &[u8]| bytes.windows(6).any(|w| w == b"5ec2e7");
            assert!(holds(&payload) && !holds(&kept), "{name}");
            assert_eq!(event_json(name, &payload), event_json(name, &kept), "{name}");
            assert!(!event_json(name, &payload).to_string().contains("5ec2e7"), "{name}");
            assert!(!format!("{event:?}").contains("5ec2e7"), "{name}");
            // A payload that was cut off can't be read; then nothing of it is shown.
            let broken = [&payload[..], &[0xff]].concat();
            assert_eq!(without_secrets(name, &broken.clone().into()), Bytes::new(), "{name}");
            assert_eq!(event_json(name, &broken), serde_json::json!({ "raw": null }), "{name}");
        }
    }
}
