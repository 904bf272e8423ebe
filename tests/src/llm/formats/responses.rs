//! OpenAI's Responses, where nothing is kept at the provider.

use std::collections::BTreeSet;

use axum::http::HeaderMap;
use serde_json::{Value, json};

use super::{
    Cache, Checked, Frames, Memory, Play, Refusal, closed, header_of, key_is, list, must, only, pieces, schema,
    signature, text, tool_name, tool_names, words, wrong,
};
use crate::llm::{
    cache::tokens_of,
    play::{Piece, Says},
};

const FIELDS: [&str; 19] = [
    "model",
    "input",
    "instructions",
    "tools",
    "tool_choice",
    "text",
    "reasoning",
    "include",
    "store",
    "stream",
    "previous_response_id",
    "max_output_tokens",
    "max_tool_calls",
    "parallel_tool_calls",
    "truncation",
    "metadata",
    "prompt_cache_key",
    "service_tier",
    "temperature",
];

pub fn check(path: &str, headers: &HeaderMap, body: &Value, memory: &Memory) -> Checked {
    must(path == "/responses", || format!("no such path: {path}"))?;
    key_is(header_of(headers, "authorization").strip_prefix("Bearer ").unwrap_or_default(), headers)?;
    only(body, &FIELDS, "body")?;
    words(&body["model"], "model")?;
    must(body["previous_response_id"].is_null(), || "previous_response_id isn't played".into())?;
    let names = tools(body)?;
    match &body["tool_choice"] {
        Value::Null => {}
        Value::String(choice) => {
            let known = matches!(choice.as_str(), "auto" | "required" | "none");
            must(known && !names.is_empty(), || format!("tool_choice: {choice}"))?;
        }
        choice => {
            only(choice, &["type", "name"], "tool_choice")?;
            must(names.contains(text(&choice["name"], "tool_choice.name")?), || "tool_choice: no such tool".into())?;
        }
    }
    let format = &body["text"]["format"];
    if !format.is_null() && format["type"] != "text" {
        only(format, &["type", "name", "schema", "strict", "description"], "text.format")?;
        tool_name(&format["name"], "text.format.name")?;
        if format["strict"] == true {
            closed(&format["schema"], true, "Invalid schema for text.format")?;
        }
    }
    if !body["reasoning"].is_null() {
        only(&body["reasoning"], &["effort", "summary"], "reasoning")?;
    }
    for include in body["include"].as_array().into_iter().flatten() {
        let known = include == "reasoning.encrypted_content" || include == "message.output_text.logprobs";
        must(known, || format!("include: {include}"))?;
    }
    if body["input"].is_string() { Ok(()) } else { input(body, memory) }
}

fn tools(body: &Value) -> Result<BTreeSet<&str>, Refusal> {
    if body["tools"].is_null() {
        return Ok(BTreeSet::new());
    }
    let tools = list(&body["tools"], "tools")?;
    for tool in tools {
        must(tool["type"] == "function", || "tools: the provider's own tools aren't played".into())?;
        only(tool, &["type", "name", "description", "parameters", "strict"], "tools")?;
        schema(&tool["parameters"], "tools.parameters")?;
        if tool["strict"] == true {
            closed(&tool["parameters"], true, "Invalid schema for function")?;
        }
    }
    tool_names(tools.iter().map(|tool| tool_name(&tool["name"], "tools.name")))
}

fn input(body: &Value, memory: &Memory) -> Checked {
    let items = list(&body["input"], "input")?;
    must(!items.is_empty(), || "input: [] is too short".into())?;
    let model = text(&body["model"], "model")?;
    let (mut open, mut seen): (Vec<&str>, BTreeSet<&str>) = (Vec::new(), BTreeSet::new());
    for (i, item) in items.iter().enumerate() {
        let kind = item["type"].as_str().unwrap_or("message");
        let before = i.checked_sub(1).map(|before| &items[before]);
        must(kind.starts_with("function_call") || open.is_empty(), || {
            format!("input[{i}]: No tool output found for function calls {open:?}")
        })?;
        match kind {
            "message" => {
                only(item, &["type", "id", "role", "content", "status", "phase"], "input")?;
                let role = text(&item["role"], "input.role")?;
                must(matches!(role, "user" | "assistant" | "system" | "developer"), || {
                    format!("input[{i}].role: {role}")
                })?;
                if !item["content"].is_array() && role != "assistant" {
                    words(&item["content"], "input.content")?;
                }
                follows(memory, item, before, i)?;
            }
            "reasoning" => {
                only(item, &["type", "id", "summary", "encrypted_content", "status"], "reasoning")?;
                let id = text(&item["id"], "reasoning.id")?;
                must(item["encrypted_content"].is_string(), || {
                    format!("Item with id '{id}' not found. Items are not persisted when `store` is set to false.")
                })?;
                must(item["encrypted_content"] == signature(model, id), || {
                    format!("The encrypted content for item {id} could not be verified.")
                })?;
                let next = items.get(i + 1).and_then(|next| next["id"].as_str());
                let follower = memory.followers.iter().find(|(_, thought)| *thought == id).map(|(id, _)| id.as_str());
                must(next.is_some() && next == follower, || {
                    format!("Item '{id}' of type 'reasoning' was provided without its required following item.")
                })?;
            }
            "function_call" => {
                only(item, &["type", "id", "call_id", "name", "arguments", "status"], "function_call")?;
                tool_name(&item["name"], "function_call.name")?;
                text(&item["arguments"], "function_call.arguments")?;
                let id = words(&item["call_id"], "call_id")?;
                must(seen.insert(id), || format!("input[{i}]: Duplicate call_id {id:?}"))?;
                follows(memory, item, before, i)?;
                open.push(id);
            }
            "function_call_output" => {
                only(item, &["type", "call_id", "output"], "function_call_output")?;
                text(&item["output"], "output")?;
                let id = text(&item["call_id"], "call_id")?;
                let at = open.iter().position(|open| *open == id);
                let at = at.ok_or_else(|| {
                    wrong(format!("input[{i}]: No tool call found for function call output with call_id {id}."))
                })?;
                open.remove(at);
            }
            other => return Err(wrong(format!("input[{i}].type: unknown field {other}"))),
        }
    }
    must(open.is_empty(), || format!("No tool output found for function calls {open:?}"))?;
    let last = &items[items.len() - 1];
    must(last["role"] == "user" || last["type"] == "function_call_output", || "the last item is the model's own".into())
}

/// What was said after a thought isn't taken without it.
fn follows(memory: &Memory, item: &Value, before: Option<&Value>, i: usize) -> Checked {
    let Some((id, thought)) = item["id"].as_str().and_then(|id| memory.followers.get_key_value(id)) else {
        return Ok(());
    };
    let there = before.is_some_and(|before| before["id"] == **thought);
    must(there, || format!("input[{i}]: Item '{id}' was provided without its required 'reasoning' item: '{thought}'."))
}

pub fn frames(body: &Value, play: &Play, cache: &mut Cache, memory: &mut Memory) -> Frames {
    let model = body["model"].as_str().unwrap_or_default();
    let mut blocks = body["tools"].as_array().cloned().unwrap_or_default();
    blocks.push(body["instructions"].clone());
    blocks.extend(body["input"].as_array().cloned().unwrap_or_default());
    let tokens = cache.automatic(model, &blocks);
    let none = Vec::new();
    let (says, reason) = match &play.says {
        Says::Pieces(says) => (says, None),
        Says::UpToTheLimit(says) => (says, Some("max_output_tokens")),
        Says::Nothing => (&none, Some("max_output_tokens")),
        Says::Refusal(_) => (&none, None),
        Says::Filtered | Says::Blocked | Says::Fault(_) => (&none, Some("content_filter")),
    };
    let (mut data, mut output, mut number): (Vec<Value>, Vec<Value>, u64) = (Vec::new(), Vec::new(), 0);
    let mut push = |mut event: Value, data: &mut Vec<Value>| {
        event["sequence_number"] = json!(number);
        number += 1;
        data.push(event);
    };
    let id = memory.next_id("resp_");
    let begun = json!({ "id": id, "object": "response", "status": "in_progress", "model": model, "output": [], "usage": null, "error": null });
    push(json!({ "type": "response.created", "response": begun }), &mut data);
    if play.manner.unknown {
        push(json!({ "type": "response.mood", "mood": { "text": "fine" } }), &mut data);
    }
    let mut thought: Option<String> = None;
    let last = says.len().saturating_sub(1);
    let refusal = if let Says::Refusal(text) = play.says { Some(text) } else { None };
    let pieces_said = says.iter().map(Some).chain(refusal.map(|_| None));
    for (at, piece) in pieces_said.enumerate() {
        let index = output.len();
        // What is begun, what comes bit by bit, and what it is in the end.
        let (begun, deltas, done) = match piece {
            Some(Piece::Thought(_)) => {
                let id = memory.next_id("rs_");
                let begun = json!({ "type": "reasoning", "id": id, "summary": [] });
                let mut done = begun.clone();
                if body["include"][0] == "reasoning.encrypted_content" {
                    done["encrypted_content"] = json!(signature(model, &id));
                }
                thought = Some(id);
                (begun, Vec::new(), done)
            }
            Some(Piece::Text(_)) | None => {
                let id = memory.next_id("msg_");
                let (part, key, delta, text) = match (piece, refusal) {
                    (Some(Piece::Text(text)), _) => {
                        ("output_text", "text", "response.output_text.delta", text.as_str())
                    }
                    (_, refusal) => ("refusal", "refusal", "response.refusal.delta", refusal.unwrap_or_default()),
                };
                let begun =
                    json!({ "type": "message", "id": id, "role": "assistant", "status": "in_progress", "content": [] });
                let mut done = begun.clone();
                done["status"] = json!("completed");
                done["content"] = json!([{ "type": part, key: text }]);
                let deltas = pieces(text).into_iter().map(|text| json!({ "type": delta, "item_id": id, "output_index": index, "content_index": 0, "delta": text }));
                (begun, deltas.collect(), done)
            }
            Some(Piece::Call { .. } | Piece::Broken { .. }) => {
                let (name, arguments) = match piece {
                    Some(Piece::Call { name, arguments }) => (name, arguments.to_string()),
                    Some(Piece::Broken { name, arguments }) => (name, (*arguments).to_owned()),
                    _ => unreachable!("only calls are here"),
                };
                let (id, call_id) = (memory.next_id("fc_"), memory.next_id("call_"));
                let begun = json!({ "type": "function_call", "id": id, "call_id": call_id, "name": name, "arguments": "", "status": "in_progress" });
                let mut done = begun.clone();
                let incomplete = reason.is_some() && at == last;
                done["status"] = json!(if incomplete { "incomplete" } else { "completed" });
                done["arguments"] = json!(arguments);
                let deltas = pieces(&arguments).into_iter().map(|text| json!({ "type": "response.function_call_arguments.delta", "item_id": id, "output_index": index, "delta": text }));
                (begun, deltas.collect(), done)
            }
        };
        if begun["type"] != "reasoning"
            && let Some(thought) = thought.take()
        {
            memory.followers.insert(begun["id"].as_str().unwrap_or_default().to_owned(), thought);
        }
        push(json!({ "type": "response.output_item.added", "output_index": index, "item": begun }), &mut data);
        deltas.into_iter().for_each(|delta| push(delta, &mut data));
        push(json!({ "type": "response.output_item.done", "output_index": index, "item": done }), &mut data);
        output.push(done);
    }
    if play.manner.unknown {
        let index = output.len();
        let item = json!({ "type": "hologram", "id": "h1", "light": 1 });
        push(json!({ "type": "response.output_item.added", "output_index": index, "item": item }), &mut data);
    }
    let out = tokens_of(&json!(output).to_string());
    let status = if reason.is_some() { "incomplete" } else { "completed" };
    let mut response = json!({
        "id": id, "object": "response", "status": status, "model": model, "output": output, "error": null,
        "incomplete_details": reason.map(|reason| json!({ "reason": reason })),
    });
    if play.manner.usage {
        response["usage"] = json!({
            "input_tokens": tokens.all,
            "input_tokens_details": { "cached_tokens": tokens.read },
            "output_tokens": out,
            "output_tokens_details": { "reasoning_tokens": 0 },
            "total_tokens": tokens.all + out,
        });
    }
    push(json!({ "type": format!("response.{status}"), "response": response }), &mut data);
    let frame = |data: &Value| format!("event: {}\ndata: {data}\n\n", data["type"].as_str().unwrap_or_default());
    let failed =
        json!({ "status": "failed", "error": { "code": "server_error", "message": "The server had an error." } });
    Frames {
        frames: data.iter().map(frame).collect(),
        end: 1,
        ping: frame(&json!({ "type": "keepalive", "sequence_number": 0 })),
        error: frame(&json!({ "type": "response.failed", "response": failed })),
        whole: response.to_string(),
        id_header: "x-request-id",
    }
}
