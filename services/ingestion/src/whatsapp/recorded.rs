//! Tests of what notifications mean, on recorded ones (`tests/fixtures/whatsapp`) and on broken copies of them.

use std::{collections::BTreeMap, fs, path::Path};

use proptest::prelude::*;
use serde_json::{Value, json};
use steward_domain::settings::OnUnknown;
use steward_settings::{Channel, ChannelKind, Secret, WhatsApp};

use super::notification::{Piece, read};
use crate::arrival::{Arrival, Report, Said, What};

pub(super) fn channel() -> Channel {
    Channel {
        id: "wa".to_owned(),
        tenant: "default".to_owned(),
        operators: vec!["7001".to_owned()],
        on_unknown: OnUnknown::Hold,
        rate_limit: None,
        approval: None,
        kind: ChannelKind::WhatsApp(WhatsApp {
            phone_number_id: "1".to_owned(),
            access_token: Secret::new(""),
            app_secret: Secret::new(""),
            verify_token: Secret::new(""),
            api_base: String::new(),
            templates: Vec::new(),
        }),
    }
}

/// Every recorded notification by its folder's and its file's name.
fn recorded() -> BTreeMap<String, Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/whatsapp");
    let mut found = BTreeMap::new();
    for source in fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_dir()) {
        for file in fs::read_dir(source).unwrap().map(|e| e.unwrap().path()) {
            found.insert(file.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&file).unwrap());
        }
    }
    assert_eq!(found.len(), 80, "recorded notifications");
    found
}

/// What a notification tells, every number in it being ours.
fn told(body: &[u8]) -> Vec<Arrival> {
    let channel = channel();
    read(body, |_| Some(&channel)).unwrap().into_iter().map(|piece| piece.arrival).collect()
}

fn name(what: &What) -> String {
    match what {
        What::Said(said) => format!("said {}", said.kind),
        What::Overheard(said) => format!("overheard {}", said.kind),
        What::HumanWrote { takes_over, .. } => format!("human {takes_over:?}"),
        What::Operator(command) => format!("operator {:?}", command.action),
        What::Kept(kind) => format!("kept {kind}"),
        What::Aside { kind, .. } => format!("aside {kind}"),
        What::Noted { kind, .. } => format!("noted {kind}"),
        What::Revoked { kind, .. } => format!("revoked {kind}"),
        What::Reported(report) => format!("reported {}", report.status),
        What::Blocked => "blocked".to_owned(),
        What::Unblocked => "unblocked".to_owned(),
        What::Moved { from, to } => format!("moved {from} {to}"),
        What::Meeting(_) => "meeting".to_owned(),
    }
}

/// One message of a client's, with these fields.
fn of_client(fields: Value) -> Vec<u8> {
    let mut message = json!({ "from": "42", "id": "wamid.1", "timestamp": "1700000000" });
    message.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    notification("messages", json!({ "messages": [message] }))
}

fn notification(field: &str, mut value: Value) -> Vec<u8> {
    value["metadata"] = json!({ "phone_number_id": "1" });
    let change = json!({ "field": field, "value": value });
    json!({ "object": "whatsapp_business_account", "entry": [{ "id": "7", "changes": [change] }] })
        .to_string()
        .into_bytes()
}

fn said(body: &[u8]) -> Said {
    match told(body).remove(0).what {
        What::Said(said) => said,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_recorded_notification_is_read_and_counted() {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for (file, body) in recorded() {
        let arrivals = told(&body);
        assert!(!arrivals.is_empty(), "{file}");
        for arrival in arrivals {
            assert!(!arrival.key.is_empty(), "{file}");
            let kind = name(&arrival.what);
            *counts.entry(if kind.starts_with("moved") { "moved".to_owned() } else { kind }).or_default() += 1;
        }
    }
    println!("{counts:#?}");
    let count = |kind: &str| counts.get(kind).copied().unwrap_or_default();
    assert_eq!((count("said text"), count("said image"), count("said audio"), count("said video")), (12, 3, 2, 1));
    assert_eq!((count("said document"), count("said sticker"), count("said unsupported")), (2, 2, 3));
    assert_eq!((count("said location"), count("said contacts"), count("said order")), (3, 2, 1));
    assert_eq!((count("said button"), count("said interactive")), (7, 4));
    assert_eq!((count("aside reaction"), count("aside system"), count("moved")), (5, 1, 2));
    assert_eq!((count("noted edit"), count("noted revoke"), count("human Some(\"detected\")")), (2, 1, 1));
    assert_eq!((count("reported sent"), count("reported delivered"), count("reported read")), (3, 7, 3));
    assert_eq!((count("reported failed"), count("kept user_preferences"), count("kept errors")), (4, 2, 1));
    let notices: usize = ["account_update", "account_review_update", "phone_number_name_update"]
        .iter()
        .chain(&["phone_number_quality_update", "message_template_status_update"])
        .map(|field| count(&format!("kept {field}")))
        .sum();
    assert_eq!(notices, 8);
    assert_eq!(counts.values().sum::<usize>(), 82);
}

#[test]
fn a_recorded_notification_means_what_it_is() {
    let recorded = recorded();
    for (file, meaning) in [
        ("message__text.json", "said text"),
        ("message__voice.json", "said audio"),
        ("message__current_location.json", "said location"),
        ("message__reaction.json", "aside reaction"),
        ("message__unreaction_empty.json", "aside reaction"),
        ("message__unsupported.json", "said unsupported"),
        ("message__interactive_message_with_err.json", "said interactive"),
        ("callback_button__button.json", "said button"),
        ("callback_button__quick_reply.json", "said button"),
        ("flow_completion__completion.json", "said interactive"),
        ("edited_message__image.json", "noted edit"),
        ("outgoing_message__text.json", "human Some(\"detected\")"),
        ("outgoing_message__edit.json", "noted edit"),
        ("outgoing_message__delete.json", "noted revoke"),
        ("system__identity_change.json", "aside system"),
        ("system__phone_number_change.json", "moved 972987654321 972912345678"),
        ("user_marketing_preferences__resume.json", "kept user_preferences"),
        ("message_status__failed.json", "reported failed"),
        ("accountBanned.json", "kept account_update"),
        ("rejectedTemplate.json", "kept message_template_status_update"),
    ] {
        assert_eq!(name(&told(&recorded[file])[0].what), meaning, "{file}");
    }
}

#[test]
fn words_media_quotes_and_forwards_are_told_apart() {
    let recorded = recorded();
    let said = |file: &str| said(&recorded[file]);
    let video = said("videoMessage.json");
    assert_eq!((video.text.as_str(), video.media[0].provider_id.as_str()), ("hello world", "661828760183585"));
    let document = said("documentMessage.json");
    assert_eq!(document.media[0].file_name, "4_641947.pdf");
    assert_eq!(said("message__reply.json").reply_to, "wamid.xyzxyz==");
    assert!(said("message__current_location.json").forwarded && !said("message__text.json").forwarded);
    assert_eq!(said("message__current_location.json").text, "12.25089, 43.90539");
    assert_eq!(said("contactMessage.json").text, "Person Ok +55 11 11111-1111");
    let order = said("NotificationFactoryTest.php_L834_msg_order.json");
    assert!(order.text.starts_with("text-message-sent-along-with-the-order\nnumber-of-item × the-product-SKU"));
    // The press of a button of ours says what it asks for, a template's says what the client saw.
    let press = said("callback_button__button.json");
    assert_eq!((press.text.as_str(), press.full_text.as_str()), ("callback_data", "title"));
    assert_eq!(said("callback_button__quick_reply.json").text, "title");
    assert!(said("message__unsupported.json").full_text.contains("not supported"));
    let What::Aside { said, about, .. } = &told(&recorded["message__reaction.json"])[0].what else { panic!() };
    assert_eq!((said.text.as_str(), about.as_str()), ("😮", "wamid.yzxyzx="));
    let What::Noted { said, about, .. } = &told(&recorded["outgoing_message__edit.json"])[0].what else { panic!() };
    assert_eq!((said.text.as_str(), about.as_str()), ("Text was edited", "wamid.zzzzzz"));
}

#[test]
fn a_person_is_known_by_number_by_id_or_by_both() {
    let recorded = recorded();
    let chat = |file: &str| {
        let chat = told(&recorded[file])[0].chat.clone().unwrap();
        (chat.external_id.into_string(), chat.person.unwrap().into_string())
    };
    let is = |number: &str, id: &str| (number.to_owned(), id.to_owned());
    assert_eq!(chat("textMessage.json"), is("1111111111111", ""));
    assert_eq!(chat("message__text.json"), is("972987654321", "US.13491208655302741918"));
    assert_eq!(chat("NotificationFactoryTest.php_L1495_msg_text.json"), is("BSUID_123", "BSUID_123"));
    assert_eq!(chat("outgoing_message__text.json"), is("<WHATSAPP_USER_PHONE_NUMBER>", "<BSUID>"));
    assert_eq!(chat("textMessageStatusSent.json"), is("1111111111111", ""));
    assert_eq!(told(&recorded["message__text.json"])[0].from.as_ref().unwrap().name, "Test Name");
}

#[test]
fn a_status_is_tied_to_our_send_and_a_failure_has_our_reason() {
    let recorded = recorded();
    let report = |file: &str| match told(&recorded[file]).remove(0).what {
        What::Reported(report) => report,
        other => panic!("{other:?}"),
    };
    let failed = report("reEngagementMessageError.json");
    assert_eq!((failed.failure.unwrap().0, failed.provider_code.as_str()), ("window_closed", "131047"));
    assert!(failed.permanent);
    let withheld = report("message_status__failed.json");
    assert!(!withheld.permanent && withheld.failure.unwrap().1.contains("part of an experiment"));
    // Another program's reference is none of ours.
    assert_eq!(report("message_status__with_tracker.json").message_id, None);
    let message_id = format!("{}m{}", "a".repeat(32), "b".repeat(32));
    let claim = "0192a3b4-0000-7000-8000-000000000000";
    let status = |name: &str| {
        json!({ "id": "wamid.9", "status": name, "timestamp": 1_700_000_000, "recipient_id": "42",
            "biz_opaque_callback_data": format!("steward:{message_id}:1:{claim}") })
    };
    let arrivals = told(&notification("messages", json!({ "statuses": [status("sent"), status("read")] })));
    let keys: Vec<_> = arrivals.iter().map(|a| a.key.as_str()).collect();
    assert_eq!(keys, ["status:wamid.9:sent", "status:wamid.9:read"]);
    let What::Reported(report) = &arrivals[0].what else { panic!() };
    let expected = Report {
        message_id: message_id.parse().ok(),
        claim_id: claim.parse().ok(),
        part: 1,
        provider_message_id: "wamid.9".into(),
        status: "sent",
        at: chrono::DateTime::from_timestamp(1_700_000_000, 0),
        ..Report::default()
    };
    assert_eq!(report, &expected);
}

#[test]
fn one_call_is_split_by_message_and_by_number() {
    let channel = channel();
    let message =
        |id: &str| json!({ "from": "42", "id": id, "timestamp": "1", "type": "text", "text": { "body": id } });
    let value = |number: &str, messages: Vec<Value>| {
        json!({ "field": "messages", "value": { "metadata": { "phone_number_id": number }, "messages": messages,
            "contacts": [{ "wa_id": "41" }, { "wa_id": "42", "profile": { "name": "Ana" } }],
            "errors": [{ "code": 130_429 }] } })
    };
    let body = json!({ "entry": [
        { "id": "1", "changes": [value("1", vec![message("a"), message("b"), json!(7)]), value("2", vec![message("c")])] },
        { "id": "2", "time": 5, "changes": [{ "field": "news", "value": { "x": 1 } }, "odd"] },
        { "id": "3" },
    ] });
    let pieces: Vec<Piece<'_>> = read(body.to_string().as_bytes(), |id| (id == "1").then_some(&channel)).unwrap();
    let names: Vec<String> = pieces.iter().map(|p| name(&p.arrival.what)).collect();
    assert_eq!(
        names,
        [
            "said text",
            "said text",
            "kept unknown",
            "kept errors",
            "kept other_number",
            "kept other_number",
            "kept news",
            "kept change",
            "kept entry"
        ]
    );
    let keys: std::collections::HashSet<_> = pieces.iter().map(|p| p.arrival.key.clone()).collect();
    assert_eq!(keys.len(), pieces.len(), "each has a name of its own");
    // What is kept of each is a notification that tells the same, and nothing else.
    for piece in &pieces {
        let again = read(&piece.raw, |id| (id == "1").then_some(&channel)).unwrap();
        assert_eq!(again.len(), 1, "{:?}", piece.raw);
        assert_eq!(again[0].arrival.what, piece.arrival.what);
    }
    let first: Value = serde_json::from_slice(&pieces[0].raw).unwrap();
    let value = &first["entry"][0]["changes"][0]["value"];
    assert_eq!((&value["contacts"][0]["wa_id"], value["contacts"].as_array().unwrap().len()), (&json!("42"), 1));
    assert!(pieces[5].arrival.chat.is_none(), "another number's client is none of ours");
}

#[test]
fn an_edit_a_revocation_and_a_reaction_are_not_taken_for_the_message_they_name() {
    let key = |fields: Value| told(&of_client(fields)).remove(0).key;
    let keys = [
        key(json!({ "type": "text", "text": { "body": "x" } })),
        key(json!({ "type": "edit", "edit": { "original_message_id": "wamid.1" } })),
        key(json!({ "type": "edit", "edit": { "original_message_id": "wamid.1" }, "timestamp": "1700000005" })),
        key(json!({ "type": "revoke", "revoke": { "original_message_id": "wamid.1" } })),
        key(json!({ "type": "reaction", "reaction": { "message_id": "wamid.1" } })),
    ];
    let unique: std::collections::HashSet<_> = keys.iter().collect();
    assert_eq!((keys[0].as_str(), unique.len()), ("message:wamid.1", 5));
}

#[test]
fn operators_command_from_their_own_number_and_in_the_business_app() {
    let own = |text: &str| {
        let body = of_client(json!({ "from": "7001", "type": "text", "text": { "body": text } }));
        name(&told(&body)[0].what)
    };
    assert_eq!(own("/human_active 34600111222"), "operator TakeOver");
    assert_eq!(own("HUMAN: 34600111222 hola"), "operator Write(\"hola\")");
    assert_eq!(own("hello"), "kept operator_message");
    let echo = |text: &str| {
        let echo = json!({ "from": "1", "to": "42", "id": "wamid.2", "timestamp": "1", "type": "text",
            "text": { "body": text } });
        name(&told(&notification("smb_message_echoes", json!({ "message_echoes": [echo] })))[0].what)
    };
    assert_eq!(echo("hello, I am Anna"), "human Some(\"detected\")");
    assert_eq!(echo("HUMAN: hello"), "human Some(\"prefix\")");
    assert_eq!(echo("/human_release"), "operator Release");
}

#[test]
fn a_clients_call_is_told_from_ours() {
    let call = |direction: &str, event: &str| {
        let call = json!({ "id": "wacid.1", "from": "42", "to": "43", "event": event, "direction": direction,
            "timestamp": "1700000000" });
        let arrival = told(&notification("calls", json!({ "calls": [call] }))).remove(0);
        (name(&arrival.what), arrival.chat.unwrap().external_id.into_string())
    };
    assert_eq!(call("USER_INITIATED", "connect"), ("kept call".to_owned(), "42".to_owned()));
    assert_eq!(call("USER_INITIATED", "terminate"), ("kept end_of_call".to_owned(), "42".to_owned()));
    assert_eq!(call("BUSINESS_INITIATED", "connect"), ("kept our_call".to_owned(), "43".to_owned()));
}

#[test]
fn what_is_said_in_a_group_is_kept_and_answered_to_nobody() {
    let fields = json!({ "group_id": "Y2FwaV9ncm91cDo", "type": "text", "text": { "body": "hi all" } });
    let arrival = told(&of_client(fields)).remove(0);
    assert_eq!((name(&arrival.what).as_str(), arrival.chat), ("kept group_message", None));
}

#[test]
fn a_status_that_names_nobody_still_finds_its_message() {
    let reference = format!("steward:{}m{}:0:0192a3b4-0000-7000-8000-000000000000", "a".repeat(32), "b".repeat(32));
    let status = |reference: &str| {
        let status = json!({ "id": "wamid.9", "status": "sent", "timestamp": "1700000000", "biz_opaque_callback_data": reference });
        told(&notification("messages", json!({ "statuses": [status] }))).remove(0)
    };
    assert!(status(&reference).chat.is_some() && status("another program's").chat.is_none());
}

#[test]
fn a_new_number_and_a_new_id_say_where_the_person_is() {
    let system = |system: Value| {
        let arrival = told(&of_client(json!({ "type": "system", "system": system }))).remove(0);
        (name(&arrival.what), arrival.chat.unwrap().person.unwrap().into_string())
    };
    let number = json!({ "type": "user_changed_number", "wa_id": "43", "user_id": "US.2", "previous_user_id": "US.1" });
    assert_eq!(system(number), ("moved 42 43".to_owned(), "US.2".to_owned()));
    let id = json!({ "from": null, "type": "system",
        "system": { "type": "user_changed_user_id", "user_id": "US.2", "previous_user_id": "US.1" } });
    let arrival = told(&of_client(id)).remove(0);
    assert_eq!(name(&arrival.what), "moved US.1 US.2");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever bytes come, reading ends with something to keep or with words.
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        if let Ok(pieces) = read(&bytes, |_| None) {
            prop_assert!(!pieces.is_empty());
        }
    }

    /// A recorded notification with one value in it replaced by any other is kept as something.
    #[test]
    fn a_broken_copy_is_kept(which in 0_usize..80, place in any::<usize>(), odd in 0_usize..8) {
        let recorded = recorded();
        let (_, body) = recorded.iter().nth(which).unwrap();
        let mut notification: Value = serde_json::from_slice(body).unwrap();
        let odd = [json!(null), json!(-1), json!(1e300), json!(""), json!([1]), json!({ "x": [] }), json!(true), json!("\u{0}")]
            [odd].clone();
        let mut places = Vec::new();
        paths(&notification, &mut Vec::new(), &mut places);
        let path = places[place % places.len()].join("/");
        *notification.pointer_mut(&format!("/{path}")).unwrap() = odd;
        let arrivals = told(notification.to_string().as_bytes());
        prop_assert!(!arrivals.is_empty() && arrivals.iter().all(|a| !a.key.is_empty()));
    }
}

fn paths(value: &Value, at: &mut Vec<String>, found: &mut Vec<Vec<String>>) {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), value)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(i, value)| (i.to_string(), value)).collect(),
        _ => Vec::new(),
    };
    for (name, child) in children {
        at.push(name);
        found.push(at.clone());
        paths(child, at, found);
        at.pop();
    }
}
