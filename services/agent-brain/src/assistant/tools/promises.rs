//! Promises: made, moved, kept, taken back, listed.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Hands, Spec, read};
use crate::rules::{Standing, State};

pub const TOOLS: &[Spec] = &[
    Spec::of::<Schedule>(
        "schedule_followup",
        "Promises the client a message at a time. Give the time in words as the client said it; it is read in their time zone. The answer says what would hold, or why the time isn't clear: then ask the client.",
        schedule,
    ),
    Spec::of::<Move>(
        "move_followup",
        "Moves a promise to another time. What the words leave open stays: \"at 6 pm\" keeps the day, \"on Monday\" keeps the hour.",
        move_to,
    ),
    Spec::of::<Which>(
        "cancel_followup",
        "Takes a promise back, because the client wants that or because what it was about is done.",
        cancel,
    ),
    Spec::of::<Which>(
        "keep_followup",
        "Lets a promise that the client's message cancelled go on as it was: they only confirmed, thanked or wrote of something else, and still count on it.",
        keep,
    ),
    Spec::of::<Nothing>(
        "list_promises",
        "Lists what is promised to the client, with what became of it in this turn.",
        list,
    ),
];

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Schedule {
    /// The time in the client's words, such as "tomorrow at 9", "через неделю", "el viernes por la tarde".
    when: String,
    /// What it is about, in a few of the client's own words, without the time. Empty if they named nothing.
    #[serde(default)]
    about: String,
    /// `remind`: they want to be reminded of something, whatever they write until then. `write`: they want to be written to,
    /// which their own next message makes needless.
    kind: Kind,
}

#[derive(Deserialize, JsonSchema, Clone, Copy, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Remind,
    Write,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Move {
    /// The promise's number.
    promise: usize,
    /// The new time in the client's words.
    when: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Which {
    /// The promise's number.
    promise: usize,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// Characters of a time in words, and of what a promise is about.
const LONGEST_TIME: usize = 200;
const LONGEST_TOPIC: usize = 500;

/// A model's words as one line of so many characters at most.
fn line(text: &str, most: usize) -> String {
    let spaced = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    spaced.take(most).collect::<String>().trim().to_owned()
}

fn schedule(hands: &mut Hands<'_>, arguments: Value) -> Result<String, String> {
    let Schedule { when, about, kind } = read(arguments)?;
    let (when, about) = (line(&when, LONGEST_TIME), line(&about, LONGEST_TOPIC));
    let reminds = kind == Kind::Remind;
    let before = hands.desk.standing().len();
    match hands.desk.promise(reminds, &when, &about) {
        Ok(said) => {
            let standing = hands.desk.standing();
            let made = standing.get(before);
            let would_hold = made.map(|made| shown(hands, made)).unwrap_or(Value::Null);
            Ok(json!({ "would_hold": would_hold, "in_words": said }).to_string())
        }
        Err(doubt) => {
            hands.desk.ask_when(reminds, &about);
            Err(json!({ "not_promised": doubt, "do": "ask the client for the time" }).to_string())
        }
    }
}

fn move_to(hands: &mut Hands<'_>, arguments: Value) -> Result<String, String> {
    let Move { promise, when } = read(arguments)?;
    let said = hands.desk.move_to(promise, &line(&when, LONGEST_TIME))?;
    Ok(acted(hands, promise, &said))
}

fn cancel(hands: &mut Hands<'_>, arguments: Value) -> Result<String, String> {
    let Which { promise } = read(arguments)?;
    let said = hands.desk.cancel(promise)?;
    Ok(acted(hands, promise, &said))
}

fn keep(hands: &mut Hands<'_>, arguments: Value) -> Result<String, String> {
    let Which { promise } = read(arguments)?;
    let said = hands.desk.keep(promise)?;
    Ok(acted(hands, promise, &said))
}

fn list(hands: &mut Hands<'_>, arguments: Value) -> Result<String, String> {
    let Nothing {} = read(arguments)?;
    let all: Vec<Value> = hands.desk.standing().iter().map(|one| shown(hands, one)).collect();
    Ok(Value::from(all).to_string())
}

fn acted(hands: &Hands<'_>, promise: usize, said: &str) -> String {
    let standing = hands.desk.standing();
    let now = promise.checked_sub(1).and_then(|at| standing.get(at)).map(|one| shown(hands, one));
    json!({ "would_hold": now, "in_words": said }).to_string()
}

/// A promise for the model, its time by the client's clock.
fn shown(hands: &Hands<'_>, one: &Standing) -> Value {
    json!({
        "promise": one.number,
        "kind": if one.reminds { "remind" } else { "write" },
        "about": one.topic,
        "when": local(one.due_at, hands),
        "state": named(one.state),
    })
}

fn local(at: DateTime<Utc>, hands: &Hands<'_>) -> String {
    at.with_timezone(&hands.desk.zone()).format("%A %-d %B %Y %H:%M").to_string()
}

/// A state as the model is told it.
pub fn named(state: State) -> &'static str {
    match state {
        State::Stands => "stands",
        State::Open => "cancelled by the client's message: keep, move or leave it",
        State::Moved => "would be moved",
        State::Made => "would be made",
        State::Kept => "would go on",
        State::Cancelled => "would be cancelled",
    }
}
