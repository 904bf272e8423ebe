//! A system whose brain asks models at the stand-in, and what came of a talk.

use std::time::Duration;

use serde_json::{Value, json};
use steward_tests::{
    Config, Llm, System, Telegram,
    llm::{Format, KEY, Piece},
    updates,
};

pub const SOON: Duration = Duration::from_secs(120);
pub const CHAT: i64 = 7;
pub const FORMATS: [Format; 4] = [Format::Anthropic, Format::Openai, Format::Responses, Format::Gemini];

pub struct World {
    pub telegram: Telegram,
    pub llm: Llm,
    pub system: System,
}

/// The provider's id in the configuration.
pub fn provider(format: Format) -> &'static str {
    match format {
        Format::Anthropic => "anthropic",
        Format::Openai => "openai",
        Format::Responses => "openai_responses",
        Format::Gemini => "gemini",
    }
}

/// `[brain]` for these providers: the first is asked, the others are its fall-backs.
pub fn brain(llm: &Llm, formats: &[Format], keys: &str) -> String {
    let mut toml = format!("[brain]\nprovider = \"{}\"\n{keys}\n", provider(formats[0]));
    let others: Vec<String> = formats[1..].iter().map(|format| format!("\"{}\"", provider(*format))).collect();
    toml.push_str(&format!("fallback = [{}]\n", others.join(", ")));
    // In a long talk it would take an answer that is played for the talk itself.
    if !keys.contains("jobs") {
        toml.push_str("jobs = { summary = { provider = \"rules\" } }\n");
    }
    for format in formats {
        toml.push_str(&format!(
            "[brain.providers.{}]\nmodel = \"m-1\"\napi_key = \"{KEY}\"\nbase_url = \"{}\"\n",
            provider(*format),
            llm.base(*format)
        ));
    }
    toml.push_str("[brain.prices.\"m-1\"]\ninput = 1.0\noutput = 2.0\n");
    toml
}

impl World {
    pub async fn with(formats: &[Format], keys: &str) -> Self {
        let (telegram, llm) = (Telegram::start().await.unwrap(), Llm::start().await.unwrap());
        let config =
            Config::telegram(&telegram).with(&brain(&llm, formats, keys)).with("[defaults]\nturn_debounce = \"0s\"");
        let system = System::start(config).await.unwrap();
        Self { telegram, llm, system }
    }

    pub async fn says(&self, text: &str) {
        self.says_in(CHAT, text).await;
    }

    pub async fn says_in(&self, chat: i64, text: &str) {
        self.system.telegram(&updates::text(chat, text)).await.unwrap();
    }

    /// Waits until the client has had so many messages; their texts.
    pub async fn heard(&self, count: usize) -> Vec<String> {
        self.heard_in(CHAT, count).await
    }

    pub async fn heard_in(&self, chat: i64, count: usize) -> Vec<String> {
        self.telegram.until_delivered_to(chat, count, SOON).await.unwrap();
        self.telegram.delivered_to(chat).iter().map(|sent| sent.text.clone()).collect()
    }

    /// The conversation's events of these types, once so many turns have ended.
    pub async fn events(&self, turns: usize, types: &[&str]) -> Vec<Value> {
        self.events_in(CHAT, turns, types).await
    }

    pub async fn events_in(&self, chat: i64, turns: usize, types: &[&str]) -> Vec<Value> {
        let conversation = self.system.conversation(chat).await.unwrap();
        let look = || async {
            let events = self.system.events(&conversation).await?;
            let ended = events.iter().filter(|e| e["type"] == "TurnCompleted").count();
            Ok((ended >= turns).then_some(events))
        };
        let events = self.system.until(SOON, look).await.unwrap();
        events.into_iter().filter(|e| types.contains(&e["type"].as_str().unwrap())).collect()
    }

    /// What runs noted, of this type, once there is so much of it.
    pub async fn noted(&self, type_name: &str, count: usize) -> Vec<Value> {
        let look = || async {
            let events = self.system.events_of_type(type_name).await?;
            Ok((events.len() >= count).then_some(events))
        };
        self.system.until(SOON, look).await.unwrap()
    }

    pub fn all_sound(&self) {
        assert_eq!(self.llm.wrong(), Vec::<String>::new());
        assert_eq!(self.llm.left(), 0, "all that was to be said was asked for");
    }
}

pub fn schedules(when: &str, about: &str) -> Piece {
    Piece::call("schedule_followup", json!({ "when": when, "about": about, "kind": "remind" }))
}

pub fn data<'a>(event: &'a Value, key: &str) -> &'a str {
    event["data"][key].as_str().unwrap_or_default()
}
