//! What the dashboard says, in each language: fixed sentences as fields, those with something in them as functions.
//!
//! A sentence that a language lacks doesn't compile.

mod en;
mod es;
mod ru;

use chrono::{NaiveDate, Weekday};
use steward_language::Language;

/// Declares the fixed sentences.
macro_rules! fixed {
    ($($(#[$meta:meta])* $name:ident),* $(,)?) => {
        /// Sentences that are always the same.
        pub struct Fixed { $($(#[$meta])* pub $name: &'static str),* }
    };
}

fixed! {
    // The frame.
    inbox, promises, outbox, live, system, settings, try_it, skip, sections, line_live, line_again, line_away, read_only, no_commands,
    refused, unsent, undo, it_is_done, soon, within, units, language, theme, like_the_system, light, dark, leave, open_here, save, back, keys_title, keys_text,
    // Entering.
    your_key, enter, make_a_key, wrong_key,
    // The inbox.
    needs_you, all, with_a_person, by_bot, search, nothing_found, no_conversation, nothing_needs_you, try_yourself, more, bot, you, nobody_named,
    asked_for_person, failed_here, unknown_here, held_here, choose,
    // A conversation.
    bot_answers, you_answer, give_back, done, send, later, text, when, preview_none, preview_past, preview_far, choose_one, if_cancels, if_keeps,
    promise_it, no_promises_here, edit, move_, cancel, approve, promise_again, new_text, new_time, why, what_was_said, details,
    checked, not_sent, looking_at, to_now, earlier, later_event, silence, name, zone, media, contact_gone,
    position, actor, not_chosen,
    // Promises.
    overdue, today, tomorrow, this_week, later_on, nothing_promised, as_list, week, week_before, week_after,
    // The outbox.
    waiting, finished, everything_out, nothing_waits, nothing_finished, try_again, it_arrived, send_again, twice,
    breaker_open, let_them_go, sure_breaker,
    // The live log, the system.
    quiet, all_is_well, parts, part, state, channels, channel, kind, well, behind, dead, read_up_to, version, none,
    // Settings.
    mine, mine_text, connect, how_to_connect,
    // Try it.
    first_minute, step_ask, step_wait, step_again, say_something, what_steward_knows, nothing_yet, no_web_channel, that_is_all, open_inbox, offers_title,
}

/// A language of the dashboard.
pub trait Words: Sync {
    fn fixed(&self) -> &'static Fixed;
    /// The weekday, as it begins a date.
    fn weekday(&self, day: Weekday) -> &'static str;
    /// "Friday 27 November", with the year if it is given.
    fn date(&self, day: NaiveDate, year: bool) -> String;
    /// "tomorrow, 9:00", of a day that is named and a time.
    fn at(&self, day: &str, clock: &str) -> String {
        format!("{day}, {clock}")
    }
    fn yesterday(&self) -> &'static str;
    fn minutes(&self, n: i64) -> String;
    fn hours(&self, n: i64) -> String;
    fn days(&self, n: i64) -> String;
    /// "16:20 in Makassar".
    fn there(&self, clock: &str, place: &str) -> String;
    /// "2:00 yours".
    fn yours(&self, clock: &str) -> String;
    /// The word of a state.
    fn state(&self, state: &str) -> &'static str;
    /// Why something is as it is; `None`: a reason without a sentence of its own.
    fn reason(&self, code: &str, who: &str) -> Option<String>;
    /// Why a command wasn't carried out; `None`: a refusal without a sentence of its own.
    fn refusal(&self, code: &str) -> Option<&'static str>;
    fn answers(&self, who: &str) -> String;
    fn nothing_needs_you_but(&self, promises: u64, next: &str) -> String;
    fn write_to(&self, who: &str) -> String;
    fn if_writes(&self, who: &str, cancels: bool) -> String;
    fn taking_over(&self, waiting: usize, promises: usize) -> String;
    fn bot_is_silent(&self, who: &str) -> String;
    fn promised(&self, when: &str, topic: &str) -> String;
    fn moved_to(&self, when: &str) -> String;
    fn cancelled_since(&self, why: &str) -> String;
    fn took_over(&self, who: &str) -> String;
    fn gave_back(&self, who: &str) -> String;
    fn silence_ended_it(&self) -> &'static str;
    fn asked_for_a_person(&self, who: &str) -> String;
    fn blocked(&self, who: &str) -> String;
    fn unblocked(&self, who: &str) -> String;
    fn about(&self, who: &str) -> String;
    fn ended(&self, kept: usize, cancelled: usize) -> String;
    fn renewed(&self, n: usize) -> String;
    fn waits_since(&self, clock: &str) -> String;
    fn looking_at(&self, when: &str) -> String;
    fn behind(&self, seconds: u64) -> String;
    fn events(&self, n: usize) -> String;
    /// Something to say on the first page, to be sent as it is.
    fn offers(&self) -> [&'static str; 3];
}

/// The words of a language.
pub fn of(language: Language) -> &'static dyn Words {
    match language {
        Language::En => &en::English,
        Language::Es => &es::Spanish,
        Language::Ru => &ru::Russian,
    }
}

/// The glyph of a state.
pub fn glyph(state: &str) -> &'static str {
    match state {
        "pending" | "due" => "◔",
        "queued" => "○",
        "held" => "‖",
        "deferred" => "↻",
        "claimed" => "➝",
        "sent" | "done" => "✓",
        "delivered" | "read" => "✓✓",
        "failed" => "✕",
        "unknown" => "⟐",
        "cancelled" => "⊘",
        "expired" => "⧖",
        _ => "",
    }
}

/// States that stand out, since somebody must look at them.
pub fn is_loud(state: &str) -> bool {
    matches!(state, "held" | "failed" | "unknown" | "claimed" | "human")
}
