//! What a time phrase means: text, the moment it was written, a zone and a language in; one instant, or why there is none, out.
//!
//! Words become lexemes of one language ([`lexicon`]), lexemes pieces ([`clocks`], [`dates`], [`lengths`]), pieces that stand
//! together a phrase ([`scan`]), and a phrase an instant by the policy in [`resolve`] and [`clock_policy`]. Nothing here reads a clock.
//!
//! The rules a [`Moment`] may name: `in_duration`, `after_date`, `relative_day`, `weekday_nearest`, `weekday_next_week`,
//! `weekday_of_week`, `weekday_later`, `weekday_last`, `week_start`, `calendar_date`, `day_of_month`, `nth_weekday`, `holiday`,
//! `end_of_day`, `end_of_week`, `end_of_month`, `end_of_year`, `time_of_day`, `part_of_day`, `midnight`. Those of an ambiguity:
//! `two_times`, `bare_month`, `weekend`, `recurring`, `loose_length`, `loose_period`, `loose_time`, `loose_weekday`,
//! `length_and_date`, `weekday_mismatch`, `midnight_side`, `tomorrow_or_morning`, `hour_and_part_disagree`, `unclear_zone`.

mod amounts;
mod calendar;
mod clock_policy;
mod clocks;
mod dates;
mod en;
mod es;
mod faces;
mod fractions;
mod holiday;
mod lengths;
mod lexicon;
mod offsets;
mod phrase;
mod reader;
mod resolve;
mod ru;
mod scan;
mod shifts;
mod tokens;
mod zone;

use std::ops::Range;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Deserialize;

pub use self::resolve::is_too_far;
use self::{
    lexicon::Lexicon,
    phrase::Phrase,
    reader::Reader,
    resolve::Outcome,
    tokens::{Shape, Token},
};
use crate::{Language, excerpt::head};

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
    /// Bytes of the text that said it; of a phrase split by other words, its first part ([`find_all`] gives every part).
    pub span: Range<usize>,
    /// The rule that decided, e.g. `in_duration`, `weekday_next_week`; stable, snake_case, documented above.
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

/// Reads the time phrase in the [`head`] of `text`.
pub fn parse(text: &str, context: &TimeContext) -> Meaning {
    parse_all(head(text), context)
}

/// The same in all of `text`, however long; takes time in proportion.
pub fn parse_all(text: &str, context: &TimeContext) -> Meaning {
    let tokens = tokens::tokens(text);
    languages(&tokens, context)
        .into_iter()
        .map(|language| meaning(&phrases(&tokens, language, context), context))
        .find(|meaning| *meaning != Meaning::None)
        .unwrap_or(Meaning::None)
}

/// The bytes of everything in the [`head`] of `text` that says a time, in order: cut them out and the topic remains.
pub fn find_all(text: &str, context: &TimeContext) -> Vec<Range<usize>> {
    let tokens = tokens::tokens(head(text));
    let found = languages(&tokens, context)
        .into_iter()
        .map(|language| phrases(&tokens, language, context))
        .find(|phrases| meaning(phrases, context) != Meaning::None)
        .unwrap_or_default();
    let mut spans: Vec<Range<usize>> =
        found.into_iter().flat_map(|p| std::iter::once(p.span).chain(p.others)).collect();
    spans.sort_by_key(|span| span.start);
    spans
}

fn phrases(tokens: &[Token], language: Language, context: &TimeContext) -> Vec<Phrase> {
    let lexemes = lexicon::lexemes(tokens, Lexicon::of(language));
    scan::phrases(&Reader::new(&lexemes, language, context.day_first))
}

/// Every word and expression of a language's tables, with what tells its kind.
#[cfg(test)]
pub(crate) fn expressions(language: Language) -> Vec<(String, String)> {
    Lexicon::of(language).expressions()
}

/// The languages to read the text in: the one its words show first, the context's where they show none.
fn languages(tokens: &[Token], context: &TimeContext) -> Vec<Language> {
    let has_letters =
        |test: fn(char) -> bool| tokens.iter().any(|t| matches!(&t.shape, Shape::Word(word) if word.chars().any(test)));
    let mut order = Vec::with_capacity(2);
    if has_letters(|c| ('\u{400}'..='\u{4ff}').contains(&c)) {
        order.push(Language::Ru);
    }
    if has_letters(|c| c.is_ascii_alphabetic()) {
        let (es, en) = (Lexicon::of(Language::Es).known(tokens), Lexicon::of(Language::En).known(tokens));
        let spanish_first = es > en || es == en && context.language == Language::Es;
        order.push(if spanish_first { Language::Es } else { Language::En });
        if es == en && es > 0 {
            order.push(if spanish_first { Language::En } else { Language::Es });
        }
    }
    if order.is_empty() {
        order.push(context.language);
    }
    order
}

/// One meaning of all the phrases of a text.
fn meaning(phrases: &[Phrase], context: &TimeContext) -> Meaning {
    let (mut instants, mut past, mut far, mut loose) = (Vec::new(), None, None, Vec::new());
    let mut alternatives = false;
    for phrase in phrases.iter().filter(|p| !p.negated) {
        alternatives |= phrase.alternative;
        match resolve::resolve(phrase, context) {
            Outcome::Instant(moment) => instants.push(moment),
            Outcome::Past(moment) => past = past.or(Some(moment)),
            Outcome::TooFar(moment) => far = far.or(Some(moment)),
            Outcome::Loose { readings, rule } => loose.push((readings, phrase.span.clone(), rule)),
            Outcome::Nothing => {}
        }
    }
    let differ = instants.windows(2).any(|pair| pair[0].at != pair[1].at);
    // a period that can be no time of its own ("the trip in May") doesn't cloud a precise time beside it
    let clouded = loose.iter().find(|(_, _, rule)| {
        alternatives || !matches!(*rule, "bare_month" | "loose_period" | "weekend" | "loose_time")
    });
    match (instants.first(), clouded) {
        (Some(first), None) if !differ => Meaning::Instant(first.clone()),
        (Some(first), _) => {
            let end = instants
                .iter()
                .map(|m| m.span.end)
                .chain(loose.iter().map(|l| l.1.end))
                .max()
                .unwrap_or(first.span.end);
            let start = instants
                .iter()
                .map(|m| m.span.start)
                .chain(loose.iter().map(|l| l.1.start))
                .min()
                .unwrap_or(first.span.start);
            let rule = clouded.map_or("two_times", |(_, _, rule)| *rule);
            let readings = instants.into_iter().chain(loose.into_iter().flat_map(|l| l.0)).collect();
            Meaning::Ambiguous { readings, span: start..end, rule: if differ { "two_times" } else { rule } }
        }
        (None, _) => match (loose.into_iter().next(), past, far) {
            (Some((readings, span, rule)), ..) => Meaning::Ambiguous { readings, span, rule },
            (None, Some(past), _) => Meaning::Past(past),
            (None, None, Some(far)) => Meaning::TooFar(far),
            (None, None, None) => Meaning::None,
        },
    }
}
