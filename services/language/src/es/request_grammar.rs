//! What Spanish asks for in its own way.

use super::request_words::WORDS;
use crate::understanding::{
    Intent,
    grammar::{Followed, Grammar},
    lexicon::{Form, Source},
    sentence::Sentence,
    words::Token,
};

pub struct RequestGrammar;

impl Grammar for RequestGrammar {
    fn words(&self) -> &'static Source {
        &WORDS
    }

    fn monday_ahead(&self) -> &'static str {
        "el lunes"
    }

    fn before_hour(&self) -> &'static str {
        "a las "
    }

    /// Of verbs that don't hold "me" themselves.
    fn needs_me(&self, verb: &Token, form: Form) -> bool {
        match form {
            Form::Asked => verb.folded.ends_with('r') && !verb.folded.starts_with("pon"),
            Form::Wished => !verb.folded.starts_with("te"),
            _ => false,
        }
    }

    /// "Escribe a Juan", but not "escríbeme a casa".
    fn is_for_another(&self, sentence: &Sentence, found: &Followed) -> bool {
        let tokens = &sentence.tokens;
        let enclitic = tokens[found.act.clone()].iter().any(|t| t.ends_in(&["me", "nos", "melo"]));
        let person = |i: usize| tokens.get(i).is_some_and(|t| !t.is_one_of(WORDS.with_me) && !t.time && t.is_word());
        let to_another = tokens[found.next].is_one_of(WORDS.with) && person(found.next + 1);
        to_another && !enclitic && found.intent == Intent::Write
    }
}
