//! Pictures of every page, narrow and wide, light and dark, kept beside the binaries; nothing sticks out on any.

use std::time::Duration;

use serde_json::json;
use steward_tests::{Browser, Config, System, browser::pictures};

use super::inbox::client_writes;

/// Waits until the bot has nothing left to say here.
async fn answered(system: &System, conversation: &str) {
    let look = || async {
        let said = system.get(&format!("/api/v1/conversations/{conversation}/messages?limit=1")).await?;
        Ok((said["items"][0]["direction"] == "out" && said["items"][0]["state"] == "sent").then_some(()))
    };
    system.until(Duration::from_secs(120), look).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_fits_and_is_kept_as_a_picture() {
    let system = System::start(Config::web()).await.unwrap();
    client_writes(&system, "petr", "Пётр Волков", "напиши завтра в 9 про счёт").await;
    client_writes(&system, "lena", "Lena", "ping me at 18:00 tomorrow").await;
    let ana = client_writes(&system, "ana", "Ana Ruiz", "ping me in 20 minutes about the contract").await;
    answered(&system, &ana).await;
    client_writes(&system, "ana", "Ana Ruiz", "I have it, thanks. Can you write to me on Friday at 15:00?").await;
    answered(&system, &ana).await;
    let lena = client_writes(&system, "lena", "Lena", "let me talk to a human").await;
    system.post(&format!("/api/v1/conversations/{lena}/takeover"), &json!({ "by": "Kim" })).await.unwrap();
    client_writes(
        &system,
        "long",
        "Somebodywithaverylongnamethatneverends Andanother",
        "let me talk to a human, please, as soon as anybody can, since this is a long story",
    )
    .await;
    let browser = Browser::start().await.unwrap();
    let tab = browser.tab(&system.read, true).await.unwrap();
    tab.looks(1440, false).await.unwrap();
    tab.open("/try").await.unwrap();
    tab.press(".offers form:nth-child(2) button").await.unwrap();
    tab.until("document.querySelector('[data-due]')").await.unwrap();
    let why = system.follow_ups(&ana).await.unwrap().last().unwrap()["id"].as_str().unwrap().to_owned();
    let pages = [
        ("inbox", "/inbox".to_owned()),
        ("all", "/inbox?tab=all".to_owned()),
        ("conversation", format!("/inbox/{ana}?tab=all&why=f:{why}")),
        ("taken", format!("/inbox/{lena}?tab=all")),
        ("promises", "/promises".to_owned()),
        ("week", "/promises?view=week".to_owned()),
        ("outbox", "/outbox".to_owned()),
        ("goals", "/goals".to_owned()),
        ("live", "/live".to_owned()),
        ("system", "/system".to_owned()),
        ("settings", "/settings".to_owned()),
        ("try", "/try".to_owned()),
    ];
    for (width, dark) in [(1440, false), (1440, true), (900, false), (390, false), (390, true)] {
        tab.looks(width, dark).await.unwrap();
        for (name, path) in &pages {
            tab.open(path).await.unwrap();
            tab.until("document.getElementById('line').dataset.state === 'live' || innerWidth < 720").await.unwrap();
            let scheme = if dark { "dark" } else { "light" };
            tab.picture(&pictures().join(format!("{name}-{width}-{scheme}.png"))).await.unwrap();
            let over = tab.run("document.documentElement.scrollWidth - innerWidth").await.unwrap();
            assert!(over.as_i64().unwrap() <= 0, "{name} at {width} px sticks out by {over} px");
        }
    }
    for language in ["ru", "es"] {
        tab.speaks(language).await.unwrap();
        tab.looks(390, false).await.unwrap();
        for (name, path) in &pages {
            tab.open(path).await.unwrap();
            tab.picture(&pictures().join(format!("{name}-390-{language}.png"))).await.unwrap();
            let over = tab.run("document.documentElement.scrollWidth - innerWidth").await.unwrap();
            assert!(over.as_i64().unwrap() <= 0, "{name} in {language} sticks out by {over} px");
        }
    }
    assert_eq!(browser.errors().await, Vec::<String>::new());
    println!("pictures: {}", pictures().display());
}
