//! What a request is about: the rest of its stretch, without the verb, pronouns, politeness and time, the client's words kept as they are.

use std::ops::Range;

use super::{
    Intent, LONGEST_TOPIC,
    acts::Act,
    lexicon::Source,
    sentence::Sentence,
    words::{Sort, Token},
};
use crate::Language;

/// The topic of `act` in the stretch `range`, where `times` are the bytes that say its time.
pub(crate) fn topic(
    sentence: &Sentence,
    range: Range<usize>,
    act: &Act,
    intent: Intent,
    times: &[Range<usize>],
) -> String {
    let kept = kept(sentence, range, act, intent, times);
    joined(sentence, &kept)
}

/// Tokens of the topic, edges trimmed.
fn kept(sentence: &Sentence, range: Range<usize>, act: &Act, intent: Intent, times: &[Range<usize>]) -> Vec<usize> {
    let words = sentence.lexicon.words;
    let tokens = &sentence.tokens;
    let in_time = |i: usize| times.iter().any(|s| s.start < tokens[i].span.end && tokens[i].span.start < s.end);
    let before_time = |i: usize| tokens[i].is_one_of(words.before_time) && i + 1 < range.end && in_time(i + 1);
    let later = later(sentence, range.clone());
    let says_later = |i: usize| later.binary_search(&i).is_ok();
    let usable = |i: usize| !in_time(i) && !before_time(i) && !sentence.polite[i] && !says_later(i);

    let mut out = Vec::new();
    if range.start < act.words.start {
        let clause = sentence.clause_before(act.words.start);
        let lead: Vec<usize> = (clause.start.max(range.start)..act.words.start)
            .filter(|&i| usable(i) && !tokens[i].is_one_of(words.me) && !tokens[i].is_one_of(words.you))
            .collect();
        let first = lead.iter().copied().find(|&i| !sentence.filler[i]);
        let introduced =
            first.is_some_and(|i| tokens[i].is_one_of(words.introduces) && !tokens[i].is_one_of(words.target));
        if introduced || (intent == Intent::Remind && first.is_some()) {
            out.extend(lead.into_iter().skip_while(|&i| sentence.filler[i]));
        } else if let Some(earlier) = introduced_clause(sentence, range.start..clause.start.max(range.start)) {
            out.extend(earlier.filter(|&i| usable(i)));
        }
    }
    let mut i = act.words.end.max(range.start);
    let mut attached = true;
    while i < range.end {
        if sentence.is_boundary(i) && !tokens[i].is_mark(':') && is_other_clause(sentence, i + 1..range.end) {
            let next = (i + 1..range.end).find(|&j| sentence.is_boundary(j)).unwrap_or(range.end);
            i = next.max(i + 1);
            continue;
        }
        let me = |i: usize| tokens.get(i).is_some_and(|t| t.is_one_of(words.me));
        let with_me = tokens[i].is_one_of(words.with) && me(i + 1);
        let pronoun = attached && (me(i) || with_me || tokens[i].is_one_of(words.you));
        if usable(i) && !pronoun {
            out.push(i);
            attached = false;
        }
        i += 1;
    }
    let says_this = intent == Intent::Remind && out.iter().any(|&i| tokens[i].is_one_of(words.this));
    if !says_this && out.iter().all(|&i| sentence.filler[i] || !tokens[i].is_word()) {
        out.clear();
    }
    let edge = |i: &usize| {
        let token = &tokens[*i];
        !token.quoted && matches!(token.sort, Sort::Mark(c) if c != '%' && c != '#' && c != '№' && c != '@' && c != '$')
            || token.is_one_of(words.conjunction)
            || token.is_one_of(words.or)
            || in_any(&|words| token.is_one_of(words.aside))
            || matches!(token.sort, Sort::Emoji(_))
    };
    let start = out.iter().position(|i| !(edge(i) || tokens[*i].is_one_of(words.instead))).unwrap_or(out.len());
    let end = out.iter().rposition(|i| !(edge(i) || tokens[*i].is_one_of(words.instead))).map_or(start, |i| i + 1);
    out[start..end.max(start)].to_vec()
}

/// The words for "later", in order.
fn later(sentence: &Sentence, range: Range<usize>) -> Vec<usize> {
    let slack = super::pattern::TIGHT;
    let mut out: Vec<usize> = Vec::new();
    for i in range {
        if let Some(end) = sentence.lexicon.later.longest(&sentence.tokens, i, slack) {
            let from = out.last().map_or(i, |&last: &usize| i.max(last + 1));
            out.extend(from..end);
        }
    }
    out
}

/// The words for "later" that stand there; empty: none do.
pub(crate) fn later_words(sentence: &Sentence, range: Range<usize>) -> String {
    let words: Vec<&str> =
        later(sentence, range).into_iter().map(|i| &sentence.text[sentence.tokens[i].span.clone()]).collect();
    words.join(" ")
}

/// "По поводу договора: напиши завтра": the clause before says what it is about.
fn introduced_clause(sentence: &Sentence, range: Range<usize>) -> Option<Range<usize>> {
    let words = sentence.lexicon.words;
    let first = range.clone().find(|&i| sentence.tokens[i].is_word() && !sentence.filler[i])?;
    let token = &sentence.tokens[first];
    (token.is_one_of(words.introduces) && !token.is_one_of(words.target) && !token.time).then_some(first..range.end)
}

/// A clause with a subject of its own ("…, у меня экзамен", "…, because I forget") says why, not what about.
pub(crate) fn is_other_clause(sentence: &Sentence, range: Range<usize>) -> bool {
    let words = sentence.lexicon.words;
    let tokens = &sentence.tokens;
    let mut said =
        range.filter(|&i| tokens[i].is_word() && !sentence.polite[i] && !tokens[i].is_one_of(words.conjunction));
    let Some(first) = said.next() else { return false };
    // "…, that would be great"
    let remark =
        tokens[first].is_one_of(words.remark) && said.next().is_some_and(|i| tokens[i].is_one_of(words.remark_verb));
    remark || tokens[first].is_one_of(words.other_clause)
}

/// "If he doesn't call", before a request or behind it: what it hangs on. Said to us ("write to me if you can", "escríbeme si
/// necesitas algo") it is a courtesy.
pub(crate) fn condition(sentence: &Sentence, range: Range<usize>, act: &Act) -> Option<String> {
    let words = sentence.lexicon.words;
    let tokens = &sentence.tokens;
    let passes = |i: usize| {
        let token = &tokens[i];
        !token.is_word()
            || token.time
            || sentence.polite[i]
            || token.is_one_of(words.conjunction)
            || token.is_one_of(words.me)
    };
    let clause = |start: usize, end: usize| {
        let end = (start..end).find(|&i| sentence.is_boundary(i)).unwrap_or(end);
        let from = (start..end).find(|&i| !passes(i)).filter(|&i| tokens[i].is_one_of(words.hangs_on))?;
        Some(from..end)
    };
    let clauses = |whole: Range<usize>| {
        let starts = whole.clone().filter(|&i| sentence.is_boundary(i)).map(|i| i + 1);
        std::iter::once(whole.start).chain(starts).find_map(|start| clause(start, whole.end))
    };
    let said = clauses(range.start..act.words.start.max(range.start))
        .or_else(|| clauses(act.words.end.min(range.end)..range.end))?;
    let spoken: Vec<&Token> = tokens[said.clone()].iter().filter(|t| t.is_word()).collect();
    let to_us = |t: &&Token| t.is_one_of(words.you) || t.folded.chars().count() > 3 && t.ends_in(words.ends_in_you);
    if spoken.len() < 2 || spoken.iter().any(to_us) || tokens[said.clone()].iter().any(|t| t.quoted) {
        return None;
    }
    Some(joined(sentence, &said.collect::<Vec<_>>()).trim().to_owned())
}

/// A topic with the condition it hangs on.
pub(crate) fn with_condition(topic: String, condition: &str) -> String {
    if topic.is_empty() {
        return condition.to_owned();
    }
    if topic.contains(condition) {
        return topic;
    }
    format!("{topic}, {condition}").chars().take(LONGEST_TOPIC).collect()
}

/// Whether what a promise is about begins with a condition, or ends with one.
pub fn hangs_on_condition(topic: &str) -> bool {
    topic.rsplit(", ").chain([topic]).any(|part| {
        let first = super::words::tokens(part).into_iter().find(Token::is_word);
        first.is_some_and(|first| in_any(&|words| first.is_one_of(words.hangs_on)))
    })
}

/// The tokens' own text, gaps closed, cut at the limit.
fn joined(sentence: &Sentence, kept: &[usize]) -> String {
    let mut out = String::new();
    let mut previous: Option<usize> = None;
    for &i in kept {
        let span = sentence.tokens[i].span.clone();
        match previous {
            Some(p) if p + 1 == i => out.push_str(&sentence.text[sentence.tokens[p].span.end..span.start]),
            Some(_) if !matches!(sentence.tokens[i].sort, Sort::Mark(',' | '.' | ';' | ':')) => out.push(' '),
            _ => {}
        }
        out.push_str(&sentence.text[span]);
        previous = Some(i);
    }
    if out.chars().count() > LONGEST_TOPIC {
        out = out.chars().take(LONGEST_TOPIC).collect();
        out.truncate(out.trim_end().len());
    }
    out
}

/// Whether a request without a time is still one: nothing said about what, or the topic is introduced as such.
pub(crate) fn is_about_something(topic: &str, intent: Intent) -> bool {
    let first = super::words::tokens(topic).into_iter().find(Token::is_word);
    let Some(first) = first else { return true };
    let to_do = |words: &Source| first.is_one_of(words.to) || first.ends_in(words.to_do);
    in_any(&|words| first.is_one_of(words.about) || (intent == Intent::Remind && to_do(words)))
}

/// Whether the words of any language say so: what a request is about is often said in another language than the request.
fn in_any(says: &dyn Fn(&Source) -> bool) -> bool {
    Language::ALL.iter().any(|language| says(language.folder().requests.words()))
}
