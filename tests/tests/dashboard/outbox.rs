//! The outbox: what waits for a word is let go, or taken back.

use serde_json::json;
use steward_tests::{Browser, Config, System};

use super::inbox::client_writes;

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_a_word_is_approved_or_cancelled() {
    let system = System::start(Config::web()).await.unwrap();
    let id = client_writes(&system, "ana", "Ana", "hello").await;
    for text in ["The first of two.", "The second of two."] {
        let due_at = (chrono::Utc::now() + chrono::TimeDelta::days(2)).to_rfc3339();
        let queued = json!({ "conversation_id": id, "text": text, "due_at": due_at, "on_reply": "keep" });
        let queued = system.post("/api/v1/outbox", &queued).await.unwrap();
        system.post(&format!("/api/v1/outbox/{}/hold", queued["id"].as_str().unwrap()), &json!({})).await.unwrap();
    }
    let browser = Browser::start().await.unwrap();
    let tab = browser.tab(&system.read, true).await.unwrap();
    tab.open("/outbox").await.unwrap();
    tab.until("document.querySelectorAll('.item').length === 2").await.unwrap();
    tab.until("document.querySelector('a[href=\"/outbox\"] .count').innerText === '2'").await.unwrap();
    tab.press("[data-key='a']").await.unwrap();
    tab.until("document.querySelectorAll('.item').length === 1").await.unwrap();
    tab.press("[data-key='x']").await.unwrap();
    tab.sees("Everything that was due has gone out.").await.unwrap();
    tab.open("/outbox?tab=waiting").await.unwrap();
    tab.until("document.querySelectorAll('.item').length === 1").await.unwrap();
    assert_eq!(browser.errors().await, Vec::<String>::new());
}
