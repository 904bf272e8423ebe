//! Anthropic's Messages.

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

const FIELDS: [&str; 16] = [
    "model",
    "max_tokens",
    "messages",
    "system",
    "tools",
    "tool_choice",
    "stream",
    "stop_sequences",
    "thinking",
    "output_config",
    "cache_control",
    "metadata",
    "service_tier",
    "temperature",
    "top_p",
    "top_k",
];

pub fn check(path: &str, headers: &HeaderMap, body: &Value, memory: &Memory) -> Checked {
    must(path == "/v1/messages", || format!("no such path: {path}"))?;
    let bearer = header_of(headers, "authorization").strip_prefix("Bearer ");
    key_is(bearer.unwrap_or(header_of(headers, "x-api-key")), headers)?;
    let version = header_of(headers, "anthropic-version");
    must(matches!(version, "2026-10-21" | "2023-06-01"), || format!("anthropic-version: {version:?}"))?;
    only(body, &FIELDS, "body")?;
    if version == "2026-10-21" {
        for sampling in ["temperature", "top_p", "top_k"] {
            must(body[sampling].is_null(), || format!("{sampling}: not supported in this version"))?;
        }
    }
    words(&body["model"], "model")?;
    must(body["max_tokens"].as_u64() > Some(0), || "max_tokens: expected a positive number".into())?;
    let names = tools(body)?;
    let thinks = matches!(body["thinking"]["type"].as_str(), Some("adaptive" | "enabled"));
    choice(&body["tool_choice"], &names, thinks)?;
    output(&body["output_config"])?;
    if !body["system"].is_string() && !body["system"].is_null() {
        for block in list(&body["system"], "system")? {
            only(block, &["type", "text", "cache_control"], "system")?;
            words(&block["text"], "system")?;
        }
    }
    messages(body, memory)?;
    let marks = blocks(body).iter().filter(|block| !block["cache_control"].is_null()).count();
    must(marks <= 4, || format!("{marks} blocks with cache_control, at most 4 are taken"))
}

fn tools(body: &Value) -> Result<BTreeSet<&str>, Refusal> {
    if body["tools"].is_null() {
        return Ok(BTreeSet::new());
    }
    let tools = list(&body["tools"], "tools")?;
    for tool in tools {
        let own = tool["type"].as_str().is_none_or(|kind| kind == "custom");
        must(own, || "tools: the provider's own tools aren't played".into())?;
        only(tool, &["name", "description", "input_schema", "strict", "cache_control", "type"], "tools")?;
        schema(&tool["input_schema"], "tools.input_schema")?;
    }
    tool_names(tools.iter().map(|tool| tool_name(&tool["name"], "tools.name")))
}

fn choice(choice: &Value, names: &BTreeSet<&str>, thinks: bool) -> Checked {
    if choice.is_null() {
        return Ok(());
    }
    must(!names.is_empty(), || "tool_choice: there are no tools".into())?;
    only(choice, &["type", "name", "disable_parallel_tool_use"], "tool_choice")?;
    let kind = text(&choice["type"], "tool_choice.type")?;
    must(!(thinks && matches!(kind, "any" | "tool")), || {
        "thinking may not be enabled when tool_choice forces tool use".into()
    })?;
    match kind {
        "auto" | "any" => Ok(()),
        "none" => only(choice, &["type"], "tool_choice"),
        "tool" => {
            must(names.contains(text(&choice["name"], "tool_choice.name")?), || "tool_choice: no such tool".into())
        }
        other => Err(wrong(format!("tool_choice.type: {other}"))),
    }
}

fn output(output: &Value) -> Checked {
    if output.is_null() {
        return Ok(());
    }
    only(output, &["effort", "format"], "output_config")?;
    let effort = output["effort"].as_str();
    must(output["effort"].is_null() || matches!(effort, Some("low" | "medium" | "high" | "max")), || {
        format!("output_config.effort: {effort:?}")
    })?;
    if output["format"].is_null() {
        return Ok(());
    }
    must(output["format"]["type"] == "json_schema", || "output_config.format.type".into())?;
    let schema = &output["format"]["schema"];
    closed(schema, false, "output_config.format.schema")?;
    limits(schema)
}

/// Refuses a schema with limits, which the format has no words for.
fn limits(schema: &Value) -> Checked {
    const NOT_TAKEN: [&str; 6] = ["minimum", "maximum", "minLength", "maxLength", "maxItems", "multipleOf"];
    for (key, value) in schema.as_object().into_iter().flatten() {
        must(!NOT_TAKEN.contains(&key.as_str()) && (key != "minItems" || value.as_u64() <= Some(1)), || {
            format!("output_config.format.schema: {key} is not supported")
        })?;
        match value {
            // Here stand names.
            Value::Object(names) if matches!(key.as_str(), "properties" | "$defs") => {
                names.values().try_for_each(limits)?
            }
            Value::Array(all) => all.iter().try_for_each(limits)?,
            other => limits(other)?,
        }
    }
    Ok(())
}

fn content(message: &Value) -> Result<Vec<Value>, Refusal> {
    match &message["content"] {
        Value::String(text) => Ok(vec![json!({ "type": "text", "text": text })]),
        content => list(content, "messages.content").cloned(),
    }
}

fn messages(body: &Value, memory: &Memory) -> Checked {
    let messages = list(&body["messages"], "messages")?;
    must(!messages.is_empty(), || "messages: at least one message is required".into())?;
    let model = text(&body["model"], "model")?;
    let mut open: Vec<String> = Vec::new();
    let mut seen = BTreeSet::new();
    for (i, message) in messages.iter().enumerate() {
        only(message, &["role", "content"], "messages")?;
        let role = text(&message["role"], "messages.role")?;
        must(role == if i % 2 == 0 { "user" } else { "assistant" }, || {
            format!("messages.{i}: roles must alternate, from user on")
        })?;
        let blocks = content(message)?;
        must(!blocks.is_empty(), || format!("messages.{i}: content must not be empty"))?;
        if role == "user" {
            results(&blocks, std::mem::take(&mut open), i)?;
        } else {
            open = said(&blocks, model, memory, &mut seen, i)?;
        }
    }
    must(open.is_empty(), || "tool_use without tool_result".into())?;
    must(messages.len() % 2 == 1, || {
        "This model does not support assistant message prefill. The conversation must end with a user message.".into()
    })
}

/// The results stand first, one for each call.
fn results(blocks: &[Value], mut open: Vec<String>, i: usize) -> Checked {
    let mut words_came = false;
    for block in blocks {
        match block["type"].as_str() {
            Some("text") => {
                only(block, &["type", "text", "cache_control"], "text")?;
                words(&block["text"], "text")?;
                words_came = true;
            }
            Some("tool_result") => {
                only(block, &["type", "tool_use_id", "content", "is_error", "cache_control"], "tool_result")?;
                text(&block["content"], "tool_result.content")?;
                let id = text(&block["tool_use_id"], "tool_use_id")?;
                must(!words_came, || format!("messages.{i}: tool_result must come first"))?;
                let at = open.iter().position(|open| open == id);
                let at = at.ok_or_else(|| {
                    wrong(format!("messages.{i}: unexpected tool_use_id {id:?}: no tool_use, or a second result"))
                })?;
                open.remove(at);
            }
            other => return Err(wrong(format!("messages.{i}: {other:?} in a user message"))),
        }
    }
    must(open.is_empty(), || format!("messages.{i}: `tool_use` ids were found without `tool_result` blocks: {open:?}"))
}

/// What the model is said to have said; returns the ids of its calls.
fn said(
    blocks: &[Value],
    model: &str,
    memory: &Memory,
    seen: &mut BTreeSet<String>,
    i: usize,
) -> Result<Vec<String>, Refusal> {
    let mut calls = Vec::new();
    let mut thoughts = Vec::new();
    for block in blocks {
        match block["type"].as_str() {
            Some("text") => drop(words(&block["text"], "text")?),
            Some("thinking") => {
                only(block, &["type", "thinking", "signature"], "thinking")?;
                let thought = text(&block["thinking"], "thinking")?;
                must(block["signature"] == signature(model, thought), || {
                    format!("messages.{i}: Invalid `signature` in `thinking` block")
                })?;
                thoughts.push(block.clone());
            }
            Some("tool_use") => {
                only(block, &["type", "id", "name", "input", "caller", "cache_control"], "tool_use")?;
                let id = text(&block["id"], "tool_use.id")?;
                must(block["input"].is_object(), || format!("messages.{i}: tool_use.input: expected an object"))?;
                tool_name(&block["name"], "tool_use.name")?;
                must(
                    !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-'),
                    || format!("tool_use.id: {id:?}"),
                )?;
                must(seen.insert(id.to_owned()), || format!("messages.{i}: tool_use id {id:?} twice"))?;
                if let Some(said) = memory.thoughts.get(id) {
                    must(said == &thoughts, || {
                        format!("messages.{i}: thinking blocks before a tool_use cannot be modified or left out")
                    })?;
                }
                calls.push(id.to_owned());
            }
            Some(_) => {}
            None => return Err(wrong(format!("messages.{i}: a block without a type"))),
        }
    }
    Ok(calls)
}

/// All blocks of a request in the order in which they are kept.
fn blocks(body: &Value) -> Vec<Value> {
    let mut all = body["tools"].as_array().cloned().unwrap_or_default();
    match &body["system"] {
        Value::Array(blocks) => all.extend(blocks.clone()),
        Value::Null => {}
        text => all.push(text.clone()),
    }
    for message in body["messages"].as_array().into_iter().flatten() {
        all.extend(content(message).unwrap_or_default());
    }
    all
}

pub fn frames(body: &Value, play: &Play, cache: &mut Cache, memory: &mut Memory) -> Frames {
    let model = body["model"].as_str().unwrap_or_default();
    let tokens = cache.marked(model, &blocks(body));
    let (mut says, reason) = match &play.says {
        Says::Pieces(pieces) => (pieces.clone(), "end_turn"),
        Says::UpToTheLimit(pieces) => (pieces.clone(), "max_tokens"),
        Says::Nothing => (Vec::new(), "max_tokens"),
        Says::Refusal(_) | Says::Filtered | Says::Blocked | Says::Fault(_) => (Vec::new(), "refusal"),
    };
    let calls = says.iter().any(|piece| matches!(piece, Piece::Call { .. } | Piece::Broken { .. }));
    let reason = if calls && reason == "end_turn" { "tool_use" } else { reason };
    let details = match &play.says {
        Says::Refusal(text) => json!({ "type": "refusal", "category": "cyber", "explanation": text }),
        _ => Value::Null,
    };
    if let Says::Refusal(text) = &play.says {
        says = vec![Piece::Text((*text).to_owned())];
    }
    let usage = |output: u64| {
        json!({
            "input_tokens": tokens.all - tokens.read - tokens.written,
            "cache_read_input_tokens": tokens.read,
            "cache_creation_input_tokens": tokens.written,
            "output_tokens": output,
        })
    };
    let mut data = Vec::new();
    let id = memory.next_id("msg_");
    let mut message =
        json!({ "id": id, "type": "message", "role": "assistant", "model": model, "content": [], "stop_reason": null });
    if play.manner.usage {
        message["usage"] = usage(1);
    }
    data.push(json!({ "type": "message_start", "message": message }));
    if play.manner.unknown {
        data.push(json!({ "type": "message_mood", "mood": { "text": "fine" } }));
    }
    let (mut content, mut thoughts, mut out) = (Vec::new(), Vec::new(), 0);
    let last = says.len().saturating_sub(1);
    for (index, piece) in says.iter().enumerate() {
        let delta = |delta: Value| json!({ "type": "content_block_delta", "index": index, "delta": delta });
        let (mut block, deltas): (Value, Vec<Value>) = match piece {
            Piece::Thought(thought) => {
                let signature = signature(model, thought);
                let block = json!({ "type": "thinking", "thinking": thought, "signature": signature });
                let mut deltas: Vec<Value> = pieces(thought)
                    .into_iter()
                    .map(|part| delta(json!({ "type": "thinking_delta", "thinking": part })))
                    .collect();
                deltas.push(delta(json!({ "type": "signature_delta", "signature": signature })));
                thoughts.push(block.clone());
                (block, deltas)
            }
            Piece::Text(text) => {
                let deltas = pieces(text).into_iter().map(|part| delta(json!({ "type": "text_delta", "text": part })));
                (json!({ "type": "text", "text": text }), deltas.collect())
            }
            Piece::Call { .. } | Piece::Broken { .. } => {
                let (name, input, written) = match piece {
                    Piece::Call { name, arguments } => (name, arguments.clone(), arguments.to_string()),
                    Piece::Broken { name, arguments } => (name, json!(arguments), (*arguments).to_owned()),
                    _ => unreachable!("only calls are here"),
                };
                let id = memory.next_id("toolu_");
                memory.thoughts.insert(id.clone(), thoughts.clone());
                let deltas = pieces(&written)
                    .into_iter()
                    .map(|part| delta(json!({ "type": "input_json_delta", "partial_json": part })));
                (json!({ "type": "tool_use", "id": id, "name": name, "input": input }), deltas.collect())
            }
        };
        out += tokens_of(&block.to_string());
        content.push(block.clone());
        for (key, empty) in
            [("text", json!("")), ("thinking", json!("")), ("signature", json!("")), ("input", json!({}))]
        {
            if !block[key].is_null() {
                block[key] = empty;
            }
        }
        data.push(json!({ "type": "content_block_start", "index": index, "content_block": block }));
        data.extend(deltas);
        // At the limit the last block isn't ended.
        if reason != "max_tokens" || index != last {
            data.push(json!({ "type": "content_block_stop", "index": index }));
        }
    }
    if play.manner.unknown {
        let index = says.len();
        data.push(json!({ "type": "content_block_start", "index": index, "content_block": { "type": "hologram", "light": 1 } }));
        data.push(
            json!({ "type": "content_block_delta", "index": index, "delta": { "type": "light_delta", "light": 2 } }),
        );
        data.push(json!({ "type": "content_block_stop", "index": index }));
    }
    let mut end = json!({ "type": "message_delta", "delta": { "stop_reason": reason, "stop_sequence": null, "stop_details": details } });
    if play.manner.usage {
        end["usage"] = usage(out.max(1));
        message["usage"] = usage(out.max(1));
    }
    data.push(end);
    data.push(json!({ "type": "message_stop" }));
    message["content"] = json!(content);
    message["stop_reason"] = json!(reason);
    message["stop_details"] = details;
    let frame = |data: &Value| format!("event: {}\ndata: {data}   \n\n", data["type"].as_str().unwrap_or_default());
    Frames {
        frames: data.iter().map(frame).collect(),
        end: 2,
        ping: frame(&json!({ "type": "ping" })),
        error: frame(&json!({ "type": "error", "error": { "type": "overloaded_error", "message": "Overloaded" } })),
        whole: message.to_string(),
        id_header: "request-id",
    }
}
