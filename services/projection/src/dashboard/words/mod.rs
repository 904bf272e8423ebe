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
    refused, unsent, undo, it_is_done, soon, within, units, language, theme, like_the_system, light, dark, leave, open_here, save, back, keys_title,
    // Entering.
    your_key, enter, make_a_key, wrong_key, session_over,
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
    waiting, finished, everything_out, nothing_waits, nothing_finished, last_day, try_again, it_arrived, send_again, twice,
    breaker_open, let_them_go, sure_breaker,
    // The live log, the system.
    quiet, all_is_well, parts, part, state, channels, channel, kind, well, behind, dead, read_up_to, version, none,
    // Settings.
    mine, mine_text, connect, how_to_connect,
    // Try it.
    first_minute, step_ask, step_wait, step_again, say_something, what_steward_knows, nothing_yet, no_web_channel, that_is_all, open_inbox, offers_title,
    // Looking back in a conversation.
    older_messages, new_below, would_have_said, promised_again, silent_till_back,
    // Rows of the inbox.
    unread, open_it, take_over, new_rows, nobody_with_person, nobody_with_bot,
    // Jumping, keys.
    jump, jump_hint, nothing_like_it, single_keys, switched_on, switched_off, density, roomy, compact, zone_of_browser,
    // The live log.
    any_kind, kind_messages, kind_promises, kind_sending, kind_people, kind_brain, anybody, a_client, one_of_us, itself, search_events, important_only, only_of, everybody, show_, hold, held_new, causes, effects, nothing_led, led_to_nothing, older_events, nothing_of_that, close,
    // Promises as a calendar; the outbox by hand.
    month, month_before, month_after, night, with_cancelled, without_cancelled, my_time, their_time, make_promise, client, move_it, move_hint, send_now, sure_now, pick, picked, unpick, changed_since,
    // Configuration, keys, the brain; how the system is.
    in_force, in_force_text, admins_only, setting, value, comes_from, by_default, keys_in_force, no_keys, role, create, revoke, sure_revoke, shown_once, copy, copied, brain, brain_text, as_configured, rules_brain, model, test_channel, test_text, last_in, last_out, timers, pending, next_one, lag, behind_advice, dead_advice, breaker_advice,
    // Sessions of who entered.
    sessions, sessions_text, this_one, of_key, begun, last_seen, end_session, end_others, sure_end, sure_end_others, no_sessions,
    // Goals, and what else is remembered.
    goals, goal, milestone, milestones, fact, facts, no_goals, right_, not_so, reached, over, set_goal, remember_it, day, progress, nothing_remembered, promise_hour, as_everywhere, unsaid, unsaid_text, not_given,
    // How the system is, in figures.
    services, service, elsewhere, unknown_at_all, quarter, late_half, late_all, way, by_webhook, by_polling, by_command, waits_to_send, brains, calls, tokens, cost, budget_left, no_budget, breaker, closed, webhooks, address, delivered, being_retried, failed_ones, dead_letters, event, reason, letters_advice, try_all, given_up_advice, read_models, log_end, rebuild_advice, failed_webhook_advice,
    // Filters.
    any_state, any_channel, any_maker, made_by, by_client, by_the_bot, by_person, none_of_that, filter_,
    // Mine: hours, notifications; the channels' test.
    hours_, as_language, hours_24, hours_12, am, pm, notifications, only_needs, notify_needs, notify_refused, ask_provider, in_order, look_at_it,
}

/// A language of the dashboard.
pub trait Words: Sync {
    fn fixed(&self) -> &'static Fixed;
    /// The weekday, as it begins a date.
    fn weekday(&self, day: Weekday) -> &'static str;
    /// The same in two letters or three, where there is no room.
    fn short_weekday(&self, day: Weekday) -> &'static str;
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
    /// The unit.
    fn seconds(&self) -> &'static str;
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
    /// `first`: when the first of the promises is due.
    fn taking_over(&self, waiting: usize, promises: usize, first: &str) -> String;
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
    /// Looking back: how much was said since.
    fn new_since(&self, n: u64) -> String;
    /// What came to nothing while a person answered.
    fn came_to_nothing(&self, promises: usize, drafts: usize) -> String;
    /// `minutes`: how long after the last message of theirs.
    fn bot_is_silent_until(&self, who: &str, until: &str, minutes: i64) -> String;
    /// The keys, by where they work.
    fn keys(&self) -> &'static [(&'static str, &'static [(&'static str, &'static str)])];
    fn quiet_since(&self, ago: &str) -> String;
    /// "November 2026".
    fn month_of(&self, day: NaiveDate) -> String;
    /// "12 events, 3 s".
    fn lag(&self, events: u64, seconds: u64) -> String;
    /// How sure it is, by percent.
    fn sure(&self, percent: u32) -> &'static str;
    /// "due Friday 27 November".
    fn due_by(&self, date: &str) -> String;
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
