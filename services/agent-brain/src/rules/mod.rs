//! The `rules` brain: answers from patterns, without a model. Pure, but for the thread it thinks on ([`Rules`]).
//!
//! Each message of a turn is understood by itself, in order ([`steward_language::understanding`]); what it asks is done to a
//! book of the conversation's promises ([`book`]); at the end the turn renews what the rule of renewal lets it renew, and says in
//! one reply what it did ([`steward_language::wording`]).

mod book;
mod brain;
mod choice;
mod turn;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use steward_language::{Language, wording::Voice};

pub use brain::{Rules, THINKS_FOR};

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

/// What a reminder of a meeting says that goes out at `sent_at`.
pub fn meeting_reminder(
    language: Language,
    zone: Tz,
    title: &str,
    starts_at: DateTime<Utc>,
    sent_at: DateTime<Utc>,
) -> String {
    let voice = Voice { language, now: sent_at.with_timezone(&zone) };
    voice.meeting(title, starts_at.with_timezone(&zone))
}
