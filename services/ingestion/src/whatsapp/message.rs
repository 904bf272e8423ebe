//! What a message of the Cloud API is: a client's word, an operator's command, or something about another message.

use steward_domain::whatsapp::{Reference, same_number};

use super::{
    notification::{Contact, chat, filled, moment, person},
    status::failure,
};
use crate::{
    arrival::{Action, Arrival, Command, Media, Person, Report, Said, What},
    json::Object,
    outside::{OutsideId, WholeText},
    telegram::{
        operator::{self, Where},
        update::kind_name,
    },
};

/// What came to the number.
pub fn of_client(item: &Object<'_>, contact: Option<&Contact<'_>>, operators: &[String]) -> Arrival {
    let kind = item.text("type").unwrap_or_default();
    let number = filled(item, "from").or_else(|| contact.and_then(|c| c.wa_id.clone()));
    let user_id = filled(item, "from_user_id").or_else(|| contact.and_then(|c| c.user_id.clone()));
    let (key, at) = (key(item, &kind), moment(item, "timestamp"));
    if item.has("group_id") {
        return of_group(key, item);
    }
    let what = meaning(item, &kind);
    let chat = match &what {
        Meaning::Moved { to, user_id: new, old } => return moved(item, key, to, new, old),
        _ => chat(number, user_id),
    };
    let Some(chat) = chat else {
        return Arrival { key, at, chat: None, from: None, what: What::Kept(kind_name(&kind).into()) };
    };
    let from = person(&chat, contact);
    let ours = operators
        .iter()
        .any(|o| same_number(&chat.external_id, o) || chat.person.as_ref().is_some_and(|person| person == o));
    let what = match what {
        Meaning::Said(said) if ours => match command(&said, Where::OwnChat) {
            Some(command) => What::Operator(command),
            None => What::Kept("operator_message".into()),
        },
        Meaning::Said(said) => What::Said(said),
        Meaning::Aside { kind, said, about } => What::Aside { kind, said, about },
        Meaning::Noted { kind, said, about } => What::Noted { kind, said, about },
        Meaning::Moved { .. } | Meaning::Other => What::Kept(kind_name(&kind).into()),
    };
    Arrival { key, at, chat: Some(chat), from: Some(from), what }
}

/// What somebody of ours wrote to a client in the business app, or another program by the API.
pub fn echo(item: &Object<'_>, contact: Option<&Contact<'_>>) -> Arrival {
    let kind = item.text("type").unwrap_or_default();
    let user_id = filled(item, "to_user_id").or_else(|| contact.and_then(|c| c.user_id.clone()));
    let chat = chat(filled(item, "to"), user_id);
    let from = filled(item, "from").map(|id| Person { id, ..Person::default() });
    let key = match key(item, &kind) {
        key if key.is_empty() => key,
        key => format!("echo:{key}").into(),
    };
    if item.has("group_id") {
        return of_group(key, item);
    }
    let at = moment(item, "timestamp");
    let what = match meaning(item, &kind) {
        Meaning::Said(said) => match reference(item) {
            // Our own send, come back: it proves that the provider has it.
            Some(reference) => What::Reported(Report {
                message_id: Some(reference.message_id),
                part: reference.part,
                claim_id: Some(reference.claim_id),
                provider_message_id: said.provider_message_id,
                status: "sent",
                at,
                ..Report::default()
            }),
            None => by_human(said),
        },
        Meaning::Aside { kind, said, about } => What::Aside { kind, said, about },
        Meaning::Noted { kind, said, about } => What::Noted { kind, said, about },
        Meaning::Moved { .. } | Meaning::Other => What::Kept(kind_name(&kind).into()),
    };
    Arrival { key, at, chat, from, what }
}

/// What is said in a group isn't said to us alone, and an answer to its writer alone would be out of place: it is kept.
fn of_group(key: OutsideId, item: &Object<'_>) -> Arrival {
    let what = What::Kept("group_message".into());
    Arrival { key, at: moment(item, "timestamp"), chat: None, from: None, what }
}

fn reference(item: &Object<'_>) -> Option<Reference> {
    item.text("biz_opaque_callback_data")?.parse().ok()
}

/// A command in an operator's own words: what they forward is somebody else's.
fn command(said: &Said, place: Where) -> Option<Command> {
    operator::command(&said.text, place).filter(|_| !said.forwarded)
}

/// Whoever writes in the business app is ours; the client reads it, commands included.
fn by_human(mut said: Said) -> What {
    let via = "business_app";
    match command(&said, Where::ClientsChat) {
        Some(command) => match command.action {
            Action::Write(text) => {
                said.text = text;
                What::HumanWrote { said, via, takes_over: Some("prefix") }
            }
            Action::Incomplete => What::HumanWrote { said, via, takes_over: Some("detected") },
            Action::TakeOver | Action::Release | Action::Resolve => What::Operator(command),
        },
        None => What::HumanWrote { said, via, takes_over: Some("detected") },
    }
}

/// The item's name within its channel. An edit, a revocation or a reaction may carry the id of what it is about, so its
/// kind and its time are part of the name. Empty: it has no id.
fn key(item: &Object<'_>, kind: &str) -> OutsideId {
    let Some(id) = item.text("id").filter(|id| !id.is_empty()) else { return OutsideId::default() };
    let key = match kind {
        "edit" | "revoke" | "reaction" | "system" | "request_welcome" | "unsupported" => {
            let at = moment(item, "timestamp").map(|at| at.timestamp()).unwrap_or_default();
            format!("{kind}:{id}:{at}")
        }
        _ => format!("message:{id}"),
    };
    key.into()
}

enum Meaning {
    Said(Said),
    Aside {
        kind: &'static str,
        said: Said,
        about: OutsideId,
    },
    Noted {
        kind: &'static str,
        said: Said,
        about: OutsideId,
    },
    /// The person is at another number or has another id from now on.
    Moved {
        to: Option<OutsideId>,
        user_id: Option<OutsideId>,
        old: Option<OutsideId>,
    },
    Other,
}

fn meaning(item: &Object<'_>, kind: &str) -> Meaning {
    let content = item.object(kind).unwrap_or_default();
    let said = |kind: &'static str, text: String| said(item, kind, text);
    let text = |name: &str| content.text(name).unwrap_or_default();
    Meaning::Said(match kind {
        "text" => said("text", text("body")),
        "image" => said("image", text("caption")),
        "video" => said("video", text("caption")),
        "document" => said("document", text("caption")),
        "audio" | "voice" => said("audio", text("caption")),
        "sticker" => said("sticker", text("emoji")),
        "location" => said("location", place(&content)),
        "contacts" => said("contacts", people(item)),
        "order" => said("order", order(&content)),
        // The label is what the client saw and chose; the payload is whoever sent the template's.
        "button" => {
            let label = content.text("text").filter(|label| !label.is_empty());
            Said { full_text: text("payload").into(), ..said("button", label.unwrap_or(text("payload"))) }
        }
        "interactive" => interactive(item, &content),
        // A person sent something that the API doesn't carry.
        "unsupported" | "unknown" => said("unsupported", String::new()),
        "reaction" => return aside("reaction", said("reaction", text("emoji")), text("message_id").into()),
        "edit" => return edit(item, &content),
        "revoke" => return noted("revoke", said("revoke", String::new()), text("original_message_id").into()),
        "system" => return system(item, &content),
        _ => return Meaning::Other,
    })
}

fn aside(kind: &'static str, said: Said, about: OutsideId) -> Meaning {
    Meaning::Aside { kind, said, about }
}

/// News of an earlier message, which is no message itself.
fn noted(kind: &'static str, said: Said, about: OutsideId) -> Meaning {
    Meaning::Noted { kind, said, about }
}

fn said(item: &Object<'_>, kind: &'static str, text: String) -> Said {
    let context = item.object("context").unwrap_or_default();
    let errors = item.objects("errors");
    // Why there is nothing to read, if there isn't.
    let why = errors.first().map(|error| failure(error).1.as_str().into());
    Said {
        kind,
        full_text: why.unwrap_or_else(|| WholeText::if_cut(&text)),
        text: text.into(),
        provider_message_id: item.text("id").unwrap_or_default().into(),
        reply_to: context.text("id").unwrap_or_default().into(),
        forwarded: context.is_true("forwarded") || context.is_true("frequently_forwarded"),
        media: media(item, kind),
        ..Said::default()
    }
}

fn media(item: &Object<'_>, kind: &'static str) -> Vec<Media> {
    let names: &[&str] = match kind {
        "audio" => &["audio", "voice"],
        "image" | "video" | "document" | "sticker" => &[kind],
        _ => return Vec::new(),
    };
    let file = names.iter().find_map(|name| item.object(name));
    let one = file.and_then(|file| {
        Some(Media {
            kind,
            provider_id: filled(&file, "id")?,
            mime_type: file.text("mime_type").unwrap_or_default().into(),
            file_name: file.text("filename").unwrap_or_default().into(),
            size: file.int("file_size").and_then(|n| u64::try_from(n).ok()).unwrap_or(0),
        })
    });
    one.into_iter().collect()
}

/// What a field says, if it is there and says something.
fn said_in(object: &Object<'_>, name: &str) -> Option<String> {
    object.text(name).filter(|text| !text.is_empty())
}

fn place(location: &Object<'_>) -> String {
    let names: Vec<String> = ["name", "address"].iter().filter_map(|name| said_in(location, name)).collect();
    if !names.is_empty() {
        return names.join(", ");
    }
    let number = |name: &str| location.get(name).map(|v| v.get().trim_matches('"'));
    match (number("latitude"), number("longitude")) {
        (Some(latitude), Some(longitude)) => format!("{latitude}, {longitude}"),
        _ => String::new(),
    }
}

fn people(item: &Object<'_>) -> String {
    let one = |contact: Object<'_>| {
        let name =
            contact.object("name").and_then(|n| said_in(&n, "formatted_name").or_else(|| said_in(&n, "first_name")));
        let phones = contact.objects("phones").into_iter().filter_map(|p| said_in(&p, "phone"));
        name.into_iter().chain(phones).collect::<Vec<_>>().join(" ")
    };
    item.objects("contacts").into_iter().map(one).collect::<Vec<_>>().join("\n")
}

fn order(order: &Object<'_>) -> String {
    let line = |item: Object<'_>| {
        let product = said_in(&item, "product_retailer_id")?;
        let quantity = item.get("quantity").map_or("1", |v| v.get().trim_matches('"'));
        Some(format!("{quantity} × {product}"))
    };
    let lines = order.objects("product_items").into_iter().filter_map(line);
    said_in(order, "text").into_iter().chain(lines).collect::<Vec<_>>().join("\n")
}

/// A choice among what was offered, or a form that was filled in.
fn interactive(item: &Object<'_>, content: &Object<'_>) -> Said {
    let kind = content.text("type").unwrap_or_default();
    let reply = content.object(&kind).unwrap_or_default();
    let text = |name: &str| said_in(&reply, name);
    match kind.as_str() {
        // The id is ours: it says what the press asks for.
        "button_reply" => {
            let title = text("title").unwrap_or_default();
            Said { full_text: title.as_str().into(), ..said(item, "button", text("id").unwrap_or(title)) }
        }
        "list_reply" => {
            let words: Vec<String> = ["title", "description"].iter().filter_map(|name| text(name)).collect();
            Said { full_text: text("id").unwrap_or_default().into(), ..said(item, "interactive", words.join("\n")) }
        }
        "nfm_reply" => said(item, "interactive", text("response_json").or_else(|| text("body")).unwrap_or_default()),
        _ => said(item, "interactive", text("response").unwrap_or_default()),
    }
}

/// What a message says now; it is kept beside what it said before.
fn edit(item: &Object<'_>, content: &Object<'_>) -> Meaning {
    let about = content.text("original_message_id").unwrap_or_default();
    let message = content.object("message").unwrap_or_default();
    let kind = message.text("type").unwrap_or_default();
    let now = message.object(&kind).unwrap_or_default();
    let text = now.text("body").or_else(|| now.text("caption")).unwrap_or_default();
    noted("edit", said(item, "edit", text), about.into())
}

/// News of a person: a new number or id, or something to know.
fn system(item: &Object<'_>, content: &Object<'_>) -> Meaning {
    let news = content.text("type").unwrap_or_default();
    if matches!(news.as_str(), "user_changed_number" | "customer_changed_number" | "user_changed_user_id") {
        let (to, user_id) = (filled(content, "wa_id"), filled(content, "user_id"));
        if to.is_some() || user_id.is_some() {
            return Meaning::Moved { to, user_id, old: filled(content, "previous_user_id") };
        }
    }
    aside("system", said(item, "system", content.text("body").unwrap_or_default()), OutsideId::default())
}

/// The old address is where the conversation is; the new one and the new id lead to it from now on.
fn moved(
    item: &Object<'_>,
    key: OutsideId,
    to: &Option<OutsideId>,
    user_id: &Option<OutsideId>,
    old_user_id: &Option<OutsideId>,
) -> Arrival {
    let at = moment(item, "timestamp");
    let mut old = chat(filled(item, "from"), old_user_id.clone());
    let what = match (&mut old, chat(to.clone(), user_id.clone())) {
        (Some(old), Some(new)) => {
            old.person = new.person;
            What::Moved { from: old.external_id.clone(), to: new.external_id }
        }
        _ => What::Kept("system".into()),
    };
    Arrival { key, at, chat: old, from: None, what }
}
