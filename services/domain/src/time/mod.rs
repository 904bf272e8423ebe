//! What a time phrase means: text, the moment it was written, a zone and a language in; one instant, or why there is none, out.

use std::ops::Range;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::{language::Language, settings::PartsOfDay};

/// What a phrase is read against.
#[derive(Debug, Clone)]
pub struct TimeContext {
    /// When the person wrote it (the channel's own timestamp).
    pub written_at: DateTime<Utc>,
    pub zone: Tz,
    /// Used when the text itself doesn't show its language.
    pub language: Language,
    /// `3/4` is 3 April (en-GB, en-AU …) rather than March 4; only matters in English.
    pub day_first: bool,
    /// Local hour of a bare day.
    pub followup_hour: u32,
    pub parts_of_day: PartsOfDay,
}

/// How fine the phrase was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grain {
    Second,
    Minute,
    Hour,
    PartOfDay,
    Day,
    Week,
    Month,
    Year,
}

/// One instant and the reason for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Moment {
    pub at: DateTime<Utc>,
    pub zone: Tz,
    pub grain: Grain,
    /// Bytes of the text that said it.
    pub span: Range<usize>,
    /// The rule that decided, e.g. `in_duration`, `weekday_next_week`; stable, snake_case, documented.
    pub rule: &'static str,
}

/// What the text says about time.
#[derive(Debug, Clone, PartialEq)]
pub enum Meaning {
    /// One instant at least five seconds and at most two years ahead of the writing.
    Instant(Moment),
    /// Several readings, or a phrase too loose for one instant: ask.
    Ambiguous { readings: Vec<Moment>, span: Range<usize>, rule: &'static str },
    /// A time that had passed when it was written: ask.
    Past(Moment),
    /// More than two years ahead: refuse and name the limit.
    TooFar(Moment),
    /// No time in it.
    None,
}

/// Reads the time phrase in `text`.
pub fn parse(text: &str, context: &TimeContext) -> Meaning {
    let _ = (text, context);
    Meaning::None
}
