//! The inbox: who writes appears, who needs a person comes first.

use serde_json::json;
use steward_tests::{Browser, Config, System, config::city_by_day};

/// A client writes on the channel `web-main`; the conversation's id.
pub async fn client_writes(system: &System, who: &str, name: &str, text: &str) -> String {
    let contact = json!({ "id": who, "name": name, "timezone": city_by_day().1, "language": "en" });
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
    tab.press(".row a").await.unwrap();
    tab.until(&format!("location.pathname === '/inbox/{id}'")).await.unwrap();
    tab.press("form[action$='/done'] button").await.unwrap();
    other.until("!document.querySelector('#sections .count')").await.unwrap();
    other.open("/inbox?tab=all&q=BOR").await.unwrap();
    other.until("document.querySelectorAll('.row').length === 1").await.unwrap();
    other.open("/inbox?tab=all&q=zzz").await.unwrap();
    other.sees("Nobody is found").await.unwrap();
    assert_eq!(browser.errors().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_new_is_marked_and_nothing_moves_under_a_hand() {
    let system = System::start(Config::web()).await.unwrap();
    let ana = client_writes(&system, "ana", "Ana", "hello").await;
    client_writes(&system, "boris", "Boris", "let me talk to a human").await;
    let browser = Browser::start().await.unwrap();
    let tab = browser.tab(&system.read, true).await.unwrap();
    tab.open("/inbox?tab=all").await.unwrap();
    tab.until("document.getElementById('line').dataset.state === 'live'").await.unwrap();
    tab.until("document.querySelectorAll('.row').length === 2").await.unwrap();
    tab.until("!document.querySelector('.row.unread')").await.unwrap();

    // Unread until it is looked at.
    client_writes(&system, "ana", "Ana", "are you there?").await;
    let row = format!("document.getElementById('c{ana}')");
    tab.until(&format!("{row}.matches('.unread') && !{row}.querySelector('.dot').hidden")).await.unwrap();
    assert_eq!(tab.run(&format!("getComputedStyle({row}.querySelector('.name')).fontWeight")).await.unwrap(), "600");
    tab.open(&format!("/inbox/{ana}?tab=all")).await.unwrap();
    tab.sees("are you there?").await.unwrap();
    tab.open("/inbox?tab=all").await.unwrap();
    tab.until(&format!("{row} && !{row}.matches('.unread')")).await.unwrap();

    // What can be done stands on the row that has the focus.
    tab.until("document.getElementById('line').dataset.state === 'live'").await.unwrap();
    let shown = "getComputedStyle(document.querySelector('.row:has(button[data-key=t]) .actions')).visibility";
    assert_eq!(tab.run(shown).await.unwrap(), "hidden");
    tab.key("j").await.unwrap();
    tab.until("document.activeElement.matches('.row .cover')").await.unwrap();
    tab.until(
        "getComputedStyle(document.activeElement.parentElement.querySelector('.actions')).visibility === 'visible'",
    )
    .await
    .unwrap();

    // The order waits while the focus is in the list.
    let before = tab.run("[...document.querySelectorAll('.row')].map(row => row.id).join()").await.unwrap();
    let third = client_writes(&system, "carla", "Carla", "good morning").await;
    tab.until("!document.getElementById('fresh').hidden").await.unwrap();
    assert_eq!(tab.run("document.getElementById('fresh').textContent").await.unwrap(), "1 new ↑");
    assert_eq!(tab.run("[...document.querySelectorAll('.row')].map(row => row.id).join()").await.unwrap(), before);
    tab.press("#fresh").await.unwrap();
    tab.until(&format!("document.querySelector('.row').id === 'c{third}'")).await.unwrap();
    tab.until("document.getElementById('fresh').hidden").await.unwrap();
    // It does so by itself when the focus leaves.
    tab.run("document.querySelector('.row .cover').focus()").await.unwrap();
    client_writes(&system, "dora", "Dora", "good evening").await;
    tab.until("!document.getElementById('fresh').hidden").await.unwrap();
    tab.run("document.activeElement.blur()").await.unwrap();
    tab.until("document.querySelectorAll('.row').length === 4 && document.getElementById('fresh').hidden")
        .await
        .unwrap();

    // Settled and taken over from the list.
    tab.open("/inbox").await.unwrap();
    tab.until("document.querySelectorAll('.row').length === 1").await.unwrap();
    tab.press(".row form[action$='/done'] button").await.unwrap();
    tab.sees("Nothing needs you.").await.unwrap();
    tab.open("/inbox?tab=bot").await.unwrap();
    tab.run(&format!("{row}.querySelector('.cover').focus()")).await.unwrap();
    tab.key("t").await.unwrap();
    tab.until(&format!("!{row}")).await.unwrap();
    tab.open("/inbox?tab=human").await.unwrap();
    tab.until(&format!("{row}.innerText.includes('answers')")).await.unwrap();
    assert_eq!(browser.errors().await, Vec::<String>::new());
}
