//! What a text claims in the first person: that something will be done, or has been. Pure.
//!
//! A text is cut into sentences ([`sentence`]); in each the forms of a language are looked for ([`words`], [`find`]): a verb of ours
//! with its person, its object, its time. What is denied, asked, offered, hung on a condition or quoted claims nothing
//! ([`excuse`]). Nothing here knows whether a claim is true: who asks compares it with what was decided.

mod excuse;
mod find;
mod sentence;
pub(crate) mod words;

use std::ops::Range;

pub use self::words::Deed;
use crate::{
    Language,
    folder::Script,
    time::{Said, TimeContext},
};

/// One thing claimed. Spans are bytes of the text.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    pub deed: Deed,
    /// The words that claim it.
    pub span: Range<usize>,
    pub sentence: Range<usize>,
    /// The times that stand with them.
    pub times: Vec<ClaimedTime>,
    /// Of a sentence that is nothing but a time: it says that this is done.
    pub done: bool,
}

/// A time that stands with a claim.
#[derive(Debug, Clone, PartialEq)]
pub struct ClaimedTime {
    pub said: Said,
    /// It is the time of what the claim is about: "about the call at 15:00".
    pub about: bool,
    /// It may be: something that is to be done stands before it.
    pub behind: bool,
}

/// Everything that `text` claims, in order; its times are read against `context`. Takes time in proportion to its length.
pub fn claims(text: &str, context: &TimeContext) -> Vec<Claim> {
    let written: Vec<Language> =
        Script::ALL.iter().filter(|s| text.chars().any(|c| s.has(c))).flat_map(|s| s.languages()).collect();
    sentence::each(text, context).flat_map(|sentence| find::claims(&sentence, &written)).collect()
}

/// One text of each form and list of a language.
#[cfg(test)]
pub(crate) fn expressions(language: Language) -> Vec<String> {
    words::Lexicon::of(language).expressions()
}

/// Whether `text` asks its reader for something: a question, or "name a time".
pub fn asks(text: &str, context: &TimeContext) -> bool {
    sentence::each(text, context).any(|sentence| sentence.asked || excuse::tells_anywhere(&sentence))
}
