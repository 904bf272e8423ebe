//! Cuts a text into words, runs of digits and punctuation, each with its bytes, folded so that case, accents and "ё" don't matter.

use std::ops::Range;

use crate::folder::plain;

/// The most numbers a run such as `2026-12-22` may join; longer runs are no date.
const MOST_PARTS: usize = 3;

/// Digits joined by one kind of separator: `5`, `17:30`, `12.03.2027`, `1,5`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digits {
    values: [u32; MOST_PARTS],
    widths: [u8; MOST_PARTS],
    count: u8,
    /// The separator between the parts, absent for a lone number.
    pub separator: Option<char>,
}

impl Digits {
    /// The numbers, in the order written.
    pub fn values(&self) -> &[u32] {
        &self.values[..usize::from(self.count)]
    }

    /// How many digits each number was written with.
    pub fn widths(&self) -> &[u8] {
        &self.widths[..usize::from(self.count)]
    }

    /// The value of a lone number.
    pub fn lone(&self) -> Option<u32> {
        (self.count == 1).then(|| self.values[0])
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// Lower case, no accents, no apostrophes.
    Word(String),
    Digits(Digits),
    Mark(char),
    /// A link, an address, an over-long number: never part of a time.
    Opaque,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub shape: Shape,
    pub span: Range<usize>,
    /// Nothing stands between this token and the one before it.
    pub glued: bool,
    /// A word that begins with a capital letter.
    pub capital: bool,
    /// A word that ends in "'s".
    pub possessive: bool,
}

/// Marks that add an accent to the letter before them.
fn is_combining(c: char) -> bool {
    ('\u{300}'..='\u{36f}').contains(&c)
}

fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '’' | 'ʼ')
}

/// Dashes of every length are one mark.
fn mark(c: char) -> char {
    match c {
        '–' | '—' | '−' | '‐' | '‑' => '-',
        other => other,
    }
}

/// A word folded the way tokens are; for tables of words.
pub fn folded(word: &str) -> String {
    word.chars().filter(|c| !is_combining(*c) && !is_apostrophe(*c)).map(plain).collect()
}

/// Cuts `text` into tokens.
pub fn tokens(text: &str) -> Vec<Token> {
    let mut found: Vec<Token> = Vec::with_capacity(text.len() / 4 + 1);
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        }
        let glued = found.last().is_some_and(|last| last.span.end == at);
        let (shape, end) = if !glued && let Some(end) = address_end(text, at) {
            (Shape::Opaque, end)
        } else if c.is_ascii_digit() {
            digits(text, at)
        } else if c.is_alphabetic() {
            word(text, at)
        } else {
            (Shape::Mark(mark(c)), at + c.len_utf8())
        };
        let possessive = text[at..end].strip_suffix('s').is_some_and(|stem| stem.ends_with(is_apostrophe));
        found.push(Token { shape, span: at..end, glued, capital: c.is_uppercase(), possessive });
        at = end;
    }
    found
}

/// The end of a link or an e-mail address that starts at `at`.
fn address_end(text: &str, at: usize) -> Option<usize> {
    let rest = &text[at..];
    let chunk = &rest[..rest.find(char::is_whitespace).unwrap_or(rest.len())];
    let is_address = chunk.contains("://") || chunk.starts_with("www.") || chunk.find('@').is_some_and(|i| i > 0);
    is_address.then_some(at + chunk.len())
}

fn word(text: &str, start: usize) -> (Shape, usize) {
    let mut end = start;
    let mut folded = String::new();
    let mut chars = text[start..].char_indices().peekable();
    while let Some((i, c)) = chars.next() {
        // "o'clock", "year's", and the plural "presidents' day"
        let inside = is_apostrophe(c)
            && chars.peek().is_some_and(|(_, next)| next.is_alphabetic() || folded.ends_with('s') && *next == ' ');
        if c.is_alphabetic() {
            folded.push(plain(c));
        } else if !inside && !is_combining(c) {
            break;
        }
        end = start + i + c.len_utf8();
    }
    (Shape::Word(folded), end)
}

fn digits(text: &str, start: usize) -> (Shape, usize) {
    let bytes = text.as_bytes();
    let mut at = start;
    let mut run = Digits { values: [0; MOST_PARTS], widths: [0; MOST_PARTS], count: 0, separator: None };
    let mut fits = true;
    loop {
        let from = at;
        let mut value: u32 = 0;
        while let Some(b) = bytes.get(at).filter(|b| b.is_ascii_digit()) {
            value = value.saturating_mul(10).saturating_add(u32::from(b - b'0'));
            at += 1;
        }
        let part = usize::from(run.count);
        if part < MOST_PARTS && at - from <= 9 {
            run.values[part] = value;
            run.widths[part] = u8::try_from(at - from).unwrap_or(u8::MAX);
            run.count += 1;
        } else {
            fits = false;
        }
        let Some((separator, width)) = separator(text, at, run.separator) else { break };
        run.separator = Some(separator);
        at += width;
    }
    (if fits { Shape::Digits(run) } else { Shape::Opaque }, at)
}

/// The separator at `at` when digits follow it and the run uses no other.
fn separator(text: &str, at: usize, used: Option<char>) -> Option<(char, usize)> {
    let c = text[at..].chars().next()?;
    let next = *text.as_bytes().get(at + c.len_utf8())?;
    let c_folded = mark(c);
    (matches!(c_folded, '.' | ',' | ':' | '/' | '-') && next.is_ascii_digit() && used.is_none_or(|u| u == c_folded))
        .then_some((c_folded, c.len_utf8()))
}
