//! What an operator may set about behaviour, as far as decisions go by it: `[defaults]`, `[policy]`, templates.
//!
//! Each key is defined here once, with its default and the way it is written in `steward.toml` ([`written`]); the crate
//! `steward-settings` reads them with all others.

pub mod written;

use std::{fmt, time::Duration};

use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use steward_language::{Language, time::PartsOfDay};

/// `[defaults]`: how promises are understood and kept unless a contact says otherwise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub struct Defaults {
    /// Zone of a contact whose own is not known. Left out of the file: the machine's.
    #[serde(with = "written::zone")]
    pub timezone: Tz,
    /// Language of a contact whose own is not known.
    #[serde(with = "written::language")]
    pub language: Language,
    /// Local hour (0–23) of a bare day.
    #[serde(deserialize_with = "written::hour")]
    pub followup_hour: u32,
    /// Local hours (0–23) that stand for the parts of a day.
    pub parts_of_day: PartsOfDay,
    /// A follow-up later than this at its claim expires instead of being sent.
    #[serde(with = "written::span")]
    pub late_limit: Duration,
    /// Silence of the human that gives the conversation back; `None` switches it off.
    #[serde(with = "written::span_or_never")]
    pub human_release_after: Option<Duration>,
    /// Whether a message about promises renews what it cancelled.
    pub renew: bool,
    /// Longest time a turn waits for more messages.
    #[serde(with = "written::span")]
    pub turn_max_wait: Duration,
    /// How long a turn waits for the next message before it starts.
    #[serde(with = "written::span")]
    pub turn_debounce: Duration,
    /// Hours before a meeting at which it is reminded of.
    #[serde(deserialize_with = "written::positives")]
    pub meeting_reminder_hours: Vec<u32>,
}

impl Default for Defaults {
    fn default() -> Self {
        Self {
            timezone: Tz::UTC,
            language: Language::En,
            followup_hour: 10,
            parts_of_day: PartsOfDay::default(),
            late_limit: Duration::from_secs(3600),
            human_release_after: Some(Duration::from_secs(30 * 60)),
            renew: true,
            turn_max_wait: Duration::from_secs(5),
            turn_debounce: Duration::ZERO,
            meeting_reminder_hours: vec![24, 1],
        }
    }
}

/// `[policy]`: what may go out by itself, and when.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub struct Policy {
    /// Hours of the contact in which nothing proactive is sent.
    #[serde(with = "written::quiet_hours")]
    pub quiet_hours: Option<QuietHours>,
    /// Proactive messages per conversation in any 24 hours.
    #[serde(deserialize_with = "written::some_positive")]
    pub daily_cap: Option<u32>,
    /// The bot's answers per correspondent and hour; `None`: the channel's own.
    #[serde(deserialize_with = "written::some_positive")]
    pub auto_reply_cap: Option<u32>,
    /// Where neither the channel nor its tenant says otherwise.
    pub approval: Approval,
    /// When everything proactive stops until a person has looked.
    pub breaker: Breaker,
}

/// When everything proactive of a tenant's stops until a person has looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub struct Breaker {
    /// So many failed sends within five minutes, if they are at least half of all.
    #[serde(deserialize_with = "written::positive")]
    pub failures: u32,
    /// More proactive sends than this within a minute; `None`: any number.
    #[serde(deserialize_with = "written::some_positive")]
    pub sends_per_minute: Option<u32>,
}

impl Default for Breaker {
    fn default() -> Self {
        Self { failures: 50, sends_per_minute: None }
    }
}

/// Which of the bot's messages wait for a person's approval.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Approval {
    #[default]
    None,
    /// Those to a client whom nothing of ours has reached yet.
    FirstContact,
    /// Those that nobody waits for.
    Proactive,
    All,
}

impl Approval {
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::FirstContact => "first_contact",
            Self::Proactive => "proactive",
            Self::All => "all",
        }
    }
}

/// The approval mode in force on a channel, and who set it: the channel, else its tenant, else `[policy]`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ApprovalRule {
    pub mode: Approval,
    pub set_by: SetBy,
}

impl fmt::Display for ApprovalRule {
    /// As evidence shows it: `all, set for the channel`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = match self.set_by {
            SetBy::Policy => "by [policy]",
            SetBy::Tenant => "for the tenant",
            SetBy::Channel => "for the channel",
        };
        write!(f, "{}, set {by}", self.mode.name())
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SetBy {
    #[default]
    Policy,
    Tenant,
    Channel,
}

/// A span of local wall-clock time; it may cross midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuietHours {
    pub from: chrono::NaiveTime,
    pub to: chrono::NaiveTime,
}

impl fmt::Display for QuietHours {
    /// As the configuration has it: `22:00-08:00`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.from.format("%H:%M"), self.to.format("%H:%M"))
    }
}

/// What happens to a send whose fate is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnUnknown {
    /// It waits for an operator.
    #[default]
    Hold,
    /// It is sent again, which the recipient may see twice.
    Resend,
}

/// A message approved by the provider, for when the service window is closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub struct Template {
    /// What it stands in for: `follow_up`, `reminder`, `reply`.
    pub purpose: String,
    /// The provider's code: `ru`, `en_US`.
    pub language: String,
    pub name: String,
    /// What its placeholders take, in order: `text`, `name`.
    #[serde(default)]
    pub parameters: Vec<String>,
}
