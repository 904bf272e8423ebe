//! Each time a text says, by itself: what is said is compared with what was decided, nothing is asked for.

use std::ops::Range;

use chrono_tz::Tz;

use super::{
    Moment, TimeContext, languages,
    phrase::{Matter, Part, Phrase},
    phrases,
    resolve::{Outcome, resolve},
    tokens::{self, Token},
};
use crate::{DateOrder, Language};

/// One time said.
#[derive(Debug, Clone, PartialEq)]
pub struct Said {
    /// Its bytes in the text: several parts, if other words stand between.
    pub spans: Vec<Range<usize>>,
    /// What it may mean, past times too; none: it is too loose to be one instant.
    pub readings: Vec<Moment>,
    /// It names a day, or a length from now.
    pub day: bool,
    /// It names a time of day.
    pub clock: bool,
    /// The local hours of the part of day that it names instead of a clock, from the first to the one before the last.
    pub hours: Option<Range<u32>>,
    /// By then, not at it.
    pub by: bool,
    /// It belongs to what something is about.
    pub about: bool,
    /// "Not tomorrow": said only to be ruled out.
    pub ruled_out: bool,
    /// Its words contradict each other: "Thursday, 11 December", which is a Friday.
    pub contradicts: bool,
}

/// Each time in `text`, in order; takes time in proportion to its length.
pub fn said(text: &str, context: &TimeContext) -> Vec<Said> {
    // What stands in brackets is said again, or otherwise: "at 02:00 (tomorrow at 20:00 over there)".
    let apart = text.replace(['(', ')'], ";");
    let tokens = tokens::tokens(&apart);
    let read = |date_order| {
        let context = TimeContext { date_order, ..context.clone() };
        let spoken = languages(&tokens, &context).into_iter();
        spoken.map(|language| each(text, &tokens, language, &context)).find(|found| !found.is_empty())
    };
    if context.date_order != DateOrder::Open {
        return read(context.date_order).unwrap_or_default();
    }
    let mut found = read(DateOrder::MonthFirst).unwrap_or_default();
    for other in read(DateOrder::DayFirst).unwrap_or_default() {
        match found.iter_mut().find(|known| known.spans == other.spans) {
            Some(known) => {
                known.contradicts &= other.contradicts;
                let more = other.readings.into_iter().filter(|r| !known.readings.contains(r)).collect::<Vec<_>>();
                known.readings.extend(more);
            }
            None => found.push(other),
        }
    }
    found.sort_by_key(|said| said.spans.first().map(|span| span.start));
    found
}

fn each(text: &str, tokens: &[Token], language: Language, context: &TimeContext) -> Vec<Said> {
    let found = phrases(tokens, &(0..text.len()), language, context);
    let read = |phrase: Phrase| match zone_behind(text, &phrase) {
        Some(zone) => of(phrase, &TimeContext { zone, ..context.clone() }),
        None => of(phrase, context),
    };
    found.into_iter().filter_map(read).collect()
}

/// The zone that is named right behind a clock as the tables of zones name it: "tomorrow at 20:00, America/New_York".
fn zone_behind(text: &str, phrase: &Phrase) -> Option<Tz> {
    if phrase.clocks.is_empty() || phrase.zone.is_some() {
        return None;
    }
    let rest = text[phrase.span.end..].trim_start_matches([',', ' ', '(']);
    let length = rest.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '/' | '_' | '-' | '+'));
    let name = &rest[..length.unwrap_or(rest.len())];
    name.contains('/').then(|| name.parse().ok()).flatten()
}

fn of(mut phrase: Phrase, context: &TimeContext) -> Option<Said> {
    // A doubt about what stands beside it is none about the time itself.
    phrase.leftover = None;
    let by = phrase.deadline || phrase.by_day;
    (phrase.deadline, phrase.by_day) = (false, false);
    let (readings, rule) = match resolve(&phrase, context) {
        Outcome::Instant(moment) | Outcome::Past(moment) | Outcome::TooFar(moment) => (vec![moment], ""),
        Outcome::Loose { readings, rule } => (readings, rule),
        Outcome::Nothing => return None,
    };
    let counted = phrase.shift.as_ref().is_some_and(|shift| shift.amounts.iter().any(|(_, unit)| unit.is_clock()));
    let clock = !phrase.clocks.is_empty() || phrase.midnight || phrase.same_time || counted;
    let hours = phrase.part.filter(|_| !clock).map(hours);
    let contradicts = matches!(rule, "weekday_mismatch" | "no_such_clock" | "hour_and_part_disagree");
    let day = phrase.has_day();
    let about = phrase.matter != Matter::No;
    let spans = std::iter::once(phrase.span).chain(phrase.others).collect();
    Some(Said { spans, readings, day, clock, hours, by, about, ruled_out: phrase.negated, contradicts })
}

/// The hours that people call so.
fn hours(part: Part) -> Range<u32> {
    match part {
        Part::Dawn => 0..7,
        Part::Morning => 4..12,
        Part::FirstThing => 6..11,
        Part::Noon => 11..15,
        Part::Lunch => 11..16,
        Part::Afternoon => 12..21,
        Part::Evening => 16..24,
        Part::EveningOrNight | Part::Night => 18..24,
    }
}
