//! Sentences of a message: their tokens, which of them say a time, which are politeness or filling.

use std::{cell::Cell, collections::HashSet, ops::Range, sync::LazyLock};

use super::{
    Asked, Says,
    lexicon::Lexicon,
    pattern::{Patterns, TIGHT},
    stretch::asked,
    words::{Sort, Token},
};
use crate::{
    Language,
    time::{Meaning, Moment},
};

/// Reads the time in the bytes given of a text; what stands beside them is only looked at.
pub(crate) type Reader<'a> = &'a dyn Fn(&str, Range<usize>) -> Meaning;

/// Abbreviations of all languages: names and times are written so in any.
static ABBREVIATIONS: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    Language::ALL.iter().flat_map(|language| language.folder().requests.words().abbreviations).copied().collect()
});

/// Tokens of a sentence, at most: a longer one is read in parts, if possible from comma to comma.
const LONGEST: usize = 160;
const LONG: usize = LONGEST - 40;
/// Tokens beside a part of a sentence that are looked at when its time is read.
const AROUND: usize = 8;
/// How often a sentence's tokens may be read for a time, on average: people's sentences need a tenth of it.
const READINGS: usize = 24;

/// One sentence.
pub(crate) struct Sentence<'a> {
    /// The whole message; tokens' spans are bytes of it.
    pub text: &'a str,
    pub lexicon: &'static Lexicon,
    pub tokens: Vec<Token>,
    /// Politeness: no part of a topic.
    pub polite: Vec<bool>,
    /// Words that may stand beside a request without changing it.
    pub filler: Vec<bool>,
    /// A question mark ends it.
    pub asked: bool,
    /// Tokens that may still be read for a time.
    readings: Cell<usize>,
    /// More was to be read than may be: something may have been missed.
    pub worn_out: Cell<bool>,
}

impl<'a> Sentence<'a> {
    fn new(text: &'a str, lexicon: &'static Lexicon, tokens: Vec<Token>, reader: Reader) -> Self {
        let asked = tokens.iter().any(|t| t.is_mark('?') || t.is_mark('¿'));
        let polite = marked(&tokens, &lexicon.polite);
        let filler = marked(&tokens, &lexicon.filler);
        let all = 0..tokens.len();
        let readings = Cell::new((tokens.len() + LONG) * READINGS);
        let worn_out = Cell::new(false);
        let mut sentence = Self { text, lexicon, tokens, polite, filler, asked, readings, worn_out };
        for span in spans(&sentence.time(all, reader)) {
            let covering = sentence.covering(&span);
            sentence.tokens[covering].iter_mut().for_each(|token| token.time = true);
        }
        sentence
    }

    /// The time said by these tokens, spans as bytes of the message. What is quoted says none.
    pub fn time(&self, range: Range<usize>, reader: Reader) -> Meaning {
        let around = range.start.saturating_sub(AROUND)..(range.end + AROUND).min(self.tokens.len());
        self.time_within(around, range, reader)
    }

    /// The same where the word before them isn't a part of the time.
    pub fn time_from(&self, range: Range<usize>, reader: Reader) -> Meaning {
        let around = range.start..(range.end + AROUND).min(self.tokens.len());
        self.time_within(around, range, reader)
    }

    /// The clock that a number alone says where nothing else can be meant: the 11 of "make it 11".
    pub fn clock(&self, at: usize, reader: Reader) -> Option<Asked> {
        let token = self.tokens.get(at).filter(|token| token.is_word() && !token.quoted)?;
        let before = self.text[..token.span.start].chars().next_back();
        let after = self.text[token.span.end..].chars().next();
        // "$11", "11%", "№11", "-11"
        let stands_free = before.is_none_or(char::is_whitespace)
            && after.is_none_or(|c| c.is_whitespace() || matches!(c, '.' | ',' | '!' | '?' | ';' | ')'));
        if !stands_free {
            return None;
        }
        let said = format!("{}{}", self.lexicon.grammar.before_hour(), &self.text[token.span.clone()]);
        let Meaning::Instant(moment) = reader(&said, 0..said.len()) else { return None };
        let moment = Moment { span: token.span.clone(), ..moment };
        Some(asked(self, Meaning::Instant(moment))).filter(|time| time.says == Says::Clock)
    }

    fn time_within(&self, around: Range<usize>, range: Range<usize>, reader: Reader) -> Meaning {
        let (Some(first), Some(last)) = (self.tokens[range.clone()].first(), self.tokens[range].last()) else {
            return Meaning::None;
        };
        let part = first.span.start..last.span.end;
        let tokens = &self.tokens[around];
        let (Some(first), Some(last)) = (tokens.first(), tokens.last()) else { return Meaning::None };
        let Some(left) = self.readings.get().checked_sub(tokens.len()) else {
            self.worn_out.set(true);
            return Meaning::None;
        };
        self.readings.set(left);
        let start = first.span.start;
        let mut text = self.text[start..last.span.end].to_owned();
        for quoted in tokens.iter().filter(|t| t.quoted) {
            let span = quoted.span.start - start..quoted.span.end - start;
            let blank = " ".repeat(span.len());
            text.replace_range(span, &blank);
        }
        shifted(reader(&text, part.start - start..part.end - start), start)
    }

    /// The tokens that share bytes with `span`.
    pub fn covering(&self, span: &Range<usize>) -> Range<usize> {
        let start = self.tokens.partition_point(|t| t.span.end <= span.start);
        let end = self.tokens.partition_point(|t| t.span.start < span.end);
        start..end.max(start)
    }

    /// A comma, dash, colon or bracket between clauses; not one inside a number.
    pub fn is_boundary(&self, at: usize) -> bool {
        let token = &self.tokens[at];
        let mark = matches!(
            token.sort,
            Sort::Mark(',' | ';' | ':' | '—' | '–' | '-' | '(' | ')' | '!' | '…' | '.' | '¿' | '¡' | '*' | '•')
        );
        (mark || matches!(token.sort, Sort::Emoji(_))) && !self.is_inside_number(at)
    }

    fn is_inside_number(&self, at: usize) -> bool {
        let span = &self.tokens[at].span;
        let digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
        digit(self.text[..span.start].chars().next_back()) && digit(self.text[span.end..].chars().next())
    }

    /// Neither time nor politeness nor a mark: may not be passed over inside a pattern.
    pub fn is_slack(&self, at: usize) -> bool {
        let token = &self.tokens[at];
        !token.quoted && (token.time || self.polite[at] || token.is_mark(','))
    }

    /// May stand between the words that ask and the verb.
    pub fn is_light(&self, at: usize) -> bool {
        let words = self.lexicon.words;
        self.is_slack(at)
            || self.filler[at]
            || self.tokens[at].is_one_of(words.me)
            || self.tokens[at].is_one_of(words.you)
    }

    /// The words of its clause before `at`, from there back, without what may be passed over.
    pub fn words_before(&self, at: usize) -> impl Iterator<Item = usize> {
        self.clause_before(at).rev().filter(|&i| self.tokens[i].is_word() && !self.is_slack(i))
    }

    /// Tokens of the clause before `at` that `at` belongs to.
    pub fn clause_before(&self, at: usize) -> Range<usize> {
        let start = (0..at).rev().find(|&i| self.is_boundary(i)).map_or(0, |i| i + 1);
        start..at
    }
}

fn marked(tokens: &[Token], patterns: &Patterns) -> Vec<bool> {
    let mut out = vec![false; tokens.len()];
    let mut i = 0;
    while i < tokens.len() {
        match patterns.longest(tokens, i, TIGHT) {
            Some(end) => {
                out[i..end].fill(true);
                i = end;
            }
            None => i += 1,
        }
    }
    out
}

/// Where a meaning was said.
pub(crate) fn spans(meaning: &Meaning) -> Vec<Range<usize>> {
    match meaning {
        Meaning::Instant(moment) | Meaning::Past(moment) | Meaning::TooFar(moment) => vec![moment.span.clone()],
        Meaning::Ambiguous { readings, span, .. } if readings.is_empty() => vec![span.clone()],
        Meaning::Ambiguous { readings, .. } => readings.iter().map(|r| r.span.clone()).collect(),
        Meaning::None => Vec::new(),
    }
}

fn shifted(meaning: Meaning, by: usize) -> Meaning {
    let moved = |span: Range<usize>| span.start + by..span.end + by;
    let later = |m: Moment| Moment { span: moved(m.span.clone()), ..m };
    match meaning {
        Meaning::Instant(m) => Meaning::Instant(later(m)),
        Meaning::Past(m) => Meaning::Past(later(m)),
        Meaning::TooFar(m) => Meaning::TooFar(later(m)),
        Meaning::Ambiguous { readings, span, rule } => {
            Meaning::Ambiguous { readings: readings.into_iter().map(later).collect(), span: moved(span), rule }
        }
        Meaning::None => Meaning::None,
    }
}

/// Cuts a message's tokens into sentences; sentences without words are kept if they hold a pictograph.
pub(crate) fn sentences<'a>(
    text: &'a str,
    tokens: Vec<Token>,
    lexicon: &'static Lexicon,
    reader: Reader,
) -> Vec<Sentence<'a>> {
    let mut out = Vec::new();
    let mut current: Vec<Token> = Vec::new();
    let mut rest = tokens.into_iter().peekable();
    while let Some(token) = rest.next() {
        let ends = ends_sentence(text, current.last(), &token, rest.peek());
        if !token.is_mark('\n') {
            current.push(token.clone());
        }
        let too_long = current.len() >= LONGEST || current.len() >= LONG && token.is_mark(',');
        if ends || too_long || rest.peek().is_none() {
            let sentence = std::mem::take(&mut current);
            if sentence.iter().any(|t| !matches!(t.sort, Sort::Mark(_))) {
                out.push(Sentence::new(text, lexicon, sentence, reader));
            }
        }
    }
    out
}

/// Whether a sentence ends with `token`.
pub(crate) fn ends_sentence(text: &str, before: Option<&Token>, token: &Token, next: Option<&Token>) -> bool {
    match token.sort {
        Sort::Mark('\n') => true,
        _ if token.quoted => false,
        Sort::Mark('!' | '?' | '…') => next.is_none_or(|n| !matches!(n.sort, Sort::Mark(_))),
        Sort::Mark('.') => {
            let spaced = text[token.span.end..].chars().next().is_none_or(char::is_whitespace);
            let short = before.is_some_and(|b| {
                b.is_word()
                    && b.span.end == token.span.start
                    && (b.folded.chars().count() == 1 && !b.folded.starts_with(|c: char| c.is_ascii_digit())
                        || ABBREVIATIONS.contains(b.folded.as_str()))
            });
            spaced && !short
        }
        _ => false,
    }
}
