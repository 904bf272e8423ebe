//! `steward conversations`, `follow-ups`, `outbox`, `goals`: what the lists of the API show, as tables.

use std::io::{self, Write};

use chrono::{DateTime, Local};
use clap::Args;
use comfy_table::Table;
use serde_json::Value;

use super::{Global, api::Server};

/// Most characters of a text in a table.
const TEXT: usize = 60;

/// What each list is asked for.
#[derive(Debug, Args)]
struct Asked {
    /// How many at most, the newest first
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// Print JSON lines instead of a table
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: Server,
}

/// A column: its head, and what of a row stands in it.
type Column = (&'static str, fn(&Value) -> String);

impl Asked {
    /// Reads the list at `path` and prints it.
    async fn show(
        &self,
        global: &Global,
        path: &str,
        filters: &[(&str, &Option<String>)],
        columns: &[Column],
    ) -> anyhow::Result<()> {
        let api = self.server.api(global)?;
        let given = filters.iter().filter_map(|(name, value)| (*value).clone().map(|value| (*name, value)));
        let query: Vec<_> = given.chain([("limit", self.limit.to_string())]).collect();
        let page = api.call(api.get(path).query(&query)).await?;
        let items = page["items"].as_array().cloned().unwrap_or_default();
        let mut out = io::stdout().lock();
        if self.json {
            return written(items.iter().try_for_each(|item| writeln!(out, "{item}")));
        }
        if items.is_empty() {
            eprintln!("There are none.");
            return Ok(());
        }
        let mut table = Table::new();
        table.load_style(comfy_table::presets::NOTHING).set_header(columns.iter().map(|(head, _)| *head));
        for item in &items {
            table.add_row(columns.iter().map(|(_, of)| plain(&of(item))));
        }
        written(writeln!(out, "{table}"))?;
        if page["next_cursor"].is_string() {
            eprintln!("There are more; --limit shows them.");
        }
        Ok(())
    }
}

/// In `steward outbox | head` the pipe is closed, which is no failure.
fn written(result: io::Result<()>) -> anyhow::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

/// Text from outside as a terminal may be shown it: one line, without what would steer the terminal.
pub(super) fn plain(text: &str) -> String {
    let unseen = |c: char| {
        c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if unseen(c) { ' ' } else { c }).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn short(value: &Value) -> String {
    let text = value.as_str().unwrap_or_default();
    match text.char_indices().nth(TEXT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A time as this machine's clock shows it.
pub(super) fn local(value: &Value) -> String {
    let given = value.as_str().unwrap_or_default();
    let read = DateTime::parse_from_rfc3339(given);
    read.map_or_else(|_| given.to_owned(), |at| at.with_timezone(&Local).format("%Y-%m-%d %H:%M").to_string())
}

/// A state with the reason for it.
fn state(item: &Value) -> String {
    match item["reason"]["code"].as_str() {
        Some(code) => format!("{} ({code})", text(&item["state"])),
        None => text(&item["state"]),
    }
}

/// Show who writes with whom, and what was said last
#[derive(Debug, Args)]
pub struct Conversations {
    /// Only those whose contact or text holds this
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// Only those that this one answers: bot or human
    #[arg(long, value_name = "WHO")]
    owner: Option<String>,
    #[command(flatten)]
    asked: Asked,
}

impl Conversations {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
        let columns: [Column; 6] = [
            ("id", |c| text(&c["id"])),
            ("with", |c| {
                let named = c["contact"]["name"].as_str().or(c["title"].as_str());
                named.map_or_else(|| text(&c["external_id"]), str::to_owned)
            }),
            ("channel", |c| text(&c["channel_id"])),
            ("answers", |c| text(&c["owner"])),
            ("last", |c| local(&c["last_message_at"])),
            ("message", |c| short(&c["last_message"]["text"])),
        ];
        let latest = Some("latest".to_owned());
        let filters = [("q", &self.search), ("owner", &self.owner), ("sort", &latest)];
        self.asked.show(global, "/api/v1/conversations", &filters, &columns).await
    }
}

/// Show what was promised, and what became of it
#[derive(Debug, Args)]
pub struct FollowUps {
    /// Only those in this state: pending, sent, cancelled, expired, failed, unknown, done; several with commas
    #[arg(long)]
    state: Option<String>,
    /// Only those of this conversation
    #[arg(long, value_name = "ID")]
    conversation: Option<String>,
    #[command(flatten)]
    asked: Asked,
}

impl FollowUps {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
        let columns: [Column; 5] = [
            ("id", |f| text(&f["id"])),
            ("due", |f| local(&f["due_at"])),
            ("state", state),
            ("asked for", |f| text(&f["phrase"])),
            ("text", |f| short(&f["text"])),
        ];
        let filters = [("state", &self.state), ("conversation_id", &self.conversation)];
        self.asked.show(global, "/api/v1/follow-ups", &filters, &columns).await
    }
}

/// Show what is to be sent, and what became of it
#[derive(Debug, Args)]
pub struct Outbox {
    /// Only what is in this state: queued, held, deferred, claimed, sent, delivered, read, failed, unknown, cancelled,
    /// expired; several with commas
    #[arg(long)]
    state: Option<String>,
    /// Only what belongs to this conversation
    #[arg(long, value_name = "ID")]
    conversation: Option<String>,
    #[command(flatten)]
    asked: Asked,
}

impl Outbox {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
        let columns: [Column; 5] = [
            ("id", |m| text(&m["id"])),
            ("at", |m| local(if m["due_at"].is_string() { &m["due_at"] } else { &m["at"] })),
            ("state", state),
            ("by", |m| text(&m["author"])),
            ("text", |m| short(&m["text"])),
        ];
        let filters = [("state", &self.state), ("conversation_id", &self.conversation)];
        self.asked.show(global, "/api/v1/outbox", &filters, &columns).await
    }
}

/// Show what people want to reach, as far as it is remembered
#[derive(Debug, Args)]
pub struct Goals {
    /// Only those in this state: open, achieved, abandoned; several with commas
    #[arg(long)]
    state: Option<String>,
    /// Only those of this contact
    #[arg(long, value_name = "ID")]
    contact: Option<String>,
    #[command(flatten)]
    asked: Asked,
}

impl Goals {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
        let columns: [Column; 6] = [
            ("id", |g| text(&g["id"])),
            ("contact", |g| text(&g["contact_id"])),
            ("state", state),
            ("done", |g| g["progress"].as_u64().map_or_else(String::new, |done| format!("{done} %"))),
            ("since", |g| local(&g["created_at"])),
            ("goal", |g| short(&g["title"])),
        ];
        let filters = [("state", &self.state), ("contact_id", &self.contact)];
        self.asked.show(global, "/api/v1/goals", &filters, &columns).await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_text_from_outside_can_not_steer_the_terminal() {
        assert_eq!(plain("a\x1b[2Jb\r\nc\u{9b}d\u{202e}e ё🙂"), "a [2Jb  c d e ё🙂");
    }

    #[test]
    fn a_long_text_is_cut_between_characters_and_a_state_says_why() {
        assert_eq!(short(&json!("я".repeat(61))), format!("{}…", "я".repeat(60)));
        assert_eq!(short(&Value::Null), "");
        assert_eq!(state(&json!({ "state": "held", "reason": { "code": "quiet_hours" } })), "held (quiet_hours)");
        assert_eq!(local(&json!("soon")), "soon");
    }
}
