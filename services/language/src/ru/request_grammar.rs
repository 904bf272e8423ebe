//! What Russian asks for in its own way.

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
        "в понедельник"
    }

    fn before_hour(&self) -> &'static str {
        "в "
    }

    /// "Ивану напиши", "маме завтра напомни".
    fn is_said_to_another(&self, sentence: &Sentence, at: usize) -> bool {
        let names_another = |i: usize| {
            let token = &sentence.tokens[i];
            token.is_one_of(WORDS.third) || token.is_one_of(WORDS.kin) || is_name_in_dative(sentence, i)
        };
        let near = sentence.clause_before(at).start..(at + 3).min(sentence.tokens.len());
        sentence.words_before(at).any(names_another) && !has_me(sentence, near)
    }

    /// "Напиши ему", "поговори с Анной", "напиши отчёт".
    fn is_for_another(&self, sentence: &Sentence, found: &Followed) -> bool {
        let tokens = &sentence.tokens;
        let Followed { next, end, intent, act } = found;
        let token = &tokens[*next];
        let to_me = has_me(sentence, act.start..*next) || has_me(sentence, sentence.clause_before(act.start));
        if token.is_one_of(WORDS.third) && !to_me {
            return true;
        }
        if token.is_one_of(WORDS.with) && !to_me {
            return !tokens.get(next + 1).is_some_and(|t| t.is_one_of(WORDS.with_me) || t.time);
        }
        let known = token.is_one_of(WORDS.preposition)
            || token.is_one_of(WORDS.introduces)
            || sentence.filler[*next]
            || token.quoted
            || !token.is_word();
        if to_me || known {
            return false;
        }
        let directly = next == end && *intent == Intent::Write && tokens[act.end - 1].folded != "связи";
        token.is_one_of(WORDS.kin)
            || (token.capital && !tokens[act.clone()].iter().all(|t| t.capital))
            || (directly && !token.ends_in(&["ть", "ться", "ти", "чь"]))
    }
}

/// A capitalised dative ("Ивану").
fn is_name_in_dative(sentence: &Sentence, at: usize) -> bool {
    let token = &sentence.tokens[at];
    let known = sentence.filler[at] || token.time || token.is_one_of(WORDS.preposition);
    token.capital && token.ends_in(&["у", "ю", "е"]) && !known && token.folded.chars().count() > 2
}
