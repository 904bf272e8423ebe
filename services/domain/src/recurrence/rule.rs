//! A recurrence rule (RFC 5545 §3.3.10): the local times it gives. Hours and minutes are counted by the clock on the wall.

use chrono::{Datelike as _, Days, Months, NaiveDate, NaiveDateTime, NaiveTime, Timelike as _, Weekday};

use super::Original;

/// Times of one day, at most; a rule with more isn't one of people's meetings.
const MOST_A_DAY: usize = 24;
const MINUTES_A_DAY: u32 = 24 * 60;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Frequency {
    Yearly,
    Monthly,
    Weekly,
    Daily,
    Hourly,
    Minutely,
}

impl Frequency {
    /// Of what is repeated within a day: its length in minutes.
    fn minutes(self) -> Option<u32> {
        match self {
            Self::Hourly => Some(60),
            Self::Minutely => Some(1),
            Self::Yearly | Self::Monthly | Self::Weekly | Self::Daily => None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Until {
    Original(Original),
    Local(NaiveDateTime),
}

/// A rule. What [`parse`](Rule::parse) can't read is none: then the first occurrence is all that is known.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    frequency: Frequency,
    interval: u32,
    count: Option<u32>,
    until: Option<Until>,
    months: Vec<u32>,
    weeks: Vec<i32>,
    year_days: Vec<i32>,
    month_days: Vec<i32>,
    /// With 0: every such weekday of the period.
    weekdays: Vec<(i32, Weekday)>,
    hours: Vec<u32>,
    minutes: Vec<u32>,
    seconds: Vec<u32>,
    places: Vec<i32>,
    week_start: Weekday,
}

impl Rule {
    /// `FREQ=WEEKLY;BYDAY=MO,WE;COUNT=10`. Rules that give more than [`MOST_A_DAY`] times a day aren't read.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_uppercase();
        let mut rule = Self {
            frequency: Frequency::Daily,
            interval: 1,
            count: None,
            until: None,
            months: Vec::new(),
            weeks: Vec::new(),
            year_days: Vec::new(),
            month_days: Vec::new(),
            weekdays: Vec::new(),
            hours: Vec::new(),
            minutes: Vec::new(),
            seconds: Vec::new(),
            places: Vec::new(),
            week_start: Weekday::Mon,
        };
        let mut named = false;
        for part in text.split(';').map(str::trim).filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=')?;
            match name.trim() {
                "FREQ" => {
                    named = true;
                    rule.frequency = match value {
                        "YEARLY" => Frequency::Yearly,
                        "MONTHLY" => Frequency::Monthly,
                        "WEEKLY" => Frequency::Weekly,
                        "DAILY" => Frequency::Daily,
                        "HOURLY" => Frequency::Hourly,
                        "MINUTELY" => Frequency::Minutely,
                        _ => return None,
                    };
                }
                "INTERVAL" => rule.interval = value.parse().ok().filter(|n| (1..=10_000).contains(n))?,
                "COUNT" => rule.count = Some(value.parse().ok()?),
                "UNTIL" => rule.until = Some(until(value)?),
                "BYMONTH" => rule.months = numbers(value, 1, 12)?.into_iter().map(i32::unsigned_abs).collect(),
                "BYWEEKNO" => rule.weeks = numbers(value, -53, 53)?,
                "BYYEARDAY" => rule.year_days = numbers(value, -366, 366)?,
                "BYMONTHDAY" => rule.month_days = numbers(value, -31, 31)?,
                "BYDAY" => rule.weekdays = value.split(',').map(weekday_of).collect::<Option<_>>()?,
                "BYHOUR" => rule.hours = numbers(value, 0, 23)?.into_iter().map(i32::unsigned_abs).collect(),
                "BYMINUTE" => rule.minutes = numbers(value, 0, 59)?.into_iter().map(i32::unsigned_abs).collect(),
                "BYSECOND" => rule.seconds = numbers(value, 0, 59)?.into_iter().map(i32::unsigned_abs).collect(),
                "BYSETPOS" => rule.places = numbers(value, -366, 366)?,
                "WKST" => rule.week_start = weekday_of(value)?.1,
                // RSCALE, SKIP and whatever else would change what the rest means.
                _ => return None,
            }
        }
        // Places in an hour or a minute: nobody's meetings are written so.
        let placed = rule.frequency.minutes().is_none() || rule.places.is_empty();
        (named && placed && rule.most_a_day() <= MOST_A_DAY).then_some(rule)
    }

    /// Whether it is of years: then its times may lie further apart than anything is promised ahead.
    pub fn is_yearly(&self) -> bool {
        self.frequency == Frequency::Yearly
    }

    /// How many times it gives on one day, at most.
    fn most_a_day(&self) -> usize {
        let seconds = self.seconds.len().max(1);
        let Some(length) = self.frequency.minutes() else {
            return self.hours.len().max(1) * self.minutes.len().max(1) * seconds;
        };
        // By where in its step a day begins.
        let step = self.interval.saturating_mul(length);
        let mut counts = vec![0; usize::try_from(step.min(MINUTES_A_DAY)).unwrap_or(1)];
        let there = (0..MINUTES_A_DAY).filter(|minute| minute % length == 0 && self.takes_hour(minute / 60));
        for minute in there.filter(|minute| length > 1 || self.takes_minute(minute % 60)) {
            counts[(minute % step) as usize] += 1;
        }
        let minutes = if length > 1 { self.minutes.len().max(1) } else { 1 };
        counts.into_iter().max().unwrap_or(0) * minutes * seconds
    }

    fn takes_hour(&self, hour: u32) -> bool {
        self.hours.is_empty() || self.hours.contains(&hour)
    }

    fn takes_minute(&self, minute: u32) -> bool {
        self.minutes.is_empty() || self.minutes.contains(&minute)
    }

    /// The local times from `from` on and up to the day `to`, of a series that begins with `first`, in order. No period
    /// behind `to` is looked at: a rule may be written so that it gives no time for ages. UNTIL is up to
    /// [`ends_behind`](Self::ends_behind), for that is a moment.
    pub fn times(
        &self,
        first: NaiveDateTime,
        from: NaiveDateTime,
        to: NaiveDate,
    ) -> impl Iterator<Item = NaiveDateTime> {
        // The first occurrence counts, whether the rule gives it or not.
        let mut left = self.count.map_or(usize::MAX, |count| count as usize);
        // What is counted must be walked from the beginning, anything else from shortly before.
        let skipped = if self.count.is_some() { 0 } else { self.periods_before(first, from) };
        let mut first_pending = skipped == 0;
        let periods = (skipped..).map_while(move |n| self.period(first, n, to));
        let times = periods.flat_map(move |days| self.of_period(first, &days));
        let times = times.filter(move |at| *at >= first);
        let mut times = times.peekable();
        let all = std::iter::from_fn(move || {
            if first_pending {
                first_pending = false;
                times.next_if_eq(&first);
                return Some(first);
            }
            times.next()
        });
        let counted = all.map_while(move |at| {
            left = left.checked_sub(1)?;
            Some(at)
        });
        counted.filter(move |at| *at >= from).take_while(move |at| at.date() <= to)
    }

    /// Whether an occurrence comes before the rule's end.
    pub fn ends_behind(&self, local: NaiveDateTime, original: Original) -> bool {
        match (self.until, original) {
            (None, _) => true,
            (Some(Until::Original(Original::At(end))), Original::At(at)) => at <= end,
            (Some(Until::Original(Original::At(end))), Original::On(day)) => day <= end.date_naive(),
            // A day alone: all of it.
            (Some(Until::Original(Original::On(end))), _) => local.date() <= end,
            (Some(Until::Local(end)), _) => local <= end,
        }
    }

    fn periods_before(&self, first: NaiveDateTime, from: NaiveDateTime) -> u32 {
        let days = (from.date() - first.date()).num_days().max(0);
        let length = match self.frequency {
            Frequency::Yearly => 366,
            Frequency::Monthly => 31,
            Frequency::Weekly => 7,
            Frequency::Daily | Frequency::Hourly | Frequency::Minutely => 1,
        };
        u32::try_from(days / (length * i64::from(self.step()))).unwrap_or(u32::MAX).saturating_sub(1)
    }

    /// From one period to the next; what is repeated within a day is walked day by day.
    fn step(&self) -> u32 {
        if self.frequency.minutes().is_some() { 1 } else { self.interval }
    }

    /// The days of the period with this number that the rule gives, sorted; `None`: it begins behind `to`.
    fn period(&self, first: NaiveDateTime, n: u32, to: NaiveDate) -> Option<Vec<NaiveDate>> {
        let day = first.date();
        let n = n.checked_mul(self.step())?;
        let (begins, ends) = match self.frequency {
            Frequency::Yearly => {
                let year = day.year().checked_add(i32::try_from(n).ok()?)?;
                (NaiveDate::from_ymd_opt(year, 1, 1)?, NaiveDate::from_ymd_opt(year.checked_add(1)?, 1, 1)?)
            }
            Frequency::Monthly => {
                let begins = day.with_day(1)?.checked_add_months(Months::new(n))?;
                (begins, begins.checked_add_months(Months::new(1))?)
            }
            Frequency::Weekly => {
                let begins = day.week(self.week_start).checked_first_day()?;
                let begins = begins.checked_add_days(Days::new(u64::from(n) * 7))?;
                (begins, begins.checked_add_days(Days::new(7))?)
            }
            Frequency::Daily | Frequency::Hourly | Frequency::Minutely => {
                let begins = day.checked_add_days(Days::new(u64::from(n)))?;
                (begins, begins.succ_opt()?)
            }
        };
        if begins > to {
            return None;
        }
        Some(begins.iter_days().take_while(|d| *d < ends).filter(|d| self.takes(first.date(), *d)).collect())
    }

    fn takes(&self, first: NaiveDate, day: NaiveDate) -> bool {
        let unsaid = self.weeks.is_empty()
            && self.year_days.is_empty()
            && self.month_days.is_empty()
            && self.weekdays.is_empty();
        let month_ok = match self.frequency {
            Frequency::Yearly if self.months.is_empty() && unsaid => day.month() == first.month(),
            _ => self.months.is_empty() || self.months.contains(&day.month()),
        };
        if !month_ok {
            return false;
        }
        if unsaid {
            return match self.frequency {
                Frequency::Yearly | Frequency::Monthly => day.day() == first.day(),
                Frequency::Weekly => day.weekday() == first.weekday(),
                Frequency::Daily | Frequency::Hourly | Frequency::Minutely => true,
            };
        }
        let in_month = (number(day.day()), -number(days_in_month(day)) + number(day.day()) - 1);
        let in_year = (number(day.ordinal()), -number(days_in_year(day)) + number(day.ordinal()) - 1);
        let one_of = |list: &[i32], (front, back): (i32, i32)| list.contains(&front) || list.contains(&back);
        (self.weeks.is_empty() || one_of(&self.weeks, self.week_of(day)))
            && (self.year_days.is_empty() || one_of(&self.year_days, in_year))
            && (self.month_days.is_empty() || one_of(&self.month_days, in_month))
            && (self.weekdays.is_empty() || self.takes_weekday(day, in_month, in_year))
    }

    fn takes_weekday(&self, day: NaiveDate, in_month: (i32, i32), in_year: (i32, i32)) -> bool {
        // "The second Monday": of the month, or of the year if nothing names a month.
        let (front, back) = match self.frequency {
            Frequency::Yearly if self.months.is_empty() => in_year,
            Frequency::Yearly | Frequency::Monthly => in_month,
            Frequency::Weekly | Frequency::Daily | Frequency::Hourly | Frequency::Minutely => (0, 0),
        };
        let nth = |n: i32| match n {
            0 => true,
            n if n > 0 => (front + 6) / 7 == n,
            n => (-back + 6) / 7 == -n,
        };
        let ordinals = matches!(self.frequency, Frequency::Yearly | Frequency::Monthly) && self.weeks.is_empty();
        self.weekdays.iter().any(|(n, weekday)| *weekday == day.weekday() && (!ordinals || nth(*n)))
    }

    /// The number of the day's week in the year that most of the week is in, from the front and from the back.
    fn week_of(&self, day: NaiveDate) -> (i32, i32) {
        let first_of = |year: i32| {
            let fourth = NaiveDate::from_ymd_opt(year, 1, 4)?;
            fourth.week(self.week_start).checked_first_day()
        };
        let found = [day.year() + 1, day.year(), day.year() - 1].into_iter().find_map(|year| {
            let (begins, next) = (first_of(year)?, first_of(year + 1)?);
            let week = i32::try_from((day - begins).num_days().div_euclid(7)).ok()?;
            let weeks = i32::try_from((next - begins).num_days() / 7).ok()?;
            (day >= begins).then_some((week + 1, week - weeks))
        });
        found.unwrap_or((0, 0))
    }

    /// The times of one day, of a rule that repeats within it.
    fn within_day(&self, first: NaiveDateTime, day: NaiveDate, length: u32) -> Vec<NaiveDateTime> {
        let (step, day_long) = (i64::from(self.interval) * i64::from(length), i64::from(MINUTES_A_DAY));
        // Minutes from the beginning of the first step to this day's.
        let begun = first.hour() * 60 + if length > 1 { 0 } else { first.minute() };
        let since = (day - first.date()).num_days() * day_long - i64::from(begun);
        let offset = (-since).rem_euclid(step);
        let steps = std::iter::successors(Some(offset), |at| Some(at + step)).take_while(|at| *at < day_long);
        let mut times = Vec::new();
        for minute in steps.filter_map(|at| u32::try_from(at).ok()).filter(|at| self.takes_hour(at / 60)) {
            let minutes = match (length > 1, self.minutes.is_empty()) {
                (true, true) => vec![first.minute()],
                (true, false) => self.minutes.clone(),
                (false, _) => Some(minute % 60).filter(|m| self.takes_minute(*m)).into_iter().collect(),
            };
            for at in minutes {
                let seconds = if self.seconds.is_empty() { vec![first.second()] } else { self.seconds.clone() };
                times.extend(seconds.into_iter().filter_map(|second| day.and_hms_opt(minute / 60, at, second)));
            }
        }
        times
    }

    fn of_period(&self, first: NaiveDateTime, days: &[NaiveDate]) -> Vec<NaiveDateTime> {
        if let Some(length) = self.frequency.minutes() {
            return days.iter().flat_map(|day| self.within_day(first, *day, length)).collect();
        }
        let or = |list: &[u32], otherwise| if list.is_empty() { vec![otherwise] } else { list.to_vec() };
        let mut clocks = Vec::new();
        for hour in or(&self.hours, first.hour()) {
            for minute in or(&self.minutes, first.minute()) {
                for second in or(&self.seconds, first.second()) {
                    clocks.extend(NaiveTime::from_hms_opt(hour, minute, second));
                }
            }
        }
        clocks.sort_unstable();
        clocks.dedup();
        let times: Vec<NaiveDateTime> =
            days.iter().flat_map(|day| clocks.iter().map(move |clock| day.and_time(*clock))).collect();
        if self.places.is_empty() {
            return times;
        }
        let last = i32::try_from(times.len()).unwrap_or(i32::MAX);
        let placed = |n: i32| self.places.contains(&(n + 1)) || self.places.contains(&(n - last));
        times.into_iter().zip(0..).filter(|(_, n)| placed(*n)).map(|(at, _)| at).collect()
    }
}

fn number(n: u32) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}

fn days_in_month(day: NaiveDate) -> u32 {
    let next = day.with_day(1).and_then(|first| first.checked_add_months(Months::new(1)));
    next.and_then(|next| next.pred_opt()).map_or(31, |last| last.day())
}

fn days_in_year(day: NaiveDate) -> u32 {
    if day.leap_year() { 366 } else { 365 }
}

/// Whole numbers between both; a list as long as the longest that makes sense.
fn numbers(text: &str, least: i32, most: i32) -> Option<Vec<i32>> {
    let list = text.split(',').map(|n| n.trim().parse::<i32>().ok().filter(|n| (least..=most).contains(n)));
    let mut list: Vec<i32> = list.take(800).collect::<Option<_>>()?;
    list.sort_unstable();
    list.dedup();
    (least >= 0 || !list.contains(&0)).then_some(list)
}

/// `MO`, `2TU`, `-1FR`.
fn weekday_of(text: &str) -> Option<(i32, Weekday)> {
    let text = text.trim();
    let (n, name) = text.split_at_checked(text.len().checked_sub(2)?)?;
    let weekday = match name {
        "MO" => Weekday::Mon,
        "TU" => Weekday::Tue,
        "WE" => Weekday::Wed,
        "TH" => Weekday::Thu,
        "FR" => Weekday::Fri,
        "SA" => Weekday::Sat,
        "SU" => Weekday::Sun,
        _ => return None,
    };
    if n.is_empty() {
        return Some((0, weekday));
    }
    n.parse().ok().filter(|n: &i32| (1..=53).contains(&n.abs())).map(|n| (n, weekday))
}

fn until(text: &str) -> Option<Until> {
    if let Ok(original) = text.parse() {
        return Some(Until::Original(original));
    }
    NaiveDateTime::parse_from_str(text, "%Y%m%dT%H%M%S").ok().map(Until::Local)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn at(text: &str) -> NaiveDateTime {
        text.parse().unwrap()
    }

    /// Step by step by the clock, without the rule's own reckoning: hours or minutes from the first, as far as these are taken.
    fn walked(
        first: NaiveDateTime,
        (length, interval): (i64, i64),
        hours: &[u32],
        minutes: &[u32],
        days: i64,
    ) -> Vec<NaiveDateTime> {
        let end = first + TimeDelta::days(days);
        let begun =
            if length == 60 { first.date().and_hms_opt(first.hour(), 0, first.second()).unwrap() } else { first };
        let steps = std::iter::successors(Some(begun), |at| Some(*at + TimeDelta::minutes(length * interval)));
        let steps = steps.take_while(|at| *at <= end).filter(|at| hours.is_empty() || hours.contains(&at.hour()));
        let mut all: Vec<NaiveDateTime> = steps
            .flat_map(|step| match (length, minutes) {
                (60, []) => vec![step.with_minute(first.minute()).unwrap()],
                (60, minutes) => minutes.iter().map(|m| step.with_minute(*m).unwrap()).collect(),
                (_, minutes) => {
                    Some(step).filter(|s| minutes.is_empty() || minutes.contains(&s.minute())).into_iter().collect()
                }
            })
            .filter(|at| *at >= first && at.date() <= end.date())
            .chain([first])
            .collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    #[test]
    fn hours_and_minutes_are_counted_by_the_clock_from_the_first() {
        let mut read = 0;
        for first in ["2026-12-01T09:15:00", "2026-12-31T23:50:00", "2028-02-28T00:00:00"] {
            let first = at(first);
            for (name, length, intervals) in [
                ("HOURLY", 60, [1, 2, 3, 5, 7, 24, 36, 100].as_slice()),
                ("MINUTELY", 1, [15, 60, 90, 100, 720, 1_000, 1_440, 5_000].as_slice()),
            ] {
                for interval in intervals {
                    for (hours, minutes) in
                        [(vec![], vec![]), (vec![9, 10, 17], vec![]), (vec![], vec![0, 15]), (vec![0, 9], vec![15, 50])]
                    {
                        let list = |name: &str, list: &[u32]| match list {
                            [] => String::new(),
                            list => {
                                format!(";{name}={}", list.iter().map(u32::to_string).collect::<Vec<_>>().join(","))
                            }
                        };
                        let text = format!(
                            "FREQ={name};INTERVAL={interval}{}{}",
                            list("BYHOUR", &hours),
                            list("BYMINUTE", &minutes)
                        );
                        let expected = walked(first, (length, *interval), &hours, &minutes, 20);
                        let busiest = expected.chunk_by(|a, b| a.date() == b.date()).map(<[_]>::len).max().unwrap_or(0);
                        let Some(rule) = Rule::parse(&text) else {
                            assert!(rule_counts_more(length, *interval, &hours, &minutes), "{text}: {busiest} a day");
                            continue;
                        };
                        read += 1;
                        let to = (first + TimeDelta::days(20)).date();
                        let times: Vec<_> =
                            rule.times(first, first, to).filter(|t| *t <= first + TimeDelta::days(20)).collect();
                        let expected: Vec<_> =
                            expected.into_iter().filter(|t| *t <= first + TimeDelta::days(20)).collect();
                        assert_eq!(times, expected, "{text} from {first}");
                        // Begun later, it comes to the same from there on.
                        let later = first + TimeDelta::days(11);
                        let rest: Vec<_> =
                            rule.times(first, later, to).filter(|t| *t <= first + TimeDelta::days(20)).collect();
                        assert_eq!(
                            rest,
                            expected.into_iter().filter(|t| *t >= later).collect::<Vec<_>>(),
                            "{text} from {later}"
                        );
                    }
                }
            }
        }
        assert!(read > 100, "{read} rules");
    }

    /// Whether such a rule may give more times on one day than are taken.
    fn rule_counts_more(length: i64, interval: i64, hours: &[u32], minutes: &[u32]) -> bool {
        let day = at("2026-12-01T00:00:00");
        (0..interval.min(1_440)).any(|begin| {
            let first = day - TimeDelta::minutes(begin * length) - TimeDelta::days(30);
            let walked = walked(first, (length, interval), hours, minutes, 60);
            walked.chunk_by(|a, b| a.date() == b.date()).any(|times| times.len() > MOST_A_DAY)
        })
    }

    #[test]
    fn what_gives_too_many_times_a_day_or_places_within_an_hour_is_not_read() {
        for text in [
            "FREQ=MINUTELY",
            "FREQ=MINUTELY;INTERVAL=30",
            "FREQ=HOURLY;BYMINUTE=0,30",
            "FREQ=HOURLY;BYSETPOS=1",
            "FREQ=SECONDLY",
        ] {
            assert_eq!(Rule::parse(text), None, "{text}");
        }
        for text in [
            "FREQ=HOURLY",
            "FREQ=HOURLY;INTERVAL=2;BYMINUTE=0,30",
            "FREQ=MINUTELY;INTERVAL=15;BYHOUR=9,10",
            "FREQ=MINUTELY;BYHOUR=9;BYMINUTE=0",
        ] {
            assert!(Rule::parse(text).is_some(), "{text}");
        }
    }
}
