//! Phrases as people write them, each with its meaning worked out by hand: never another time, seldom unread.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::{fs, path::Path};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use steward_language::{
    DateOrder, Language,
    time::{Meaning, PartsOfDay, TimeContext, parse},
};

/// Wednesday 18 November 2026, 12:30 in Madrid.
const WRITTEN: &str = "2026-11-18T12:30:00+01:00";

/// `text | expected`, where a time is expected or, by name, that none is promised: asked about, past, none.
fn check(language: Language) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/time/people/{language}.txt"));
    let written_at: DateTime<Utc> = DateTime::parse_from_rfc3339(WRITTEN).unwrap().to_utc();
    let context = TimeContext {
        written_at,
        zone: Tz::Europe__Madrid,
        language,
        date_order: DateOrder::MonthFirst,
        followup_hour: 10,
        parts_of_day: PartsOfDay::default(),
    };
    let (mut all, mut unread, mut wrong) = (0, Vec::new(), Vec::new());
    for line in fs::read_to_string(path).unwrap().lines() {
        let (text, expected) = line.rsplit_once(" | ").unwrap();
        let got = match parse(text, &context) {
            Meaning::Instant(moment) => {
                Some(moment.at.with_timezone(&context.zone).format("%Y-%m-%d %H:%M").to_string())
            }
            _ => None,
        };
        let promises = expected.starts_with("20");
        all += 1;
        match got {
            Some(time) if !promises || time != expected => wrong.push(format!("{text:?}: want {expected}, got {time}")),
            None if promises => unread.push(format!("{text:?}: want {expected}")),
            _ => {}
        }
    }
    println!("{language}: {all} phrases, {} unread, {} wrong\n{}", unread.len(), wrong.len(), unread.join("\n"));
    assert!(wrong.is_empty(), "{language}: read as another time:\n{}", wrong.join("\n"));
    assert!(unread.len() * 20 <= all, "{language}: {} of {all} unread", unread.len());
}

#[test]
fn english_phrases_as_people_write_them() {
    check(Language::En);
}

#[test]
fn spanish_phrases_as_people_write_them() {
    check(Language::Es);
}

#[test]
fn russian_phrases_as_people_write_them() {
    check(Language::Ru);
}
