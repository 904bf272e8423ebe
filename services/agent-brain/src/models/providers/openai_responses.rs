//! OpenAI's Responses. Nothing is kept at the provider: all items are sent again, its encrypted thoughts among them.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use steward_settings::Model;

use super::{
    Asked, Folded, Refusal, Wire, Without, count_at, guessed, id_for, most_output, openai_chat, schema, text_at,
};
use crate::models::{
    answer::{Answer, Arguments, Call, CallId, Echo, Said, Stop, Usage},
    deltas::Delta,
    error::{ModelError, Param},
    request::{Request, Step, ToolChoice},
};

pub fn wire(model: &Model, without: &Without, request: &Request) -> Wire {
    Wire { path: "/responses".to_owned(), headers: Vec::new(), body: body(model, without, request) }
}

pub fn body(model: &Model, without: &Without, request: &Request) -> Value {
    let takes = |param| !without.contains(&param);
    let mut body = Map::new();
    let mut put = |key: &str, value: Value| body.insert(key.to_owned(), value);
    put("model", json!(model.name));
    put("stream", json!(true));
    put("store", json!(false));
    put("max_output_tokens", json!(most_output(model, request)));
    put("input", Value::Array(input(model, request)));
    if takes(Param::Thoughts) {
        put("include", json!(["reasoning.encrypted_content"]));
    }
    let stable = request.stable();
    if !stable.is_empty() {
        put("instructions", json!(stable.join("\n\n")));
    }
    if !request.tools.is_empty() {
        let tools = request.tools.iter().map(|tool| {
            let (name, description) = (tool.name.as_str(), &tool.description);
            json!({ "type": "function", "name": name, "description": description, "parameters": tool.schema, "strict": false })
        });
        put("tools", tools.collect());
        put(
            "tool_choice",
            match &request.tool_choice {
                ToolChoice::Auto => json!("auto"),
                ToolChoice::Any => json!("required"),
                ToolChoice::None => json!("none"),
                ToolChoice::This(name) => json!({ "type": "function", "name": name.as_str() }),
            },
        );
        if request.one_call && takes(Param::ParallelCalls) {
            put("parallel_tool_calls", json!(false));
        }
    }
    if let Some(form) = &request.output {
        let (name, strict) = (form.name.as_str(), schema::is_strict(&form.schema));
        let format = json!({ "type": "json_schema", "name": name, "schema": form.schema, "strict": strict });
        put("text", json!({ "format": format }));
    }
    if let Some(effort) = request.effort.filter(|_| takes(Param::Effort)) {
        put("reasoning", json!({ "effort": effort.name() }));
    }
    if let Some(key) = request.cache_key.as_ref().filter(|_| model.genuine && takes(Param::CacheKey)) {
        put("prompt_cache_key", json!(key));
    }
    Value::Object(body)
}

fn input(model: &Model, request: &Request) -> Vec<Value> {
    let mut items = Vec::new();
    let last_user = request.last_user();
    for (i, step) in request.steps.iter().enumerate() {
        match step {
            Step::User(texts) => {
                let changing = if Some(i) == last_user { request.changing() } else { Vec::new() };
                let texts: Vec<String> = changing.into_iter().chain(texts.iter().map(|text| text.rendered())).collect();
                items.push(json!({ "role": "user", "content": texts.join("\n\n") }));
            }
            Step::Model(said) => items.extend(spoken(model, said)),
            Step::Results(results) => items.extend(results.iter().map(|result| {
                let content = result.content.rendered();
                let output = if result.failed { format!("error: {content}") } else { content };
                let id = id_for(model, request, &result.call);
                json!({ "type": "function_call_output", "call_id": id, "output": output })
            })),
        }
    }
    items
}

/// What a model said: as this very model said it, else in neutral words.
fn spoken(model: &Model, said: &Said) -> Vec<Value> {
    if let Some(items) = said.echo_of(model) {
        return items.to_vec();
    }
    let text = (!said.text.is_empty()).then(|| json!({ "role": "assistant", "content": said.text }));
    let calls = said.calls.iter().map(|call| {
        let arguments = call.arguments.object().to_string();
        json!({ "type": "function_call", "call_id": call.id.as_str(), "name": call.name, "arguments": arguments })
    });
    text.into_iter().chain(calls).collect()
}

/// An answer in the making.
#[derive(Debug)]
pub struct Folder {
    asked: Asked,
    /// The items that are done, by their place.
    items: BTreeMap<u64, Value>,
    /// Calls that were begun, by their place.
    begun: BTreeMap<u64, String>,
    /// The response as it was said to be over.
    response: Option<Value>,
    out: usize,
}

impl Folder {
    pub fn new(asked: Asked) -> Self {
        Self { asked, items: BTreeMap::new(), begun: BTreeMap::new(), response: None, out: 0 }
    }

    /// Takes the data of a frame, or a whole response.
    ///
    /// # Errors
    /// The provider's own.
    pub fn value(
        &mut self,
        mut value: Value,
        now: DateTime<Utc>,
        shown: &mut Vec<Delta>,
    ) -> Result<Folded, ModelError> {
        let index = count_at(&value, "output_index").unwrap_or_default();
        match text_at(&value, "type") {
            "response.output_item.added" => {
                let item = &value["item"];
                if text_at(item, "type") == "function_call" {
                    self.begun.insert(index, text_at(item, "name").to_owned());
                    shown.push(Delta::Call(text_at(item, "name").to_owned()));
                }
            }
            "response.output_text.delta" => {
                let text = text_at(&value, "delta");
                self.out += text.len();
                shown.push(Delta::Text(text.to_owned()));
            }
            "response.refusal.delta" | "response.function_call_arguments.delta" => {
                self.out += text_at(&value, "delta").len();
            }
            "response.output_item.done" => {
                self.items.insert(index, value["item"].take());
            }
            "response.completed" | "response.incomplete" => {
                self.response = Some(value["response"].take());
                return Ok(Folded::Done);
            }
            "response.failed" => return Err(openai_chat::error(&Refusal::within(now), &value["response"])),
            // Here the error's fields stand in the frame itself.
            "error" if value["error"].is_null() => {
                return Err(openai_chat::error(&Refusal::within(now), &json!({ "error": value })));
            }
            _ if !value["error"].is_null() => return Err(openai_chat::error(&Refusal::within(now), &value)),
            _ if value["object"] == "response" => {
                // All at once, which nobody has seen in pieces.
                for item in value["output"].as_array().into_iter().flatten() {
                    match text_at(item, "type") {
                        "function_call" => shown.push(Delta::Call(text_at(item, "name").to_owned())),
                        _ => shown.extend(texts(item, "text").map(|text| Delta::Text(text.to_owned()))),
                    }
                }
                self.response = Some(value);
            }
            _ => {}
        }
        Ok(Folded::More)
    }

    pub fn usage(&self) -> Usage {
        let guess = guessed(&self.asked, self.out);
        let Some(usage) = self.response.as_ref().map(|response| &response["usage"]) else { return guess };
        let (input, output) = (count_at(usage, "input_tokens"), count_at(usage, "output_tokens"));
        let of_input = |key| count_at(&usage["input_tokens_details"], key).unwrap_or_default();
        Usage {
            input: input.unwrap_or(guess.input),
            input_cached: of_input("cached_tokens"),
            input_cache_write: of_input("cache_write_tokens"),
            output: output.unwrap_or(guess.output),
            output_reasoning: count_at(&usage["output_tokens_details"], "reasoning_tokens").unwrap_or_default(),
            exact: input.is_some() && output.is_some(),
        }
    }

    /// # Errors
    /// The answer isn't whole.
    pub fn finish(mut self, received: usize) -> Result<Answer, ModelError> {
        let usage = self.usage();
        let Some(mut response) = self.response else { return Err(ModelError::Cut { received }) };
        if !matches!(text_at(&response, "status"), "completed" | "incomplete" | "complete" | "") {
            return Err(ModelError::Cut { received });
        }
        // What is done says more than the summary at the end; where nothing came in pieces there is only that.
        if self.items.is_empty()
            && let Value::Array(items) = response["output"].take()
        {
            self.items = (0..).zip(items).collect();
        }
        let reason = text_at(&response["incomplete_details"], "reason");
        let (length, filtered) = (reason == "max_output_tokens", reason == "content_filter");
        let (mut said, mut refusal, mut broken_off, mut echo) =
            (Said::default(), String::new(), Vec::new(), Vec::new());
        for (index, item) in self.items {
            self.begun.remove(&index);
            match text_at(&item, "type") {
                "message" => {
                    texts(&item, "text").for_each(|text| said.text.push_str(text));
                    texts(&item, "refusal").for_each(|text| refusal.push_str(text));
                }
                "function_call" => {
                    let name = text_at(&item, "name").to_owned();
                    let arguments = Arguments::of_text(text_at(&item, "arguments").to_owned());
                    if length && (matches!(arguments, Arguments::Raw(_)) || text_at(&item, "status") == "incomplete") {
                        broken_off.push(name);
                        continue;
                    }
                    let id = CallId::numbered(self.asked.next_call + said.calls.len());
                    let provider_id = item["call_id"].as_str().map(str::to_owned);
                    said.calls.push(Call { id, provider_id, name, arguments });
                }
                _ => {}
            }
            echo.push(item);
        }
        broken_off.extend(self.begun.into_values());
        let stop = if !refusal.is_empty() {
            Stop::Refused { category: None, text: refusal }
        } else if filtered {
            Stop::Blocked { category: "content_filter".to_owned() }
        } else if length {
            Stop::Length
        } else if said.calls.is_empty() {
            Stop::End
        } else {
            Stop::Calls
        };
        if matches!(stop, Stop::Refused { .. } | Stop::Blocked { .. }) {
            said.calls.clear();
        } else {
            said.echo = sent_back(echo).map(|echo| Echo::new(self.asked.speaker, echo));
        }
        Ok(Answer { said, stop, usage, model: text_at(&response, "model").to_owned(), broken_off })
    }
}

/// The items as they are sent back, if they can be: a thought that isn't encrypted is kept nowhere, and what followed it isn't
/// taken without it; a thought at the end follows nothing.
fn sent_back(mut items: Vec<Value>) -> Option<Vec<Value>> {
    let is_thought = |item: &Value| text_at(item, "type") == "reasoning";
    while items.last().is_some_and(is_thought) {
        items.pop();
    }
    let kept = items.iter().all(|item| !is_thought(item) || item["encrypted_content"].is_string());
    (kept && !items.is_empty()).then_some(items)
}

/// The texts of one kind in a message.
fn texts<'a>(item: &'a Value, key: &'a str) -> impl Iterator<Item = &'a str> {
    item["content"].as_array().into_iter().flatten().filter_map(move |part| part[key].as_str())
}
