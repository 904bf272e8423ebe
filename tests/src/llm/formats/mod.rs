//! The three wire formats, as a provider has them: what it checks, and how it answers.

mod anthropic;
mod gemini;
mod openai;
mod responses;

use std::collections::BTreeSet;

use axum::{
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use serde_json::{Value, json};

use super::{KEY, Memory, cache::Cache, line::Frames, play::Play};

/// A wire format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    Anthropic,
    Openai,
    Responses,
    Gemini,
}

impl Format {
    pub const ALL: [Self; 4] = [Self::Anthropic, Self::Openai, Self::Responses, Self::Gemini];

    pub(super) fn base(self) -> &'static str {
        match self {
            Self::Anthropic => "/anthropic",
            Self::Openai => "/openai/v1",
            Self::Responses => "/responses/v1",
            Self::Gemini => "/gemini",
        }
    }

    pub(super) fn of_path(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| path.strip_prefix(format.base()).is_some_and(|rest| rest.starts_with('/')))
    }

    /// The body of a refusal.
    pub(super) fn error(self, status: u16, message: &str) -> Value {
        match self {
            Self::Anthropic => {
                let name = match status {
                    400 => "invalid_request_error",
                    401 => "authentication_error",
                    404 => "not_found_error",
                    429 => "rate_limit_error",
                    529 => "overloaded_error",
                    _ => "api_error",
                };
                json!({ "type": "error", "error": { "type": name, "message": message }, "request_id": "req_1" })
            }
            Self::Openai | Self::Responses => {
                let code = match status {
                    401 => json!("invalid_api_key"),
                    404 => json!("model_not_found"),
                    429 => json!("rate_limit_exceeded"),
                    500.. => json!("server_error"),
                    _ => Value::Null,
                };
                let kind = if status < 500 { "invalid_request_error" } else { "server_error" };
                json!({ "error": { "message": message, "type": kind, "param": null, "code": code } })
            }
            Self::Gemini => {
                let name = match status {
                    400 => "INVALID_ARGUMENT",
                    401 => "UNAUTHENTICATED",
                    404 => "NOT_FOUND",
                    429 => "RESOURCE_EXHAUSTED",
                    503 => "UNAVAILABLE",
                    _ => "INTERNAL",
                };
                json!({ "error": { "code": status, "message": message, "status": name } })
            }
        }
    }

    pub(super) fn money(self) -> Value {
        let mut body = self.error(429, "You have reached your limit.");
        let error = &mut body["error"];
        match self {
            Self::Anthropic => error["details"] = json!({ "error_code": "enforced_spend_limit_reached" }),
            Self::Openai | Self::Responses => {
                error["type"] = json!("insufficient_quota");
                error["code"] = json!("insufficient_quota");
            }
            Self::Gemini => error["message"] = json!("Your prepayment credits are depleted."),
        }
        body
    }

    pub(super) fn too_long(self) -> Value {
        let mut body = self.error(400, "");
        let error = &mut body["error"];
        error["message"] = json!(match self {
            Self::Anthropic => "prompt is too long: 210000 tokens > 200000 maximum",
            Self::Openai | Self::Responses => "This model's maximum context length is 128000 tokens.",
            Self::Gemini => "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
        });
        if matches!(self, Self::Openai | Self::Responses) {
            error["code"] = json!("context_length_exceeded");
        }
        body
    }
}

/// What is wrong with a request.
pub struct Refusal {
    pub status: u16,
    pub message: String,
    /// The parameter, where the format names it.
    pub param: Option<String>,
}

type Checked = Result<(), Refusal>;

fn wrong(message: impl Into<String>) -> Refusal {
    Refusal { status: 400, message: message.into(), param: None }
}

/// Refuses unless `so`.
fn must(so: bool, message: impl FnOnce() -> String) -> Checked {
    if so { Ok(()) } else { Err(wrong(message())) }
}

/// Refuses what has other fields than these.
fn only(value: &Value, fields: &[&str], at: &str) -> Checked {
    let keys = value.as_object().ok_or_else(|| wrong(format!("{at}: expected an object")))?;
    let unknown = keys.keys().find(|key| !fields.contains(&key.as_str()));
    must(unknown.is_none(), || format!("{at}: unknown field {:?}", unknown.map_or("", |key| key)))
}

fn list<'a>(value: &'a Value, at: &str) -> Result<&'a Vec<Value>, Refusal> {
    value.as_array().ok_or_else(|| wrong(format!("{at}: expected a list")))
}

fn text<'a>(value: &'a Value, at: &str) -> Result<&'a str, Refusal> {
    value.as_str().ok_or_else(|| wrong(format!("{at}: expected a text")))
}

/// A text with something in it.
fn words<'a>(value: &'a Value, at: &str) -> Result<&'a str, Refusal> {
    let text = text(value, at)?;
    must(!text.trim().is_empty(), || format!("{at}: text must not be empty")).map(|()| text)
}

fn tool_name<'a>(value: &'a Value, at: &str) -> Result<&'a str, Refusal> {
    let name = text(value, at)?;
    let fits = (1..=64).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
        && !name.starts_with(|c: char| c.is_ascii_digit() || c == '-');
    must(fits, || format!("{at}: bad name {name:?}")).map(|()| name)
}

/// Names of tools, each once.
fn tool_names<'a>(names: impl Iterator<Item = Result<&'a str, Refusal>>) -> Result<BTreeSet<&'a str>, Refusal> {
    let mut all = BTreeSet::new();
    for name in names {
        let name = name?;
        must(all.insert(name), || format!("tools: {name:?} twice"))?;
    }
    Ok(all)
}

fn schema(value: &Value, at: &str) -> Checked {
    must(value["type"] == "object", || format!("{at}: expected the schema of an object"))?;
    must(jsonschema::meta::is_valid(value), || format!("{at}: no JSON Schema"))
}

/// Each object of a schema is closed; with `all_required`, none of its properties may be left out.
fn closed(value: &Value, all_required: bool, at: &str) -> Checked {
    if let Some(properties) = value["properties"].as_object() {
        must(value["additionalProperties"] == false, || format!("{at}: 'additionalProperties' must be false"))?;
        let required = value["required"].as_array().map_or(0, Vec::len);
        must(!all_required || required == properties.len(), || format!("{at}: all properties must be required"))?;
    }
    match value {
        Value::Object(keys) => keys.values().try_for_each(|value| closed(value, all_required, at)),
        Value::Array(values) => values.iter().try_for_each(|value| closed(value, all_required, at)),
        _ => Ok(()),
    }
}

fn header_of<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// The key as a format takes it, and a body of JSON.
fn key_is(given: &str, headers: &HeaderMap) -> Checked {
    must(header_of(headers, "content-type") == "application/json", || "content-type must be application/json".into())?;
    if given == KEY {
        return Ok(());
    }
    Err(Refusal { status: 401, message: "invalid key".to_owned(), param: None })
}

pub fn check(
    format: Format,
    path: &str,
    headers: &HeaderMap,
    body: &Value,
    not_taken: &BTreeSet<&'static str>,
    memory: &Memory,
) -> Checked {
    let path = path.strip_prefix(format.base()).unwrap_or_default();
    match format {
        Format::Anthropic => anthropic::check(path, headers, body, memory),
        Format::Openai => openai::check(path, headers, body),
        Format::Responses => responses::check(path, headers, body, memory),
        Format::Gemini => gemini::check(path, headers, body, memory),
    }?;
    // What this model doesn't take, though its format knows it.
    for parameter in not_taken {
        let named = match *parameter {
            "role" => (body["messages"][0]["role"] == "developer").then(|| "messages[0].role".to_owned()),
            "effort" => {
                let given = [
                    &body["reasoning_effort"],
                    &body["reasoning"]["effort"],
                    &body["output_config"]["effort"],
                    &body["generationConfig"]["thinkingConfig"],
                ];
                given.iter().any(|given| !given.is_null()).then(|| match format {
                    Format::Openai => "reasoning_effort".to_owned(),
                    Format::Responses => "reasoning.effort".to_owned(),
                    Format::Anthropic | Format::Gemini => "thinking effort".to_owned(),
                })
            }
            other => (!body[other].is_null()).then(|| other.to_owned()),
        };
        if let Some(param) = named {
            let message = format!("Unsupported parameter: '{param}' is not supported with this model.");
            return Err(Refusal { status: 400, message, param: Some(param) });
        }
    }
    Ok(())
}

/// What goes over the line for a play.
pub fn frames(format: Format, path: &str, body: &Value, play: &Play, cache: &mut Cache, memory: &mut Memory) -> Frames {
    match format {
        Format::Anthropic => anthropic::frames(body, play, cache, memory),
        Format::Openai => openai::frames(body, play, cache, memory),
        Format::Responses => responses::frames(body, play, cache, memory),
        Format::Gemini => gemini::frames(path, body, play, cache, memory),
    }
}

pub fn refuse(format: Format, refusal: &Refusal) -> Response {
    let mut body = format.error(refusal.status, &refusal.message);
    if let (Format::Openai | Format::Responses, Some(param)) = (format, &refusal.param) {
        body["error"]["param"] = json!(param);
        body["error"]["code"] = json!("unsupported_parameter");
    }
    respond(refusal.status, &[], &body)
}

pub fn refusal(format: Format, status: u16, message: &str, headers: &[(&str, String)]) -> Response {
    respond(status, headers, &format.error(status, message))
}

pub fn respond(status: u16, headers: &[(&str, String)], body: &Value) -> Response {
    let status = StatusCode::from_u16(status).expect("a status");
    let mut response = (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response();
    for (name, value) in headers {
        let name = header::HeaderName::try_from(*name).expect("a name");
        response.headers_mut().insert(name, value.parse().expect("a value"));
    }
    response
}

/// What a gateway in between says.
pub fn page(status: u16) -> Response {
    let status = StatusCode::from_u16(status).expect("a status");
    (status, [(header::CONTENT_TYPE, "text/html")], "<html><h1>Bad gateway</h1></html>").into_response()
}

/// A text in pieces of a few characters.
fn pieces(text: &str) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    characters.chunks(7).map(|piece| piece.iter().collect()).collect()
}

/// A signature that only its maker can have made.
fn signature(model: &str, of: &str) -> String {
    use sha2::{Digest as _, Sha256};
    hex::encode(Sha256::digest(format!("stand-in/{model}/{of}")))
}
