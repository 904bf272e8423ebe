//! What is said back, in the client's language: each language's sentences are in its folder, here is what they have in common.

pub mod operator;
mod voice;

use chrono::{DateTime, Datelike, NaiveDate};
use chrono_tz::Tz;

pub use self::voice::{Item, Voice};
use crate::{Language, understanding::Intent};

/// A language's sentences. `when` texts are ready to stand behind a verb ("сегодня в 14:32").
pub(crate) trait Wording: Sync {
    fn when(&self, at: &DateTime<Tz>, now: &DateTime<Tz>, seconds: bool) -> String;
    /// The same of a whole day ("завтра", "on Thursday, 10 December"), said on the day `today`.
    fn day(&self, day: NaiveDate, today: NaiveDate) -> String;
    /// "all day", or "all day, through 12 December".
    fn all_day(&self, last: Option<NaiveDate>) -> String;
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
    /// The same to who named a condition instead of a time: we can't see when that is.
    fn ask_when_unseen(&self, intent: Intent) -> &'static str;
    fn which_time(&self, readings: &str, intent: Intent) -> String;
    fn loose_time(&self, intent: Intent) -> &'static str;
    fn already_past(&self, when: &str) -> String;
    fn too_far(&self) -> &'static str;
    fn only_once(&self) -> &'static str;
    fn person_called(&self) -> &'static str;
    /// To what isn't understood: what can be done instead.
    fn cannot_answer(&self) -> &'static str;
    /// That what the client told of themselves is remembered, done, or no longer so.
    fn noted(&self, what: &str) -> String;
    fn noted_as_done(&self, what: &str) -> String;
    fn noted_as_gone(&self, what: &str) -> String;
    /// Their own words, in quotation marks.
    fn in_quotes(&self, words: &str) -> String;
    /// To a greeting, or who asks what can be done.
    fn abilities(&self) -> &'static str;
    /// To what may have been about these promises.
    fn unsure(&self, what: &str) -> String;
    fn opted_out(&self) -> &'static str;
    /// To who wants what is known of them deleted.
    fn erasure(&self) -> &'static str;
    /// "I won't write to you": what is no longer promised, without the time.
    fn verb_not(&self, intent: Intent) -> &'static str;
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
    // To operators: see [`operator`].
    fn name_the_client(&self) -> &'static str;
    fn no_such_client(&self, client: &str) -> String;
    fn no_human_active(&self, client: &str) -> String;
}

/// The topic inside one of our own messages; another text as it is.
pub fn topic_of(text: &str) -> String {
    for language in Language::ALL {
        let words = language.folder().wording;
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

/// `14:32`, or `14:32:20` if seconds are asked for and there are any.
pub(crate) fn clock(at: &DateTime<Tz>, seconds: bool) -> String {
    let exact = seconds && at.format("%S").to_string() != "00";
    at.format(if exact { "%H:%M:%S" } else { "%H:%M" }).to_string()
}

/// Days from one local date to the other.
pub(crate) fn days_ahead(at: &DateTime<Tz>, now: &DateTime<Tz>) -> i64 {
    days_between(at.date_naive(), now.date_naive())
}

/// Days from `today` to `day`.
pub(crate) fn days_between(day: NaiveDate, today: NaiveDate) -> i64 {
    (day - today).num_days()
}

/// Index of the month, from 0.
pub(crate) fn month(at: &impl Datelike) -> usize {
    at.month0() as usize
}

/// Index of the weekday, Monday is 0.
pub(crate) fn weekday(at: &impl Datelike) -> usize {
    at.weekday().num_days_from_monday() as usize
}

/// The first word, folded to lower case.
pub(crate) fn first_word(topic: &str) -> String {
    topic.split_whitespace().next().unwrap_or_default().to_lowercase()
}

/// A full stop, unless the text ends with a mark of its own.
pub(crate) fn stopped(text: String) -> String {
    if text.ends_with(['.', '!', '?', '…', ')']) { text } else { text + "." }
}
