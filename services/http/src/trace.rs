//! The trace that a request belongs to (W3C Trace Context).

use std::convert::Infallible;

use axum::{extract::FromRequestParts, http::request::Parts};
use rand::Rng;
use steward_proto::new_traceparent;

/// The caller's `traceparent` if it is valid, otherwise a new one.
#[derive(Debug, Clone)]
pub struct Trace {
    pub traceparent: String,
}

impl Trace {
    /// Begins a new trace.
    pub fn begin() -> Self {
        let mut random = [0u8; 24];
        rand::rng().fill_bytes(&mut random);
        Self { traceparent: new_traceparent(random) }
    }

    /// The trace that a request's headers name, or a new one.
    pub fn of(headers: &axum::http::HeaderMap) -> Self {
        match headers.get("traceparent").and_then(|v| v.to_str().ok()).filter(|v| is_valid(v)) {
            Some(given) => Self { traceparent: given.to_owned() },
            None => Self::begin(),
        }
    }
}

/// Whether it is version 00 as the recommendation writes it: hex in lower case, and ids that aren't all zero.
fn is_valid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [version, trace, span, flags] = parts[..] else { return false };
    let hex = |s: &str, len: usize| s.len() == len && s.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let some = |s: &str| s.bytes().any(|b| b != b'0');
    version == "00" && hex(trace, 32) && some(trace) && hex(span, 16) && some(span) && hex(flags, 2)
}

impl<S: Sync> FromRequestParts<S> for Trace {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.headers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_valid_traceparent_is_carried_on() {
        assert!(is_valid("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
        assert!(is_valid(&Trace::begin().traceparent));
        for junk in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            assert!(!is_valid(junk), "{junk}");
        }
    }
}
