//! Whether somebody wants what is known of them deleted: their number, their data.

use super::words::{Sort, Token, tokens, without_quoted_lines};
use crate::{Language, excerpt};

/// How one language says it: single folded words.
pub(crate) struct Words {
    /// What is to be done, as an order, a wish or a noun: "delete", "deletion".
    pub erase: &'static [&'static str],
    /// Whose it is: "my", "me".
    pub own: &'static [&'static str],
    /// What is known of a person.
    pub data: &'static [&'static str],
    /// Who speaks of what they do themselves: "I".
    pub doer: &'static [&'static str],
}

impl Words {
    pub const NONE: Self = Self { erase: &[], own: &[], data: &[], doer: &[] };
}

/// Words from what is to be done to what is to be erased, at most.
const NEAR: usize = 8;
/// Words from what is to be erased to whose it is, at most.
const BESIDE: usize = 5;

/// Whether the beginning of `text` ([`excerpt`]) asks for this in one of its clauses, in any language.
pub fn wants_erasure(text: &str) -> bool {
    let text = without_quoted_lines(excerpt::head(text));
    let said = tokens(&text);
    let ends = |t: &Token| matches!(t.sort, Sort::Mark('.' | '!' | '?' | ';' | '…' | '\n'));
    said.split(ends).any(|clause| {
        let words: Vec<&Token> = clause.iter().filter(|t| t.is_word()).collect();
        Language::ALL.iter().any(|language| erases(&words, *language))
    })
}

fn erases(words: &[&Token], language: Language) -> bool {
    let source = language.folder().requests.words();
    let Words { erase, own, data, doer } = source.erasure;
    let promise = |t: &&Token| source.promise.iter().any(|stem| t.folded.starts_with(stem.trim_end_matches('*')));
    if words.iter().any(|t| t.quoted) || words.iter().any(promise) {
        return false;
    }
    let at = |list: &'static [&'static str]| (0..words.len()).filter(move |&i| words[i].is_one_of(list));
    at(erase).any(|verb| {
        let before = &words[verb.saturating_sub(2)..verb];
        let refused = before.iter().any(|t| t.is_one_of(source.not) || t.is_one_of(doer));
        !refused && at(data).any(|d| d.abs_diff(verb) <= NEAR && at(own).any(|o| o.abs_diff(d) <= BESIDE))
    })
}

#[cfg(test)]
mod tests {
    use super::wants_erasure;

    #[test]
    fn who_wants_their_data_deleted_is_heard_in_every_language() {
        for text in [
            "delete my number",
            "Please erase all the data you have about me!",
            "Hi. I want you to remove my phone number from your system",
            "I request the deletion of my personal data.",
            "удалите мои данные",
            "Здравствуйте! Прошу удалить все персональные данные обо мне",
            "забудьте мой номер, пожалуйста",
            "borre mis datos, por favor",
            "Solicito la eliminación de mis datos personales",
            "quiero que elimine mi número de teléfono",
        ] {
            assert!(wants_erasure(text), "{text}");
        }
    }

    #[test]
    fn who_speaks_of_something_else_is_not_taken_for_it() {
        for text in [
            "delete my reminder about the data",
            "don't delete my number",
            "не удаляйте мои данные",
            "I deleted my number",
            "I will delete my account there",
            "my number is 5551234",
            "удали напоминание про мой номер",
            "no borre mis datos",
            "he said \"delete my data\"",
            "> delete my data\nno thanks",
            "delete it. My number is 5",
            "",
        ] {
            assert!(!wants_erasure(text), "{text}");
        }
    }
}
