//! A stand-in, models that are asked there, and what came of it in a line.

use std::time::Duration;

use serde_json::{Value, json};
use steward_agent_brain::models::{
    Answer, Arguments, Asking, Attempt, Caller, Deltas, Limits, Models, NoAnswer, Outcome, Request, Said, Section,
    Step, Stop, Text, Tool, ToolName,
};
use steward_settings::{Model, ModelKind, Price, Rate, Secret};
use steward_tests::{
    Llm,
    llm::{Format, KEY},
};
use tokio::time::Instant;

pub struct World {
    pub llm: Llm,
    pub models: Models,
}

pub fn kind(format: Format) -> ModelKind {
    match format {
        Format::Anthropic => ModelKind::Anthropic,
        Format::Openai => ModelKind::Openai,
        Format::Responses => ModelKind::OpenaiResponses,
        Format::Gemini => ModelKind::Gemini,
    }
}

/// What came of asking.
pub struct Came {
    pub result: Result<Answer, NoAnswer>,
    pub attempts: Vec<Attempt>,
}

impl World {
    pub async fn new() -> Self {
        Self::with(Limits::default()).await
    }

    pub async fn with(limits: Limits) -> Self {
        let caller = Caller::of(steward_http::client_builder().no_proxy(), limits).unwrap();
        Self { llm: Llm::start().await.unwrap(), models: Models::new(caller) }
    }

    /// A model that speaks this format at the stand-in.
    pub fn model(&self, format: Format) -> Model {
        let api_version = match format {
            Format::Anthropic => Some("2026-10-21".to_owned()),
            Format::Openai | Format::Responses => None,
            Format::Gemini => Some("v1beta".to_owned()),
        };
        let rate = Rate(1_000_000);
        Model {
            provider: kind(format).name().to_owned(),
            kind: kind(format),
            name: "m-1".to_owned(),
            base_url: self.llm.base(format),
            genuine: true,
            api_key: Some(Secret::new(KEY)),
            api_version,
            max_output: Some(1_000),
            price: Some(Price { input: rate, output: rate, cache_read: None, cache_write: None }),
        }
    }

    pub async fn ask(&self, chain: &[Model], request: &Request) -> Came {
        self.ask_within(Duration::from_secs(60), chain, request).await
    }

    pub async fn ask_within(&self, time: Duration, chain: &[Model], request: &Request) -> Came {
        let mut attempts = Vec::new();
        let asking = Asking { request, correlation: "turn-7", deadline: Instant::now() + time };
        let result = self.models.answer(chain, &asking, &mut Deltas::none(), &mut attempts).await;
        Came { result, attempts }
    }
}

pub fn tool(name: &str) -> Tool {
    Tool {
        name: ToolName::new(name).unwrap(),
        description: format!("Does {name}."),
        schema: json!({
            "type": "object",
            "properties": { "when": { "type": "string" }, "n": { "type": "integer", "minimum": 0 } },
        }),
    }
}

/// A talk that uses what a request has.
pub fn question() -> Request {
    Request {
        instructions: vec![
            Section { text: Text::Trusted("You keep promises.".to_owned()), stable: true },
            Section { text: Text::Trusted("It is Friday.".to_owned()), stable: false },
        ],
        steps: vec![Step::User(vec![
            Text::Untrusted { label: "mail", text: "Hi <b>there</b>".to_owned() },
            Text::Trusted("The client waits.".to_owned()),
        ])],
        tools: vec![tool("schedule"), tool("recall")],
        max_output: 500,
        ..Request::default()
    }
}

/// What came in a line: what was answered, and what was tried.
pub fn line(came: &Came) -> String {
    let tried: Vec<&str> = came.attempts.iter().map(|attempt| tried(&attempt.outcome)).collect();
    let said = match &came.result {
        Ok(answer) => format!("{}{}", stop(&answer.stop), turn(&answer.said)),
        Err(none) => none.to_string(),
    };
    format!("{said} <- {}", tried.join(", "))
}

fn tried(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Running => "running",
        Outcome::Answered => "answered",
        Outcome::Skipped => "skipped",
        Outcome::Failed(error) => error.code(),
    }
}

fn stop(stop: &Stop) -> String {
    match stop {
        Stop::End => "end".to_owned(),
        Stop::Calls => "calls".to_owned(),
        Stop::Length => "length".to_owned(),
        Stop::Refused { category, text } => format!("refused({}: {text})", category.as_deref().unwrap_or("-")),
        Stop::Blocked { category } => format!("blocked({category})"),
    }
}

/// A turn in neutral words.
pub fn turn(turn: &Said) -> String {
    let calls = turn.calls.iter().map(|call| {
        let arguments: Value = match &call.arguments {
            Arguments::Json(arguments) => arguments.clone(),
            Arguments::Raw(text) => json!(format!("raw {text}")),
        };
        format!(" {}:{}{arguments}", call.id, call.name)
    });
    let text = if turn.text.is_empty() { String::new() } else { format!(" {:?}", turn.text) };
    format!("{text}{}", calls.collect::<String>())
}
