//! Finds the forms of a language in a sentence, and gives each the times that stand with it.

use std::ops::Range;

use super::{
    Claim, ClaimedTime,
    excuse::excused,
    sentence::Sentence,
    words::{Compiled, Deed, Lexicon, Needs, Tense},
};
use crate::{
    Language,
    understanding::{
        pattern::{Patterns, TIGHT, covered_by},
        words::{Token, fold},
    },
};

/// Light words between the words of a form, at most: a time and some politeness, said at length.
const MOST_BETWEEN: usize = 14;
/// How far behind a form its object may stand, in tokens.
const NEAR: usize = 7;
/// How far a time may stand from the form that needs one, in tokens.
const TIME_NEAR: usize = 5;

/// A form found.
#[derive(Clone)]
pub(super) struct Found {
    pub deed: Deed,
    pub tense: Tense,
    /// From the opener to the end of the words.
    pub tokens: Range<usize>,
    /// Where its own words begin.
    pub verb: usize,
    /// What it is said of stands before it: "the reminder is cancelled".
    pub passive: bool,
    pub lexicon: &'static Lexicon,
}

/// What a sentence claims by the words of these languages.
pub(super) fn claims(sentence: &Sentence, languages: &[Language]) -> Vec<Claim> {
    let mut found: Vec<Found> = Vec::new();
    for lexicon in languages.iter().map(|&language| Lexicon::of(language)) {
        let ours = found_of(sentence, lexicon);
        found.extend(ours);
    }
    found.sort_by_key(|f| f.tokens.start);
    if found.is_empty() {
        return only_time(sentence, languages).into_iter().collect();
    }
    let stretches = stretches(sentence, &found);
    found
        .iter()
        .zip(stretches)
        .filter(|(found, stretch)| !excused(sentence, found, stretch))
        .map(|(found, stretch)| Claim {
            deed: found.deed,
            span: sentence.span(found.tokens.clone()),
            sentence: sentence.bytes(),
            times: times(sentence, found, &stretch),
            done: false,
        })
        .collect()
}

fn found_of(sentence: &Sentence, lexicon: &'static Lexicon) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    let mut at = 0;
    while at < sentence.tokens.len() {
        let begins = lexicon.forms.iter().find_map(|form| {
            let (verb, end) = matched(sentence, lexicon, form, at)?;
            let tokens = at..end;
            let fits = !sentence.tokens[tokens.clone()].iter().any(|t| t.quoted)
                && has_needs(sentence, form, &tokens)
                && !is_manner_of_speaking(sentence, form, end)
                && (!form.form.leads || leads(sentence, lexicon, at, &found));
            let passive = matches!(form.needs, Needs::Before(_));
            fits.then_some(Found { deed: form.form.deed, tense: form.form.tense, tokens, verb, passive, lexicon })
        });
        match begins {
            Some(next) => {
                at = next.tokens.end;
                found.push(next);
            }
            None => at += 1,
        }
    }
    found
}

/// "Напомню, что мы закрыты", "напомню: встреча в 15:00".
fn is_manner_of_speaking(sentence: &Sentence, form: &Compiled, end: usize) -> bool {
    let mark = |mark| sentence.tokens.get(end).is_some_and(|t| t.is_mark(mark));
    let next = end + usize::from(mark(','));
    !form.form.unless.is_empty() && (mark(':') || form.unless.longest(&sentence.tokens, next, TIGHT).is_some())
}

/// Where the words of the form begin and end, if it begins with token `at`.
fn matched(sentence: &Sentence, lexicon: &Lexicon, form: &Compiled, at: usize) -> Option<(usize, usize)> {
    let tokens = &sentence.tokens;
    let words = |at: usize| {
        let end = form.words.longest(tokens, at, TIGHT)?;
        let accented = || tokens[at..end].iter().any(|t| is_accented(sentence, t));
        ((!form.form.accented || accented()) && (!form.form.plain || !accented())).then_some((at, end))
    };
    if form.form.opener.is_empty() {
        return words(at);
    }
    let mut next = form.opener.longest(tokens, at, TIGHT)?;
    let limit = (next + MOST_BETWEEN).min(tokens.len());
    while next < limit {
        if let Some(found) = words(next) {
            return Some(found);
        }
        let light = lexicon.light.longest(tokens, next, TIGHT);
        next = match light {
            Some(end) => end,
            None if tokens[next].time => next + 1,
            None => break,
        };
    }
    if form.form.tense != Tense::Ahead {
        return None;
    }
    // "I'll check the stock and write to you"
    let end = sentence.clause(&(at..next)).end.min(next + MOST_BETWEEN);
    (next..end).filter(|&i| tokens[i].is_one_of(lexicon.words.and)).find_map(|joint| {
        let verb = (joint + 1..end).find(|&i| lexicon.light.longest(tokens, i, TIGHT).is_none() && !tokens[i].time)?;
        words(verb)
    })
}

fn is_accented(sentence: &Sentence, token: &Token) -> bool {
    let written = &sentence.text[token.span.clone()];
    written.chars().last().is_some_and(|c| !c.is_ascii()) && fold(written) == token.folded
}

fn has_needs(sentence: &Sentence, form: &Compiled, found: &Range<usize>) -> bool {
    let clause = sentence.clause(found);
    let says = |patterns: &Patterns, range: Range<usize>| sentence.says(patterns, range);
    match &form.needs {
        Needs::Nothing => true,
        Needs::Time => sentence.times.iter().any(|time| {
            let about = time.about && time.spans.iter().all(|s| sentence.covering(s).start > found.end + 1);
            !about
                && !time.ruled_out
                && !time.readings.is_empty()
                && time.spans.iter().any(|span| {
                    let at = sentence.covering(span);
                    let behind = at.start >= found.end && at.start < found.end + TIME_NEAR && at.start <= clause.end;
                    let before = at.end <= found.start && at.end + 3 > found.start && at.start >= clause.start;
                    behind || before || at.start >= found.start && at.end <= found.end
                })
        }),
        Needs::Behind(words) => says(words, found.end..(found.end + NEAR).min(clause.end)),
        Needs::Before(words) => says(words, clause.start..found.start),
        Needs::Beside(words) => says(words, clause.start..found.start) || says(words, found.end..clause.end),
    }
}

/// Whether nothing but light words stands before `at` in its clause, or before the last claim in it.
fn leads(sentence: &Sentence, lexicon: &Lexicon, at: usize, found: &[Found]) -> bool {
    let clause = sentence.clause(&(at..at + 1));
    let start = found.last().map(|f| f.tokens.end).filter(|end| *end > clause.start).unwrap_or(clause.start);
    let and = |t: &Token| t.is_one_of(lexicon.words.and);
    // Behind another claim there may be anything up to "and".
    let start = match (start > clause.start).then(|| (start..at).rev().find(|&i| and(&sentence.tokens[i]))).flatten() {
        Some(joint) => joint + 1,
        None => start,
    };
    covered_by(&sentence.tokens[start..at], &[&lexicon.light], &|t| t.time)
}

/// The part of the sentence that belongs to each form: between two, what stands behind the last "and" or mark is the second's.
fn stretches(sentence: &Sentence, found: &[Found]) -> Vec<Range<usize>> {
    let mut out: Vec<Range<usize>> = Vec::new();
    let mut start = 0;
    for (i, one) in found.iter().enumerate() {
        let end = match found.get(i + 1) {
            None => sentence.tokens.len(),
            Some(next) => {
                let joint = |j: usize| {
                    sentence.is_boundary(j)
                        || sentence.tokens[j].is_one_of(one.lexicon.words.and) && !sentence.tokens[j].time
                };
                (one.tokens.end..next.tokens.start).rev().find(|&j| joint(j)).unwrap_or(next.tokens.start)
            }
        };
        let end = end.max(one.tokens.end);
        // "Moved: I'll write to you on Friday": what follows says to when.
        let told = one.deed == Deed::Move && sentence.tokens.get(one.tokens.end).is_some_and(|t| t.is_mark(':'));
        out.push(start..if told { sentence.tokens.len() } else { end });
        start = end;
    }
    out
}

/// The times in the stretch of a form that aren't ruled out, or left behind ("from Monday").
fn times(sentence: &Sentence, found: &Found, stretch: &Range<usize>) -> Vec<ClaimedTime> {
    let words = found.lexicon.words;
    let mut out: Vec<ClaimedTime> = Vec::new();
    // What is read from here on stands behind the words that begin a topic.
    let mut from = found.tokens.end;
    for said in sentence.times.iter().filter(|said| !said.ruled_out) {
        let Some(at) = said.spans.first().map(|span| sentence.covering(span)) else { continue };
        // "Set" may be September, but not where it is the verb.
        let verb = at.start >= found.verb && at.end <= found.tokens.end;
        if at.start < stretch.start || at.start >= stretch.end || at.is_empty() || verb {
            continue;
        }
        let left = |i: usize| sentence.tokens[i].is_one_of(words.from);
        if found.deed == Deed::Move && (left(at.start) || at.start > 0 && left(at.start - 1)) {
            continue;
        }
        let between = from.min(at.start)..at.start;
        let one_of = |set: &'static [&'static str]| {
            between
                .clone()
                .any(|i| sentence.tokens[i].is_one_of(set) && (i + 1..at.start).any(|j| is_word(sentence, j)))
        };
        let bracket = between.clone().any(|i| sentence.tokens[i].is_mark('(') || sentence.tokens[i].is_mark(':'));
        let about = said.about || one_of(words.about);
        let behind = about || bracket || one_of(words.to);
        from = if behind { from } else { at.end.max(from) };
        out.push(ClaimedTime { said: said.clone(), about, behind });
    }
    out
}

fn is_word(sentence: &Sentence, at: usize) -> bool {
    sentence.tokens[at].is_word() && !sentence.tokens[at].time
}

/// A sentence that is nothing but a time, and words that say it holds.
fn only_time(sentence: &Sentence, languages: &[Language]) -> Option<Claim> {
    let tokens = &sentence.tokens;
    if sentence.asked || tokens.iter().any(|t| t.quoted) || sentence.times.iter().all(|t| t.readings.is_empty()) {
        return None;
    }
    let lexicon = languages.iter().map(|&language| Lexicon::of(language)).find(|lexicon| {
        let covers = |free: &dyn Fn(&Token) -> bool| {
            covered_by(tokens, &[&lexicon.beside_time, &lexicon.agreed, &lexicon.done], free)
        };
        // "All set!" is no time, though "set" may be September.
        covers(&|t| t.time) && !covers(&|_| false)
    })?;
    let done = sentence.says(&lexicon.done, 0..tokens.len());
    if !done && !sentence.says(&lexicon.agreed, 0..tokens.len()) {
        return None;
    }
    let times = sentence.times.iter().filter(|said| !said.ruled_out);
    Some(Claim {
        deed: Deed::Time,
        span: sentence.bytes(),
        sentence: sentence.bytes(),
        times: times.map(|said| ClaimedTime { said: said.clone(), about: false, behind: false }).collect(),
        done,
    })
}
