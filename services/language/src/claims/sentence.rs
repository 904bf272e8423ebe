//! A text cut into sentences whose tokens know which clause they are in and whether they say a time.

use std::ops::Range;

use crate::{
    time::{Said, TimeContext, said},
    understanding::{
        pattern::{Patterns, TIGHT},
        sentence::ends_sentence,
        words::{Sort, Token, tokens, without_quoted_lines},
    },
};

/// Tokens of a sentence, at most: a longer one is read in parts, if possible from comma to comma.
const LONGEST: usize = 160;
const LONG: usize = LONGEST - 40;

pub(super) struct Sentence<'a> {
    pub text: &'a str,
    pub tokens: Vec<Token>,
    /// The times said, their spans bytes of the whole text.
    pub times: Vec<Said>,
    /// A question mark ends it.
    pub asked: bool,
}

impl<'a> Sentence<'a> {
    fn new(text: &'a str, tokens: Vec<Token>, context: &TimeContext) -> Self {
        let asked = tokens.iter().any(|t| t.is_mark('?') && !t.quoted);
        let mut sentence = Self { text, tokens, times: Vec::new(), asked };
        let (Some(first), Some(last)) = (sentence.tokens.first(), sentence.tokens.last()) else { return sentence };
        let start = first.span.start;
        let mut own = text[start..last.span.end].to_owned();
        for quoted in sentence.tokens.iter().filter(|t| t.quoted) {
            let span = quoted.span.start - start..quoted.span.end - start;
            let blank = " ".repeat(span.len());
            own.replace_range(span, &blank);
        }
        sentence.times = said(&own, context);
        for time in &mut sentence.times {
            for span in &mut time.spans {
                *span = span.start + start..span.end + start;
            }
            for reading in &mut time.readings {
                reading.span = reading.span.start + start..reading.span.end + start;
            }
        }
        let spans: Vec<Range<usize>> = sentence.times.iter().flat_map(|time| time.spans.clone()).collect();
        for span in spans {
            let covering = sentence.covering(&span);
            sentence.tokens[covering].iter_mut().for_each(|token| token.time = true);
        }
        sentence
    }

    pub fn bytes(&self) -> Range<usize> {
        self.span(0..self.tokens.len())
    }

    pub fn span(&self, range: Range<usize>) -> Range<usize> {
        match self.tokens[range] {
            [] => 0..0,
            [ref only] => only.span.clone(),
            [ref first, .., ref last] => first.span.start..last.span.end,
        }
    }

    /// The tokens that share bytes with `span`.
    pub fn covering(&self, span: &Range<usize>) -> Range<usize> {
        let start = self.tokens.partition_point(|t| t.span.end <= span.start);
        let end = self.tokens.partition_point(|t| t.span.start < span.end);
        start..end.max(start)
    }

    /// A mark between clauses; not one inside a number or a time.
    pub fn is_boundary(&self, at: usize) -> bool {
        let token = &self.tokens[at];
        let mark = matches!(
            token.sort,
            Sort::Mark(',' | ';' | ':' | '—' | '–' | '-' | '(' | ')' | '!' | '…' | '.' | '?' | '¿' | '¡' | '•')
        );
        (mark || matches!(token.sort, Sort::Emoji(_))) && !token.time && !self.is_inside_number(at)
    }

    fn is_inside_number(&self, at: usize) -> bool {
        let span = &self.tokens[at].span;
        let digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
        digit(self.text[..span.start].chars().next_back()) && digit(self.text[span.end..].chars().next())
    }

    /// The clause that holds the tokens `range`.
    pub fn clause(&self, range: &Range<usize>) -> Range<usize> {
        let start = (0..range.start).rev().find(|&i| self.is_boundary(i)).map_or(0, |i| i + 1);
        let end = (range.end..self.tokens.len()).find(|&i| self.is_boundary(i)).unwrap_or(self.tokens.len());
        start..end
    }

    /// The clause before the one that begins with token `start`: the nearest that has words.
    pub fn clause_before(&self, start: usize) -> Option<Range<usize>> {
        let last = (0..start).rev().find(|&i| self.tokens[i].is_word())?;
        Some(self.clause(&(last..last + 1)))
    }

    /// The one behind the one that ends before token `end`, likewise.
    pub fn clause_after(&self, end: usize) -> Option<Range<usize>> {
        let first = (end..self.tokens.len()).find(|&i| self.tokens[i].is_word())?;
        Some(self.clause(&(first..first + 1)))
    }

    /// Whether one of these patterns begins somewhere in `range`.
    pub fn says(&self, patterns: &Patterns, range: Range<usize>) -> bool {
        range.clone().any(|at| patterns.longest(&self.tokens[..range.end], at, TIGHT).is_some())
    }
}

/// Cuts a text into its sentences.
pub(super) fn each<'a>(text: &'a str, context: &'a TimeContext) -> impl Iterator<Item = Sentence<'a>> + 'a {
    cut(text).into_iter().map(move |tokens| Sentence::new(text, tokens, context))
}

fn cut(text: &str) -> Vec<Vec<Token>> {
    let unquoted = without_quoted_lines(text);
    let (mut out, mut current) = (Vec::new(), Vec::<Token>::new());
    let mut rest = tokens(&unquoted).into_iter().peekable();
    while let Some(token) = rest.next() {
        let ends = ends_sentence(text, current.last(), &token, rest.peek());
        let newline = token.is_mark('\n');
        let comma = token.is_mark(',');
        if !newline {
            current.push(token);
        }
        let too_long = current.len() >= LONGEST || current.len() >= LONG && comma;
        if ends || too_long || rest.peek().is_none() {
            out.push(std::mem::take(&mut current));
        }
    }
    out.retain(|tokens| !tokens.is_empty());
    out
}
