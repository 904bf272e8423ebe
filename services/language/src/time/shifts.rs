//! The arithmetic of lengths: calendar units keep the clock time, hours and less are real time.

use chrono::{Datelike, Days, Duration, Months, NaiveDateTime, Weekday};

use super::{
    Grain,
    phrase::{Shift, Unit},
};

/// A bound on lengths counted in milliseconds: a thousand years.
pub const MOST_MILLISECONDS: i64 = 1000 * 366 * 24 * 3600 * 1000;
/// A bound on lengths counted on the calendar.
const MOST_UNITS: i64 = 1_000_000;

/// Units whose fractions are counted in time rather than on the calendar.
pub fn is_exact(unit: Unit) -> bool {
    unit.is_clock()
}

/// What of an amount is counted in milliseconds: all of clock units, the fractions of days and weeks.
pub fn milliseconds(amount: i64, unit: Unit) -> i64 {
    let (amount, unit_ms) = match unit {
        Unit::Second => (amount, 1000),
        Unit::Minute => (amount, 60_000),
        Unit::Hour => (amount, 3_600_000),
        Unit::Day => (amount % 1000, 24 * 3_600_000),
        _ => return 0,
    };
    amount.saturating_mul(unit_ms) / 1000
}

/// The grain of a length that has hours or less.
pub fn finest(shift: &Shift) -> Grain {
    let has = |unit| shift.amounts.iter().any(|(_, u)| *u == unit);
    if has(Unit::Second) {
        Grain::Second
    } else if has(Unit::Minute) || has(Unit::Hour) {
        Grain::Minute
    } else {
        Grain::Hour
    }
}

/// The whole calendar units of `shift` after `from`; a month's end is clamped.
pub fn days_after(from: NaiveDateTime, shift: &Shift, counts: impl Fn(Unit) -> bool) -> Option<NaiveDateTime> {
    let mut at = from;
    for (amount, unit) in &shift.amounts {
        if !counts(*unit) {
            continue;
        }
        let whole = (amount / 1000).min(MOST_UNITS);
        let months = |per_unit: i64| u32::try_from((amount * per_unit / 1000).min(MOST_UNITS)).ok().map(Months::new);
        at = match unit {
            Unit::Day => at.checked_add_signed(Duration::try_days(whole)?)?,
            // a week and a half is eleven days
            Unit::Week => at.checked_add_signed(Duration::try_days(
                (amount.min(&(MOST_UNITS * 1000)) * 7 + 500).div_euclid(1000),
            )?)?,
            Unit::BusinessDay => business_days_after(at, whole)?,
            Unit::Month => {
                let half = Duration::try_days(amount % 1000 * 30 / 1000)?;
                at.checked_add_months(months(1)?)?.checked_add_signed(half)?
            }
            Unit::Quarter => at.checked_add_months(months(3)?)?,
            Unit::Year => at.checked_add_months(months(12)?)?,
            Unit::Second | Unit::Minute | Unit::Hour => at,
        };
    }
    Some(at)
}

fn business_days_after(from: NaiveDateTime, days: i64) -> Option<NaiveDateTime> {
    let mut at = from;
    let mut left = days.min(10_000);
    while left > 0 {
        if left >= 5 && !matches!(at.weekday(), Weekday::Sat | Weekday::Sun) {
            at = at.checked_add_signed(Duration::try_weeks(left / 5)?)?;
            left %= 5;
            continue;
        }
        at = at.checked_add_days(Days::new(1))?;
        if !matches!(at.weekday(), Weekday::Sat | Weekday::Sun) {
            left -= 1;
        }
    }
    Some(at)
}
