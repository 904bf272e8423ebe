//! A recurrence rule (RFC 5545 §3.3.10) of days or longer: the local times it gives.

use chrono::{Datelike as _, Days, Months, NaiveDate, NaiveDateTime, NaiveTime, Timelike as _, Weekday};

use super::Original;

/// Times of one day, at most; a rule with more isn't one of people's meetings.
const MOST_A_DAY: usize = 24;
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Frequency {
    Yearly,
    Monthly,
    Weekly,
    Daily,
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
    /// `FREQ=WEEKLY;BYDAY=MO,WE;COUNT=10`. Rules of hours and less aren't read.
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
        let a_day = [&rule.hours, &rule.minutes, &rule.seconds].iter().map(|list| list.len().max(1)).product::<usize>();
        (named && a_day <= MOST_A_DAY).then_some(rule)
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
            Frequency::Daily => 1,
        };
        u32::try_from(days / (length * i64::from(self.interval))).unwrap_or(u32::MAX).saturating_sub(1)
    }

    /// The days of the period with this number that the rule gives, sorted; `None`: it begins behind `to`.
    fn period(&self, first: NaiveDateTime, n: u32, to: NaiveDate) -> Option<Vec<NaiveDate>> {
        let day = first.date();
        let n = n.checked_mul(self.interval)?;
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
            Frequency::Daily => {
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
                Frequency::Daily => true,
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
            Frequency::Weekly | Frequency::Daily => (0, 0),
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

    fn of_period(&self, first: NaiveDateTime, days: &[NaiveDate]) -> Vec<NaiveDateTime> {
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
