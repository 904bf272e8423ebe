//! Days that have a name of their own, where every country of the language agrees on them or the zone tells them apart.

use chrono::{Datelike, Days, NaiveDate, Weekday};
use chrono_tz::Tz;

/// How a holiday's day is found in a year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holiday {
    Fixed(u32, u32),
    /// The n-th weekday of a month (−1 the last), and days after it.
    Nth {
        n: i32,
        weekday: Weekday,
        month: u32,
        plus: u64,
    },
    /// Days from western Easter Sunday.
    Easter(i64),
    /// Orthodox Easter Sunday.
    Pascha,
    /// 27 April, or the day before if that is a Sunday.
    KingsDay,
    /// The fourth Thursday of November; in Canada another day, so none there.
    Thanksgiving,
    /// 19 March in Spain, the third Sunday of June elsewhere.
    FathersDay,
}

impl Holiday {
    /// The holiday's day in `year` for people of `zone`; `None` where it isn't kept that way.
    pub fn day(self, year: i32, zone: Tz) -> Option<NaiveDate> {
        match self {
            Self::Fixed(month, day) => NaiveDate::from_ymd_opt(year, month, day),
            Self::Nth { n, weekday, month, plus } => {
                nth_weekday(year, month, weekday, n)?.checked_add_days(Days::new(plus))
            }
            Self::Easter(days) => easter(year)?.checked_add_signed(chrono::Duration::days(days)),
            Self::Pascha => pascha(year),
            Self::KingsDay => {
                let day = NaiveDate::from_ymd_opt(year, 4, 27)?;
                if day.weekday() == Weekday::Sun { day.pred_opt() } else { Some(day) }
            }
            Self::Thanksgiving if zone.name().starts_with("Canada/") || CANADA.contains(&zone.name()) => None,
            Self::Thanksgiving => nth_weekday(year, 11, Weekday::Thu, 4),
            Self::FathersDay if SPAIN.contains(&zone.name()) => NaiveDate::from_ymd_opt(year, 3, 19),
            Self::FathersDay => nth_weekday(year, 6, Weekday::Sun, 3),
        }
    }
}

const SPAIN: [&str; 3] = ["Europe/Madrid", "Atlantic/Canary", "Africa/Ceuta"];
const CANADA: [&str; 7] = [
    "America/Toronto",
    "America/Vancouver",
    "America/Edmonton",
    "America/Winnipeg",
    "America/Halifax",
    "America/Regina",
    "America/St_Johns",
];

/// The `n`-th `weekday` of a month; −1 is the last.
pub fn nth_weekday(year: i32, month: u32, weekday: Weekday, n: i32) -> Option<NaiveDate> {
    match n {
        -4..=-1 => {
            let last = last_of_month(year, month)?;
            let weeks = u64::from(n.unsigned_abs() - 1);
            last.checked_sub_days(Days::new(u64::from(last.weekday().days_since(weekday)) + 7 * weeks))
        }
        1..=5 => NaiveDate::from_weekday_of_month_opt(year, month, weekday, u8::try_from(n).ok()?),
        _ => None,
    }
}

/// The last day of a month.
pub fn last_of_month(year: i32, month: u32) -> Option<NaiveDate> {
    let (year, month) = if month == 12 { (year.checked_add(1)?, 1) } else { (year, month + 1) };
    NaiveDate::from_ymd_opt(year, month, 1)?.pred_opt()
}

/// Gregorian Easter Sunday (the anonymous algorithm, Meeus 1991).
fn easter(year: i32) -> Option<NaiveDate> {
    let (a, b, c) = (year % 19, year / 100, year % 100);
    let (d, e) = (b / 4, b % 4);
    let g = (8 * b + 13) / 25;
    let h = (19 * a + b - d - g + 15) % 30;
    let (i, k) = (c / 4, c % 4);
    let l = (32 + 2 * e + 2 * i - h - k) % 7;
    let m = (a + 11 * h + 22 * l) / 451;
    let n = h + l - 7 * m + 114;
    NaiveDate::from_ymd_opt(year, u32::try_from(n / 31).ok()?, u32::try_from(n % 31 + 1).ok()?)
}

/// Julian Easter Sunday in the Gregorian calendar (Meeus 1991); the calendars differ by 13 days until 2100.
fn pascha(year: i32) -> Option<NaiveDate> {
    let d = (19 * (year % 19) + 15) % 30;
    let e = (2 * (year % 4) + 4 * (year % 7) - d + 34) % 7;
    let n = d + e + 114;
    NaiveDate::from_ymd_opt(year, u32::try_from(n / 31).ok()?, u32::try_from(n % 31 + 1).ok()?)?
        .checked_add_days(Days::new(13))
}
