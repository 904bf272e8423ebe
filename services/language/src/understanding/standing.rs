//! What is asked of promises that stand: to cancel them or to move them, and which of them.

use std::ops::Range;

use chrono::{DateTime, Days, NaiveTime, TimeDelta, TimeZone as _, Utc};

use super::{
    Asked, Intent, Request, Says, Which,
    acts::Act,
    pattern::{Patterns, TIGHT},
    sentence::{Reader, Sentence, spans},
    stretch::{asked, says},
    topic::is_other_clause,
};
use crate::time::{Meaning, Moment};

/// A refusal or a cancellation; with a better time beside it, a move; of a while, whatever is due then afterwards.
pub(crate) fn refusal(
    sentence: &Sentence,
    range: Range<usize>,
    act: &Act,
    intent: Option<Intent>,
    reader: Reader,
) -> Vec<Request> {
    // "не пиши завтра, лучше в пятницу": a move of what was to be cancelled
    for joint in act.words.end..range.end {
        if !sentence.is_boundary(joint) && !sentence.tokens[joint].is_one_of(sentence.lexicon.words.conjunction) {
            continue;
        }
        if let Some(time) = super::read::implied_move(sentence, joint + 1..range.end, reader) {
            let which = which(sentence, range.start..joint, act, intent, sentence.time(range.start..joint, reader));
            return vec![Request::Move { time, which: Which { all: false, ..which }, plain: false }];
        }
    }
    let own = range.start..end_without_reason(sentence, act.words.end..range.end, intent.is_some(), reader);
    if intent.is_some()
        && let Some(request) = not_before(sentence, own.clone(), act, reader)
    {
        return vec![request];
    }
    let meaning = sentence.time(own.clone(), reader);
    let mut which = which(sentence, own, act, intent, meaning);
    if intent.is_some() {
        which.all |= which.topic.is_empty() && which.time == Meaning::None;
        which.named = true;
    }
    vec![Request::Cancel { which }]
}

/// Where a refusal ends and its reason begins: at a word such as "because", or at a clause with a subject of its own; one that
/// follows "don't write" is a reason unless it names a time or says what it is about ("don't write tomorrow, busy").
fn end_without_reason(sentence: &Sentence, range: Range<usize>, refuses: bool, reader: Reader) -> usize {
    let lexicon = sentence.lexicon;
    let words = lexicon.words;
    let tokens = &sentence.tokens;
    let ends = |&i: &usize| {
        if refuses && tokens[i].is_one_of(words.reason) {
            return true;
        }
        if !sentence.is_boundary(i) {
            return false;
        }
        let says = |k: &usize| tokens[*k].is_word() && !sentence.polite[*k];
        let Some(first) = (i + 1..range.end).find(says) else { return false };
        if is_other_clause(sentence, first..range.end) {
            return true;
        }
        let next = (first..range.end).find(|&k| sentence.is_boundary(k)).unwrap_or(range.end);
        let opens = [words.about, words.or, words.conjunction].iter().any(|list| tokens[first].is_one_of(list));
        // "March 1, 2031"
        let inside_time = first == i + 1 && tokens[first].time && i.checked_sub(1).is_some_and(|k| tokens[k].time);
        let timed = inside_time || tokens[first].time && sentence.time(first..next, reader) != Meaning::None;
        let named = (first..next).any(|k| lexicon.promise.longest(tokens, k, TIGHT).is_some());
        refuses && !opens && !timed && !named
    };
    range.clone().find(ends).unwrap_or(range.end)
}

/// "Don't write until Monday", "not over the weekend".
fn not_before(sentence: &Sentence, range: Range<usize>, act: &Act, reader: Reader) -> Option<Request> {
    let lexicon = sentence.lexicon;
    let tokens = &sentence.tokens;
    let stands = |patterns: &Patterns| range.clone().find_map(|i| Some(i..patterns.longest(tokens, i, TIGHT)?));
    let words_of =
        |said: &Range<usize>| sentence.text[tokens[said.start].span.start..tokens[said.end - 1].span.end].to_owned();
    let monday_ahead = lexicon.grammar.monday_ahead();
    let monday = |weeks_on: i64| match reader(monday_ahead, 0..monday_ahead.len()) {
        Meaning::Instant(moment) => weeks_after(moment, weeks_on),
        _ => None,
    };
    let day = |from, until: Option<Moment>, said: &Range<usize>| {
        let phrase = words_of(said);
        let until = Asked { meaning: Meaning::Instant(until?), phrase, says: Says::Day };
        Some(Request::NotBefore { from, until })
    };
    if let Some(until) = stands(&lexicon.until) {
        let end = if until.end <= act.words.start { act.words.start } else { range.end };
        // With the word before it, it would be the day before.
        let meaning = sentence.time_from(until.end..end, reader);
        if meaning != Meaning::None {
            return Some(Request::NotBefore { from: None, until: asked(sentence, meaning) });
        }
    }
    if let Some(said) = stands(&lexicon.weekend) {
        let until = monday(0)?;
        return day(beginning_of_day(&until, 2), Some(until), &said);
    }
    if let Some(said) = stands(&lexicon.next_week) {
        return day(beginning_of_day(&monday(0)?, 0), monday(1), &said);
    }
    let said = stands(&lexicon.this_week)?;
    day(None, monday(0), &said)
}

/// The same local time so many weeks later.
fn weeks_after(moment: Moment, weeks: i64) -> Option<Moment> {
    let local = moment.at.with_timezone(&moment.zone).naive_local() + TimeDelta::try_weeks(weeks)?;
    let at = moment.zone.from_local_datetime(&local).earliest()?.to_utc();
    Some(Moment { at, ..moment })
}

/// When the day so many days before that of `moment` begins.
fn beginning_of_day(moment: &Moment, days_before: u64) -> Option<DateTime<Utc>> {
    let date = moment.at.with_timezone(&moment.zone).date_naive().checked_sub_days(Days::new(days_before))?;
    Some(moment.zone.from_local_datetime(&date.and_time(NaiveTime::MIN)).earliest()?.to_utc())
}

/// "Not tomorrow but Monday": the time that is wanted instead.
pub(crate) fn corrected(sentence: &Sentence, range: Range<usize>, reader: Reader) -> Option<Asked> {
    let lexicon = sentence.lexicon;
    let tokens = &sentence.tokens;
    if sentence.asked || tokens[range.clone()].iter().any(|t| t.quoted) {
        return None;
    }
    let is_time = |range: Range<usize>| {
        let meaning = sentence.time(range.clone(), reader);
        let said = spans(&meaning);
        let within = |i: usize| said.iter().any(|s| s.start < tokens[i].span.end && tokens[i].span.start < s.end);
        let light = |i: usize| {
            within(i) || sentence.filler[i] || sentence.polite[i] || tokens[i].is_one_of(lexicon.words.before_time)
        };
        let all = range.into_iter().all(|i| !tokens[i].is_word() || light(i));
        (all && meaning != Meaning::None).then_some(meaning)
    };
    let is_not = |i: usize| tokens[i].is_one_of(lexicon.words.not);
    let joins = |i: usize| {
        let token = &tokens[i];
        sentence.is_boundary(i) || token.is_one_of(lexicon.words.conjunction) || token.is_one_of(lexicon.words.instead)
    };
    let not = range.clone().find(|&i| is_not(i))?;
    let joint = (not + 1..range.end).find(|&i| joins(i))?;
    // "not tomorrow", "tomorrow no"
    let denied = is_time(not + 1..joint).or_else(|| is_time(range.start..not))?;
    let beside = [range.start..not, not + 1..joint].into_iter().flatten();
    let more = beside.filter(|&i| tokens[i].is_word() && !tokens[i].time).any(|i| {
        let said = spans(&denied);
        let within = said.iter().any(|s| s.start < tokens[i].span.end && tokens[i].span.start < s.end);
        !within && !sentence.filler[i] && !sentence.polite[i] && !tokens[i].is_one_of(lexicon.words.before_time)
    });
    let right = (joint + 1..range.end).find(|&i| tokens[i].is_word() && !joins(i))?;
    is_time(right..range.end).filter(|_| !more).map(|meaning| asked(sentence, meaning))
}

/// Which promises a move speaks of, by the words beside those that say by how much.
pub(crate) fn which_beside(sentence: &Sentence, act: &Act, said: &Range<usize>) -> Which {
    let which = which(sentence, 0..said.start.max(act.words.end), act, None, Meaning::None);
    Which { all: false, ..which }
}

/// Which promises the words of a stretch point at.
fn which(sentence: &Sentence, range: Range<usize>, act: &Act, intent: Option<Intent>, time: Meaning) -> Which {
    let words = sentence.lexicon.words;
    let said = spans(&time);
    let in_time =
        |i: usize| said.iter().any(|s| s.start < sentence.tokens[i].span.end && sentence.tokens[i].span.start < s.end);
    let names_promise = |i: usize| sentence.lexicon.promise.longest(&sentence.tokens, i, TIGHT).is_some();
    let tokens = &sentence.tokens;
    let inside = |i: usize| i >= act.words.start;
    let named = range
        .clone()
        .filter(|&i| inside(i))
        .any(|i| names_promise(i) || tokens[i].is_one_of(words.pronoun) || tokens[i].ends_in(words.ends_in_it));
    let all = range.clone().filter(|&i| inside(i)).any(|i| tokens[i].is_one_of(words.all));
    let topic: Vec<&str> = (act.words.end..range.end)
        .filter(|&i| {
            let token = &tokens[i];
            let light = token.is_one_of(words.pronoun)
                || token.is_one_of(words.preposition)
                || token.is_one_of(words.introduces)
                || token.is_one_of(words.before_time);
            token.is_word()
                && !in_time(i)
                && !sentence.polite[i]
                && !light
                && !names_promise(i)
                && !token.is_one_of(words.conjunction)
        })
        .map(|i| &sentence.text[tokens[i].span.clone()])
        .collect();
    let nothing_more = topic.is_empty() && matches!(time, Meaning::None);
    Which { all, topic: topic.join(" "), time, intent, named: named || nothing_more }
}

/// A move: where to, and which promise.
pub(crate) fn shift(sentence: &Sentence, range: Range<usize>, act: &Act, reader: Reader) -> Request {
    let words = sentence.lexicon.words;
    // "с пятницы на понедельник", "from Friday to Monday": the last target counts, what stands before says which
    // (some words, such as "from", hide the time behind them)
    let said_before = |end: usize| {
        let from = (act.words.end..end).find(|&i| sentence.time(i..end, reader) != Meaning::None)?;
        Some(sentence.time(from..end, reader))
    };
    let target = (act.words.end..range.end).rev().find_map(|i| {
        let moved = sentence.tokens[i].is_one_of(words.target).then(|| sentence.time(i + 1..range.end, reader))?;
        let before = said_before(i)?;
        // "to Tuesday to 8:30" is one time
        let hour = matches!(says(sentence, &moved), Says::Clock | Says::SameTime);
        let one = hour && says(sentence, &before) == Says::Day;
        (matches!(moved, Meaning::Instant(_)) && !one).then_some((i, moved, before))
    });
    if let Some((at, moved, before)) = target {
        let which = which(sentence, range.start..at, act, None, before);
        return Request::Move { time: asked(sentence, moved), which, plain: true };
    }
    let whole = sentence.time(range.clone(), reader);
    // "move it to 11"
    let ends = |i: usize| i >= range.end || !sentence.tokens[i].is_word() || sentence.is_light(i);
    let hour = (act.words.end..range.end)
        .rev()
        .filter(|&i| whole == Meaning::None && sentence.tokens[i].is_one_of(words.target) && ends(i + 2))
        .find_map(|i| Some((i, sentence.clock(i + 1, reader)?)));
    if let Some((at, time)) = hour {
        let which = which(sentence, range.start..at, act, None, Meaning::None);
        return Request::Move { time, which: Which { all: false, ..which }, plain: true };
    }
    let which = which(sentence, range, act, None, whole.clone());
    let which = Which { time: Meaning::None, all: false, ..which };
    Request::Move { time: asked(sentence, whole), which, plain: true }
}
