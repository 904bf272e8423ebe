//! What a time phrase means: text, the moment it was written, a zone and a language in; one instant, or why there is none, out.
//!
//! Words become lexemes of one language ([`lexicon`]), lexemes pieces ([`clocks`], [`dates`], [`lengths`]), pieces that stand
//! together a phrase ([`scan`]), and a phrase an instant by the policy in [`resolve`] and [`clock_policy`]. Nothing here reads a clock,
//! and nothing knows a language by name: words are in its folder ([`words`]), and so is what its grammar does otherwise ([`grammar`]).
//!
//! The rules a [`Moment`] may name: `in_duration`, `after_date`, `relative_day`, `weekday_nearest`, `weekday_next_week`,
//! `weekday_of_week`, `weekday_later`, `weekday_last`, `week_start`, `calendar_date`, `day_of_month`, `nth_weekday`, `holiday`,
//! `end_of_day`, `end_of_week`, `end_of_month`, `end_of_year`, `time_of_day`, `part_of_day`, `midnight`. Those of an ambiguity:
//! `two_times`, `bare_month`, `weekend`, `recurring`, `loose_length`, `loose_period`, `loose_time`, `loose_weekday`,
//! `length_and_date`, `weekday_mismatch`, `day_or_month`, `midnight_side`, `tomorrow_or_morning`, `hour_and_part_disagree`,
//! `unclear_zone`, `deadline`, `before_event`, `other_calendar`, `tomorrow_after_midnight`, `day_of_zone`, `time_in_topic`; and where
//! something beside the phrase speaks of time and was not read ([`leftover`]): `left_over`, `no_such_clock`, `excepted`.

pub(crate) mod amounts;
mod calendar;
mod clock_policy;
mod clocks;
mod dates;
mod days;
pub(crate) mod faces;
pub(crate) mod grammar;
pub(crate) mod holiday;
mod joining;
mod leftover;
pub(crate) mod lengths;
pub(crate) mod lexicon;
mod offsets;
pub(crate) mod phrase;
pub(crate) mod reader;
mod resolve;
mod said;
mod scan;
pub(crate) mod sense;
mod shifts;
pub(crate) mod tokens;
pub(crate) mod words;
mod zone;

use std::ops::Range;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Deserializer, Serialize, de};

use self::{
    lexicon::Lexicon,
    phrase::{Matter, Phrase},
    reader::Reader,
    resolve::Outcome,
    tokens::{Shape, Token},
};
pub use self::{
    resolve::is_too_far,
    said::{Said, said},
    zone::Wall,
};
use crate::{DateOrder, Language, excerpt::head, folder::Script};

pub(crate) use self::grammar::Grammar;

/// What a phrase is read against.
#[derive(Debug, Clone)]
pub struct TimeContext {
    /// When the person wrote it (the channel's own timestamp).
    pub written_at: DateTime<Utc>,
    pub zone: Tz,
    /// Used when the text itself doesn't show its language.
    pub language: Language,
    /// Which number of `3/4` is the day; only matters in English.
    pub date_order: DateOrder,
    /// Local hour of a bare day.
    pub followup_hour: u32,
    pub parts_of_day: PartsOfDay,
}

/// Local hours (0–23) that stand for the parts of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a table of hours")]
pub struct PartsOfDay {
    #[serde(deserialize_with = "hour")]
    pub morning: u32,
    #[serde(deserialize_with = "hour")]
    pub noon: u32,
    #[serde(deserialize_with = "hour")]
    pub afternoon: u32,
    #[serde(deserialize_with = "hour")]
    pub evening: u32,
    #[serde(deserialize_with = "hour")]
    pub night: u32,
}

/// Reads a local hour.
///
/// # Errors
/// It isn't from 0 to 23.
pub fn hour<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    match i64::deserialize(deserializer)? {
        hour @ 0..=23 => Ok(hour as u32),
        other => Err(de::Error::invalid_value(de::Unexpected::Signed(other), &"an hour from 0 to 23")),
    }
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
    /// The clock that the phrase named ("10 Moscow time"), if it shows another time than the contact's.
    pub elsewhere: Option<Wall>,
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

impl Meaning {
    fn span(&self) -> Option<Range<usize>> {
        match self {
            Self::Instant(moment) | Self::Past(moment) | Self::TooFar(moment) => Some(moment.span.clone()),
            Self::Ambiguous { span, .. } => Some(span.clone()),
            Self::None => None,
        }
    }

    /// The moments it may be that are ahead and near enough.
    fn ahead(&self) -> &[Moment] {
        match self {
            Self::Instant(moment) => std::slice::from_ref(moment),
            Self::Ambiguous { readings, .. } => readings,
            Self::Past(_) | Self::TooFar(_) | Self::None => &[],
        }
    }
}

/// Reads the time phrase in the [`head`] of `text`.
pub fn parse(text: &str, context: &TimeContext) -> Meaning {
    parse_all(head(text), context)
}

/// The same in all of `text`, however long; takes time in proportion.
pub fn parse_all(text: &str, context: &TimeContext) -> Meaning {
    parse_part(text, 0..text.len(), context)
}

/// The meaning of the part of `text` in these bytes. What stands right beside it is looked at: a time there that doesn't belong to
/// the part makes its reading doubtful.
pub(crate) fn parse_part(text: &str, part: Range<usize>, context: &TimeContext) -> Meaning {
    let tokens = tokens::tokens(text);
    let read = |context: &TimeContext| {
        languages(&tokens, context)
            .into_iter()
            .map(|language| meaning(&phrases(&tokens, &part, language, context), context))
            .find(|meaning| *meaning != Meaning::None)
            .unwrap_or(Meaning::None)
    };
    if context.date_order == DateOrder::Open {
        let [month_first, day_first] = [DateOrder::MonthFirst, DateOrder::DayFirst]
            .map(|date_order| read(&TimeContext { date_order, ..context.clone() }));
        return either(month_first, day_first);
    }
    read(context)
}

/// What a text means whose dates can be read in two orders.
fn either(month_first: Meaning, day_first: Meaning) -> Meaning {
    if month_first == day_first {
        return month_first;
    }
    // A weekday beside the date says which of the two is meant.
    let contradicts = |m: &Meaning| matches!(m, Meaning::Ambiguous { rule: "weekday_mismatch", .. });
    match (contradicts(&month_first), contradicts(&day_first)) {
        (true, false) => return day_first,
        (false, true) => return month_first,
        _ => {}
    }
    let readings: Vec<Moment> = [&month_first, &day_first].into_iter().flat_map(Meaning::ahead).cloned().collect();
    match month_first.span().or(day_first.span()) {
        Some(span) if !readings.is_empty() => Meaning::Ambiguous { readings, span, rule: "day_or_month" },
        // Neither is a time that could be promised, and that is asked as well.
        _ => month_first,
    }
}

/// The bytes of everything in the [`head`] of `text` that says a time, in order: cut them out and the topic remains.
pub fn find_all(text: &str, context: &TimeContext) -> Vec<Range<usize>> {
    let text = head(text);
    let tokens = tokens::tokens(text);
    let found = languages(&tokens, context)
        .into_iter()
        .map(|language| phrases(&tokens, &(0..text.len()), language, context))
        .find(|phrases| meaning(phrases, context) != Meaning::None)
        .unwrap_or_default();
    let said = found.iter().any(|p| p.matter == Matter::No && resolve::resolve(p, context) != Outcome::Nothing);
    let found = found.into_iter().filter(|p| p.matter == Matter::No || !said);
    let mut spans: Vec<Range<usize>> = found.flat_map(|p| std::iter::once(p.span).chain(p.others)).collect();
    spans.sort_by_key(|span| span.start);
    spans
}

/// The phrases among the tokens in these bytes.
fn phrases(tokens: &[Token], part: &Range<usize>, language: Language, context: &TimeContext) -> Vec<Phrase> {
    let lexemes = lexicon::lexemes(tokens, Lexicon::of(language));
    let start = lexemes.partition_point(|l| l.span.start < part.start);
    let end = lexemes.partition_point(|l| l.span.start < part.end);
    let all = Reader::new(&lexemes, language.folder().time, context.date_order == DateOrder::DayFirst);
    scan::phrases(&all, start..end.max(start))
}

/// Every word and expression of a language's tables, with what tells its kind.
#[cfg(test)]
pub(crate) fn expressions(language: Language) -> Vec<(String, String)> {
    Lexicon::of(language).expressions()
}

/// The languages to read the text in: the one its words show first, the context's where they show none.
fn languages(tokens: &[Token], context: &TimeContext) -> Vec<Language> {
    let mut order = Vec::with_capacity(Language::ALL.len());
    for &script in Script::ALL {
        // a lone accented letter tells nothing: "5 à 7"
        let tells = |c: char| (c.is_ascii() || script != Script::Latin) && script.has(c);
        if tokens.iter().any(|t| matches!(&t.shape, Shape::Word(word) if word.chars().any(tells))) {
            add_most_known(&mut order, script, tokens, context);
        }
    }
    if order.is_empty() {
        order.push(context.language);
    }
    order
}

/// Adds those of the script's languages that know most of the words, the context's first; only one where none knows any.
fn add_most_known(order: &mut Vec<Language>, script: Script, tokens: &[Token], context: &TimeContext) {
    let start = order.len();
    let is_sole = script.languages().nth(1).is_none();
    let mut most = 0;
    for language in script.languages() {
        let known = if is_sole { 0 } else { Lexicon::of(language).known(tokens) };
        if known > most {
            order.truncate(start);
            most = known;
        }
        if known == most {
            order.push(language);
        }
    }
    order[start..].sort_by_key(|language| *language != context.language);
    if most == 0 {
        order.truncate(start + 1);
    }
}

/// One meaning of all the phrases of a text.
fn meaning(phrases: &[Phrase], context: &TimeContext) -> Meaning {
    let (mut instants, mut past, mut far, mut loose) = (Vec::new(), None, None, Vec::new());
    let mut alternatives = false;
    // "remind me today that the flight is on Friday": the time that stands with the request counts
    let said = |p: &&Phrase| !p.negated && p.matter == Matter::No;
    let resolved: Vec<(&Phrase, Outcome)> =
        phrases.iter().filter(said).map(|phrase| (phrase, resolve::resolve(phrase, context))).collect();
    let resolved = if resolved.iter().all(|(_, outcome)| *outcome == Outcome::Nothing) {
        phrases.iter().filter(|p| !p.negated).map(|phrase| (phrase, resolve::resolve(phrase, context))).collect()
    } else {
        resolved
    };
    for (phrase, outcome) in resolved {
        alternatives |= phrase.alternative;
        match outcome {
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
