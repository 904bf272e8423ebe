//! What is served in the open: the page at `/` and the documents of the interfaces.

use axum::{
    Router,
    body::Body,
    http::{HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
    routing::get,
};

use crate::asyncapi;

/// Written by hand; a test compares it with the routes.
pub const OPENAPI: &str = include_str!("../openapi.json");

const PAGE: &str = include_str!("../page/index.html");

/// The page runs its own script and style, talks to its own server, and nothing else.
const POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; \
                      img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub fn router() -> Router {
    Router::new()
        .route("/", get(page))
        .route("/openapi.json", get(async || json(OPENAPI)))
        .route("/asyncapi.json", get(async || json(asyncapi::json())))
}

fn json(document: impl Into<Body>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], document.into()).into_response()
}

async fn page() -> Response {
    let headers: [(HeaderName, HeaderValue); 5] = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    (headers, PAGE).into_response()
}
