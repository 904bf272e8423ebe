//! Metrics of requests: how many there are by route and status, and how long they take.

use std::time::Instant;

use axum::{
    Router,
    extract::{MatchedPath, Request},
    middleware::{Next, from_fn},
    response::Response,
};

/// Measures the routes of `router`, as `steward_http_requests_total` and `steward_http_request_seconds`.
pub fn measure<S: Clone + Send + Sync + 'static>(router: Router<S>) -> Router<S> {
    router.route_layer(from_fn(count))
}

async fn count(request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let response = next.run(request).await;
    // The route's pattern, never the path itself, so that there are few labels.
    let route = route.as_ref().map_or("", MatchedPath::as_str).to_owned();
    metrics::histogram!("steward_http_request_seconds", "route" => route.clone()).record(began.elapsed().as_secs_f64());
    let status = response.status().as_u16().to_string();
    metrics::counter!("steward_http_requests_total", "route" => route, "method" => method.to_string(), "status" => status)
        .increment(1);
    response
}
