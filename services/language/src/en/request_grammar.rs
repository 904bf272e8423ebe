//! What English asks for in its own way.

use super::request_words::WORDS;
use crate::understanding::{
    Intent,
    acts::has_me,
    grammar::{Followed, Grammar},
    lexicon::Source,
    sentence::Sentence,
};

pub struct RequestGrammar;

impl Grammar for RequestGrammar {
    fn words(&self) -> &'static Source {
        &WORDS
    }

    fn monday_ahead(&self) -> &'static str {
        "on Monday"
    }

    fn before_hour(&self) -> &'static str {
        "at "
    }

    fn refusal_must_start(&self) -> bool {
        true
    }

    /// "Write me a letter", "call him", "talk to Ana".
    fn is_for_another(&self, sentence: &Sentence, found: &Followed) -> bool {
        let token = &sentence.tokens[found.next];
        let to_me = has_me(sentence, found.act.clone());
        let thing = token.is_one_of(&["a", "an"]) && to_me && found.intent == Intent::Write;
        thing || (!to_me && (token.is_one_of(WORDS.third) || found.is_with_another(sentence)))
    }
}
