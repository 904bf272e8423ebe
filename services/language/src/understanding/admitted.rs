//! What the closed list of thanks and consent admits: every pattern is written out as the sentences it stands for, and none may
//! ask, deny, tell something new or want something changed. What such sentences look like is listed in the languages' folders by
//! words of their own, apart from the patterns.

use super::{lexicon::Lexicon, words::fold};
use crate::Language;

/// Sentences made of one pattern, at most.
const MOST: usize = 4_000;

/// The sentences of a pattern: all of them if they are few enough; else each alternative at least once, and a spread of the rest.
fn written_out(pattern: &str) -> Vec<String> {
    let elements: Vec<Vec<&str>> = pattern
        .split_whitespace()
        .map(|element| {
            let words = element.trim_end_matches('?').split('|');
            words.chain(element.ends_with('?').then_some("")).collect()
        })
        .collect();
    let all: usize = elements.iter().map(Vec::len).product();
    // a prime that shares no factor with the sizes walks through all of them, well mixed
    let step = [7_919, 104_729, 15_485_863].into_iter().find(|prime| !all.is_multiple_of(*prime)).unwrap_or(1);
    let sentence = |mut number: usize| {
        let words = elements.iter().map(|words| {
            let word = words[number % words.len()];
            number /= words.len();
            word
        });
        let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        words.join(" ")
    };
    let mut out: Vec<String> = (0..all.min(MOST)).map(|n| sentence(n.wrapping_mul(step) % all)).collect();
    // each element's alternatives, the others at their first and at their last: the plainest sentences and the shortest
    let mut place = 1;
    for words in &elements {
        let last = all - 1 - (all - 1) / place % words.len() * place;
        out.extend((0..words.len()).flat_map(|n| [sentence(n * place), sentence(last + n * place)]));
        place *= words.len();
    }
    out
}

/// What a sentence of a language that isn't mere consent has in it: words and expressions between bars.
pub(crate) struct Counter {
    /// Ask.
    pub questions: &'static str,
    /// Want something changed, sold or answered; tell of time, money, people, things.
    pub facts: &'static str,
    /// Deny.
    pub negations: &'static str,
    /// Expressions that deny or ask and yet mean nothing but consent: they are taken out first.
    pub harmless: &'static str,
    /// How "forget" and "fail" begin: "no lo olvides" denies nothing.
    pub forget: &'static [&'static str],
    /// The one who writes: what follows is about them.
    pub subjects: &'static str,
    /// What they may say of themselves all the same.
    pub may: &'static str,
}

/// The first expression of a list that stands in the words.
fn stands<'a>(words: &str, list: &'a str) -> Option<&'a str> {
    list.split('|')
        .filter(|words| !words.is_empty())
        .find(|expression| words.contains(&format!(" {} ", fold(expression))))
}

/// What shows that the sentence is more than consent.
fn more(sentence: &str, counter: &Counter) -> Option<String> {
    let mut said = format!(" {} ", fold(sentence));
    for harmless in counter.harmless.split('|') {
        said = said.replace(&format!(" {} ", fold(harmless)), " ");
    }
    let forgets = said.split_whitespace().any(|word| counter.forget.iter().any(|stem| word.starts_with(stem)));
    let denies = || stands(&said, counter.negations).filter(|_| !forgets);
    let facts = || stands(&said, counter.facts).filter(|fact| !(forgets && *fact == "no sé"));
    let news = || {
        let subject = stands(&said, counter.subjects)?;
        let behind = said.split_once(&format!(" {subject} "))?.1.trim_start();
        let may =
            behind.is_empty() || counter.may.split('|').any(|may| format!("{behind} ").starts_with(&format!("{may} ")));
        (!may).then_some(subject)
    };
    stands(&said, counter.questions).or_else(facts).or_else(denies).or_else(news).map(str::to_owned)
}

/// Writes out every pattern of consent of a language.
pub(crate) fn assert_harmless(language: Language, counter: &Counter) {
    let lists = Lexicon::of(language).words;
    let (mut written, mut wrong) = (0, Vec::new());
    for pattern in lists.acknowledgement {
        for sentence in written_out(pattern) {
            written += 1;
            if let Some(why) = more(&sentence, counter) {
                wrong.push(format!("{sentence:?} ({why}): {pattern:?}"));
            }
        }
    }
    wrong.sort();
    wrong.dedup();
    println!("{language}: {} patterns, {written} sentences, {} wrong", lists.acknowledgement.len(), wrong.len());
    let shown = wrong.iter().take(60).cloned().collect::<Vec<_>>().join("\n");
    assert!(wrong.is_empty(), "{language}: {} taken for thanks or consent:\n{shown}", wrong.len());
}
