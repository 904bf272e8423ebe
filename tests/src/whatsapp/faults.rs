//! How a call to the Cloud API can go wrong.
//!
//! The bodies are those of the Cloud API and the gateways before it.

use std::time::Duration;

use axum::{
    Json,
    http::StatusCode,
    response::{Html, IntoResponse, Response},
};
use serde_json::json;

/// What happens to a send.
#[derive(Debug, Clone)]
pub enum Fault {
    /// An error of the Cloud API's own, by its code.
    Code(i64),
    /// A gateway answers with its own page: nobody knows what became of the call.
    GatewayPage(u16),
    /// The connection is cut, and nobody gets the message.
    DropBefore,
    /// The message is taken, then the connection is cut.
    DropAfter,
    /// The message is taken, and the answer comes this much later.
    Hang(Duration),
    /// The message is taken, but the answer is cut off in the middle of the JSON.
    Truncated,
}

/// An error in the Graph API's form.
pub fn refusal(code: i64) -> Response {
    let (status, kind, details) = match code {
        190 => (401, "OAuthException", "Error validating access token: Session has expired"),
        100 => (400, "OAuthException", "Invalid parameter"),
        130_429 => (429, "OAuthException", "Cloud API message throughput has been reached."),
        131_047 => (400, "OAuthException", "More than 24 hours have passed since the recipient last replied"),
        131_056 => (400, "OAuthException", "Too many messages sent from this phone number to the same number"),
        132_001 => (404, "OAuthException", "Template name does not exist in the translation"),
        131_000 | 131_016 => (500, "OAuthException", "Something went wrong"),
        _ => (400, "OAuthException", "The request was refused"),
    };
    let body = json!({ "error": {
        "message": format!("(#{code}) {details}"), "type": kind, "code": code,
        "error_data": { "messaging_product": "whatsapp", "details": details }, "fbtrace_id": "Az8or2yhqkZfEZ-_4Qn_Bam",
    } });
    (StatusCode::from_u16(status).expect("a status code"), Json(body)).into_response()
}

impl Fault {
    /// The answer, for faults that answer at once and take nothing.
    pub(super) fn answer(&self) -> Option<Response> {
        match self {
            Self::Code(code) => Some(refusal(*code)),
            Self::GatewayPage(status) => {
                let status = StatusCode::from_u16(*status).expect("a status code");
                let page = "<html><head><title>Error</title></head><body>Sorry, something went wrong.</body></html>";
                Some((status, Html(page)).into_response())
            }
            Self::DropBefore | Self::DropAfter | Self::Hang(_) | Self::Truncated => None,
        }
    }
}
