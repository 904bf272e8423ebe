//! The live log: what is shown of it, held, opened, and read backwards.

use steward_tests::{Browser, Config, System, browser::pictures};

use super::inbox::client_writes;

const LIVE: &str = "document.getElementById('line').dataset.state === 'live'";

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_filtered_held_opened_and_read_backwards() {
    let system = System::start(Config::web()).await.unwrap();
    for n in 0..75 {
        client_writes(&system, &format!("client-{n}"), &format!("Client {n}"), "hello").await;
    }
    let ana = client_writes(&system, "ana", "Ana", "ping me tomorrow at 9 about the contract").await;
    let look = || async { Ok(system.follow_ups(&ana).await?.into_iter().next()) };
    system.until(std::time::Duration::from_secs(120), look).await.unwrap();
    let browser = Browser::start().await.unwrap();
    let tab = browser.tab(&system.read, true).await.unwrap();
    tab.looks(1440, false).await.unwrap();
    tab.open("/live").await.unwrap();
    tab.until(LIVE).await.unwrap();
    // One group for what she asked and all it led to.
    let group = "[...document.querySelectorAll('#events > li')].find(group => group.textContent.includes('Ana'))";
    tab.until(&format!("{group}?.textContent.includes(' ms')")).await.unwrap();

    // Held, it counts what comes and shows it when it is let go.
    tab.key(" ").await.unwrap();
    tab.until("document.getElementById('hold').getAttribute('aria-pressed') === 'true'").await.unwrap();
    client_writes(&system, "boris", "Boris", "here I am").await;
    tab.until("/Held, [1-9]\\d* new/.test(document.getElementById('holding').textContent)").await.unwrap();
    assert!(
        !tab.run("document.getElementById('events').textContent").await.unwrap().as_str().unwrap().contains("Boris")
    );
    tab.key(" ").await.unwrap();
    tab.until("document.querySelector('#events > li').innerText.includes('Boris')").await.unwrap();
    tab.until("document.getElementById('holding').textContent === ''").await.unwrap();

    // Older ones as one goes down; none twice, none lost when new ones come.
    let before = tab.run("document.querySelectorAll('li[data-position]').length").await.unwrap().as_u64().unwrap();
    tab.run("scrollTo(0, document.body.scrollHeight)").await.unwrap();
    tab.until(&format!("document.querySelectorAll('li[data-position]').length > {before}")).await.unwrap();
    tab.until("document.getElementById('older-events').textContent.includes('Client 0')").await.unwrap();
    client_writes(&system, "carla", "Carla", "and I").await;
    tab.until("document.getElementById('events').textContent.includes('Carla')").await.unwrap();
    // The page itself has a position, too.
    let twice = "(p => p.length - new Set(p).size)([...document.querySelectorAll('li[data-position]')].map(s => s.dataset.position))";
    tab.until(&format!("{twice} === 0")).await.unwrap();
    let missing = "[...Array(75).keys()].filter(n => !document.body.textContent.includes(`Client ${n}`)).join()";
    assert_eq!(tab.run(missing).await.unwrap(), "");

    // Filters: a kind, words, a person, one conversation, and the steps in between.
    tab.run("(k => (k.value = 'promises', k.dispatchEvent(new Event('change', { bubbles: true }))))(document.getElementById('kind'))").await.unwrap();
    tab.until(
        "location.search.includes('kind=promises') && document.querySelectorAll('#events > [data-row]').length === 1",
    )
    .await
    .unwrap();
    tab.open("/live?q=here+i+am").await.unwrap();
    tab.until("document.querySelectorAll('#events > [data-row]').length === 1 && document.getElementById('events').innerText.includes('Boris')").await.unwrap();
    tab.open("/live?actor=person").await.unwrap();
    tab.sees("No event is like that.").await.unwrap();
    system.post(&format!("/api/v1/conversations/{ana}/takeover"), &serde_json::json!({ "by": "Kim" })).await.unwrap();
    tab.until("document.querySelectorAll('#events > [data-row]').length === 1").await.unwrap();
    tab.open(&format!("/live?conversation={ana}")).await.unwrap();
    tab.sees("Only of Ana").await.unwrap();
    tab.until(LIVE).await.unwrap();
    let steps = "document.querySelectorAll('li[data-position]').length";
    let important = tab.run(steps).await.unwrap().as_u64().unwrap();
    tab.press("#important").await.unwrap();
    tab.until(&format!("location.search.includes('all=1') && {steps} > {important}")).await.unwrap();

    // Opened, an event shows what led to it and what it led to.
    tab.run("[...document.querySelectorAll('#events details')].forEach(d => (d.open = true))").await.unwrap();
    tab.picture(&pictures().join("live-open-1440-light.png")).await.unwrap();
    let opens = "[...document.querySelectorAll('[data-position] a')].find(a => a.innerText.includes('promised') || a.innerText.includes('Promised') || a.innerText.includes('tomorrow'))";
    tab.until(opens).await.unwrap();
    let path = tab.run(&format!("{opens}.getAttribute('href')")).await.unwrap();
    tab.open(path.as_str().unwrap()).await.unwrap();
    tab.until("document.querySelectorAll('#event .two a').length > 0").await.unwrap();
    tab.picture(&pictures().join("event-1440-light.png")).await.unwrap();
    let (before, other) = (tab.run("location.search").await.unwrap(), "location.search");
    tab.press("#event .two a").await.unwrap();
    tab.until(&format!("{other} !== {before}")).await.unwrap();
    tab.looks(390, true).await.unwrap();
    tab.picture(&pictures().join("event-390-dark.png")).await.unwrap();
    assert!(tab.run("document.documentElement.scrollWidth - innerWidth").await.unwrap().as_i64().unwrap() <= 0);
    tab.key("Escape").await.unwrap();
    tab.until("!document.getElementById('event')").await.unwrap();
    assert_eq!(browser.errors().await, Vec::<String>::new());
}
