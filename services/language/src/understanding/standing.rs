//! What is asked of promises that stand: to cancel them or to move them, and which of them.

use std::ops::Range;

use super::{
    Intent, Request, Which,
    acts::Act,
    pattern::TIGHT,
    sentence::{Reader, Sentence, spans},
    stretch::asked,
};
use crate::time::Meaning;

/// A refusal or a cancellation; with a better time beside it, a move.
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
    let meaning = sentence.time(range.clone(), reader);
    let mut which = which(sentence, range.clone(), act, intent, meaning);
    if intent.is_some() {
        which.all |= which.topic.is_empty() && which.time == Meaning::None;
        which.named = true;
    }
    vec![Request::Cancel { which }]
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
        matches!(moved, Meaning::Instant(_)).then_some((i, moved, before))
    });
    if let Some((at, moved, before)) = target {
        let which = which(sentence, range.start..at, act, None, before);
        return Request::Move { time: asked(sentence, moved), which, plain: true };
    }
    let whole = sentence.time(range.clone(), reader);
    let which = which(sentence, range, act, None, whole.clone());
    let which = Which { time: Meaning::None, all: false, ..which };
    Request::Move { time: asked(sentence, whole), which, plain: true }
}
