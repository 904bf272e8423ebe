//! What Russian says of time in its own way.

use super::time_words::WORDS;
use crate::time::{
    amounts::{Length, amount},
    faces::{Face, before_hour, hour_number, minute_number, whole},
    grammar::{DayNumber, Grammar, is_ending},
    lengths::shift,
    lexicon::{Lexeme, Sense},
    phrase::{Piece, Unit},
    reader::Reader,
    tokens::{Digits, Shape, Token},
    words::Words,
};

pub struct TimeGrammar;

/// Units in the case that a number asks for, so that one may follow them: "минут двадцать", but not "час двадцать".
const COUNTED_UNITS: [&str; 10] =
    ["секунд", "минут", "минуток", "часов", "часа", "дней", "дня", "недель", "месяцев", "месяца"];

impl Grammar for TimeGrammar {
    fn words(&self) -> &'static Words {
        &WORDS
    }

    /// "24го", "24-го".
    fn ordinal_ending(&self, tokens: &[Token]) -> usize {
        let is_ending = |token: &Token| is_ending(token, WORDS.ordinal_endings);
        match tokens {
            [first, ..] if is_ending(first) => 1,
            [dash, second, ..] if dash.glued && dash.shape == Shape::Mark('-') && is_ending(second) => 2,
            _ => 0,
        }
    }

    fn past_verb(&self, lexemes: &[Lexeme]) -> Option<usize> {
        lexemes.iter().position(|l| l.senses.is_empty() && is_past_verb(&l.word))
    }

    /// "В 5 местах".
    fn is_counted(&self, word: &str) -> bool {
        word.ends_with("ах") || word.ends_with("ях")
    }

    /// "В понедельник 8 вечера", but "в понедельник 8 вечером" is a day.
    fn is_part_of_clock(&self, reader: &Reader, i: usize) -> bool {
        reader.get(i).is_some_and(|l| l.senses.iter().any(|s| matches!(s, Sense::WeakPart(_))))
    }

    /// "5 бутылок", but not "9 позвонить".
    fn may_be_counted(&self, word: &str) -> bool {
        let bare = word.strip_suffix("ся").or_else(|| word.strip_suffix("сь")).unwrap_or(word);
        !["ть", "ти", "чь", "йте", "ите"].iter().any(|end| bare.ends_with(end))
    }

    /// "Без десяти пять", "четверть шестого".
    fn fraction_of_hour(&self, reader: &Reader, i: usize, _opened: bool) -> Option<Face> {
        if reader.is(i, Sense::Minus) {
            let (minutes, at) =
                if reader.is(i + 1, Sense::QuarterPart) { (15, i + 2) } else { minute_number(reader, i + 1)? };
            let at = reader.skip(at, &[Sense::Unit(Unit::Minute)]);
            let one = || reader.is_word(at, &["час"]).then_some((1, at + 1));
            let (hour, next) = hour_number(reader, at).or_else(one)?;
            return Some(Face::certain(before_hour(hour, 60 - minutes), next));
        }
        let (minutes, at) = if reader.is(i, Sense::QuarterPart) {
            (15, i + 1)
        } else {
            let (minutes, at) = minute_number(reader, i)?;
            (minutes, reader.unit(at).filter(|u| *u == Unit::Minute).map(|_| at + 1)?)
        };
        let (hour, next) = reader
            .ordinal(at)
            .filter(|(hour, _)| (1..=12).contains(hour) && reader.get(at).is_some_and(|l| l.word.ends_with("го")))?;
        let is_clock = reader.month(next).is_none();
        is_clock.then(|| Face::certain(before_hour(hour, minutes), next))
    }

    /// "В час дня", "в час".
    fn hour_without_number(&self, reader: &Reader, i: usize, announced: bool) -> Option<Face> {
        if !announced
            || !reader.is_word(i, &["час", "часу"])
            || reader.is_word(i, &["час"]) && reader.is_word(i - 1, &["до", "к"])
        {
            return None;
        }
        let next = i + 1;
        let follows = reader.part_after(next).is_some() || reader.closes(next);
        follows.then(|| Face::bare(whole(1), next))
    }

    fn clock_has_dash(&self) -> bool {
        true
    }

    /// "До", a weekday or a request before it, or a clock after it, make it a date.
    fn is_dotted_date(&self, reader: &Reader, i: usize, digits: &Digits) -> bool {
        let told = i.checked_sub(1).is_some_and(|b| {
            reader.is_word(b, WORDS.before_dotted_date)
                || reader.is(b, Sense::Request)
                || reader.weekday(b).is_some()
                || reader.weak_weekday(b).is_some()
                || reader.is_mark(b, ',') && b > 0 && reader.weekday(b - 1).is_some()
        });
        // "29.11. в 10"
        let after = i + 1 + usize::from(reader.is_mark(i + 1, '.'));
        let clock_next = reader.get(after).is_some_and(|l| l.digits.is_some_and(|d| d.separator == Some(':')));
        let timed =
            clock_next || reader.is(after, Sense::At) && reader.get(after + 1).is_some_and(|l| l.digits.is_some());
        // "8.12 утром", but "8.12 утра" is a clock
        let part = reader.get(after).is_some_and(|l| l.senses.iter().any(|s| matches!(s, Sense::Part(_))));
        let of_clock = reader.part(after).is_some() && !part;
        let hour = i > 0 && reader.is_word(i - 1, &["в", "во"]);
        let of_weekday = told && !reader.is_word(i - 1, WORDS.before_dotted_date) && !reader.is(i - 1, Sense::Request);
        digits.widths().iter().all(|w| *w <= 2)
            && (digits.widths()[1] == 2 || of_weekday || timed)
            && !hour
            && (told || timed || part)
            && !of_clock
            && !reader.is_counted(i + 1)
            && (!reader.is(i + 1, Sense::Oclock) || reader.is(i + 2, Sense::At))
    }

    /// "В мае 5 встреч" is no date.
    fn day_may_follow_month(&self, reader: &Reader, i: usize) -> bool {
        reader.closes(i)
    }

    fn is_day_of_month(&self, number: &DayNumber) -> bool {
        (number.ordinal || number.after_weekday) && number.in_digits
            || number.ordinal && number.timed && number.day > 12
    }

    /// "В 10 по Бали", "по камчатскому времени".
    fn unknown_zone(&self, reader: &Reader, i: usize) -> Option<usize> {
        let unknown = |at: usize| reader.get(at).filter(|l| !l.word.is_empty() && l.senses.is_empty());
        // "по времени Бали"
        if reader.is_word(i, &["по"]) && reader.is_word(i + 1, &["времени"]) && unknown(i + 2).is_some() {
            return Some(i + 3);
        }
        // "камчатское время"
        if unknown(i).is_some() && reader.is_word(i + 1, &["время", "времени"]) {
            return Some(i + 2);
        }
        let word = unknown(i + 1).filter(|_| reader.is_word(i, &["по"]))?;
        let of_time = reader.is_word(i + 2, &["времени"]);
        (word.capital || of_time).then_some(if of_time { i + 3 } else { i + 2 })
    }

    fn short_weekday_stands_alone(&self) -> bool {
        true
    }

    fn one_is_left_out(&self) -> bool {
        true
    }

    /// "Неделю спустя".
    fn makes_one(&self, reader: &Reader, i: usize, _unit: Unit) -> bool {
        reader.is_word(i, &["спустя"])
    }

    /// "Часа через два", "минут через 20".
    fn inverted(&self, reader: &Reader, i: usize) -> Option<(Piece, usize)> {
        if !reader.is(i + 1, Sense::In) {
            return None;
        }
        let unit = reader.unit(i)?;
        let (amount, next) = amount(reader, i + 2)?;
        reader.unit(next).is_none().then_some((shift(vec![(amount, unit)], None, false), next))
    }

    /// "Через минут 20".
    fn inverted_amount(&self, reader: &Reader, i: usize) -> Option<Length> {
        let unit = reader.unit(i).filter(|_| reader.is_word(i, &COUNTED_UNITS))?;
        let (amount, next) = amount(reader, i + 1).filter(|(_, next)| reader.unit(*next).is_none())?;
        Some(Length { amounts: vec![(amount, unit)], loose: false, next })
    }
}

/// A verb in the past tense, by its ending.
fn is_past_verb(word: &str) -> bool {
    let bare = word.strip_suffix("ся").or_else(|| word.strip_suffix("сь")).unwrap_or(word);
    bare.chars().count() > 3 && ["л", "ла", "ли", "ло"].iter().any(|end| bare.ends_with(end))
}
