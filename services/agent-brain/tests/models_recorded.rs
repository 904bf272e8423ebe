//! What providers really sent is understood: each recorded answer is read here a second time, in another way.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{collections::BTreeMap, path::Path, time::Duration};

use chrono::Utc;
use serde_json::{Value, json};
use steward_agent_brain::models::{
    Answer, Arguments, CallResult, Delta, ModelError, Param, Request, Step, Stop, Text, Usage,
    providers::{self, Asked, Folded, Folder, Refusal, Without},
    sse::Reader,
};
use steward_settings::{Model, ModelKind};

struct Recorded {
    source: String,
    status: u16,
    headers: Vec<(String, String)>,
    /// The bytes, as they would have come.
    bytes: Vec<u8>,
    streams: bool,
    /// The JSON in it: the whole body, or the frames'.
    values: Vec<Value>,
}

fn recorded(kind: ModelKind) -> Vec<Recorded> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/recorded/{}.jsonl", kind.name()));
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| one(&serde_json::from_str(line).unwrap())).collect()
}

fn one(row: &Value) -> Recorded {
    let (mut bytes, mut values, mut streams) = (String::new(), Vec::new(), true);
    if let Some(chunks) = row["chunks"].as_array() {
        for chunk in chunks {
            bytes.push_str(&format!("data: {}\n\n", chunk.as_str().unwrap()));
        }
    } else if let Some(text) = row["body"].as_str() {
        bytes.push_str(text);
    } else {
        streams = false;
        bytes = row["body"].to_string();
        values = row["body"].as_array().cloned().unwrap_or_else(|| vec![row["body"].clone()]);
    }
    if streams {
        let data = bytes.lines().filter_map(|line| line.strip_prefix("data: ")).filter(|data| *data != "[DONE]");
        values = data.map(|data| serde_json::from_str(data).unwrap()).collect();
    }
    // Some recordings are of several answers, one behind the other.
    if let Some(end) = values.iter().position(|value| value["type"] == "message_stop") {
        values.truncate(end + 1);
    }
    let headers = row["headers"].as_object().unwrap();
    Recorded {
        source: row["source"].as_str().unwrap().to_owned(),
        status: row["status"].as_u64().unwrap() as u16,
        headers: headers.iter().map(|(k, v)| (k.clone(), v.as_str().unwrap().to_owned())).collect(),
        bytes: bytes.into_bytes(),
        streams,
        values,
    }
}

fn model(kind: ModelKind) -> Model {
    Model {
        provider: "p".to_owned(),
        kind,
        name: "m".to_owned(),
        base_url: String::new(),
        genuine: true,
        api_key: None,
        api_version: Some("v1beta".to_owned()),
        max_output: None,
        price: None,
    }
}

fn question() -> Request {
    Request { steps: vec![Step::User(vec![Text::Trusted("?".to_owned())])], max_output: 100, ..Request::default() }
}

/// The answer as the adapter reads it, and what it shows meanwhile.
fn read(kind: ModelKind, row: &Recorded) -> (Result<Answer, ModelError>, Vec<Delta>) {
    let mut shown = Vec::new();
    if row.status != 200 {
        let refusal = Refusal { status: row.status, headers: &row.headers, body: &row.bytes, now: Utc::now() };
        return (Err(providers::error(kind, &refusal).error), shown);
    }
    let mut folder = Folder::new(Asked::new(&model(kind), &question()));
    let now = Utc::now();
    let fed = if row.streams {
        let mut frames = Vec::new();
        Reader::new(1 << 20).read(&row.bytes, &mut frames).unwrap();
        let mut done = false;
        frames.iter().try_for_each(|frame| {
            done = done || folder.frame(frame, now, &mut shown)? == Folded::Done;
            Ok(())
        })
    } else {
        folder.whole(&row.bytes, now, &mut shown)
    };
    (fed.and_then(|()| folder.finish(row.bytes.len())), shown)
}

/// What an answer comes to: text, calls by name and arguments, why it stopped, tokens.
type Sense = (String, Vec<(String, Value)>, Stop, [u64; 5]);

fn sense(answer: &Answer) -> Sense {
    let calls = answer.said.calls.iter().map(|call| match &call.arguments {
        Arguments::Json(arguments) => (call.name.clone(), arguments.clone()),
        Arguments::Raw(text) => (call.name.clone(), json!(text)),
    });
    let Usage { input, input_cached, input_cache_write, output, output_reasoning, exact } = answer.usage;
    assert!(exact);
    let tokens = [input, input_cached, input_cache_write, output, output_reasoning];
    (answer.said.text.clone(), calls.collect(), answer.stop.clone(), tokens)
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or(0)
}

fn stop_of(calls: &[(String, Value)]) -> Stop {
    if calls.is_empty() { Stop::End } else { Stop::Calls }
}

fn anthropic(values: &[Value]) -> Sense {
    // Frames become the message that would have come at once.
    let mut whole = values[0].clone();
    let mut usage = values[0]["usage"].clone();
    if values[0]["type"] != "message" {
        let mut blocks: BTreeMap<u64, Value> = BTreeMap::new();
        let mut pieces: BTreeMap<u64, String> = BTreeMap::new();
        for value in values {
            let index = number(&value["index"]);
            let add = |to: &mut Value, more: &Value| {
                *to = json!(format!("{}{}", to.as_str().unwrap_or_default(), more.as_str().unwrap()));
            };
            match value["type"].as_str().unwrap() {
                "message_start" => usage = value["message"]["usage"].clone(),
                "content_block_start" => drop(blocks.insert(index, value["content_block"].clone())),
                "content_block_delta" => {
                    let (block, delta) = (blocks.get_mut(&index).unwrap(), &value["delta"]);
                    match delta["type"].as_str().unwrap() {
                        "text_delta" => add(&mut block["text"], &delta["text"]),
                        "input_json_delta" => {
                            pieces.entry(index).or_default().push_str(delta["partial_json"].as_str().unwrap());
                        }
                        _ => {}
                    }
                }
                "message_delta" => {
                    for (key, figure) in value["usage"].as_object().unwrap() {
                        usage[key] = figure.clone();
                    }
                    whole["stop_reason"] = value["delta"]["stop_reason"].clone();
                }
                _ => {}
            }
        }
        for (index, text) in pieces.into_iter().filter(|(_, text)| !text.is_empty()) {
            blocks.get_mut(&index).unwrap()["input"] = serde_json::from_str(&text).unwrap();
        }
        whole["content"] = blocks.into_values().collect();
    }
    let of =
        |kind: &'static str| whole["content"].as_array().unwrap().iter().filter(move |block| block["type"] == kind);
    let text: String = of("text").map(|block| block["text"].as_str().unwrap()).collect();
    let calls: Vec<_> =
        of("tool_use").map(|call| (call["name"].as_str().unwrap().to_owned(), call["input"].clone())).collect();
    let stop = match whole["stop_reason"].as_str().unwrap() {
        "refusal" => Stop::Refused { category: None, text: text.clone() },
        "max_tokens" => Stop::Length,
        "end_turn" | "tool_use" => stop_of(&calls),
        other => panic!("{other}"),
    };
    let (read, written) = (number(&usage["cache_read_input_tokens"]), number(&usage["cache_creation_input_tokens"]));
    let thoughts = number(&usage["output_tokens_details"]["thinking_tokens"]);
    let tokens =
        [number(&usage["input_tokens"]) + read + written, read, written, number(&usage["output_tokens"]), thoughts];
    (text, calls, stop, tokens)
}

fn openai(values: &[Value]) -> Sense {
    let (mut text, mut calls, mut usage, mut finish) = (String::new(), BTreeMap::new(), &Value::Null, "");
    for value in values {
        if !value["usage"].is_null() {
            usage = &value["usage"];
        }
        let choice = &value["choices"][0];
        let said = if choice["message"].is_null() { &choice["delta"] } else { &choice["message"] };
        text.push_str(said["content"].as_str().unwrap_or_default());
        for (at, call) in said["tool_calls"].as_array().into_iter().flatten().enumerate() {
            let index = call["index"].as_u64().unwrap_or(at as u64);
            let (name, arguments): &mut (String, String) = calls.entry(index).or_default();
            name.push_str(call["function"]["name"].as_str().unwrap_or_default());
            arguments.push_str(call["function"]["arguments"].as_str().unwrap_or_default());
        }
        finish = choice["finish_reason"].as_str().unwrap_or(finish);
    }
    let calls: Vec<_> =
        calls.into_values().map(|(name, arguments)| (name, serde_json::from_str(&arguments).unwrap())).collect();
    assert!(matches!(finish, "stop" | "tool_calls"), "{finish}");
    let tokens = [
        number(&usage["prompt_tokens"]),
        number(&usage["prompt_tokens_details"]["cached_tokens"]),
        number(&usage["prompt_tokens_details"]["cache_write_tokens"]),
        number(&usage["completion_tokens"]),
        number(&usage["completion_tokens_details"]["reasoning_tokens"]),
    ];
    let stop = stop_of(&calls);
    (text, calls, stop, tokens)
}

fn responses(values: &[Value]) -> Sense {
    let over = |value: &&Value| matches!(value["type"].as_str(), Some("response.completed" | "response.incomplete"));
    let response = values.iter().find(over).map_or(&values[0], |value| &value["response"]);
    // At the end the response says again all that came in pieces.
    let items = || response["output"].as_array().unwrap().iter();
    let parts = items().filter_map(|item| item["content"].as_array()).flatten();
    let text = parts.filter_map(|part| part["text"].as_str()).collect();
    let calls: Vec<_> = items()
        .filter(|item| item["type"] == "function_call")
        .map(|call| {
            (
                call["name"].as_str().unwrap().to_owned(),
                serde_json::from_str(call["arguments"].as_str().unwrap()).unwrap(),
            )
        })
        .collect();
    let usage = &response["usage"];
    let of_input = |key| number(&usage["input_tokens_details"][key]);
    let tokens = [
        number(&usage["input_tokens"]),
        of_input("cached_tokens"),
        of_input("cache_write_tokens"),
        number(&usage["output_tokens"]),
        number(&usage["output_tokens_details"]["reasoning_tokens"]),
    ];
    let stop = stop_of(&calls);
    (text, calls, stop, tokens)
}

fn gemini(values: &[Value]) -> Sense {
    let (mut text, mut calls, mut usage, mut finish) = (String::new(), Vec::new(), &Value::Null, "");
    for value in values {
        if !value["usageMetadata"]["promptTokenCount"].is_null() {
            usage = &value["usageMetadata"];
        }
        let candidate = &value["candidates"][0];
        finish = candidate["finishReason"].as_str().unwrap_or(finish);
        for part in candidate["content"]["parts"].as_array().into_iter().flatten() {
            if part["thought"] != true {
                text.push_str(part["text"].as_str().unwrap_or_default());
            }
            if let Some(name) = part["functionCall"]["name"].as_str() {
                calls.push((name.to_owned(), part["functionCall"]["args"].clone()));
            }
        }
    }
    let stop = match finish {
        "STOP" => stop_of(&calls),
        "MAX_TOKENS" => Stop::Length,
        other => Stop::Blocked { category: other.to_lowercase() },
    };
    let (thoughts, brought) = (number(&usage["thoughtsTokenCount"]), number(&usage["toolUsePromptTokenCount"]));
    let tokens = [
        number(&usage["promptTokenCount"]) + brought,
        number(&usage["cachedContentTokenCount"]),
        0,
        number(&usage["candidatesTokenCount"]) + thoughts,
        thoughts,
    ];
    let total = usage["totalTokenCount"].as_u64();
    assert!(total.is_none_or(|total| total == tokens[0] + tokens[3]), "{usage}");
    (text, calls, stop, tokens)
}

/// Rows whose calls come in pieces, which is only done when asked for: what the arguments are isn't guessed.
fn in_pieces(row: &Recorded) -> bool {
    row.source.contains("google-stream-tool-call-ar")
}

/// Every answer with the status 200 that is no error means what it says.
#[test]
fn recorded_answers_are_understood() {
    for (kind, sense_of, least) in [
        (ModelKind::Anthropic, anthropic as fn(&[Value]) -> Sense, 50),
        (ModelKind::Openai, openai, 24),
        (ModelKind::OpenaiResponses, responses, 49),
        (ModelKind::Gemini, gemini, 54),
    ] {
        let mut understood = 0;
        for row in recorded(kind).iter().filter(|row| row.status == 200) {
            let (answer, shown) = read(kind, row);
            if row.values.iter().any(|value| value["type"] == "error") {
                assert_eq!(answer, Err(ModelError::Overloaded { after: None }), "{}", row.source);
                continue;
            }
            // One that goes on without us, which isn't asked for.
            if row.values[0]["status"] == "queued" {
                assert!(matches!(answer, Err(ModelError::Cut { .. })), "{}", row.source);
                continue;
            }
            if in_pieces(row) {
                assert_eq!(answer, Err(ModelError::Malformed), "{}", row.source);
                continue;
            }
            let answer = answer.unwrap_or_else(|error| panic!("{}: {error}", row.source));
            assert_eq!(sense(&answer), sense_of(&row.values), "{}", row.source);
            let text: String = shown
                .iter()
                .filter_map(|delta| if let Delta::Text(text) = delta { Some(text.as_str()) } else { None })
                .collect();
            assert_eq!(text, answer.said.text, "{}: what is shown is what was said", row.source);
            let begun = shown.iter().filter(|delta| matches!(delta, Delta::Call(_))).count();
            assert!(begun >= answer.said.calls.len(), "{}", row.source);
            understood += 1;
        }
        assert!(understood >= least, "{}: {understood}", kind.name());
    }
}

#[test]
fn recorded_refusals_mean_what_the_provider_means() {
    let mut seen = Vec::new();
    for kind in ModelKind::ALL {
        for row in recorded(kind).iter().filter(|row| row.status != 200) {
            let error = read(kind, row).0.unwrap_err();
            let name = row.source.rsplit('/').next().unwrap();
            seen.push((row.status, error, name.to_owned()));
        }
    }
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    let invalid = |param| ModelError::Invalid { param };
    let expected = [
        (400, invalid(Some(Param::Effort)), "test_anthropic_explicit_effort_xhigh_unsupported_model_errors.yaml#0"),
        (404, ModelError::NotFound, "test_model_name_suggestion[anthropic].yaml#0"),
        (429, ModelError::RateLimited { after: seconds(5) }, "retry-with-exponential-backoff.test.ts:205"),
        (529, ModelError::Overloaded { after: None }, "test_middleware.py:665"),
        (529, ModelError::Overloaded { after: None }, "anthropic-error.test.ts:10"),
        (404, ModelError::NotFound, "test_model_name_suggestion[openai-chat].yaml#0"),
        (400, invalid(Some(Param::DeveloperRole)), "test_openai_o1_mini_system_role[developer].yaml#0"),
        (400, invalid(Some(Param::DeveloperRole)), "test_openai_o1_mini_system_role[system].yaml#0"),
        (400, invalid(None), "test_openai_web_search_tool_model_not_supported.yaml#0"),
        (400, invalid(Some(Param::MaxTokens)), "reasoning-model-legacy-parameter-error.json"),
        (429, ModelError::RateLimited { after: seconds(30) }, "retry-with-exponential-backoff.test.ts:247"),
        (400, ModelError::NotFound, "test_model_name_suggestion[openai-responses].yaml#0"),
        (400, invalid(None), "test_openai_responses_model_http_error.yaml#0"),
        (400, invalid(None), "test_openai_responses_thinking_with_modified_history.yaml#1"),
        (400, invalid(None), "reasoning-model-temperature-error.json"),
        (404, ModelError::NotFound, "test_model_name_suggestion[google].yaml#0"),
        (429, ModelError::RateLimited { after: Some(Duration::from_millis(34_400)) }, "google-429-retry-info.json"),
    ];
    let expected: Vec<_> = expected.into_iter().map(|(status, error, name)| (status, error, name.to_owned())).collect();
    assert_eq!(seen, expected);
}

/// The next request after an answer, as the same model gets it: its turn is in it as the provider said it.
#[test]
fn a_turn_goes_back_to_its_own_model_as_it_was_said() {
    let mut with_signature = 0;
    for kind in ModelKind::ALL {
        for row in recorded(kind).iter().filter(|row| row.status == 200 && !in_pieces(row)) {
            let Ok(answer) = read(kind, row).0 else { continue };
            if !matches!(answer.stop, Stop::Calls) {
                continue;
            }
            let mut next = question();
            let results = answer.said.calls.iter().map(|call| CallResult {
                call: call.id.clone(),
                content: Text::Trusted("ok".to_owned()),
                failed: false,
            });
            let results = Step::Results(results.collect());
            next.steps.extend([answer.said.clone().into(), results]);
            next.check().unwrap();
            let body = providers::wire(&model(kind), &Without::new(), &next).body;
            let other = Model { name: "other".to_owned(), ..model(kind) };
            let to_other = providers::wire(&other, &Without::new(), &next).body.to_string();
            // What stands between the question and the results.
            let items = body["input"].as_array().into_iter().flatten();
            let between = items.filter(|item| item["role"] != "user" && item["type"] != "function_call_output");
            let between: Value = between.cloned().collect();
            let said = match kind {
                ModelKind::Anthropic => &body["messages"][1]["content"],
                ModelKind::Openai => &body["messages"][1]["tool_calls"],
                ModelKind::OpenaiResponses => &between,
                ModelKind::Gemini => &body["contents"][1]["parts"],
            };
            let raw = match kind {
                ModelKind::Anthropic => &row.values[0]["content"],
                ModelKind::Openai => &row.values[0]["choices"][0]["message"]["tool_calls"],
                ModelKind::OpenaiResponses => &row.values[0]["output"],
                ModelKind::Gemini => &row.values[0]["candidates"][0]["content"]["parts"],
            };
            if !row.streams {
                assert_eq!(said, raw, "{}", row.source);
            }
            // Whatever only the provider understands: signatures and its own ids.
            let text = String::from_utf8_lossy(&row.bytes);
            for key in [
                "\"signature\":\"",
                "\"thoughtSignature\": \"",
                "\"thoughtSignature\":\"",
                "\"encrypted_content\":\"",
                "toolu_",
                "\"call_",
            ] {
                for found in text.split(key).skip(1).map(|rest| rest.split('"').next().unwrap()) {
                    if found.len() > 20 {
                        assert!(!to_other.contains(found), "{}: {found}", row.source);
                        if !key.starts_with("\"call") && key != "toolu_" && !row.streams {
                            assert!(body.to_string().contains(found), "{}", row.source);
                            with_signature += 1;
                        }
                    }
                }
            }
        }
    }
    assert!(with_signature >= 5, "{with_signature}");
}
