//! Whether two texts say the same: by the beginnings of their words, in whatever language and form.

use serde::{Deserialize, Serialize};

/// Letters of a word that count: endings tell forms apart, not words.
const STEM: usize = 5;
/// The same of what holds a number.
const LONGEST_NUMBER: usize = 24;
/// Words of a text that count, at most.
const MOST_WORDS: usize = 32;

/// By these a Russian verb differs from itself: "учить", "выучить". The longest first.
const PREFIXES: [&str; 18] =
    ["пере", "про", "при", "под", "раз", "рас", "вы", "за", "на", "по", "до", "от", "об", "из", "ис", "с", "у", "о"];

/// What a text is compared by: its words' beginnings, in order, each once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Words(Vec<String>);

impl Words {
    pub fn of(text: &str) -> Self {
        Self::read(text, MOST_WORDS)
    }

    fn read(text: &str, most: usize) -> Self {
        let plain = |c: char| match c {
            'á' | 'à' | 'ä' => 'a',
            'é' | 'è' => 'e',
            'í' => 'i',
            'ó' | 'ö' => 'o',
            'ú' | 'ü' => 'u',
            'ñ' => 'n',
            'ё' => 'е',
            c => c,
        };
        let lower = text.to_lowercase();
        let counts =
            |word: &&str| word.chars().nth(2).is_some() || word.chars().any(|c| c.is_numeric() || c > '\u{2fff}');
        let words = lower.split(|c: char| !c.is_alphanumeric()).filter(counts);
        let mut words: Vec<String> =
            words.take(most).map(|word| bare(word).chars().map(plain).take(counted(word)).collect()).collect();
        words.sort_unstable();
        words.dedup();
        Self(words)
    }

    /// How many words are in both: the same, or one the beginning of the other, as "run" and "running".
    fn shared(&self, other: &Self) -> usize {
        let is_form = |a: &str, b: &str| {
            let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
            a == b || long.starts_with(short) && short.chars().nth(2).is_some() && !short.chars().any(char::is_numeric)
        };
        self.0.iter().filter(|word| other.0.iter().any(|of| is_form(word, of))).count()
    }

    /// They say the same: seven in ten of all their words are in both.
    pub fn same(&self, other: &Self) -> bool {
        let shared = self.shared(other);
        let all = (self.0.len() + other.0.len()).saturating_sub(shared);
        shared > 0 && shared * 10 >= all * 7
    }

    /// They may speak of the same: one holds the other, or six in ten of their words are in both.
    pub fn alike(&self, other: &Self) -> bool {
        let shared = self.shared(other);
        let (less, all) = (self.0.len().min(other.0.len()), (self.0.len() + other.0.len()).saturating_sub(shared));
        shared > 0 && (shared >= less || shared * 10 >= all * 6)
    }

    /// All words of a text, however long.
    pub fn all_of(text: &str) -> Self {
        Self::read(text, usize::MAX)
    }

    /// Three in four of these words are among others.
    pub fn are_in(&self, others: &Self) -> bool {
        !self.is_empty() && self.shared(others) * 4 >= self.0.len() * 3
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// How many letters of a word count: of what holds a number, all.
fn counted(word: &str) -> usize {
    if word.chars().any(char::is_numeric) { LONGEST_NUMBER } else { STEM }
}

/// A word without such a prefix, if enough of it is left.
fn bare(word: &str) -> &str {
    let left = PREFIXES.iter().find_map(|prefix| word.strip_prefix(prefix));
    left.filter(|left| left.chars().nth(4).is_some()).unwrap_or(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_in_other_forms_is_the_same_and_another_number_is_not() {
        for (a, b, same) in [
            ("выучить испанский", "Выучить испанского", true),
            ("learn Spanish", "learning Spanish!", true),
            ("terminar el máster", "Terminar mi master", true),
            ("save 5000 euros", "save 10000 euros", false),
            ("run a marathon", "running a marathon", true),
            ("run a marathon", "sell the house", false),
            ("выучить испанский", "учить испанский", true),
            ("", "", false),
        ] {
            assert_eq!(Words::of(a).same(&Words::of(b)), same, "{a:?} and {b:?}");
        }
        assert!(Words::of("learn Spanish by summer").alike(&Words::of("learn Spanish")));
        assert!(!Words::of("learn Spanish").alike(&Words::of("learn to swim")));
    }

    #[test]
    fn words_are_found_in_a_text_of_any_length_and_in_any_form() {
        let long = "and so on, ".repeat(40) + "she runs marathons in Berlin";
        for (words, text, are) in [
            ("run the Berlin marathon", "She wants to run a marathon in Berlin.", true),
            ("run a marathon in Berlin", long.as_str(), true),
            ("run a marathon in Berlin", "She wants to run a marathon in Paris.", false),
            ("veganism", "He is vegan", true),
            ("", "He is vegan", false),
            ("хочет выучить испанский", "Она хочет учить испанский язык", true),
        ] {
            assert_eq!(Words::of(words).are_in(&Words::all_of(text)), are, "{words:?} in {text:?}");
        }
    }
}
