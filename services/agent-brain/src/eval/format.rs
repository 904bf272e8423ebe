//! The format of a set: one JSON object a line.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Deserialize;

/// One scripted talk.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Talk {
    pub id: String,
    /// The language of the contact, as a BCP 47 tag.
    pub lang: String,
    /// IANA name of the contact's zone.
    pub zone: String,
    /// When it begins.
    pub now: DateTime<Utc>,
    #[serde(default)]
    pub contact: Contact,
    pub say: Vec<Line>,
    pub expect: Vec<Expect>,
    /// Kinds of decisions that no turn may make: as a [`Expect`]'s, `reply` and `opt_in`.
    #[serde(default)]
    pub forbid: Vec<String>,
    #[serde(default)]
    pub tags: Vec<String>,
}

/// What the channel says of the client.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Contact {
    pub name: String,
    pub username: String,
}

/// Something said.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    pub by: Speaker,
    pub text: String,
    /// When; by default a minute after what was said before.
    #[serde(default)]
    pub at: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Speaker {
    Client,
    /// One of ours: with their first word they lead the conversation, until `/human_release`.
    Human,
    /// What the script's author saw the bot say: it isn't played, for the brain speaks for itself.
    Bot,
}

/// What should be so at the end of the talk.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Expect {
    /// A promise is pending for this time; several are several, and there are no others.
    Schedule {
        due: DateTime<Utc>,
        #[serde(default)]
        within_s: Option<u32>,
    },
    /// What was pending before is so, at this time.
    Move {
        due: DateTime<Utc>,
        #[serde(default)]
        within_s: Option<u32>,
    },
    /// What was promised isn't pending any more, by a decision or the client's word.
    Cancel(bool),
    /// What the client's last message cancelled goes on as it was.
    Renew(bool),
    /// The last reply asks, and nothing new is promised.
    Ask(bool),
    Goal(Has),
    Milestone(Has),
    /// A person was called in the last turn.
    HandOff(bool),
    /// Nothing was said in the last turn.
    Silent(bool),
    /// Nothing is pending.
    None(bool),
    /// The client is written to no more.
    OptOut(bool),
}

/// Words that something found must hold.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Has {
    pub has: String,
    /// More that a goal or milestone may be asked to be.
    #[serde(flatten)]
    pub more: BTreeMap<String, serde_json::Value>,
}

/// The talks of a set.
///
/// # Errors
/// A line is none: its number, and why.
pub fn talks(text: &str) -> Result<Vec<Talk>, String> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines.map(|(n, line)| serde_json::from_str(line).map_err(|error| format!("line {}: {error}", n + 1))).collect()
}
