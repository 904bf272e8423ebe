//! Word patterns: `не могли|мог бы ты|вы?` as a sequence of words, with alternatives (`|`), stems (`*`) and optional words (`?`).

use super::words::{Token, fold};

#[derive(Debug)]
enum Spelling {
    Exact(String),
    Stem(String),
}

#[derive(Debug)]
struct Element {
    spellings: Vec<Spelling>,
    optional: bool,
}

impl Element {
    fn fits(&self, token: &Token) -> bool {
        token.is_word()
            && self.spellings.iter().any(|s| match s {
                Spelling::Exact(word) => token.folded == *word,
                Spelling::Stem(stem) => token.folded.starts_with(stem.as_str()),
            })
    }
}

/// One sequence of words.
#[derive(Debug)]
pub(super) struct Pattern(Vec<Element>);

impl Pattern {
    pub fn new(source: &str) -> Self {
        Self(
            source
                .split_whitespace()
                .map(|element| {
                    let optional = element.ends_with('?');
                    let spellings = element
                        .trim_end_matches('?')
                        .split('|')
                        .map(|word| match word.strip_suffix('*') {
                            Some(stem) => Spelling::Stem(fold(stem)),
                            None => Spelling::Exact(fold(word)),
                        })
                        .collect();
                    Element { spellings, optional }
                })
                .collect(),
        )
    }

    /// The end of the longest match that begins with token `at`; tokens that `skip` names may stand between the words.
    pub fn matches(&self, tokens: &[Token], at: usize, skip: &dyn Fn(usize) -> bool) -> Option<usize> {
        rest(&self.0, tokens, at, (at, at), skip)
    }
}

/// `end` is the end of the last word matched so far, `next` where the search goes on; nothing is skipped before the first word.
fn rest(
    elements: &[Element],
    tokens: &[Token],
    start: usize,
    (end, next): (usize, usize),
    skip: &dyn Fn(usize) -> bool,
) -> Option<usize> {
    let Some((element, others)) = elements.split_first() else { return Some(end) };
    let taken = match tokens.get(next) {
        Some(token) if element.fits(token) => rest(others, tokens, start, (next + 1, next + 1), skip),
        _ => None,
    };
    taken
        .or_else(|| {
            let skipped = end > start && next < tokens.len() && skip(next);
            skipped.then(|| rest(elements, tokens, start, (end, next + 1), skip)).flatten()
        })
        .or_else(|| element.optional.then(|| rest(others, tokens, start, (end, next), skip)).flatten())
}

/// Many patterns with one meaning.
#[derive(Debug)]
pub(super) struct Patterns(Vec<Pattern>);

/// Nothing may stand between the words.
pub(super) const TIGHT: &dyn Fn(usize) -> bool = &|_| false;

impl Patterns {
    pub fn new(sources: &[&str]) -> Self {
        Self(sources.iter().map(|s| Pattern::new(s)).collect())
    }

    /// The end of the longest match that begins with token `at`.
    pub fn longest(&self, tokens: &[Token], at: usize, skip: &dyn Fn(usize) -> bool) -> Option<usize> {
        self.0.iter().filter_map(|p| p.matches(tokens, at, skip)).filter(|&end| end > at).max()
    }

    /// Where a match begins that ends with token `end` (exclusive).
    pub fn ending(&self, tokens: &[Token], end: usize, skip: &dyn Fn(usize) -> bool) -> Option<usize> {
        (end.saturating_sub(12)..end).find(|&at| self.0.iter().any(|p| p.matches(tokens, at, skip) == Some(end)))
    }
}

/// Whether the words are all taken by these sets, one after another, with at least one of `needed`; marks and pictographs don't count.
/// Tokens that `free` names may be left over.
pub(super) fn covered(
    tokens: &[Token],
    needed: &Patterns,
    allowed: &[&Patterns],
    free: &dyn Fn(&Token) -> bool,
) -> bool {
    // reach[i] = (reached, reached with a needed one among those before)
    let mut reach = vec![(false, false); tokens.len() + 1];
    reach[0] = (true, false);
    for i in 0..tokens.len() {
        let (plain, found) = reach[i];
        if !plain && !found {
            continue;
        }
        if !tokens[i].is_word() || free(&tokens[i]) {
            reach[i + 1].0 |= plain;
            reach[i + 1].1 |= found;
        }
        for pattern in &needed.0 {
            if let Some(end) = pattern.matches(tokens, i, TIGHT).filter(|&e| e > i) {
                reach[end].1 = true;
            }
        }
        for pattern in allowed.iter().flat_map(|set| &set.0) {
            if let Some(end) = pattern.matches(tokens, i, TIGHT).filter(|&e| e > i) {
                reach[end].0 |= plain;
                reach[end].1 |= found;
            }
        }
    }
    reach[tokens.len()].1
}
