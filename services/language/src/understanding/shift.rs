//! Moves by a length: "an hour later", "на час позже", "snooze it a day". The length counts from the promise's own time.

use std::ops::Range;

use chrono::{DateTime, TimeDelta, TimeZone as _, Utc};

use super::{
    acts::{Act, Deed},
    pattern::{Patterns, covered_by},
    sentence::{Reader, Sentence},
    words::Token,
};
use crate::{
    Language,
    time::{Grain, Meaning, Moment, TimeContext, parse_all},
};

/// So much later or earlier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shift {
    /// The client's own words for it.
    pub phrase: String,
    pub later: bool,
    /// The same as a time ahead ("in an hour"), and the language that reads it.
    ahead: String,
    language: Language,
}

/// Words of a length, at most: "two and a half hours".
const LONGEST_LENGTH: usize = 6;
/// Places of a sentence that are tried, at most.
const TRIED: usize = 4;

impl Shift {
    /// The moment so far from `due`: whole days keep its time of day, also where the clocks change. `context` is that of
    /// the client's message; the moment is judged by `due` alone, so it may have passed.
    pub fn from(&self, due: DateTime<Utc>, context: &TimeContext) -> Option<DateTime<Utc>> {
        let from_due = TimeContext { written_at: due, language: self.language, ..context.clone() };
        let (Meaning::Instant(moment) | Meaning::Past(moment)) = parse_all(&self.ahead, &from_due) else {
            return None;
        };
        let local = due.with_timezone(&context.zone);
        if matches!(moment.grain, Grain::Second | Grain::Minute | Grain::Hour) {
            let by = moment.at - due;
            return due.checked_add_signed(if self.later { by } else { -by });
        }
        let days = (moment.at.with_timezone(&context.zone).date_naive() - local.date_naive()).num_days();
        // How long the month before is can't be told from the month ahead.
        if !self.later && days > 27 {
            return None;
        }
        let by = TimeDelta::try_days(if self.later { days } else { -days })?;
        let naive = local.naive_local().checked_add_signed(by)?;
        let there = context.zone.from_local_datetime(&naive).earliest();
        there.map_or_else(|| due.checked_add_signed(by), |at| Some(at.to_utc()))
    }
}

/// The shift that a sentence says, with the tokens that say it; `None`: it says none, or says more than that.
///
/// A word that says which way ("earlier") counts before a verb that does ("push it back"): "move it an hour earlier".
pub(crate) fn shift(sentence: &Sentence, acts: &[Act], reader: Reader) -> Option<(Shift, Range<usize>)> {
    let lexicon = sentence.lexicon;
    let signs = [(&lexicon.later_by, true), (&lexicon.earlier_by, false)];
    for (at, end, later) in places(sentence, signs) {
        let before = length_before(sentence, at, reader).map(|range| range.start..end);
        let range = before.or_else(|| length_after(sentence, end, reader).map(|range| at..range.end));
        let Some(range) = range else { continue };
        if alone(sentence, acts, &range) {
            return Some((made(sentence, &range, later, reader)?, range));
        }
        if !later {
            return None;
        }
    }
    let verbs = [(&lexicon.put_off, true), (&lexicon.bring_on, false)];
    for (at, end, later) in places(sentence, verbs) {
        let Some(length) = length_after(sentence, end, reader) else { continue };
        let range = at..length.end;
        return if alone(sentence, acts, &range) {
            Some((made(sentence, &length, later, reader)?, range))
        } else {
            None
        };
    }
    None
}

/// Where one of these patterns stands, to where, and which way it says: the first of them.
fn places(sentence: &Sentence, ways: [(&Patterns, bool); 2]) -> Vec<(usize, usize, bool)> {
    let slack = |i: usize| sentence.polite[i];
    let found = |at: usize| {
        let way =
            |(patterns, later): (&Patterns, bool)| Some((at, patterns.longest(&sentence.tokens, at, &slack)?, later));
        ways.into_iter().find_map(way)
    };
    (0..sentence.tokens.len()).filter(|&at| !sentence.tokens[at].quoted).filter_map(found).take(TRIED).collect()
}

/// Nothing stands beside it but words that ask for a change.
fn alone(sentence: &Sentence, acts: &[Act], said: &Range<usize>) -> bool {
    let lexicon = sentence.lexicon;
    let moves = acts.iter().any(|act| act.deed == Deed::Move);
    let others = acts.iter().any(|act| !matches!(act.deed, Deed::Move | Deed::Contact { .. }));
    if others || (moves && said.start >= acts[0].words.start) {
        return moves && !others;
    }
    let words = lexicon.words;
    let beside = [
        &lexicon.rather,
        &lexicon.filler,
        &lexicon.polite,
        &lexicon.promise,
        &lexicon.acknowledgement,
        &lexicon.move_start,
        &lexicon.move_free,
    ];
    let of_act = |i: usize| acts.iter().any(|act| act.words.contains(&i));
    let rest: Vec<Token> = (0..sentence.tokens.len())
        .filter(|&i| !said.contains(&i) && !of_act(i))
        .map(|i| sentence.tokens[i].clone())
        .collect();
    covered_by(&rest, &beside, &|token| {
        [words.pronoun, words.before_time, words.instead, words.me].iter().any(|list| token.is_one_of(list))
    })
}

fn length_before(sentence: &Sentence, end: usize, reader: Reader) -> Option<Range<usize>> {
    (end.saturating_sub(LONGEST_LENGTH)..end).find_map(|start| length(sentence, start..end, reader))
}

fn length_after(sentence: &Sentence, start: usize, reader: Reader) -> Option<Range<usize>> {
    let most = (start + LONGEST_LENGTH).min(sentence.tokens.len());
    (start + 1..=most).rev().find_map(|end| length(sentence, start..end, reader))
}

/// These tokens, if they are nothing but a length, perhaps behind a word such as "by".
fn length(sentence: &Sentence, range: Range<usize>, reader: Reader) -> Option<Range<usize>> {
    let bare = bare(sentence, &range);
    if bare.is_empty() || sentence.tokens[range.clone()].iter().any(|t| t.quoted) {
        return None;
    }
    ahead(sentence, &bare, reader).map(|_| range)
}

fn bare(sentence: &Sentence, range: &Range<usize>) -> Range<usize> {
    let by = sentence.tokens.get(range.start).is_some_and(|t| t.is_one_of(sentence.lexicon.words.by));
    range.start + usize::from(by)..range.end
}

/// "In an hour", if that is a length.
fn ahead(sentence: &Sentence, length: &Range<usize>, reader: Reader) -> Option<String> {
    let tokens = &sentence.tokens;
    let lexicon = sentence.lexicon;
    let said = &sentence.text[tokens[length.start].span.start..tokens[length.end - 1].span.end];
    let before = lexicon.words.ahead.first().copied().unwrap_or_default();
    // A clock is no length: "на 13:00".
    if !said.contains(char::is_alphabetic) {
        return None;
    }
    let ones = lexicon.words.one.iter().copied().chain(["1"]).map(|one| format!("{before} {one} {said}"));
    std::iter::once(format!("{before} {said}")).chain(ones).find(|ahead| {
        let meaning = reader(ahead, 0..ahead.len());
        matches!(meaning, Meaning::Instant(Moment { rule: "in_duration", span, .. }) if span == (0..ahead.len()))
    })
}

/// `range` holds the length and perhaps the word that says which way.
fn made(sentence: &Sentence, range: &Range<usize>, later: bool, reader: Reader) -> Option<Shift> {
    let inner = (range.start..range.end)
        .flat_map(|start| (start + 1..=range.end).rev().map(move |end| start..end))
        .find_map(|part| length(sentence, part, reader))?;
    let phrase = sentence.text[sentence.tokens[range.start].span.start..sentence.tokens[range.end - 1].span.end].trim();
    let ahead = ahead(sentence, &bare(sentence, &inner), reader)?;
    Some(Shift { phrase: phrase.to_owned(), later, ahead, language: sentence.lexicon.language })
}
