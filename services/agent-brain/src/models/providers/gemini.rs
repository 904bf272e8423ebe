//! Google's `generateContent`, streamed.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use std::time::Duration;
use steward_settings::Model;

use super::{
    Asked, Folded, Refusal, Wire, Without, call_of, code, count_at, guessed, most_output, says, says_unsupported,
    text_at,
};
use crate::models::{
    answer::{Answer, Arguments, Call, CallId, Echo, Said, Stop, Usage},
    deltas::Delta,
    error::{ModelError, Param},
    request::{CallResult, Request, Step, ToolChoice},
};

/// What stands for the signature of a thought that this model didn't have, because another one made the call.
const NO_SIGNATURE: &str = "skip_thought_signature_validator";

pub fn wire(model: &Model, without: &Without, request: &Request) -> Wire {
    let version = model.api_version.as_deref().unwrap_or_default();
    // The name goes into the path; what can't stand there as it is stands encoded.
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'/');
    let name: String =
        model.name.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect();
    let name = name.strip_prefix("models/").unwrap_or(&name);
    Wire {
        // Without `alt=sse` the stream is one list.
        path: format!("/{version}/models/{name}:streamGenerateContent?alt=sse"),
        headers: Vec::new(),
        body: body(model, without, request),
    }
}

pub fn body(model: &Model, without: &Without, request: &Request) -> Value {
    let mut body = Map::from_iter([("contents".to_owned(), contents(model, request))]);
    let stable: Vec<Value> = request.stable().into_iter().map(text_part).collect();
    if !stable.is_empty() {
        body.insert("systemInstruction".to_owned(), json!({ "parts": stable }));
    }
    if !request.tools.is_empty() {
        let declared = request.tools.iter().map(|tool| {
            json!({ "name": tool.name.as_str(), "description": tool.description, "parametersJsonSchema": tool.schema })
        });
        body.insert("tools".to_owned(), json!([{ "functionDeclarations": declared.collect::<Value>() }]));
        let calling = match &request.tool_choice {
            ToolChoice::Auto => json!({ "mode": "AUTO" }),
            ToolChoice::Any => json!({ "mode": "ANY" }),
            ToolChoice::None => json!({ "mode": "NONE" }),
            ToolChoice::This(name) => json!({ "mode": "ANY", "allowedFunctionNames": [name.as_str()] }),
        };
        body.insert("toolConfig".to_owned(), json!({ "functionCallingConfig": calling }));
    }
    let mut generation = Map::from_iter([("maxOutputTokens".to_owned(), json!(most_output(model, request)))]);
    if let Some(form) = &request.output {
        generation.insert("responseMimeType".to_owned(), json!("application/json"));
        generation.insert("responseJsonSchema".to_owned(), form.schema.clone());
    }
    if let Some(effort) = request.effort.filter(|_| !without.contains(&Param::Effort)) {
        generation.insert("thinkingConfig".to_owned(), json!({ "thinkingLevel": effort.name() }));
    }
    body.insert("generationConfig".to_owned(), Value::Object(generation));
    Value::Object(body)
}

fn text_part(text: String) -> Value {
    json!({ "text": text })
}

fn contents(model: &Model, request: &Request) -> Value {
    let mut contents: Vec<(&str, Vec<Value>)> = Vec::new();
    let last_user = request.last_user();
    for (i, step) in request.steps.iter().enumerate() {
        let (role, parts) = match step {
            Step::User(texts) => {
                let changing = if Some(i) == last_user { request.changing() } else { Vec::new() };
                let texts = changing.into_iter().chain(texts.iter().map(|text| text.rendered()));
                ("user", texts.filter(|text| !text.is_empty()).map(text_part).collect())
            }
            Step::Model(said) => ("model", spoken(model, said)),
            Step::Results(results) => ("user", responses(model, request, results)),
        };
        match contents.last_mut() {
            Some((last, own)) if *last == role => own.extend(parts),
            _ if parts.is_empty() => {}
            _ => contents.push((role, parts)),
        }
    }
    contents.into_iter().map(|(role, parts)| json!({ "role": role, "parts": parts })).collect()
}

/// Results in the order of their calls: where a call has no id, that is what tells them apart.
fn responses(model: &Model, request: &Request, results: &[CallResult]) -> Vec<Value> {
    let mut responses: Vec<(usize, Value)> = results
        .iter()
        .filter_map(|result| {
            let (said, call) = call_of(request, &result.call)?;
            let at = said.calls.iter().position(|other| other.id == call.id)?;
            let key = if result.failed { "error" } else { "output" };
            let mut response = json!({ "name": call.name, "response": { key: result.content.rendered() } });
            if let Some(id) = said.echo_of(model).and(call.provider_id.as_ref()) {
                response["id"] = json!(id);
            }
            Some((at, json!({ "functionResponse": response })))
        })
        .collect();
    responses.sort_by_key(|(at, _)| *at);
    responses.into_iter().map(|(_, response)| response).collect()
}

/// What a model said: as this very model said it, else in neutral words.
fn spoken(model: &Model, said: &Said) -> Vec<Value> {
    if let Some(parts) = said.echo_of(model) {
        return parts.to_vec();
    }
    let text = (!said.text.is_empty()).then(|| text_part(said.text.clone()));
    let calls = said.calls.iter().enumerate().map(|(i, call)| {
        let mut part = json!({ "functionCall": { "name": call.name, "args": call.arguments.object() } });
        if i == 0 {
            part["thoughtSignature"] = json!(NO_SIGNATURE);
        }
        part
    });
    text.into_iter().chain(calls).collect()
}

/// How long a quota of a day is taken to be used up: beyond any turn, and asked for again now and then.
const A_DAYS_QUOTA: Duration = Duration::from_secs(3600);

/// What a refusal means: by the error's own status, else by that of HTTP.
pub fn error(refusal: &Refusal, body: &Value) -> ModelError {
    let error = &body["error"];
    let message = text_at(error, "message");
    let details = || error["details"].as_array().into_iter().flatten();
    let after = refusal.after(error, message);
    match text_at(error, "status") {
        "RESOURCE_EXHAUSTED" => {
            let quotas = details().filter_map(|detail| detail["violations"].as_array()).flatten();
            if quotas.into_iter().any(|quota| text_at(quota, "quotaId").contains("PerDay")) {
                return ModelError::RateLimited { after: Some(after.unwrap_or_default().max(A_DAYS_QUOTA)) };
            }
            if says(message, &["credits are depleted"]) { ModelError::Money } else { ModelError::RateLimited { after } }
        }
        "UNAUTHENTICATED" | "PERMISSION_DENIED" if refusal.status != 402 => ModelError::Auth,
        "NOT_FOUND" => ModelError::NotFound,
        "DEADLINE_EXCEEDED" => ModelError::Timeout,
        "UNAVAILABLE" | "INTERNAL" | "CANCELLED" => ModelError::Overloaded { after },
        // The country, or billing, isn't as it must be.
        "FAILED_PRECONDITION" => ModelError::Auth,
        "INVALID_ARGUMENT" => {
            if details().any(|detail| detail["reason"] == "API_KEY_INVALID") {
                ModelError::Auth
            } else if says(message, &["exceeds the maximum number of tokens"]) {
                ModelError::TooLong
            } else {
                let thinking = says(message, &["thinking"]) && says_unsupported(message);
                ModelError::Invalid { param: thinking.then_some(Param::Effort) }
            }
        }
        _ => refusal.by_status(after),
    }
}

/// An answer in the making.
#[derive(Debug)]
pub struct Folder {
    asked: Asked,
    model: String,
    parts: Vec<Value>,
    usage: Value,
    stop: Option<String>,
    blocked: Option<String>,
    /// A call came in pieces, which nobody asked for: what its arguments are isn't known.
    in_pieces: bool,
    out: usize,
}

impl Folder {
    pub fn new(asked: Asked) -> Self {
        Self {
            asked,
            model: String::new(),
            parts: Vec::new(),
            usage: Value::Null,
            stop: None,
            blocked: None,
            in_pieces: false,
            out: 0,
        }
    }

    /// Takes a chunk, which has the form of an answer.
    ///
    /// # Errors
    /// The provider's own.
    pub fn value(
        &mut self,
        mut value: Value,
        now: DateTime<Utc>,
        shown: &mut Vec<Delta>,
    ) -> Result<Folded, ModelError> {
        if !value["error"].is_null() {
            return Err(error(&Refusal::within(now), &value));
        }
        if let Some(model) = value["modelVersion"].as_str() {
            model.clone_into(&mut self.model);
        }
        if let Some(reason) = value["promptFeedback"]["blockReason"].as_str() {
            self.blocked = Some(code(reason));
        }
        // Each chunk says the sums up to it; the last may say more than those before.
        if count_at(&value["usageMetadata"], "promptTokenCount").is_some() {
            self.usage = value["usageMetadata"].take();
        }
        if let Some(reason) = value["candidates"][0]["finishReason"].as_str() {
            self.stop = Some(reason.to_owned());
        }
        if let Some(Value::Array(parts)) = value.pointer_mut("/candidates/0/content/parts") {
            for part in std::mem::take(parts) {
                self.add(part, shown);
            }
        }
        Ok(Folded::More)
    }

    fn add(&mut self, part: Value, shown: &mut Vec<Delta>) {
        let thought = part["thought"] == true;
        let text = text_at(&part, "text");
        self.out += text.len();
        if !text.is_empty() && !thought {
            shown.push(Delta::Text(text.to_owned()));
        }
        let call = &part["functionCall"];
        if call.is_object() {
            self.in_pieces |=
                call["willContinue"] == true || !call["partialArgs"].is_null() || text_at(call, "name").is_empty();
            self.out += call["args"].to_string().len();
            shown.push(Delta::Call(text_at(call, "name").to_owned()));
        }
        // Pieces of one text are one part again; one that bears a signature stays by itself.
        let is_plain = |part: &Value| part.as_object().is_some_and(|part| part.len() == 1 && part.contains_key("text"));
        if is_plain(&part) {
            match self.parts.last_mut() {
                _ if text.is_empty() => return,
                Some(last) if is_plain(last) => {
                    if let Value::String(own) = &mut last["text"] {
                        own.push_str(text);
                    }
                    return;
                }
                _ => {}
            }
        }
        self.parts.push(part);
    }

    pub fn usage(&self) -> Usage {
        let guess = guessed(&self.asked, self.out);
        let figure = |key| count_at(&self.usage, key);
        let Some(prompt) = figure("promptTokenCount") else { return guess };
        let thoughts = figure("thoughtsTokenCount").unwrap_or_default();
        let whole = self.is_whole();
        let spoken = figure("candidatesTokenCount");
        Usage {
            // What the provider's own tools brought in counts besides.
            input: prompt.saturating_add(figure("toolUsePromptTokenCount").unwrap_or_default()),
            input_cached: figure("cachedContentTokenCount").unwrap_or_default(),
            input_cache_write: 0,
            output: if whole { spoken.unwrap_or_default() } else { spoken.unwrap_or_default().max(guess.output) }
                .saturating_add(thoughts),
            output_reasoning: thoughts,
            exact: whole,
        }
    }

    fn is_whole(&self) -> bool {
        self.stop.is_some() || self.blocked.is_some()
    }

    /// # Errors
    /// The answer isn't whole, or the model itself didn't manage to make one.
    pub fn finish(self, received: usize) -> Result<Answer, ModelError> {
        if !self.is_whole() {
            return Err(ModelError::Cut { received });
        }
        let usage = self.usage();
        let reason = self.stop.as_deref().unwrap_or("STOP");
        let blocked = match reason {
            "MALFORMED_FUNCTION_CALL"
            | "UNEXPECTED_TOOL_CALL"
            | "TOO_MANY_TOOL_CALLS"
            | "MALFORMED_RESPONSE"
            | "MISSING_THOUGHT_SIGNATURE" => return Err(ModelError::Malformed),
            "STOP" | "MAX_TOKENS" | "FINISH_REASON_UNSPECIFIED" => self.blocked,
            other => Some(self.blocked.unwrap_or_else(|| code(other))),
        };
        if self.in_pieces {
            return Err(ModelError::Malformed);
        }
        let mut said = Said::default();
        for part in &self.parts {
            if part["thought"] != true {
                said.text.push_str(text_at(part, "text"));
            }
            let call = &part["functionCall"];
            if call.is_object() {
                said.calls.push(Call {
                    id: CallId::numbered(self.asked.next_call + said.calls.len()),
                    provider_id: call["id"].as_str().map(str::to_owned),
                    name: text_at(call, "name").to_owned(),
                    arguments: Arguments::of_value(call["args"].clone()),
                });
            }
        }
        let stop = match (blocked, reason) {
            (Some(category), _) => {
                said.calls.clear();
                Stop::Blocked { category }
            }
            (None, "MAX_TOKENS") => Stop::Length,
            (None, _) if said.calls.is_empty() => Stop::End,
            (None, _) => Stop::Calls,
        };
        if !matches!(stop, Stop::Blocked { .. }) {
            said.echo = Some(Echo::new(self.asked.speaker, self.parts));
        }
        Ok(Answer { said, stop, usage, model: self.model, broken_off: Vec::new() })
    }
}
