//! Notifications as the Cloud API posts them, each with ids of its own, and their signature.

use std::sync::atomic::{AtomicU64, Ordering};

use chrono::Utc;
use hmac::{Hmac, KeyInit as _, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::{APP_SECRET, PHONE_NUMBER_ID, Taken};

static LAST: AtomicU64 = AtomicU64::new(0);

/// An id that nothing else has.
pub fn wamid() -> String {
    let start = Utc::now().timestamp_micros().unsigned_abs();
    LAST.fetch_max(start, Ordering::Relaxed);
    format!("wamid.HBg{}", LAST.fetch_add(1, Ordering::Relaxed))
}

/// The header `X-Hub-Signature-256` for a body.
pub fn signature(body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(APP_SECRET.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

fn seconds() -> String {
    Utc::now().timestamp().to_string()
}

/// A notification around one value of this field.
pub fn of_value(field: &str, mut value: Value) -> Value {
    value["messaging_product"] = json!("whatsapp");
    value["metadata"] = json!({ "display_phone_number": "15550783881", "phone_number_id": PHONE_NUMBER_ID });
    let change = json!({ "field": field, "value": value });
    json!({ "object": "whatsapp_business_account", "entry": [{ "id": "102290129340398", "changes": [change] }] })
}

/// Whom a client is known as: by number, by business-scoped user id, or by both.
#[derive(Debug, Clone, Copy)]
pub struct Client<'a> {
    pub number: Option<&'a str>,
    pub user_id: Option<&'a str>,
}

impl<'a> Client<'a> {
    pub fn at(number: &'a str) -> Self {
        Self { number: Some(number), user_id: None }
    }

    fn contact(&self) -> Value {
        let mut contact = json!({ "profile": { "name": "Ana" } });
        for (name, value) in [("wa_id", self.number), ("user_id", self.user_id)] {
            if let Some(value) = value {
                contact[name] = json!(value);
            }
        }
        contact
    }

    fn message(&self, kind: &str, content: Value) -> Value {
        let mut message = json!({ "id": wamid(), "timestamp": seconds(), "type": kind, kind: content });
        for (name, value) in [("from", self.number), ("from_user_id", self.user_id)] {
            if let Some(value) = value {
                message[name] = json!(value);
            }
        }
        of_value("messages", json!({ "contacts": [self.contact()], "messages": [message] }))
    }

    pub fn writes(&self, text: &str) -> Value {
        self.message("text", json!({ "body": text }))
    }

    pub fn reacts(&self, to: &str, emoji: &str) -> Value {
        self.message("reaction", json!({ "message_id": to, "emoji": emoji }))
    }

    /// Other words for an earlier message.
    pub fn edits(&self, original: &str, text: &str) -> Value {
        let message = json!({ "type": "text", "text": { "body": text } });
        self.message("edit", json!({ "original_message_id": original, "message": message }))
    }

    pub fn deletes(&self, original: &str) -> Value {
        self.message("revoke", json!({ "original_message_id": original }))
    }

    pub fn presses(&self, id: &str, title: &str) -> Value {
        self.message("interactive", json!({ "type": "button_reply", "button_reply": { "id": id, "title": title } }))
    }

    /// The client's number is another one from now on.
    pub fn moves_to(&self, number: &str) -> Value {
        let body = format!("User Ana changed to {number}");
        self.message("system", json!({ "body": body, "wa_id": number, "type": "user_changed_number" }))
    }
}

/// A text message from a number.
pub fn text(from: &str, text: &str) -> Value {
    Client::at(from).writes(text)
}

/// Somebody of ours writes to the client in the business app.
pub fn echo(to: &str, text: &str) -> Value {
    let echo = json!({
        "from": "15550783881", "to": to, "id": wamid(), "timestamp": seconds(), "type": "text", "text": { "body": text },
    });
    of_value("smb_message_echoes", json!({ "contacts": [{ "wa_id": to }], "message_echoes": [echo] }))
}

/// A status of a message that was taken.
pub fn status(taken: &Taken, status: &str) -> Value {
    let status = json!({
        "id": taken.id, "status": status, "timestamp": seconds(), "recipient_id": taken.to,
        "biz_opaque_callback_data": taken.reference,
    });
    of_value("messages", json!({ "statuses": [status] }))
}

/// A message that was taken didn't arrive, for the reason of this code.
pub fn failure(taken: &Taken, code: i64) -> Value {
    let mut notification = status(taken, "failed");
    notification["entry"][0]["changes"][0]["value"]["statuses"][0]["errors"] = json!([{
        "code": code, "title": "Failed", "message": "Failed", "error_data": { "details": "It could not be delivered" },
    }]);
    notification
}
