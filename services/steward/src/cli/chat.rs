//! `steward chat`: a conversation over a `web` channel, in the terminal.

use std::{io::IsTerminal, time::Duration};

use anyhow::Context;
use chrono::{DateTime, Local};
use clap::Args;
use futures::StreamExt;
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use steward_settings::ChannelKind;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    sync::mpsc,
};
use tokio_util::sync::CancellationToken;

use super::{
    Global,
    api::{Api, Server},
};
use crate::signals::stop_on_signals;

/// After the input has ended, the answer to the last line may still come within this time.
const LAST_ANSWER: Duration = Duration::from_secs(5);

/// Talk to Steward in the terminal, as a client would over the web channel
///
/// Type "ping me in 20 seconds" and watch the promise being kept. Ctrl-D or Ctrl-C ends the chat. The conversation is
/// kept, and the next chat under the same name goes on with it.
#[derive(Debug, Args)]
pub struct Chat {
    #[command(flatten)]
    server: Server,
    /// The web channel to talk over; by default the first one in the configuration
    #[arg(long, value_name = "ID")]
    channel: Option<String>,
    /// The name of whoever is talking
    #[arg(long, default_value = "terminal")]
    name: String,
    /// The language of the client, such as ru; by default the one that the text shows
    #[arg(long, value_name = "LANG")]
    language: Option<String>,
    /// The client's IANA time zone; by default this machine's
    #[arg(long, value_name = "ZONE")]
    timezone: Option<String>,
    /// Go on showing messages after the input has ended, until Ctrl-C
    #[arg(long)]
    stay: bool,
}

impl Chat {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
        let settings = global.settings()?;
        let api = self.server.api(global)?;
        let web =
            settings.channels.iter().find(|channel| channel.kind == ChannelKind::Web).map(|channel| channel.id.clone());
        let channel = self
            .channel
            .clone()
            .or(web)
            .context("the configuration has no channel of kind web: add one, or name one with --channel")?;
        let shutdown = CancellationToken::new();
        stop_on_signals(shutdown.clone())?;
        match shutdown.run_until_cancelled(self.talk(&api, &channel)).await {
            Some(result) => result,
            None => Ok(()),
        }
    }

    async fn talk(&self, api: &Api, channel: &str) -> anyhow::Result<()> {
        let (answered, mut answers) = mpsc::channel(1);
        let terminal = std::io::stdin().is_terminal();
        if terminal {
            eprintln!("Write something, for example: ping me in 20 seconds. Ctrl-D ends the chat.");
        }
        let known = api.get("/api/v1/conversations").query(&[("channel_id", channel), ("external_id", &self.name)]);
        let known = api.call(known).await?["items"][0]["id"].as_str().map(str::to_owned);
        let mut listening = known.map(|id| tokio::spawn(listen(stream(api, &id, None), answered.clone())));
        let mut lines = BufReader::new(tokio::io::stdin()).lines();
        let zone = self.timezone.clone().or_else(|| iana_time_zone::get_timezone().ok());
        let mut said = false;
        while let Some(line) = lines.next_line().await? {
            let text = line.trim();
            if text.is_empty() {
                continue;
            }
            let contact = json!({ "id": self.name, "name": self.name, "language": self.language, "timezone": zone });
            let body = json!({ "channel_id": channel, "contact": contact, "text": text });
            let kept = api.call(api.post("/api/v1/messages").json(&body)).await?;
            said = true;
            if listening.is_none()
                && let (Some(id), Some(position)) = (kept["conversation_id"].as_str(), kept["position"].as_u64())
            {
                listening = Some(tokio::spawn(listen(stream(api, id, Some(position)), answered.clone())));
            }
        }
        if let Some(mut listening) = listening {
            if self.stay {
                return (&mut listening).await?;
            }
            // Piped input ends at once, while a person who presses Ctrl-D has seen the answer.
            if said && !terminal {
                let _ = tokio::time::timeout(LAST_ANSWER, answers.recv()).await;
            }
            listening.abort();
        }
        Ok(())
    }
}

fn stream(api: &Api, conversation: &str, after: Option<u64>) -> RequestBuilder {
    let request = api.get("/api/v1/stream").query(&[("conversation_id", conversation)]);
    match after {
        Some(after) => request.query(&[("after", after)]),
        None => request,
    }
}

/// Shows the events that come. When the connection breaks, begins again where it left off.
async fn listen(request: RequestBuilder, answered: mpsc::Sender<()>) -> anyhow::Result<()> {
    let mut last: Option<String> = None;
    loop {
        let mut request = request.try_clone().expect("it has no body");
        if let Some(id) = &last {
            request = request.header("Last-Event-ID", id);
        }
        if let Ok(answer) = request.send().await {
            anyhow::ensure!(answer.status().is_success(), "the live stream is refused: {}", answer.status());
            let mut bytes = answer.bytes_stream();
            let mut parser = Parser::default();
            while let Some(Ok(chunk)) = bytes.next().await {
                for event in parser.push(&chunk) {
                    last = event.id.or(last);
                    let Some(data) = event.data else { continue };
                    if let Some(line) = shown(&data) {
                        println!("{line}");
                    }
                    if data["message"]["direction"] == "out" {
                        let _ = answered.try_send(());
                    }
                }
            }
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// What a person is shown of a live event: answers, and promises that were made or changed.
fn shown(data: &Value) -> Option<String> {
    let message = &data["message"];
    if message["direction"] == "out" {
        return Some(format!("{}: {}", message["author"].as_str()?, message["text"].as_str()?));
    }
    let promise = &data["follow_up"];
    let why = promise["reason"]["text"].as_str().map_or_else(String::new, |text| format!(": {text}"));
    match (promise["state"].as_str()?, promise["due_at"].as_str()) {
        ("pending", Some(due)) => Some(format!("  · promised for {}", local(due))),
        ("pending", None) => None,
        (state, _) => Some(format!("  · promise {state}{why}")),
    }
}

/// A time as this machine's clock shows it.
fn local(time: &str) -> String {
    DateTime::parse_from_rfc3339(time)
        .map_or_else(|_| time.to_owned(), |at| at.with_timezone(&Local).format("%Y-%m-%d %H:%M:%S").to_string())
}

#[derive(Debug, Default, PartialEq)]
struct Live {
    id: Option<String>,
    data: Option<Value>,
}

/// Reads server-sent events out of chunks that end anywhere.
#[derive(Default)]
struct Parser {
    rest: Vec<u8>,
    event: Live,
}

impl Parser {
    fn push(&mut self, chunk: &[u8]) -> Vec<Live> {
        self.rest.extend_from_slice(chunk);
        let mut events = Vec::new();
        while let Some(end) = self.rest.iter().position(|b| *b == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end_matches(['\r', '\n']);
            if line.is_empty() {
                events.push(std::mem::take(&mut self.event));
            } else if let Some(id) = line.strip_prefix("id:") {
                self.event.id = Some(id.trim().to_owned());
            } else if let Some(data) = line.strip_prefix("data:") {
                self.event.data = serde_json::from_str(data).ok();
            }
        }
        events
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_whatever_the_chunks() {
        let text = ": hello\nid: 7\n\nevent: new_message\nid: 8\ndata: {\"a\":\"п\"}\r\n\r\n";
        for size in [1, 3, 7, 1000] {
            let mut parser = Parser::default();
            let events: Vec<Live> = text.as_bytes().chunks(size).flat_map(|chunk| parser.push(chunk)).collect();
            assert_eq!(events[0], Live { id: Some("7".to_owned()), data: None });
            assert_eq!(events[1], Live { id: Some("8".to_owned()), data: Some(json!({"a": "п"})) });
        }
    }

    #[test]
    fn only_answers_and_promises_are_shown() {
        let out = json!({"message": {"direction": "out", "author": "bot", "text": "hello"}});
        assert_eq!(shown(&out).as_deref(), Some("bot: hello"));
        assert_eq!(shown(&json!({"message": {"direction": "in", "author": "client", "text": "hello"}})), None);
        let cancelled = json!({"follow_up": {"state": "cancelled", "reason": {"text": "the client wrote"}}});
        assert_eq!(shown(&cancelled).as_deref(), Some("  · promise cancelled: the client wrote"));
        assert_eq!(shown(&json!({"type": "TurnStarted"})), None);
    }
}
