//! What is told in passing, as a live event: it has no place in the log, hence no id.

use bytes::Bytes;
use chrono::Utc;
use serde::Deserialize;
use serde_json::json;
use steward_domain::kernel::Live;

use crate::read::Time;

/// Words that a model is saying, of which it isn't certain yet whether they will be said.
#[derive(Debug)]
pub struct Passing {
    pub kind: Live,
    pub conversation_id: String,
    pub text: Bytes,
}

/// As a brain tells it.
#[derive(Deserialize)]
struct Told {
    turn_id: String,
    conversation_id: String,
    words: Words,
}

#[derive(Deserialize)]
struct Words {
    /// Bytes of the answer before these.
    from: u64,
    /// `None`: what was told so far is void.
    text: Option<String>,
}

impl Passing {
    /// `None`: that is nothing we know.
    pub fn of(payload: &[u8]) -> Option<Self> {
        let Told { turn_id, conversation_id, words } = serde_json::from_slice(payload).ok()?;
        let kind = Live::TaskUpdate;
        let data = json!({
            "position": null,
            "event_id": null,
            "type": "WordsInTheMaking",
            "conversation_id": conversation_id,
            "at": Time(Utc::now()),
            "turn": { "id": turn_id, "state": "running" },
            "words": { "from": words.from, "text": words.text },
        });
        let text = format!("event: {}\ndata: {data}\n\n", kind.name());
        Some(Self { kind, conversation_id, text: text.into() })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn words_are_one_event_without_an_id_whatever_is_in_them() {
        let told = json!({ "turn_id": "t", "conversation_id": "c", "words": { "from": 3, "text": "a\n\nid: 7\n\nb" } });
        let passing = Passing::of(told.to_string().as_bytes()).unwrap();
        let text = std::str::from_utf8(&passing.text).unwrap();
        assert_eq!(
            (text.matches("\n\n").count(), text.lines().any(|line| line.starts_with("id:"))),
            (1, false),
            "{text}"
        );
        assert_eq!(passing.conversation_id, "c");
        for unknown in ["", "{}", "[]", "{\"turn_id\":1}"] {
            assert!(Passing::of(unknown.as_bytes()).is_none(), "{unknown}");
        }
    }
}
