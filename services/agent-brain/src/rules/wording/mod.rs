//! What the rules say, in the client's language: one file per language, one place that chooses.

mod en;
mod es;
mod ru;

use chrono::{DateTime, Datelike};
use chrono_tz::Tz;
use steward_language::{Language, understanding::Intent};

use super::book::name;
use crate::brain::Promise;

/// Promises that one sentence names, at most; of more it says how many.
const LISTED: usize = 20;

/// A promise as it is spoken of.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub intent: Intent,
    /// Due, in the contact's zone.
    pub when: DateTime<Tz>,
    /// Say the seconds too.
    pub seconds: bool,
    /// What it is about; may be empty.
    pub topic: String,
}

impl Item {
    /// `seconds` asks for seconds if the time has any.
    pub fn new(promise: &Promise, zone: Tz, seconds: bool) -> Self {
        let intent = if promise.intention == name(Intent::Remind) { Intent::Remind } else { Intent::Write };
        Self { intent, when: promise.due_at.with_timezone(&zone), seconds, topic: topic_of(&promise.text) }
    }
}

/// A language's sentences. `when` texts are ready to stand behind a verb ("сегодня в 14:32").
trait Wording: Sync {
    fn when(&self, at: &DateTime<Tz>, now: &DateTime<Tz>, seconds: bool) -> String;
    /// "напишу", "to write to you": what is promised, without the time. `will`: as a promise, else as an infinitive.
    fn verb(&self, intent: Intent, will: bool) -> &'static str;
    fn and(&self) -> &'static str;
    fn or(&self) -> &'static str;
    fn confirmed(&self, intent: Intent, when: &str) -> String;
    fn due_already(&self, intent: Intent, when: &str) -> String;
    fn moved(&self, what: &str) -> String;
    fn kept(&self, what: &str) -> String;
    fn others_kept(&self, what: &str) -> String;
    fn lost(&self, what: &str) -> String;
    fn cancelled(&self, what: &str) -> String;
    fn promises(&self, what: &[String]) -> String;
    fn no_promises(&self) -> &'static str;
    fn not_there(&self, what: &str) -> String;
    fn which_to_cancel(&self, what: &str) -> String;
    fn which_to_move(&self, what: &str) -> String;
    fn ask_when(&self, intent: Intent) -> &'static str;
    fn which_time(&self, readings: &str, intent: Intent) -> String;
    fn loose_time(&self, intent: Intent) -> &'static str;
    fn already_past(&self, when: &str) -> String;
    fn too_far(&self) -> &'static str;
    fn only_once(&self) -> &'static str;
    fn person_called(&self) -> &'static str;
    fn no_model(&self) -> &'static str;
    /// "and 12 more": what a list leaves out.
    fn more(&self, count: usize) -> String;
    fn too_many(&self) -> &'static str;
    fn read_in_part(&self) -> &'static str;
    fn failed(&self) -> &'static str;
    /// What stands on the buttons below a confirmation: keep it, cancel it, a day later. At most 20 characters each.
    fn buttons(&self) -> [&'static str; 3];
    /// What is sent when a promise is due.
    fn message(&self, intent: Intent, topic: &str) -> String;
    /// What stands before and after the topic in those messages.
    fn frames(&self) -> &'static [(&'static str, &'static str)];
}

fn wording(language: Language) -> &'static dyn Wording {
    match language {
        Language::Ru => &ru::Russian,
        Language::Es => &es::Spanish,
        Language::En => &en::English,
    }
}

/// The topic inside one of our own messages; another text as it is.
fn topic_of(text: &str) -> String {
    for language in [Language::Ru, Language::Es, Language::En] {
        let words = wording(language);
        if [Intent::Write, Intent::Remind].iter().any(|&intent| words.message(intent, "") == text) {
            return String::new();
        }
        for (before, after) in words.frames() {
            if let Some(topic) = text.strip_prefix(before).and_then(|rest| rest.strip_suffix(after)) {
                return topic.to_owned();
            }
        }
    }
    text.to_owned()
}

/// Speaks one language at one moment.
pub(super) struct Voice {
    pub language: Language,
    pub now: DateTime<Tz>,
}

impl Voice {
    fn words(&self) -> &'static dyn Wording {
        wording(self.language)
    }

    fn when_of(&self, item: &Item) -> String {
        self.words().when(&item.when, &self.now, item.seconds)
    }

    /// "написать сегодня в 14:32 (про договор)".
    fn one(&self, item: &Item, will: bool) -> String {
        let head = format!("{} {}", self.words().verb(item.intent, will), self.when_of(item));
        if item.topic.is_empty() { head } else { format!("{head} ({})", item.topic) }
    }

    /// The first of these, put in words, and how many more there are.
    fn some(&self, items: &[Item], will: bool) -> Vec<String> {
        let mut parts: Vec<String> = items.iter().take(LISTED).map(|i| self.one(i, will)).collect();
        if items.len() > LISTED {
            parts.push(self.words().more(items.len() - LISTED));
        }
        parts
    }

    fn joined(&self, parts: &[String], last: &str) -> String {
        match parts {
            [] => String::new(),
            [only] => only.clone(),
            [first @ .., end] => format!("{} {last} {end}", first.join(", ")),
        }
    }

    fn all(&self, items: &[Item], will: bool) -> String {
        let parts = self.some(items, will);
        if items.len() > LISTED { parts.join(", ") } else { self.joined(&parts, self.words().and()) }
    }

    fn any(&self, items: &[Item]) -> String {
        self.joined(&self.some(items, false), self.words().or())
    }

    pub fn confirmed(&self, item: &Item) -> String {
        let when = self.when_of(item);
        if item.when <= self.now {
            self.words().due_already(item.intent, &when)
        } else {
            self.words().confirmed(item.intent, &when)
        }
    }

    pub fn moved(&self, item: &Item) -> String {
        self.words().moved(&self.one(item, true))
    }

    pub fn kept(&self, items: &[Item]) -> String {
        self.words().kept(&self.all(items, true))
    }

    pub fn others_kept(&self, items: &[Item]) -> String {
        self.words().others_kept(&self.all(items, true))
    }

    pub fn lost(&self, items: &[Item]) -> String {
        self.words().lost(&self.all(items, false))
    }

    pub fn cancelled(&self, items: &[Item]) -> String {
        self.words().cancelled(&self.all(items, false))
    }

    pub fn promises(&self, items: &[Item]) -> String {
        self.words().promises(&self.some(items, true))
    }

    pub fn no_promises(&self) -> String {
        self.words().no_promises().to_owned()
    }

    pub fn not_there(&self, items: &[Item]) -> String {
        self.words().not_there(&self.all(items, false))
    }

    pub fn which_to_cancel(&self, items: &[Item]) -> String {
        self.words().which_to_cancel(&self.any(items))
    }

    pub fn which_to_move(&self, items: &[Item]) -> String {
        self.words().which_to_move(&self.any(items))
    }

    pub fn when(&self, intent: Intent) -> String {
        self.words().ask_when(intent).to_owned()
    }

    /// Names the readings of an ambiguous time; with fewer than two, asks for an exact one.
    pub fn which_time(&self, readings: &[DateTime<Tz>], intent: Intent) -> String {
        let mut named: Vec<String> = readings.iter().map(|at| self.words().when(at, &self.now, false)).collect();
        named.dedup();
        named.truncate(LISTED);
        if named.len() < 2 {
            return self.words().loose_time(intent).to_owned();
        }
        self.words().which_time(&self.joined(&named, self.words().or()), intent)
    }

    pub fn already_past(&self, at: DateTime<Tz>) -> String {
        self.words().already_past(&self.words().when(&at, &self.now, false))
    }

    pub fn too_far(&self) -> String {
        self.words().too_far().to_owned()
    }

    pub fn only_once(&self) -> String {
        self.words().only_once().to_owned()
    }

    pub fn person_called(&self) -> String {
        self.words().person_called().to_owned()
    }

    /// "Напоминаю: Демо, завтра в 15:00".
    pub fn meeting(&self, title: &str, starts_at: DateTime<Tz>) -> String {
        let when = self.words().when(&starts_at, &self.now, false);
        let what = if title.trim().is_empty() { when } else { format!("{}, {when}", title.trim()) };
        self.words().message(Intent::Remind, &what)
    }

    pub fn no_model(&self) -> String {
        self.words().no_model().to_owned()
    }

    pub fn too_many(&self) -> String {
        self.words().too_many().to_owned()
    }

    pub fn read_in_part(&self) -> String {
        self.words().read_in_part().to_owned()
    }

    pub fn failed(&self) -> String {
        self.words().failed().to_owned()
    }

    pub fn buttons(&self) -> [&'static str; 3] {
        self.words().buttons()
    }

    pub fn message(&self, intent: Intent, topic: &str) -> String {
        self.words().message(intent, topic)
    }
}

/// `14:32`, or `14:32:20` if seconds are asked for and there are any.
fn clock(at: &DateTime<Tz>, seconds: bool) -> String {
    let exact = seconds && at.format("%S").to_string() != "00";
    at.format(if exact { "%H:%M:%S" } else { "%H:%M" }).to_string()
}

/// Days from one local date to the other.
fn days_ahead(at: &DateTime<Tz>, now: &DateTime<Tz>) -> i64 {
    (at.date_naive() - now.date_naive()).num_days()
}

/// Index of the month, from 0.
fn month(at: &DateTime<Tz>) -> usize {
    at.month0() as usize
}

/// Index of the weekday, Monday is 0.
fn weekday(at: &DateTime<Tz>) -> usize {
    at.weekday().num_days_from_monday() as usize
}

/// The first word, folded to lower case.
fn first_word(topic: &str) -> String {
    topic.split_whitespace().next().unwrap_or_default().to_lowercase()
}

/// A full stop, unless the text ends with a mark of its own.
fn stopped(text: String) -> String {
    if text.ends_with(['.', '!', '?', '…', ')']) { text } else { text + "." }
}
