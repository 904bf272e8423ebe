//! What it means for a send that its HTTP request got no answer.

use super::Sent;

/// Only a request that never left may be repeated; of any other it isn't known whether it arrived.
pub fn broken(error: &reqwest::Error) -> Sent {
    if error.is_connect() || error.is_builder() {
        let text = format!("no connection: {}", plain(error));
        return Sent::Deferred { code: "not_connected", text, retry_at: None };
    }
    Sent::Unknown { text: format!("no answer: {}", plain(error)) }
}

/// The error in words, without its URL, which may hold a token.
pub fn plain(error: &reqwest::Error) -> String {
    use std::error::Error as _;
    let mut text = if error.is_timeout() { "timed out" } else { "the line broke" }.to_owned();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text.chars().take(300).collect()
}
