//! Whether two texts are about one thing: by their words of content, inflected forms counting as one.

use super::words::{Token, tokens};
use crate::Language;

/// Words of content that are compared, at most.
const COMPARED: usize = 64;

/// Whether `text` names what `topic` is about: one of its words of content.
pub fn names_matter(text: &str, topic: &str) -> bool {
    let said = content(text);
    content(topic).iter().any(|word| said.iter().any(|other| is_same_word(word, other)))
}

/// Whether a topic says nothing that isn't said by the other: each of its words of content stands there.
pub fn is_covered(topic: &str, by: &str) -> bool {
    let said = content(by);
    content(topic).iter().all(|word| said.iter().any(|other| is_same_word(word, other)))
}

/// The words that say what a text is about.
fn content(text: &str) -> Vec<Vec<char>> {
    let said = tokens(text);
    let words = said.iter().filter(|t| t.is_word() && !is_small(t)).map(|t| t.folded.chars().collect());
    words.take(COMPARED).collect()
}

/// Says nothing by itself, in any language.
fn is_small(token: &Token) -> bool {
    Language::ALL.iter().any(|language| {
        let words = language.folder().requests.words();
        [
            words.preposition,
            words.introduces,
            words.conjunction,
            words.pronoun,
            words.before_time,
            words.question,
            words.me,
            words.you,
            words.not,
            words.or,
            words.conditional,
            words.other_clause,
        ]
        .iter()
        .any(|list| token.is_one_of(list))
    }) || (token.folded.chars().count() < 3 && !token.folded.starts_with(|c: char| c.is_ascii_digit()))
}

/// The same word up to its ending: a common beginning of all but two letters, of at least three.
fn is_same_word(a: &[char], b: &[char]) -> bool {
    if a.iter().any(char::is_ascii_digit) {
        return a == b;
    }
    let common = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    a == b || (common >= 3 && common + 2 >= a.len().max(b.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_named_by_its_words_of_content_alone() {
        for (text, topic, named) in [
            ("Договор уже подписан", "про договор", true),
            ("Сколько стоит доставка?", "про договор", false),
            ("Вопрос про доставку", "про договор", false),
            ("is the contract ready", "about the contract", true),
            ("how much is it", "about the contract", false),
            ("¿y el contrato?", "por el contrato", true),
            ("¿Cuánto cuesta?", "por el contrato", false),
            ("anything", "", false),
        ] {
            assert_eq!(names_matter(text, topic), named, "{text} / {topic}");
        }
    }

    #[test]
    fn one_thing_said_in_other_words_or_fewer_is_one_thing() {
        for (topic, by, covered) in [
            ("to call mom", "call mom", true),
            ("позвонить маме", "позвони маме", true),
            ("", "про договор", true),
            ("про договор", "", false),
            ("про договор", "про счёт", false),
            ("llamar a mamá", "llamar mamá", true),
            ("contract 3", "contract 4", false),
        ] {
            assert_eq!(is_covered(topic, by), covered, "{topic} / {by}");
        }
    }
}
