//! What Spanish says of time in its own way.

use super::time_words::WORDS;
use crate::time::{
    faces::{Face, before_hour, hour_number, minute_number, whole},
    grammar::{DayNumber, Grammar, is_ending},
    lexicon::Sense,
    phrase::{Clock, Unit},
    reader::Reader,
    tokens::{Shape, Token},
    words::Words,
};

pub struct TimeGrammar;

impl Grammar for TimeGrammar {
    fn words(&self) -> &'static Words {
        &WORDS
    }

    /// "1ro", "1º".
    fn ordinal_ending(&self, tokens: &[Token]) -> usize {
        let is_sign = |token: &Token| match &token.shape {
            Shape::Mark(mark) => token.glued && *mark == '°',
            Shape::Word(word) => token.glued && matches!(word.as_str(), "º" | "ª"),
            _ => false,
        };
        match tokens {
            // "1.º"
            [dot, sign, ..] if dot.glued && dot.shape == Shape::Mark('.') && is_sign(sign) => 2,
            [token, ..] => usize::from(is_ending(token, WORDS.ordinal_endings) || is_sign(token)),
            [] => 0,
        }
    }

    /// "El 3-3".
    fn is_dashed_date(&self, reader: &Reader, i: usize) -> bool {
        i > 0 && reader.is_word(i - 1, &["el"]) && reader.closes(i + 1)
    }

    /// "Mañana en ocho", "del viernes en quince".
    fn weeks_after(&self, reader: &Reader, i: usize) -> Option<(i64, usize)> {
        let weeks = match reader.number_word(i + 1).filter(|_| reader.is_word(i, &["en"]))? {
            8 => 1,
            15 => 2,
            _ => return None,
        };
        (reader.unit(i + 2).is_none() && reader.closes(i + 2)).then_some((weeks, i + 2))
    }

    /// "A las 10 hora de Lima", "hora argentina".
    fn unknown_zone(&self, reader: &Reader, i: usize) -> Option<usize> {
        if !reader.is_word(i, &["hora", "horario", "tiempo"]) {
            return None;
        }
        let at = reader.skip(i + 1, &[Sense::Of, Sense::The]);
        reader.get(at).is_some_and(|l| !l.word.is_empty() && l.senses.is_empty()).then_some(at + 1)
    }

    /// "Diez para las ocho".
    fn fraction_of_hour(&self, reader: &Reader, i: usize, _opened: bool) -> Option<Face> {
        let start = reader.skip(i, &[Sense::Article]);
        let (minutes, at) =
            if reader.is(start, Sense::QuarterPart) { (15, start + 1) } else { minute_number(reader, start)? };
        let at = reader.skip(at, &[Sense::Unit(Unit::Minute)]);
        // "veinte minutos pasadas las ocho"
        if reader.is(at, Sense::Past) {
            let (hour, next) = hour_number(reader, reader.skip(at + 1, &[Sense::At, Sense::The]))?;
            return Some(Face::certain(Clock { minute: Some(minutes), ..whole(hour) }, next));
        }
        let toward = reader.is(at, Sense::At) && reader.get(at).is_some_and(|l| l.word.is_empty());
        let (hour, next) = hour_number(reader, at + 1).filter(|_| toward && reader.is(at, Sense::DownTo))?;
        Some(Face::certain(before_hour(hour, 60 - minutes), next))
    }

    /// "Y media", "menos cuarto".
    fn minutes_after(&self, reader: &Reader, face: &mut Face, announced: bool) {
        let next = face.next;
        if reader.is(next, Sense::AndHalf) {
            face.set(30, next + 1);
        } else if reader.is(next, Sense::And) && reader.is(next + 1, Sense::QuarterPart) {
            face.set(15, next + 2);
        } else if reader.is(next, Sense::AndQuarter) {
            face.set(15, next + 1);
        } else if reader.is(next, Sense::Minus) && reader.is(next + 1, Sense::QuarterPart) {
            face.before(15, next + 2);
        } else if reader.is_any(next, &[Sense::And, Sense::Minus]) && announced {
            let Some((minute, after)) = minute_number(reader, next + 1) else { return };
            if reader.is(next, Sense::Minus) {
                face.before(minute, after)
            } else {
                face.set(minute, after)
            }
            face.next = reader.skip(face.next, &[Sense::Unit(Unit::Minute)]);
        } else if announced {
            face.spoken(reader, next);
        } else {
            face.spoken_before_meridiem(reader);
        }
    }

    /// "3 botellas", but not "9 llamar".
    fn may_be_counted(&self, word: &str) -> bool {
        word.ends_with('s')
    }

    fn is_infinitive(&self, word: &str) -> bool {
        ["ar", "er", "ir"].iter().any(|end| word.ends_with(end))
    }

    fn is_part_of_clock(&self, reader: &Reader, i: usize) -> bool {
        reader.is(i, Sense::OfClock)
    }

    /// "El 21 a las 5".
    fn day_may_be_hour(&self) -> bool {
        false
    }

    /// "Hasta el 15" is a day, "hasta las 15" a clock.
    fn deadline_is_clock(&self) -> bool {
        false
    }

    fn introduces_day(&self, reader: &Reader, i: usize, _in_digits: bool) -> bool {
        let expression = reader.get(i).is_some_and(|l| l.word.is_empty() && l.mark.is_none() && l.digits.is_none());
        reader.is_word(i, &["el", "del", "dia"])
            || expression
                && reader.is_any(i, &[Sense::On, Sense::By, Sense::From, Sense::Of, Sense::The, Sense::Between])
                && !reader.is(i, Sense::At)
    }

    /// "El veintisiete", "el primero a las 9".
    fn is_day_of_month(&self, number: &DayNumber) -> bool {
        number.introduced && (number.in_digits || !number.ordinal && number.day > 1 || number.timed)
    }

    fn introduces_weekday(&self, reader: &Reader, i: usize) -> bool {
        reader.is_word(i, &["el"])
    }

    fn is_weekday_before_clock(&self, _reader: &Reader, _i: usize) -> bool {
        false
    }

    fn short_weekday_stands_alone(&self) -> bool {
        true
    }

    fn last_follows_unit(&self) -> bool {
        true
    }
}
