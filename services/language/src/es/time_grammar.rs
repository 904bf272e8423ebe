//! What Spanish says of time in its own way.

use super::time_words::WORDS;
use crate::time::{
    faces::{Face, before_hour, hour_number, minute_number},
    grammar::{Grammar, is_ending},
    lexicon::Sense,
    phrase::Unit,
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
        let is_sign = |token: &Token| token.glued && matches!(token.shape, Shape::Mark('°' | 'º' | 'ª'));
        usize::from(tokens.first().is_some_and(|token| is_ending(token, WORDS.ordinal_endings) || is_sign(token)))
    }

    /// "Diez para las ocho".
    fn fraction_of_hour(&self, reader: &Reader, i: usize, _opened: bool) -> Option<Face> {
        let start = reader.skip(i, &[Sense::Article]);
        let (minutes, at) =
            if reader.is(start, Sense::QuarterPart) { (15, start + 1) } else { minute_number(reader, start)? };
        let at = reader.skip(at, &[Sense::Unit(Unit::Minute)]);
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
        }
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

    fn introduces_weekday(&self, reader: &Reader, i: usize) -> bool {
        reader.is_word(i, &["el"])
    }

    fn is_weekday_before_clock(&self, _reader: &Reader, _i: usize) -> bool {
        false
    }

    fn last_follows_unit(&self) -> bool {
        true
    }
}
