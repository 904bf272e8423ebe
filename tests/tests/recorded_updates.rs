//! Every Telegram update that others have recorded is accepted and kept, once, however often and in whatever order it comes.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{collections::HashMap, fs, path::Path, time::Duration};

use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom};
use serde_json::{Value, json};
use steward_tests::{Config, System, Telegram, binary, updates};

fn recorded(folder: &Path, found: &mut Vec<(String, Value)>) {
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            recorded(&path, found);
        } else if path.extension().is_some_and(|e| e == "json") {
            let json: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            // Some hold the update beside a note of where it came from.
            let update = if json["update_id"].is_null() { json["body"].clone() } else { json };
            if update["update_id"].is_number() {
                found.push((path.file_name().unwrap().to_string_lossy().into_owned(), update));
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recorded_updates_posted_three_times_in_random_order_are_each_kept_once() {
    let mut all = Vec::new();
    recorded(&binary::repository().join("services/ingestion/tests/fixtures/telegram"), &mut all);
    assert!(all.len() >= 100, "only {} updates", all.len());
    for (_, update) in &mut all {
        // Recordings share their ids.
        update["update_id"] = json!(updates::next_id());
    }
    let telegram = Telegram::start().await.unwrap();
    let system = System::start(Config::telegram(&telegram)).await.unwrap();
    let mut order: Vec<usize> = (0..all.len()).cycle().take(all.len() * 3).collect();
    let seed: u64 = rand::random();
    println!("{} updates, three times each, order from seed {seed}", all.len());
    order.shuffle(&mut StdRng::seed_from_u64(seed));
    for i in order {
        let (name, update) = &all[i];
        let (status, body) = system.webhook("tg-main", update).await.unwrap();
        assert!(status.is_success() && body.is_empty(), "{name}: {status} {body}");
    }
    // One more, by which all before it are in the read model.
    let last = updates::text(424_242, "the last");
    system.telegram(&last).await.unwrap();
    system.conversation(424_242).await.unwrap();
    let mut kept: HashMap<String, Vec<String>> = HashMap::new();
    for event in system.items("/api/v1/events").await.unwrap() {
        if let Some(key) = event["data"]["source"]["key"].as_str().filter(|k| k.starts_with("update:")) {
            kept.entry(key.to_owned()).or_default().push(event["type"].as_str().unwrap().to_owned());
        }
    }
    let mut kinds: HashMap<String, usize> = HashMap::new();
    for (name, update) in &all {
        let key = format!("update:{}", update["update_id"]);
        let events = kept.get(&key).unwrap_or_else(|| panic!("{name} was not kept"));
        // What one update makes, it makes once: a business account's own message is a message and a takeover.
        let unique: std::collections::HashSet<_> = events.iter().collect();
        assert_eq!(unique.len(), events.len(), "{name} was kept as {events:?}");
        for event in events {
            *kinds.entry(event.clone()).or_default() += 1;
        }
    }
    println!("kept as {kinds:?}");
    assert!(kinds["ClientResponded"] > 20 && kinds["UpdateKept"] > 20, "{kinds:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_that_comes_again_after_a_restart_or_a_week_changes_nothing() {
    let telegram = Telegram::start().await.unwrap();
    let mut system = System::start(Config::telegram(&telegram)).await.unwrap();
    let mut old = updates::text(7, "из прошлой недели");
    old["message"]["date"] = json!(chrono::Utc::now().timestamp() - 7 * 24 * 3600);
    let fresh = updates::text(7, "сегодняшнее");
    for update in [&old, &fresh, &old, &fresh] {
        system.telegram(update).await.unwrap();
    }
    system.stop().await.unwrap();
    system.start_again().await.unwrap();
    for update in [&fresh, &old] {
        system.telegram(update).await.unwrap();
    }
    let last = updates::text(7, "последнее");
    system.telegram(&last).await.unwrap();
    let conversation = system.conversation(7).await.unwrap();
    let texts = system
        .until(Duration::from_secs(120), || async {
            let events = system.events(&conversation).await?;
            let texts: Vec<String> = events
                .iter()
                .filter(|e| e["type"] == "ClientResponded")
                .filter_map(|e| e["data"]["text"].as_str().map(ToOwned::to_owned))
                .collect();
            Ok(texts.contains(&"последнее".to_owned()).then_some(texts))
        })
        .await
        .unwrap();
    assert_eq!(texts, ["из прошлой недели", "сегодняшнее", "последнее"]);
}
