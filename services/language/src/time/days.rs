//! The day that one date of a phrase names, by the calendar of who wrote it.

use chrono::{Datelike, Days, Duration, Months, NaiveDate, NaiveTime, Weekday};

use super::{
    Grain,
    holiday::{last_of_month, nth_weekday},
    phrase::{DateSpec, MonthRef, Shift, Side, Which},
    resolve::{Day, Found, Resolver, Unclear},
    shifts::days_after,
};

impl Resolver<'_> {
    pub(super) fn monday(&self, weeks: i64) -> Option<NaiveDate> {
        let monday =
            self.today().checked_sub_days(Days::new(u64::from(self.today().weekday().num_days_from_monday())))?;
        monday.checked_add_signed(Duration::try_weeks(weeks)?)
    }

    pub(super) fn weekday_of(&self, weeks: i64, day: Weekday) -> Option<NaiveDate> {
        self.monday(weeks)?.checked_add_days(Days::new(u64::from(day.num_days_from_monday())))
    }

    /// The first day of the month so many after the current one.
    pub(super) fn month(&self, months: i32) -> Option<NaiveDate> {
        let first = self.today().with_day(1)?;
        match u32::try_from(months) {
            Ok(ahead) => first.checked_add_months(Months::new(ahead)),
            Err(_) => first.checked_sub_months(Months::new(months.unsigned_abs())),
        }
    }

    /// Finds a yearly day: in the year named, else the next time it comes.
    pub(super) fn yearly(&self, year: Option<i32>, find: impl Fn(i32) -> Option<NaiveDate>) -> Option<NaiveDate> {
        let this_year = self.today().year();
        match year {
            Some(year) => find(year),
            None => match find(this_year) {
                Some(day) if day >= self.today() => Some(day),
                _ => find(this_year + 1),
            },
        }
    }

    pub(super) fn in_month(&self, month: MonthRef, find: impl Fn(i32, u32) -> Option<NaiveDate>) -> Option<NaiveDate> {
        match month {
            MonthRef::Named { month, year } => self.yearly(year, |year| find(year, month)),
            MonthRef::Relative(months) => self.month(months).and_then(|first| find(first.year(), first.month())),
            // "the last Friday of the month", when it has passed: the next month's
            MonthRef::Current => (0..2)
                .filter_map(|months| self.month(months).and_then(|first| find(first.year(), first.month())))
                .find(|day| *day >= self.today()),
        }
    }

    /// One date of the phrase.
    pub(super) fn day(&self, spec: DateSpec) -> Found<Day> {
        let today = self.today();
        Ok(match spec {
            DateSpec::Offset(days) => {
                Day::new(Duration::try_days(days).and_then(|d| today.checked_add_signed(d)), "relative_day")
            }
            DateSpec::Weekday(day, which) => match which {
                Which::Nearest => Day::new(self.nearest(day, 0), "weekday_nearest"),
                Which::Later(weeks) => Day::new(self.nearest(day, weeks), "weekday_later"),
                Which::NextWeek => Day::new(self.weekday_of(1, day), "weekday_next_week"),
                Which::Last => Day::new(self.nearest(day, -2), "weekday_last"),
            },
            DateSpec::Week(0) => return Err(Unclear::new("loose_period")),
            DateSpec::Week(weeks) => {
                self.monday(weeks).map(|date| Day { date, rule: "week_start", grain: Grain::Week })
            }
            DateSpec::MonthDay { month, day, year, .. } => {
                Day::new(self.yearly(year, |year| NaiveDate::from_ymd_opt(year, month, day)), "calendar_date")
            }
            DateSpec::DayOfMonth { day, months: Some(months) } => {
                Day::new(self.month(months).and_then(|first| first.with_day(day)), "day_of_month")
            }
            DateSpec::DayOfMonth { day, months: None } => {
                let next =
                    (0..4).filter_map(|m| self.month(m).and_then(|first| first.with_day(day))).find(|d| *d >= today);
                Day::new(next, "day_of_month")
            }
            DateSpec::NthWeekday { n, weekday, month } => {
                Day::new(self.in_month(month, |year, month| nth_weekday(year, month, weekday, n)), "nth_weekday")
            }
            DateSpec::DayFromEnd { n, month } => {
                let find = |year, month| last_of_month(year, month)?.checked_sub_days(Days::new(u64::from(n - 1)));
                Day::new(self.in_month(month, find), "day_of_month")
            }
            DateSpec::EndOfWeek(weeks) => Day::new(self.weekday_of(weeks, Weekday::Fri), "end_of_week"),
            DateSpec::EndOfMonth(month) => Day::new(self.in_month(month, last_of_month), "end_of_month"),
            DateSpec::EndOfYear(years) => {
                Day::new(NaiveDate::from_ymd_opt(today.year() + years, 12, 31), "end_of_year")
            }
            DateSpec::Holiday(holiday, year) => {
                Day::new(self.yearly(year, |year| holiday.day(year, self.context.zone)), "holiday")
            }
            DateSpec::HolidayIn(holiday, years) => {
                Day::new(holiday.day(today.year() + years, self.context.zone), "holiday")
            }
        })
    }

    /// The nearest such weekday on that side of a day. Of a day that comes every year, or every month, the one just gone by counts
    /// if what is counted from it is still ahead: "the first Monday after New Year", said on 2 January.
    pub(super) fn weekday_beside(
        &self,
        spec: DateSpec,
        day: Day,
        (weekday, side): (Weekday, Side),
        shift: &Shift,
    ) -> Option<Day> {
        let beside = |day: Day| {
            let days = |from: Weekday, to: Weekday| {
                let ahead = (to.num_days_from_monday() + 7 - from.num_days_from_monday()) % 7;
                i64::from(if ahead == 0 { 7 } else { ahead })
            };
            let by = match side {
                Side::After => days(day.date.weekday(), weekday),
                Side::Before => -days(weekday, day.date.weekday()),
            };
            Day::new(day.date.checked_add_signed(Duration::try_days(by)?), day.rule)
        };
        let last = day.date.year() - 1;
        let before = match spec {
            DateSpec::MonthDay { month, day, year: None, swappable } => {
                self.day(DateSpec::MonthDay { month, day, year: Some(last), swappable }).ok().flatten()
            }
            DateSpec::Holiday(holiday, None) => self.day(DateSpec::Holiday(holiday, Some(last))).ok().flatten(),
            DateSpec::DayOfMonth { months: None, .. } => {
                Day::new(day.date.checked_sub_months(Months::new(1)), day.rule)
            }
            _ => None,
        };
        let ahead = |day: &Day| {
            let at = days_after(day.date.and_time(NaiveTime::MIN), shift, |_| true);
            at.is_some_and(|at| at.date() > self.today())
        };
        before.and_then(beside).filter(ahead).or_else(|| beside(day))
    }

    /// The first such weekday strictly after today, and so many weeks on.
    pub(super) fn nearest(&self, day: Weekday, weeks: i64) -> Option<NaiveDate> {
        let today = self.today();
        let ahead = i64::from((day.num_days_from_monday() + 7 - today.weekday().num_days_from_monday()) % 7);
        let ahead = if ahead == 0 { 7 } else { ahead };
        // "last Friday" counts back from the one ahead
        let weeks = if weeks == -2 { if ahead == 7 { -2 } else { -1 } } else { weeks };
        today.checked_add_signed(Duration::try_days(ahead + 7 * weeks)?)
    }
}
