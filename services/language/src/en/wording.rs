//! What is said back in English.

use chrono::{DateTime, Datelike, NaiveDate};
use chrono_tz::Tz;

use crate::{
    understanding::Intent,
    wording::{Wording, clock, days_ahead, days_between, first_word, month, stopped, weekday},
};

pub struct English;

const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
/// Words that join a topic to "write" or "reminder" by themselves.
const JOINS: [&str; 7] = ["about", "regarding", "concerning", "with", "on", "of", "for"];

impl Wording for English {
    fn when(&self, at: &DateTime<Tz>, now: &DateTime<Tz>, seconds: bool) -> String {
        let clock = clock(at, seconds);
        match days_ahead(at, now) {
            0 => format!("today at {clock}"),
            1 => format!("tomorrow at {clock}"),
            -1 => format!("yesterday at {clock}"),
            _ => {
                let year = if at.year() == now.year() { String::new() } else { format!(" {}", at.year()) };
                format!("on {}, {} {}{year}, at {clock}", WEEKDAYS[weekday(at)], at.day(), MONTHS[month(at)])
            }
        }
    }

    fn day(&self, day: NaiveDate, today: NaiveDate) -> String {
        match days_between(day, today) {
            0 => "today".to_owned(),
            1 => "tomorrow".to_owned(),
            -1 => "yesterday".to_owned(),
            _ => {
                let year = if day.year() == today.year() { String::new() } else { format!(" {}", day.year()) };
                format!("on {}, {} {}{year}", WEEKDAYS[weekday(&day)], day.day(), MONTHS[month(&day)])
            }
        }
    }

    fn all_day(&self, last: Option<NaiveDate>) -> String {
        match last {
            None => "all day".to_owned(),
            Some(last) => format!("all day, through {} {}", last.day(), MONTHS[month(&last)]),
        }
    }

    fn verb(&self, intent: Intent, will: bool) -> &'static str {
        match (intent, will) {
            (Intent::Write, true) => "I'll write to you",
            (Intent::Write, false) => "to write to you",
            (Intent::Remind, true) => "I'll remind you",
            (Intent::Remind, false) => "to remind you",
        }
    }

    fn and(&self) -> &'static str {
        "and"
    }

    fn or(&self) -> &'static str {
        "or"
    }

    fn confirmed(&self, intent: Intent, when: &str) -> String {
        format!("OK, {} {when}", self.verb(intent, true))
    }

    fn due_already(&self, intent: Intent, when: &str) -> String {
        match intent {
            Intent::Write => format!("You asked me to write {when}; that has passed, so I'm writing now"),
            Intent::Remind => format!("You asked for a reminder {when}; that has passed, so I'm reminding you now"),
        }
    }

    fn moved(&self, what: &str) -> String {
        format!("OK, moved: {what}")
    }

    fn kept(&self, what: &str) -> String {
        format!("OK, it stands: {what}")
    }

    fn others_kept(&self, what: &str) -> String {
        format!("The rest stands: {what}")
    }

    fn lost(&self, what: &str) -> String {
        format!("Since you wrote, what I had promised is cancelled: {what}. If you still need it, ask me again.")
    }

    fn cancelled(&self, what: &str) -> String {
        format!("OK, {what}")
    }

    fn promises(&self, what: &[String]) -> String {
        format!("What I promised:\n— {}", what.join("\n— "))
    }

    fn no_promises(&self) -> &'static str {
        "I have promised you nothing at the moment."
    }

    fn not_there(&self, what: &str) -> String {
        format!("I made no such promise. I did promise {what}.")
    }

    fn which_to_cancel(&self, what: &str) -> String {
        format!(
            "Which one shall I cancel: {what}? Name its day or topic, e.g. \"cancel the one tomorrow\", or say \"cancel all\"."
        )
    }

    fn which_to_move(&self, what: &str) -> String {
        format!("Which one shall I move: {what}? Name its topic, e.g. \"move the contract reminder to tomorrow\".")
    }

    fn ask_when(&self, intent: Intent) -> &'static str {
        match intent {
            Intent::Write => "When shall I write to you? Say, for example, \"write to me tomorrow at 10\".",
            Intent::Remind => "When shall I remind you? Say, for example, \"remind me tomorrow at 10\" and of what.",
        }
    }

    fn ask_when_unseen(&self, intent: Intent) -> &'static str {
        match intent {
            Intent::Write => {
                "I can't see when that happens, so I need a time. When shall I write to you? Say, for example, \"write to me tomorrow at 10\"."
            }
            Intent::Remind => {
                "I can't see when that happens, so I need a time. When shall I remind you? Say, for example, \"remind me tomorrow at 10\"."
            }
        }
    }

    fn which_time(&self, readings: &str, intent: Intent) -> String {
        match intent {
            Intent::Write => format!("When shall I write to you: {readings}? Please name one exact time."),
            Intent::Remind => format!("When shall I remind you: {readings}? Please name one exact time."),
        }
    }

    fn loose_time(&self, intent: Intent) -> &'static str {
        match intent {
            Intent::Write => {
                "I can't tell exactly when to write to you. Name the day and the hour, e.g. \"write to me tomorrow at 10\"."
            }
            Intent::Remind => {
                "I can't tell exactly when to remind you. Name the day and the hour, e.g. \"remind me tomorrow at 10\"."
            }
        }
    }

    fn already_past(&self, when: &str) -> String {
        format!("That time has passed: {when}. Please name one ahead of us.")
    }

    fn too_far(&self) -> &'static str {
        "I promise nothing more than two years ahead. Please name an earlier time."
    }

    fn only_once(&self) -> &'static str {
        "I can't repeat things yet. Please name one time, e.g. \"remind me tomorrow at 10\"."
    }

    fn person_called(&self) -> &'static str {
        "I've called a person: they will see this conversation and answer."
    }

    fn noted(&self, what: &str) -> String {
        format!("Noted: {what}.")
    }

    fn noted_as_done(&self, what: &str) -> String {
        format!("Noted as done: {what}.")
    }

    fn noted_as_gone(&self, what: &str) -> String {
        format!("I no longer count on this: {what}.")
    }

    fn in_quotes(&self, words: &str) -> String {
        format!("“{words}”")
    }

    fn cannot_answer(&self) -> &'static str {
        "I can't answer that myself. I can write to you or remind you at a time you name (\"write to me tomorrow at 10 about the contract\") and call a person for you."
    }

    fn abilities(&self) -> &'static str {
        "Hello! I can write to you or remind you of something at a time you name: \"write to me tomorrow at 10 about the contract\", \"remind me on Friday to call Anna\". I also list, move and cancel what I promised, and I can call a person."
    }

    fn unsure(&self, what: &str) -> String {
        format!(
            "I'm not sure what you mean, so nothing has changed: {what}. To change it, name another time; to drop it, say \"cancel\"."
        )
    }

    fn opted_out(&self) -> &'static str {
        "OK, I won't write to you any more. Should you need me again, just ask me for something."
    }

    fn erasure(&self) -> &'static str {
        "I don't delete anything by myself: I've told a person that you want your data deleted."
    }

    fn verb_not(&self, intent: Intent) -> &'static str {
        match intent {
            Intent::Write => "I won't write to you",
            Intent::Remind => "I won't remind you",
        }
    }

    fn more(&self, count: usize) -> String {
        format!("and {count} more")
    }

    fn too_many(&self) -> &'static str {
        "I have promised you so much already that I can't take on more. Cancel some of it, e.g. \"cancel all\", and ask me again."
    }

    fn read_in_part(&self) -> &'static str {
        "That was long: I read only the beginning and may have missed something. Please send what matters as a short message of its own."
    }

    fn failed(&self) -> &'static str {
        "Something went wrong on our side and I couldn't read what you wrote. I've called a person: they will see it."
    }

    fn buttons(&self) -> [&'static str; 3] {
        ["Keep it", "Cancel it", "A day later"]
    }

    fn message(&self, intent: Intent, topic: &str) -> String {
        let first = first_word(topic);
        let joins = JOINS.contains(&first.as_str());
        match intent {
            Intent::Write if topic.is_empty() => "Hello! You asked me to write to you today.".to_owned(),
            Intent::Write if joins => stopped(format!("Hello! You asked me to write to you {topic}")),
            Intent::Write => stopped(format!("Hello! You asked me to write to you: {topic}")),
            Intent::Remind if topic.is_empty() => "You asked for a reminder today.".to_owned(),
            Intent::Remind if joins => format!("Reminder {topic}"),
            Intent::Remind => {
                let plain = topic.strip_prefix("to ").or_else(|| topic.strip_prefix("that ")).unwrap_or(topic);
                format!("Reminder: {plain}")
            }
        }
    }

    fn frames(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("Hello! You asked me to write to you: ", "."),
            ("Hello! You asked me to write to you: ", ""),
            ("Hello! You asked me to write to you ", "."),
            ("Hello! You asked me to write to you ", ""),
            ("Reminder: ", ""),
            ("Reminder ", ""),
        ]
    }

    fn name_the_client(&self) -> &'static str {
        "Name the client: /human_active @username or chat id, /human_release …, \
         HUMAN: @username or chat id, then the text."
    }

    fn no_such_client(&self, client: &str) -> String {
        format!("I can't find {client}. A conversation begins with the client's first message; the chat id works too.")
    }

    fn no_human_active(&self, client: &str) -> String {
        format!("No human is active in the conversation with {client}.")
    }
}
