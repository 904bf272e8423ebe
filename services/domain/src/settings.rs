//! What an operator may set about behaviour: defaults, policy, channels. Pure data; read and checked by the `steward` binary.

use std::time::Duration;

use chrono_tz::Tz;
use serde::Deserialize;

use crate::language::Language;

/// `[defaults]`: how promises are understood and kept unless a contact says otherwise.
#[derive(Debug, Clone, PartialEq)]
pub struct Defaults {
    /// Zone of a contact whose own is not known.
    pub timezone: Tz,
    /// Language of a contact whose own is not known.
    pub language: Language,
    /// Local hour (0–23) of a bare day.
    pub followup_hour: u32,
    pub parts_of_day: PartsOfDay,
    /// A follow-up later than this at its claim expires instead of being sent.
    pub late_limit: Duration,
    /// Silence of the human that gives the conversation back; `None` switches it off.
    pub human_release_after: Option<Duration>,
    /// Our last message unanswered for this long makes one automatic follow-up; `None` switches it off.
    pub no_reply_after: Option<Duration>,
    /// Whether a message about promises renews what it cancelled.
    pub renew: bool,
    /// Longest time a turn waits for more messages.
    pub turn_max_wait: Duration,
    /// How long a turn waits for the next message before it starts.
    pub turn_debounce: Duration,
    /// Hours before a meeting at which it is reminded of.
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
            no_reply_after: None,
            renew: true,
            turn_max_wait: Duration::from_secs(5),
            turn_debounce: Duration::ZERO,
            meeting_reminder_hours: vec![24, 1],
        }
    }
}

/// Local hours (0–23) that stand for the parts of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PartsOfDay {
    pub morning: u32,
    pub noon: u32,
    pub afternoon: u32,
    pub evening: u32,
    pub night: u32,
}

impl Default for PartsOfDay {
    fn default() -> Self {
        Self { morning: 10, noon: 12, afternoon: 15, evening: 19, night: 22 }
    }
}
