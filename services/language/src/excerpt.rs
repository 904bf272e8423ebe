//! How much of a text is read for what it asks: its beginning. The text itself is kept whole by whoever has it.

/// Bytes of a text that are read, at most.
pub const MOST_BYTES: usize = 8_192;
/// Words of a text that are read, at most; three marks weigh as much as a word.
pub const MOST_WORDS: usize = 400;

const MARKS_TO_A_WORD: usize = 3;

/// The beginning of `text` that is read: all of it, unless it is longer than [`MOST_BYTES`] or [`MOST_WORDS`]; then up to the
/// end of a sentence where one is near, else of a word.
pub fn head(text: &str) -> &str {
    let Some(end) = limit(text) else { return text };
    let within = &text[..end];
    let near = |at: &usize| *at > end / 2;
    let sentence = within.rfind(['.', '!', '?', '…', '\n']).map(|at| within.ceil_char_boundary(at + 1)).filter(near);
    let word = || within.rfind(char::is_whitespace).filter(near);
    &text[..sentence.or_else(word).unwrap_or(end)]
}

/// Whether [`head`] leaves out something that says anything.
pub fn is_cut(text: &str) -> bool {
    text[head(text).len()..].chars().any(char::is_alphanumeric)
}

/// Where the limits are reached, if they are.
fn limit(text: &str) -> Option<usize> {
    let mut left = MOST_WORDS * MARKS_TO_A_WORD;
    let mut in_word = false;
    for (at, c) in text.char_indices() {
        let is_word = c.is_alphanumeric();
        let weight = match (is_word, in_word) {
            (true, true) => 0,
            (true, false) => MARKS_TO_A_WORD,
            (false, _) => usize::from(!c.is_whitespace()),
        };
        if at + c.len_utf8() > MOST_BYTES || weight > left {
            return Some(at);
        }
        left -= weight;
        in_word = is_word;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_usual_length_is_read_whole() {
        for text in ["", "напиши мне завтра в 10", &"word ".repeat(400), &"a, ".repeat(300)] {
            assert_eq!(head(text), text);
            assert!(!is_cut(text));
        }
    }

    #[test]
    fn a_long_text_is_read_to_the_end_of_a_sentence_or_a_word() {
        let sentences = "Пишу вам о погоде. ".repeat(200);
        assert!(head(&sentences).ends_with("погоде."));
        let words = "слово ".repeat(500);
        assert!(head(&words).ends_with("слово"));
        for long in [sentences, words, "ё".repeat(9_000), ",".repeat(9_000) + "a", "a,b;".repeat(3_000)] {
            let head = head(&long);
            assert!(!head.is_empty() && head.len() <= MOST_BYTES && is_cut(&long));
        }
        assert!(!is_cut(&("hello".to_owned() + &" ".repeat(100_000))));
    }
}
