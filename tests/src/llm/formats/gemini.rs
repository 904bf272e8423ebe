//! Google's `generateContent`, streamed.

use std::collections::BTreeSet;

use axum::http::HeaderMap;
use serde_json::{Value, json};

use super::{
    Cache, Checked, Frames, Memory, Play, Refusal, header_of, key_is, list, must, only, pieces, schema, signature,
    text, tool_name, tool_names, words, wrong,
};
use crate::llm::{
    cache::tokens_of,
    play::{Piece, Says},
};

const FIELDS: [&str; 7] =
    ["contents", "systemInstruction", "tools", "toolConfig", "generationConfig", "safetySettings", "cachedContent"];

const GENERATION: [&str; 9] = [
    "maxOutputTokens",
    "responseMimeType",
    "responseJsonSchema",
    "thinkingConfig",
    "temperature",
    "topP",
    "topK",
    "stopSequences",
    "responseModalities",
];

/// What may stand for a signature.
const NO_SIGNATURE: &str = "skip_thought_signature_validator";

fn model_of(path: &str) -> Option<&str> {
    path.rsplit_once("/v1beta/models/")?.1.strip_suffix(":streamGenerateContent?alt=sse")
}

pub fn check(path: &str, headers: &HeaderMap, body: &Value, memory: &Memory) -> Checked {
    let model = model_of(path).ok_or_else(|| wrong(format!("no such path: {path}")))?;
    key_is(header_of(headers, "x-goog-api-key"), headers)?;
    only(body, &FIELDS, "body")?;
    let names = tools(body)?;
    let calling = &body["toolConfig"]["functionCallingConfig"];
    if !calling.is_null() {
        must(!names.is_empty(), || "toolConfig without tools".into())?;
        only(calling, &["mode", "allowedFunctionNames"], "functionCallingConfig")?;
        let mode = text(&calling["mode"], "mode")?;
        must(matches!(mode, "AUTO" | "ANY" | "NONE" | "VALIDATED"), || format!("mode: {mode}"))?;
        for name in calling["allowedFunctionNames"].as_array().into_iter().flatten() {
            must(mode == "ANY" && names.contains(text(name, "allowedFunctionNames")?), || {
                "allowedFunctionNames".into()
            })?;
        }
    }
    let generation = &body["generationConfig"];
    if !generation.is_null() {
        only(generation, &GENERATION, "generationConfig")?;
        must(
            generation["responseJsonSchema"].is_null() || generation["responseMimeType"] == "application/json",
            || "responseJsonSchema without responseMimeType".into(),
        )?;
        if !generation["thinkingConfig"].is_null() {
            only(
                &generation["thinkingConfig"],
                &["includeThoughts", "thinkingBudget", "thinkingLevel"],
                "thinkingConfig",
            )?;
        }
    }
    if !body["systemInstruction"].is_null() {
        only(&body["systemInstruction"], &["parts", "role"], "systemInstruction")?;
        for part in list(&body["systemInstruction"]["parts"], "systemInstruction.parts")? {
            words(&part["text"], "systemInstruction.parts.text")?;
        }
    }
    contents(model, body, memory)
}

fn tools(body: &Value) -> Result<BTreeSet<&str>, Refusal> {
    if body["tools"].is_null() {
        return Ok(BTreeSet::new());
    }
    let mut declared = Vec::new();
    for tool in list(&body["tools"], "tools")? {
        must(!tool["functionDeclarations"].is_null(), || "tools: the provider's own tools aren't played".into())?;
        only(tool, &["functionDeclarations"], "tools")?;
        declared.extend(list(&tool["functionDeclarations"], "functionDeclarations")?);
    }
    for function in &declared {
        only(function, &["name", "description", "parametersJsonSchema", "parameters"], "functionDeclarations")?;
        // A function without arguments may do without a schema; the older kind isn't JSON Schema.
        if !function["parametersJsonSchema"].is_null() {
            schema(&function["parametersJsonSchema"], "parametersJsonSchema")?;
        }
    }
    tool_names(declared.into_iter().map(|function| tool_name(&function["name"], "functionDeclarations.name")))
}

fn contents(model: &str, body: &Value, memory: &Memory) -> Checked {
    let contents = list(&body["contents"], "contents")?;
    must(!contents.is_empty(), || "contents is not specified".into())?;
    let last_words = contents.iter().rposition(|content| {
        content["role"] == "user"
            && content["parts"].as_array().is_some_and(|parts| parts.iter().any(|part| part["text"].is_string()))
    });
    let mut open: Vec<&Value> = Vec::new();
    for (i, content) in contents.iter().enumerate() {
        only(content, &["role", "parts"], "contents")?;
        let role = text(&content["role"], "contents.role")?;
        must(role == if i % 2 == 0 { "user" } else { "model" }, || {
            format!("contents[{i}]: roles must alternate, from user on")
        })?;
        let parts = list(&content["parts"], "contents.parts")?;
        must(!parts.is_empty(), || format!("contents[{i}].parts is empty"))?;
        let answers: Vec<&Value> =
            parts.iter().map(|part| &part["functionResponse"]).filter(|part| !part.is_null()).collect();
        must(answers.len() == open.len(), || {
            format!("contents[{i}]: {} function responses for {} function calls", answers.len(), open.len())
        })?;
        for (call, answer) in open.iter().zip(&answers) {
            only(answer, &["name", "response", "id"], "functionResponse")?;
            must(answer["name"] == call["name"] && answer["id"] == call["id"], || {
                format!("contents[{i}]: the response isn't the call's: {answer}")
            })?;
            must(answer["response"].is_object(), || "functionResponse.response".into())?;
        }
        let in_this_turn = last_words.is_some_and(|last| i > last);
        open = said(model, parts, role, in_this_turn, memory)
            .map_err(|refusal| Refusal { message: format!("contents[{i}]: {}", refusal.message), ..refusal })?;
    }
    must(open.is_empty(), || "function calls without responses".into())?;
    must(contents.len() % 2 == 1, || "the last content is the model's own".into())
}

/// The parts of a content; returns its calls.
fn said<'a>(
    model: &str,
    parts: &'a [Value],
    role: &str,
    in_this_turn: bool,
    memory: &Memory,
) -> Result<Vec<&'a Value>, Refusal> {
    let mut calls = Vec::new();
    for part in parts {
        only(part, &["text", "thought", "thoughtSignature", "functionCall", "functionResponse"], "parts")?;
        let signature = part["thoughtSignature"].as_str();
        if let Some(text) = part["text"].as_str() {
            must(!text.is_empty() || signature.is_some(), || "a part without text".into())?;
        }
        let call = &part["functionCall"];
        must(role == "model" || (call.is_null() && signature.is_none()), || "a call of the user's".into())?;
        must(role == "user" || part["functionResponse"].is_null(), || "a response of the model's".into())?;
        if let Some(signature) = signature.filter(|signature| *signature != NO_SIGNATURE) {
            let same =
                memory.signed.get(signature).is_some_and(|(by, of)| by == model && (of == call || call.is_null()));
            must(same, || "Corrupted thought signature.".into())?;
        }
        if !call.is_null() {
            only(call, &["name", "args", "id"], "functionCall")?;
            tool_name(&call["name"], "functionCall.name")?;
            must(call["args"].is_object(), || "functionCall.args".into())?;
            must(!in_this_turn || !calls.is_empty() || signature.is_some(), || {
                "Function call is missing a thought_signature in functionCall parts.".into()
            })?;
            calls.push(call);
        }
    }
    Ok(calls)
}

pub fn frames(path: &str, body: &Value, play: &Play, cache: &mut Cache, memory: &mut Memory) -> Frames {
    let model = model_of(path).unwrap_or_default();
    let mut blocks = vec![body["tools"].clone(), body["systemInstruction"].clone()];
    blocks.extend(body["contents"].as_array().cloned().unwrap_or_default());
    let tokens = cache.automatic(model, &blocks);
    let none = Vec::new();
    let (says, reason) = match &play.says {
        Says::Pieces(says) => (says, "STOP"),
        Says::UpToTheLimit(says) => (says, "MAX_TOKENS"),
        Says::Nothing => (&none, "MAX_TOKENS"),
        Says::Refusal(_) | Says::Filtered | Says::Blocked | Says::Fault(_) => (&none, "SAFETY"),
    };
    let (mut parts, mut chunks, mut signed) = (Vec::new(), Vec::new(), false);
    for (i, piece) in says.iter().enumerate() {
        match piece {
            Piece::Thought(_) => {}
            Piece::Text(text) => {
                parts.push(json!({ "text": text }));
                chunks.extend(pieces(text).into_iter().map(|part| json!({ "text": part })));
            }
            // Arguments come whole on this interface: a call that broke off doesn't come at all, and one that can't be read
            // ends the answer.
            Piece::Broken { .. } => {}
            Piece::Call { name, arguments } => {
                let mut call = json!({ "name": name, "args": arguments });
                // Newer models have ids, older ones don't.
                if i % 2 == 1 {
                    call["id"] = json!(memory.next_id("fc_"));
                }
                let mut part = json!({ "functionCall": call });
                // Only the first of parallel calls is signed.
                if !std::mem::replace(&mut signed, true) {
                    let number = memory.next_id("");
                    let signature = signature(model, &format!("{call}{number}"));
                    memory.signed.insert(signature.clone(), (model.to_owned(), call));
                    part["thoughtSignature"] = json!(signature);
                }
                parts.push(part.clone());
                chunks.push(part);
            }
        }
    }
    let reason = match (reason, says.iter().any(|piece| matches!(piece, Piece::Broken { .. }))) {
        ("STOP", true) => "MALFORMED_FUNCTION_CALL",
        (reason, _) => reason,
    };
    // An answer without calls may be signed at its end, on a part without words.
    if !signed && !parts.is_empty() && says.iter().any(|piece| matches!(piece, Piece::Thought(_))) {
        let signature = signature(model, &memory.next_id("end"));
        memory.signed.insert(signature.clone(), (model.to_owned(), Value::Null));
        let part = json!({ "text": "", "thoughtSignature": signature });
        parts.push(part.clone());
        chunks.push(part);
    }
    let out = tokens_of(&json!(parts).to_string());
    let usage = json!({
        "promptTokenCount": tokens.all,
        "cachedContentTokenCount": tokens.read,
        "candidatesTokenCount": out,
        "thoughtsTokenCount": 0,
        "totalTokenCount": tokens.all + out,
    });
    let chunk = |content: Value, reason: Value| {
        let mut candidate = json!({ "index": 0 });
        for (key, value) in [("content", content), ("finishReason", reason)] {
            if !value.is_null() {
                candidate[key] = value;
            }
        }
        let mut chunk = json!({ "candidates": [candidate], "modelVersion": model, "responseId": "r1" });
        if play.manner.usage {
            chunk["usageMetadata"] = usage.clone();
        }
        if play.manner.unknown {
            chunk["mood"] = json!({ "text": "fine" });
        }
        chunk
    };
    let of = |part: &Value| chunk(json!({ "role": "model", "parts": [part] }), Value::Null);
    let mut data: Vec<Value> = chunks.iter().map(of).collect();
    if play.manner.unknown {
        data.insert(0, json!({ "mood": { "text": "fine" } }));
    }
    match &play.says {
        Says::Blocked => {
            let mut blocked =
                json!({ "promptFeedback": { "blockReason": "PROHIBITED_CONTENT" }, "modelVersion": model });
            blocked["usageMetadata"] = json!({ "promptTokenCount": tokens.all, "totalTokenCount": tokens.all });
            data = vec![blocked];
        }
        // Not even a list of parts.
        Says::Nothing | Says::Filtered => data.push(chunk(json!({ "role": "model" }), json!(reason))),
        _ => {
            data.push(of(&json!({ "text": "" })));
            data.push(chunk(json!({ "role": "model", "parts": [{ "text": "" }] }), json!(reason)));
        }
    }
    let whole = match &play.says {
        Says::Blocked => data[0].clone(),
        _ => chunk(json!({ "role": "model", "parts": parts }), json!(reason)),
    };
    let frame = |data: &Value| format!("data: {data}\n\n");
    Frames {
        frames: data.iter().map(frame).collect(),
        end: 1,
        ping: ": ping\n\n".to_owned(),
        error: frame(
            &json!({ "error": { "code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE" } }),
        ),
        whole: whole.to_string(),
        id_header: "x-goog-request-id",
    }
}
