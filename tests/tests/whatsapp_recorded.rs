//! Every notification of the Cloud API that others have recorded is accepted and kept, once, however often and in whatever order it comes.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    time::Duration,
};

use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom};
use serde_json::{Value, json};
use steward_tests::{
    System, WhatsApp, binary,
    whatsapp::{PHONE_NUMBER_ID, notifications},
};

const SOON: Duration = Duration::from_secs(120);

/// The arrays of a value whose items are told one by one.
const ITEMS: [&str; 5] = ["messages", "statuses", "message_echoes", "user_preferences", "errors"];

fn recorded(folder: &Path, found: &mut Vec<(String, Value)>) {
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            recorded(&path, found);
        } else if path.extension().is_some_and(|e| e == "json") {
            let json: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            found.push((path.file_name().unwrap().to_string_lossy().into_owned(), json));
        }
    }
}

/// Recordings share their ids, and are of other people's numbers: each gets ids of its own, and ours. What it tells is
/// counted on the way.
fn make_own(notification: &mut Value, told: &mut BTreeMap<String, usize>) {
    let mut count = |kind: String| *told.entry(kind).or_default() += 1;
    for entry in notification["entry"].as_array_mut().unwrap() {
        if entry["changes"][0]["value"]["metadata"].is_null() {
            // What has no id is told apart by the account that it is about.
            entry["id"] = json!(notifications::wamid());
        }
        for change in entry["changes"].as_array_mut().unwrap() {
            let value = &mut change["value"];
            if value["metadata"].is_object() {
                value["metadata"]["phone_number_id"] = json!(PHONE_NUMBER_ID);
            }
            let mut items = 0;
            for array in ITEMS {
                for item in value[array].as_array_mut().into_iter().flatten() {
                    if item["id"].is_string() {
                        item["id"] = json!(notifications::wamid());
                    }
                    let what = item["type"].as_str().or(item["status"].as_str()).unwrap_or_default();
                    count(format!("{array} {what}").trim().to_owned());
                    items += 1;
                }
            }
            // A preference is told apart by who has it and when.
            for preference in value["user_preferences"].as_array_mut().into_iter().flatten() {
                preference["timestamp"] = json!(rand::random_range(1_600_000_000..1_700_000_000));
            }
            if items == 0 {
                count("notice".to_owned());
            }
        }
    }
}

/// What the log holds of what came in: by key, the kinds of event.
async fn kept(system: &System) -> BTreeMap<String, Vec<String>> {
    let mut kept: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for event in system.items("/api/v1/events").await.unwrap() {
        let data = &event["data"];
        if data["source"]["channel_id"] == "wa-main" {
            let key = data["source"]["key"].as_str().unwrap().to_owned();
            let type_name = event["type"].as_str().unwrap();
            let kind = data["kind"].as_str().or(data["status"].as_str()).unwrap_or_default();
            kept.entry(key).or_default().push(format!("{type_name} {kind}").trim().to_owned());
        }
    }
    kept
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recorded_notifications_posted_three_times_in_random_order_are_each_kept_once() {
    let mut all = Vec::new();
    recorded(&binary::repository().join("services/ingestion/tests/fixtures/whatsapp"), &mut all);
    assert_eq!(all.len(), 80, "recorded notifications");
    let mut told = BTreeMap::new();
    for (_, notification) in &mut all {
        make_own(notification, &mut told);
    }
    let whatsapp = WhatsApp::start().await.unwrap();
    let system = System::start(whatsapp.config("")).await.unwrap();
    let seed: u64 = rand::random();
    let mut random = StdRng::seed_from_u64(seed);
    let mut first = None;
    for round in 1..=3 {
        all.shuffle(&mut random);
        for (name, notification) in &all {
            let body = notification.to_string().into_bytes();
            let signature = notifications::signature(&body);
            let (status, answer) = system.whatsapp_bytes(body, &signature).await.unwrap();
            assert_eq!(status, 200, "{name} in round {round}, seed {seed}: {answer}");
        }
        // One more, by which all before it are in the read model.
        let last = format!("3400000000{round}");
        system.whatsapp(&notifications::text(&last, "the last")).await.unwrap();
        system.whatsapp_conversation(&last).await.unwrap();
        let mut now = kept(&system).await;
        now.retain(|_, kinds| !kinds.is_empty());
        let texts: BTreeSet<String> = now.keys().cloned().collect();
        let before = first.get_or_insert_with(|| texts.clone());
        // Each round adds the one message that ends it.
        assert_eq!(texts.difference(before).count(), round - 1, "round {round}, seed {seed}");
        assert!(before.is_subset(&texts));
    }
    let now = kept(&system).await;
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for (key, kinds) in &now {
        let unique: BTreeSet<&String> = kinds.iter().collect();
        assert_eq!(unique.len(), kinds.len(), "{key} was kept as {kinds:?}, seed {seed}");
        for kind in kinds {
            *counts.entry(kind.clone()).or_default() += 1;
        }
    }
    println!("80 notifications, three times each in random order (seed {seed}), told {told:#?}");
    println!("kept as {counts:#?}");
    let count = |kind: &str| counts.get(kind).copied().unwrap_or_default();
    let of = |kind: &str| told.get(kind).copied().unwrap_or_default();
    assert_eq!(told.values().sum::<usize>(), 82);
    assert_eq!(now.len(), 82 + 3, "each is kept once, and the three that end a round");
    assert_eq!(count("ClientResponded text"), of("messages text") + 3);
    for kind in ["image", "audio", "video", "document", "sticker", "location", "contacts", "order"] {
        assert_eq!(count(&format!("ClientResponded {kind}")), of(&format!("messages {kind}")), "{kind}");
    }
    assert_eq!(
        count("ClientResponded button") + count("ClientResponded interactive"),
        of("messages button") + of("messages interactive")
    );
    assert_eq!(count("ClientResponded unsupported"), of("messages unsupported") + of("messages unknown"));
    for status in ["sent", "delivered", "read", "failed"] {
        assert_eq!(count(&format!("DeliveryReported {status}")), of(&format!("statuses {status}")), "{status}");
    }
    assert_eq!(count("UpdateKept reaction"), of("messages reaction"));
    assert_eq!(count("UpdateKept edit"), of("messages edit") + of("message_echoes edit"));
    assert_eq!(count("HumanResponded text"), of("message_echoes text"));
    assert_eq!(count("UpdateKept migrated") + count("UpdateKept system"), of("messages system"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_notification_that_comes_again_after_a_restart_or_a_week_changes_nothing() {
    let whatsapp = WhatsApp::start().await.unwrap();
    let mut system = System::start(whatsapp.config("")).await.unwrap();
    let mut old = notifications::text("34600111222", "from last week");
    let written = chrono::Utc::now().timestamp() - 7 * 24 * 3600;
    old["entry"][0]["changes"][0]["value"]["messages"][0]["timestamp"] = json!(written.to_string());
    let fresh = notifications::text("34600111222", "from today");
    for notification in [&old, &fresh, &old, &fresh] {
        system.whatsapp(notification).await.unwrap();
    }
    system.stop().await.unwrap();
    system.start_again().await.unwrap();
    for notification in [&fresh, &old] {
        system.whatsapp(notification).await.unwrap();
    }
    system.whatsapp(&notifications::text("34600111222", "the last")).await.unwrap();
    let conversation = system.whatsapp_conversation("34600111222").await.unwrap();
    let id = conversation["id"].as_str().unwrap();
    let look = || async {
        let events = system.events(id).await?;
        let words: Vec<String> = events
            .iter()
            .filter(|e| e["type"] == "ClientResponded")
            .filter_map(|e| e["data"]["text"].as_str().map(ToOwned::to_owned))
            .collect();
        Ok(words.iter().any(|w| w == "the last").then_some(words))
    };
    let words = system.until(SOON, look).await.unwrap();
    assert_eq!(words, ["from last week", "from today", "the last"]);
}
