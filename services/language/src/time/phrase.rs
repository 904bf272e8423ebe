//! What a grammar finds and the resolver reads: dates, clocks, parts of a day and shifts, not yet tied to a moment.

use std::ops::Range;

use chrono::Weekday;

use super::{holiday::Holiday, zone::Wall};

/// A unit of length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Second,
    Minute,
    Hour,
    Day,
    BusinessDay,
    Week,
    Month,
    Quarter,
    Year,
}

impl Unit {
    /// Whether the unit names hours or less, and so a moment rather than a day.
    pub fn is_clock(self) -> bool {
        matches!(self, Self::Second | Self::Minute | Self::Hour)
    }
}

/// A part of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The hours after midnight: says "am", but no hour of its own.
    Dawn,
    Morning,
    /// The first working hour: "first thing".
    FirstThing,
    Noon,
    Lunch,
    Afternoon,
    Evening,
    /// "Tonight", "esta noche": alone the evening, with an hour the evening or the night.
    EveningOrNight,
    Night,
}

/// Which of the weekdays that bear the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// The nearest strictly after today.
    Nearest,
    /// That of the next calendar week.
    NextWeek,
    /// The last one gone by.
    Last,
    /// The nearest, and so many weeks on.
    Later(i64),
}

/// A month of a date whose year or name is relative.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MonthRef {
    Named {
        month: u32,
        year: Option<i32>,
    },
    /// Months after the current one.
    Relative(i32),
    /// The current one, or the next if the day in it has passed.
    Current,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateSpec {
    /// Days after today.
    Offset(i64),
    Weekday(Weekday, Which),
    /// Weeks after this one; its Monday, or the weekday named beside it.
    Week(i64),
    /// `swappable` when digits alone left open which is the day.
    MonthDay {
        month: u32,
        day: u32,
        year: Option<i32>,
        swappable: bool,
    },
    DayOfMonth {
        day: u32,
        months: Option<i32>,
    },
    /// The n-th (from 1; −1 is the last) weekday of a month.
    NthWeekday {
        n: i32,
        weekday: Weekday,
        month: MonthRef,
    },
    /// The n-th day of a month from its end; 1 is the last.
    DayFromEnd {
        n: u32,
        month: MonthRef,
    },
    EndOfWeek(i64),
    EndOfMonth(MonthRef),
    EndOfYear(i32),
    Holiday(Holiday, Option<i32>),
    /// The holiday of the year so many after this one.
    HolidayIn(Holiday, i32),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meridiem {
    Am,
    Pm,
}

/// A time of day as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    pub hour: u32,
    pub minute: Option<u32>,
    pub second: Option<u32>,
    pub meridiem: Option<Meridiem>,
    /// Written in the 24-hour way (`07:30`, `17:00`, midnight as 0).
    pub as_written: bool,
}

/// A length of time ahead; amounts in thousandths of the unit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shift {
    pub amounts: Vec<(i64, Unit)>,
    /// Counted from this day rather than from now.
    pub from: Option<DateSpec>,
    /// Introduced by "+": may follow the day it counts from.
    pub added: bool,
    /// Counted from the first such weekday behind that day, or from the last before it: "the second Monday after Easter".
    pub weekday: Option<(Weekday, Side)>,
}

/// On which side of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Before,
    After,
}

impl Shift {
    /// Whether hours or less are in it.
    pub fn has_clock(&self) -> bool {
        self.amounts.iter().any(|(amount, unit)| unit.is_clock() || (amount % 1000 != 0 && *unit == Unit::Day))
    }
}

/// A zone that the phrase names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Zone {
    pub wall: Wall,
    /// What an abbreviation says the offset is, in minutes: "CET" in summer may be either.
    pub claimed: Option<i32>,
}

/// One element of a time phrase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    Date(DateSpec),
    Clock(Clock),
    /// A clock counted from another: "an hour before 5 pm".
    ClockBeside(Clock),
    /// The instant at which a day begins, at midnight.
    Midnight,
    /// A part of the day; `today` when the phrase itself says which day ("this evening").
    Part {
        part: Part,
        today: bool,
    },
    /// "De mañana": tomorrow, or in the morning.
    TomorrowOrMorning,
    /// 18:00 of the day named, or of today.
    EndOfDay,
    Shift(Shift),
    /// The clock of writing.
    SameTime,
    Zone(Zone),
    /// A length of time gone by.
    Ago,
    /// A time too loose for one instant, with the reason and the best guess.
    Loose {
        rule: &'static str,
        guess: Option<DateSpec>,
    },
}

/// Whether a time belongs to what a message is about rather than to what it asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Matter {
    #[default]
    No,
    /// "About the call on Friday".
    Topic,
    /// "That the flight is on Friday".
    Clause,
}

/// The pieces that say one time together.
#[derive(Debug, Clone, Default)]
pub struct Phrase {
    pub dates: Vec<DateSpec>,
    pub clocks: Vec<Clock>,
    pub midnight: bool,
    pub part: Option<Part>,
    /// The part of day was that of today ("tonight"), unless a date says otherwise.
    pub part_of_today: bool,
    pub tomorrow_or_morning: bool,
    pub end_of_day: bool,
    pub shift: Option<Shift>,
    pub zone: Option<Zone>,
    /// At the clock time of writing.
    pub same_time: bool,
    pub ago: bool,
    pub loose: Option<(&'static str, Option<DateSpec>)>,
    /// "Not tomorrow": said only to be ruled out.
    pub negated: bool,
    /// Another time was joined to this one by "or".
    pub alternative: bool,
    pub span: Range<usize>,
    /// Further bytes, when the phrase was split by other words ("завтра напиши в 5").
    pub others: Vec<Range<usize>>,
    /// The lexemes of its parts.
    pub lexemes: Vec<Range<usize>>,
    /// A clock or a part of day by which something is to be: "by 5 pm", "до обеда".
    pub deadline: bool,
    /// A day by which something is to be: with a time of day that makes a deadline.
    pub by_day: bool,
    /// Something beside it speaks of time and was not read.
    pub leftover: Option<&'static str>,
    /// Whether it stands in what the message is about.
    pub matter: Matter,
    /// The sentence it stands in.
    pub sentence: usize,
}

impl Phrase {
    /// Whether it names a time of day.
    pub fn has_time(&self) -> bool {
        !self.clocks.is_empty() || self.midnight || self.part.is_some() || self.end_of_day
    }

    /// Whether it names a day (or a length that implies one).
    pub fn has_day(&self) -> bool {
        !self.dates.is_empty() || self.shift.is_some() || self.part_of_today || self.ago || self.loose.is_some()
    }

    /// Adds one more piece standing right beside the others.
    pub fn add(&mut self, piece: Piece) {
        match piece {
            Piece::Date(date) => self.dates.push(date),
            Piece::Clock(clock) | Piece::ClockBeside(clock) => self.clocks.push(clock),
            Piece::Midnight => self.midnight = true,
            Piece::Part { part, today } => {
                // "8pm in the evening, tonight": the finer word came first
                let said = *self.part.get_or_insert(part);
                if said != part && self.clocks.is_empty() {
                    match (said, part) {
                        (Part::Morning, Part::FirstThing) => self.part = Some(part),
                        (Part::EveningOrNight, Part::Evening | Part::Night) | (Part::FirstThing, Part::Morning) => {}
                        // "a primera hora de la tarde"
                        _ => {
                            self.loose.get_or_insert(("two_times", None));
                        }
                    }
                }
                self.part_of_today |= today;
            }
            Piece::TomorrowOrMorning => self.tomorrow_or_morning = true,
            Piece::EndOfDay => self.end_of_day = true,
            Piece::Shift(shift) => {
                if self.shift.is_some() {
                    self.loose.get_or_insert(("two_times", None));
                }
                self.shift = Some(shift);
            }
            Piece::SameTime => self.same_time = true,
            Piece::Zone(zone) => self.zone = Some(zone),
            Piece::Ago => self.ago = true,
            Piece::Loose { rule, guess } => {
                self.loose.get_or_insert((rule, guess));
            }
        }
    }

    /// Joins the time of day of `other`, said elsewhere in the sentence, to this day.
    pub fn join(&mut self, other: Phrase) {
        self.dates.extend(other.dates);
        self.clocks.extend(other.clocks);
        self.midnight |= other.midnight;
        self.part = self.part.or(other.part);
        self.part_of_today |= other.part_of_today;
        self.end_of_day |= other.end_of_day;
        self.deadline |= other.deadline;
        self.same_time |= other.same_time;
        self.zone = self.zone.or(other.zone);
        self.shift = self.shift.take().or(other.shift);
        self.others.push(other.span);
        self.others.extend(other.others);
        self.lexemes.extend(other.lexemes);
    }
}
