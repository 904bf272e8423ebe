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

#[tokio::test(flavor = "multi_thread")]
async fn who_types_loses_no_key_while_two_hundred_events_arrive() {
    let system = System::start(Config::web()).await.unwrap();
    let id = client_writes(&system, "ana", "Ana", "let me talk to a human").await;
    system.post(&format!("/api/v1/conversations/{id}/takeover"), &serde_json::json!({ "by": "Kim" })).await.unwrap();
    let browser = Browser::start().await.unwrap();
    let tab = browser.tab(&system.read, true).await.unwrap();
    tab.open(&format!("/inbox/{id}?tab=all")).await.unwrap();
    tab.until(LIVE).await.unwrap();
    tab.run("document.getElementById('write').focus()").await.unwrap();
    // The caret stands between two words, and stays there.
    tab.write("#write", "before after").await.unwrap();
    tab.run("document.getElementById('write').setSelectionRange(7, 7)").await.unwrap();
    let arriving = async {
        for n in 0..200 {
            client_writes(&system, "ana", "Ana", &format!("message {n}.")).await;
        }
    };
    let text = "The quick brown fox jumps over the lazy dog. ";
    let typing = async {
        for c in text.chars() {
            tab.key(&c.to_string()).await.unwrap();
        }
    };
    tokio::join!(arriving, typing);
    tab.sees("message 199.").await.unwrap();
    let typed =
        tab.run("(w => [w.value, w.selectionStart, document.activeElement === w])(document.getElementById('write'))");
    assert_eq!(typed.await.unwrap(), serde_json::json!([format!("before {text}after"), 7 + text.len(), true]));
    assert_eq!(browser.errors().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn after_an_hour_of_sleep_and_a_cut_line_nothing_is_missing_or_stands_twice() {
    let system = System::start(Config::web()).await.unwrap();
    let id = client_writes(&system, "ana", "Ana", "let me talk to a human").await;
    system.post(&format!("/api/v1/conversations/{id}/takeover"), &serde_json::json!({ "by": "Kim" })).await.unwrap();
    for n in 0..40 {
        client_writes(&system, "ana", "Ana", &format!("earlier {n}.")).await;
    }
    let browser = Browser::start().await.unwrap();
    let tab = browser.tab(&system.read, true).await.unwrap();
    tab.looks(1440, false).await.unwrap();
    tab.open(&format!("/inbox/{id}?tab=all")).await.unwrap();
    tab.until(LIVE).await.unwrap();
    tab.write("#write", "half a thought").await.unwrap();
    tab.run("scrollTo(0, 200)").await.unwrap();
    // The line is away: what happens meanwhile comes when it is back.
    tab.offline(true).await.unwrap();
    client_writes(&system, "ana", "Ana", "while the line was away").await;
    tab.offline(false).await.unwrap();
    tab.run("dispatchEvent(new Event('online'))").await.unwrap();
    tab.sees("while the line was away").await.unwrap();
    // Asleep: the clock has gone on by an hour when the page is looked at again, and everything visible is read anew.
    tab.run("(() => { const now = Date.now; Date.now = () => now() + 3600e3; window.reads = 0; document.addEventListener('steward:read', () => window.reads++); document.dispatchEvent(new Event('visibilitychange')); })()").await.unwrap();
    tab.until("window.reads > 0").await.unwrap();
    client_writes(&system, "ana", "Ana", "after the sleep").await;
    tab.sees("after the sleep").await.unwrap();
    let twice = "(b => b.length - new Set(b).size)([...document.querySelectorAll('.bubble[id]')].map(b => b.id))";
    assert_eq!(tab.run(twice).await.unwrap(), 0);
    let missing = "[...Array(40).keys()].filter(n => !document.getElementById('chat').innerText.includes(`earlier ${n}.`)).length";
    assert_eq!(tab.run(missing).await.unwrap(), 0);
    let kept = "(w => [w.value, document.activeElement === w])(document.getElementById('write'))";
    assert_eq!(tab.run(kept).await.unwrap(), serde_json::json!(["half a thought", true]));
    assert!((tab.run("scrollY").await.unwrap().as_f64().unwrap() - 200.0).abs() < 3.0, "what is read stays in place");
}
