//! Tests of what Updates mean, on recorded ones (`tests/fixtures/telegram`) and on broken copies of them.

use std::{collections::BTreeMap, fs, path::Path};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{itself::Itself, update};
use crate::arrival::{Arrival, What};

/// To the bot that the stand-ins are.
fn read(body: &[u8], operators: &[String]) -> Result<Arrival, update::NoUpdate> {
    let bot = Itself { id: Some(1), username: Some("steward_test_bot".to_owned()) };
    update::read(body, operators, &bot)
}

/// Every recorded Update by its file's name.
fn recorded() -> BTreeMap<String, Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/telegram");
    let mut found = BTreeMap::new();
    for source in fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_dir()) {
        for file in fs::read_dir(source).unwrap().map(|e| e.unwrap().path()) {
            found.insert(file.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&file).unwrap());
        }
    }
    assert!(found.len() > 100, "only {} recorded updates", found.len());
    found
}

fn name(what: &What) -> String {
    match what {
        What::Said(said) => format!("said {}", said.kind),
        What::HumanWrote { takes_over, .. } => format!("human {takes_over:?}"),
        What::Operator(command) => format!("operator {:?}", command.action),
        What::Kept(kind) => format!("kept {kind}"),
        What::Blocked => "blocked".to_owned(),
        What::Unblocked => "unblocked".to_owned(),
        What::Moved { from, to } => format!("moved {from} {to}"),
        What::Overheard(said) => format!("overheard {}", said.kind),
        What::Noted { kind, said, about } => format!("noted {kind} {about} {}", said.text),
        What::Revoked { kind, about } => {
            let ids: Vec<&str> = about.iter().map(|id| id.as_str()).collect();
            format!("revoked {kind} {}", ids.join(" "))
        }
        What::Aside { kind, said, about } => format!("aside {kind} {about} {}", said.text),
        What::Reported(_) | What::Meeting(_) => format!("{what:?}"),
    }
}

fn meaning(update: &Value) -> Arrival {
    read(update.to_string().as_bytes(), &["7001".to_owned()]).unwrap()
}

#[test]
fn every_recorded_update_is_accepted() {
    for (file, body) in recorded() {
        if !serde_json::from_slice::<Value>(&body).unwrap()["update_id"].is_i64() {
            panic!("{file} is no Update");
        }
        let arrival = read(&body, &[]).unwrap_or_else(|e| panic!("{file}: {e}"));
        assert!(arrival.key.starts_with("update:"), "{file}");
    }
}

#[test]
fn a_recorded_update_means_what_it_is() {
    let recorded = recorded();
    for (file, meaning) in [
        ("text.json", "said text"),
        ("command.json", "said text"),
        ("business_message.json", "said text"),
        ("photo.json", "said image"),
        ("voice.json", "said audio"),
        ("video_note.json", "said video"),
        ("animation.json", "said video"),
        ("document.json", "said document"),
        ("sticker.json", "said sticker"),
        ("venue.json", "said location"),
        ("contact.json", "said contacts"),
        ("dice.json", "said unsupported"),
        ("checklist.json", "said unsupported"),
        ("callback_query.json", "said button"),
        ("callback_query_inaccessible_message.json", "said button"),
        ("callback_query_without_message.json", "kept callback_query"),
        ("edited_message.json", "noted edited_message 23762 Editing this message"),
        ("edited_business_message.json", "noted edited_business_message 123 Ciao"),
        ("channel_post.json", "kept channel_post"),
        ("message_reaction.json", "aside reaction 123 ❤️ 🤡 1234567890123456789"),
        ("message_reaction_count.json", "kept message_reaction_count"),
        ("message_general_topic.json", "overheard text"),
        ("deleted_business_messages.json", "revoked deleted_business_messages 123 321"),
        ("my_chat_member.json", "kept my_chat_member"),
        ("new_chat_members.json", "kept new_chat_members"),
        ("left_chat_member.json", "kept left_chat_member"),
        ("pinned_message.json", "kept pinned_message"),
        ("community_chat_added.json", "kept community_chat_added"),
        ("poll_answer.json", "kept poll_answer"),
        ("inline_query.json", "kept inline_query"),
        ("managed_bot.json", "kept managed_bot"),
        ("subscription.json", "kept subscription"),
        ("rich_message.json", "kept message"),
        ("migrate_to_chat_id.json", "moved 12345 123456789"),
        ("migrate_from_chat_id.json", "moved 987654321 12345"),
    ] {
        let arrival = read(&recorded[file], &[]).unwrap();
        assert_eq!(name(&arrival.what), meaning, "{file}");
    }
}

#[test]
fn a_topic_is_a_conversation_of_its_own() {
    let recorded = recorded();
    let chat = |file: &str| read(&recorded[file], &[]).unwrap().chat.unwrap();
    let topic = chat("message_topic.json");
    assert_eq!((topic.external_id.as_str(), topic.group), ("-1001234567489/33", true));
    assert_eq!(chat("message_general_topic.json").external_id, "-1001234567489");
}

#[test]
fn words_quotes_and_forwards_are_told_apart() {
    let recorded = recorded();
    let said = |file: &str| match read(&recorded[file], &[]).unwrap().what {
        What::Said(said) | What::Overheard(said) => said,
        other => panic!("{file}: {other:?}"),
    };
    assert!(said("message_forward_origin.json").forwarded && !said("text.json").forwarded);
    let reply = said("message_different_topic_reply.json");
    assert_eq!((reply.text.as_str(), reply.quoted.as_str(), reply.reply_to.as_str()), ("bbbb", "aaaa", "70"));
    // The opening of a topic isn't what the person answers.
    assert_eq!(said("message_topic.json").reply_to, "");
    assert_eq!(said("photo.json").media.len(), 1);
}

#[test]
fn only_an_operator_commands() {
    let from = |id: i64, chat: i64, text: &str| {
        let kind = if chat < 0 { "supergroup" } else { "private" };
        meaning(&json!({"update_id": 1, "message": {"message_id": 2, "date": 1, "text": text,
            "from": {"id": id, "is_bot": false, "first_name": "A"}, "chat": {"id": chat, "type": kind}}}))
    };
    for text in ["/human_active", "/human_release", "HUMAN: hi", "/human_active @ana"] {
        assert_eq!(name(&from(42, 42, text).what), "said text");
        let here = if text.starts_with('/') { "said text" } else { "overheard text" };
        assert_eq!(name(&from(42, -5, text).what), here);
    }
    assert_eq!(name(&from(7001, -5, "/human_active").what), "operator TakeOver");
    assert_eq!(name(&from(7001, -5, "HUMAN: hi").what), "human Some(\"prefix\")");
    assert_eq!(name(&from(7001, -5, "hi").what), "human None");
    assert_eq!(name(&from(7001, 7001, "HUMAN: @ana hi").what), "operator Write(\"hi\")");
    assert_eq!(name(&from(7001, 7001, "hi").what), "kept operator_message");
}

#[test]
fn what_an_operator_forwards_is_no_command() {
    let forwarded = |chat: i64, text: &str| {
        let kind = if chat < 0 { "supergroup" } else { "private" };
        let message = json!({"message_id": 2, "date": 1, "text": text, "from": {"id": 7001, "is_bot": false},
            "forward_origin": {"type": "hidden_user", "date": 1, "sender_user_name": "Eve"},
            "chat": {"id": chat, "type": kind}});
        name(&meaning(&json!({"update_id": 1, "message": message})).what)
    };
    assert_eq!(forwarded(7001, "HUMAN: @ana I am your bank"), "kept operator_message");
    assert_eq!(forwarded(7001, "/human_release @ana"), "kept operator_message");
    assert_eq!(forwarded(-5, "/human_active"), "human None");
    assert_eq!(forwarded(-5, "HUMAN: hi"), "human None");
}

#[test]
fn in_a_group_only_what_is_meant_for_the_bot_is_said_to_it() {
    let group = |content: Value| {
        let mut message = json!({"message_id": 2, "date": 1, "from": {"id": 42, "is_bot": false},
            "chat": {"id": -5, "type": "supergroup"}});
        message.as_object_mut().unwrap().extend(content.as_object().unwrap().clone());
        name(&meaning(&json!({"update_id": 1, "message": message})).what)
    };
    assert_eq!(group(json!({"text": "@steward_test_bot write to me tomorrow"})), "said text");
    assert_eq!(group(json!({"text": "see you tomorrow"})), "overheard text");
    let voice = json!({"file_id": "v", "file_size": 5});
    assert_eq!(group(json!({"voice": voice, "reply_to_message": {"message_id": 1, "from": {"id": 1}}})), "said audio");
    assert_eq!(group(json!({"voice": voice, "caption": "for @Steward_Test_Bot"})), "said audio");
    assert_eq!(group(json!({"voice": voice})), "overheard audio");
}

#[test]
fn a_press_brings_back_its_buttons_data_and_title() {
    let arrival = meaning(&json!({"update_id": 1, "callback_query": {"id": "9", "data": "fu:keep:1",
        "from": {"id": 42, "is_bot": false}, "message": {"message_id": 5, "date": 1, "text": "ok?",
        "chat": {"id": 42, "type": "private"}, "reply_markup": {"inline_keyboard":
            [[{"text": "No", "callback_data": "x"}], [{"text": "Yes", "callback_data": "fu:keep:1"}]]}}}}));
    let What::Said(said) = arrival.what else { panic!("{:?}", arrival.what) };
    assert_eq!((said.kind, said.text.as_str(), said.full_text.as_str()), ("button", "fu:keep:1", "Yes"));
    assert_eq!((said.provider_message_id.as_str(), said.reply_to.as_str()), ("9", "5"));
}

#[test]
fn a_reaction_taken_back_is_an_empty_one() {
    let reacted = meaning(&json!({"update_id": 1, "message_reaction": {"message_id": 9, "date": 1,
        "chat": {"id": 42, "type": "private"}, "user": {"id": 42},
        "old_reaction": [{"type": "emoji", "emoji": "👍"}], "new_reaction": []}}));
    assert_eq!(name(&reacted.what), "aside reaction 9 ");
}

#[test]
fn in_a_business_chat_everybody_but_the_client_is_ours() {
    let business = |id: i64, more: Value| {
        let mut message = json!({"message_id": 2, "date": 1, "text": "hi", "business_connection_id": "bc",
            "from": {"id": id, "is_bot": false}, "chat": {"id": 42, "type": "private"}});
        message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        meaning(&json!({"update_id": 1, "business_message": message}))
    };
    let client = business(42, json!({}));
    assert_eq!((name(&client.what).as_str(), client.chat.unwrap().external_id.as_str()), ("said text", "bc:42"));
    assert_eq!(name(&business(9, json!({})).what), "human Some(\"detected\")");
    assert_eq!(name(&business(7001, json!({"text": "/human_release"})).what), "operator Release");
    // Away messages and bots are nobody.
    assert_eq!(name(&business(9, json!({"is_from_offline": true})).what), "kept business_message");
    assert_eq!(name(&business(9, json!({"sender_business_bot": {"id": 1}})).what), "kept business_message");
}

#[test]
fn a_block_is_told_from_other_membership() {
    let member = |old: &str, new: &str| {
        meaning(&json!({"update_id": 1, "my_chat_member": {"date": 1, "chat": {"id": 42, "type": "private"},
            "from": {"id": 42}, "old_chat_member": {"status": old}, "new_chat_member": {"status": new}}}))
    };
    assert_eq!(name(&member("member", "kicked").what), "blocked");
    assert_eq!(name(&member("kicked", "member").what), "unblocked");
    assert_eq!(name(&member("member", "administrator").what), "kept my_chat_member");
}

#[test]
fn what_is_no_update_is_said_to_be_none() {
    for body in
        [&b""[..], b"{", b"[]", b"1", b"\"x\"", b"{}", br#"{"update_id": "1"}"#, b"{\"update_id\": 1, \"x\": \"\xff\"}"]
    {
        assert!(read(body, &[]).is_err(), "{}", String::from_utf8_lossy(body));
    }
}

/// One thing in a JSON document replaced by another shape.
fn mutate(value: &mut Value, target: &mut usize, by: &Value) {
    if *target == 0 {
        *value = by.clone();
    }
    *target = target.wrapping_sub(1);
    match value {
        Value::Object(fields) => fields.values_mut().for_each(|v| mutate(v, target, by)),
        Value::Array(items) => items.iter_mut().for_each(|v| mutate(v, target, by)),
        _ => {}
    }
}

proptest! {
    #[test]
    fn an_update_of_unexpected_shape_is_kept(
        pick in 0usize..10_000,
        targets in prop::collection::vec((0usize..60, 0usize..8), 1..4),
    ) {
        let recorded = recorded();
        let (file, body) = recorded.iter().nth(pick % recorded.len()).unwrap();
        let shapes = [json!(null), json!(true), json!(-1), json!(1e300), json!("x"), json!([]), json!({}), json!([[{"id": {}}]])];
        let mut update: Value = serde_json::from_slice(body).unwrap();
        for (target, shape) in targets {
            mutate(&mut update, &mut (target + 1), &shapes[shape]);
        }
        if update["update_id"].is_i64() {
            prop_assert!(read(update.to_string().as_bytes(), &[]).is_ok(), "{file}");
        }
    }

    #[test]
    fn no_bytes_make_it_panic(pick in 0usize..10_000, at in 0usize..2_000, byte: u8, cut in 0usize..2_000) {
        let recorded = recorded();
        let mut body = recorded.values().nth(pick % recorded.len()).unwrap().clone();
        let at = at % body.len();
        body[at] = byte;
        let _ = read(&body, &[]);
        body.truncate(cut);
        let _ = read(&body, &[]);
    }
}
