//! Series of a calendar (RFC 5545): which times a rule gives, and what each is called.
//!
//! Everything here comes from strangers, so a series is walked from one day to another and no further, whatever its rule
//! says.

mod rule;
mod zone;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
};

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

pub use self::{rule::Rule, zone::Zone};

/// Names an occurrence by the time that its series gives it, wherever it has been moved to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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
    /// The occurrences whose local time is at or behind `from`, up to the day `to`, in order; none is named twice.
    ///
    /// DTSTART is the first one also where the rule alone wouldn't give it. An exclusion that names a day excludes what
    /// takes place on it.
    pub fn between(&self, from: NaiveDateTime, to: NaiveDate) -> impl Iterator<Item = Original> {
        let first = self.local(self.first);
        let ruled = self.rule.iter().flat_map(move |rule| rule.times(first, from, to));
        let ruled = ruled.map(|local| self.named(local)).take_while(|original| self.is_before_end(*original));
        let mut beside: Vec<Original> = self.added.iter().copied().chain([self.first]).collect();
        beside.retain(|original| {
            let local = self.local(*original);
            local >= from && local.date() <= to
        });
        beside.sort_by_key(|original| self.local(*original));
        Merged { one: ruled.peekable(), other: beside.into_iter().peekable(), series: self }
            .filter(|original| !self.excludes(*original))
    }

    /// Which of these are of the series, as far as they lie before or on the day `to`. The series is walked once for all
    /// of them.
    pub fn those_of(&self, named: impl IntoIterator<Item = Original>, to: NaiveDate) -> BTreeSet<Original> {
        let mut by_day: BTreeMap<NaiveDate, Vec<Original>> = BTreeMap::new();
        for original in named {
            by_day.entry(self.local(original).date()).or_default().push(original);
        }
        let days = by_day.keys().next().copied().zip(by_day.keys().next_back().copied());
        let Some((first, last)) = days else { return BTreeSet::new() };
        let there = self.between(first.and_time(NaiveTime::MIN), last.min(to));
        let of_day = |original: Original| by_day.get(&self.local(original).date()).map(|named| (original, named));
        let same = there
            .filter_map(of_day)
            .flat_map(|(original, named)| named.iter().copied().filter(move |one| self.same(original, *one)));
        same.collect()
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

#[cfg(test)]
mod tests {
    use chrono_tz::Tz;

    use super::*;

    fn named(text: &str) -> Original {
        text.parse().unwrap()
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn those_of_a_series_are_told_from_others_by_time_or_by_day() {
        let zone = Zone::Iana(Tz::Europe__Berlin);
        let excluded = [named("20261215T090000Z")];
        let rule = Rule::parse("FREQ=WEEKLY");
        let series = Series { zone: &zone, first: named("20261201T090000Z"), rule, excluded: &excluded, added: &[] };
        let of_it = ["20261201T090000Z", "20261208", "20270706T080000Z"];
        let others = ["20261124T090000Z", "20261208T100000Z", "20261215", "20261209", "20270706T090000Z"];
        let all = of_it.iter().chain(&others).map(|text| named(text));
        let found = series.those_of(all.clone(), day("2028-01-01"));
        assert_eq!(found, of_it.iter().map(|text| named(text)).collect());
        assert_eq!(series.those_of(all, day("2026-12-31")).len(), 2, "the summer is further than it is walked");
    }

    #[test]
    fn a_rule_that_gives_nothing_leaves_the_first_occurrence() {
        let zone = Zone::Iana(Tz::UTC);
        for rule in ["FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "FREQ=YEARLY;BYWEEKNO=53;BYMONTH=6"] {
            let first = named("20261201T090000Z");
            let series = Series { zone: &zone, first, rule: Rule::parse(rule), excluded: &[], added: &[] };
            let from = day("2026-01-01").and_time(NaiveTime::MIN);
            assert_eq!(series.between(from, day("2030-01-01")).collect::<Vec<_>>(), [first], "{rule}");
        }
    }
}
