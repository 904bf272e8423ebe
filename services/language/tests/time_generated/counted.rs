//! Times counted from another: a clock from a clock, a weekday from a date, the clock of another place, the first hour of a range.

use chrono::{DateTime, Datelike, Days, Duration, NaiveDate, NaiveDateTime, TimeZone, Utc, Weekday};
use chrono_tz::Tz;

use crate::{Book, FOLLOWUP, Now, ZONE, by_day, clock};

/// How a language says it; the pieces are put in by the functions.
pub struct Words {
    /// Lengths, in minutes.
    pub lengths: &'static [(&'static str, i64)],
    /// Tomorrow, so long before, or behind, a clock such as `17:00`.
    pub before: fn(&str, &str) -> String,
    pub behind: fn(&str, &str) -> String,
    /// A weekday by its number from Monday (the n-th of them, from 1) behind, or before, a day of a month.
    pub weekday_behind: fn(usize, usize, (u32, u32)) -> String,
    pub weekday_before: fn(usize, (u32, u32)) -> String,
    /// Ways to name the clock of a place.
    pub places: &'static [(&'static str, Tz)],
    /// Tomorrow at that clock there.
    pub there: fn(&str, &str) -> String,
    /// Tomorrow from one hour to another.
    pub range: &'static [fn(u32, u32) -> String],
}

const WEEKDAYS: [Weekday; 7] =
    [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri, Weekday::Sat, Weekday::Sun];
const DATES: [(u32, u32); 6] = [(1, 5), (2, 14), (4, 21), (6, 30), (9, 3), (12, 8)];

/// The n-th such weekday behind `date`, or before it, by walking.
fn walked(date: NaiveDate, weekday: Weekday, n: usize, behind: bool) -> NaiveDate {
    let step = |by: u64| if behind { date + Days::new(by) } else { date - Days::new(by) };
    (1..=50).map(step).filter(|day| day.weekday() == weekday).nth(n - 1).unwrap()
}

/// The first of those counted from this day of a month, of last year's or of a later one, that is ahead.
fn counted(now: Now, (month, day): (u32, u32), weekday: Weekday, n: usize, behind: bool) -> NaiveDate {
    let next = now.date(month, day);
    let last = NaiveDate::from_ymd_opt(next.year() - 1, month, day).unwrap();
    let of = |date| walked(date, weekday, n, behind);
    if of(last) > now.today() { of(last) } else { of(next) }
}

/// What Madrid's clock shows when that of the place shows `local`.
fn at_home(place: Tz, local: NaiveDateTime) -> NaiveDateTime {
    let at: DateTime<Utc> = place.from_local_datetime(&local).earliest().unwrap().to_utc();
    at.with_timezone(&ZONE).naive_local()
}

pub fn make(book: &mut Book, words: &Words) {
    let now = book.now;
    let tomorrow = now.day(1);
    for (length, minutes) in words.lengths {
        for hour in 12..=20 {
            for minute in [0, 30] {
                let from = tomorrow.and_time(clock(hour, minute));
                let said = format!("{hour}:{minute:02}");
                book.add("clock before a clock", (words.before)(length, &said), from - Duration::minutes(*minutes));
                book.add("clock behind a clock", (words.behind)(length, &said), from + Duration::minutes(*minutes));
            }
        }
    }
    for (index, weekday) in WEEKDAYS.into_iter().enumerate() {
        for date in DATES {
            for n in 1..=3 {
                let day = counted(now, date, weekday, n, true);
                let text = (words.weekday_behind)(index, n, date);
                book.add("weekday behind a date", text, day.and_time(clock(FOLLOWUP, 0)));
            }
            let day = counted(now, date, weekday, 1, false);
            book.add("weekday before a date", (words.weekday_before)(index, date), day.and_time(clock(FOLLOWUP, 0)));
        }
    }
    let written = ZONE.from_local_datetime(&now.0).unwrap();
    // where it is another day already, "tomorrow" is asked about
    let same_day = |place: &Tz| written.with_timezone(place).date_naive() == now.today();
    for (place, zone) in words.places.iter().filter(|(_, zone)| same_day(zone)) {
        for hour in 8..=20 {
            for minute in [0, 30] {
                let text = (words.there)(&format!("{hour}:{minute:02}"), place);
                book.add("clock of a place", text, at_home(*zone, tomorrow.and_time(clock(hour, minute))));
            }
        }
    }
    for range in words.range {
        for from in 1..=10 {
            for to in from + 1..=11 {
                book.add("range of hours", range(from, to), tomorrow.and_time(clock(by_day(from), 0)));
            }
        }
    }
}
