//! What a broken line leaves: nothing is missing, nothing stands twice, and what was being typed is still there.

use steward_tests::{Browser, Config, System};

use super::inbox::client_writes;

const LIVE: &str = "document.getElementById('line').dataset.state === 'live'";

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restart_everything_is_there_once_and_the_draft_too() {
    let mut system = System::start(Config::web()).await.unwrap();
    let id = client_writes(&system, "ana", "Ana", "the first words").await;
    let browser = Browser::start().await.unwrap();
    let base = system.read.clone();
    let tab = browser.tab(&base, true).await.unwrap();
    tab.open(&format!("/inbox/{id}?tab=all")).await.unwrap();
    tab.until(LIVE).await.unwrap();
    tab.write("#write", "half a thought").await.unwrap();
    system.stop().await.unwrap();
    tab.until("document.getElementById('line').dataset.state !== 'live'").await.unwrap();
    // A command waits for the line, and counts once.
    tab.press("form.writing button").await.unwrap();
    tab.sees("Not sent yet: no connection.").await.unwrap();
    assert!(!tab.text().await.unwrap().contains("Failed to fetch"));
    system.start_again().await.unwrap();
    client_writes(&system, "ana", "Ana", "the second words").await;
    tab.until(LIVE).await.unwrap();
    tab.sees("the second words").await.unwrap();
    assert_eq!(tab.run("document.getElementById('write').value").await.unwrap(), "half a thought");
    let twice = "document.querySelectorAll('.bubble').length === new Set([...document.querySelectorAll('.bubble')].map(b => b.id)).size";
    tab.until(twice).await.unwrap();
    tab.press("form.writing button").await.unwrap();
    tab.until("[...document.querySelectorAll('.bubble.person')].filter(b => b.innerText.includes('half a thought') && b.id).length === 1").await.unwrap();
    tab.until("document.getElementById('write').value === ''").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_tabs_are_all_live_and_all_can_send() {
    let system = System::start(Config::web()).await.unwrap();
    let id = client_writes(&system, "ana", "Ana", "hello").await;
    let browser = Browser::start().await.unwrap();
    let mut tabs = Vec::new();
    for _ in 0..8 {
        let tab = browser.tab(&system.read, false).await.unwrap();
        tab.open(&format!("/inbox/{id}?tab=all")).await.unwrap();
        tabs.push(tab);
    }
    for tab in &tabs {
        tab.until(LIVE).await.unwrap();
    }
    for (n, tab) in tabs.iter().enumerate() {
        tab.write("#write", &format!("from tab number {n}.")).await.unwrap();
        tab.press("form.writing button").await.unwrap();
        tab.until("document.getElementById('write').value === ''").await.unwrap();
    }
    for tab in &tabs {
        tab.until("[0, 1, 2, 3, 4, 5, 6, 7].every(n => [...document.querySelectorAll('.bubble')].filter(b => b.innerText.includes(`from tab number ${n}.`)).length === 1)").await.unwrap();
    }
    assert_eq!(browser.errors().await, Vec::<String>::new());
}
