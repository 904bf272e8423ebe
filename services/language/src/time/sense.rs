//! What a word means in a time phrase, and how one that was not read speaks of the time beside it.

use chrono::Weekday;

use super::{
    holiday::Holiday,
    phrase::{Part, Unit},
};

/// One meaning of a word or of a fixed expression. Many have several: the grammar takes the one that fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sense {
    Number(i64),
    Ordinal(u32),
    /// "a", "an", "un": one, before a unit.
    Article,
    The,
    Half,
    /// "полтора".
    OneAndHalf,
    /// "and a half", "y media".
    AndHalf,
    /// "And a quarter", "с четвертью".
    AndQuarter,
    /// "Last but one": counted from the end.
    FromEnd(u32),
    /// "Last day of".
    LastDay,
    /// "But not this one": the one after it.
    NotThis,
    /// "This time", "a la misma hora": the clock of writing.
    SameTime,
    /// "Within", "in the next": some time until then.
    Within,
    /// A quarter of an hour, or fifteen minutes of a clock.
    QuarterPart,
    Few(i64),
    /// "several": too loose.
    Several,
    Unit(Unit),
    /// A length in one word, in thousandths: "полчаса".
    Amount(i64, Unit),
    Month(u32),
    /// A month that is also another word: "may", "mar".
    WeakMonth(u32),
    Weekday(Weekday),
    /// A short form that is also another word: "sun", "mar".
    WeakWeekday(Weekday),
    /// "Fridays".
    Weekdays(Weekday),
    /// Days after today.
    Day(i64),
    NextDay,
    Part(Part),
    /// A part of day that is one only beside a day, a clock or a preposition: "good morning" is a greeting.
    WeakPart(Part),
    PartToday(Part),
    /// "De mañana": tomorrow, or in the morning.
    TomorrowOrMorning,
    /// A time that names none: "на днях", "in a while".
    Loosely,
    Noon,
    Midnight,
    Am,
    Pm,
    /// "o'clock", "часов" after a clock's hour.
    Oclock,
    /// Hours before the hour of the ordinal: "полпятого" is half an hour before five.
    HalfTo(u32),
    Past,
    To,
    Minus,
    /// "Para las": minutes before the hour, as in "diez para las ocho".
    DownTo,
    /// Opens a length ahead: "in", "через".
    In,
    /// Opens a length ahead when a number follows: "wait for 5 minutes", but not "wait a second".
    Wait,
    /// Opens a length ahead only where no past verb stands before: "за".
    WeakIn,
    Plus,
    /// Closes a length ahead: "from now", "later".
    Hence,
    Ago,
    /// Opens a length gone by: "hace".
    AgoBefore,
    Approx,
    Next,
    This,
    Coming,
    Last,
    Every,
    At,
    On,
    Of,
    From,
    By,
    /// "Before" a day, after a length: counted back from it.
    Before,
    /// "Before" a day and nothing else: the day before it.
    DayBefore,
    /// "Накануне", "la víspera de": the day before.
    Eve,
    After,
    Between,
    And,
    Or,
    Not,
    For,
    EndOf,
    EndOfDay,
    EndOfWeek,
    EndOfMonth,
    EndOfYear,
    /// "Early", "mid", "середина": makes what follows loose.
    Vague,
    Weekend,
    AfterNext,
    YearWord,
    DayOfMonthWord,
    Holiday(Holiday),
    /// Minutes east of UTC.
    Zone(i32),
    /// A place whose clock is meant, by its zone's name.
    Place(chrono_tz::Tz),
    /// A place whose clock is meant right behind a clock: "at 10 in Madrid".
    InPlace(chrono_tz::Tz),
    /// An abbreviation of a place's clock in one half of the year, with its minutes east of UTC.
    Abbreviation(chrono_tz::Tz, i32),
    /// An abbreviation that several zones share.
    UnclearZone,
    /// A verb of asking to be written to: what follows is its time or its topic.
    Request,
    /// A small word that can follow a time: it shows that a bare number before it counts nothing.
    Small,
    /// A noun that makes the number before it a quantity.
    Counted,
    /// Opens what the message is about: "about", "that", "que".
    Matter,
    /// Opens a clause that the message is about: "that", "que", "что".
    That,
    /// Says that a holiday is one of another calendar: "Chinese New Year".
    OtherCalendar,
    /// A part of day that belongs to an hour: "de la tarde", not "por la tarde".
    OfClock,
    /// A time of day that has no hour here: "at dinner", "за ужином".
    Unsettled,
    /// Makes the number before it a price: "per".
    Per,
}

/// How a word that stands beside a phrase and was not read speaks of its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Speaks {
    Never,
    /// Right behind the phrase: "before", "after" something that has no time of its own.
    Edge,
    /// Right beside it: "early", "later"; a clock says more.
    Loosely,
    /// Right behind it, if no other word follows: "on Friday, not this".
    Behind,
    /// Right beside it, if no other word follows that it may belong to.
    Alone,
    Always,
}

impl Sense {
    /// Whether it names a zone.
    pub fn is_zone(self) -> bool {
        matches!(self, Self::Zone(_) | Self::Place(_) | Self::Abbreviation(..) | Self::UnclearZone)
    }

    /// Whether a word of this sense may change what a phrase beside it means. Numbers depend on what they count and are judged where
    /// they stand.
    pub fn speaks_of_time(self) -> Speaks {
        match self {
            Self::HalfTo(_)
            | Self::Amount(..)
            | Self::Month(_)
            | Self::Weekday(_)
            | Self::Weekdays(_)
            | Self::Day(_)
            | Self::NextDay
            | Self::PartToday(_)
            | Self::TomorrowOrMorning
            | Self::Loosely
            | Self::Midnight
            | Self::Am
            | Self::Pm
            | Self::EndOfDay
            | Self::EndOfWeek
            | Self::EndOfMonth
            | Self::EndOfYear
            | Self::Weekend
            | Self::Holiday(_)
            | Self::Zone(_)
            | Self::Place(_)
            | Self::Abbreviation(..)
            | Self::UnclearZone => Speaks::Always,
            Self::Half
            | Self::AndHalf
            | Self::AndQuarter
            | Self::QuarterPart
            | Self::FromEnd(_)
            | Self::NotThis
            | Self::WeakMonth(_)
            | Self::WeakWeekday(_)
            | Self::Part(_)
            | Self::WeakPart(_)
            | Self::Noon
            | Self::Last
            | Self::Every
            | Self::Minus
            | Self::EndOf
            | Self::AfterNext => Speaks::Alone,
            Self::Before | Self::After => Speaks::Edge,
            Self::Vague | Self::Unsettled => Speaks::Loosely,
            Self::Next | Self::This | Self::Coming => Speaks::Behind,
            Self::Number(_)
            | Self::Ordinal(_)
            | Self::Article
            | Self::The
            | Self::OneAndHalf
            | Self::Few(_)
            | Self::Several
            | Self::Unit(_)
            | Self::Oclock
            | Self::Past
            | Self::To
            | Self::DownTo
            | Self::In
            | Self::Wait
            | Self::WeakIn
            | Self::Plus
            | Self::Hence
            | Self::Ago
            | Self::AgoBefore
            | Self::Approx
            | Self::At
            | Self::On
            | Self::Of
            | Self::From
            | Self::By
            | Self::Eve
            | Self::DayBefore
            | Self::Between
            | Self::And
            | Self::Or
            | Self::Not
            | Self::For
            | Self::YearWord
            | Self::DayOfMonthWord
            | Self::Request
            | Self::Small
            | Self::Counted
            | Self::Matter
            | Self::That
            | Self::OfClock
            | Self::OtherCalendar
            | Self::LastDay
            | Self::SameTime
            | Self::Within
            | Self::InPlace(_)
            | Self::Per => Speaks::Never,
        }
    }
}
