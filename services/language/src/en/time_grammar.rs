//! What English says of time in its own way.

use super::{regions, time_words::WORDS};
use crate::DateOrder;
use crate::time::{
    amounts::amount,
    faces::{Face, before_hour, hour_number, minute_number, whole},
    grammar::{DayAndMonth, DayNumber, Grammar},
    lengths::shift,
    lexicon::Sense,
    phrase::{Clock, DateSpec, Piece, Unit},
    reader::Reader,
    tokens::{Digits, Shape, Token},
    words::Words,
};

pub struct TimeGrammar;

impl Grammar for TimeGrammar {
    fn words(&self) -> &'static Words {
        &WORDS
    }

    fn date_order(&self, region: Option<&str>) -> DateOrder {
        regions::date_order(region)
    }

    /// "2moro", "2morrow".
    fn word_with_digit(&self, tokens: &[Token]) -> Option<(&'static [Sense], usize)> {
        match tokens {
            [Token { shape: Shape::Digits(two), .. }, Token { shape: Shape::Word(word), glued: true, .. }, ..]
                if two.lone() == Some(2) && matches!(word.as_str(), "moro" | "morrow" | "mrw" | "morow") =>
            {
                Some((&[Sense::Day(1)], 2))
            }
            _ => None,
        }
    }

    /// "Quarter to seven", "half past five", "ten minutes after eight".
    fn fraction_of_hour(&self, reader: &Reader, i: usize, opened: bool) -> Option<Face> {
        let start = reader.skip(i, &[Sense::Article]);
        let in_digits = reader.get(start)?.digits.is_some();
        let (minutes, at) = if reader.is(start, Sense::QuarterPart) {
            (15, start + 1)
        } else if reader.is(start, Sense::Half) {
            (30, start + 1)
        } else {
            minute_number(reader, start)?
        };
        let named_minutes = reader.unit(at) == Some(Unit::Minute);
        let at = if named_minutes { at + 1 } else { at };
        // "half eight" is half past eight
        if minutes == 30
            && !named_minutes
            && let Some((hour, next)) = hour_number(reader, at)
        {
            let told = start == 0
                || reader.is_any(start - 1, &[Sense::At, Sense::Approx, Sense::By, Sense::Request, Sense::Day(1)])
                || reader.weekday(start - 1).is_some();
            let closes = reader.closes(next) || reader.meridiem(next).is_some() || reader.part_after(next).is_some();
            let clock = Clock { minute: Some(30), ..whole(hour) };
            return (told && closes && start == i).then(|| Face::certain(clock, next));
        }
        let round = !in_digits && minutes % 5 == 0;
        let past = reader.is(at, Sense::Past) || (named_minutes || round) && reader.is_word(at, &["after"]);
        let named_hour = reader.is_any(at + 1, &[Sense::Noon, Sense::Midnight]);
        let to = minutes != 30
            && (reader.is_word(at, &["to", "till", "til"])
                || (named_minutes || round) && reader.is_word(at, &["before", "of"]))
            && (named_minutes || named_hour || !opened && round);
        if !past && !to {
            return None;
        }
        if named_hour {
            let noon = reader.is(at + 1, Sense::Noon);
            let (hour, minute) = match (past, noon) {
                (true, true) => (12, minutes),
                (true, false) => (0, minutes),
                (false, true) => (11, 60 - minutes),
                (false, false) => (23, 60 - minutes),
            };
            let clock = Clock { minute: Some(minute), as_written: true, ..whole(hour) };
            return Some(Face::certain(clock, at + 2));
        }
        let (hour, next) = hour_number(reader, at + 1)?;
        let clock = if past { Clock { minute: Some(minutes), ..whole(hour) } } else { before_hour(hour, 60 - minutes) };
        Some(Face::certain(clock, next))
    }

    /// "3 bottles", but not "9 call Ana".
    fn may_be_counted(&self, word: &str) -> bool {
        word.ends_with('s')
            || matches!(word, "men" | "women" | "children" | "kids" | "feet" | "percent" | "sheep" | "pizza")
    }

    fn oclock_is_certain(&self) -> bool {
        true
    }

    /// In the United States and a few more the month stands first.
    fn is_day_first(&self, preferred: bool) -> bool {
        preferred
    }

    fn is_fraction_of(&self, reader: &Reader, i: usize) -> bool {
        reader.is(i + 1, Sense::Of)
    }

    fn is_dotted_date(&self, reader: &Reader, i: usize, _digits: &Digits) -> bool {
        i > 0
            && reader.is_word(i - 1, WORDS.before_dotted_date)
            && reader.closes(i + 1)
            && reader.meridiem(i + 1).is_none()
    }

    /// "5 may apply" is no date; "5 May", "5th may", "5 may 2027" are.
    fn is_verb(&self, reader: &Reader, found: &DayAndMonth) -> bool {
        let next = found.next;
        let may = found.month == 5 && !found.certain && !found.ordinal && found.adjacent && !found.has_year;
        let clock_follows = reader.get(next).is_some_and(|l| l.digits.is_some_and(|d| d.separator == Some(':')));
        let sentence_goes_on =
            !reader.closes(next) || reader.is_word(next, &["not", "i", "you", "we", "it", "they", "be"]);
        may && !clock_follows && sentence_goes_on
    }

    fn introduces_day(&self, reader: &Reader, i: usize, in_digits: bool) -> bool {
        reader.is_word(i, &["on"]) && in_digits
            || reader.is(i, Sense::The)
                && i > 0
                && (reader.is_any(i - 1, &[Sense::On, Sense::For, Sense::By, Sense::From])
                    || reader.weekday(i - 1).is_some())
    }

    fn is_day_of_month(&self, number: &DayNumber) -> bool {
        number.introduced && (number.ordinal || number.in_digits || number.day >= 20)
            || number.ordinal && number.in_digits
    }

    /// "He sat at 5".
    fn is_weekday_before_clock(&self, reader: &Reader, i: usize) -> bool {
        !reader.is_word(i, &["sat", "sun", "wed"])
    }

    fn short_weekday_stands_alone(&self) -> bool {
        true
    }

    /// "Day after Friday", "week on Tuesday".
    fn makes_one(&self, reader: &Reader, i: usize, unit: Unit) -> bool {
        matches!(unit, Unit::Day | Unit::Week) && reader.is_any(i, &[Sense::After, Sense::Before])
            || unit == Unit::Week && reader.is_word(i, &["on"]) && reader.weekday(i + 1).is_some()
    }

    fn length_precedes_day(&self) -> bool {
        true
    }

    /// "At 10 Bali time", "at 10 head office time".
    fn unknown_zone(&self, reader: &Reader, i: usize) -> Option<usize> {
        let of_time = |at: usize| reader.is_word(at, &["time"]);
        let unknown = |at: usize| reader.get(at).is_some_and(|l| !l.word.is_empty() && l.senses.is_empty());
        if unknown(i) && !of_time(i) && of_time(i + 1) {
            return Some(i + 2);
        }
        (unknown(i) && unknown(i + 1) && !of_time(i + 1) && of_time(i + 2)).then_some(i + 3)
    }

    fn week_follows_weekday(&self) -> bool {
        true
    }

    fn adjective_follows_weekday(&self) -> bool {
        false
    }

    /// "2 day after tomorrow": "day after tomorrow" is an expression of its own.
    fn counted_from_tomorrow(&self, reader: &Reader, i: usize) -> Option<(Piece, usize)> {
        let (amount, at) = amount(reader, i)?;
        reader
            .is(at, Sense::Day(2))
            .then(|| (shift(vec![(amount, Unit::Day)], Some(DateSpec::Offset(1)), false), at + 1))
    }
}
