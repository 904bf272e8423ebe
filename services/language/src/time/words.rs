//! A language's words of time, as its folder lists them: by sense, and a few that the shared grammar asks for by spelling.

use super::lexicon::{Sense, Table};

/// The lists; plainly spelt. A language names those it has, the others are [`Words::NONE`]'s.
pub struct Words {
    /// Words and expressions by sense.
    pub tables: &'static [Table],
    /// More of them, made by rule.
    pub made: fn() -> Vec<(String, Vec<Sense>)>,
    /// Real words one letter away from a month, a weekday or "tomorrow": no misspellings of those.
    pub not_names: &'static [&'static str],
    /// Words for days that too many other words resemble: their misspellings are not looked for.
    pub never_misspelt: &'static [&'static str],
    /// Glued to a number, they make it an ordinal: "15th", "24го", "1ro".
    pub ordinal_endings: &'static [&'static str],

    /// Signs of an hour that stand behind its number: `14h`, `5 ч`.
    pub hour_signs: &'static [&'static str],
    /// Prepositions after which an hour with such a sign is a clock and no length: "at 13h".
    pub at: &'static [&'static str],
    /// A preposition after which an hour is meant if a day stands before: "в пятницу на 5".
    pub moved_to: &'static [&'static str],
    /// After these a dotted pair is a date, also where it could be a clock: "до 10.12".
    pub before_dotted_deadline: &'static [&'static str],
    /// After these a dotted pair is a date rather than a price or a share: "el 10.12", "on 10.12".
    pub before_dotted_date: &'static [&'static str],
    /// Glued to an hour at the very end, they say the first half of the day: "5a".
    pub short_am: &'static [&'static str],
    /// Names of nought before minutes below ten: "six oh five".
    pub zero: &'static [&'static str],
    /// Between a number and its unit: "2 more minutes".
    pub more: &'static [&'static str],
    /// Behind an hour, they make it rough: "7ish".
    pub roughly: &'static [&'static str],

    /// Behind a day these stand before the number of its month: "el 17 del 12".
    pub before_month_number: &'static [&'static str],
    /// A number behind one of these, or behind the word after it, numbers a thing: "version 12.03".
    pub numbered: &'static [&'static str],
    /// Behind one of these a month's name that is also a verb is the verb: "they may".
    pub before_verb: &'static [&'static str],
    /// Behind a year they say it is one of the Buddhist era.
    pub buddhist_era: &'static [&'static str],
    /// Before a weekday they say it comes again and again: "los lunes".
    pub plural_articles: &'static [&'static str],

    /// After the dash of "час-полтора", "месяц-другой": a little more.
    pub or_more: &'static [&'static str],
    /// Prepositions that also open a length, but not one of a single unit that isn't counted: "after lunch hour".
    pub after: &'static [&'static str],
    /// Likewise for days: "в день".
    pub on: &'static [&'static str],
    /// With a weekday: every other one, or the one after the next: "через среду".
    pub every_other: &'static [&'static str],
    /// Close a length: "in two weeks' time".
    pub time: &'static [&'static str],
    /// "В течение дня": some time today.
    pub of_the_day: &'static [&'static str],
}

impl Words {
    /// No words at all.
    pub const NONE: Self = Self {
        tables: &[],
        made: Vec::new,
        not_names: &[],
        never_misspelt: &[],
        ordinal_endings: &[],
        hour_signs: &[],
        at: &[],
        moved_to: &[],
        before_dotted_deadline: &[],
        before_dotted_date: &[],
        short_am: &[],
        zero: &[],
        more: &[],
        roughly: &[],
        before_month_number: &[],
        numbered: &[],
        before_verb: &[],
        buddhist_era: &[],
        plural_articles: &[],
        or_more: &[],
        after: &[],
        on: &[],
        every_other: &[],
        time: &[],
        of_the_day: &[],
    };
}
