//! The stand-in refuses what a provider refuses: a request that it takes is one that a provider takes.

use serde_json::{Value, json};
use steward_agent_brain::models::{CallResult, Request, Step, Text};
use steward_tests::llm::{Asked, Format, KEY, Piece};

use crate::world::{World, kind, question};

/// A request of the second step, with two calls answered.
async fn second_step(world: &World, format: Format) -> Asked {
    let pieces = vec![
        Piece::Thought("Ну."),
        Piece::text("Так."),
        Piece::call("recall", json!({ "n": 1 })),
        Piece::call("schedule", json!({ "n": 2 })),
    ];
    world.llm.play(pieces);
    let chain = [world.model(format)];
    let mut request: Request = question();
    let answer = world.ask(&chain, &request).await.result.unwrap();
    let results = answer.said.calls.iter().map(|call| CallResult {
        call: call.id.clone(),
        content: Text::Trusted("ok".to_owned()),
        failed: false,
    });
    let results = Step::Results(results.collect());
    request.steps.extend([answer.said.clone().into(), results]);
    world.llm.play("Ok");
    world.ask(&chain, &request).await.result.unwrap();
    world.llm.asked().pop().unwrap()
}

/// Sends a body as the request was sent, and says with which status it is answered.
async fn sent(world: &World, asked: &Asked, body: &Value, without: Option<&str>) -> u16 {
    let client = steward_http::client_builder().no_proxy().build().unwrap();
    let base = world.llm.base(asked.format);
    let base = base
        .split("/anthropic")
        .next()
        .unwrap()
        .split("/openai")
        .next()
        .unwrap()
        .split("/responses")
        .next()
        .unwrap()
        .split("/gemini")
        .next()
        .unwrap();
    let mut headers = asked.headers.clone();
    headers.remove("content-length");
    headers.remove("host");
    without.map(|name| headers.remove(name));
    world.llm.play("Ok");
    let answer =
        client.post(format!("{base}{}", asked.path)).headers(headers).body(body.to_string()).send().await.unwrap();
    answer.status().as_u16()
}

type Change = (&'static str, fn(&mut Value));

fn drop_first(value: &mut Value) {
    value.as_array_mut().unwrap().remove(0);
}

fn double_first(value: &mut Value) {
    let list = value.as_array_mut().unwrap();
    list.insert(0, list[0].clone());
}

const ANTHROPIC: &[Change] = &[
    ("sampling", |body| body["temperature"] = json!(1.0)),
    ("an unknown field", |body| body["max_output"] = json!(1)),
    ("no limit", |body| drop(body.as_object_mut().unwrap().remove("max_tokens"))),
    ("an unknown field of a block", |body| body["messages"][0]["content"][0]["label"] = json!(1)),
    ("an empty text", |body| body["messages"][0]["content"][0]["text"] = json!(" ")),
    ("a prefill", |body| {
        body["messages"].as_array_mut().unwrap().push(json!({ "role": "assistant", "content": "So" }))
    }),
    ("no alternation", |body| {
        body["messages"].as_array_mut().unwrap().push(json!({ "role": "user", "content": "So" }))
    }),
    ("a result left out", |body| drop_first(&mut body["messages"][2]["content"])),
    ("a result twice", |body| double_first(&mut body["messages"][2]["content"])),
    ("words before the results", |body| {
        body["messages"][2]["content"].as_array_mut().unwrap().insert(0, json!({ "type": "text", "text": "So" }))
    }),
    ("a result of nothing", |body| body["messages"][2]["content"][0]["tool_use_id"] = json!("toolu_x")),
    ("a thought left out", |body| drop_first(&mut body["messages"][1]["content"])),
    ("a thought changed", |body| body["messages"][1]["content"][0]["thinking"] = json!("Ну?")),
    ("a signature changed", |body| body["messages"][1]["content"][0]["signature"] = json!("abc")),
    ("arguments as text", |body| body["messages"][1]["content"][2]["input"] = json!("{}")),
    ("a bad name", |body| body["tools"][0]["name"] = json!("a b")),
    ("a name twice", |body| body["tools"][1]["name"] = body["tools"][0]["name"].clone()),
    ("a schema that is none", |body| body["tools"][0]["input_schema"]["type"] = json!("objekt")),
    ("a tool that there isn't", |body| body["tool_choice"] = json!({ "type": "tool", "name": "other" })),
    ("too many marks", |body| {
        for n in 0..5 {
            body["messages"][0]["content"]
                .as_array_mut()
                .unwrap()
                .push(json!({ "type": "text", "text": n.to_string(), "cache_control": { "type": "ephemeral" } }));
        }
    }),
];

const OPENAI: &[Change] = &[
    ("an unknown field", |body| body["max_output"] = json!(1)),
    ("both limits", |body| body["max_tokens"] = json!(1)),
    ("a result left out", |body| drop(body["messages"].as_array_mut().unwrap().pop())),
    ("a result twice", |body| {
        let messages = body["messages"].as_array_mut().unwrap();
        messages.push(messages[messages.len() - 1].clone());
    }),
    ("a result of nothing", |body| body["messages"][3]["tool_call_id"] = json!("call_x")),
    ("words before the results", |body| {
        body["messages"].as_array_mut().unwrap().insert(3, json!({ "role": "user", "content": "So" }))
    }),
    ("arguments as an object", |body| body["messages"][2]["tool_calls"][0]["function"]["arguments"] = json!({})),
    ("nothing said", |body| body["messages"][2] = json!({ "role": "assistant", "content": null })),
    ("the model's word at the end", |body| {
        body["messages"].as_array_mut().unwrap().push(json!({ "role": "assistant", "content": "So" }))
    }),
    ("a bad name", |body| body["tools"][0]["function"]["name"] = json!("a b")),
    ("a schema that is none", |body| body["tools"][0]["function"]["parameters"] = json!({ "type": 5 })),
    ("a tool that there isn't", |body| {
        body["tool_choice"] = json!({ "type": "function", "function": { "name": "other" } })
    }),
    ("strict and open", |body| {
        let schema = json!({ "type": "object", "properties": { "a": { "type": "string" } } });
        body["response_format"] =
            json!({ "type": "json_schema", "json_schema": { "name": "a", "schema": schema, "strict": true } });
    }),
];

const RESPONSES: &[Change] = &[
    ("an unknown field", |body| body["max_output"] = json!(1)),
    ("a thought left out", |body| drop(body["input"].as_array_mut().unwrap().remove(1))),
    ("a thought changed", |body| body["input"][1]["encrypted_content"] = json!("abc")),
    ("a thought that isn't encrypted", |body| {
        body["input"][1].as_object_mut().unwrap().remove("encrypted_content");
    }),
    ("a thought without what followed", |body| drop(body["input"].as_array_mut().unwrap().remove(2))),
    ("a result left out", |body| drop(body["input"].as_array_mut().unwrap().pop())),
    ("a result twice", |body| {
        let items = body["input"].as_array_mut().unwrap();
        items.push(items[items.len() - 1].clone());
    }),
    ("a result of nothing", |body| body["input"][5]["call_id"] = json!("call_x")),
    ("words before the results", |body| {
        body["input"].as_array_mut().unwrap().insert(5, json!({ "role": "user", "content": "So" }));
    }),
    ("the model's word at the end", |body| {
        body["input"].as_array_mut().unwrap().push(json!({ "role": "assistant", "content": "So" }));
    }),
    ("a bad name", |body| body["tools"][0]["name"] = json!("a b")),
    ("strict and open", |body| body["tools"][0]["strict"] = json!(true)),
    ("a tool that there isn't", |body| body["tool_choice"] = json!({ "type": "function", "name": "other" })),
];

const GEMINI: &[Change] = &[
    ("an unknown field", |body| body["max_output"] = json!(1)),
    ("an unknown field of a part", |body| body["contents"][0]["parts"][0]["label"] = json!(1)),
    ("a signature left out", |body| {
        drop(body["contents"][1]["parts"][1].as_object_mut().unwrap().remove("thoughtSignature"))
    }),
    ("a signature changed", |body| body["contents"][1]["parts"][1]["thoughtSignature"] = json!("abc")),
    ("a call changed under its signature", |body| {
        body["contents"][1]["parts"][1]["functionCall"]["args"] = json!({ "n": 7 })
    }),
    ("a result left out", |body| drop_first(&mut body["contents"][2]["parts"])),
    ("a result twice", |body| double_first(&mut body["contents"][2]["parts"])),
    ("results in another order", |body| body["contents"][2]["parts"].as_array_mut().unwrap().reverse()),
    ("another id", |body| body["contents"][2]["parts"][1]["functionResponse"]["id"] = json!("x")),
    ("no alternation", |body| {
        body["contents"].as_array_mut().unwrap().push(json!({ "role": "user", "parts": [{ "text": "So" }] }))
    }),
    ("the model's word at the end", |body| {
        body["contents"].as_array_mut().unwrap().push(json!({ "role": "model", "parts": [{ "text": "So" }] }))
    }),
    ("no parts", |body| body["contents"][0]["parts"] = json!([])),
    ("a bad name", |body| body["tools"][0]["functionDeclarations"][0]["name"] = json!("a b")),
    ("a tool that there isn't", |body| {
        body["toolConfig"]["functionCallingConfig"] = json!({ "mode": "ANY", "allowedFunctionNames": ["other"] })
    }),
];

#[tokio::test]
async fn what_a_provider_refuses_the_stand_in_refuses() {
    for (format, changes, headers) in [
        (Format::Anthropic, ANTHROPIC, &["anthropic-version", "x-api-key", "content-type"][..]),
        (Format::Openai, OPENAI, &["authorization", "content-type"]),
        (Format::Responses, RESPONSES, &["authorization", "content-type"]),
        (Format::Gemini, GEMINI, &["x-goog-api-key", "content-type"]),
    ] {
        let world = World::new().await;
        let asked = second_step(&world, format).await;
        assert_eq!(sent(&world, &asked, &asked.body, None).await, 200, "{:?}", world.llm.wrong());
        for (name, change) in changes {
            let mut body = asked.body.clone();
            change(&mut body);
            assert_ne!(body, asked.body, "{format:?}: {name}");
            assert_eq!(sent(&world, &asked, &body, None).await, 400, "{format:?}: {name}");
        }
        for header in headers {
            assert!(matches!(sent(&world, &asked, &asked.body, Some(header)).await, 400 | 401), "{format:?}: {header}");
        }
        assert_eq!(world.llm.wrong().len(), changes.len() + headers.len(), "{format:?}: {:?}", world.llm.wrong());
    }
}

/// A request as it was recorded, in its path and headers.
fn recorded(format: Format) -> Vec<(String, Asked)> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = path.join(format!("../services/agent-brain/tests/recorded/{}.jsonl", kind(format).name()));
    let text = std::fs::read_to_string(path).unwrap();
    let rows = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let asked = rows.filter(|row| row["request"].is_object() && row["status"] == 200).map(|row| {
        let uri = row["uri"].as_str().unwrap();
        let (path, key, value) = match format {
            Format::Anthropic => ("/anthropic/v1/messages".to_owned(), "x-api-key", KEY.to_owned()),
            Format::Openai => ("/openai/v1/chat/completions".to_owned(), "authorization", format!("Bearer {KEY}")),
            Format::Responses => ("/responses/v1/responses".to_owned(), "authorization", format!("Bearer {KEY}")),
            Format::Gemini => {
                let model = uri.rsplit_once("/models/").unwrap().1.split(':').next().unwrap();
                (
                    format!("/gemini/v1beta/models/{model}:streamGenerateContent?alt=sse"),
                    "x-goog-api-key",
                    KEY.to_owned(),
                )
            }
        };
        let headers =
            [(key, value.as_str()), ("content-type", "application/json"), ("anthropic-version", "2023-06-01")];
        let headers = headers.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        let source = row["source"].as_str().unwrap().to_owned();
        (
            source,
            Asked { format, path, headers: headers.into_iter().collect(), body: row["request"].clone(), wrong: None },
        )
    });
    asked.collect()
}

/// What the stand-in doesn't play or is stricter in, and adapters don't use.
const NOT_PLAYED: [&str; 12] = [
    "the provider's own tools aren't played",
    "unknown field",
    // The provider joins messages of one role, or takes them as they are.
    "roles must alternate",
    // Some models take it.
    "thinking may not be enabled when tool_choice",
    // Signed by the real one.
    "Invalid `signature`",
    "Corrupted thought signature",
    "could not be verified",
    "previous_response_id isn't played",
    // Older models sign nothing.
    "missing a thought_signature",
    // Pictures.
    "messages.content: expected a text",
    "a part without text",
    "tools: expected a list",
];

/// What real providers took, the stand-in takes too, but for what it doesn't play.
#[tokio::test]
async fn what_a_provider_took_the_stand_in_takes() {
    for (format, least) in
        [(Format::Anthropic, 15), (Format::Openai, 18), (Format::Responses, 21), (Format::Gemini, 18)]
    {
        let world = World::new().await;
        let mut taken = 0;
        for (source, mut asked) in recorded(format) {
            if format == Format::Gemini {
                // Its own library writes some names in another way, which it takes as well.
                let body = asked.body.to_string().replace("parameters_json_schema", "parametersJsonSchema");
                asked.body = serde_json::from_str(&body.replace("thinking_budget", "thinkingBudget")).unwrap();
            }
            if sent(&world, &asked, &asked.body, None).await == 200 {
                taken += 1;
            } else {
                let wrong = world.llm.wrong().pop().unwrap();
                assert!(NOT_PLAYED.iter().any(|reason| wrong.contains(reason)), "{source}: {wrong}");
            }
        }
        assert!(taken >= least, "{format:?}: {taken}");
    }
}
