//! Word patterns: `не могли|мог бы ты|вы?` as a sequence of words, with alternatives (`|`), stems (`*`) and optional words (`?`).

use std::collections::HashMap;

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
pub(crate) struct Pattern(Vec<Element>);

/// Tokens that may be skipped between two words of a pattern, at most: a time and some politeness, said at length.
const MOST_SKIPPED: usize = 16;

impl Pattern {
    fn new(source: &str) -> Self {
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

    /// The spellings that its first word may have: of the first element that can't be left out, and of those before it.
    fn leads(&self) -> impl Iterator<Item = &Spelling> {
        let left_out = self.0.iter().take_while(|e| e.optional).count();
        self.0.iter().take(left_out + 1).flat_map(|e| &e.spellings)
    }

    /// The end of the first match that begins with token `at`; tokens that `skip` names may stand between the words.
    fn matches(&self, tokens: &[Token], at: usize, skip: &dyn Fn(usize) -> bool) -> Option<usize> {
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
            let skipped = end > start && next < tokens.len() && next - end < MOST_SKIPPED && skip(next);
            skipped.then(|| rest(elements, tokens, start, (end, next + 1), skip)).flatten()
        })
        .or_else(|| element.optional.then(|| rest(others, tokens, start, (end, next), skip)).flatten())
}

/// Many patterns with one meaning, found by their first words.
#[derive(Debug)]
pub(crate) struct Patterns {
    all: Vec<Pattern>,
    by_word: HashMap<String, Vec<usize>>,
    /// By the first letter of a stem.
    by_stem: HashMap<char, Vec<usize>>,
}

/// Nothing may stand between the words.
pub(crate) const TIGHT: &dyn Fn(usize) -> bool = &|_| false;

impl Patterns {
    pub fn new(sources: &[&str]) -> Self {
        let mut patterns = Self { all: Vec::new(), by_word: HashMap::new(), by_stem: HashMap::new() };
        for pattern in sources.iter().map(|s| Pattern::new(s)) {
            let known = patterns.all.len();
            for lead in pattern.leads() {
                let found = match lead {
                    Spelling::Exact(word) => patterns.by_word.entry(word.clone()).or_default(),
                    Spelling::Stem(stem) => {
                        let first = stem.chars().next().expect("a stem has letters");
                        patterns.by_stem.entry(first).or_default()
                    }
                };
                if found.last() != Some(&known) {
                    found.push(known);
                }
            }
            patterns.all.push(pattern);
        }
        patterns
    }

    /// The ends of the matches that begin with token `at`.
    fn ends<'a>(
        &'a self,
        tokens: &'a [Token],
        at: usize,
        skip: &'a dyn Fn(usize) -> bool,
    ) -> impl Iterator<Item = usize> + 'a {
        let word = tokens.get(at).filter(|t| t.is_word()).map(|t| t.folded.as_str());
        let exact = word.and_then(|word| self.by_word.get(word));
        let stems = word.and_then(|word| self.by_stem.get(&word.chars().next()?));
        let candidates = exact.into_iter().chain(stems).flatten();
        candidates.filter_map(move |&i| self.all[i].matches(tokens, at, skip)).filter(move |&end| end > at)
    }

    /// The end of the longest match that begins with token `at`.
    pub fn longest(&self, tokens: &[Token], at: usize, skip: &dyn Fn(usize) -> bool) -> Option<usize> {
        self.ends(tokens, at, skip).max()
    }

    /// Where a match begins that ends with token `end` (exclusive).
    pub fn ending(&self, tokens: &[Token], end: usize, skip: &dyn Fn(usize) -> bool) -> Option<usize> {
        (end.saturating_sub(12)..end).find(|&at| self.ends(tokens, at, skip).any(|found| found == end))
    }
}

/// Whether the words are all taken by these sets, one after another, with at least one of `needed`; marks and pictographs don't count.
/// Tokens that `free` names may be left over.
pub(crate) fn covered(
    tokens: &[Token],
    needed: &Patterns,
    allowed: &[&Patterns],
    free: &dyn Fn(&Token) -> bool,
) -> bool {
    reach(tokens, &[needed], allowed, free).1
}

/// Whether the words are all taken by these sets, one after another, but for those that `free` names; also if there are none.
pub(crate) fn covered_by(tokens: &[Token], sets: &[&Patterns], free: &dyn Fn(&Token) -> bool) -> bool {
    reach(tokens, &[], sets, free).0
}

/// Whether the words are all taken by patterns of `needed` and `allowed`: by `allowed` alone; with one of `needed` among them.
pub(crate) fn reach(
    tokens: &[Token],
    needed: &[&Patterns],
    allowed: &[&Patterns],
    free: &dyn Fn(&Token) -> bool,
) -> (bool, bool) {
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
        for end in needed.iter().flat_map(|set| set.ends(tokens, i, TIGHT)) {
            reach[end].1 = true;
        }
        for end in allowed.iter().flat_map(|set| set.ends(tokens, i, TIGHT)) {
            reach[end].0 |= plain;
            reach[end].1 |= found;
        }
    }
    reach[tokens.len()]
}
