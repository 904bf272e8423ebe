//! Telegram updates as a client's messages make them, of 300 to 400 bytes each.

use std::sync::atomic::{AtomicU64, Ordering};

/// Makes updates that all differ in `update_id`, `message_id` and chat.
pub struct Updates {
    next: AtomicU64,
}

/// The first chat's id; nobody else in a run has ids from here on.
const FIRST_CHAT: i64 = 5_000_000_000;

impl Updates {
    pub const fn new() -> Self {
        Self { next: AtomicU64::new(1) }
    }

    /// A message in a new chat, as JSON, and the id of that chat.
    pub fn next(&self, text: &str) -> (i64, String) {
        let (n, body) = self.numbered(text);
        (FIRST_CHAT + n as i64, body)
    }

    /// Another message in a chat, as JSON.
    pub fn again(&self, chat: i64, text: &str) -> String {
        let n = self.next.fetch_add(1, Ordering::Relaxed);
        update(n, chat, text)
    }

    /// The same, with the message's id instead.
    pub fn numbered(&self, text: &str) -> (u64, String) {
        let n = self.next.fetch_add(1, Ordering::Relaxed);
        (n, update(n, FIRST_CHAT + n as i64, text))
    }
}

fn update(n: u64, chat: i64, text: &str) -> String {
    let date = chrono::Utc::now().timestamp();
    let person = r#""first_name":"Anna","last_name":"Petrova","username":"anna_petrova""#;
    format!(
        r#"{{"update_id":{},"message":{{"message_id":{n},"from":{{"id":{chat},"is_bot":false,{person},"language_code":"ru"}},"chat":{{"id":{chat},{person},"type":"private"}},"date":{date},"text":"{text}"}}}}"#,
        700_000_000 + n,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn updates_are_json_of_the_promised_size() {
        let updates = Updates::new();
        let (first, body) = updates.next("Добрый день, пришлите, пожалуйста, счёт");
        let (second, _) = updates.next("x");
        assert_ne!(first, second);
        assert!((300..=400).contains(&body.len()), "{}", body.len());
        let value: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(value["message"]["chat"]["id"], first);
    }
}
