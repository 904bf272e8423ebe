//! The outbox: what waits for a word is let go, or taken back.

use serde_json::json;
use steward_tests::{Browser, Config, System, browser::pictures};

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

#[tokio::test(flavor = "multi_thread")]
async fn several_are_answered_at_once_and_what_waits_can_go_now() {
    let system = System::start(Config::web()).await.unwrap();
    let id = client_writes(&system, "ana", "Ana", "hello").await;
    let mut held = Vec::new();
    for n in 0..4 {
        let due_at = (chrono::Utc::now() + chrono::TimeDelta::days(2)).to_rfc3339();
        let queued = json!({ "conversation_id": id, "text": format!("Message number {n}."), "due_at": due_at, "on_reply": "keep" });
        let queued = system.post("/api/v1/outbox", &queued).await.unwrap();
        held.push(queued["id"].as_str().unwrap().to_owned());
        if n > 0 {
            system.post(&format!("/api/v1/outbox/{}/hold", held[n]), &json!({})).await.unwrap();
        }
    }
    let browser = Browser::start().await.unwrap();
    let tab = browser.tab(&system.read, true).await.unwrap();
    tab.looks(1440, false).await.unwrap();
    tab.open("/outbox").await.unwrap();
    tab.until(
        "document.getElementById('line').dataset.state === 'live' && document.querySelectorAll('.item').length === 3",
    )
    .await
    .unwrap();
    // Two of three, by keyboard.
    for _ in 0..2 {
        tab.key("j").await.unwrap();
        tab.until("document.activeElement.closest('.item') && !document.activeElement.closest('.item').querySelector('[data-pick]').checked").await.unwrap();
        tab.run("document.activeElement.closest('.item').querySelector('[data-pick]').focus()").await.unwrap();
        tab.run("document.activeElement.click()").await.unwrap();
    }
    tab.until("document.getElementById('picked-count').textContent === '2 selected'").await.unwrap();
    tab.picture(&pictures().join("picked-1440-light.png")).await.unwrap();
    tab.press("#picked [data-each='/cancel']").await.unwrap();
    tab.until("document.querySelectorAll('.item').length === 1 && document.getElementById('picked').hidden")
        .await
        .unwrap();

    // Approved too late: what was read isn't what it says now, and the difference is marked.
    let left = tab.run("document.querySelector('.item').id.slice(1)").await.unwrap();
    let left = left.as_str().unwrap();
    let approve = "document.querySelector('.item form[action$=\"/approve\"]')";
    // At once, for the page may be read again at any moment.
    let too_late = "document.addEventListener('steward:refused', () => { document.querySelector('[data-text]').textContent = 'Message letter A.'; }, { capture: true, once: true })";
    tab.run(&format!("{too_late}, {approve}.elements.hash.value = 'as it was', {approve}.requestSubmit()"))
        .await
        .unwrap();
    tab.sees("The text changed since you read it").await.unwrap();
    tab.until("document.querySelector('.item mark')?.textContent.startsWith('number')").await.unwrap();

    // What waits for its time goes now.
    tab.open("/outbox?tab=waiting").await.unwrap();
    tab.until("document.querySelector('.item form[action$=\"/now\"]')").await.unwrap();
    tab.press(".item form[action$='/now'] button").await.unwrap();
    tab.until("!document.querySelector('.item form[action$=\"/now\"]')").await.unwrap();
    let sent = || async {
        let one = system.get(&format!("/api/v1/outbox/{}", held[0])).await?;
        Ok(matches!(one["state"].as_str(), Some("sent" | "delivered" | "read")).then_some(()))
    };
    system.until(std::time::Duration::from_secs(120), sent).await.unwrap();
    assert_eq!(system.get(&format!("/api/v1/outbox/{left}")).await.unwrap()["state"], "held");
    assert_eq!(browser.errors().await, Vec::<String>::new());
}
