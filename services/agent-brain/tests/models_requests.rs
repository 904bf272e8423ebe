//! What others really sent to the providers, read as a neutral request and said again by us, is the same talk in the same
//! fields.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{collections::BTreeMap, path::Path};

use serde_json::{Value, json};
use steward_agent_brain::models::{
    Arguments, Call, CallId, CallResult, Request, Said, Section, Step, Text, Tool, ToolChoice, ToolName,
    providers::{self, Without},
};
use steward_settings::{Model, ModelKind};

fn model(kind: ModelKind) -> Model {
    Model {
        provider: "p".to_owned(),
        kind,
        name: "m".to_owned(),
        base_url: String::new(),
        genuine: true,
        api_key: None,
        api_version: None,
        max_output: None,
        price: None,
    }
}

/// A request as it is read, bit by bit.
#[derive(Default)]
struct Reading {
    request: Request,
    /// Our ids of calls, by the provider's.
    ids: BTreeMap<String, CallId>,
    /// The calls that aren't answered, in order.
    open: Vec<(CallId, String)>,
}

/// `None`: there is something in it that a neutral request has no words for.
type Read<T> = Option<T>;

impl Reading {
    fn instruct(&mut self, text: &str) {
        self.request.instructions.push(Section { text: Text::Trusted(text.to_owned()), stable: true });
    }

    fn user(&mut self, text: &str) -> Read<()> {
        if text.trim().is_empty() {
            return None;
        }
        match self.request.steps.last_mut() {
            Some(Step::User(texts)) => texts.push(Text::Trusted(text.to_owned())),
            _ => self.request.steps.push(Step::User(vec![Text::Trusted(text.to_owned())])),
        }
        Some(())
    }

    fn said(&mut self) -> &mut Said {
        if !matches!(self.request.steps.last(), Some(Step::Model(_))) {
            self.request.steps.push(Step::Model(Said::default()));
        }
        match self.request.steps.last_mut() {
            Some(Step::Model(said)) => said,
            _ => unreachable!("it was just put there"),
        }
    }

    fn call(&mut self, provider_id: Option<&str>, name: &str, arguments: Value) {
        let id = CallId::numbered(self.request.next_call());
        if let Some(provider_id) = provider_id {
            self.ids.insert(provider_id.to_owned(), id.clone());
        }
        self.open.push((id.clone(), name.to_owned()));
        let arguments = Arguments::Json(arguments);
        self.said().calls.push(Call { id, provider_id: None, name: name.to_owned(), arguments });
    }

    fn result(&mut self, call: CallId, text: &str, failed: bool) {
        self.open.retain(|(open, _)| *open != call);
        let result = CallResult { call, content: Text::Trusted(text.to_owned()), failed };
        match self.request.steps.last_mut() {
            Some(Step::Results(results)) => results.push(result),
            _ => self.request.steps.push(Step::Results(vec![result])),
        }
    }

    fn tool(&mut self, tool: &Value, schema: &str) -> Read<()> {
        let known = ["name", "description", schema, "strict", "type", "cache_control"];
        let plain = tool.as_object()?.keys().all(|key| known.contains(&key.as_str()));
        if !plain || tool.get("type").is_some_and(|kind| kind != "function") {
            return None;
        }
        let description = tool["description"].as_str()?.to_owned();
        self.request.tools.push(Tool {
            name: ToolName::new(tool["name"].as_str()?)?,
            description,
            schema: tool[schema].clone(),
        });
        Some(())
    }

    fn choose(&mut self, choice: &str) -> Read<()> {
        self.request.tool_choice = match choice {
            "auto" | "AUTO" => ToolChoice::Auto,
            "any" | "required" | "ANY" => ToolChoice::Any,
            "none" | "NONE" => ToolChoice::None,
            _ => return None,
        };
        Some(())
    }
}

fn all(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn anthropic(body: &Value) -> Read<Reading> {
    let mut read = Reading::default();
    match &body["system"] {
        Value::Null => {}
        Value::String(text) => read.instruct(text),
        blocks => all(blocks).for_each(|block| read.instruct(block["text"].as_str().unwrap())),
    }
    all(&body["tools"]).try_for_each(|tool| read.tool(tool, "input_schema"))?;
    body["tool_choice"]["type"].as_str().map_or(Some(()), |choice| read.choose(choice))?;
    for message in all(&body["messages"]) {
        let blocks = message["content"]
            .as_array()
            .cloned()
            .unwrap_or_else(|| vec![json!({ "type": "text", "text": message["content"] })]);
        for block in &blocks {
            match (block["type"].as_str()?, message["role"].as_str()?) {
                ("text", "user") => read.user(block["text"].as_str()?)?,
                ("text", "assistant") => read.said().text.push_str(block["text"].as_str()?),
                ("tool_use", "assistant") => {
                    read.call(block["id"].as_str(), block["name"].as_str()?, block["input"].clone())
                }
                ("tool_result", "user") => {
                    let call = read.ids.get(block["tool_use_id"].as_str()?)?.clone();
                    read.result(call, block["content"].as_str()?, block["is_error"] == true);
                }
                _ => return None,
            }
        }
    }
    Some(read)
}

fn openai(body: &Value) -> Read<Reading> {
    let mut read = Reading::default();
    all(&body["tools"]).try_for_each(|tool| read.tool(&tool["function"], "parameters"))?;
    body["tool_choice"].as_str().map_or(Some(()), |choice| read.choose(choice))?;
    for message in all(&body["messages"]) {
        let text = message["content"].as_str();
        match message["role"].as_str()? {
            "system" | "developer" => read.instruct(text?),
            "user" => read.user(text?)?,
            "assistant" => {
                read.said().text.push_str(text.unwrap_or_default());
                for call in all(&message["tool_calls"]) {
                    let arguments = serde_json::from_str(call["function"]["arguments"].as_str()?).ok()?;
                    read.call(call["id"].as_str(), call["function"]["name"].as_str()?, arguments);
                }
            }
            "tool" => {
                let call = read.ids.get(message["tool_call_id"].as_str()?)?.clone();
                read.result(call, text?, false);
            }
            _ => return None,
        }
    }
    Some(read)
}

fn responses(body: &Value) -> Read<Reading> {
    let mut read = Reading::default();
    if let Some(text) = body["instructions"].as_str() {
        read.instruct(text);
    }
    all(&body["tools"]).try_for_each(|tool| read.tool(tool, "parameters"))?;
    body["tool_choice"].as_str().map_or(Some(()), |choice| read.choose(choice))?;
    for item in all(&body["input"]) {
        match (item["type"].as_str().unwrap_or("message"), item["role"].as_str()) {
            ("message", Some("user")) => read.user(item["content"].as_str()?)?,
            ("message", Some("assistant")) => read.said().text.push_str(item["content"].as_str()?),
            ("function_call", None) => {
                let arguments = serde_json::from_str(item["arguments"].as_str()?).ok()?;
                read.call(item["call_id"].as_str(), item["name"].as_str()?, arguments);
            }
            ("function_call_output", None) => {
                let call = read.ids.get(item["call_id"].as_str()?)?.clone();
                read.result(call, item["output"].as_str()?, false);
            }
            _ => return None,
        }
    }
    Some(read)
}

fn gemini(body: &Value) -> Read<Reading> {
    let mut read = Reading::default();
    let text: Vec<&str> = all(&body["systemInstruction"]["parts"]).filter_map(|part| part["text"].as_str()).collect();
    text.into_iter().for_each(|text| read.instruct(text));
    for function in all(&body["tools"]).flat_map(|tool| all(&tool["functionDeclarations"])) {
        let schema = if function["parameters_json_schema"].is_null() {
            "parametersJsonSchema"
        } else {
            "parameters_json_schema"
        };
        read.tool(function, schema)?;
    }
    let mode = body["toolConfig"]["functionCallingConfig"]["mode"].as_str();
    mode.map_or(Some(()), |choice| read.choose(choice))?;
    for content in all(&body["contents"]) {
        for part in all(&content["parts"]) {
            let (call, response) = (&part["functionCall"], &part["functionResponse"]);
            match content["role"].as_str()? {
                "user" if part["text"].is_string() => read.user(part["text"].as_str()?)?,
                "model" if part["text"].is_string() => read.said().text.push_str(part["text"].as_str()?),
                "model" if call.is_object() => read.call(None, call["name"].as_str()?, call["args"].clone()),
                "user" if response.is_object() => {
                    // Matched by order, as where there are no ids.
                    let (id, name) = read.open.first()?.clone();
                    assert_eq!(response["name"], name);
                    // How a result is called is its sender's choice.
                    let (key, value) = response["response"].as_object()?.iter().next()?;
                    read.result(id, value.as_str()?, key == "error");
                }
                _ => return None,
            }
        }
    }
    Some(read)
}

/// A request in a line for each thing that it says.
fn lines(request: &Request) -> Vec<String> {
    let mut lines = vec![format!("choice {:?}", request.tool_choice)];
    let instructions: Vec<String> = request.instructions.iter().map(|section| section.text.rendered()).collect();
    lines.push(instructions.join("\n\n"));
    lines.extend(request.tools.iter().map(|tool| format!("{:?}", tool)));
    for step in &request.steps {
        lines.push(match step {
            Step::User(texts) => texts.iter().map(Text::rendered).collect::<Vec<_>>().join("\n\n"),
            step => format!("{step:?}"),
        });
    }
    lines
}

#[test]
fn what_others_sent_is_what_we_send() {
    for (kind, read, least) in [
        (ModelKind::Anthropic, anthropic as fn(&Value) -> Read<Reading>, 19),
        (ModelKind::Openai, openai, 21),
        (ModelKind::OpenaiResponses, responses, 21),
        (ModelKind::Gemini, gemini, 30),
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/recorded/{}.jsonl", kind.name()));
        let text = std::fs::read_to_string(path).unwrap();
        let rows = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let (mut same, mut with_calls) = (0, 0);
        for row in rows.filter(|row| row["status"] == 200 && row["request"].is_object()) {
            let Some(mut theirs) = read(&row["request"]).map(|read| read.request) else { continue };
            theirs.max_output = 1_000;
            // A model that said nothing is left out of what we send.
            let empty =
                |step: &Step| matches!(step, Step::Model(said) if said.text.is_empty() && said.calls.is_empty());
            if theirs.check().is_err() || theirs.steps.iter().any(empty) {
                continue;
            }
            let ours = providers::wire(&model(kind), &Without::new(), &theirs).body;
            let again = read(&ours).unwrap_or_else(|| panic!("{}: {ours}", row["source"])).request;
            assert_eq!(lines(&again), lines(&theirs), "{}", row["source"]);
            same += 1;
            with_calls += usize::from(theirs.calls().count() > 0);
        }
        assert!(same >= least && with_calls >= 2, "{}: {same}, {with_calls}", kind.name());
    }
}
