//! A text cut into words and marks, each knowing its bytes; spelling folded so that accents, case and `ё` don't matter.

use std::ops::Range;

use crate::folder::plain;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sort {
    Word,
    /// A punctuation mark.
    Mark(char),
    /// A pictograph.
    Emoji(char),
}

/// One word, mark or pictograph of a text.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    /// Bytes of the text.
    pub span: Range<usize>,
    /// Lower case, no accents, `ё` as `е`, a straight apostrophe.
    pub folded: String,
    pub sort: Sort,
    /// Begins with a capital letter.
    pub capital: bool,
    /// Stands between quotation marks.
    pub quoted: bool,
    /// Belongs to a time phrase.
    pub time: bool,
}

impl Token {
    pub fn is_word(&self) -> bool {
        self.sort == Sort::Word
    }

    pub fn is_mark(&self, mark: char) -> bool {
        self.sort == Sort::Mark(mark)
    }

    /// Nothing but digits.
    pub fn is_number(&self) -> bool {
        self.is_word() && self.folded.bytes().all(|b| b.is_ascii_digit())
    }

    /// Ends in one of these.
    pub fn ends_in(&self, endings: &[&str]) -> bool {
        endings.iter().any(|ending| self.folded.ends_with(ending))
    }

    /// One of the given folded words.
    pub fn is_one_of(&self, words: &[&str]) -> bool {
        self.is_word() && words.contains(&self.folded.as_str())
    }
}

/// Folds one character's spelling; combining accents vanish.
fn fold_into(c: char, out: &mut String) {
    for lower in c.to_lowercase() {
        match lower {
            '’' | 'ʼ' | '`' => out.push('\''),
            '\u{300}' | '\u{301}' | '\u{303}' => {}
            other => out.push(plain(other)),
        }
    }
}

/// A word as the lexicons spell it.
pub(crate) fn fold(word: &str) -> String {
    let mut out = String::with_capacity(word.len());
    for c in word.chars() {
        fold_into(c, &mut out);
    }
    out
}

fn is_letter(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '\u{300}' | '\u{301}' | '\u{303}')
}

/// Joins two letters into one word: an apostrophe (don't) or a hyphen (кто-нибудь).
fn joins(c: char) -> bool {
    matches!(c, '\'' | '’' | 'ʼ' | '-')
}

/// Cuts a text into tokens. Spaces, variation selectors and skin tones make none.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<(usize, char)> = text.char_indices().collect();
    let end_of = |i: usize| chars.get(i).map_or(text.len(), |&(at, _)| at);
    let mut out = Vec::new();
    let mut i = 0;
    while i < chars.len() {
        let (at, c) = chars[i];
        let command = c == '/'
            && (i == 0 || chars[i - 1].1.is_whitespace())
            && chars.get(i + 1).is_some_and(|&(_, next)| next.is_alphabetic());
        if is_letter(c) || command {
            let mut j = i + 1;
            while j < chars.len() {
                let inner = joins(chars[j].1)
                    && chars[j - 1].1.is_alphabetic()
                    && chars.get(j + 1).is_some_and(|&(_, next)| next.is_alphabetic());
                if !is_letter(chars[j].1) && !inner {
                    break;
                }
                j += 1;
            }
            let span = at..end_of(j);
            let folded = fold(&text[span.clone()]);
            out.push(Token { span, folded, sort: Sort::Word, capital: c.is_uppercase(), quoted: false, time: false });
            i = j;
            continue;
        }
        i += 1;
        let invisible = matches!(c, '\u{fe0e}' | '\u{fe0f}' | '\u{200d}' | '\u{1f3fb}'..='\u{1f3ff}');
        if (c.is_whitespace() && c != '\n') || invisible || c.is_control() && c != '\n' {
            continue;
        }
        let sort = if is_punctuation(c) { Sort::Mark(c) } else { Sort::Emoji(c) };
        out.push(Token {
            span: at..end_of(i),
            folded: c.to_string(),
            sort,
            capital: false,
            quoted: false,
            time: false,
        });
    }
    mark_quoted(text, &mut out);
    out
}

fn is_punctuation(c: char) -> bool {
    c.is_ascii()
        || matches!(
            c,
            '«' | '»'
                | '“'
                | '”'
                | '„'
                | '‘'
                | '’'
                | '‹'
                | '›'
                | '—'
                | '–'
                | '…'
                | '¿'
                | '¡'
                | '•'
                | '·'
                | '№'
        )
}

/// Marks what stands between quotation marks of one sentence line. A mark without its partner quotes nothing.
fn mark_quoted(text: &str, tokens: &mut [Token]) {
    let mut i = 0;
    // marks that nothing closes from here on
    let mut never_closed: Vec<&[char]> = Vec::new();
    while i < tokens.len() {
        let closing: &[char] = match tokens[i].sort {
            Sort::Mark('«') => &['»'],
            Sort::Mark('“') => &['”', '“', '"'],
            Sort::Mark('„') => &['“', '”', '"'],
            Sort::Mark('"') => &['"', '”'],
            Sort::Mark('‘') => &['’'],
            Sort::Mark('\'') if opens(text, &tokens[i].span) => &['\''],
            _ => &[],
        };
        let close = closing.first().filter(|_| !never_closed.contains(&closing)).and_then(|_| {
            (i + 1..tokens.len()).find(|&j| matches!(tokens[j].sort, Sort::Mark(c) if closing.contains(&c)))
        });
        match close {
            Some(j) => {
                for token in &mut tokens[i..=j] {
                    token.quoted = true;
                }
                i = j + 1;
            }
            None => {
                if !closing.is_empty() {
                    never_closed.push(closing);
                }
                i += 1;
            }
        }
    }
}

/// A straight single quote opens only before a word and after a space.
fn opens(text: &str, span: &Range<usize>) -> bool {
    text[..span.start].chars().next_back().is_none_or(char::is_whitespace)
        && text[span.end..].chars().next().is_some_and(char::is_alphanumeric)
}

/// The text with the lines that quote another message (`> …`) blanked, byte for byte.
pub(crate) fn without_quoted_lines(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        if line.trim_start().starts_with('>') {
            let kept = line.ends_with('\n');
            out.extend(std::iter::repeat_n(' ', line.len() - usize::from(kept)));
            if kept {
                out.push('\n');
            }
        } else {
            out.push_str(line);
        }
    }
    out
}
