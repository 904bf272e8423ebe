//! What reads have in common in the OpenAPI document: how they are refused, and the parameters that many of them take.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use steward_http::openapi::{Code, GUARD, LISTENER, PATH, ROLE, operations, problems};
use utoipa::{
    IntoParams, IntoResponses,
    openapi::{
        HeaderBuilder, OpenApi, RefOr, Response,
        path::{Parameter, ParameterIn},
        schema::{ObjectBuilder, Type},
    },
};

use super::answer::{Fresh, LAST_POSITION};

/// How a read is refused.
pub struct Unread;

const READING: &[Code] = &[
    bad_request("bad_query", "a parameter is unknown, given twice, too long, or not what it must be"),
    bad_request("bad_cursor", "`cursor` is none of ours"),
    bad_request("bad_position", "`Steward-After` is no position"),
    Code::new(StatusCode::NOT_FOUND, "unknown_id", "there is no such thing, or it is another tenant's"),
    too_many("too_many_reads", "this tenant reads as much at once as one tenant may; ask again in a second"),
    too_many("too_many_waits", "too many requests wait for a position (`Steward-After`)"),
    unavailable("reads_busy", "more is being read than this process serves at once; ask again in a second"),
    unavailable("too_slow", "the read was broken off after 8 s; narrow it, or ask for a smaller page"),
    unavailable("read_models_away", "Postgres can't be reached now"),
    Code::new(
        StatusCode::GATEWAY_TIMEOUT,
        "not_reached",
        "the position of `Steward-After` isn't reached within 10 s, or lies beyond the log's end",
    ),
];

impl IntoResponses for Unread {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems([LISTENER, GUARD, PATH, READING])
    }
}

/// How a read is refused that needs more than a reader's key.
pub struct UnreadByRole;

impl IntoResponses for UnreadByRole {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems([LISTENER, GUARD, PATH, READING, ROLE])
    }
}

/// How the live stream is refused.
pub struct Unstreamed;

const STREAMING: &[Code] = &[
    bad_request("bad_query", "a parameter is unknown, given twice, too long, or not what it must be"),
    bad_request("bad_position", "`Last-Event-ID` is none of ours"),
    too_many("too_many_streams", "the key, its tenant or this process has as many live streams as it may"),
    too_many(
        "too_many_replays",
        "too many read the past at once; come back with the same position in a few seconds, or read it by GET /api/v1/events",
    ),
];

impl IntoResponses for Unstreamed {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems([LISTENER, GUARD, STREAMING])
    }
}

const fn bad_request(code: &'static str, when: &'static str) -> Code {
    Code::new(StatusCode::BAD_REQUEST, code, when)
}

const fn too_many(code: &'static str, when: &'static str) -> Code {
    Code::new(StatusCode::TOO_MANY_REQUESTS, code, when)
}

const fn unavailable(code: &'static str, when: &'static str) -> Code {
    Code::new(StatusCode::SERVICE_UNAVAILABLE, code, when)
}

impl IntoParams for Fresh {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let position = Parameter::builder().name("Steward-After").parameter_in(ParameterIn::Header);
        let described = "wait, at most 10 s, until the read models have reached this log position; else 504";
        vec![position.description(Some(described)).schema(Some(position_schema())).build()]
    }
}

/// The parameters that every list takes.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "lists take them by name")]
pub struct Paging {
    #[param(minimum = 1, maximum = 1000, default = 50)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// Shows only what has a position above this one.
    after: Option<u64>,
    /// Shows only what has a position below this one.
    before: Option<u64>,
}

/// Adds the header with the position that an answer reflects to every answer.
pub fn name_position(document: &mut OpenApi) {
    for (_, operation) in operations(document) {
        let Some(RefOr::T(answer)) = operation.responses.responses.get_mut("200") else { continue };
        let described = Some("the log position that the answer reflects");
        let position = HeaderBuilder::new().schema(Some(position_schema())).description(described).build();
        answer.headers.insert("Steward-Position".to_owned(), position.into());
    }
}

fn position_schema() -> utoipa::openapi::schema::Object {
    ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0)).maximum(Some(LAST_POSITION)).build()
}
