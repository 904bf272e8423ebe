//! The pages, one file each, and what they share: chips, names, rows of conversations.

mod about;
pub mod calendar;
mod chat;
pub mod conversation;
pub mod goals;
pub mod inbox;
pub mod live;
pub mod outbox;
pub mod promises;
pub mod remembered;
pub mod settings;
mod slider;
pub mod system;
pub mod try_it;
mod unsaid;
mod why;

use axum::{extract::State, response::Redirect};
use chrono_tz::Tz;
use steward_http::Problem;

use super::{
    Dashboard,
    viewer::Viewer,
    words::{self, Words},
};
use crate::{
    models::conversations::{read, view::ConversationView},
    read::Params,
    rows::Reason,
};

/// Where somebody begins who names no page: with the first minute, until there is a conversation.
pub async fn first(State(dashboard): State<Dashboard>, viewer: Viewer) -> Result<Redirect, Problem> {
    let mut reading = dashboard.desk.begin(&viewer.caller).await?;
    let snapshot = reading.snapshot().await?;
    let one = Params::of([("limit", "1".to_owned())]);
    let (conversations, _) = read::page(&snapshot, &viewer.caller, one).await?.into_parts();
    Ok(Redirect::to(if conversations.is_empty() { "/try" } else { "/inbox" }))
}

/// A state in one word, with its glyph.
pub struct Chip {
    pub state: String,
    pub glyph: &'static str,
    pub word: String,
    pub loud: bool,
}

impl Chip {
    pub fn of(state: &str, words: &dyn Words) -> Self {
        Self::saying(state, words.state(state).to_owned())
    }

    /// A state in other words than its own.
    pub fn saying(state: &str, word: String) -> Self {
        Self { state: state.to_owned(), glyph: words::glyph(state), word, loud: words::is_loud(state) }
    }
}

/// What a conversation is called: the client's name, else the group's title, else the address.
pub fn called(conversation: &ConversationView, viewer: &Viewer) -> String {
    let named = if conversation.group { conversation.title.as_ref() } else { conversation.contact.name.as_ref() };
    let named = named.or(conversation.contact.name.as_ref()).or(conversation.title.as_ref());
    let address = || conversation.external_id.as_ref().filter(|id| id.len() < 30).cloned();
    named.cloned().or_else(address).unwrap_or_else(|| viewer.w.nobody_named.to_owned())
}

/// The zone of a conversation's client.
pub fn zone_of(conversation: &ConversationView, dashboard: &Dashboard) -> Tz {
    let said = conversation.contact.timezone.as_deref().and_then(|zone| zone.parse().ok());
    said.unwrap_or(dashboard.desk.reads.settings.now().defaults.timezone)
}

/// A reason as a sentence about this client.
pub fn because(reason: &Reason, who: &str, words: &dyn Words) -> String {
    words.reason(&reason.code, who).unwrap_or_else(|| reason.text.clone())
}

/// The beginning of a text, at most so many characters of it.
pub fn beginning(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text.to_owned(),
    }
}

/// Longest text that a page shows whole, and that can be edited on it, in characters.
pub const WHOLE: usize = 4_000;

/// A channel's kind by its name.
pub fn channel_name(kind: &str) -> &str {
    match kind {
        "telegram" => "Telegram",
        "whatsapp" => "WhatsApp",
        "email" => "E-mail",
        "web" => "Web",
        other => other,
    }
}
