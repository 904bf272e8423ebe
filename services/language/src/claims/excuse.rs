//! Why words that could claim something claim nothing: they are denied, asked, offered, hung on a condition, or another's.

use std::ops::Range;

use super::{
    find::Found,
    sentence::Sentence,
    words::{Deed, Lexicon, Tense},
};
use crate::{
    Language,
    understanding::{
        pattern::{TIGHT, covered_by},
        words::Token,
    },
};

/// Words before a form that a denial may stand in front of.
const NEAR: usize = 3;
/// How far behind a form its doer may stand, in tokens.
const FAR: usize = 10;

/// Whether what was found claims nothing.
pub(super) fn excused(sentence: &Sentence, found: &Found, stretch: &Range<usize>) -> bool {
    let clause = sentence.clause(&found.tokens);
    denied(sentence, found, &clause)
        || left_open(sentence, found, &clause)
        || conditional_itself(sentence, found, &clause)
        || found.tense == Tense::Done && (by_another(sentence, found, &clause) || reported(sentence, found, &clause))
        || found.tense == Tense::Done && asked(sentence, found, &clause, false)
        || found.tense != Tense::Done
            && (asked(sentence, found, &clause, true)
                || offered(sentence, found, &clause, stretch)
                || told_first(sentence, found, &clause)
                || one_of_several(sentence, found)
                || told_then(sentence, found, &clause, stretch))
}

fn one_of(token: &Token, words: &[&str]) -> bool {
    token.is_one_of(words)
}

/// "Not", right before it; "I can't promise that" before it.
fn denied(sentence: &Sentence, found: &Found, clause: &Range<usize>) -> bool {
    let words = found.lexicon.words;
    let tokens = &sentence.tokens;
    // "Neither of the reminders has been moved."
    let subject = clause.start.max(found.tokens.start.saturating_sub(FAR))..found.tokens.start;
    if found.passive && subject.clone().any(|i| one_of(&tokens[i], words.not)) {
        return true;
    }
    let near = clause.start.max(found.tokens.start.saturating_sub(NEAR))..found.tokens.start;
    // Between the word and the form there is nothing but what is light.
    let not = near.clone().rev().find(|&i| one_of(&tokens[i], words.not));
    let close = |i: usize| {
        i + 1 == found.tokens.start
            || covered_by(&tokens[i + 1..found.tokens.start], &[&found.lexicon.light], &|t| t.time)
    };
    if not.is_some_and(close) {
        return true;
    }
    if tokens.get(found.tokens.end).is_some_and(|t| one_of(t, words.would)) {
        return true;
    }
    if sentence.says(&found.lexicon.unsure, clause.start..found.tokens.start) {
        return true;
    }
    let first = (clause.start..found.tokens.start + 1).find(|&i| tokens[i].is_word());
    first.is_some_and(|i| one_of(&tokens[i], words.that) || one_of(&tokens[i], words.asks))
        && sentence.clause_before(clause.start).is_some_and(|before| sentence.says(&found.lexicon.unsure, before))
}

/// "I don't know when I'll write", "whether I've cancelled it".
fn left_open(sentence: &Sentence, found: &Found, clause: &Range<usize>) -> bool {
    let asks = found.lexicon.words.asks;
    let before = found.tokens.start.checked_sub(1).filter(|i| *i >= clause.start);
    before.is_some_and(|i| one_of(&sentence.tokens[i], asks))
}

/// It stands in the condition, not behind it: "if I've cancelled the wrong one, …", "if you like I'll write".
fn conditional_itself(sentence: &Sentence, found: &Found, clause: &Range<usize>) -> bool {
    let before = clause.start..found.tokens.start;
    before.clone().any(|i| begins_condition(sentence, found, i, before.end))
}

/// "It was moved by Anna."
fn by_another(sentence: &Sentence, found: &Found, clause: &Range<usize>) -> bool {
    let words = found.lexicon.words;
    let tokens = &sentence.tokens;
    let end = clause.end.min(found.tokens.end + FAR);
    (found.tokens.end..end.saturating_sub(1)).any(|i| {
        let next = &tokens[i + 1];
        one_of(&tokens[i], words.by) && !tokens[i].time && next.is_word() && !next.time && !one_of(next, words.us)
    })
}

/// "The hotel confirmed that your room is booked": theirs to vouch for.
fn reported(sentence: &Sentence, found: &Found, clause: &Range<usize>) -> bool {
    let lexicon = found.lexicon;
    let says = |range: Range<usize>| {
        range.clone().any(|at| {
            let ours = (at.saturating_sub(2)..at).any(|i| one_of(&sentence.tokens[i], lexicon.words.we));
            !ours && lexicon.reports.longest(&sentence.tokens[..range.end], at, TIGHT).is_some()
        })
    };
    says(clause.start..found.tokens.start) || sentence.clause_before(clause.start).is_some_and(says)
}

/// It is the question; or, where a `tag` counts, a question for consent follows it.
fn asked(sentence: &Sentence, found: &Found, clause: &Range<usize>, tag: bool) -> bool {
    let tokens = &sentence.tokens;
    if !sentence.asked {
        return false;
    }
    if let Some(open) = tokens.iter().position(|t| t.is_mark('¿')) {
        let close = (open..tokens.len()).find(|&i| tokens[i].is_mark('?')).unwrap_or(tokens.len());
        if open < found.tokens.start {
            return found.tokens.end <= close;
        }
        return tag && is_tag(sentence, found, open + 1..close);
    }
    match sentence.clause_after(clause.end) {
        None => true,
        Some(_) => {
            let last = (0..tokens.len()).rev().find(|&i| tokens[i].is_word()).unwrap_or_default();
            tag && is_tag(sentence, found, sentence.clause(&(last..last + 1)))
        }
    }
}

fn is_tag(sentence: &Sentence, found: &Found, range: Range<usize>) -> bool {
    let tokens = &sentence.tokens[range];
    tokens.iter().any(Token::is_word) && covered_by(tokens, &[&found.lexicon.tag], &|_| false)
}

/// A condition of the client's stands before it, or ends the sentence behind it.
fn offered(sentence: &Sentence, found: &Found, clause: &Range<usize>, stretch: &Range<usize>) -> bool {
    let opens = |range: &Range<usize>| condition_in(sentence, found, range.clone());
    let before = sentence.clause_before(clause.start).is_some_and(|range| opens(&range));
    let inside = (found.tokens.end..clause.end).any(|i| begins_condition(sentence, found, i, clause.end));
    let behind = sentence
        .clause_after(clause.end)
        .is_some_and(|range| range.start <= stretch.end && sentence.clause_after(range.end).is_none() && opens(&range));
    before || inside || behind
}

/// Whether a clause begins with a condition: "and if you like", "once you have it".
fn condition_in(sentence: &Sentence, found: &Found, clause: Range<usize>) -> bool {
    let mut words = clause.clone().filter(|&i| sentence.tokens[i].is_word()).take(NEAR);
    words.any(|i| begins_condition(sentence, found, i, clause.end))
}

fn begins_condition(sentence: &Sentence, found: &Found, at: usize, end: usize) -> bool {
    let words = found.lexicon.words;
    let tokens = &sentence.tokens;
    let silent = || found.deed == Deed::Promise && sentence.says(&found.lexicon.silence, at..end);
    let client = |i: usize| {
        one_of(&tokens[i], words.you) || tokens[i].is_word() && !tokens[i].time && tokens[i].ends_in(words.you_endings)
    };
    let once = || found.lexicon.once.longest(&tokens[..end], at, TIGHT);
    // Accents tell "si" from "sí".
    let written = || sentence.text[tokens[at].span.clone()].to_lowercase();
    one_of(&tokens[at], words.condition) && words.condition.contains(&written().as_str()) && !silent()
        || once().is_some_and(|next| (next..end.min(next + 4).max(next)).any(client)) && !silent()
}

/// "Tell me when and I'll write."
fn told_first(sentence: &Sentence, found: &Found, clause: &Range<usize>) -> bool {
    let lexicon = found.lexicon;
    let tokens = &sentence.tokens;
    let mut start = 0;
    for end in (0..=clause.start.min(tokens.len())).filter(|&i| i == clause.start || sentence.is_boundary(i)) {
        if tells(sentence, lexicon, start..end.max(start)) {
            return true;
        }
        start = end + 1;
    }
    // In its own clause, where "and" joins the two.
    let own = clause.start..found.tokens.start;
    own.clone().any(|i| one_of(&tokens[i], lexicon.words.and)) && tells(sentence, lexicon, own)
}

/// "I'll gladly remind you, just tell me when."
fn told_then(sentence: &Sentence, found: &Found, clause: &Range<usize>, stretch: &Range<usize>) -> bool {
    let words = found.lexicon.words;
    let timed = sentence.tokens[stretch.clone()].iter().any(|t| t.time);
    !timed
        && sentence.clause_after(clause.end).is_some_and(|next| {
            let open = |t: &Token| one_of(t, words.asks) && !one_of(t, words.condition);
            sentence.tokens[next.clone()].iter().any(open) && tells(sentence, found.lexicon, next)
        })
}

/// Whether a clause of the sentence asks its reader to say something, in any language.
pub(super) fn tells_anywhere(sentence: &Sentence) -> bool {
    let mut start = 0;
    (0..=sentence.tokens.len()).filter(|&i| i == sentence.tokens.len() || sentence.is_boundary(i)).any(|end| {
        let clause = start.min(end)..end;
        start = end + 1;
        Language::ALL.iter().any(|&language| tells(sentence, Lexicon::of(language), clause.clone()))
    })
}

/// Whether a clause asks the client to say something.
fn tells(sentence: &Sentence, lexicon: &Lexicon, clause: Range<usize>) -> bool {
    let mut at = clause.start;
    while at < clause.end {
        if lexicon.tell.longest(&sentence.tokens[..clause.end], at, TIGHT).is_some() {
            return true;
        }
        let light = lexicon.light.longest(&sentence.tokens[..clause.end], at, TIGHT);
        at = match light {
            Some(end) => end,
            None if !sentence.tokens[at].is_word() => at + 1,
            None => return false,
        };
    }
    false
}

/// "I'll move it or cancel it": what can be done, not what will be.
fn one_of_several(sentence: &Sentence, found: &Found) -> bool {
    let or = |i: usize| sentence.tokens.get(i).is_some_and(|t| one_of(t, found.lexicon.words.or));
    let before = found.tokens.start.checked_sub(1).is_some_and(or);
    before || or(found.tokens.end) || or(found.verb.wrapping_sub(1))
}
