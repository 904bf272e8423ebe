//! What bends and doesn't break: pages with nothing on them, words that are longer, letters twice as large, colours and motion as
//! somebody needs them.

use std::time::Duration;

use steward_tests::{Browser, Config, System};

use super::inbox::client_writes;

const PAGES: [&str; 12] = [
    "/inbox",
    "/inbox?tab=all",
    "/promises",
    "/promises?view=week",
    "/promises?view=month",
    "/outbox",
    "/outbox?tab=waiting",
    "/goals",
    "/live",
    "/system",
    "/settings",
    "/try",
];

#[tokio::test(flavor = "multi_thread")]
async fn every_page_with_nothing_on_it_says_what_belongs_there() {
    let system = System::start(Config::web()).await.unwrap();
    let browser = Browser::start().await.unwrap();
    let tab = browser.tab(&system.read, true).await.unwrap();
    for (path, said) in [
        ("/inbox", "Nothing needs you."),
        ("/inbox?tab=all", "No conversation yet."),
        ("/inbox?tab=human", "No conversation is with a person."),
        ("/inbox?tab=bot", "The bot answers nobody now."),
        ("/promises", "Nothing is promised. When a client says"),
        ("/promises?state=failed", "No promise is like that."),
        ("/outbox", "Everything that was due has gone out."),
        ("/outbox?tab=waiting", "Nothing waits to be sent."),
        ("/outbox?tab=done", "Nothing went out in the last 24 hours."),
        ("/goals", "No goals yet."),
        ("/live", "Quiet."),
        ("/system", "All is well."),
        ("/settings", "This Steward is open to this machine only."),
        ("/try", "Nothing yet. It fills in as you write."),
    ] {
        tab.open(path).await.unwrap();
        tab.sees(said).await.unwrap();
    }
    assert_eq!(browser.errors().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn longer_words_and_larger_letters_break_no_page() {
    let system = System::start(Config::web()).await.unwrap();
    let ana = client_writes(&system, "ana", "Ana Ruiz", "ping me in 20 hours about the contract").await;
    client_writes(&system, "boris", "Boris", "let me talk to a human").await;
    let look = || async { Ok(system.follow_ups(&ana).await?.into_iter().next()) };
    let promise = system.until(Duration::from_secs(120), look).await.unwrap();
    let conversation = format!("/inbox/{ana}?tab=all&why=f:{}", promise["id"].as_str().unwrap());
    let browser = Browser::start().await.unwrap();
    let tab = browser.tab(&system.read, true).await.unwrap();
    // Each text grows by four tenths, in words of its own length.
    let longer = "(() => { const all = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT); for (let text; (text = all.nextNode());) { \
        if (text.parentElement.closest('script, style, title, svg, textarea, option')) continue; \
        text.nodeValue = text.nodeValue.replace(/\\p{L}{2,}/gu, word => word + word.slice(0, Math.ceil(word.length * 0.4))); } })()";
    let over = "document.documentElement.scrollWidth - innerWidth";
    for width in [1440, 900, 390] {
        tab.looks(width, false).await.unwrap();
        for path in PAGES.iter().map(|path| (*path).to_owned()).chain([conversation.clone()]) {
            tab.open(&path).await.unwrap();
            tab.run(longer).await.unwrap();
            let sticks = tab.run(over).await.unwrap().as_i64().unwrap();
            assert!(sticks <= 0, "{path} at {width} px sticks out by {sticks} px with longer words");
        }
    }
    // Twice as large: a window of half the width, and letters of twice their size in it.
    tab.looks(720, false).await.unwrap();
    for path in PAGES.iter().map(|path| (*path).to_owned()).chain([conversation.clone()]) {
        tab.open(&path).await.unwrap();
        let sticks = tab.run(over).await.unwrap().as_i64().unwrap();
        assert!(sticks <= 0, "{path} sticks out by {sticks} px at 200 %");
        tab.run("document.documentElement.style.fontSize = '200%'").await.unwrap();
        let sticks = tab.run(over).await.unwrap().as_i64().unwrap();
        assert!(sticks <= 0, "{path} sticks out by {sticks} px with letters twice as large");
    }
    assert_eq!(browser.errors().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn colours_that_are_forced_and_motion_that_isnt_wanted_are_heeded() {
    let system = System::start(Config::web()).await.unwrap();
    let ana = client_writes(&system, "ana", "Ana", "ping me tomorrow at 9").await;
    let browser = Browser::start().await.unwrap();
    let tab = browser.tab(&system.read, true).await.unwrap();
    tab.needs(&[("forced-colors", "active")]).await.unwrap();
    tab.open(&format!("/inbox/{ana}?tab=all")).await.unwrap();
    tab.until("document.querySelector('.chip') && matchMedia('(forced-colors: active)').matches").await.unwrap();
    for part in [".chip", ".bubble", ".switch button"] {
        let style = format!("getComputedStyle(document.querySelector('{part}')).borderTopStyle");
        assert_eq!(tab.run(&style).await.unwrap(), "solid", "{part} has an edge where grounds are gone");
    }
    tab.needs(&[("prefers-reduced-motion", "reduce")]).await.unwrap();
    tab.open("/inbox?tab=all").await.unwrap();
    tab.run("document.querySelector('.row').classList.add('changed')").await.unwrap();
    assert_eq!(tab.run("getComputedStyle(document.querySelector('.row')).animationName").await.unwrap(), "none");
    let quick = "getComputedStyle(document.documentElement).getPropertyValue('--quick').trim()";
    assert_eq!(tab.run(quick).await.unwrap(), "0ms");
    tab.needs(&[("prefers-reduced-motion", "no-preference")]).await.unwrap();
    assert_eq!(tab.run("getComputedStyle(document.querySelector('.row')).animationName").await.unwrap(), "mark");
    assert_eq!(browser.errors().await, Vec::<String>::new());
}
