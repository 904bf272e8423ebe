//! What the tests of truth are given: a client in Madrid on Wednesday, 18 November 2026, 09:00.

use std::{fs, path::Path};

use chrono::{DateTime, NaiveDateTime, TimeZone as _, Utc};
use chrono_tz::{Europe::Madrid, Tz};
use steward_agent_brain::truth::{Backed, Backing};
use steward_language::Language;

pub const ZONE: Tz = Madrid;

/// A local time in Madrid.
pub fn at(local: &str) -> DateTime<Utc> {
    let naive: NaiveDateTime = format!("{local}:00").parse().expect("a local time");
    ZONE.from_local_datetime(&naive).single().expect("no clock change then").to_utc()
}

pub fn nothing(language: Language) -> Backing {
    Backing::none(at("2026-11-18T09:00"), ZONE, language)
}

/// A line of a table.
pub struct Row {
    /// Of the finding, in the tables of lies.
    pub kind: Option<String>,
    pub backing: Backing,
    pub reply: String,
}

/// The rows of a table in all languages.
pub fn rows(table: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    for &language in Language::ALL {
        let path = format!("tests/fixtures/truth/{table}.{language}.txt");
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("the table");
        rows.extend(text.lines().filter(|line| !line.trim().is_empty()).map(|line| row(line, language)));
    }
    rows
}

fn row(line: &str, language: Language) -> Row {
    let (given, reply) = line.split_once(" => ").unwrap_or_else(|| panic!("no reply: {line}"));
    let (given, known) = given.split_once('|').unwrap_or((given, ""));
    let mut backing = nothing(language);
    let mut kind = None;
    for word in given.split_whitespace() {
        let one = |local: &str| Backed::new(at(local), "", "1");
        match word.split_once('=') {
            Some(("p", local)) => backing.promised.push(one(local)),
            Some(("m", local)) => backing.moved.push(one(local)),
            Some(("c", local)) => backing.cancelled.push(one(local)),
            Some(("b", local)) => backing.booked.push(one(local)),
            _ => match word {
                "-" => {}
                "human" => backing.handed_off = true,
                "remembered" => backing.remembered = true,
                "goals" => backing.goals = true,
                other => kind = Some(other.to_owned()),
            },
        }
    }
    if !known.trim().is_empty() {
        backing.known_texts.push(known.trim().to_owned());
    }
    Row { kind, backing, reply: reply.replace("\\n", "\n") }
}
