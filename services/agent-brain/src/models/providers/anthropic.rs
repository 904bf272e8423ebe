//! Anthropic's Messages, as of the API version 2026-10-21, and 2023-06-01.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use steward_settings::Model;

use super::{
    Asked, Folded, Refusal, Wire, Without, code, count_at, guessed, id_for, most_output, says, says_unsupported,
    schema, text_at,
};
use crate::models::{
    answer::{Answer, Arguments, Call, CallId, Echo, Said, Stop, Usage},
    deltas::Delta,
    error::{ModelError, Param},
    request::{Request, Step, ToolChoice},
};

pub fn wire(model: &Model, without: &Without, request: &Request) -> Wire {
    let version = model.api_version.clone().unwrap_or_default();
    Wire {
        path: "/v1/messages".to_owned(),
        headers: vec![("anthropic-version", version)],
        body: body(model, without, request),
    }
}

/// Sampling parameters are never in it: newer versions and models refuse them.
pub fn body(model: &Model, without: &Without, request: &Request) -> Value {
    let effort = request.effort.filter(|_| !without.contains(&Param::Effort));
    let (messages, cached) = messages(model, request);
    let mut body = Map::new();
    body.insert("model".to_owned(), json!(model.name));
    body.insert("max_tokens".to_owned(), json!(most_output(model, request)));
    body.insert("stream".to_owned(), json!(true));
    let mut system: Vec<Value> = request.stable().into_iter().map(text_block).collect();
    let mut tools: Vec<Value> = request
        .tools
        .iter()
        .map(|tool| json!({ "name": tool.name.as_str(), "description": tool.description, "input_schema": tool.schema }))
        .collect();
    // What the provider keeps begins with the tools, so a mark on the last of what is stable covers both.
    if let Some(last) = system.last_mut().or(tools.last_mut()) {
        mark(last);
    }
    if !system.is_empty() {
        body.insert("system".to_owned(), Value::Array(system));
    }
    if !tools.is_empty() {
        body.insert("tools".to_owned(), Value::Array(tools));
        body.insert("tool_choice".to_owned(), tool_choice(request, effort.is_some()));
    }
    let mut messages: Vec<Value> =
        messages.into_iter().map(|(role, content)| json!({ "role": role, "content": content })).collect();
    for (message, block) in cached {
        mark(&mut messages[message]["content"][block]);
    }
    body.insert("messages".to_owned(), Value::Array(messages));
    let mut output = Map::new();
    if let Some(effort) = effort {
        body.insert("thinking".to_owned(), json!({ "type": "adaptive" }));
        output.insert("effort".to_owned(), json!(effort.name()));
    }
    if let Some(form) = &request.output {
        output.insert("format".to_owned(), json!({ "type": "json_schema", "schema": schema::limited(&form.schema) }));
    }
    if !output.is_empty() {
        body.insert("output_config".to_owned(), Value::Object(output));
    }
    Value::Object(body)
}

fn text_block(text: String) -> Value {
    json!({ "type": "text", "text": text })
}

/// Has the provider keep all up to this block.
fn mark(block: &mut Value) {
    block["cache_control"] = json!({ "type": "ephemeral" });
}

fn tool_choice(request: &Request, thinks: bool) -> Value {
    let mut choice = match &request.tool_choice {
        ToolChoice::None => return json!({ "type": "none" }),
        // Who thinks may not be made to call.
        ToolChoice::Any | ToolChoice::This(_) if thinks => json!({ "type": "auto" }),
        ToolChoice::Auto => json!({ "type": "auto" }),
        ToolChoice::Any => json!({ "type": "any" }),
        ToolChoice::This(name) => json!({ "type": "tool", "name": name.as_str() }),
    };
    if request.one_call {
        choice["disable_parallel_tool_use"] = json!(true);
    }
    choice
}

/// Messages as role and blocks.
type Messages = Vec<(&'static str, Vec<Value>)>;

/// The talk, and which of the blocks bear a mark: the last of ours before the client's last words, which
/// the next turn begins with as well, and the last of all, which the next step does.
fn messages(model: &Model, request: &Request) -> (Messages, Vec<(usize, usize)>) {
    let mut messages = Messages::new();
    let mut marks = Vec::new();
    let last_user = request.last_user();
    for (i, step) in request.steps.iter().enumerate() {
        if Some(i) == last_user {
            marks.extend(last_of_ours(&messages));
        }
        let (role, blocks) = match step {
            Step::User(texts) => {
                let changing = if Some(i) == last_user { request.changing() } else { Vec::new() };
                let texts = changing.into_iter().chain(texts.iter().map(|text| text.rendered()));
                ("user", texts.filter(|text| !text.trim().is_empty()).map(text_block).collect())
            }
            Step::Model(said) => ("assistant", spoken(model, said)),
            Step::Results(results) => ("user", results.iter().map(|result| {
                let id = id_for(model, request, &result.call);
                json!({ "type": "tool_result", "tool_use_id": id, "content": result.content.rendered(), "is_error": result.failed })
            }).collect()),
        };
        match messages.last_mut() {
            // Consecutive words of one role are one message.
            Some((last, content)) if *last == role => content.extend(blocks),
            _ if blocks.is_empty() => {}
            _ => messages.push((role, blocks)),
        }
    }
    marks.extend(last_of_ours(&messages));
    marks.dedup();
    (messages, marks)
}

fn last_of_ours(messages: &[(&str, Vec<Value>)]) -> Option<(usize, usize)> {
    let (at, (_, blocks)) = messages.iter().enumerate().rfind(|(_, (role, _))| *role == "user")?;
    Some((at, blocks.len() - 1))
}

/// What a model said: as this very model said it, else in neutral words.
fn spoken(model: &Model, said: &Said) -> Vec<Value> {
    if let Some(blocks) = said.echo_of(model) {
        return blocks.to_vec();
    }
    let text = (!said.text.trim().is_empty()).then(|| text_block(said.text.clone()));
    let calls = said.calls.iter().map(|call| {
        json!({ "type": "tool_use", "id": call.id.as_str(), "name": call.name, "input": call.arguments.object() })
    });
    text.into_iter().chain(calls).collect()
}

/// What a refusal means: by the error's own name, else by its status.
pub fn error(refusal: &Refusal, body: &Value) -> ModelError {
    let error = &body["error"];
    let message = text_at(error, "message");
    let after = refusal.after(error, message);
    match text_at(error, "type") {
        "authentication_error" | "permission_error" => ModelError::Auth,
        "billing_error" => ModelError::Money,
        "not_found_error" => ModelError::NotFound,
        "request_too_large" => ModelError::TooLong,
        "rate_limit_error" => match error["details"]["error_code"].as_str() {
            Some("enforced_spend_limit_reached" | "contract_spend_limit_reached") => ModelError::Money,
            _ => ModelError::RateLimited { after },
        },
        "timeout_error" => ModelError::Timeout,
        "overloaded_error" | "api_error" => ModelError::Overloaded { after },
        "invalid_request_error" if says(message, &["prompt is too long", "exceed context limit"]) => {
            ModelError::TooLong
        }
        "invalid_request_error" if says(message, &["credit balance is too low"]) => ModelError::Money,
        "invalid_request_error" => {
            let effort = says(message, &["effort", "thinking"]) && says_unsupported(message);
            ModelError::Invalid { param: effort.then_some(Param::Effort) }
        }
        _ => refusal.by_status(after),
    }
}

/// An answer in the making.
#[derive(Debug)]
pub struct Folder {
    asked: Asked,
    model: String,
    blocks: BTreeMap<u64, Block>,
    usage: Map<String, Value>,
    stop: Option<String>,
    stop_details: Value,
    /// Bytes of what came out.
    out: usize,
    done: bool,
}

/// A block of an answer: how it began, and what was added to it.
#[derive(Debug, Default)]
struct Block {
    start: Map<String, Value>,
    json: String,
    closed: bool,
}

impl Block {
    fn kind(&self) -> &str {
        self.start.get("type").and_then(Value::as_str).unwrap_or_default()
    }

    fn text(&self, key: &str) -> &str {
        self.start.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    fn add(&mut self, key: &str, text: &str) {
        match self.start.get_mut(key) {
            Some(Value::String(own)) => own.push_str(text),
            _ => {
                self.start.insert(key.to_owned(), json!(text));
            }
        }
    }

    fn arguments(&self) -> Arguments {
        match self.start.get("input") {
            Some(input) if self.json.is_empty() => Arguments::of_value(input.clone()),
            _ => Arguments::of_text(self.json.clone()),
        }
    }
}

impl Folder {
    pub fn new(asked: Asked) -> Self {
        Self {
            asked,
            model: String::new(),
            blocks: BTreeMap::new(),
            usage: Map::new(),
            stop: None,
            stop_details: Value::Null,
            out: 0,
            done: false,
        }
    }

    /// Takes the data of a frame, or a whole message.
    ///
    /// # Errors
    /// The provider's own.
    pub fn value(
        &mut self,
        mut value: Value,
        now: DateTime<Utc>,
        shown: &mut Vec<Delta>,
    ) -> Result<Folded, ModelError> {
        let index = count_at(&value, "index").unwrap_or_default();
        match text_at(&value, "type") {
            "message_start" => self.begin(&value["message"]),
            "content_block_start" => self.start(index, value["content_block"].take(), shown),
            "content_block_delta" => self.add(index, &value["delta"], shown),
            "content_block_stop" => {
                if let Some(block) = self.blocks.get_mut(&index) {
                    block.closed = true;
                }
            }
            "message_delta" => {
                let usage = value["usage"].take();
                self.end(&value["delta"], usage);
            }
            "message_stop" => {
                self.done = true;
                return Ok(Folded::Done);
            }
            "error" => return Err(error(&Refusal::within(now), &value)),
            "message" => {
                self.begin(&value);
                let usage = value["usage"].take();
                self.end(&value, usage);
                let blocks = if let Value::Array(blocks) = value["content"].take() { blocks } else { Vec::new() };
                for (index, block) in (0..).zip(blocks) {
                    self.start(index, block, shown);
                    self.blocks.entry(index).and_modify(|block| block.closed = true);
                }
                self.done = true;
            }
            // A ping, or what a later version says.
            _ => {}
        }
        Ok(Folded::More)
    }

    fn begin(&mut self, message: &Value) {
        text_at(message, "model").clone_into(&mut self.model);
        self.count(&message["usage"]);
    }

    fn start(&mut self, index: u64, block: Value, shown: &mut Vec<Delta>) {
        let Value::Object(start) = block else { return };
        let block = Block { start, ..Block::default() };
        match block.kind() {
            "text" if !block.text("text").is_empty() => shown.push(Delta::Text(block.text("text").to_owned())),
            "tool_use" => shown.push(Delta::Call(block.text("name").to_owned())),
            _ => {}
        }
        self.out += ["text", "thinking", "data"].iter().map(|key| block.text(key).len()).sum::<usize>();
        self.blocks.insert(index, block);
    }

    fn add(&mut self, index: u64, delta: &Value, shown: &mut Vec<Delta>) {
        let Some(block) = self.blocks.get_mut(&index) else { return };
        let (key, text) = match text_at(delta, "type") {
            "text_delta" => ("text", text_at(delta, "text")),
            "thinking_delta" => ("thinking", text_at(delta, "thinking")),
            "signature_delta" => ("signature", text_at(delta, "signature")),
            "input_json_delta" => {
                let text = text_at(delta, "partial_json");
                self.out += text.len();
                block.json.push_str(text);
                return;
            }
            "citations_delta" => {
                if let Value::Array(all) = block.start.entry("citations").or_insert_with(|| json!([])) {
                    all.push(delta["citation"].clone());
                }
                return;
            }
            _ => return,
        };
        block.add(key, text);
        if key != "signature" {
            self.out += text.len();
        }
        if key == "text" {
            shown.push(Delta::Text(text.to_owned()));
        }
    }

    fn end(&mut self, delta: &Value, usage: Value) {
        if let Some(stop) = delta["stop_reason"].as_str() {
            self.stop = Some(stop.to_owned());
        }
        if !delta["stop_details"].is_null() {
            self.stop_details = delta["stop_details"].clone();
        }
        self.count(&usage);
    }

    /// Each figure replaces the one before: they are sums.
    fn count(&mut self, usage: &Value) {
        let figures = usage.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
        self.usage.extend(figures.map(|(key, value)| (key.clone(), value.clone())));
    }

    pub fn usage(&self) -> Usage {
        let figure = |key: &str| self.usage.get(key).and_then(Value::as_u64);
        let guess = guessed(&self.asked, self.out);
        let (cached, written) = (
            figure("cache_read_input_tokens").unwrap_or_default(),
            figure("cache_creation_input_tokens").unwrap_or_default(),
        );
        let input = figure("input_tokens").map(|fresh| fresh.saturating_add(cached).saturating_add(written));
        let output = figure("output_tokens");
        let thoughts = self.usage.get("output_tokens_details").and_then(|details| count_at(details, "thinking_tokens"));
        Usage {
            input: input.unwrap_or(guess.input),
            input_cached: cached,
            input_cache_write: written,
            // What the beginning says of the output is of the beginning.
            output: if self.stop.is_some() {
                output.unwrap_or(guess.output)
            } else {
                output.unwrap_or(0).max(guess.output)
            },
            output_reasoning: thoughts.unwrap_or_default(),
            exact: self.stop.is_some() && input.is_some() && output.is_some(),
        }
    }

    /// # Errors
    /// The answer isn't whole.
    pub fn finish(self, received: usize) -> Result<Answer, ModelError> {
        let Some(reason) = self.stop.as_deref().filter(|_| self.done) else { return Err(ModelError::Cut { received }) };
        let usage = self.usage();
        let length = matches!(reason, "max_tokens" | "model_context_window_exceeded");
        let refused = reason == "refusal";
        let mut said = Said::default();
        let (mut echo, mut broken_off) = (Vec::new(), Vec::new());
        for mut block in self.blocks.into_values() {
            match block.kind() {
                "text" => {
                    said.text.push_str(block.text("text"));
                    // A text of blanks alone isn't taken back.
                    if block.text("text").trim().is_empty() {
                        continue;
                    }
                }
                "tool_use" => {
                    let arguments = block.arguments();
                    let name = block.text("name").to_owned();
                    if length && (!block.closed || matches!(arguments, Arguments::Raw(_))) {
                        broken_off.push(name);
                        continue;
                    }
                    let mut start = block.start;
                    start.insert("input".to_owned(), arguments.object());
                    let provider_id = start.get("id").and_then(Value::as_str).map(str::to_owned);
                    let id = CallId::numbered(self.asked.next_call + said.calls.len());
                    said.calls.push(Call { id, provider_id, name, arguments });
                    echo.push(Value::Object(start));
                    continue;
                }
                // A tool of the provider's own, or what a later version says.
                _ if !block.json.is_empty() => {
                    let input = block.arguments().object();
                    block.start.insert("input".to_owned(), input);
                }
                _ => {}
            }
            echo.push(Value::Object(block.start));
        }
        let stop = if refused {
            said.calls.clear();
            let text = self.stop_details["explanation"].as_str().map_or_else(|| said.text.clone(), str::to_owned);
            Stop::Refused { category: self.stop_details["category"].as_str().map(code), text }
        } else if length {
            Stop::Length
        } else if said.calls.is_empty() {
            Stop::End
        } else {
            Stop::Calls
        };
        if !refused {
            said.echo = Some(Echo::new(self.asked.speaker, echo));
        }
        Ok(Answer { said, stop, usage, model: self.model, broken_off })
    }
}
