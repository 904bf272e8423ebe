//! A message read as a whole: sentence by sentence, first those that consist of nothing but a known phrase, then by their verbs.

use std::ops::Range;

use super::{
    Asked, Request, Which,
    acts::acts,
    lexicon::Lexicon,
    pattern::covered,
    sentence::{Reader, Sentence, sentences},
    stretch,
    topic::is_other_clause,
    words::{Sort, tokens, without_quoted_lines},
};
use crate::{Language, time::Meaning};

/// Pictographs that say yes or thanks.
const NODS: &[char] = &[
    '👍', '👌', '🙏', '❤', '♥', '😊', '🙂', '😉', '✅', '✔', '☑', '🤝', '💪', '🔥', '🎉', '😀', '😁', '😃', '😄', '👏',
    '💯', '🤗', '😘', '🥰', '😍', '☺', '🆗', '💙', '💚', '💛', '🫡', '👋', '🤩', '😎', '➕', '🙌', '💜', '🧡',
];

/// What `text` asks for by the words of one language; never empty.
///
/// The second value: something may have been missed, for the text is too dense.
pub(crate) fn requests(text: &str, language: Language, reader: Reader) -> (Vec<Request>, bool) {
    let lexicon = Lexicon::of(language);
    let text = without_quoted_lines(text);
    let sentences = sentences(&text, tokens(&text), lexicon, reader);
    let readings: Vec<Vec<Request>> = sentences.iter().map(|s| sentence_requests(s, reader)).collect();
    let plus = !text.trim().is_empty() && text.trim().chars().all(|c| c == '+');
    if plus || (!readings.is_empty() && readings.iter().all(|r| *r == [Request::Acknowledgement])) {
        return (vec![Request::Acknowledgement], false);
    }
    let mut out = Vec::new();
    let mut i = 0;
    while i < readings.len() {
        let mut found = readings[i].clone();
        found.retain(|r| !matches!(r, Request::Acknowledgement | Request::Other));
        if let [only] = found.as_mut_slice() {
            let (before, after) = (i.checked_sub(1), (i + 1 < readings.len()).then_some(i + 1));
            let idle = |k: usize| readings[k].iter().all(|r| matches!(r, Request::Other | Request::Acknowledgement));
            let neighbours: Vec<&Sentence> =
                [after, before].into_iter().flatten().filter(|&k| idle(k)).map(|k| &sentences[k]).collect();
            complete(only, &neighbours, after.filter(|&k| idle(k)).map(|k| &sentences[k]), reader);
        }
        out.append(&mut found);
        i += 1;
    }
    if out.is_empty() {
        out.push(Request::Other);
    }
    (out, sentences.iter().any(|s| s.worn_out.get()))
}

/// A time or a thing said in a sentence of its own belongs to the request beside it ("Напиши мне. Завтра в 10.").
fn complete(request: &mut Request, neighbours: &[&Sentence], after: Option<&Sentence>, reader: Reader) {
    let is_remind = matches!(request, Request::RemindMe { .. });
    let (Request::WriteToMe { time, topic, .. } | Request::RemindMe { time, topic, .. }) = request else { return };
    let mut used = None;
    if time.meaning == Meaning::None
        && let Some(said) = neighbours.iter().find(|s| is_only_time(s))
    {
        *time = stretch::asked(said, said.time(0..said.tokens.len(), reader));
        used = said.tokens.first().map(|t| t.span.start);
    }
    if let Some(next) = after
        && is_remind
        && topic.is_empty()
        && time.meaning != Meaning::None
        && !next.asked
        && next.tokens.first().map(|t| t.span.start) != used
        && !is_acknowledgement(next)
        && !is_other_clause(next, 0..next.tokens.len())
        && !next.tokens.iter().any(|t| t.time)
    {
        let (Some(first), Some(last)) = (next.tokens.first(), next.tokens.last()) else { return };
        let words = next.text[first.span.start..last.span.end].trim_end_matches(['.', '!', ' ']);
        *topic = words.chars().take(super::LONGEST_TOPIC).collect();
    }
}

fn is_only_time(sentence: &Sentence) -> bool {
    let words = sentence.lexicon.words;
    let mut said = sentence.tokens.iter().enumerate().filter(|(_, t)| t.is_word());
    sentence.tokens.iter().any(|t| t.time)
        && !sentence.asked
        && said.all(|(i, t)| t.time || sentence.filler[i] || sentence.polite[i] || t.is_one_of(words.before_time))
}

fn sentence_requests(sentence: &Sentence, reader: Reader) -> Vec<Request> {
    let lexicon = sentence.lexicon;
    let tokens = &sentence.tokens;
    let beside = [&lexicon.filler, &lexicon.polite];
    let quoted = tokens.iter().all(|t| t.quoted);
    let whole = |needed, free: &dyn Fn(&super::words::Token) -> bool| !quoted && covered(tokens, needed, &beside, free);
    let nothing: &dyn Fn(&super::words::Token) -> bool = &|_| false;
    let times: &dyn Fn(&super::words::Token) -> bool = &|t| t.time;

    if is_acknowledgement(sentence) {
        return vec![Request::Acknowledgement];
    }
    if whole(&lexicon.human, nothing) {
        return vec![Request::HumanRequested];
    }
    if whole(&lexicon.list, times) {
        return vec![Request::List];
    }
    let keeps = [&lexicon.filler, &lexicon.polite, &lexicon.promise, &lexicon.acknowledgement];
    if !quoted && !sentence.asked && covered(tokens, &lexicon.keep, &keeps, times) {
        return vec![Request::Keep];
    }
    if let Some(time) = implied_move(sentence, 0..tokens.len(), reader) {
        return vec![Request::Move { time, which: Which::unsaid(), plain: false }];
    }
    let drops = [&lexicon.filler, &lexicon.polite, &lexicon.promise, &lexicon.acknowledgement];
    let acts = acts(sentence);
    if acts.is_empty() && !quoted && !sentence.asked && covered(tokens, &lexicon.drop, &drops, times) {
        let time = sentence.time(0..tokens.len(), reader);
        return vec![Request::Cancel { which: Which { time, ..Which::unsaid() } }];
    }
    let found = stretch::requests(sentence, &acts, reader);
    if found.is_empty() { vec![Request::Other] } else { found }
}

/// "Лучше в пятницу", "make it Friday": nothing but a time and words that prefer it.
pub(crate) fn implied_move(sentence: &Sentence, range: Range<usize>, reader: Reader) -> Option<Asked> {
    let lexicon = sentence.lexicon;
    let tokens = &sentence.tokens[range.clone()];
    let before_time = |t: &super::words::Token| t.time || t.is_one_of(lexicon.words.before_time);
    let beside = [&lexicon.filler, &lexicon.polite];
    let quoted = tokens.iter().any(|t| t.quoted);
    if quoted || !tokens.iter().any(|t| t.time) || !covered(tokens, &lexicon.rather, &beside, &before_time) {
        return None;
    }
    let meaning = sentence.time(range, reader);
    (meaning != Meaning::None).then(|| stretch::asked(sentence, meaning))
}

/// Nothing but thanks and consent, by the closed list; a question is none.
fn is_acknowledgement(sentence: &Sentence) -> bool {
    let lexicon = sentence.lexicon;
    let known = |c: char| NODS.contains(&c);
    let strange = sentence.tokens.iter().any(|t| matches!(t.sort, Sort::Emoji(c) if !known(c)));
    if sentence.asked || strange || sentence.tokens.iter().any(|t| t.quoted) {
        return false;
    }
    if sentence.tokens.iter().all(|t| !t.is_word()) {
        return sentence.tokens.iter().any(|t| matches!(t.sort, Sort::Emoji(_)));
    }
    covered(&sentence.tokens, &lexicon.acknowledgement, &[&lexicon.beside_acknowledgement], &|_| false)
}
