//! Pages of other origins that may use the API: those that the configuration names.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderValue, Method, StatusCode, header},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
};

/// What such a page may send and do. It brings a key of its own: cookies aren't sent across origins.
const METHODS: &str = "GET, POST, PUT, PATCH, DELETE";
const SENT: &str = "authorization, content-type, idempotency-key, steward-after, last-event-id";
const READ: &str = "steward-position, etag";

/// How long a browser remembers that, in seconds.
const REMEMBERED: &str = "600";

/// Lets pages of these origins, written as `https://app.example.com`, use what stands under `/api/v1`.
pub fn allow_origins(router: Router, origins: impl IntoIterator<Item = String>) -> Router {
    let origins: Arc<[String]> = origins.into_iter().collect();
    if origins.is_empty() { router } else { router.layer(from_fn_with_state(origins, allow)) }
}

async fn allow(State(origins): State<Arc<[String]>>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    let origin = headers.get(header::ORIGIN).filter(|_| request.uri().path().starts_with("/api/v1/")).cloned();
    let Some(origin) = origin else { return next.run(request).await };
    let known = origin.to_str().is_ok_and(|given| origins.iter().any(|known| known.eq_ignore_ascii_case(given)));
    let asks = request.method() == Method::OPTIONS && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = if asks && known { StatusCode::NO_CONTENT.into_response() } else { next.run(request).await };
    let answer = response.headers_mut();
    answer.append(header::VARY, HeaderValue::from_static("origin"));
    if !known {
        return response;
    }
    answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    answer.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(READ));
    if asks {
        answer.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(METHODS));
        answer.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(SENT));
        answer.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(REMEMBERED));
    }
    response
}
