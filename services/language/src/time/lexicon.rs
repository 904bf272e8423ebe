//! The languages' tables of words made searchable, and a text turned into lexemes.

use std::{
    collections::{HashMap, HashSet},
    ops::Range,
    sync::LazyLock,
};

pub use super::sense::{Sense, Speaks};
use super::{
    grammar::Grammar,
    tokens::{Digits, Shape, Token, folded},
    words::Words,
};
use crate::Language;

/// A language's words by sense, set apart by `|`; the words of an expression are separated by spaces, marks stand alone.
pub type Table = &'static [(Sense, &'static str)];

struct Entry {
    rest: Vec<String>,
    senses: Vec<Sense>,
}

/// A language's table, searchable.
pub struct Lexicon {
    pub grammar: &'static dyn Grammar,
    entries: HashMap<String, Vec<Entry>>,
    /// Full names of months and weekdays, five letters and more, forgiven one wrong letter.
    names: Vec<(Vec<char>, Vec<Sense>)>,
    /// Words such as "tomorrow", of six letters and more.
    days: Vec<Vec<char>>,
    /// Real words one letter away from a name or a day.
    not_names: HashSet<&'static str>,
}

/// In the order of the languages' table.
static LEXICONS: LazyLock<Vec<Lexicon>> =
    LazyLock::new(|| Language::ALL.iter().map(|language| Lexicon::new(language.folder().time)).collect());

impl Lexicon {
    /// The words of `language`.
    pub fn of(language: Language) -> &'static Self {
        &LEXICONS[language as usize]
    }

    fn new(grammar: &'static dyn Grammar) -> Self {
        let words = grammar.words();
        let mut lexicon = Self {
            grammar,
            entries: HashMap::new(),
            names: Vec::new(),
            days: Vec::new(),
            not_names: words.not_names.iter().copied().collect(),
        };
        for (sense, keys) in words.tables.iter().flat_map(|table| table.iter()) {
            keys.split('|').for_each(|key| lexicon.insert(key, &[*sense]));
        }
        for (key, senses) in &(words.made)() {
            lexicon.insert(key, senses);
        }
        lexicon.find_names(words);
        for entries in lexicon.entries.values_mut() {
            entries.sort_by_key(|e| std::cmp::Reverse(e.rest.len()));
        }
        lexicon
    }

    fn insert(&mut self, key: &str, senses: &[Sense]) {
        let mut words = key.split(' ').map(folded);
        let first = words.next().unwrap_or_default();
        let rest: Vec<String> = words.collect();
        let entries = self.entries.entry(first).or_default();
        match entries.iter_mut().find(|e| e.rest == rest) {
            Some(entry) => {
                entry.senses.extend(senses.iter().filter(|s| !entry.senses.contains(s)).copied().collect::<Vec<_>>())
            }
            None => entries.push(Entry { rest, senses: senses.to_vec() }),
        }
    }

    /// Collects the names of months and weekdays that are long enough to be told from other words when misspelt.
    fn find_names(&mut self, words: &Words) {
        let is_name = |s: &Sense| matches!(s, Sense::Month(_) | Sense::WeakMonth(_) | Sense::Weekday(_));
        for (first, entries) in &self.entries {
            for entry in entries.iter().filter(|e| e.rest.is_empty() && e.senses.iter().all(is_name)) {
                if first.chars().count() >= 5 {
                    self.names.push((first.chars().collect(), entry.senses.clone()));
                }
            }
        }
        let is_day = |e: &Entry| e.rest.is_empty() && e.senses.iter().any(|s| matches!(s, Sense::Day(1 | 2)));
        let days = self
            .entries
            .iter()
            .filter(|(first, entries)| first.chars().count() >= 6 && entries.iter().any(is_day))
            .filter(|(first, _)| !words.never_misspelt.contains(&first.as_str()));
        self.days = days.map(|(first, _)| first.chars().collect()).collect();
        self.names.sort_by(|a, b| a.0.cmp(&b.0));
    }

    /// The longest entry that starts at the first of `tokens`, and how many of them it takes.
    fn longest(&'static self, tokens: &[Token]) -> Option<(&'static [Sense], usize)> {
        let first = tokens.first()?;
        let entries = match &first.shape {
            Shape::Word(word) => self.entries.get(word.as_str())?,
            Shape::Mark(mark) => self.entries.get(mark.encode_utf8(&mut [0; 4]) as &str)?,
            _ => return None,
        };
        let matches = |entry: &&Entry| {
            tokens.len() > entry.rest.len()
                && entry.rest.iter().zip(&tokens[1..]).all(|(key, token)| match &token.shape {
                    Shape::Word(word) => word == key,
                    Shape::Mark(mark) => key.chars().eq([*mark]),
                    _ => false,
                })
        };
        entries.iter().find(matches).map(|entry| (entry.senses.as_slice(), entry.rest.len() + 1))
    }

    /// The month or weekday that `word` misspells by one letter.
    fn misspelt(&'static self, word: &str) -> Option<&'static [Sense]> {
        let letters: Vec<char> = word.chars().collect();
        if letters.len() < 5 || self.not_names.contains(word) {
            return None;
        }
        let named =
            self.names.iter().find(|(name, _)| one_letter_apart(name, &letters)).map(|(_, senses)| senses.as_slice());
        // a day misspelt is not guessed at, but it must not leave the hour beside it to today
        let is_day = || self.days.iter().any(|day| one_letter_apart(day, &letters));
        named.or_else(|| is_day().then_some(&[Sense::Loosely]))
    }

    /// Every entry as a text, with what tells its kind.
    #[cfg(test)]
    pub fn expressions(&self) -> Vec<(String, String)> {
        let entries = self.entries.iter().flat_map(|(first, entries)| entries.iter().map(move |entry| (first, entry)));
        let text = |first: &str, entry: &Entry| [&[first.to_owned()], entry.rest.as_slice()].concat().join(" ");
        let mut all: Vec<_> =
            entries.map(|(first, entry)| (text(first, entry), format!("{:?}", entry.senses))).collect();
        all.sort();
        all
    }

    /// How many of the words belong to this language's table; tells languages of one script apart.
    pub fn known(&'static self, tokens: &[Token]) -> usize {
        tokens.iter().filter(|t| matches!(&t.shape, Shape::Word(word) if self.entries.contains_key(word.as_str()) || self.misspelt(word).is_some())).count()
    }
}

/// Whether the words differ by one letter changed, added, lost or swapped with its neighbour. The first letter must be right: people rarely miss it, and most look-alikes differ there.
fn one_letter_apart(name: &[char], word: &[char]) -> bool {
    if name.first() != word.first() || name.len().abs_diff(word.len()) > 1 {
        return false;
    }
    let start = name.iter().zip(word).take_while(|(a, b)| a == b).count();
    let (a, b) = (&name[start..], &word[start..]);
    let end = a.iter().rev().zip(b.iter().rev()).take_while(|(x, y)| x == y).count();
    let (a, b) = (&a[..a.len() - end], &b[..b.len() - end]);
    a.len() <= 1 && b.len() <= 1 || a.len() == 2 && b.len() == 2 && a[0] == b[1] && a[1] == b[0]
}

/// A token, or several that mean one thing together.
#[derive(Debug, Clone)]
pub struct Lexeme {
    pub senses: &'static [Sense],
    pub digits: Option<Digits>,
    /// A number written as an ordinal: "15th", "24-го", "1ro".
    pub ordinal: bool,
    /// The folded word, empty for anything else or for an expression of several.
    pub word: String,
    pub mark: Option<char>,
    pub span: Range<usize>,
    /// Nothing stands between this and the lexeme before.
    pub glued: bool,
    /// A word that begins with a capital letter.
    pub capital: bool,
    /// "Friday's".
    pub possessive: bool,
    pub misspelt: bool,
}

/// Turns tokens into lexemes of one language.
pub fn lexemes(tokens: &[Token], lexicon: &'static Lexicon) -> Vec<Lexeme> {
    let mut found: Vec<Lexeme> = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let mut lexeme = Lexeme {
            senses: &[],
            digits: None,
            ordinal: false,
            word: String::new(),
            mark: None,
            span: token.span.clone(),
            glued: token.glued,
            capital: token.capital,
            possessive: token.possessive,
            misspelt: false,
        };
        let mut taken = 1;
        if let Some((senses, count)) = lexicon.longest(&tokens[at..]) {
            lexeme.senses = senses;
            taken = count;
        }
        match &token.shape {
            Shape::Word(word) if taken == 1 => {
                if lexeme.senses.is_empty()
                    && let Some(senses) = lexicon.misspelt(word)
                {
                    lexeme.senses = senses;
                    lexeme.misspelt = true;
                }
                lexeme.word.clone_from(word);
            }
            Shape::Digits(digits) => {
                if let Some((senses, count)) = lexicon.grammar.word_with_digit(&tokens[at..]) {
                    lexeme.senses = senses;
                    taken = count;
                } else {
                    lexeme.digits = Some(*digits);
                }
                if lexeme.digits.is_some() && digits.lone().is_some() {
                    let ending = lexicon.grammar.ordinal_ending(&tokens[at + 1..]);
                    lexeme.ordinal = ending > 0;
                    taken += ending;
                }
            }
            Shape::Mark(mark) => lexeme.mark = Some(*mark),
            _ => {}
        }
        lexeme.span.end = tokens[at + taken - 1].span.end;
        at += taken;
        found.push(lexeme);
    }
    found
}
