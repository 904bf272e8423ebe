//! OpenAI's chat completions.

use std::collections::BTreeSet;

use axum::http::HeaderMap;
use serde_json::{Value, json};

use super::{
    Cache, Checked, Frames, Memory, Play, Refusal, closed, header_of, key_is, list, must, only, pieces, schema, text,
    tool_name, tool_names, words, wrong,
};
use crate::llm::{
    cache::tokens_of,
    play::{Piece, Says},
};

const FIELDS: [&str; 24] = [
    "model",
    "messages",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "response_format",
    "max_completion_tokens",
    "max_tokens",
    "reasoning_effort",
    "verbosity",
    "stop",
    "temperature",
    "top_p",
    "seed",
    "store",
    "metadata",
    "service_tier",
    "safety_identifier",
    "stream",
    "stream_options",
    "prompt_cache_key",
    "prompt_cache_options",
    "n",
    "user",
];

pub fn check(path: &str, headers: &HeaderMap, body: &Value) -> Checked {
    must(path == "/chat/completions", || format!("no such path: {path}"))?;
    key_is(header_of(headers, "authorization").strip_prefix("Bearer ").unwrap_or_default(), headers)?;
    only(body, &FIELDS, "body")?;
    words(&body["model"], "model")?;
    must(body["max_tokens"].is_null() || body["max_completion_tokens"].is_null(), || {
        "max_tokens and max_completion_tokens".into()
    })?;
    must(body["stream_options"].is_null() || body["stream"] == true, || "stream_options without stream".into())?;
    let names = tools(body)?;
    must(!names.is_empty() || (body["tool_choice"].is_null() && body["parallel_tool_calls"].is_null()), || {
        "tool_choice without tools".into()
    })?;
    match &body["tool_choice"] {
        Value::Null => {}
        Value::String(choice) => {
            must(matches!(choice.as_str(), "auto" | "required" | "none"), || format!("tool_choice: {choice}"))?
        }
        choice => {
            only(choice, &["type", "function"], "tool_choice")?;
            let name = text(&choice["function"]["name"], "tool_choice.function.name")?;
            must(names.contains(name), || "tool_choice: no such tool".into())?;
        }
    }
    let form = &body["response_format"];
    if !form.is_null() {
        must(form["type"] == "json_schema", || "response_format.type".into())?;
        only(&form["json_schema"], &["name", "description", "schema", "strict"], "response_format.json_schema")?;
        tool_name(&form["json_schema"]["name"], "response_format.json_schema.name")?;
        if form["json_schema"]["strict"] == true {
            closed(&form["json_schema"]["schema"], true, "Invalid schema for response_format")?;
        }
    }
    let effort = body["reasoning_effort"].as_str();
    must(matches!(effort, None | Some("none" | "minimal" | "low" | "medium" | "high")), || {
        format!("reasoning_effort: {effort:?}")
    })?;
    messages(body)
}

fn tools(body: &Value) -> Result<BTreeSet<&str>, Refusal> {
    if body["tools"].is_null() {
        return Ok(BTreeSet::new());
    }
    let tools = list(&body["tools"], "tools")?;
    must(!tools.is_empty(), || "tools: [] is too short".into())?;
    for tool in tools {
        only(tool, &["type", "function"], "tools")?;
        must(tool["type"] == "function", || "tools.type".into())?;
        only(&tool["function"], &["name", "description", "parameters", "strict"], "tools.function")?;
        schema(&tool["function"]["parameters"], "tools.function.parameters")?;
    }
    tool_names(tools.iter().map(|tool| tool_name(&tool["function"]["name"], "tools.function.name")))
}

fn messages(body: &Value) -> Checked {
    let messages = list(&body["messages"], "messages")?;
    must(!messages.is_empty(), || "messages: [] is too short".into())?;
    let mut open: Vec<String> = Vec::new();
    let mut seen = BTreeSet::new();
    for (i, message) in messages.iter().enumerate() {
        let role = text(&message["role"], "messages.role")?;
        must(role == "tool" || open.is_empty(), || {
            format!(
                "messages[{i}]: an assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id': {open:?}"
            )
        })?;
        match role {
            "developer" | "system" | "user" => {
                only(message, &["role", "content", "name"], "messages")?;
                must(role == "user" || i == 0, || format!("messages[{i}]: instructions behind the talk"))?;
                words(&message["content"], "messages.content")?;
            }
            "assistant" => {
                only(message, &["role", "content", "refusal", "tool_calls", "reasoning_content"], "messages")?;
                let calls = message["tool_calls"].as_array().cloned().unwrap_or_default();
                must(!calls.is_empty() || message["content"].as_str().is_some_and(|text| !text.is_empty()), || {
                    format!("messages[{i}]: no content")
                })?;
                for call in &calls {
                    only(call, &["id", "type", "function"], "tool_calls")?;
                    only(&call["function"], &["name", "arguments"], "tool_calls.function")?;
                    tool_name(&call["function"]["name"], "tool_calls.function.name")?;
                    text(&call["function"]["arguments"], "tool_calls.function.arguments")?;
                    let id = words(&call["id"], "tool_calls.id")?;
                    must(seen.insert(id.to_owned()), || format!("messages[{i}]: tool call id {id:?} twice"))?;
                    open.push(id.to_owned());
                }
            }
            "tool" => {
                only(message, &["role", "content", "tool_call_id"], "messages")?;
                text(&message["content"], "messages.content")?;
                let id = text(&message["tool_call_id"], "tool_call_id")?;
                let at = open.iter().position(|open| open == id);
                let at = at.ok_or_else(|| {
                    wrong(format!(
                        "messages[{i}]: 'tool' must be a response to a preceding message with 'tool_calls': {id:?}"
                    ))
                })?;
                open.remove(at);
            }
            other => return Err(wrong(format!("messages[{i}].role: {other}"))),
        }
    }
    must(open.is_empty(), || format!("tool calls without answers: {open:?}"))?;
    let last = &messages[messages.len() - 1]["role"];
    must(last != "assistant", || "the last message is the model's own".into())
}

pub fn frames(body: &Value, play: &Play, cache: &mut Cache, memory: &mut Memory) -> Frames {
    let model = body["model"].as_str().unwrap_or_default();
    let mut blocks = body["tools"].as_array().cloned().unwrap_or_default();
    blocks.extend(body["messages"].as_array().cloned().unwrap_or_default());
    let tokens = cache.automatic(model, &blocks);
    let none = Vec::new();
    let (says, reason) = match &play.says {
        Says::Pieces(says) => (says, "stop"),
        Says::UpToTheLimit(says) => (says, "length"),
        Says::Nothing => (&none, "length"),
        Says::Refusal(_) => (&none, "stop"),
        Says::Filtered | Says::Blocked | Says::Fault(_) => (&none, "content_filter"),
    };
    let id = memory.next_id("chatcmpl-");
    let mut whole = json!({ "role": "assistant", "content": null, "refusal": null });
    let mut deltas = vec![json!({ "role": "assistant", "content": "", "refusal": null })];
    if let Says::Refusal(text) = play.says {
        deltas.extend(pieces(text).into_iter().map(|part| json!({ "refusal": part })));
        whole["refusal"] = json!(text);
    }
    let mut calls = Vec::new();
    for piece in says {
        match piece {
            // What is thought isn't shown.
            Piece::Thought(_) => {}
            Piece::Text(text) => {
                deltas.extend(pieces(text).into_iter().map(|part| json!({ "content": part })));
                whole["content"] = json!(format!("{}{text}", whole["content"].as_str().unwrap_or_default()));
            }
            Piece::Call { .. } | Piece::Broken { .. } => {
                let (name, arguments) = match piece {
                    Piece::Call { name, arguments } => (name, arguments.to_string()),
                    Piece::Broken { name, arguments } => (name, (*arguments).to_owned()),
                    _ => unreachable!("only calls are here"),
                };
                let (index, id) = (calls.len(), memory.next_id("call_"));
                let begin = json!({ "index": index, "id": id, "type": "function", "function": { "name": name, "arguments": "" } });
                deltas.push(json!({ "tool_calls": [begin] }));
                let parts = pieces(&arguments).into_iter();
                deltas.extend(
                    parts.map(|part| json!({ "tool_calls": [{ "index": index, "function": { "arguments": part } }] })),
                );
                calls.push(
                    json!({ "id": id, "type": "function", "function": { "name": name, "arguments": arguments } }),
                );
            }
        }
    }
    let reason = if !calls.is_empty() && reason == "stop" { "tool_calls" } else { reason };
    let out = tokens_of(&format!("{whole}{}", json!(calls)));
    if !calls.is_empty() {
        whole["tool_calls"] = json!(calls);
    }
    let chunk = |choices: Value| {
        let mut chunk = json!({ "id": id, "object": "chat.completion.chunk", "created": 1, "model": model, "choices": choices, "usage": null, "obfuscation": "x1y" });
        if play.manner.unknown {
            chunk["mood"] = json!({ "text": "fine" });
        }
        chunk
    };
    let choice = |delta: Value, reason: Value| json!([{ "index": 0, "delta": delta, "logprobs": null, "finish_reason": reason }]);
    let mut data: Vec<Value> = deltas.into_iter().map(|delta| chunk(choice(delta, Value::Null))).collect();
    if play.manner.unknown {
        data.insert(1, chunk(json!([{ "index": 0, "delta": { "hologram": { "light": 1 } }, "finish_reason": null }])));
        data.insert(1, json!({ "object": "chat.mood", "mood": 1 }));
    }
    data.push(chunk(choice(json!({}), json!(reason))));
    let usage = json!({
        "prompt_tokens": tokens.all,
        "completion_tokens": out,
        "total_tokens": tokens.all + out,
        "prompt_tokens_details": { "cached_tokens": tokens.read },
        "completion_tokens_details": { "reasoning_tokens": 0 },
    });
    let mut all = json!({ "id": id, "object": "chat.completion", "created": 1, "model": model, "choices": [{ "index": 0, "message": whole, "finish_reason": reason }] });
    if play.manner.usage && body["stream_options"]["include_usage"] == true {
        let mut last = chunk(json!([]));
        last["usage"] = usage.clone();
        data.push(last);
        all["usage"] = usage;
    }
    let frame = |data: &str| format!("data: {data}\n\n");
    let mut frames: Vec<String> = data.iter().map(|data| frame(&data.to_string())).collect();
    // With figures on tokens or without, three frames are the end.
    if !play.manner.usage || body["stream_options"]["include_usage"] != true {
        frames.push(frame(&chunk(json!([])).to_string()));
    }
    frames.push(frame("[DONE]"));
    Frames {
        frames,
        end: 3,
        ping: ": ping\n\n".to_owned(),
        error: frame(&json!({ "error": { "message": "The server is overloaded", "type": "server_error", "code": "server_is_overloaded" } }).to_string()),
        whole: all.to_string(),
        id_header: "x-request-id",
    }
}
