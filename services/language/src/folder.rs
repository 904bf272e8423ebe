//! What the folder of a language holds, and the letters that all of them spell plainly.

use std::sync::LazyLock;

use crate::{Language, claims, time, understanding, wording::Wording};

/// All that Steward knows of a language.
pub(crate) struct Folder {
    pub script: Script,
    /// Letters that people also write without their accents, and how: `ñ` as `n`. Words are compared so spelt, in any language.
    pub plain: &'static [(char, char)],
    /// Frequent words, plainly spelt, that tell it from the other languages of its script.
    pub telling_words: &'static [&'static str],
    /// Letters and marks, in lower case, that do.
    pub telling_letters: &'static [char],
    pub time: &'static dyn time::Grammar,
    pub requests: &'static dyn understanding::Grammar,
    pub wording: &'static dyn Wording,
    pub claims: &'static claims::words::Source,
}

/// The letters a language is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Script {
    Cyrillic,
    Latin,
}

impl Script {
    /// All of them, in the order in which the words of a text of several are read.
    pub const ALL: &[Self] = &[Self::Cyrillic, Self::Latin];

    pub fn has(self, c: char) -> bool {
        match self {
            Self::Cyrillic => ('\u{400}'..='\u{52f}').contains(&c),
            Self::Latin => c < '\u{250}' && c.is_alphabetic(),
        }
    }

    /// The languages written in it, in the table's order.
    pub fn languages(self) -> impl Iterator<Item = Language> {
        Language::ALL.iter().copied().filter(move |language| language.folder().script == self)
    }
}

/// Spelt in lower case and plainly, one letter for one letter.
pub(crate) fn plain(c: char) -> char {
    /// The letters that languages are written in, by their number.
    static LETTERS: LazyLock<Vec<char>> = LazyLock::new(|| {
        let mut letters: Vec<char> = ('\0'..'\u{530}').collect();
        for (accented, plain) in Language::ALL.iter().flat_map(|language| language.folder().plain) {
            letters[*accented as usize] = *plain;
        }
        letters
    });
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    let lower = c.to_lowercase().next().unwrap_or(c);
    LETTERS.get(lower as usize).copied().unwrap_or(lower)
}
