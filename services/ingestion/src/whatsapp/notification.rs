//! A notification of the Cloud API, taken apart: entries, changes and values into one arrival for each thing they tell.

use std::collections::HashMap;
use steward_settings::Channel;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use super::{message, shared::Shared, status};
use crate::{
    arrival::{Arrival, Chat, Person, What},
    json::Object,
    outside::{OutsideId, OutsideName},
};

/// What is shorter, in bytes, tells of nobody and nothing: not even an id, a person and a time fit in. Such things are
/// kept together, so that a body full of them doesn't make a record for each.
const SHORTEST: usize = 32;

/// The body is no notification.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoNotification(String);

/// One thing that a notification tells.
#[derive(Debug, Clone)]
pub struct Piece<'c> {
    /// The number's channel; `None`: the number is none of ours, or none is named.
    pub channel: Option<&'c Channel>,
    pub arrival: Arrival,
    /// A notification of its own, with nothing else in it.
    pub raw: Bytes,
}

/// Takes a notification apart. Whatever shape its inside has, all of it is kept in some piece; `number` finds the channel
/// of a `phone_number_id`.
///
/// # Errors
/// The body isn't UTF-8, isn't JSON, or isn't an object.
pub fn read<'c>(body: &[u8], number: impl Fn(&str) -> Option<&'c Channel>) -> Result<Vec<Piece<'c>>, NoNotification> {
    let text = std::str::from_utf8(body).map_err(|e| NoNotification(format!("the body isn't UTF-8: {e}")))?;
    let root = Object::read(text).map_err(|e| NoNotification(format!("the body is no JSON object: {e}")))?;
    let shared = Shared::new(text.len());
    let mut pieces = Vec::new();
    for entry in root.items("entry") {
        let before = pieces.len();
        let whole = format!(r#"{{"object":"whatsapp_business_account","entry":[{}]}}"#, entry.get());
        let entry = Object::read(entry.get()).unwrap_or_default();
        for change in entry.items("changes") {
            let frame = Frame::new(&entry, change, &shared);
            match &frame {
                Some(frame) => frame.read(&number, &mut pieces),
                None => pieces.push(kept("change", whole_of(&entry, change.get(), &shared))),
            }
        }
        if pieces.len() == before {
            pieces.push(kept("entry", whole));
        }
    }
    if pieces.is_empty() {
        pieces.push(kept("notification", text.to_owned()));
    }
    Ok(pieces)
}

/// Something about no conversation, by what it holds: it has no id of its own.
fn kept<'c>(kind: &str, raw: String) -> Piece<'c> {
    let arrival = Arrival {
        key: format!("{}:{}", OutsideName::from(kind), digest(&raw)).into(),
        at: None,
        chat: None,
        from: None,
        what: What::Kept(crate::telegram::update::kind_name(kind).into()),
    };
    Piece { channel: None, arrival, raw: raw.into() }
}

fn digest(raw: &str) -> String {
    hex::encode(&Sha256::digest(raw)[..16])
}

/// A notification with this change alone.
fn whole_of(entry: &Object<'_>, change: &str, shared: &Shared) -> String {
    let (id, time) = (field(entry, "id", shared), field(entry, "time", shared));
    format!(r#"{{"object":"whatsapp_business_account","entry":[{{{id}{time}"changes":[{change}]}}]}}"#)
}

/// A shared field with its name and a comma behind it.
fn field(of: &Object<'_>, name: &str, shared: &Shared) -> String {
    let value = of.get(name).and_then(|value| shared.part(value));
    value.map(|value| format!(r#""{name}":{value},"#)).unwrap_or_default()
}

/// Unix seconds, as a string or as a number.
pub fn moment(object: &Object<'_>, name: &str) -> Option<DateTime<Utc>> {
    let seconds = object.int(name).or_else(|| object.text(name)?.parse().ok())?;
    DateTime::from_timestamp(seconds, 0).filter(|_| seconds > 0)
}

/// An id that is there and says something.
pub fn filled(object: &Object<'_>, name: &str) -> Option<OutsideId> {
    object.text(name).filter(|text| !text.is_empty()).map(OutsideId::from)
}

/// A change and what all of its items share.
struct Frame<'a> {
    entry: &'a Object<'a>,
    shared: &'a Shared,
    change: &'a RawValue,
    field: String,
    value: Object<'a>,
    contacts: Contacts<'a>,
}

impl<'a> Frame<'a> {
    fn new(entry: &'a Object<'a>, change: &'a RawValue, shared: &'a Shared) -> Option<Self> {
        let object = Object::read(change.get()).ok()?;
        let value = object.object("value")?;
        let contacts = Contacts::of(&value);
        Some(Self { entry, shared, change, field: object.text("field").unwrap_or_default(), value, contacts })
    }

    fn read<'c>(&self, number: impl Fn(&str) -> Option<&'c Channel>, pieces: &mut Vec<Piece<'c>>) {
        let before = pieces.len();
        let id = self.value.object("metadata").and_then(|m| m.text("phone_number_id"));
        let channel = id.as_deref().and_then(number);
        let arrays: &[&str] = match self.field.as_str() {
            "messages" => &["messages", "statuses", "errors"],
            "smb_message_echoes" | "message_echoes" => &["message_echoes"],
            "user_preferences" => &["user_preferences"],
            "calls" => &["calls", "statuses", "errors"],
            _ => &[],
        };
        for array in arrays {
            let (told, empty): (Vec<_>, Vec<_>) =
                self.value.items(array).into_iter().map(RawValue::get).partition(|item| item.len() >= SHORTEST);
            pieces.extend(told.into_iter().map(|item| self.piece(channel, array, item)));
            if !empty.is_empty() {
                pieces.push(self.piece(channel, array, &empty.join(",")));
            }
        }
        if pieces.len() == before {
            let field = if self.field.is_empty() { "change" } else { &self.field };
            let mut piece = kept(field, whole_of(self.entry, self.change.get(), self.shared));
            piece.channel = channel;
            pieces.push(piece);
        }
    }

    /// `item`: one, or several that tell nothing.
    fn piece<'c>(&self, channel: Option<&'c Channel>, array: &str, item: &str) -> Piece<'c> {
        let object = Object::read(item).unwrap_or_default();
        let contact = self.contacts.of_item(array, &object);
        let raw = self.alone(array, item, contact);
        let mut arrival = match (self.field.as_str(), array) {
            ("messages", "messages") => message::of_client(&object, contact, channel.map_or(&[], |c| &c.operators)),
            ("messages", "statuses") => status::read(&object, contact),
            (_, "message_echoes") => message::echo(&object, contact),
            (_, "user_preferences") => preference(&object),
            ("calls", "calls") => call(&object, contact),
            ("calls", "statuses") => about_nobody("status_of_call"),
            _ => about_nobody(array),
        };
        if arrival.key.is_empty() {
            arrival.key = format!("{array}:{}", digest(&raw)).into();
        }
        if channel.is_none() {
            // Another number's: kept, and nothing comes of it.
            arrival.chat = None;
            arrival.from = None;
            arrival.what = What::Kept("other_number".into());
        }
        Piece { channel, arrival, raw: raw.into() }
    }

    /// A notification with this item alone, and who it is about.
    fn alone(&self, array: &str, item: &str, contact: Option<&Contact<'_>>) -> String {
        let field = |name: &str| field(&self.value, name, self.shared);
        let (product, metadata) = (field("messaging_product"), field("metadata"));
        let contact = contact.and_then(|contact| self.shared.part(contact.raw));
        let contact = contact.map(|contact| format!(r#""contacts":[{contact}],"#)).unwrap_or_default();
        let change = format!(
            r#"{{"field":"{}","value":{{{product}{metadata}{contact}"{array}":[{item}]}}}}"#,
            // One of those that are read, so there is nothing to escape in it.
            self.field
        );
        whole_of(self.entry, &change, self.shared)
    }
}

fn about_nobody(kind: &str) -> Arrival {
    Arrival { key: OutsideId::default(), at: None, chat: None, from: None, what: What::Kept(kind.into()) }
}

/// A person as the notification introduces them.
pub struct Contact<'a> {
    raw: &'a RawValue,
    pub wa_id: Option<OutsideId>,
    pub user_id: Option<OutsideId>,
    pub name: OutsideName,
    pub username: OutsideName,
}

/// The people of a value, by their numbers and ids.
struct Contacts<'a> {
    all: Vec<Contact<'a>>,
    places: HashMap<OutsideId, usize>,
}

impl<'a> Contacts<'a> {
    fn of(value: &Object<'a>) -> Self {
        let all: Vec<Contact<'a>> = value.items("contacts").into_iter().filter_map(Contact::read).collect();
        let names = |(place, contact): (usize, &Contact<'_>)| {
            let ids = [contact.wa_id.clone(), contact.user_id.clone()];
            ids.into_iter().flatten().map(move |id| (id, place)).collect::<Vec<_>>()
        };
        let places = all.iter().enumerate().flat_map(names).collect();
        Self { all, places }
    }

    /// Whom an item is about; where one person alone is introduced, that one: a number may be written in two ways.
    fn of_item(&self, array: &str, item: &Object<'_>) -> Option<&Contact<'a>> {
        let fields: &[&str] = match array {
            "statuses" => &["recipient_id", "recipient_user_id"],
            "message_echoes" => &["to", "to_user_id"],
            _ => &["from", "from_user_id"],
        };
        let named = fields.iter().find_map(|field| self.places.get(&filled(item, field)?));
        named.and_then(|place| self.all.get(*place)).or(match self.all.as_slice() {
            [only] => Some(only),
            _ => None,
        })
    }
}

impl<'a> Contact<'a> {
    fn read(raw: &'a RawValue) -> Option<Self> {
        let contact = Object::read(raw.get()).ok()?;
        let profile = contact.object("profile").unwrap_or_default();
        let (wa_id, user_id) = (filled(&contact, "wa_id"), filled(&contact, "user_id"));
        let name = |name: &str| profile.text(name).unwrap_or_default().into();
        Some(Self { raw, wa_id, user_id, name: name("name"), username: name("username") })
    }
}

/// Where to reach a person: at the number, else by the id that the business knows them by.
pub fn chat(number: Option<OutsideId>, user_id: Option<OutsideId>) -> Option<Chat> {
    let external_id = number.or_else(|| user_id.clone())?;
    Some(Chat {
        contact: external_id.clone(),
        external_id,
        may_be_bound: true,
        private: true,
        person: Some(user_id.unwrap_or_default()),
        ..Chat::default()
    })
}

/// Who a person is to the events.
pub fn person(chat: &Chat, contact: Option<&Contact<'_>>) -> Person {
    Person {
        id: chat.external_id.clone(),
        name: contact.map(|c| c.name.clone()).unwrap_or_default(),
        username: contact.map(|c| c.username.clone()).unwrap_or_default(),
        ..Person::default()
    }
}

/// What a person wants of marketing.
fn preference(item: &Object<'_>) -> Arrival {
    let at = moment(item, "timestamp");
    let chat = chat(filled(item, "wa_id"), filled(item, "user_id"));
    Arrival { key: OutsideId::default(), at, chat, from: None, what: What::Kept("user_preferences".into()) }
}

/// A call. One that the client makes opens the service window like a message: its kind begins with `call`.
fn call(item: &Object<'_>, contact: Option<&Contact<'_>>) -> Arrival {
    let ours = item.text("direction").as_deref() == Some("BUSINESS_INITIATED");
    let event = item.text("event").unwrap_or_default();
    let (number, user_id) = if ours { ("to", "to_user_id") } else { ("from", "from_user_id") };
    let user_id = filled(item, user_id).or_else(|| contact.and_then(|c| c.user_id.clone()));
    let chat = chat(filled(item, number), user_id);
    let kind = match (ours, event.as_str()) {
        (false, "connect") => "call",
        (true, "connect") => "our_call",
        _ => "end_of_call",
    };
    let id = item.text("id").filter(|id| !id.is_empty());
    let key = id.map(|id| format!("call:{id}:{event}").into()).unwrap_or_default();
    let from = chat.as_ref().filter(|_| !ours).map(|chat| person(chat, contact));
    Arrival { key, at: moment(item, "timestamp"), chat, from, what: What::Kept(kind.into()) }
}
