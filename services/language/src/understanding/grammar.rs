//! Where the grammars of requests differ: what a language says otherwise than the shared grammar supposes.
//!
//! A language's folder implements [`Grammar`]; what it doesn't mention is as most languages have it.

use std::ops::Range;

use super::{
    Intent,
    acts::has_me,
    lexicon::{Form, Source},
    sentence::Sentence,
    words::Token,
};

pub(crate) trait Grammar: Sync {
    fn words(&self) -> &'static Source;

    /// The coming Monday, in words that the language's reader of times knows.
    fn monday_ahead(&self) -> &'static str;

    /// What stands before the hour of a clock: "at ".
    fn before_hour(&self) -> &'static str;

    /// A refusal is one only where a request could begin: "they never call me" is none.
    fn refusal_must_start(&self) -> bool {
        false
    }

    /// Whether an imperative at `at` is said to somebody else, by the words before it: "Ивану напиши".
    fn is_said_to_another(&self, _sentence: &Sentence, _at: usize) -> bool {
        false
    }

    /// Whether the verb may mean anybody unless "me" stands beside it: "puedes escribir mañana".
    fn needs_me(&self, _verb: &Token, _form: Form) -> bool {
        false
    }

    /// Whether what follows a verb names somebody else, or a thing to be written rather than a person to be written to.
    fn is_for_another(&self, sentence: &Sentence, found: &Followed) -> bool {
        let third = sentence.tokens[found.next].is_one_of(sentence.lexicon.words.third);
        !has_me(sentence, found.act.clone()) && (third || found.is_with_another(sentence))
    }
}

/// A verb of contact and the first word behind it that says something.
pub(crate) struct Followed {
    pub next: usize,
    /// Where the verb's own words end.
    pub end: usize,
    pub intent: Intent,
    /// From the first word that asks to the end of the verb.
    pub act: Range<usize>,
}

impl Followed {
    /// "Talk with Ana", but not "with me", "with the beginning of March".
    pub fn is_with_another(&self, sentence: &Sentence) -> bool {
        let words = sentence.lexicon.words;
        sentence.tokens[self.next].is_one_of(words.with)
            && self.intent == Intent::Write
            && !sentence.tokens.get(self.next + 1).is_some_and(|t| t.is_one_of(words.with_me) || t.time)
    }
}
