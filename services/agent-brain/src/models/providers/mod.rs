//! The wire formats: how each says the neutral request, and reads what comes back. No format opens a connection.

pub mod anthropic;
pub mod gemini;
pub mod openai_chat;
pub mod openai_responses;
mod schema;

use std::{collections::BTreeSet, time::Duration};

use chrono::{DateTime, Utc};
use serde_json::Value;
use steward_settings::{Model, ModelKind, Secret};

use super::{
    answer::{Answer, Call, CallId, Said, Speaker, Usage, tokens_of_bytes},
    deltas::Delta,
    error::{Failed, Headers, ModelError, Param, server_delay, should_retry},
    request::{Request, Step},
    sse::Frame,
};

/// What a model is known not to take.
pub type Without = BTreeSet<Param>;

/// A request for one model, as it goes over the wire.
pub struct Wire {
    /// What stands behind the base URL.
    pub path: String,
    /// Headers of the format, without the key.
    pub headers: Vec<(&'static str, String)>,
    pub body: Value,
}

/// Says a request in a model's format.
pub fn wire(model: &Model, without: &Without, request: &Request) -> Wire {
    match model.kind {
        ModelKind::Anthropic => anthropic::wire(model, without, request),
        ModelKind::Openai => openai_chat::wire(model, without, request),
        ModelKind::OpenaiResponses => openai_responses::wire(model, without, request),
        ModelKind::Gemini => gemini::wire(model, without, request),
    }
}

/// The header that carries the key.
pub fn authorization(kind: ModelKind, key: &Secret) -> (&'static str, String) {
    match kind {
        ModelKind::Anthropic => ("x-api-key", key.expose().to_owned()),
        ModelKind::Openai | ModelKind::OpenaiResponses => ("authorization", format!("Bearer {}", key.expose())),
        ModelKind::Gemini => ("x-goog-api-key", key.expose().to_owned()),
    }
}

/// The headers in which a provider takes and gives the id of a request, if it does.
pub fn id_headers(kind: ModelKind) -> (Option<&'static str>, Option<&'static str>) {
    match kind {
        ModelKind::Anthropic => (None, Some("request-id")),
        ModelKind::Openai | ModelKind::OpenaiResponses => (Some("x-client-request-id"), Some("x-request-id")),
        ModelKind::Gemini => (None, None),
    }
}

/// An answer that isn't one: its status, its headers, its body, and the time it came.
pub struct Refusal<'a> {
    pub status: u16,
    pub headers: &'a Headers,
    pub body: &'a [u8],
    pub now: DateTime<Utc>,
}

/// What a refusal means.
pub fn error(kind: ModelKind, refusal: &Refusal) -> Failed {
    let body = serde_json::from_slice(refusal.body).unwrap_or(Value::Null);
    // Google's come in a list where no events were asked for.
    let body = if let Value::Array(list) = body { list.into_iter().next().unwrap_or(Value::Null) } else { body };
    let error = match kind {
        ModelKind::Anthropic => anthropic::error(refusal, &body),
        ModelKind::Openai | ModelKind::OpenaiResponses => openai_chat::error(refusal, &body),
        ModelKind::Gemini => gemini::error(refusal, &body),
    };
    Failed { error, should_retry: should_retry(refusal.headers) }
}

impl Refusal<'_> {
    /// One that came within an answer, where there are no headers any more.
    fn within(now: DateTime<Utc>) -> Self {
        Self { status: 200, headers: &[], body: &[], now }
    }

    /// How long the server wants to be left alone. The delay among an error's details is Google's, also behind servers
    /// that speak other formats.
    fn after(&self, error: &Value, message: &str) -> Option<Duration> {
        let details = error["details"].as_array().into_iter().flatten();
        let delay = details.into_iter().find_map(|detail| detail["retryDelay"].as_str());
        server_delay(self.headers, delay, message, self.now)
    }

    /// What a status means by itself, where the body says nothing more.
    fn by_status(&self, after: Option<Duration>) -> ModelError {
        match self.status {
            401 | 403 => ModelError::Auth,
            402 => ModelError::Money,
            404 => ModelError::NotFound,
            408 | 504 => ModelError::Timeout,
            413 => ModelError::TooLong,
            429 => ModelError::RateLimited { after },
            // An error in the midst of an answer is the server's, and so is what says nothing of itself.
            200..=299 | 409 | 499 | 500.. => ModelError::Overloaded { after },
            // A redirect is followed by nobody: the address is wrong.
            300..=399 => ModelError::NotFound,
            _ => ModelError::Invalid { param: None },
        }
    }
}

/// What comes of an answer's frames.
#[derive(Debug)]
pub enum Folder {
    Anthropic(anthropic::Folder),
    Openai(openai_chat::Folder),
    OpenaiResponses(openai_responses::Folder),
    Gemini(gemini::Folder),
}

/// Whether there may be more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Folded {
    More,
    /// The answer said that it is over: what follows doesn't belong to it.
    Done,
}

/// What a folder must know of the request to read its answer.
#[derive(Debug, Clone)]
pub struct Asked {
    pub speaker: Speaker,
    /// The number of the first call that the answer may contain.
    pub next_call: usize,
    /// About how many tokens went in, where the provider doesn't say it.
    pub estimated_input: u64,
}

impl Asked {
    pub fn new(model: &Model, request: &Request) -> Self {
        Self { speaker: model.into(), next_call: request.next_call(), estimated_input: request.estimated_tokens() }
    }
}

impl Folder {
    pub fn new(asked: Asked) -> Self {
        match asked.speaker.kind {
            ModelKind::Anthropic => Self::Anthropic(anthropic::Folder::new(asked)),
            ModelKind::Openai => Self::Openai(openai_chat::Folder::new(asked)),
            ModelKind::OpenaiResponses => Self::OpenaiResponses(openai_responses::Folder::new(asked)),
            ModelKind::Gemini => Self::Gemini(gemini::Folder::new(asked)),
        }
    }

    /// Takes a frame; adds what may be shown of it.
    ///
    /// # Errors
    /// The provider's error in the midst of the answer, or a frame that can't be read.
    pub fn frame(&mut self, frame: &Frame, now: DateTime<Utc>, shown: &mut Vec<Delta>) -> Result<Folded, ModelError> {
        if let (Self::Openai(folder), "[DONE]") = (&mut *self, frame.data.trim()) {
            return Ok(folder.end());
        }
        let value = serde_json::from_str(&frame.data).map_err(|_| ModelError::Malformed)?;
        self.value(value, now, shown)
    }

    /// Takes a whole answer that came at once, from a server that doesn't stream.
    ///
    /// # Errors
    /// As [`Self::frame`].
    pub fn whole(&mut self, body: &[u8], now: DateTime<Utc>, shown: &mut Vec<Delta>) -> Result<(), ModelError> {
        let value: Value = serde_json::from_slice(body).map_err(|_| ModelError::Malformed)?;
        // Gemini's answer without `alt=sse` is the list of what would be frames.
        let values = if let Value::Array(values) = value { values } else { vec![value] };
        values.into_iter().try_for_each(|value| self.value(value, now, shown).map(drop))
    }

    fn value(&mut self, value: Value, now: DateTime<Utc>, shown: &mut Vec<Delta>) -> Result<Folded, ModelError> {
        match self {
            Self::Anthropic(folder) => folder.value(value, now, shown),
            Self::Openai(folder) => folder.value(&value, now, shown),
            Self::OpenaiResponses(folder) => folder.value(value, now, shown),
            Self::Gemini(folder) => folder.value(value, now, shown),
        }
    }

    /// The tokens so far, as far as they are known, else about.
    pub fn usage(&self) -> Usage {
        match self {
            Self::Anthropic(folder) => folder.usage(),
            Self::Openai(folder) => folder.usage(),
            Self::OpenaiResponses(folder) => folder.usage(),
            Self::Gemini(folder) => folder.usage(),
        }
    }

    /// The answer, once all of it has come.
    ///
    /// # Errors
    /// [`ModelError::Cut`] if it isn't whole, [`ModelError::Malformed`] if it is none.
    pub fn finish(self, received: usize) -> Result<Answer, ModelError> {
        match self {
            Self::Anthropic(folder) => folder.finish(received),
            Self::Openai(folder) => folder.finish(received),
            Self::OpenaiResponses(folder) => folder.finish(received),
            Self::Gemini(folder) => folder.finish(received),
        }
    }
}

/// Usage where the provider gave none: what went in and came out, by its length.
fn guessed(asked: &Asked, bytes_out: usize) -> Usage {
    Usage { input: asked.estimated_input, output: tokens_of_bytes(bytes_out), ..Usage::default() }
}

/// The call that a result belongs to, with all that was said there.
fn call_of<'a>(request: &'a Request, id: &CallId) -> Option<(&'a Said, &'a Call)> {
    request.steps.iter().rev().find_map(|step| {
        let Step::Model(said) = step else { return None };
        said.calls.iter().find(|call| call.id == *id).map(|call| (said, call))
    })
}

/// A call's id as the model knows it: its provider's own where it is shown what it said as it said it, else ours.
fn id_for<'a>(model: &Model, request: &'a Request, id: &'a CallId) -> &'a str {
    call_of(request, id).map_or(id.as_str(), |(said, call)| said.id_for(call, model))
}

/// The most tokens that the answer may have.
fn most_output(model: &Model, request: &Request) -> u32 {
    model.max_output.map_or(request.max_output, |most| most.min(request.max_output))
}

fn text_at<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn count_at(value: &Value, key: &str) -> Option<u64> {
    value[key].as_u64()
}

/// A provider's code as we pass it on: small letters, digits and `_`, 64 at most.
fn code(text: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    text.chars().take(64).map(plain).collect()
}

/// The mark of a refusal's words: whether any of these is in them, however written.
fn says(message: &str, words: &[&str]) -> bool {
    let message = message.to_lowercase();
    words.iter().any(|word| message.contains(word))
}

/// Whether a message says that something isn't supported.
fn says_unsupported(message: &str) -> bool {
    says(
        message,
        &["not support", "unsupported", "unrecognized", "unknown", "not permitted", "not allowed", "unexpected"],
    )
}
