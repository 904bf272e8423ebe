//! Time phrases that other projects published, scored: exact, none and wrong apart, per language.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::{collections::BTreeMap, fs, path::Path, sync::LazyLock};

use chrono::{DateTime, Datelike, FixedOffset, NaiveDateTime, Timelike, Utc};
use chrono_tz::Tz;
use regex::Regex;
use serde_json::Value;
use steward_language::{
    DateOrder, Language,
    time::{Meaning, PartsOfDay, TimeContext, parse},
};

struct Row {
    text: String,
    language: Language,
    written_at: DateTime<Utc>,
    zone: Tz,
    expected: NaiveDateTime,
    compare: String,
    /// Depends on a choice that libraries make differently.
    policy: bool,
}

#[derive(Default)]
struct Score {
    exact: u32,
    none: u32,
    wrong: u32,
}

fn fixture(name: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/time").join(name);
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// An ISO time with or without an offset.
fn iso(text: &str) -> (NaiveDateTime, Option<FixedOffset>) {
    match DateTime::parse_from_rfc3339(text) {
        Ok(at) => (at.naive_local(), Some(*at.offset())),
        Err(_) => (text.parse().unwrap(), None),
    }
}

fn zone_of(offset: Option<FixedOffset>) -> Option<Tz> {
    let seconds = offset.map_or(0, |o| o.local_minus_utc());
    match seconds / 3600 {
        0 if seconds == 0 => Some(Tz::UTC),
        hours if seconds % 3600 == 0 => {
            format!("Etc/GMT{}{}", if hours > 0 { '-' } else { '+' }, hours.abs()).parse().ok()
        }
        _ => None,
    }
}

/// The rows that are one instant ahead of their writing, within two years; what depends on a policy is marked.
fn rows(language: Language) -> Vec<Row> {
    let bare_number = Regex::new(r"\d|las |at |в ").unwrap();
    let says_half_of_day = Regex::new(r"(?i)\b[ap] ?\.?m\b|[ap]\.m|\d\d?[:.h]\d\d|утр|вечер|дня|ноч|час|мин|сек|morning|evening|night|noon|afternoon|mañana|tarde|noche|medio|in |hour|minut|second|hora|segund|now|ahora").unwrap();
    let digit = Regex::new(r"\d").unwrap();
    let compares = ["year", "quarter", "month", "week", "day", "date", "hour", "minute", "second"];
    let mut rows = Vec::new();
    for row in fixture(&format!("{language}.jsonl")) {
        let Some(expected) = row["expected"].as_str() else { continue };
        let text = row["text"].as_str().unwrap().to_owned();
        let (wall, offset) = iso(row["ref"].as_str().unwrap());
        let expected = match iso(expected) {
            (local, Some(own)) => {
                local - chrono::Duration::seconds(i64::from(own.local_minus_utc()))
                    + chrono::Duration::seconds(i64::from(offset.map_or(0, |o| o.local_minus_utc())))
            }
            (local, None) => local,
        };
        let mut compare = row["compare"].as_str().unwrap().to_owned();
        let is_instant = row["kind"].as_str().is_none_or(|kind| kind == "instant");
        let in_reach = expected > wall && (expected - wall).num_days() <= 730;
        let (true, true, Some(zone), true) =
            (is_instant, in_reach, zone_of(offset), compares.contains(&compare.as_str()))
        else {
            continue;
        };
        let mut policy = row["policy"].as_array().is_some_and(|p| !p.is_empty());
        let of_clock = matches!(compare.as_str(), "hour" | "minute" | "second");
        policy |= (1..=12).contains(&expected.hour())
            && of_clock
            && bare_number.is_match(&text)
            && !says_half_of_day.is_match(&text);
        if let Some(delta) = row["expected_delta"].as_object()
            && !["hours", "minutes", "seconds"].iter().any(|unit| delta.contains_key(*unit))
        {
            compare = "date".to_owned();
        }
        policy |= is_asked_by_policy(&text, wall, expected);
        policy |= (expected.hour(), expected.minute(), expected.second()) == (23, 59, 59);
        policy |= row["grain"] == "month" && !digit.is_match(&text);
        let written_at =
            (wall - chrono::Duration::seconds(i64::from(offset.map_or(0, |o| o.local_minus_utc())))).and_utc();
        rows.push(Row { text, language, written_at, zone, expected, compare, policy });
    }
    rows
}

static BARE_MONTH: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)^((in |в |en )?(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|янв|фев|мар|апр|ма[йя]|июн|июл|авг|сен|окт|ноя|дек|ene|abr|ago|dic)[a-zа-я]*\.?( \d{4})?|\d?\d/\d{4})$").unwrap()
});
static DEADLINE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?i)\b(before|by|up to|until|antes de las|hasta las) \d").unwrap());
static WEEKDAY: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)\b(?:(mon|lunes)|(tue|martes)|(wed|mi[eé]rcoles)|(thu|jueves)|(fri|viernes)|(sat|s[aá]bado)|(sun|domingo))").unwrap()
});
static OF_A_WEEK: LazyLock<Regex> = LazyLock::new(|| Regex::new("(?i)week|semana").unwrap());
static TOMORROW: LazyLock<Regex> = LazyLock::new(|| Regex::new("(?i)tomorrow|mañana|завтра").unwrap());

/// What the policy asks about although a library takes it for one time: a month without a day, a deadline by the clock, a weekday
/// that is not the date's, "tomorrow" after midnight, seconds too few to promise.
fn is_asked_by_policy(text: &str, wall: NaiveDateTime, expected: NaiveDateTime) -> bool {
    let weekday =
        WEEKDAY.captures(text).filter(|_| text.contains(|c: char| c.is_ascii_digit()) && !OF_A_WEEK.is_match(text));
    let named = weekday.and_then(|found| (0..7).find(|day| found.get(day + 1).is_some()));
    BARE_MONTH.is_match(text)
        || DEADLINE.is_match(text)
        || named.is_some_and(|day| day != expected.weekday().num_days_from_monday() as usize)
        || TOMORROW.is_match(text) && wall.hour() < 4 && wall.time() != chrono::NaiveTime::MIN
        || expected - wall < chrono::Duration::seconds(5)
}

fn context(language: Language, written_at: DateTime<Utc>, zone: Tz) -> TimeContext {
    TimeContext {
        written_at,
        zone,
        language,
        date_order: DateOrder::MonthFirst,
        followup_hour: 10,
        parts_of_day: PartsOfDay::default(),
    }
}

/// Whether the times agree as far as the row's source is to be trusted.
fn same(a: NaiveDateTime, b: NaiveDateTime, compare: &str) -> bool {
    let shared = match compare {
        "year" => 4,
        "quarter" | "month" => 7,
        "week" => return a.iso_week() == b.iso_week(),
        "day" | "date" => 10,
        "hour" => 13,
        "minute" => 16,
        _ => 19,
    };
    let text = |t: NaiveDateTime| t.format("%Y-%m-%dT%H:%M:%S").to_string()[..shared].to_owned();
    text(a) == text(b)
}

#[test]
fn published_phrases_are_read_exactly_or_not_at_all() {
    let mut scores: BTreeMap<(&str, bool), Score> = BTreeMap::new();
    for row in [Language::Ru, Language::Es, Language::En].into_iter().flat_map(rows) {
        let score = scores.entry((row.language.code(), row.policy)).or_default();
        let mark = if row.policy { "*" } else { " " };
        match parse(&row.text, &context(row.language, row.written_at, row.zone)) {
            Meaning::Instant(moment) => {
                let local = moment.at.with_timezone(&row.zone).naive_local();
                if same(local, row.expected, &row.compare) {
                    score.exact += 1;
                } else {
                    score.wrong += 1;
                    println!(
                        "WRONG{mark} {} {:?} at {}: want {}, got {local} ({})",
                        row.language, row.text, row.written_at, row.expected, moment.rule
                    );
                }
            }
            other => {
                score.none += 1;
                println!(
                    "none {mark} {} {:?} at {}: want {}, got {}",
                    row.language,
                    row.text,
                    row.written_at,
                    row.expected,
                    brief(&other)
                );
            }
        }
    }
    let negatives = fixture("negative.jsonl");
    let written_at: DateTime<Utc> = "2026-11-21T09:00:00Z".parse().unwrap();
    let mut taken = 0;
    for row in &negatives {
        let (text, language) = (row["text"].as_str().unwrap(), row["lang"].as_str().unwrap().parse().unwrap());
        if let Meaning::Instant(moment) = parse(text, &context(language, written_at, Tz::UTC)) {
            taken += 1;
            println!("NEGATIVE {text:?} taken for {} ({})", moment.at, moment.rule);
        }
    }
    for ((language, policy), score) in &scores {
        let total = score.exact + score.none + score.wrong;
        let percent = f64::from(score.exact) * 100.0 / f64::from(total);
        let what = if *policy { "by policy" } else { "plain" };
        println!(
            "{language} {what:9} {:3}/{total:3} exact ({percent:.1} %), {} none, {} wrong",
            score.exact, score.none, score.wrong
        );
    }
    println!("negatives taken for a time: {taken}/{}", negatives.len());
    for ((language, _), score) in scores.iter().filter(|((_, policy), _)| !policy) {
        let total = score.exact + score.none + score.wrong;
        assert!(score.exact * 10 >= total * 9, "{language}: {} of {total} exact, want nine in ten", score.exact);
        assert!(
            score.wrong * 100 <= total,
            "{language}: {} of {total} wrong, at most one in a hundred may be",
            score.wrong
        );
    }
    assert!(taken * 50 <= negatives.len(), "{taken} of {} that are no time were taken for one", negatives.len());
}

fn brief(meaning: &Meaning) -> String {
    match meaning {
        Meaning::Instant(m) => format!("{} ({})", m.at, m.rule),
        Meaning::Ambiguous { rule, readings, .. } => format!("ambiguous ({rule}, {} readings)", readings.len()),
        Meaning::Past(m) => format!("past {} ({})", m.at, m.rule),
        Meaning::TooFar(m) => format!("too far {} ({})", m.at, m.rule),
        Meaning::None => "none".to_owned(),
    }
}
