//! What people are told of an event: a sentence, and which kind of live event it is.

use chrono::{DateTime, SecondsFormat, Utc};
use steward_language::Language;
use steward_proto::v1;

/// Longest quotation, in characters.
const QUOTED: usize = 120;

/// The kinds of live events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Live {
    TaskUpdate,
    NewMessage,
    ArtifactStream,
    TerminalLog,
    SystemNotification,
}

impl Live {
    pub const ALL: [Self; 5] =
        [Self::TaskUpdate, Self::NewMessage, Self::ArtifactStream, Self::TerminalLog, Self::SystemNotification];

    pub fn name(self) -> &'static str {
        match self {
            Self::TaskUpdate => "task_update",
            Self::NewMessage => "new_message",
            Self::ArtifactStream => "artifact_stream",
            Self::TerminalLog => "terminal_log",
            Self::SystemNotification => "system_notification",
        }
    }

    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// An event of one aggregate, told. Each implementation goes through all events of its aggregate, so that a new one is
/// told or doesn't compile.
pub trait Tell {
    /// What happened, in one sentence.
    fn summary(self, language: Language) -> String;

    /// The kind of the live event that it makes, if it makes one.
    fn live(self) -> Option<Live>;
}

/// The first line of a text, between quotation marks.
pub(crate) fn quoted(text: &str, [open, close]: [char; 2]) -> String {
    let line = text.lines().next().unwrap_or_default();
    let mut shown: String = line.chars().take(QUOTED).collect();
    if shown.len() < text.trim_end().len() {
        shown.push('…');
    }
    format!("{open}{shown}{close}")
}

/// Local time with its zone where the zone is known, else UTC.
pub(crate) fn when(at: DateTime<Utc>, zone: &str) -> String {
    match zone.parse::<chrono_tz::Tz>() {
        Ok(zone) => format!("{} ({zone})", at.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S")),
        Err(_) => at.to_rfc3339_opts(SecondsFormat::Secs, true),
    }
}

/// A reason behind a sentence: its words, else its code.
pub(crate) fn because(reason: Option<&v1::Reason>) -> String {
    match reason {
        Some(reason) if !reason.text.is_empty() => format!(": {}", reason.text),
        Some(reason) if !reason.code.is_empty() => format!(": {}", reason.code),
        _ => String::new(),
    }
}

/// Who did it, else `somebody`.
pub(crate) fn who<'a>(by: &'a str, somebody: &'a str) -> &'a str {
    if by.is_empty() { somebody } else { by }
}
