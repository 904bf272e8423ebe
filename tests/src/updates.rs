//! Telegram Updates as the Bot API sends them, each with an `update_id` of its own.

use std::sync::atomic::{AtomicI64, Ordering};

use chrono::Utc;
use serde_json::{Value, json};

use crate::telegram::USERNAME;

static LAST: AtomicI64 = AtomicI64::new(0);

/// The next id. Ids rise from a start of their own, as after a quiet week.
pub fn next_id() -> i64 {
    let start = Utc::now().timestamp_micros() / 100;
    LAST.fetch_max(start, Ordering::Relaxed);
    LAST.fetch_add(1, Ordering::Relaxed)
}

/// Someone who writes.
#[derive(Debug, Clone)]
pub struct Person {
    pub id: i64,
    pub name: &'static str,
    pub username: Option<&'static str>,
    pub language: &'static str,
}

impl Person {
    pub fn new(id: i64, language: &'static str) -> Self {
        Self { id, name: "Ana", username: None, language }
    }

    fn json(&self) -> Value {
        let mut json = json!({
            "id": self.id, "is_bot": false, "first_name": self.name, "language_code": self.language,
        });
        if let Some(username) = self.username {
            json["username"] = json!(username);
        }
        json
    }

    fn chat(&self) -> Value {
        json!({ "id": self.id, "type": "private", "first_name": self.name })
    }
}

fn update(kind: &str, content: Value) -> Value {
    json!({ "update_id": next_id(), kind: content })
}

fn content(from: &Person, chat: Value, text: &str) -> Value {
    json!({
        "message_id": next_id() % 1_000_000_000, "date": Utc::now().timestamp(),
        "from": from.json(), "chat": chat, "text": text,
    })
}

/// A message in a person's private chat with the bot.
pub fn message(from: &Person, text: &str) -> Value {
    update("message", content(from, from.chat(), text))
}

/// The same, from a person who needs no name and whose id is the chat's.
pub fn text(chat: i64, text: &str) -> Value {
    message(&Person::new(chat, "ru"), text)
}

/// A message in a group.
pub fn group_message(group: i64, from: &Person, text: &str) -> Value {
    let chat = json!({ "id": group, "type": "supergroup", "title": "A group" });
    update("message", content(from, chat, text))
}

/// An answer in a group to one of the bot's own messages.
pub fn group_answer(group: i64, from: &Person, text: &str) -> Value {
    let mut update = group_message(group, from, text);
    let bot = json!({ "id": 1, "is_bot": true, "first_name": "Steward", "username": USERNAME });
    update["message"]["reply_to_message"] = json!({
        "message_id": 1, "date": Utc::now().timestamp(), "from": bot, "chat": update["message"]["chat"], "text": "OK",
    });
    update
}

/// A message in the private chat of `client` with a business account of ours.
pub fn business_message(connection: &str, from: &Person, client: &Person, text: &str) -> Value {
    let mut message = content(from, client.chat(), text);
    message["business_connection_id"] = json!(connection);
    update("business_message", message)
}

/// An edit of an earlier message.
pub fn edited_message(from: &Person, message_id: i64, text: &str) -> Value {
    let mut message = content(from, from.chat(), text);
    message["message_id"] = json!(message_id);
    message["edit_date"] = json!(Utc::now().timestamp());
    update("edited_message", message)
}

/// A press of an inline button under one of the bot's messages.
pub fn button(from: &Person, data: &str) -> Value {
    let mut under = content(from, from.chat(), "Choose");
    under["from"] = json!({ "id": 1, "is_bot": true, "first_name": "Steward" });
    update(
        "callback_query",
        json!({
            "id": next_id().to_string(), "from": from.json(), "message": under, "chat_instance": "1", "data": data,
        }),
    )
}

/// A reaction to a message.
pub fn reaction(from: &Person, message_id: i64, emoji: &str) -> Value {
    update(
        "message_reaction",
        json!({
            "chat": from.chat(), "message_id": message_id, "user": from.json(), "date": Utc::now().timestamp(),
            "old_reaction": [], "new_reaction": [{ "type": "emoji", "emoji": emoji }],
        }),
    )
}

/// The person has blocked the bot, or lets it write again.
pub fn my_chat_member(from: &Person, blocked: bool) -> Value {
    let bot = json!({ "id": 1, "is_bot": true, "first_name": "Steward" });
    let (old, new) = if blocked { ("member", "kicked") } else { ("kicked", "member") };
    let state = |status: &str| match status {
        "kicked" => json!({ "user": bot, "status": status, "until_date": 0 }),
        _ => json!({ "user": bot, "status": status }),
    };
    update(
        "my_chat_member",
        json!({
            "chat": from.chat(), "from": from.json(), "date": Utc::now().timestamp(),
            "old_chat_member": state(old), "new_chat_member": state(new),
        }),
    )
}
