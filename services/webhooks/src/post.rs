//! One attempt: posts an event, signed, and reads the answer.

use std::time::{Duration, Instant};

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};
use steward_domain::webhook::Webhook;
use steward_proto::{Recorded, event_json};

use crate::client::{Client, Private};

/// How many bytes of an answer are read; the rest doesn't matter.
const READ: usize = 1_024;

/// The answer to an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The HTTP status; 0 if there was no answer.
    pub status: u16,
    pub took: Duration,
    /// The beginning of the answer, if it was no success.
    pub answer: String,
    /// Why the event isn't delivered, as code and words; `None` if it is.
    pub failure: Option<(&'static str, String)>,
}

/// Posts an event, signed with the time `now`. Ends within the client's time-out.
pub async fn post(client: &Client, webhook: &Webhook, event: &Recorded, now: DateTime<Utc>) -> Answered {
    let began = Instant::now();
    let failed = |status, answer, code, text: String| Answered {
        status,
        took: began.elapsed(),
        answer,
        failure: Some((code, text)),
    };
    let body = body_of(event);
    let id = event.metadata.event_id.to_string();
    let Ok(url) = webhook.url.parse() else {
        return failed(0, String::new(), "bad_url", "the URL can't be read".to_owned());
    };
    let request = match client.post(url) {
        Ok(request) => request,
        Err(private) => return failed(0, String::new(), "private_address", private.to_string()),
    };
    let request = request
        .header("content-type", "application/json")
        .header("webhook-id", &id)
        .header("webhook-timestamp", now.timestamp())
        .header("webhook-signature", webhook.signatures(&id, now, &body))
        .body(body);
    match request.send().await {
        Ok(response) => {
            let status = response.status();
            // The answer is read on success as well, because a connection is used again only if its answer was read to
            // the end.
            let answer = beginning_of(response).await;
            if status.is_success() {
                return Answered {
                    status: status.as_u16(),
                    took: began.elapsed(),
                    answer: String::new(),
                    failure: None,
                };
            }
            let (code, text) = match status.as_u16() {
                410 => ("gone", "the receiver answered 410: it wants nothing any more".to_owned()),
                300..400 => ("redirected", format!("the receiver answered {status}; redirects are not followed")),
                _ => ("refused", format!("the receiver answered {status}")),
            };
            failed(status.as_u16(), answer, code, text)
        }
        Err(error) => {
            let (code, text) = why(error);
            failed(0, String::new(), code, text)
        }
    }
}

async fn beginning_of(mut response: reqwest::Response) -> String {
    let mut read = Vec::new();
    while read.len() < READ
        && let Ok(Some(chunk)) = response.chunk().await
    {
        read.extend_from_slice(&chunk[..chunk.len().min(READ - read.len())]);
    }
    String::from_utf8_lossy(&read).into_owned()
}

/// Why a request got no answer. The URL isn't shown, because it may hold a secret.
fn why(error: reqwest::Error) -> (&'static str, String) {
    let error = error.without_url();
    let code = if error.is_timeout() {
        "timed_out"
    } else if error.is_connect() {
        "unreachable"
    } else {
        "broken_off"
    };
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        if let Some(private) = cause.downcast_ref::<Private>() {
            return ("private_address", private.to_string());
        }
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    (code, text)
}

/// The body: `{"type", "timestamp", "data"}`, where data is the event as `GET /api/v1/events` shows it.
fn body_of(event: &Recorded) -> Vec<u8> {
    let metadata = &event.metadata;
    let at = metadata.at.to_rfc3339_opts(SecondsFormat::Micros, true);
    let body: Value = json!({
        "type": metadata.type_name,
        "timestamp": at,
        "data": {
            "position": event.position,
            "id": metadata.event_id,
            "type": metadata.type_name,
            "subject": event.subject.to_string(),
            "at": at,
            "actor": metadata.actor,
            "causation_id": metadata.causation_id,
            "correlation_id": metadata.correlation_id,
            "traceparent": metadata.traceparent,
            "schema_version": metadata.schema_version,
            "data": event_json(&metadata.type_name, &event.payload),
        },
    });
    serde_json::to_vec(&body).expect("a JSON value can be written")
}
