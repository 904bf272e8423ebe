//! What a status says of a message of ours (Cloud API, "Status messages webhook").

use steward_domain::whatsapp::{Meaning, Reference, known};

use super::notification::{Contact, chat, filled, moment};
use crate::{
    arrival::{Arrival, Chat, Report, What},
    json::Object,
    outside::{OutsideId, OutsideName},
};

/// A status, tied to our send by the reference that it carries back, else by the provider's id.
pub fn read(item: &Object<'_>, contact: Option<&Contact<'_>>) -> Arrival {
    let id = item.text("id").unwrap_or_default();
    let name = item.text("status").unwrap_or_default();
    let user_id = filled(item, "recipient_user_id").or_else(|| contact.and_then(|c| c.user_id.clone()));
    let number = filled(item, "recipient_id").or_else(|| contact.and_then(|c| c.wa_id.clone()));
    let group = item.text("recipient_type").as_deref() == Some("group");
    let mut chat = chat(number, user_id).filter(|_| !group);
    let at = moment(item, "timestamp");
    let key = if id.is_empty() || name.is_empty() { String::new() } else { format!("status:{id}:{name}") };
    let key = OutsideId::from(key);
    let status = match name.as_str() {
        "sent" => "sent",
        "delivered" => "delivered",
        // A voice message that was listened to was read.
        "read" | "played" => "read",
        "failed" => "failed",
        _ => {
            let what = What::Kept("status".into());
            return Arrival { key, at, chat, from: None, what };
        }
    };
    let reference = item.text("biz_opaque_callback_data").and_then(|text| text.parse::<Reference>().ok());
    let mut report = Report { provider_message_id: id.into(), status, at, ..Report::default() };
    if let Some(reference) = reference {
        report.message_id = Some(reference.message_id);
        report.part = reference.part;
        report.claim_id = Some(reference.claim_id);
        // The message says where it belongs, even if nothing says who has it.
        chat = chat.or_else(|| Some(Chat::default()));
    }
    if status == "failed" {
        let error = item.objects("errors").into_iter().next().unwrap_or_default();
        let (code, text) = failure(&error);
        let meaning = code.and_then(known);
        report.failure = Some((meaning.map_or("provider_refused", |k| k.reason), text));
        report.provider_code = code.map(|code| code.to_string().into()).unwrap_or_default();
        report.permanent = !meaning.is_some_and(|k| matches!(k.meaning, Meaning::Later { .. } | Meaning::Stopped));
    }
    Arrival { key, at, chat, from: None, what: What::Reported(report) }
}

/// An error's code and what it says; the code counts, the words are for people.
pub fn failure(error: &Object<'_>) -> (Option<i64>, OutsideName) {
    let said = |object: &Object<'_>, name: &str| object.text(name).filter(|text| !text.is_empty());
    let details = error.object("error_data").and_then(|data| said(&data, "details"));
    let text = details.or_else(|| ["details", "message", "title"].iter().find_map(|name| said(error, name)));
    (error.int("code"), text.unwrap_or_default().into())
}
