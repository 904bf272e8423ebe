//! What is served without a key: the document of the events.

use std::collections::BTreeMap;

use axum::{
    body::Body,
    http::header,
    response::{IntoResponse, Response},
};
use steward_http::openapi::{LISTENER, problems};
use utoipa::{
    IntoResponses,
    openapi::{self, RefOr},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::asyncapi;

pub fn routes<S: Clone + Send + Sync + 'static>() -> OpenApiRouter<S> {
    OpenApiRouter::new().routes(routes!(events))
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

/// How these routes can fail, which is the same for everybody.
struct Open;

impl IntoResponses for Open {
    fn responses() -> BTreeMap<String, RefOr<openapi::Response>> {
        problems([LISTENER])
    }
}
