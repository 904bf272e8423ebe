//! The picture that the README shows: a conversation with its promises and a Why. `just picture` puts it there.

use std::{path::PathBuf, time::Duration};

use serde_json::json;
use steward_tests::{Browser, Config, System, browser::pictures};

use super::inbox::client_writes;

/// No more than a page should bear, in bytes.
const MOST: u64 = 200_000;

#[tokio::test(flavor = "multi_thread")]
async fn the_picture_in_the_readme_can_be_made_again() {
    let system = System::start(Config::web()).await.unwrap();
    client_writes(&system, "boris", "Boris Klein", "let me talk to a human, please").await;
    client_writes(&system, "lena", "Lena Vogt", "ping me on Friday at 15:00 about the lease").await;
    let ana = client_writes(&system, "ana", "Ana Ruiz", "ping me tomorrow at 9 about the contract").await;
    let promised = async |n: usize| {
        let look = || async { Ok((system.follow_ups(&ana).await?.len() >= n).then_some(())) };
        system.until(Duration::from_secs(120), look).await.unwrap();
    };
    promised(1).await;
    client_writes(&system, "ana", "Ana Ruiz", "I have it now, thanks. Could you write to me on Monday at 11?").await;
    promised(2).await;
    let talk = system.get(&format!("/api/v1/conversations/{ana}")).await.unwrap();
    let goal = json!({ "contact_id": talk["contact"]["id"], "title": "open a second shop", "progress": 40 });
    system.post("/api/v1/goals", &goal).await.unwrap();
    let first = system.follow_ups(&ana).await.unwrap();
    let first = first.iter().find(|f| f["state"] == "cancelled").unwrap()["id"].as_str().unwrap().to_owned();
    let browser = Browser::start().await.unwrap();
    let tab = browser.tab(&system.read, true).await.unwrap();
    tab.looks(1440, false).await.unwrap();
    tab.open(&format!("/inbox/{ana}?tab=all&why=f:{first}")).await.unwrap();
    tab.until("document.getElementById('line').dataset.state === 'live' && document.querySelector('#why li.deciding')")
        .await
        .unwrap();
    let made = pictures().join("dashboard.png");
    tab.picture(&made).await.unwrap();
    let bytes = std::fs::metadata(&made).unwrap().len();
    assert!(bytes <= MOST, "the picture has {bytes} bytes");
    if let Some(folder) = std::env::var_os("STEWARD_PICTURE") {
        std::fs::copy(&made, PathBuf::from(folder).join("dashboard.png")).unwrap();
    }
}
