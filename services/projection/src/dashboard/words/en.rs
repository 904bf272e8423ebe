//! What the dashboard says in English.

mod fixed;

use chrono::{Datelike, NaiveDate, Weekday};

use self::fixed::FIXED;
use super::{Fixed, Words};

pub struct English;

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

impl Words for English {
    fn fixed(&self) -> &'static Fixed {
        &FIXED
    }

    fn weekday(&self, day: Weekday) -> &'static str {
        ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
            [day.num_days_from_monday() as usize]
    }

    fn short_weekday(&self, day: Weekday) -> &'static str {
        ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"][day.num_days_from_monday() as usize]
    }

    fn date(&self, day: NaiveDate, year: bool) -> String {
        let year = if year { format!(" {}", day.year()) } else { String::new() };
        format!("{} {} {}{year}", self.weekday(day.weekday()), day.day(), MONTHS[day.month0() as usize])
    }

    fn yesterday(&self) -> &'static str {
        "yesterday"
    }

    fn minutes(&self, n: i64) -> String {
        format!("{n} min")
    }

    fn hours(&self, n: i64) -> String {
        format!("{n} h")
    }

    fn days(&self, n: i64) -> String {
        format!("{n} d")
    }

    fn seconds(&self) -> &'static str {
        "s"
    }

    fn there(&self, clock: &str, place: &str) -> String {
        format!("{clock} in {place}")
    }

    fn yours(&self, clock: &str) -> String {
        format!("{clock} yours")
    }

    fn state(&self, state: &str) -> &'static str {
        match state {
            "pending" | "due" => "Promised",
            "queued" => "Waiting",
            "held" => "Waits for you",
            "deferred" => "Put off",
            "claimed" => "Sending",
            "sent" => "Sent",
            "done" => "Done",
            "delivered" => "Delivered",
            "read" => "Read",
            "failed" => "Failed",
            "unknown" => "May have arrived",
            "cancelled" => "Cancelled",
            "expired" => "Too late to send",
            _ => "",
        }
    }

    fn reason(&self, code: &str, who: &str) -> Option<String> {
        Some(match code {
            "client_responded" | "injected" => format!("{who} wrote first"),
            "by_client" => format!("{who} asked for it"),
            "request_revoked" => format!("{who} deleted the message that asked for it"),
            "human_active" => "one of us was answering".to_owned(),
            "said_by_human" => "one of us had said just this".to_owned(),
            "quiet_hours" => format!("it is night for {who}"),
            "frequency_cap" => format!("{who} has had enough messages from us today"),
            "needs_approval" => "messages that the bot starts need your word".to_owned(),
            "window_closed" => "the channel takes no free text so long after the client's last message".to_owned(),
            "breaker_open" => "sending by itself is stopped".to_owned(),
            "too_late" => "it was too late".to_owned(),
            "by_command" => "one of us decided so".to_owned(),
            "replaced" => "a newer one took its place".to_owned(),
            "blocked" => format!("{who} has blocked us"),
            "opted_out" => format!("{who} wants nothing more from us"),
            "no_answer" | "claim_expired" => "the channel didn't answer in time".to_owned(),
            "not_connected" | "network" => "there was no connection to the channel".to_owned(),
            "rate_limited" | "waits_its_turn" => "the channel is busy".to_owned(),
            "provider_down" => "the channel has trouble of its own".to_owned(),
            "unauthorized" | "account_stopped" => "the channel refuses our access".to_owned(),
            "contact_archived" => format!("{who} is archived"),
            "no_such_recipient" => "the channel knows nobody there".to_owned(),
            _ => return None,
        })
    }

    fn refusal(&self, code: &str) -> Option<&'static str> {
        Some(match code {
            "already_taken_over" => "Somebody of yours answers here already.",
            "not_taken_over" => "The bot answers here already.",
            "human_active" => "You answer here: give the conversation back first.",
            "past" => "That has passed; name a time that is ahead.",
            "too_far" => "That is more than two years ahead.",
            "ambiguous_time" => "These words can mean several times; choose one.",
            "no_time" => "Name a day or an hour.",
            "bad_time" => "Name a day or an hour.",
            "empty_text" => "Write something first.",
            "approval_stale" => "The text changed since you read it. Read it again, then approve it.",
            "already_cancelled" => "It is cancelled already.",
            "already_sent" => "It was sent already.",
            "already_due" => "It is being sent right now.",
            "not_queued" => "It is being sent, or has ended.",
            "not_cancelled" => "It isn’t cancelled.",
            "too_many_follow_ups" => "There are as many promises as there may be; cancel some first.",
            "role" => "Your key may not do this.",
            "unknown_timezone" => "There is no such zone; write it like Europe/Madrid.",
            "log_unavailable" => "The log didn’t answer in time. Do it again: it counts once.",
            "key_shown" => "This key was made already, and it is shown only once: make another one.",
            "too_many_keys" => "There are as many keys as there may be; revoke one first.",
            "unknown_key" => "That key isn’t in force any more.",
            "unknown_session" => "That session isn’t in force any more.",
            "unknown_letter" => "The event isn’t among the dead letters any more.",
            "needs_rebuild" => "The read models need a rebuild for that.",
            "no_such_brain" => "The configuration describes no such brain, or not all that it needs.",
            _ => return None,
        })
    }

    fn answers(&self, who: &str) -> String {
        format!("{who} answers")
    }

    fn nothing_needs_you_but(&self, promises: u64, next: &str) -> String {
        let promises = if promises == 1 { "1 promise is".to_owned() } else { format!("{promises} promises are") };
        format!("Nothing needs you. {promises} pending, the next {next}.")
    }

    fn write_to(&self, who: &str) -> String {
        format!("Write to {who} yourself; the bot will fall silent")
    }

    fn if_writes(&self, who: &str, cancels: bool) -> String {
        format!("If {who} writes first: {}", if cancels { "cancels" } else { "stays" })
    }

    fn taking_over(&self, waiting: usize, promises: usize, first: &str) -> String {
        let replies = match waiting {
            0 => String::new(),
            1 => "1 waiting reply will be cancelled. ".to_owned(),
            n => format!("{n} waiting replies will be cancelled. "),
        };
        let promises = match promises {
            0 => String::new(),
            1 => format!("The promise for {first} will not go out if you are still here then."),
            n => format!("{n} promises, the first for {first}, will not go out if you are still here then."),
        };
        if waiting + promises.len() == 0 {
            return FIXED.silent_till_back.to_owned();
        }
        format!("{replies}{promises}")
    }

    fn bot_is_silent(&self, who: &str) -> String {
        format!("{who} answers. The bot is silent until it is given back.")
    }

    fn promised(&self, when: &str, topic: &str) -> String {
        if topic.is_empty() { format!("Promised: {when}") } else { format!("Promised: {when}, “{topic}”") }
    }

    fn moved_to(&self, when: &str) -> String {
        format!("Moved to {when}")
    }

    fn cancelled_since(&self, why: &str) -> String {
        format!("Cancelled: {why}")
    }

    fn took_over(&self, who: &str) -> String {
        format!("{who} took over")
    }

    fn gave_back(&self, who: &str) -> String {
        format!("{who} gave the conversation back to the bot")
    }

    fn silence_ended_it(&self) -> &'static str {
        "The bot answers again: nobody had written for a while"
    }

    fn asked_for_a_person(&self, who: &str) -> String {
        format!("{who} asked for a person")
    }

    fn blocked(&self, who: &str) -> String {
        format!("{who} can't be reached any more")
    }

    fn unblocked(&self, who: &str) -> String {
        format!("{who} can be reached again")
    }

    fn about(&self, who: &str) -> String {
        format!("About {who}")
    }

    fn ended(&self, kept: usize, cancelled: usize) -> String {
        format!("{kept} kept, {cancelled} cancelled")
    }

    fn renewed(&self, n: usize) -> String {
        match n {
            1 => "renewed once".to_owned(),
            2 => "renewed twice".to_owned(),
            n => format!("renewed {n} times"),
        }
    }

    fn waits_since(&self, clock: &str) -> String {
        format!("waits for you since {clock}")
    }

    fn looking_at(&self, when: &str) -> String {
        format!("You are looking at {when}.")
    }

    fn behind(&self, seconds: u64) -> String {
        format!("What you see is {seconds} s behind.")
    }

    fn events(&self, n: usize) -> String {
        if n == 1 { "1 event".to_owned() } else { format!("{n} events") }
    }

    fn new_since(&self, n: u64) -> String {
        format!("{n} new since")
    }

    fn came_to_nothing(&self, promises: usize, drafts: usize) -> String {
        let promises = match promises {
            0 => None,
            1 => Some("1 promise cancelled".to_owned()),
            n => Some(format!("{n} promises cancelled")),
        };
        let drafts = match drafts {
            0 => None,
            1 => Some("1 reply not sent".to_owned()),
            n => Some(format!("{n} replies not sent")),
        };
        let said: Vec<String> = [promises, drafts].into_iter().flatten().collect();
        format!("Meanwhile: {}", said.join(", "))
    }

    fn bot_is_silent_until(&self, who: &str, until: &str, minutes: i64) -> String {
        format!("{who} answers. The bot is silent until {until}, {minutes} min after the last message of ours.")
    }

    fn keys(&self) -> &'static [(&'static str, &'static [(&'static str, &'static str)])] {
        &[
            (
                "Everywhere",
                &[
                    ("g i", "Inbox"),
                    ("g p", "Promises"),
                    ("g o", "Outbox"),
                    ("g x", "Live"),
                    ("g s", "System"),
                    ("g y", "Settings"),
                    ("g t", "Try it"),
                    ("g g", "Goals; where something new waits, to the top"),
                    ("/", "Search"),
                    ("Ctrl+K", "Jump to a client, page or command"),
                    ("j k", "Next, previous"),
                    ("Enter", "Open"),
                    ("Esc", "One step back"),
                    ("?", "This list"),
                ],
            ),
            (
                "A conversation",
                &[
                    ("r", "Write"),
                    ("s", "Send later"),
                    ("t", "Take over, give back"),
                    ("w", "Why"),
                    ("[ ]", "One event back, forward"),
                    ("Ctrl+Enter", "Send"),
                ],
            ),
            (
                "Its past",
                &[
                    ("← →", "One event"),
                    ("Shift+← →", "One message"),
                    ("PgUp PgDn", "One day"),
                    ("Home End", "The first event, now"),
                ],
            ),
            ("A promise, a message", &[("e", "Edit"), ("m", "Move"), ("x", "Cancel"), ("a", "Approve"), ("z", "Undo")]),
            ("Goals", &[("y n", "Right, not so")]),
            ("Promises", &[("1 2 3", "List, week, month"), ("← →", "Earlier, later"), ("n", "Make a promise")]),
            ("Outbox, Live", &[("Space", "Select; hold the stream")]),
        ]
    }

    fn quiet_since(&self, ago: &str) -> String {
        format!("Quiet. The last event was {ago} ago.")
    }

    fn month_of(&self, day: NaiveDate) -> String {
        format!("{} {}", MONTHS[day.month0() as usize], day.year())
    }

    fn lag(&self, events: u64, seconds: u64) -> String {
        if events == 0 {
            format!("{seconds} s")
        } else {
            format!("{}, {seconds} s", self.events(usize::try_from(events).unwrap_or(usize::MAX)))
        }
    }

    fn sure(&self, percent: u32) -> &'static str {
        match percent {
            100.. => "certain",
            80.. => "quite sure",
            55.. => "fairly sure",
            _ => "a guess",
        }
    }

    fn due_by(&self, date: &str) -> String {
        format!("due {date}")
    }

    fn offers(&self) -> [&'static str; 3] {
        ["ping me in 20 seconds", "write to me in 20 seconds about the contract", "what have you promised?"]
    }
}
