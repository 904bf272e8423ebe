//! Russian: its words, and what its grammar does in its own way.

mod claim_words;
#[cfg(test)]
mod consent;
mod request_grammar;
mod request_words;
mod time_grammar;
mod time_words;
mod wording;

use crate::folder::{Folder, Script};

pub static RUSSIAN: Folder = Folder {
    script: Script::Cyrillic,
    plain: &[('ё', 'е')],
    telling_words: &[],
    telling_letters: &[],
    time: &time_grammar::TimeGrammar,
    requests: &request_grammar::RequestGrammar,
    wording: &wording::Russian,
    claims: &claim_words::CLAIMS,
};
