//! The content of a Telegram message: its kind, its words, what it carries.

use crate::{
    arrival::{Media, Said},
    json::Object,
    outside::{OutsideId, WholeText},
};

/// Content that a person sends, by its field, and what we call it. The order decides where several are present.
const CONTENT: &[(&str, &str)] = &[
    ("text", "text"),
    ("animation", "video"),
    ("photo", "image"),
    ("video", "video"),
    ("video_note", "video"),
    ("voice", "audio"),
    ("audio", "audio"),
    ("document", "document"),
    ("sticker", "sticker"),
    ("venue", "location"),
    ("location", "location"),
    ("contact", "contacts"),
    ("web_app_data", "interactive"),
    ("rich_message", "unsupported"),
    ("live_photo", "unsupported"),
    ("paid_media", "unsupported"),
    ("story", "unsupported"),
    ("dice", "unsupported"),
    ("game", "unsupported"),
    ("poll", "unsupported"),
    ("checklist", "unsupported"),
    ("caption", "unsupported"),
];

/// Fields that say something about a message and are neither content nor news of the chat.
const ENVELOPE: &[&str] = &[
    "message_id",
    "message_thread_id",
    "direct_messages_topic",
    "from",
    "sender_chat",
    "sender_boost_count",
    "sender_business_bot",
    "sender_tag",
    "date",
    "business_connection_id",
    "guest_query_id",
    "chat",
    "is_topic_message",
    "is_automatic_forward",
    "reply_to_message",
    "external_reply",
    "quote",
    "reply_to_story",
    "reply_to_checklist_task_id",
    "reply_to_poll_option_id",
    "via_bot",
    "edit_date",
    "has_protected_content",
    "is_from_offline",
    "is_paid_post",
    "media_group_id",
    "author_signature",
    "paid_star_count",
    "entities",
    "link_preview_options",
    "effect_id",
    "caption_entities",
    "show_caption_above_media",
    "has_media_spoiler",
    "suggested_post_info",
    "reply_markup",
];

/// Longer texts are sent in parts of at most 4,096 UTF-16 units; apps cut at a blank or a line before that.
const LONG: usize = 3_900;

/// A person's message, or the name of the news of the chat that it is (`new_chat_members`, …).
pub fn read(message: &Object<'_>) -> Result<Said, String> {
    let Some((field, kind)) = CONTENT.iter().find(|(field, _)| message.has(field)) else {
        let news = message.names().find(|n| !ENVELOPE.contains(n) && !n.starts_with("forward_"));
        return Err(super::update::kind_name(news.unwrap_or("message")));
    };
    let quoted = message.object("quote").and_then(|q| q.text("text")).or_else(|| {
        let answered = answered(message)?;
        answered.text("text").or_else(|| answered.text("caption"))
    });
    let text = words(message, field);
    let goes_on = *field == "text" && text.encode_utf16().count() >= LONG;
    Ok(Said {
        kind,
        full_text: WholeText::if_cut(&text),
        text: text.into(),
        provider_message_id: number(message.int("message_id")),
        reply_to: number(answered(message).and_then(|m| m.int("message_id"))),
        forwarded: message.names().any(|n| n.starts_with("forward_")),
        quoted: quoted.unwrap_or_default().into(),
        media: media(message, field, kind),
        album: message.text("media_group_id").unwrap_or_default().into(),
        goes_on,
        ..Said::default()
    })
}

/// The message it answers. The opening of its own topic is none.
fn answered<'a>(message: &Object<'a>) -> Option<Object<'a>> {
    message.object("reply_to_message").filter(|m| !m.has("forum_topic_created"))
}

fn number(value: Option<i64>) -> OutsideId {
    value.map(|n| n.to_string().into()).unwrap_or_default()
}

/// What it says in words.
fn words(message: &Object<'_>, field: &str) -> String {
    if let Some(text) = message.text("text").or_else(|| message.text("caption")) {
        return text;
    }
    let Some(content) = message.object(field) else { return String::new() };
    let all = |names: &[&str]| {
        let found: Vec<String> = names.iter().filter_map(|name| content.text(name)).collect();
        found.join(" ")
    };
    match field {
        "sticker" | "dice" => all(&["emoji"]),
        "venue" => all(&["title", "address"]),
        "contact" => all(&["first_name", "last_name", "phone_number"]),
        "web_app_data" => all(&["data"]),
        "poll" => all(&["question"]),
        "game" => all(&["title"]),
        "checklist" => {
            let tasks = content.objects("tasks").into_iter().filter_map(|t| t.text("text"));
            content.text("title").into_iter().chain(tasks).collect::<Vec<_>>().join("\n")
        }
        _ => String::new(),
    }
}

fn media(message: &Object<'_>, field: &str, kind: &'static str) -> Vec<Media> {
    let file = match field {
        // The sizes of one photo, the largest last.
        "photo" => message.objects(field).pop(),
        "animation" | "video" | "video_note" | "voice" | "audio" | "document" | "sticker" => message.object(field),
        _ => None,
    };
    let one = file.and_then(|file| {
        Some(Media {
            kind,
            provider_id: file.text("file_id")?.into(),
            mime_type: file.text("mime_type").unwrap_or_default().into(),
            file_name: file.text("file_name").unwrap_or_default().into(),
            size: file.int("file_size").and_then(|n| u64::try_from(n).ok()).unwrap_or(0),
        })
    });
    one.into_iter().collect()
}
