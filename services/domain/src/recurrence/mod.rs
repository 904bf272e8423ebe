//! Series of a calendar (RFC 5545): which times a rule gives, and what each is called.
//!
//! Everything here comes from strangers, so a series is walked for a bounded number of steps, whatever its rule says.

mod rule;
mod zone;

use std::{fmt, str::FromStr};

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};

pub use self::{rule::Rule, zone::Zone};

/// Names an occurrence by the time that its series gives it, wherever it has been moved to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Original {
    On(NaiveDate),
    At(DateTime<Utc>),
}

impl fmt::Display for Original {
    /// `20261210T150000Z` or `20261210`, as calendars write it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::On(day) => write!(f, "{}", day.format("%Y%m%d")),
            Self::At(at) => write!(f, "{}", at.format("%Y%m%dT%H%M%SZ")),
        }
    }
}

impl FromStr for Original {
    type Err = chrono::ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() == "20261210".len() {
            return Ok(Self::On(NaiveDate::parse_from_str(text, "%Y%m%d")?));
        }
        Ok(Self::At(NaiveDateTime::parse_from_str(text, "%Y%m%dT%H%M%SZ")?.and_utc()))
    }
}

/// A series: its first occurrence, its rule, and what stands beside the rule.
#[derive(Debug, Clone)]
pub struct Series<'a> {
    pub zone: &'a Zone,
    pub first: Original,
    pub rule: Option<Rule>,
    pub excluded: &'a [Original],
    pub added: &'a [Original],
}

impl Series<'_> {
    /// The occurrences whose local time is at or behind `from`, in order; none is named twice.
    ///
    /// DTSTART is the first one also where the rule alone wouldn't give it. An exclusion that names a day excludes what
    /// takes place on it.
    pub fn from(&self, from: NaiveDateTime) -> impl Iterator<Item = Original> {
        let first = self.local(self.first);
        let ruled = self.rule.iter().flat_map(move |rule| rule.times(first, from));
        let ruled = ruled.map(|local| self.named(local)).take_while(|original| self.is_before_end(*original));
        let mut beside: Vec<Original> = self.added.iter().copied().chain([self.first]).collect();
        beside.retain(|original| self.local(*original) >= from);
        beside.sort_by_key(|original| self.local(*original));
        Merged { one: ruled.peekable(), other: beside.into_iter().peekable(), series: self }
            .filter(|original| !self.excludes(*original))
    }

    /// Whether it is one of the series.
    pub fn has(&self, original: Original) -> bool {
        let local = self.local(original);
        let day = local.date();
        let start = if matches!(original, Original::On(_)) { day.and_time(NaiveTime::MIN) } else { local };
        self.from(start).take_while(|o| self.local(*o).date() <= day).any(|o| self.same(o, original))
    }

    /// Whether both name one occurrence: some calendars name one that has a time by its day.
    pub fn same(&self, one: Original, other: Original) -> bool {
        match (one, other) {
            (Original::At(_), Original::On(day)) => self.local(one).date() == day,
            (Original::On(day), Original::At(_)) => self.local(other).date() == day,
            (one, other) => one == other,
        }
    }

    /// What clocks at its place show.
    pub fn local(&self, original: Original) -> NaiveDateTime {
        match original {
            Original::On(day) => day.and_time(NaiveTime::MIN),
            Original::At(at) => self.zone.local(at),
        }
    }

    fn named(&self, local: NaiveDateTime) -> Original {
        match self.first {
            Original::On(_) => Original::On(local.date()),
            Original::At(_) => Original::At(self.zone.utc(local)),
        }
    }

    fn excludes(&self, original: Original) -> bool {
        self.excluded.iter().any(|excluded| self.same(original, *excluded))
    }

    fn is_before_end(&self, original: Original) -> bool {
        self.rule.as_ref().is_none_or(|rule| rule.ends_behind(self.local(original), original))
    }
}

/// Two sorted runs as one, without what both have.
struct Merged<'a, A: Iterator<Item = Original>, B: Iterator<Item = Original>> {
    one: std::iter::Peekable<A>,
    other: std::iter::Peekable<B>,
    series: &'a Series<'a>,
}

impl<A: Iterator<Item = Original>, B: Iterator<Item = Original>> Iterator for Merged<'_, A, B> {
    type Item = Original;

    fn next(&mut self) -> Option<Original> {
        let (one, other) = (self.one.peek().copied(), self.other.peek().copied());
        let key = |original: Original| self.series.local(original);
        let next = match (one, other) {
            (Some(a), Some(b)) if key(b) < key(a) => self.other.next(),
            (Some(_), _) => self.one.next(),
            (None, _) => self.other.next(),
        }?;
        while self.other.peek().is_some_and(|o| *o == next) {
            self.other.next();
        }
        Some(next)
    }
}

/// The day before.
pub fn day_before(day: NaiveDate) -> NaiveDate {
    day.checked_sub_signed(TimeDelta::days(1)).unwrap_or(day)
}
