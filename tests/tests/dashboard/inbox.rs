//! The inbox: who writes appears, who needs a person comes first.

use serde_json::json;
use steward_tests::{Browser, Config, System};

/// A client writes on the channel `web-main`; the conversation's id.
pub async fn client_writes(system: &System, who: &str, name: &str, text: &str) -> String {
    let contact = json!({ "id": who, "name": name, "timezone": "Asia/Makassar", "language": "en" });
    let body = json!({ "channel_id": "web-main", "contact": contact, "text": text });
    let said = system.post("/api/v1/messages", &body).await.unwrap();
    said["conversation_id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_writes_appears_by_themselves_and_whoever_wants_a_person_comes_first() {
    let system = System::start(Config::web()).await.unwrap();
    let browser = Browser::start().await.unwrap();
    let (tab, other) =
        (browser.tab(&system.read, false).await.unwrap(), browser.tab(&system.read, false).await.unwrap());
    tab.open("/inbox").await.unwrap();
    tab.sees("Nothing needs you.").await.unwrap();
    other.open("/inbox?tab=all").await.unwrap();
    other.sees("No conversation yet.").await.unwrap();
    // One stream for both.
    for tab in [&tab, &other] {
        tab.until("document.getElementById('line').dataset.state === 'live'").await.unwrap();
    }
    client_writes(&system, "boris", "Boris", "hello there").await;
    let id = client_writes(&system, "ana", "Ana <b>Ruiz</b>", "let me talk to a human").await;
    for tab in [&tab, &other] {
        tab.sees("Asked for a person").await.unwrap();
        tab.sees("Ana <b>Ruiz</b>").await.unwrap();
    }
    other.sees("Boris").await.unwrap();
    tab.until("document.title.startsWith('(1)')").await.unwrap();
    tab.press(".row").await.unwrap();
    tab.until(&format!("location.pathname === '/inbox/{id}'")).await.unwrap();
    tab.press("form[action$='/done'] button").await.unwrap();
    other.until("!document.querySelector('#sections .count')").await.unwrap();
    other.open("/inbox?tab=all&q=BOR").await.unwrap();
    other.until("document.querySelectorAll('.row').length === 1").await.unwrap();
    other.open("/inbox?tab=all&q=zzz").await.unwrap();
    other.sees("Nobody is found").await.unwrap();
    assert_eq!(browser.errors().await, Vec::<String>::new());
}
