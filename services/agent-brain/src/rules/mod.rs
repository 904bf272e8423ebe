//! The `rules` brain: answers from patterns, without a model. Pure, but for the thread it thinks on ([`Rules`]).
//!
//! Each message of a turn is understood by itself, in order ([`steward_language::understanding`]); what it asks is done to a
//! book of the conversation's promises ([`book`]); at the end the turn renews what the rule of renewal lets it renew, and says in
//! one reply what it did ([`steward_language::wording`]).

mod book;
mod brain;
mod choice;
mod turn;

use chrono::{DateTime, Offset as _, TimeDelta, Utc};
use chrono_tz::Tz;
use steward_domain::conversation::{
    FollowUp,
    meetings::{Occurrence, Starts},
};
use steward_language::{
    Language,
    understanding::Intent,
    wording::{Item, Voice, topic_of},
};

pub use brain::{Rules, THINKS_FOR};
pub use turn::{Desk, Standing, State, shown};

use crate::brain::{Decision, TurnInput};

/// What to do about these messages.
///
/// Rule of renewal (requirement F3): what these messages cancelled is renewed if ALL of them are about promises, except
/// what they move or cancel themselves, and unless `defaults.renew` is off; otherwise it stays cancelled and the reply says so. A promise asked for
/// in the turn itself is made whatever else the turn's messages say: it is decided after them.
pub fn decide(input: &TurnInput) -> Vec<Decision> {
    let mut turn = turn::Turn::new(input);
    for message in &input.messages {
        turn.read(message);
    }
    turn.finish()
}

/// What to do about messages that could not be read, for a fault of ours: their promises stand, a person is called.
/// Reads nothing of what the client wrote.
pub fn failed(input: &TurnInput) -> Vec<Decision> {
    turn::Turn::new(input).failed()
}

/// What a reminder of a meeting says that goes out at `sent_at`, to somebody in `zone`.
pub fn meeting_reminder(language: Language, zone: Tz, occurrence: &Occurrence, sent_at: DateTime<Utc>) -> String {
    let voice = Voice { language, now: sent_at.with_timezone(&zone) };
    match occurrence.starts {
        Starts::At(at) => {
            let here = at.with_timezone(&zone);
            let offset = TimeDelta::seconds(i64::from(here.offset().fix().local_minus_utc()));
            // What names no place is UTC to everybody but those who say so themselves.
            let elsewhere = occurrence.offset.map_or(zone != Tz::UTC, |there| there != offset);
            voice.meeting(&occurrence.title, here, elsewhere)
        }
        Starts::On { day, days } => voice.whole_days(&occurrence.title, day, days),
    }
}

/// What is said when a request was deleted and what it asked for is taken back.
pub fn revoked(language: Language, zone: Tz, now: DateTime<Utc>, gone: &[FollowUp]) -> String {
    let language = gone.iter().find_map(|f| Language::of_tag(&f.language)).unwrap_or(language);
    let item = |f: &FollowUp| Item {
        intent: if f.intention == book::name(Intent::Remind) { Intent::Remind } else { Intent::Write },
        when: f.due_at.with_timezone(&zone),
        seconds: false,
        topic: if f.topic.is_empty() { topic_of(&f.text) } else { f.topic.clone() },
        elsewhere: None,
    };
    Voice { language, now: now.with_timezone(&zone) }.cancelled(&gone.iter().map(item).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reminder_says_when_by_the_clients_clock_and_names_the_zone_if_the_meetings_is_another() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let (starts_at, sent_at) = (at("2026-12-10T15:00:00Z"), at("2026-12-10T14:00:00Z"));
        let madrid = Tz::Europe__Madrid;
        for (offset, language, text) in [
            (Some(1), Language::En, "Reminder: Demo, today at 16:00"),
            (Some(1), Language::Es, "Le recuerdo: Demo, hoy a las 16:00"),
            (Some(3), Language::En, "Reminder: Demo, today at 16:00 (Europe/Madrid)"),
            (None, Language::Ru, "Напоминаю: Demo, сегодня в 16:00 (Europe/Madrid)"),
        ] {
            let offset = offset.map(TimeDelta::hours);
            let occurrence = Occurrence { title: "Demo".to_owned(), starts: Starts::At(starts_at), offset };
            assert_eq!(meeting_reminder(language, madrid, &occurrence, sent_at), text);
        }
    }

    #[test]
    fn a_reminder_of_whole_days_says_so() {
        let sent_at = "2026-12-09T09:00:00Z".parse().unwrap();
        for (day, days, language, text) in [
            ("2026-12-10", 1, Language::En, "Reminder: Trip, tomorrow, all day"),
            ("2026-12-10", 3, Language::En, "Reminder: Trip, tomorrow, all day, through 12 December"),
            ("2026-12-10", 1, Language::Es, "Le recuerdo: Trip, mañana, todo el día"),
            ("2026-12-10", 3, Language::Ru, "Напоминаю: Trip, завтра, весь день, по 12 декабря включительно"),
            ("2026-12-09", 1, Language::Ru, "Напоминаю: Trip, сегодня, весь день"),
        ] {
            let starts = Starts::On { day: day.parse().unwrap(), days };
            let occurrence = Occurrence { title: "Trip".to_owned(), starts, offset: None };
            assert_eq!(meeting_reminder(language, Tz::Europe__Madrid, &occurrence, sent_at), text);
        }
    }
}
