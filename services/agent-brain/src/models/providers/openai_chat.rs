//! OpenAI's chat completions, and what servers of one's own make of them.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use steward_settings::Model;

use super::{
    Asked, Folded, Refusal, Wire, Without, count_at, guessed, id_for, most_output, says, says_unsupported, schema,
    text_at,
};
use crate::models::{
    answer::{Answer, Arguments, Call, CallId, Echo, Said, Stop, Usage},
    deltas::Delta,
    error::{ModelError, Param},
    request::{Request, Step, ToolChoice},
};

pub fn wire(model: &Model, without: &Without, request: &Request) -> Wire {
    Wire { path: "/chat/completions".to_owned(), headers: Vec::new(), body: body(model, without, request) }
}

pub fn body(model: &Model, without: &Without, request: &Request) -> Value {
    let takes = |param| !without.contains(&param);
    let mut body = Map::new();
    let mut put = |key: &str, value: Value| body.insert(key.to_owned(), value);
    put("model", json!(model.name));
    put("stream", json!(true));
    // Other servers know the older names alone, as do older models.
    let newer = if model.genuine { takes(Param::MaxCompletionTokens) } else { !takes(Param::MaxTokens) };
    put(if newer { "max_completion_tokens" } else { "max_tokens" }, json!(most_output(model, request)));
    let above = if model.genuine && takes(Param::DeveloperRole) { "developer" } else { "system" };
    put("messages", Value::Array(messages(model, request, above)));
    if takes(Param::StreamOptions) {
        put("stream_options", json!({ "include_usage": true }));
    }
    if !request.tools.is_empty() {
        let tools = request.tools.iter().map(|tool| {
            let function =
                json!({ "name": tool.name.as_str(), "description": tool.description, "parameters": tool.schema });
            json!({ "type": "function", "function": function })
        });
        put("tools", tools.collect());
        put(
            "tool_choice",
            match &request.tool_choice {
                ToolChoice::Auto => json!("auto"),
                ToolChoice::Any => json!("required"),
                ToolChoice::None => json!("none"),
                ToolChoice::This(name) => json!({ "type": "function", "function": { "name": name.as_str() } }),
            },
        );
        if request.one_call && takes(Param::ParallelCalls) {
            put("parallel_tool_calls", json!(false));
        }
    }
    if let Some(form) = &request.output {
        let schema =
            json!({ "name": form.name.as_str(), "schema": form.schema, "strict": schema::is_strict(&form.schema) });
        put("response_format", json!({ "type": "json_schema", "json_schema": schema }));
    }
    if let Some(effort) = request.effort.filter(|_| takes(Param::Effort)) {
        put("reasoning_effort", json!(effort.name()));
    }
    if let Some(key) = request.cache_key.as_ref().filter(|_| model.genuine && takes(Param::CacheKey)) {
        put("prompt_cache_key", json!(key));
    }
    Value::Object(body)
}

fn messages(model: &Model, request: &Request, above: &str) -> Vec<Value> {
    let mut messages = Vec::new();
    let stable = request.stable();
    if !stable.is_empty() {
        messages.push(json!({ "role": above, "content": stable.join("\n\n") }));
    }
    let last_user = request.last_user();
    for (i, step) in request.steps.iter().enumerate() {
        match step {
            Step::User(texts) => {
                let changing = if Some(i) == last_user { request.changing() } else { Vec::new() };
                let texts: Vec<String> = changing.into_iter().chain(texts.iter().map(|text| text.rendered())).collect();
                messages.push(json!({ "role": "user", "content": texts.join("\n\n") }));
            }
            Step::Model(said) => messages.extend(spoken(model, said)),
            Step::Results(results) => messages.extend(results.iter().map(|result| {
                let content = result.content.rendered();
                let content = if result.failed { format!("error: {content}") } else { content };
                json!({ "role": "tool", "tool_call_id": id_for(model, request, &result.call), "content": content })
            })),
        }
    }
    messages
}

/// What a model said: as this very model said it, else in neutral words. `None`: it said nothing.
fn spoken(model: &Model, said: &Said) -> Option<Value> {
    if let Some([message]) = said.echo_of(model) {
        return Some(message.clone());
    }
    if said.text.is_empty() && said.calls.is_empty() {
        return None;
    }
    let content = if said.text.is_empty() { Value::Null } else { json!(said.text) };
    let mut message = json!({ "role": "assistant", "content": content });
    if !said.calls.is_empty() {
        let calls =
            said.calls.iter().map(|call| said_call(call.id.as_str(), &call.name, &call.arguments.object().to_string()));
        message["tool_calls"] = calls.collect();
    }
    Some(message)
}

fn said_call(id: &str, name: &str, arguments: &str) -> Value {
    json!({ "id": id, "type": "function", "function": { "name": name, "arguments": arguments } })
}

/// Codes by which the provider says that it wants money.
const MONEY: [&str; 6] = [
    "insufficient_quota",
    "credit_balance_exhausted",
    "organization_spend_limit_exceeded",
    "project_spend_limit_exceeded",
    "organization_usage_limit_exceeded",
    "billing_hard_limit_reached",
];

/// What a refusal means: by the error's own code, else by its status.
pub fn error(refusal: &Refusal, body: &Value) -> ModelError {
    // Some servers say only a sentence.
    let error = &body["error"];
    let message = error.as_str().unwrap_or_else(|| text_at(error, "message"));
    let (code, kind) = (text_at(error, "code"), text_at(error, "type"));
    let is = |name: &str| code == name || kind == name;
    let after = refusal.after(error, message);
    if MONEY.iter().any(|name| is(name)) {
        ModelError::Money
    } else if is("context_length_exceeded")
        || says(message, &["maximum context length", "context length exceeded", "exceeds the context"])
    {
        ModelError::TooLong
    } else if is("content_filter") {
        ModelError::Blocked { category: "content_filter" }
    } else if is("model_not_found") {
        ModelError::NotFound
    } else if is("invalid_api_key") {
        ModelError::Auth
    } else if is("rate_limit_exceeded") || is("slow_down") && refusal.status < 500 {
        ModelError::RateLimited { after }
    } else if refusal.status == 400 || refusal.status == 422 {
        ModelError::Invalid { param: not_taken(code, text_at(error, "param"), message) }
    } else {
        refusal.by_status(after)
    }
}

/// Which parameter a refusal is about, if it is one that can be done without.
fn not_taken(code: &str, param: &str, message: &str) -> Option<Param> {
    if !code.starts_with("unsupported_") && !says_unsupported(message) {
        return None;
    }
    let named = |name: &str| if param.is_empty() { message.contains(name) } else { param == name };
    let role = param.ends_with(".role") || (param.is_empty() && message.contains("developer"));
    match () {
        () if named("reasoning_effort") || named("reasoning.effort") || param == "reasoning" => Some(Param::Effort),
        () if named("max_completion_tokens") => Some(Param::MaxCompletionTokens),
        () if named("max_tokens") => Some(Param::MaxTokens),
        () if named("stream_options") || named("stream_options.include_usage") => Some(Param::StreamOptions),
        () if named("parallel_tool_calls") => Some(Param::ParallelCalls),
        () if named("prompt_cache_key") => Some(Param::CacheKey),
        () if param == "include" || (param.is_empty() && message.contains("ncrypted content")) => Some(Param::Thoughts),
        () if role => Some(Param::DeveloperRole),
        () => None,
    }
}

/// An answer in the making.
#[derive(Debug)]
pub struct Folder {
    asked: Asked,
    model: String,
    text: String,
    refusal: String,
    calls: Vec<Called>,
    /// What the model thought, where a server says it: it may want it back.
    extra: Map<String, Value>,
    usage: Option<Value>,
    stop: Option<String>,
    out: usize,
    ended: bool,
}

/// A call in the making.
#[derive(Debug, Default)]
struct Called {
    index: Option<u64>,
    id: String,
    name: String,
    arguments: String,
    /// The arguments, where a server sends them as an object.
    object: Option<Value>,
}

impl Folder {
    pub fn new(asked: Asked) -> Self {
        Self {
            asked,
            model: String::new(),
            text: String::new(),
            refusal: String::new(),
            calls: Vec::new(),
            extra: Map::new(),
            usage: None,
            stop: None,
            out: 0,
            ended: false,
        }
    }

    /// The mark of the end.
    pub fn end(&mut self) -> Folded {
        self.ended = true;
        Folded::Done
    }

    /// Takes a chunk, or a whole completion.
    ///
    /// # Errors
    /// The provider's own.
    pub fn value(&mut self, value: &Value, now: DateTime<Utc>, shown: &mut Vec<Delta>) -> Result<Folded, ModelError> {
        if !value["error"].is_null() {
            return Err(error(&Refusal::within(now), value));
        }
        if self.model.is_empty() {
            text_at(value, "model").clone_into(&mut self.model);
        }
        if value["usage"].is_object() {
            self.usage = Some(value["usage"].clone());
        }
        // Chunks of usage alone have no choice; others than the first weren't asked for.
        let choices = value["choices"].as_array().into_iter().flatten();
        for choice in choices.filter(|choice| count_at(choice, "index").unwrap_or_default() == 0) {
            let delta = if choice["delta"].is_object() { &choice["delta"] } else { &choice["message"] };
            self.add(delta, shown);
            if let Some(stop) = choice["finish_reason"].as_str().filter(|stop| !stop.is_empty()) {
                self.stop = Some(stop.to_owned());
            }
        }
        Ok(Folded::More)
    }

    fn add(&mut self, delta: &Value, shown: &mut Vec<Delta>) {
        let texts = match &delta["content"] {
            Value::String(text) => vec![text.as_str()],
            Value::Array(parts) => parts.iter().map(|part| text_at(part, "text")).collect(),
            _ => Vec::new(),
        };
        for text in texts.into_iter().filter(|text| !text.is_empty()) {
            self.out += text.len();
            self.text.push_str(text);
            shown.push(Delta::Text(text.to_owned()));
        }
        self.refusal.push_str(text_at(delta, "refusal"));
        self.out += text_at(delta, "refusal").len();
        for call in delta["tool_calls"].as_array().into_iter().flatten() {
            self.add_call(call, shown);
        }
        let thought = delta.as_object().into_iter().flatten().filter(|(key, _)| key.starts_with("reasoning"));
        for (key, value) in thought {
            match (self.extra.get_mut(key), value) {
                (Some(Value::String(own)), Value::String(more)) => own.push_str(more),
                (Some(Value::Array(own)), Value::Array(more)) => own.extend(more.iter().cloned()),
                (_, Value::Null) => {}
                (_, value) => {
                    self.extra.insert(key.clone(), value.clone());
                }
            }
            self.out += value.as_str().map_or(0, str::len);
        }
    }

    fn add_call(&mut self, piece: &Value, shown: &mut Vec<Delta>) {
        let (index, id) = (count_at(piece, "index"), text_at(piece, "id"));
        // Without an index, another id is another call, and none means the last.
        let found = match index {
            Some(_) => self.calls.iter().position(|call| call.index == index),
            None if id.is_empty() && text_at(&piece["function"], "name").is_empty() => self.calls.len().checked_sub(1),
            None => self.calls.iter().position(|call| !id.is_empty() && call.id == id),
        };
        let at = found.unwrap_or_else(|| {
            self.calls.push(Called { index, ..Called::default() });
            self.calls.len() - 1
        });
        let call = &mut self.calls[at];
        if call.id.is_empty() {
            id.clone_into(&mut call.id);
        }
        let function = &piece["function"];
        let name = text_at(function, "name");
        if call.name.is_empty() && !name.is_empty() {
            name.clone_into(&mut call.name);
            shown.push(Delta::Call(name.to_owned()));
        }
        match &function["arguments"] {
            Value::String(text) => {
                self.out += text.len();
                call.arguments.push_str(text);
            }
            Value::Null => {}
            other => call.object = Some(other.clone()),
        }
    }

    pub fn usage(&self) -> Usage {
        let guess = guessed(&self.asked, self.out);
        let Some(usage) = &self.usage else { return guess };
        let (input, output) = (count_at(usage, "prompt_tokens"), count_at(usage, "completion_tokens"));
        let of_input = |key| count_at(&usage["prompt_tokens_details"], key).unwrap_or_default();
        Usage {
            input: input.unwrap_or(guess.input),
            input_cached: of_input("cached_tokens"),
            input_cache_write: of_input("cache_write_tokens"),
            output: output.unwrap_or(guess.output),
            output_reasoning: count_at(&usage["completion_tokens_details"], "reasoning_tokens").unwrap_or_default(),
            exact: self.is_whole() && input.is_some() && output.is_some(),
        }
    }

    fn is_whole(&self) -> bool {
        self.ended || self.stop.is_some()
    }

    /// # Errors
    /// The answer isn't whole.
    pub fn finish(mut self, received: usize) -> Result<Answer, ModelError> {
        if !self.is_whole() {
            return Err(ModelError::Cut { received });
        }
        let usage = self.usage();
        let reason = self.stop.as_deref().unwrap_or_default();
        if reason == "content_filter" || !self.refusal.is_empty() {
            let stop = if self.refusal.is_empty() {
                Stop::Blocked { category: "content_filter".to_owned() }
            } else {
                Stop::Refused { category: None, text: self.refusal }
            };
            let said = Said { text: self.text, ..Said::default() };
            return Ok(Answer { said, stop, usage, model: self.model, broken_off: Vec::new() });
        }
        let length = reason == "length";
        let mut broken_off = Vec::new();
        // Only the last call can have been cut at the limit; one without any arguments may have been.
        if length && let Some(last) = self.calls.pop_if(|call| call.is_broken_off()) {
            broken_off.push(last.name);
        }
        let mut echo = Map::from_iter([("role".to_owned(), json!("assistant"))]);
        let content = if self.text.is_empty() { Value::Null } else { json!(self.text) };
        echo.insert("content".to_owned(), content);
        let mut calls = Vec::new();
        let mut echoed = Vec::new();
        for call in self.calls {
            let id = CallId::numbered(self.asked.next_call + calls.len());
            let provider_id = if call.id.is_empty() { id.as_str().to_owned() } else { call.id };
            let arguments = match call.object {
                Some(object) => Arguments::of_value(object),
                None => Arguments::of_text(call.arguments.clone()),
            };
            // The very text that was said, which the provider may have in its cache.
            let said = if call.arguments.is_empty() { arguments.text().into_owned() } else { call.arguments };
            echoed.push(said_call(&provider_id, &call.name, &said));
            calls.push(Call { id, provider_id: Some(provider_id), name: call.name, arguments });
        }
        // What is sent back must say something.
        let says_something = !self.text.is_empty() || !calls.is_empty();
        if !echoed.is_empty() {
            echo.insert("tool_calls".to_owned(), Value::Array(echoed));
        }
        echo.extend(self.extra);
        // Some servers say `stop` although there are calls.
        let stop = match (length, calls.is_empty()) {
            (true, _) => Stop::Length,
            (false, true) => Stop::End,
            (false, false) => Stop::Calls,
        };
        let echo = says_something.then(|| Echo::new(self.asked.speaker, vec![Value::Object(echo)]));
        let said = Said { text: self.text, calls, echo };
        Ok(Answer { said, stop, usage, model: self.model, broken_off })
    }
}

impl Called {
    fn is_broken_off(&self) -> bool {
        let unread =
            self.arguments.is_empty() || matches!(Arguments::of_text(self.arguments.clone()), Arguments::Raw(_));
        self.object.is_none() && unread
    }
}
