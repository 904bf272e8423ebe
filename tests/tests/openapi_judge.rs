//! What judges answers by the OpenAPI document must itself be judged.
#![allow(clippy::unwrap_used, reason = "tests")]

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use steward_tests::openapi::{Answered, Document};

/// An answer is wrong by its status, kind, header, code, field or type.
#[test]
fn an_answer_that_the_document_does_not_name_is_found() {
    let thing = json!({ "type": "object", "required": ["id"], "properties": { "id": { "type": "string" } } });
    let more = json!({ "allOf": [{ "$ref": "#/components/schemas/Thing" }, { "type": "object", "properties": { "more": { "type": "integer" } } }] });
    let code = json!({ "allOf": [{ "$ref": "#/components/schemas/Thing" }, { "properties": { "code": { "enum": ["known"] } } }] });
    let described = |schema: Value| json!({ "content": { "application/json": { "schema": schema } } });
    let mut of_more = described(json!({ "$ref": "#/components/schemas/More" }));
    of_more["headers"] = json!({ "Position": { "schema": { "type": "integer" } } });
    let mut document = Document::new(json!({
        "paths": { "/": { "get": { "responses": { "200": of_more, "404": described(code) } } } },
        "components": { "schemas": { "Thing": thing, "More": more } },
    }));
    let mut judged = |status: u16, kind: &str, position: &str, body: Value| {
        let headers = [("content-type", kind), ("position", position)];
        let headers = headers.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        let (status, headers) = (StatusCode::from_u16(status).unwrap(), headers.into_iter().collect());
        document.judge(&Method::GET, "/", &Answered { status, headers, body: Some(body.to_string()) }).is_ok()
    };
    let json = "application/json";
    assert!(judged(200, json, "7", json!({ "id": "a", "more": 1 })));
    assert!(judged(404, json, "", json!({ "id": "a", "code": "known" })));
    assert!(!judged(201, json, "7", json!({ "id": "a" })), "another status");
    assert!(!judged(200, "text/html", "7", json!({ "id": "a" })), "another kind");
    assert!(!judged(200, json, "x", json!({ "id": "a" })), "another header");
    assert!(!judged(200, json, "7", json!({ "id": 1 })), "another type");
    assert!(!judged(200, json, "7", json!({ "more": 1 })), "a field is missing");
    assert!(!judged(200, json, "7", json!({ "id": "a", "else": 1 })), "a field isn't described");
    assert!(!judged(404, json, "", json!({ "id": "a", "code": "unheard" })), "a code isn't described");
    assert_eq!(document.not_called(), Vec::<String>::new());
}
