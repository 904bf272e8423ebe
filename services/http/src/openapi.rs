//! The parts of the OpenAPI document that are alike everywhere: problem answers by status and code, path parameters.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use utoipa::openapi::{
    ContentBuilder, HeaderBuilder, OpenApi, Ref, RefOr, Required, Response, ResponseBuilder,
    path::{Operation, ParameterBuilder, ParameterIn, PathItem},
    schema::{AllOfBuilder, ObjectBuilder, Schema, Type},
};

/// One way to be refused: the status and code of the problem, and when it comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code {
    pub status: StatusCode,
    pub code: &'static str,
    /// When it comes, in half a sentence.
    pub when: &'static str,
}

impl Code {
    pub const fn new(status: StatusCode, code: &'static str, when: &'static str) -> Self {
        Self { status, code, when }
    }
}

/// How the guard refuses, before anything of the request is looked at.
pub const GUARD: &[Code] = &[
    Code::new(StatusCode::UNAUTHORIZED, "no_key", "no key came, or one that isn't in force"),
    Code::new(StatusCode::FORBIDDEN, "forwarded", "without keys, nobody is served who comes through a proxy"),
    Code::new(StatusCode::FORBIDDEN, "foreign_host", "without keys, only this machine is served"),
    Code::new(StatusCode::FORBIDDEN, "foreign_origin", "without keys, no other web page may call"),
    Code::new(
        StatusCode::TOO_MANY_REQUESTS,
        "too_many_refused",
        "too many keys that aren't in force came from this address; wait a minute, then send one that is",
    ),
    Code::new(StatusCode::SERVICE_UNAVAILABLE, "log_unavailable", "the log can't tell whether the key is in force"),
];

/// The refusal of a key whose role allows too little.
pub const ROLE: &[Code] = &[Code::new(StatusCode::FORBIDDEN, "role", "the key's role may not do this")];

/// How reading a body can fail.
pub const BODY: &[Code] = &[
    Code::new(StatusCode::BAD_REQUEST, "broken_body", "the body broke off before its end"),
    Code::new(
        StatusCode::REQUEST_TIMEOUT,
        "slow_body",
        "the body hadn't arrived after 30 s, or nothing of it came for 10 s",
    ),
    Code::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "the body, or what would be recorded of it, is too large"),
    Code::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "busy",
        "too much is being sent at the moment, and there is no room for this body; send it again in a second",
    ),
];

/// How a body is refused that is no JSON, or not the JSON that is expected.
pub const JSON: &[Code] = &[
    Code::new(StatusCode::BAD_REQUEST, "broken_json", "the body is no JSON"),
    Code::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_json", "the header Content-Type names no JSON"),
    Code::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_body", "a field is missing, unknown, or not what it must be"),
];

/// How the log refuses an append.
pub const APPEND: &[Code] = &[
    Code::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "log_unavailable",
        "the log didn't answer in time; the same again under the same key is recorded once",
    ),
    Code::new(StatusCode::CONFLICT, "schema_ahead", "it holds an event that this version can't read; upgrade Steward"),
    Code::new(StatusCode::SERVICE_UNAVAILABLE, "contended", "others kept changing this at the same moment"),
    Code::new(StatusCode::SERVICE_UNAVAILABLE, "log_misconfigured", "`steward doctor` says what is wrong"),
    Code::new(
        StatusCode::INSUFFICIENT_STORAGE,
        "log_full",
        "the log has no room left, so nothing was stored; free disk space or raise its limit, then try again",
    ),
];

/// The refusal of a path whose parameters can't be read.
pub const PATH: &[Code] = &[Code::new(StatusCode::NOT_FOUND, "unknown_path", "nothing can be at this path")];

/// How the listener refuses any operation.
pub const LISTENER: &[Code] = &[
    Code::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the request met a mistake in Steward, please report it"),
    Code::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", "Steward is starting"),
    Code::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "there are too many connections"),
];

/// The problem answers of an operation: one response for each status, which lists all codes of that status.
pub fn problems<'a>(groups: impl IntoIterator<Item = &'a [Code]>) -> BTreeMap<String, RefOr<Response>> {
    let mut by_status: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
    for refusal in groups.into_iter().flatten() {
        let of_status = by_status.entry(refusal.status.as_u16()).or_default();
        match of_status.iter_mut().find(|known| known.code == refusal.code) {
            // Groups come from the general to the special, so a later one says it more exactly.
            Some(known) => *known = *refusal,
            None => of_status.push(*refusal),
        }
    }
    by_status.into_iter().map(|(status, refusals)| (status.to_string(), problem(&refusals).into())).collect()
}

fn problem(refusals: &[Code]) -> Response {
    let told: Vec<String> = refusals.iter().map(|r| format!("{}: {}", r.code, r.when)).collect();
    let codes = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(refusals.iter().map(|r| r.code)));
    let schema = AllOfBuilder::new()
        .item(Ref::from_schema_name("Problem"))
        .item(ObjectBuilder::new().schema_type(Type::Object).property("code", codes));
    let mut response = ResponseBuilder::new()
        .description(told.join(". ") + ".")
        .content("application/problem+json", ContentBuilder::new().schema(Some(Schema::from(schema.build()))).build());
    let status = refusals.first().map(|r| r.status).unwrap_or_default();
    if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
        let seconds = HeaderBuilder::new().schema(Some(ObjectBuilder::new().schema_type(Type::Integer).build()));
        response = response.header("Retry-After", seconds.description(Some("seconds")).build());
    }
    response.build()
}

/// All operations of a document, with their paths and methods.
pub fn operations(document: &mut OpenApi) -> impl Iterator<Item = (&str, &mut Operation)> {
    document.paths.paths.iter_mut().flat_map(|(path, item)| {
        let PathItem { get, put, post, patch, delete, .. } = item;
        [get, put, post, patch, delete].into_iter().flatten().map(|operation| (path.as_str(), operation))
    })
}

/// Adds the parameters that the paths name; all of them are texts.
pub fn name_path_parameters(document: &mut OpenApi) {
    for (path, operation) in operations(document) {
        let names = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
        let parameters: Vec<_> =
            names.map(|name| text_parameter(name, ParameterIn::Path).required(Required::True).build().into()).collect();
        operation.parameters.get_or_insert_default().splice(0..0, parameters);
    }
}

/// A parameter whose value is a text.
pub fn text_parameter(name: &str, place: ParameterIn) -> ParameterBuilder {
    let text = ObjectBuilder::new().schema_type(Type::String).build();
    ParameterBuilder::new().name(name).parameter_in(place).schema(Some(text))
}
