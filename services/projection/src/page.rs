//! What is served without a key: the page at `/`, and the document of the events.

use std::collections::BTreeMap;

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use steward_http::openapi::{LISTENER, problems};
use utoipa::{
    IntoResponses,
    openapi::{self, RefOr},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::asyncapi;

const PAGE: &str = include_str!("../page/index.html");

/// The page runs its own script and style, talks to its own server, and nothing else.
const POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; \
                      img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub fn routes<S: Clone + Send + Sync + 'static>() -> OpenApiRouter<S> {
    OpenApiRouter::new().routes(routes!(page)).routes(routes!(events))
}

/// The AsyncAPI document of the events and of the stream they stand in
#[utoipa::path(
    get,
    path = "/asyncapi.json",
    tag = "documents",
    operation_id = "get_asyncapi",
    responses((status = 200, description = "AsyncAPI 3.0", body = Object), Open),
)]
async fn events() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], Body::from(asyncapi::json())).into_response()
}

/// The page: what happens, live
#[utoipa::path(
    get,
    path = "/",
    tag = "documents",
    operation_id = "get_page",
    responses((status = 200, description = "HTML", body = String, content_type = "text/html"), Open),
)]
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

/// How these routes can fail, which is the same for everybody.
struct Open;

impl IntoResponses for Open {
    fn responses() -> BTreeMap<String, RefOr<openapi::Response>> {
        problems([LISTENER])
    }
}
