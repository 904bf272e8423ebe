//! Phrases made by rule: templates × numbers × units × prefixes × punctuation, in every language. What each means is computed here
//! from the template's own numbers, never by the parser.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod counted;
mod en;
mod es;
mod leftovers;
mod ru;

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, Days, Duration, Months, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Utc, Weekday};
use chrono_tz::Tz;
use steward_language::{
    DateOrder, Language,
    time::{Meaning, PartsOfDay, TimeContext, parse},
};

/// Moments of writing, by the clock of Madrid: a Wednesday noon, the last evening of a year, the day before the clocks go forward.
const WRITTEN: [&str; 3] = ["2026-11-18T12:30:00", "2026-12-31T21:45:00", "2027-03-27T09:10:00"];
const ZONE: Tz = Tz::Europe__Madrid;

/// At the further moments one phrase in so many is read.
const THINNED: usize = 7;

/// The local hour of a bare day.
pub const FOLLOWUP: u32 = 10;

/// When a phrase was written, for the templates' own arithmetic.
#[derive(Clone, Copy)]
pub struct Now(pub NaiveDateTime);

impl Now {
    pub fn today(self) -> NaiveDate {
        self.0.date()
    }

    pub fn day(self, ahead: u64) -> NaiveDate {
        self.today().checked_add_days(Days::new(ahead)).unwrap()
    }

    /// The nearest such weekday strictly after today.
    pub fn weekday(self, weekday: Weekday) -> NaiveDate {
        (1..=7).map(|ahead| self.day(ahead)).find(|day| day.weekday() == weekday).unwrap()
    }

    /// Real hours and minutes later, by the wall clock.
    pub fn later(self, hours: i64, minutes: i64) -> NaiveDateTime {
        let at = ZONE.from_local_datetime(&self.0).unwrap() + Duration::hours(hours) + Duration::minutes(minutes);
        at.naive_local()
    }

    pub fn months(self, months: u32) -> NaiveDate {
        self.today().checked_add_months(Months::new(months)).unwrap()
    }

    /// The next such day of a month that is ahead at `time`.
    pub fn day_of_month(self, day: u32, time: NaiveTime) -> NaiveDate {
        let first = self.today().with_day(1).unwrap();
        (0..5)
            .filter_map(|months| first.checked_add_months(Months::new(months))?.with_day(day))
            .find(|date| date.and_time(time) > self.0)
            .unwrap()
    }

    /// That day of the month so many months ahead.
    pub fn of_month(self, day: u32, ahead: u32) -> NaiveDate {
        let first = self.today().with_day(1).unwrap();
        first.checked_add_months(Months::new(ahead)).unwrap().with_day(day).unwrap()
    }

    /// The next such day of a year.
    pub fn date(self, month: u32, day: u32) -> NaiveDate {
        (0..2)
            .filter_map(|years| NaiveDate::from_ymd_opt(self.today().year() + years, month, day))
            .find(|date| *date >= self.today())
            .unwrap()
    }
}

pub fn clock(hour: u32, minute: u32) -> NaiveTime {
    NaiveTime::from_hms_opt(hour, minute, 0).unwrap()
}

/// What an hour of a twelve-hour face means by policy: one to seven are of the afternoon.
pub fn by_day(hour: u32) -> u32 {
    if (1..=7).contains(&hour) { hour + 12 } else { hour }
}

/// A made phrase: its kind, its words, the local time it means.
pub struct Made {
    pub kind: &'static str,
    pub text: String,
    pub at: NaiveDateTime,
}

/// The phrases of one moment of writing.
pub struct Book {
    pub now: Now,
    pub made: Vec<Made>,
}

impl Book {
    pub fn add(&mut self, kind: &'static str, text: impl Into<String>, at: NaiveDateTime) {
        self.made.push(Made { kind, text: text.into(), at });
    }
}

pub fn context(language: Language, written: NaiveDateTime) -> TimeContext {
    let written_at: DateTime<Utc> = ZONE.from_local_datetime(&written).unwrap().to_utc();
    TimeContext {
        written_at,
        zone: ZONE,
        language,
        date_order: DateOrder::MonthFirst,
        followup_hour: FOLLOWUP,
        parts_of_day: PartsOfDay::default(),
    }
}

/// The first instant at which Madrid's clock shows `local` or, in the spring gap, what comes right after it.
fn instant(local: NaiveDateTime) -> DateTime<Utc> {
    let shown = |minutes: i64| ZONE.from_local_datetime(&(local + Duration::minutes(minutes))).earliest();
    (0..120).find_map(shown).unwrap().to_utc()
}

#[derive(Default)]
struct Score {
    exact: usize,
    unread: Vec<String>,
    wrong: Vec<String>,
}

fn check(language: Language, make: impl Fn(&mut Book), around: &[(&str, &str)]) {
    let mut scores: BTreeMap<&str, Score> = BTreeMap::new();
    for written in WRITTEN {
        let now = Now(written.parse().unwrap());
        let context = context(language, now.0);
        let mut book = Book { now, made: Vec::new() };
        make(&mut book);
        for (number, made) in
            book.made.iter().enumerate().filter(|(number, _)| number % THINNED == 0 || written == WRITTEN[0])
        {
            let expected = instant(made.at);
            if expected < context.written_at + Duration::seconds(5) {
                continue;
            }
            // every phrase bare and in one of the surroundings, in turn
            let (before, after) = around[number % around.len()];
            for text in [made.text.clone(), format!("{before}{}{after}", made.text)] {
                let score = scores.entry(made.kind).or_default();
                match parse(&text, &context) {
                    Meaning::Instant(moment) if moment.at == expected => score.exact += 1,
                    Meaning::Instant(moment) => score.wrong.push(format!(
                        "{text:?} at {written}: want {}, got {} ({})",
                        made.at,
                        moment.at.with_timezone(&ZONE).naive_local(),
                        moment.rule
                    )),
                    other => score.unread.push(format!("{text:?} at {written}: want {}, got {other:?}", made.at)),
                }
            }
        }
    }
    let mut wrong = Vec::new();
    for (kind, score) in &scores {
        let all = score.exact + score.unread.len() + score.wrong.len();
        println!(
            "{language} {kind}: {all} made, {} exact, {} unread, {} wrong",
            score.exact,
            score.unread.len(),
            score.wrong.len()
        );
        score.unread.iter().take(4).for_each(|line| println!("  unread {line}"));
        wrong.extend(score.wrong.iter().take(12).cloned());
        if score.exact * 100 < all * 97 {
            wrong.push(format!("{kind}: only {} of {all} read", score.exact));
        }
    }
    assert!(wrong.is_empty(), "{language}: read as another time:\n{}", wrong.join("\n"));
}

#[test]
fn english_phrases_made_by_rule_are_never_read_as_another_time() {
    check(Language::En, en::make, &en::AROUND);
}

#[test]
fn spanish_phrases_made_by_rule_are_never_read_as_another_time() {
    check(Language::Es, es::make, &es::AROUND);
}

#[test]
fn russian_phrases_made_by_rule_are_never_read_as_another_time() {
    check(Language::Ru, ru::make, &ru::AROUND);
}
