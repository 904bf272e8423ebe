//! Meetings: booked at a time that our parser reads.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Hands, Spec, line, read};

pub const TOOLS: &[Spec] = &[Spec::of::<Book>(
    "book_meeting",
    "Books a meeting or a call with the client, which they are reminded of before it begins. Give the time in words as the client said it, with the hour; it is read in their time zone. The answer says what would hold, or why the time isn't clear: then ask the client. Not for messages at a time: those are promises.",
    book,
)];

/// Minutes of a meeting, at most.
const LONGEST: u32 = 12 * 60;
/// Characters of its title, and of a time in words.
const LONGEST_TITLE: usize = 200;
const LONGEST_TIME: usize = 200;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Book {
    /// When it begins, in the client's words: "on Friday at 3 pm", "завтра в 10", "el lunes a las 9".
    when: String,
    /// How long it lasts. 30 if nothing was said.
    minutes: u32,
    /// What it is about, in a few words of the client's language.
    title: String,
}

fn book(hands: &mut Hands<'_>, arguments: Value) -> Result<String, String> {
    let Book { when, minutes, title } = read(arguments)?;
    let (when, title) = (line(&when, LONGEST_TIME), line(&title, LONGEST_TITLE));
    if title.is_empty() {
        return Err("`title` needs a word or two".to_owned());
    }
    if !(1..=LONGEST).contains(&minutes) {
        return Err(format!("`minutes` must be 1 to {LONGEST}"));
    }
    let at = hands.desk.book(&title, &when, minutes)?;
    let local = at.with_timezone(&hands.desk.zone());
    Ok(json!({
        "would_be_booked": title,
        "when": local.format("%A %-d %B %Y %H:%M").to_string(),
        "zone": hands.desk.zone().name(),
        "minutes": minutes,
    })
    .to_string())
}
