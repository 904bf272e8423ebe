//! Why something is as it is.

use serde::{Deserialize, Serialize};
use steward_proto::v1;

/// Why something ended, or was kept back: a stable code, words, and the event that made it so.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Why {
    pub code: String,
    pub text: String,
    pub event_id: String,
}

impl Why {
    pub fn new(code: &str, text: impl Into<String>, event_id: impl ToString) -> Self {
        Self { code: code.to_owned(), text: text.into(), event_id: event_id.to_string() }
    }
}

impl From<&Why> for v1::Reason {
    fn from(why: &Why) -> Self {
        Self { code: why.code.clone(), text: why.text.clone(), event_id: why.event_id.clone() }
    }
}

impl From<&v1::Reason> for Why {
    fn from(reason: &v1::Reason) -> Self {
        Self { code: reason.code.clone(), text: reason.text.clone(), event_id: reason.event_id.clone() }
    }
}
