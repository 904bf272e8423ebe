//! What a Telegram Update means (Bot API, `Update`): a client's word, an operator's command, or something to keep.

use chrono::{DateTime, Utc};

use super::{
    addressed::{is_addressed, without_name},
    itself::Itself,
    message,
    operator::{self, Where},
};
use crate::{
    arrival::{Action, Arrival, Chat, Command, Person, Said, What},
    json::Object,
    outside::{OutsideId, WholeText},
};

/// Messages that one update says are gone, at most: the Bot API deletes 100 at once.
const MOST_DELETED: usize = 100;

/// The body is no Update.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoUpdate(String);

/// Reads an Update. Whatever shape its inside has, it is something to keep; `operators` are people of ours by
/// their id, `bot` is who a group speaks to when it speaks to us.
///
/// # Errors
/// The body isn't UTF-8, isn't JSON, isn't an object, or has no whole number `update_id`.
pub fn read(body: &[u8], operators: &[String], bot: &Itself) -> Result<Arrival, NoUpdate> {
    let text = std::str::from_utf8(body).map_err(|e| NoUpdate(format!("the body isn't UTF-8: {e}")))?;
    let update = Object::read(text).map_err(|e| NoUpdate(format!("the body is no JSON object: {e}")))?;
    let id = update
        .int("update_id")
        .ok_or_else(|| NoUpdate("the body has no whole number `update_id`, so it is no Update".to_owned()))?;
    let field = update.names().find(|name| *name != "update_id").unwrap_or("empty").to_owned();
    let content = update.object(&field).unwrap_or_default();
    let mut arrival = content_of(&field, &content, operators, bot);
    arrival.key = format!("update:{id}").into();
    Ok(arrival)
}

fn content_of(field: &str, content: &Object<'_>, operators: &[String], bot: &Itself) -> Arrival {
    match field {
        "message" => of_message(content, operators, bot),
        "business_message" => of_business_message(content, operators),
        "callback_query" => of_button(content, operators),
        "my_chat_member" => of_membership(content),
        "edited_message" => of_edit("edited_message", content),
        "edited_business_message" => of_edit("edited_business_message", content),
        "deleted_business_messages" => of_deletion(content),
        "message_reaction" => of_reaction(content),
        _ => kept(field, content, chat_of(content)),
    }
}

/// The name under which something is kept: the provider's own, as far as it is a name at all.
pub fn kind_name(field: &str) -> String {
    let name: String = field
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '_')
        .take(64)
        .collect::<String>()
        .to_ascii_lowercase();
    if name.is_empty() { "unknown".to_owned() } else { name }
}

fn kept(kind: &str, content: &Object<'_>, chat: Option<Chat>) -> Arrival {
    let at = moment(content, "edit_date").or_else(|| moment(content, "date"));
    let from = content.object("from").or_else(|| content.object("user")).and_then(|f| person(&f));
    Arrival { key: OutsideId::default(), at, chat, from, what: What::Kept(kind_name(kind).into()) }
}

fn moment(object: &Object<'_>, name: &str) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(object.int(name).filter(|s| *s > 0)?, 0)
}

fn person(from: &Object<'_>) -> Option<Person> {
    let names: Vec<String> = ["first_name", "last_name"].iter().filter_map(|name| from.text(name)).collect();
    Some(Person {
        id: from.int("id")?.to_string().into(),
        name: names.join(" ").into(),
        username: from.text("username").unwrap_or_default().into(),
        language: from.text("language_code").unwrap_or_default().into(),
        ..Person::default()
    })
}

/// Where a thing that names a chat belongs.
fn chat_of(content: &Object<'_>) -> Option<Chat> {
    let chat = content.object("chat")?;
    let id = chat.int("id")?;
    let kind = chat.text("type").unwrap_or_default();
    let title = chat.text("title").unwrap_or_default();
    let own = OutsideId::from(id.to_string());
    let mut place = Chat { external_id: own.clone(), contact: own, title: title.into(), ..Chat::default() };
    if let Some(connection) = content.text("business_connection_id").filter(|c| !c.is_empty()) {
        place.external_id = format!("{connection}:{id}").into();
        return Some(place);
    }
    place.group = kind != "private" && (!kind.is_empty() || id < 0);
    place.private = kind == "private";
    match content.int("message_thread_id").filter(|_| content.is_true("is_topic_message")) {
        Some(topic) => place.external_id = format!("{id}/{topic}").into(),
        None => place.may_be_bound = place.group,
    }
    Some(place)
}

fn of_message(content: &Object<'_>, operators: &[String], bot: &Itself) -> Arrival {
    let mut arrival = kept("message", content, chat_of(content));
    let said = match message::read(content) {
        Ok(said) => said,
        Err(news) => {
            arrival.what = moved(content).unwrap_or(What::Kept(news.into()));
            return arrival;
        }
    };
    let (Some(chat), Some(from)) = (&arrival.chat, &arrival.from) else { return arrival };
    if is_bot(content) || content.is_true("is_automatic_forward") {
        return arrival;
    }
    arrival.what = if !is_ours(from, operators) {
        if chat.group && !is_addressed(content, bot) { What::Overheard(said) } else { What::Said(unnamed(said, bot)) }
    } else if chat.contact == from.id {
        command(&said, Where::OwnChat).map_or(What::Kept("operator_message".into()), What::Operator)
    } else {
        by_operator(said, "group", None)
    };
    arrival
}

/// What is said to the bot, without its name.
fn unnamed(mut said: Said, bot: &Itself) -> Said {
    if let Some(left) = without_name(&said.text, bot) {
        let whole = std::mem::replace(&mut said.text, left.into());
        if said.full_text.is_empty() {
            said.full_text = whole.as_str().into();
        }
    }
    said
}

fn is_ours(from: &Person, operators: &[String]) -> bool {
    operators.iter().any(|operator| from.id == *operator)
}

/// A command in an operator's own words: what they forward is somebody else's.
fn command(said: &Said, place: Where) -> Option<Command> {
    operator::command(&said.text, place).filter(|_| !said.forwarded)
}

/// An operator wrote where the client reads it.
fn by_operator(mut said: Said, via: &'static str, takes_over: Option<&'static str>) -> What {
    match command(&said, Where::ClientsChat) {
        // The client has read it already: nothing is left to send.
        Some(command) => match command.action {
            Action::Write(text) => {
                said.text = text;
                What::HumanWrote { said, via, takes_over: Some("prefix") }
            }
            Action::Incomplete => What::HumanWrote { said, via, takes_over },
            Action::TakeOver | Action::Release | Action::Resolve => What::Operator(command),
        },
        None => What::HumanWrote { said, via, takes_over },
    }
}

/// In a business chat the client is who the chat is with; everybody else in it is ours.
fn of_business_message(content: &Object<'_>, operators: &[String]) -> Arrival {
    let mut arrival = kept("business_message", content, chat_of(content));
    let said = match message::read(content) {
        Ok(said) => said,
        Err(news) => {
            arrival.what = What::Kept(news.into());
            return arrival;
        }
    };
    let (Some(chat), Some(from)) = (&arrival.chat, &arrival.from) else { return arrival };
    // Sent by a bot, or by the app itself (away and greeting messages, scheduled ones): nobody is there.
    if is_bot(content) || content.has("sender_business_bot") || content.is_true("is_from_offline") {
        return arrival;
    }
    arrival.what = if chat.contact == from.id {
        What::Said(said)
    } else if is_ours(from, operators) {
        by_operator(said, "business", Some("detected"))
    } else {
        What::HumanWrote { said, via: "business", takes_over: Some("detected") }
    };
    arrival
}

fn is_bot(content: &Object<'_>) -> bool {
    content.object("from").is_some_and(|from| from.is_true("is_bot"))
}

fn of_button(content: &Object<'_>, operators: &[String]) -> Arrival {
    let under = content.object("message").unwrap_or_default();
    let mut arrival = kept("callback_query", content, chat_of(&under));
    let (Some(_), Some(from)) = (&arrival.chat, &arrival.from) else { return arrival };
    if is_bot(content) || is_ours(from, operators) {
        return arrival;
    }
    let data = content.text("data").or_else(|| content.text("game_short_name")).unwrap_or_default();
    arrival.what = What::Said(Said {
        kind: "button",
        full_text: title_of(&under, &data).map_or_else(|| WholeText::if_cut(&data), WholeText::from),
        text: data.into(),
        provider_message_id: content.text("id").unwrap_or_default().into(),
        reply_to: under.int("message_id").map(|n| n.to_string().into()).unwrap_or_default(),
        ..Said::default()
    });
    arrival
}

/// What stands on the button that brings this back.
fn title_of(message: &Object<'_>, data: &str) -> Option<String> {
    let keyboard = message.object("reply_markup")?;
    let rows: Vec<Vec<Object<'_>>> = serde_json::from_str(keyboard.get("inline_keyboard")?.get()).ok()?;
    let pressed = rows.iter().flatten().find(|button| button.text("callback_data").as_deref() == Some(data))?;
    pressed.text("text")
}

/// Other words for an earlier message: nobody's new word, whoever changed them.
fn of_edit(kind: &'static str, content: &Object<'_>) -> Arrival {
    let mut arrival = kept(kind, content, chat_of(content));
    if arrival.chat.is_some()
        && let Ok(said) = message::read(content)
    {
        let about = said.provider_message_id.clone();
        arrival.what = What::Noted { kind, said, about };
    }
    arrival
}

/// Messages that somebody deleted in a business chat; who did isn't told.
fn of_deletion(content: &Object<'_>) -> Arrival {
    let mut arrival = kept("deleted_business_messages", content, chat_of(content));
    let ids: Vec<i64> =
        content.get("message_ids").and_then(|ids| serde_json::from_str(ids.get()).ok()).unwrap_or_default();
    if arrival.chat.is_some() && !ids.is_empty() {
        let about = ids.into_iter().take(MOST_DELETED).map(|id| id.to_string().into()).collect();
        arrival.what = What::Revoked { kind: "deleted_business_messages", about };
    }
    arrival
}

/// A person's reactions to a message, as they are now; none: they were taken back.
fn of_reaction(content: &Object<'_>) -> Arrival {
    let mut arrival = kept("message_reaction", content, chat_of(content));
    let about = content.int("message_id").map(|id| OutsideId::from(id.to_string())).unwrap_or_default();
    if arrival.chat.is_none() || about.is_empty() {
        return arrival;
    }
    let shown: Vec<String> = content.objects("new_reaction").iter().filter_map(reaction).collect();
    let said = Said { kind: "reaction", text: shown.join(" ").into(), ..Said::default() };
    arrival.what = What::Aside { kind: "reaction", said, about };
    arrival
}

/// An emoji; of what is no emoji, the provider's own name of it.
fn reaction(reaction: &Object<'_>) -> Option<String> {
    reaction.text("emoji").or_else(|| reaction.text("custom_emoji_id")).or_else(|| reaction.text("type"))
}

fn of_membership(content: &Object<'_>) -> Arrival {
    let mut arrival = kept("my_chat_member", content, chat_of(content));
    let status = |name| content.object(name).and_then(|m| m.text("status")).unwrap_or_default();
    let gone = |status: &str| matches!(status, "kicked" | "left");
    let (before, now) = (status("old_chat_member"), status("new_chat_member"));
    match (gone(&before), gone(&now)) {
        _ if arrival.chat.is_none() || now.is_empty() => {}
        (false, true) => arrival.what = What::Blocked,
        (true, false) => arrival.what = What::Unblocked,
        _ => {}
    }
    arrival
}

/// A group became a supergroup: it is told in both, with the other's id.
fn moved(content: &Object<'_>) -> Option<What> {
    let chat = content.object("chat")?.int("id")?.to_string();
    if let Some(to) = content.int("migrate_to_chat_id") {
        return Some(What::Moved { from: chat.into(), to: to.to_string().into() });
    }
    let from = content.int("migrate_from_chat_id")?;
    Some(What::Moved { from: from.to_string().into(), to: chat.into() })
}
