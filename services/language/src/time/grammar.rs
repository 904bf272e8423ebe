//! Where the grammars of time differ: what a language says otherwise than the shared grammar supposes.
//!
//! A language's folder implements [`Grammar`]; what it doesn't mention is as most languages have it. The functions that read
//! something at `i` answer as all of this module's readers do: with what stands there and the index after it.

use super::{
    amounts::Length,
    faces::Face,
    lexicon::{Lexeme, Sense},
    phrase::{Piece, Unit},
    reader::Reader,
    tokens::{Digits, Shape, Token},
    words::Words,
};
use crate::DateOrder;

pub trait Grammar: Sync {
    fn words(&self) -> &'static Words;

    // Dates

    /// Which number of `3/4` is the day for who writes in this region (ISO 3166 or UN M.49, in capitals), if both orders are usual.
    fn date_order(&self, _region: Option<&str>) -> DateOrder {
        DateOrder::default()
    }

    // Tokens

    /// A word written with a digit, which opens `tokens`, and how many of them it takes: "2moro".
    fn word_with_digit(&self, _tokens: &[Token]) -> Option<(&'static [Sense], usize)> {
        None
    }

    /// How many of the tokens after a number make it an ordinal; none, if 0.
    fn ordinal_ending(&self, tokens: &[Token]) -> usize {
        usize::from(tokens.first().is_some_and(|token| is_ending(token, self.words().ordinal_endings)))
    }

    /// The first verb in the past tense, if the language tells it by its form.
    fn past_verb(&self, _lexemes: &[Lexeme]) -> Option<usize> {
        None
    }

    /// Whether an unknown word is a noun that the number before it counts, by its form.
    fn is_counted(&self, _word: &str) -> bool {
        false
    }

    /// Whether an unknown word may be a noun that the number before it counts: "3 bottles", not "3 call".
    fn may_be_counted(&self, _word: &str) -> bool {
        true
    }

    /// Whether an unknown word is something to be done, by its form.
    fn is_infinitive(&self, _word: &str) -> bool {
        false
    }

    // Clocks

    /// A clock told by what is left of, or past, an hour: "quarter to seven", "без десяти пять". `opened`: a range begins.
    fn fraction_of_hour(&self, _reader: &Reader, _i: usize, _opened: bool) -> Option<Face> {
        None
    }

    /// An hour named without a number: "в час" is one o'clock.
    fn hour_without_number(&self, _reader: &Reader, _i: usize, _announced: bool) -> Option<Face> {
        None
    }

    /// Adds the minutes that follow a bare hour: "seven thirty", "siete y media".
    fn minutes_after(&self, reader: &Reader, face: &mut Face, announced: bool) {
        if announced {
            face.spoken(reader, face.next);
        } else {
            face.spoken_before_meridiem(reader);
        }
    }

    /// `17-30` is a clock also before noon.
    fn clock_has_dash(&self) -> bool {
        false
    }

    /// "Until 5", "after 5" is an hour; elsewhere a day.
    fn deadline_is_clock(&self) -> bool {
        true
    }

    /// "5 o'clock" is nothing but a time.
    fn oclock_is_certain(&self) -> bool {
        false
    }

    // Dates

    /// Whether the day stands before the month in `3/4`. `preferred`: in the contact's country.
    fn is_day_first(&self, _preferred: bool) -> bool {
        true
    }

    /// Whether the pair at `i` is a fraction: "3/4 of".
    fn is_fraction_of(&self, _reader: &Reader, _i: usize) -> bool {
        false
    }

    /// Whether `15.01` at `i` is a date: it may as well be a price, a share, a time.
    fn is_dotted_date(&self, reader: &Reader, i: usize, _digits: &Digits) -> bool {
        i > 0 && reader.is_word(i - 1, self.words().before_dotted_date) && reader.closes(i + 1)
    }

    /// Whether `3-12` at `i` is a date: mostly it is a range.
    fn is_dashed_date(&self, _reader: &Reader, _i: usize) -> bool {
        false
    }

    /// Weeks by which the words at `i` put off the day before them: "mañana en ocho".
    fn weeks_after(&self, _reader: &Reader, _i: usize) -> Option<(i64, usize)> {
        None
    }

    /// "A week on Tuesday" is a week after it.
    fn length_precedes_day(&self) -> bool {
        false
    }

    /// Whether what stands at `i`, behind a clock, names a place whose zone nobody here knows; where it ends.
    fn unknown_zone(&self, _reader: &Reader, _i: usize) -> Option<usize> {
        None
    }

    /// Whether the month's name behind a bare day is a verb instead: "5 may apply".
    fn is_verb(&self, _reader: &Reader, _found: &DayAndMonth) -> bool {
        false
    }

    /// Whether a day may stand behind its month if `i` follows it.
    fn day_may_follow_month(&self, _reader: &Reader, _i: usize) -> bool {
        true
    }

    /// Whether the word at `i` says that the number behind it is a day of a month: "el 15".
    fn introduces_day(&self, _reader: &Reader, _i: usize, _in_digits: bool) -> bool {
        false
    }

    /// A bare number behind such a word may as well be an hour.
    fn day_may_be_hour(&self) -> bool {
        true
    }

    /// Whether the part of day at `i` belongs to an hour before it: "el lunes 8 de la tarde", not "el lunes 8 por la tarde".
    fn is_part_of_clock(&self, _reader: &Reader, _i: usize) -> bool {
        true
    }

    /// Whether a number that names no month is a day of one.
    fn is_day_of_month(&self, number: &DayNumber) -> bool {
        number.introduced && number.in_digits
    }

    // Weekdays

    /// Whether a short weekday that is also another word is one behind the word at `i`: "on sat".
    fn introduces_weekday(&self, reader: &Reader, i: usize) -> bool {
        reader.is(i, Sense::On)
    }

    /// Whether such a short weekday at `i` is one where a clock follows: "thu at 5".
    fn is_weekday_before_clock(&self, _reader: &Reader, _i: usize) -> bool {
        true
    }

    /// Such a short weekday may be all of the text.
    fn short_weekday_stands_alone(&self) -> bool {
        false
    }

    /// "Friday week".
    fn week_follows_weekday(&self) -> bool {
        false
    }

    /// "Last", "coming" may follow the weekday: "viernes pasado".
    fn adjective_follows_weekday(&self) -> bool {
        true
    }

    /// "Last" may follow the week, the month: "semana pasada".
    fn last_follows_unit(&self) -> bool {
        false
    }

    // Lengths

    /// A length may be one unit without a number: "через час".
    fn one_is_left_out(&self) -> bool {
        false
    }

    /// Whether a unit without a number is a length because of what stands at `i`, behind it: "day after", "неделю спустя".
    fn makes_one(&self, reader: &Reader, i: usize, unit: Unit) -> bool {
        matches!(unit, Unit::Day | Unit::Week) && reader.is_any(i, &[Sense::After, Sense::Before])
    }

    /// A length whose end the table of words takes for another word: "2 days after tomorrow".
    fn counted_from_tomorrow(&self, _reader: &Reader, _i: usize) -> Option<(Piece, usize)> {
        None
    }

    /// A length ahead with its unit first: "часа через два".
    fn inverted(&self, _reader: &Reader, _i: usize) -> Option<(Piece, usize)> {
        None
    }

    /// An amount with its unit first: "минут 20".
    fn inverted_amount(&self, _reader: &Reader, _i: usize) -> Option<Length> {
        None
    }
}

/// A day and a month that may belong together.
pub struct DayAndMonth {
    pub month: u32,
    /// The word is nothing but a month.
    pub certain: bool,
    pub ordinal: bool,
    /// Nothing stands between the two.
    pub adjacent: bool,
    pub has_year: bool,
    /// The index after all of it.
    pub next: usize,
}

/// A number that may be a day of a month.
pub struct DayNumber {
    pub day: u32,
    pub ordinal: bool,
    pub in_digits: bool,
    pub after_weekday: bool,
    /// What stands before says that it is one; a weekday does.
    pub introduced: bool,
    /// A clock or a part of day follows.
    pub timed: bool,
}

/// Whether the token is one of these endings, glued to what stands before.
pub fn is_ending(token: &Token, endings: &[&str]) -> bool {
    token.glued && matches!(&token.shape, Shape::Word(word) if endings.contains(&word.as_str()))
}
