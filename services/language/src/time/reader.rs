//! A cursor's view of the lexemes: which senses stand where, and the numbers among them.

use std::ops::Range;

use chrono::Weekday;

use super::{
    grammar::Grammar,
    lexicon::{Lexeme, Sense},
    phrase::{Part, Unit},
    words::Words,
};

/// Marks that, glued to a number, make it a price, a share, a path, a version …
const SPOILERS: &str = "$€£¥₽#№%‰°*=&^\\_<>/";

/// Little words in a row that are passed over, at most: more of them say nothing, and every look ahead stays as short.
const MOST_SKIPPED: usize = 8;

/// The lexemes of a text in one language.
#[derive(Clone, Copy)]
pub struct Reader<'a> {
    pub lexemes: &'a [Lexeme],
    pub grammar: &'static dyn Grammar,
    pub words: &'static Words,
    /// `3/4` is 3 April.
    pub day_first: bool,
    /// Where the first past verb stands.
    past_verb: Option<usize>,
}

impl<'a> Reader<'a> {
    pub fn new(lexemes: &'a [Lexeme], grammar: &'static dyn Grammar, day_first: bool) -> Self {
        Self { lexemes, grammar, words: grammar.words(), day_first, past_verb: grammar.past_verb(lexemes) }
    }

    /// The same of these lexemes alone.
    pub fn within(&self, range: Range<usize>) -> Self {
        let past_verb = self.past_verb.filter(|at| range.contains(at)).map(|at| at - range.start);
        Self { lexemes: &self.lexemes[range], past_verb, ..*self }
    }

    /// Whether a past verb stands before `i` ("сделал за 5 минут").
    pub fn past_verb_before(&self, i: usize) -> bool {
        self.past_verb.is_some_and(|at| at < i)
    }

    pub fn get(&self, i: usize) -> Option<&'a Lexeme> {
        self.lexemes.get(i)
    }

    /// Whether the lexeme at `i` has `sense`.
    pub fn is(&self, i: usize, sense: Sense) -> bool {
        self.get(i).is_some_and(|l| l.senses.contains(&sense))
    }

    pub fn is_any(&self, i: usize, senses: &[Sense]) -> bool {
        self.get(i).is_some_and(|l| l.senses.iter().any(|s| senses.contains(s)))
    }

    pub fn is_mark(&self, i: usize, mark: char) -> bool {
        self.get(i).is_some_and(|l| l.mark == Some(mark))
    }

    pub fn is_word(&self, i: usize, words: &[&str]) -> bool {
        self.get(i).is_some_and(|l| words.contains(&l.word.as_str()))
    }

    /// A word that the language's table doesn't have.
    pub fn is_unknown(&self, i: usize) -> bool {
        self.get(i).is_some_and(|l| !l.word.is_empty() && l.senses.is_empty())
    }

    /// The index after lexemes that have any of `senses`; eight of them at most.
    pub fn skip(&self, i: usize, senses: &[Sense]) -> usize {
        let most = i + MOST_SKIPPED;
        (i..most).find(|&at| !self.is_any(at, senses)).unwrap_or(most)
    }

    fn find<T>(&self, i: usize, pick: impl Fn(Sense) -> Option<T>) -> Option<T> {
        self.get(i)?.senses.iter().find_map(|s| pick(*s))
    }

    pub fn unit(&self, i: usize) -> Option<Unit> {
        self.find(i, |s| if let Sense::Unit(unit) = s { Some(unit) } else { None })
    }

    /// A length in one word.
    pub fn amount_word(&self, i: usize) -> Option<(i64, Unit)> {
        self.find(i, |s| if let Sense::Amount(amount, unit) = s { Some((amount, unit)) } else { None })
    }

    pub fn weekday(&self, i: usize) -> Option<Weekday> {
        self.find(i, |s| if let Sense::Weekday(day) = s { Some(day) } else { None })
    }

    pub fn weak_weekday(&self, i: usize) -> Option<Weekday> {
        self.find(i, |s| if let Sense::WeakWeekday(day) = s { Some(day) } else { None })
    }

    pub fn weekdays(&self, i: usize) -> Option<Weekday> {
        self.find(i, |s| if let Sense::Weekdays(day) = s { Some(day) } else { None })
    }

    /// The month at `i`, and whether the word is nothing else.
    pub fn month(&self, i: usize) -> Option<(u32, bool)> {
        self.find(i, |s| match s {
            Sense::Month(month) => Some((month, true)),
            Sense::WeakMonth(month) => Some((month, false)),
            _ => None,
        })
    }

    /// Any part of day at `i`.
    pub fn part(&self, i: usize) -> Option<Part> {
        self.find(i, |s| match s {
            Sense::Part(part) | Sense::WeakPart(part) | Sense::PartToday(part) => Some(part),
            Sense::Noon => Some(Part::Noon),
            _ => None,
        })
    }

    pub fn number_word(&self, i: usize) -> Option<i64> {
        self.find(i, |s| if let Sense::Number(n) = s { Some(n) } else { None })
    }

    pub fn few(&self, i: usize) -> Option<i64> {
        self.find(i, |s| if let Sense::Few(n) = s { Some(n) } else { None })
    }

    fn ordinal_word(&self, i: usize) -> Option<u32> {
        self.find(i, |s| if let Sense::Ordinal(n) = s { Some(n) } else { None })
    }

    /// A lone number in digits, of at most `width` digits.
    pub fn lone(&self, i: usize, width: u8) -> Option<u32> {
        let digits = self.get(i)?.digits?;
        (digits.widths()[0] <= width).then(|| digits.lone()).flatten()
    }

    /// Whether something glued to the number at `i` makes it no time: `$5`, `5%`, `v5`, `1,194.09`.
    pub fn is_spoilt(&self, i: usize) -> bool {
        let spoils = |l: &Lexeme| l.mark.is_some_and(|m| SPOILERS.contains(m));
        let Some(lexeme) = self.get(i) else { return true };
        let before = i.checked_sub(1).and_then(|b| self.get(b)).filter(|_| lexeme.glued);
        let after = self.get(i + 1).filter(|l| l.glued);
        let joined = |mark: Option<char>| matches!(mark, Some('.' | ',' | ':'));
        before.is_some_and(|l| {
            // "1,194.09", but "tomorrow,5pm" has a comma between words
            let in_number = l.mark != Some(',') || i > 1 && self.get(i - 2).is_some_and(|l| l.digits.is_some());
            spoils(l)
                || l.digits.is_some()
                || !l.word.is_empty()
                || joined(l.mark) && l.glued && in_number
                || l.mark == Some('+')
        }) || after.is_some_and(|l| {
            spoils(l) || joined(l.mark) && self.get(i + 2).is_some_and(|n| n.glued && n.digits.is_some())
        }) || i >= 2 && self.is_mark(i - 1, '№')
            || i >= 1 && self.get(i - 1).is_some_and(spoils)
            || self.is_mark(i + 1, '%')
    }

    /// A cardinal in words below a hundred ("twenty five", "двадцать пять", "treinta y uno").
    pub fn cardinal(&self, i: usize) -> Option<(i64, usize)> {
        let n = self.number_word(i)?;
        if (20..100).contains(&n) && n % 10 == 0 {
            let next = if self.is_mark(i + 1, '-') || self.is(i + 1, Sense::And) { i + 2 } else { i + 1 };
            if let Some(ones) = self.number_word(next).filter(|ones| (1..10).contains(ones)) {
                return Some((n + ones, next + 1));
            }
        }
        (n < 100).then_some((n, i + 1))
    }

    /// An ordinal: digits with their ending, or words ("twenty second", "двадцать пятое", "vigésimo segundo").
    pub fn ordinal(&self, i: usize) -> Option<(u32, usize)> {
        if self.get(i)?.ordinal {
            return Some((self.lone(i, 2)?, i + 1));
        }
        let tens = self.number_word(i).and_then(|n| u32::try_from(n).ok()).or_else(|| self.ordinal_word(i));
        if let Some(tens) = tens.filter(|n| matches!(n, 20 | 30)) {
            let next = if self.is_mark(i + 1, '-') { i + 2 } else { i + 1 };
            if let Some(ones) = self.ordinal_word(next).filter(|n| *n < 10) {
                return Some((tens + ones, next + 1));
            }
        }
        self.ordinal_word(i).map(|n| (n, i + 1))
    }

    /// A day's number: digits or words, cardinal or ordinal.
    pub fn day_number(&self, i: usize) -> Option<(u32, usize)> {
        let (day, next) = match (self.lone(i, 2), self.ordinal(i)) {
            (Some(day), _) => (day, i + 1),
            (None, Some(ordinal)) => ordinal,
            (None, None) => {
                let (day, next) = self.cardinal(i)?;
                (u32::try_from(day).ok()?, next)
            }
        };
        (1..=31).contains(&day).then_some((day, next))
    }

    /// A year in four digits, or in words from two thousand on.
    pub fn year(&self, i: usize) -> Option<(i32, usize)> {
        if let Some(digits) = self.get(i)?.digits {
            let half_day_follows = self.meridiem(i + 1).is_some();
            let year = digits.lone().filter(|_| digits.widths()[0] == 4 && !half_day_follows)?;
            let next = self.skip(i + 1, &[Sense::YearWord]);
            if self.is_word(next, self.words.buddhist_era) && year > 2400 {
                return i32::try_from(year - 543).ok().map(|year| (year, next + 1));
            }
            return i32::try_from(year).ok().map(|year| (year, next));
        }
        if self.number_word(i) != Some(2) && self.number_word(i) != Some(1000) {
            return None;
        }
        let thousand = if self.number_word(i) == Some(2) { i + 1 } else { return None };
        if self.number_word(thousand) != Some(1000) {
            return None;
        }
        let and = self.skip(thousand + 1, &[Sense::And]);
        let (rest, next) = self.cardinal(and).unwrap_or((0, thousand + 1));
        i32::try_from(2000 + rest).ok().map(|year| (year, self.skip(next, &[Sense::YearWord])))
    }

    /// Whether what stands at `i` can follow a time that ends in a bare number: the end, a mark, or a small word — not a noun that the number counts.
    pub fn closes(&self, i: usize) -> bool {
        let Some(lexeme) = self.get(i) else { return true };
        if lexeme.senses.contains(&Sense::Counted) || (lexeme.glued && lexeme.mark.is_none()) {
            return false;
        }
        match lexeme.mark {
            Some(mark) => {
                let range = mark == '-' && self.get(i + 1).is_some_and(|n| n.digits.is_some());
                !range && !SPOILERS.contains(mark)
            }
            None => !lexeme.senses.is_empty() && self.unit(i).is_none() && lexeme.digits.is_none(),
        }
    }

    /// Whether what stands at `i`, behind an hour, is something to be done then and no noun that the number counts.
    pub fn is_task(&self, i: usize) -> bool {
        let unknown = |l: &Lexeme| !l.word.is_empty() && l.senses.is_empty() && !l.glued;
        self.get(i).is_some_and(|l| unknown(l) && !self.grammar.may_be_counted(&l.word)) && !self.is_counted(i)
    }

    /// Whether what stands at `i` makes the number before it a price: "1.20 a litre", "12.50 per share".
    pub fn is_price(&self, i: usize) -> bool {
        self.is(i, Sense::Per)
            || self.is(i, Sense::Article) && self.get(i + 1).is_some_and(|l| l.senses.is_empty() && !l.word.is_empty())
    }

    /// Whether the noun at `i` makes the number before it a quantity.
    pub fn is_counted(&self, i: usize) -> bool {
        self.is(i, Sense::Counted)
            || self.unit(i).is_some_and(|_| !self.is(i, Sense::Oclock))
            || self.get(i).is_some_and(|l| {
                l.mark.is_some_and(|m| SPOILERS.contains(m)) || l.senses.is_empty() && self.grammar.is_counted(&l.word)
            })
    }
}
