//! The one form of error that the HTTP interfaces answer with: `application/problem+json` (RFC 9457).

use axum::{
    http::{HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

/// An error answer. `detail` is a sentence that says what to do; `code` is stable, in snake_case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
}

macro_rules! statuses {
    ($($name:ident = $status:ident),* $(,)?) => {
        impl Problem {
            $(pub fn $name(code: &'static str, detail: impl Into<String>) -> Self {
                Self::new(StatusCode::$status, code, detail)
            })*
        }
    };
}

statuses! {
    bad_request = BAD_REQUEST,
    unauthorized = UNAUTHORIZED,
    forbidden = FORBIDDEN,
    not_found = NOT_FOUND,
    method_not_allowed = METHOD_NOT_ALLOWED,
    conflict = CONFLICT,
    too_large = PAYLOAD_TOO_LARGE,
    unsupported_media = UNSUPPORTED_MEDIA_TYPE,
    unprocessable = UNPROCESSABLE_ENTITY,
    too_many = TOO_MANY_REQUESTS,
    unavailable = SERVICE_UNAVAILABLE,
    timeout = GATEWAY_TIMEOUT,
}

impl Problem {
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into() }
    }

    pub fn status(&self) -> StatusCode {
        self.status
    }

    pub fn code(&self) -> &'static str {
        self.code
    }

    pub fn detail(&self) -> &str {
        &self.detail
    }
}

/// The members of a problem's JSON: those of RFC 9457, and `code`.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct Members<'a> {
    r#type: &'static str,
    title: &'a str,
    status: u16,
    /// A sentence that says what to do.
    detail: &'a str,
    /// Stable, in snake_case. Each operation lists which codes come with which status.
    code: &'static str,
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let members = Members {
            // With this type the title is the status's own phrase, by RFC 9457.
            r#type: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: &self.detail,
            code: self.code,
        };
        let body = serde_json::to_vec(&members).expect("strings and a number are JSON");
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        match self.status {
            StatusCode::UNAUTHORIZED => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            _ => {}
        }
        response
    }
}

/// Answers a path that leads nowhere, whatever bytes it has.
pub async fn unknown_path(uri: Uri) -> Problem {
    let path: String = uri.path().chars().take(200).collect();
    Problem::not_found("unknown_path", format!("there is nothing at {path}; GET /openapi.json lists every path"))
}

/// Answers a method that a path doesn't have.
pub async fn wrong_method(method: Method, uri: Uri) -> Problem {
    let path: String = uri.path().chars().take(200).collect();
    Problem::method_not_allowed(
        "wrong_method",
        format!("{path} has no {method}; the header Allow names the methods it has, GET /openapi.json describes them"),
    )
}
