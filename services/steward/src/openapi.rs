//! `GET /openapi.json`: all HTTP interfaces of this build, as their routes describe them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use axum::{
    http::header,
    response::{IntoResponse, Response},
};
use serde_json::Value;
use steward_http::{
    Members,
    openapi::{LISTENER, name_path_parameters, operations, problems},
};
use utoipa::{
    IntoResponses, OpenApi as _, PartialSchema, ToSchema,
    openapi::{
        OpenApi, RefOr,
        security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme},
        server::Server,
    },
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::front;

/// How a reference to a schema begins.
const SCHEMAS: &str = "#/components/schemas/";

/// The head of the document; everything else comes from the routes.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Steward",
        description = "Commands go in, reads come out, and the log is between them. A command answers with the log position it was recorded at; a read with the header `Steward-After: <position>` waits until it reflects it. Times are RFC 3339 with offset, ids are opaque strings, absent is null. Errors are application/problem+json with a detail that says what to do.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    tags(
        (name = "conversations", description = "who writes with whom, and who of us has it"),
        (name = "messages", description = "what was said"),
        (name = "follow-ups", description = "what was promised"),
        (name = "outbox", description = "what is to be sent, and what became of it"),
        (name = "contacts", description = "who the people are"),
        (name = "memory", description = "what is remembered of people: goals, milestones, facts"),
        (name = "brain", description = "which brain answers, and what models cost"),
        (name = "breaker", description = "whether sending by itself has stopped"),
        (name = "webhooks", description = "who else is told"),
        (name = "keys", description = "who may ask and command"),
        (name = "sessions", description = "who is in the dashboard with a key"),
        (name = "events", description = "the log itself"),
        (name = "channels", description = "where a conversation can take place"),
        (name = "channels' webhooks", description = "where the channels' providers call"),
        (name = "process", description = "how this process is"),
        (name = "documents", description = "what is the same for everybody"),
    ),
)]
struct Head;

static DOCUMENT: LazyLock<String> = LazyLock::new(|| document().to_string());

pub fn routes() -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(get))
}

/// This document
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "documents",
    operation_id = "get_openapi",
    responses((status = 200, description = "OpenAPI 3.1", body = Object), Open),
)]
async fn get() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], DOCUMENT.as_str()).into_response()
}

struct Open;

impl IntoResponses for Open {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        problems([LISTENER])
    }
}

/// The OpenAPI document as JSON.
pub fn document() -> Value {
    let mut document = serde_json::to_value(described()).expect("it is made of maps, lists and strings");
    answers_are_whole(&mut document);
    document
}

fn described() -> OpenApi {
    let mut open = routes().into_openapi();
    operations(&mut open).for_each(|(_, operation)| operation.security = Some(Vec::new()));
    let parts = [steward_ingestion::openapi(), steward_projection::openapi(), front::openapi(), open];
    let mut document = parts.into_iter().fold(Head::openapi(), OpenApi::merge_from);
    document.servers = Some(vec![Server::new("/")]);
    // In mode `open` no key is needed.
    document.security =
        Some(vec![SecurityRequirement::new("key", Vec::<String>::new()), SecurityRequirement::default()]);
    let mut bearer = Http::new(HttpAuthScheme::Bearer);
    bearer.description = Some(
        "`steward keys create`; roles admin, operator, reader, of one tenant. In mode `open` none is needed."
            .to_owned(),
    );
    let components = document.components.get_or_insert_default();
    components.add_security_scheme("key", SecurityScheme::Http(bearer));
    components.schemas.insert(Members::name().into_owned(), Members::schema());
    name_path_parameters(&mut document);
    document
}

/// Makes all fields of an answer required: a value that is absent is null, though the types say that its field may be
/// missing.
fn answers_are_whole(document: &mut Value) {
    let mut found = BTreeSet::new();
    for operation in
        document["paths"].as_object().into_iter().flatten().filter_map(|(_, item)| item.as_object()).flatten()
    {
        references(&operation.1["responses"], &mut found);
    }
    let schemas = &mut document["components"]["schemas"];
    let mut open: Vec<String> = found.iter().cloned().collect();
    while let Some(name) = open.pop() {
        require_all(&mut schemas[&name]);
        let mut more = BTreeSet::new();
        references(&schemas[&name], &mut more);
        open.extend(more.into_iter().filter(|name| found.insert(name.clone())));
    }
}

/// Collects the names of the schemas that are referred to.
fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            let name = members.get("$ref").and_then(Value::as_str).and_then(|to| to.strip_prefix(SCHEMAS));
            found.extend(name.map(str::to_owned));
            members.values().for_each(|member| references(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

fn require_all(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if let Some(Value::Object(properties)) = members.get("properties") {
                let names: Vec<Value> = properties.keys().map(|name| name.as_str().into()).collect();
                members.insert("required".to_owned(), names.into());
            }
            members.values_mut().for_each(require_all);
        }
        Value::Array(items) => items.iter_mut().for_each(require_all),
        _ => {}
    }
}
