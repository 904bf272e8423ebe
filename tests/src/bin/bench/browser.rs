//! BROWSER: from a webhook to what a person sees in an open Inbox, and one's own words in the conversation.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use steward_tests::Browser;

use crate::{
    bot_api::BotApi,
    http::Connection,
    options::Options,
    place::{Place, SECRET_HEADER, WEBHOOK},
    report::Parts,
    stats::Samples,
    updates::Updates,
};

static UPDATES: Updates = Updates::new();

/// Clients who write, and words that a person writes.
const CLIENTS: usize = 200;
const WORDS: usize = 50;
/// Between two of them: what one brings with it has been read when the next comes.
const PAUSE: Duration = Duration::from_millis(400);

/// Fulfilled once the page shows a mark, in the frame in which it is painted.
const SHOWN: &str = "window.shown = mark => new Promise(done => {
    const look = () => {
        if (!document.body.textContent.includes(mark)) return false;
        requestAnimationFrame(() => done(performance.now()));
        return true;
    };
    if (look()) return;
    const observer = new MutationObserver(() => { if (look()) observer.disconnect(); });
    observer.observe(document.body, { childList: true, subtree: true, characterData: true });
})";

/// Types into the composer and sends; how many milliseconds until the words stand in the conversation.
const SAYS: &str = "(async mark => {
    const field = document.querySelector('#write');
    field.value = mark;
    field.dispatchEvent(new Event('input', { bubbles: true }));
    const log = document.querySelector('main');
    const began = performance.now();
    const shown = new Promise(done => {
        const stands = () => [...log.querySelectorAll('p, div, li')].some(e => e.textContent.includes(mark));
        new MutationObserver((_, observer) => {
            if (stands()) { observer.disconnect(); done(performance.now() - began); }
        }).observe(log, { childList: true, subtree: true, characterData: true });
    });
    field.form.requestSubmit();
    return await shown;
})";

pub async fn run(options: &Options) -> Result<Parts> {
    let mut parts = Parts::default();
    let bot = BotApi::start().await?;
    let place = Place::new(options, &bot)?;
    let up = place.up().await?;
    let mut connection = Connection::open(up.address).await?;
    let browser = Browser::start().await?;
    let base = format!("http://{}", up.address);

    let tab = browser.tab(&base, true).await?;
    tab.looks(1440, false).await?;
    tab.open("/inbox?tab=all").await?;
    tab.until("document.getElementById('line').dataset.state === 'live'").await?;
    tab.run(SHOWN).await?;
    let mut seen = Samples::default();
    for n in 0..CLIENTS {
        let mark = format!("Client{n}x");
        let (_, body) = UPDATES.next("здравствуйте");
        let body = body.replace("Anna", &mark);
        let began = Instant::now();
        let asked = format!("shown({})", json!(mark));
        let (shown, posted) = tokio::join!(tab.run(&asked), connection.post(WEBHOOK, SECRET_HEADER, &body));
        ensure!((200..300).contains(&posted?), "a webhook was refused");
        shown?;
        seen.add(began.elapsed());
        tokio::time::sleep(PAUSE).await;
    }
    parts.case(format!("webhook → painted in the Inbox, {CLIENTS} clients"), "p50 ≤ 60, p99 ≤ 150 ms", seen.figures());

    let first = tab.run("document.querySelector(\"main a[href^='/inbox/']\").getAttribute('href')").await?;
    tab.open(first.as_str().context("a conversation is in the Inbox")?).await?;
    tab.until("document.getElementById('line').dataset.state === 'live'").await?;
    let mut own = Samples::default();
    for n in 0..WORDS {
        let said = tab.run(&format!("{SAYS}({})", json!(format!("words{n}x of ours")))).await?;
        own.add_ms(said.as_f64().context("it says how long it took")?);
        tokio::time::sleep(PAUSE).await;
    }
    parts.case(format!("one's own words → in the conversation, {WORDS} times"), "≤ 16 ms", own.figures());
    ensure!(browser.errors().await == Vec::<String>::new(), "the pages complained");
    drop(browser);
    up.stop().await?;
    Ok(parts)
}
