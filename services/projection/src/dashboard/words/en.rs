//! What the dashboard says in English.

use chrono::{Datelike, NaiveDate, Weekday};

use super::{Fixed, Words};

pub struct English;

const FIXED: Fixed = Fixed {
    inbox: "Inbox",
    promises: "Promises",
    outbox: "Outbox",
    live: "Live",
    system: "System",
    settings: "Settings",
    try_it: "Try it",
    skip: "To the content",
    sections: "Sections",
    line_live: "Live",
    line_again: "Connecting again… what you see is from {}",
    line_away: "Steward doesn't answer at this address",
    read_only: "Your key can only read.",
    no_commands: "This process only reads; commands are taken by the one that runs the service ingestion.",
    refused: "That wasn't done. Look at the page again and repeat it.",
    unsent: "Not sent yet: no connection. It will go when the line is back.",
    undo: "Undo",
    it_is_done: "Done.",
    soon: "any moment now",
    within: "in {}",
    units: "d|h|min|s",
    language: "Language",
    theme: "Colours",
    like_the_system: "Like the system",
    light: "Light",
    dark: "Dark",
    leave: "Log out",
    open_here: "This Steward is open to this machine only.",
    save: "Save",
    back: "Back",
    keys_title: "Keys",
    keys_text: "g then i p o x s y t: go to a page · / search · j k: next, previous · Enter: open · Esc: one step back · r: write · s: send later · t: take over or give back · w: why · [ ]: one event back, forward · Ctrl+Enter: send",
    your_key: "Your key",
    enter: "Enter",
    make_a_key: "Make one with",
    wrong_key: "This key isn't in force. `steward keys list` shows those that are.",
    needs_you: "Needs you",
    all: "All",
    with_a_person: "With a person",
    by_bot: "Bot",
    search: "Search by name or address",
    nothing_found: "Nobody is found by these words.",
    no_conversation: "No conversation yet.",
    nothing_needs_you: "Nothing needs you.",
    try_yourself: "Try it yourself",
    more: "More",
    bot: "Bot",
    you: "You",
    nobody_named: "Somebody",
    asked_for_person: "Asked for a person",
    failed_here: "Not delivered",
    unknown_here: "May have arrived",
    held_here: "Waits for you",
    choose: "Choose a conversation on the left.",
    bot_answers: "Bot answers",
    you_answer: "You answer",
    give_back: "Give back",
    done: "Done",
    send: "Send",
    later: "Later…",
    text: "Text",
    when: "When",
    preview_none: "Name a day or an hour.",
    preview_past: "That has passed.",
    preview_far: "That is more than two years ahead.",
    choose_one: "Which one?",
    if_cancels: "cancel it",
    if_keeps: "keep it",
    promise_it: "Promise it",
    no_promises_here: "No promises. The client can ask, or Later… makes one.",
    edit: "Edit",
    move_: "Move",
    cancel: "Cancel",
    approve: "Approve",
    promise_again: "Promise again",
    new_text: "New text",
    new_time: "New time",
    why: "Why",
    what_was_said: "Message",
    details: "Details",
    checked: "Checked before sending",
    not_sent: "Not sent",
    looking_at: "Past",
    to_now: "Back to now",
    earlier: "One event back",
    later_event: "One event forward",
    silence: "Nothing was said here yet.",
    name: "Name",
    zone: "Zone",
    media: "File",
    contact_gone: "The client can't be reached.",
    position: "Position",
    actor: "By",
    not_chosen: "Choose a message or a promise, and its history stands here.",
    overdue: "Overdue or held",
    today: "Today",
    tomorrow: "Tomorrow",
    this_week: "This week",
    later_on: "Later",
    nothing_promised: "Nothing is promised. When a client says “write to me in a week”, it stands here until it is kept.",
    as_list: "List",
    week: "Week",
    week_before: "Week before",
    week_after: "Week after",
    waiting: "Waiting",
    finished: "Done",
    everything_out: "Everything that was due has gone out.",
    nothing_waits: "Nothing waits to be sent.",
    nothing_finished: "Nothing was sent yet.",
    try_again: "Try again",
    it_arrived: "It arrived",
    send_again: "Send again",
    twice: "Sending again may reach the client twice.",
    breaker_open: "Sending by itself is stopped",
    let_them_go: "Let them go",
    sure_breaker: "Everything that was held goes out now. Let it go?",
    quiet: "Quiet. Nothing has happened yet.",
    all_is_well: "All is well.",
    parts: "Parts",
    part: "Part",
    state: "State",
    channels: "Channels",
    channel: "Channel",
    kind: "Kind",
    well: "Well",
    behind: "Behind",
    dead: "Stopped",
    read_up_to: "Read up to position",
    version: "Version",
    none: "none",
    mine: "Mine",
    mine_text: "For this browser.",
    connect: "Connect a channel",
    how_to_connect: "Add this to steward.toml and start Steward again:",
    first_minute: "The first minute",
    step_ask: "Ask for something.",
    step_wait: "Wait for it: the countdown runs, the message arrives.",
    step_again: "Ask again, and write before it is due: the promise is cancelled, and Why says so.",
    say_something: "Write as a client would",
    what_steward_knows: "What Steward knows",
    nothing_yet: "Nothing yet. It fills in as you write.",
    no_web_channel: "There is no channel of kind web, so there is nobody to be here. Add this to steward.toml and start Steward again:",
    that_is_all: "That is all of it.",
    open_inbox: "Open the inbox",
    offers_title: "Press one, and it is sent",
};

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

    fn taking_over(&self, waiting: usize, promises: usize) -> String {
        let replies = match waiting {
            0 => String::new(),
            1 => "1 waiting reply will be cancelled. ".to_owned(),
            n => format!("{n} waiting replies will be cancelled. "),
        };
        let promises = match promises {
            0 => "",
            1 => "The promise will not go out while you are here.",
            _ => "Promises will not go out while you are here.",
        };
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

    fn offers(&self) -> [&'static str; 3] {
        ["ping me in 20 seconds", "write to me in 20 seconds about the contract", "what have you promised?"]
    }
}
