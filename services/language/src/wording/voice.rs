//! A voice: one language's sentences at one moment, with the promises and times they are about.

use chrono::{DateTime, Days, NaiveDate, TimeZone as _};
use chrono_tz::Tz;

use super::Wording;
use crate::{Language, time::Wall, understanding::Intent};

/// Promises that one sentence names, at most; of more it says how many.
const LISTED: usize = 20;

/// A promise as it is spoken of.
#[derive(Debug, Clone)]
pub struct Item {
    pub intent: Intent,
    /// Due, in the contact's zone.
    pub when: DateTime<Tz>,
    /// Say the seconds too, if the time has any.
    pub seconds: bool,
    /// What it is about ([`topic_of`](super::topic_of)); may be empty.
    pub topic: String,
    /// The clock by which the client named the time, if it shows another than theirs.
    pub elsewhere: Option<Wall>,
}

/// How a promise is put.
#[derive(Debug, Clone, Copy)]
enum Verb {
    /// "I'll write to you".
    Will,
    /// "I won't write to you".
    WillNot,
    /// "To write to you".
    To,
}

/// With what it is about behind it.
fn about(said: String, topic: &str) -> String {
    if topic.is_empty() { said } else { format!("{said} ({topic})") }
}

/// Speaks one language at one moment.
pub struct Voice {
    pub language: Language,
    pub now: DateTime<Tz>,
}

impl Voice {
    fn words(&self) -> &'static dyn Wording {
        self.language.folder().wording
    }

    /// "Завтра в 08:00", and by the clock that the client named: "(завтра в 10:00, Europe/Moscow)".
    fn when_of(&self, item: &Item) -> String {
        let when = self.words().when(&item.when, &self.now, item.seconds);
        let Some(wall) = item.elsewhere else { return when };
        let there = |at: &DateTime<Tz>| Tz::UTC.from_utc_datetime(&wall.local(at.to_utc()));
        format!("{when} ({}, {wall})", self.words().when(&there(&item.when), &there(&self.now), item.seconds))
    }

    /// "написать сегодня в 14:32 (про договор)".
    fn one(&self, item: &Item, verb: Verb) -> String {
        let words = self.words();
        let verb = match verb {
            Verb::Will => words.verb(item.intent, true),
            Verb::To => words.verb(item.intent, false),
            Verb::WillNot => words.verb_not(item.intent),
        };
        about(format!("{verb} {}", self.when_of(item)), &item.topic)
    }

    /// The first of these, put in words, and how many more there are.
    fn some(&self, items: &[Item], verb: Verb) -> Vec<String> {
        let mut parts: Vec<String> = items.iter().take(LISTED).map(|i| self.one(i, verb)).collect();
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

    fn all(&self, items: &[Item], verb: Verb) -> String {
        let parts = self.some(items, verb);
        if items.len() > LISTED { parts.join(", ") } else { self.joined(&parts, self.words().and()) }
    }

    fn any(&self, items: &[Item]) -> String {
        self.joined(&self.some(items, Verb::To), self.words().or())
    }

    pub fn confirmed(&self, item: &Item) -> String {
        let when = self.when_of(item);
        let said = if item.when <= self.now {
            self.words().due_already(item.intent, &when)
        } else {
            self.words().confirmed(item.intent, &when)
        };
        about(said, &item.topic)
    }

    pub fn moved(&self, items: &[Item]) -> String {
        self.words().moved(&self.all(items, Verb::Will))
    }

    pub fn kept(&self, items: &[Item]) -> String {
        self.words().kept(&self.all(items, Verb::Will))
    }

    pub fn others_kept(&self, items: &[Item]) -> String {
        self.words().others_kept(&self.all(items, Verb::Will))
    }

    pub fn lost(&self, items: &[Item]) -> String {
        self.words().lost(&self.all(items, Verb::To))
    }

    pub fn cancelled(&self, items: &[Item]) -> String {
        self.words().cancelled(&self.all(items, Verb::WillNot))
    }

    pub fn promises(&self, items: &[Item]) -> String {
        self.words().promises(&self.some(items, Verb::Will))
    }

    pub fn no_promises(&self) -> String {
        self.words().no_promises().to_owned()
    }

    pub fn not_there(&self, items: &[Item]) -> String {
        self.words().not_there(&self.all(items, Verb::To))
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

    /// To who named a condition instead of a time.
    pub fn when_unseen(&self, intent: Intent) -> String {
        self.words().ask_when_unseen(intent).to_owned()
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

    /// "Напоминаю: Демо, завтра в 15:00". With `elsewhere`, the meeting's own clocks show another time: the zone is named.
    pub fn meeting(&self, title: &str, starts_at: DateTime<Tz>, elsewhere: bool) -> String {
        let mut when = self.words().when(&starts_at, &self.now, false);
        if elsewhere {
            when = format!("{when} ({})", starts_at.timezone().name());
        }
        self.reminder(title, when)
    }

    /// "Напоминаю: Поездка, завтра, весь день".
    pub fn whole_days(&self, title: &str, first: NaiveDate, days: u32) -> String {
        let last = first.checked_add_days(Days::new(u64::from(days.saturating_sub(1))));
        let last = last.filter(|last| *last > first);
        let day = self.words().day(first, self.now.date_naive());
        self.reminder(title, format!("{day}, {}", self.words().all_day(last)))
    }

    fn reminder(&self, title: &str, when: String) -> String {
        let what = if title.trim().is_empty() { when } else { format!("{}, {when}", title.trim()) };
        self.words().message(Intent::Remind, &what)
    }

    pub fn cannot_answer(&self) -> String {
        self.words().cannot_answer().to_owned()
    }

    /// That this is remembered, in the client's words.
    pub fn noted(&self, what: &[String]) -> String {
        self.words().noted(&self.quoted(what))
    }

    /// That this is done.
    pub fn noted_as_done(&self, what: &[String]) -> String {
        self.words().noted_as_done(&self.quoted(what))
    }

    /// That this isn't so any more.
    pub fn noted_as_gone(&self, what: &[String]) -> String {
        self.words().noted_as_gone(&self.quoted(what))
    }

    fn quoted(&self, what: &[String]) -> String {
        // A mark of quotation inside would end the quotation.
        let plain = |words: &String| words.replace(['"', '“', '”', '«', '»', '\n'], " ");
        what.iter().map(|words| self.words().in_quotes(&plain(words))).collect::<Vec<_>>().join(", ")
    }

    pub fn abilities(&self) -> String {
        self.words().abilities().to_owned()
    }

    pub fn unsure(&self, items: &[Item]) -> String {
        self.words().unsure(&self.all(items, Verb::Will))
    }

    pub fn opted_out(&self) -> String {
        self.words().opted_out().to_owned()
    }

    pub fn erasure(&self) -> String {
        self.words().erasure().to_owned()
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
