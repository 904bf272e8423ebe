//! Every action by keyboard alone: each control of each page is reached by Tab, and what is done there is done by keys.

use serde_json::json;
use steward_tests::{Browser, Config, System, Tab};

use super::inbox::client_writes;

const LIVE: &str = "document.getElementById('line').dataset.state === 'live'";

/// Holds for a control that somebody could use.
const USABLE: &str = "control => !control.disabled && control.tabIndex >= 0 && control.getClientRects().length && !control.closest('dialog:not([open])')";
const CONTROLS: &str = "[...document.querySelectorAll('main :is(button, a[href], summary, input:not([type=hidden], [type=radio]), select, textarea)')]";

async fn at(tab: &Tab<'_>, path: &str) {
    tab.open(path).await.unwrap();
    tab.until(LIVE).await.unwrap();
}

/// Goes through a page with Tab alone; the controls that it doesn't lead to.
async fn missed(tab: &Tab<'_>) -> Vec<String> {
    tab.run("window.reached = new Set(), document.addEventListener('focusin', event => reached.add(event.target)), document.querySelectorAll('main details').forEach(part => (part.open = true)), document.activeElement.blur()").await.unwrap();
    let missing = format!(
        "{CONTROLS}.filter({USABLE}).filter(control => !reached.has(control)).map(control => control.outerHTML.slice(0, 160))"
    );
    let most = tab.run(&format!("{CONTROLS}.length * 2 + 60")).await.unwrap().as_u64().unwrap();
    let mut left = Vec::new();
    for n in 0..most {
        tab.key("Tab").await.unwrap();
        if n % 20 == 19 || n + 1 == most {
            let missing = tab.run(&missing).await.unwrap();
            left = missing.as_array().unwrap().iter().map(|html| html.as_str().unwrap().to_owned()).collect();
            if left.is_empty() {
                break;
            }
        }
    }
    left
}

#[tokio::test(flavor = "multi_thread")]
async fn tab_leads_to_every_control_of_every_page() {
    let system = System::start(Config::web()).await.unwrap();
    let ana = client_writes(&system, "ana", "Ana", "ping me in 20 hours about the contract").await;
    client_writes(&system, "boris", "Boris", "let me talk to a human").await;
    let promised = || async { Ok(system.follow_ups(&ana).await?.into_iter().next()) };
    system.until(std::time::Duration::from_secs(120), promised).await.unwrap();
    hold(&system, &ana, "Held for now.").await;
    let goal = json!({ "contact_id": contact_of(&system, &ana).await, "title": "Sign the contract" });
    system.post("/api/v1/goals", &goal).await.unwrap();
    let browser = Browser::start().await.unwrap();
    let tab = browser.tab(&system.read, true).await.unwrap();
    tab.looks(1440, false).await.unwrap();
    let event = system.events_of_type("FollowUpScheduled").await.unwrap().remove(0)["position"].clone();
    let mut found = Vec::new();
    for path in [
        "/inbox?tab=all".to_owned(),
        format!("/inbox/{ana}?tab=all&why=f:{}", system.follow_ups(&ana).await.unwrap()[0]["id"].as_str().unwrap()),
        format!("/inbox/{ana}?tab=all&at={event}"),
        "/promises".to_owned(),
        "/promises?view=week".to_owned(),
        "/promises?view=month".to_owned(),
        "/outbox".to_owned(),
        "/goals".to_owned(),
        format!("/live?event={event}"),
        "/system".to_owned(),
        "/settings".to_owned(),
        "/try".to_owned(),
    ] {
        at(&tab, &path).await;
        found.extend(missed(&tab).await.into_iter().map(|control| format!("{path}: {control}")));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

async fn contact_of(system: &System, conversation: &str) -> String {
    let read = system.get(&format!("/api/v1/conversations/{conversation}")).await.unwrap();
    read["contact"]["id"].as_str().unwrap().to_owned()
}

/// A message that waits for a person's word.
async fn hold(system: &System, conversation: &str, text: &str) -> String {
    let due_at = (chrono::Utc::now() + chrono::TimeDelta::days(2)).to_rfc3339();
    let queued = json!({ "conversation_id": conversation, "text": text, "due_at": due_at, "on_reply": "keep" });
    let queued = system.post("/api/v1/outbox", &queued).await.unwrap()["id"].as_str().unwrap().to_owned();
    system.post(&format!("/api/v1/outbox/{queued}/hold"), &json!({})).await.unwrap();
    queued
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_is_led_by_keys_alone() {
    let system = System::start(Config::web()).await.unwrap();
    let ana = client_writes(&system, "ana", "Ana", "hello").await;
    client_writes(&system, "boris", "Boris", "let me talk to a human").await;
    let browser = Browser::start().await.unwrap();
    let tab = browser.tab(&system.read, true).await.unwrap();
    tab.keeps_offers().await.unwrap();
    tab.looks(1440, false).await.unwrap();
    // Settled and taken over from the list.
    at(&tab, "/inbox").await;
    tab.key("j").await.unwrap();
    tab.until("document.activeElement.matches('.cover')").await.unwrap();
    tab.reach("#rows form[action$='/done'] button").await.unwrap();
    tab.key("Enter").await.unwrap();
    tab.sees("Nothing needs you.").await.unwrap();
    at(&tab, "/inbox?tab=all").await;
    let to_ana = format!("#rows a[href*='{ana}']");
    tab.reach(&to_ana).await.unwrap();
    tab.key("Enter").await.unwrap();
    tab.until(&format!("location.pathname === '/inbox/{ana}' && {LIVE}")).await.unwrap();
    // Taken over, written to, given back.
    tab.key("t").await.unwrap();
    tab.sees("The bot is silent until").await.unwrap();
    tab.key("r").await.unwrap();
    tab.until("document.activeElement.id === 'write'").await.unwrap();
    tab.types("Written by keys.").await.unwrap();
    tab.key("Control+Enter").await.unwrap();
    tab.until("[...document.querySelectorAll('.bubble.person')].some(b => b.innerText.includes('Written by keys.') && !b.matches('.waiting'))").await.unwrap();
    tab.key("Escape").await.unwrap();
    tab.until("document.activeElement.id !== 'write'").await.unwrap();
    tab.key("t").await.unwrap();
    tab.sees("gave the conversation back to the bot").await.unwrap();
    // Promised, moved, changed, cancelled, and taken back.
    tab.key("s").await.unwrap();
    tab.reach("#later-text").await.unwrap();
    tab.types("Have you signed it?").await.unwrap();
    tab.key("Tab").await.unwrap();
    tab.types("in 2 days at 10:00").await.unwrap();
    tab.until("document.querySelector('.later [data-preview]').innerText.includes('10:00')").await.unwrap();
    tab.key("Enter").await.unwrap();
    let promise = "document.querySelector('#promises > .promise')";
    tab.until(&format!("{promise}?.innerText.includes('Have you signed it?')")).await.unwrap();
    tab.until("document.getElementById('later-text').value === ''").await.unwrap();
    tab.key("Escape").await.unwrap();
    tab.reach("#promises > .promise :is(a, button, summary)").await.unwrap();
    tab.key("m").await.unwrap();
    tab.reach("#promises > .promise [name='phrase']").await.unwrap();
    tab.types("in 3 days at 18:00").await.unwrap();
    tab.key("Enter").await.unwrap();
    tab.until(&format!("{promise}.innerText.includes('18:00')")).await.unwrap();
    tab.until("document.activeElement.matches('.undo button')").await.unwrap();
    tab.key("z").await.unwrap();
    tab.until(&format!("{promise}.innerText.includes('10:00')")).await.unwrap();
    tab.until("!document.querySelector('.undo')").await.unwrap();
    tab.reach("#promises > .promise :is(a, button, summary)").await.unwrap();
    tab.key("x").await.unwrap();
    tab.until(&format!("!{promise} && document.activeElement.matches('.undo button')")).await.unwrap();
    tab.key("Enter").await.unwrap();
    tab.until(&format!("{promise}?.innerText.includes('10:00')")).await.unwrap();
    // Why, the past, and who she is.
    tab.key("w").await.unwrap();
    tab.until(&format!("document.querySelector('#why .said') && {LIVE}")).await.unwrap();
    tab.key("[").await.unwrap();
    tab.sees("You are looking at").await.unwrap();
    tab.key("Escape").await.unwrap();
    tab.until(&format!("!location.search.includes('at=') && {LIVE}")).await.unwrap();
    tab.reach("#name").await.unwrap();
    // Coming there by Tab, all of it is selected.
    tab.types("Ana Ruiz").await.unwrap();
    tab.key("Enter").await.unwrap();
    tab.until("document.querySelector('h1').innerText === 'Ana Ruiz'").await.unwrap();
    tab.reach("#remember summary").await.unwrap();
    tab.key("Enter").await.unwrap();
    tab.reach("#remember-text").await.unwrap();
    tab.types("Sign the contract").await.unwrap();
    tab.key("Enter").await.unwrap();
    tab.until("document.querySelector('#contact .goal')?.innerText.includes('Sign the contract')").await.unwrap();
    // The goal is said to be not so, and that is taken back.
    at(&tab, "/goals").await;
    tab.key("j").await.unwrap();
    tab.until("document.activeElement.closest('[data-row]')").await.unwrap();
    tab.key("n").await.unwrap();
    tab.until("!document.querySelector('.goal') && document.activeElement.matches('.undo button')").await.unwrap();
    tab.key("z").await.unwrap();
    tab.until("document.querySelector('main').innerText.includes('Sign the contract')").await.unwrap();
    assert_eq!(browser.errors().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn promises_outbox_live_system_settings_and_the_first_minute_go_by_keys_alone() {
    let system = System::start(Config::web()).await.unwrap();
    let ana = client_writes(&system, "ana", "Ana", "hello").await;
    let browser = Browser::start().await.unwrap();
    let tab = browser.tab(&system.read, true).await.unwrap();
    tab.keeps_offers().await.unwrap();
    tab.looks(1440, false).await.unwrap();
    // A promise is made, moved, cancelled and promised again.
    at(&tab, "/promises").await;
    tab.key("n").await.unwrap();
    tab.reach("#whom").await.unwrap();
    tab.types("ana").await.unwrap();
    tab.until("document.querySelectorAll('#choices input').length === 1").await.unwrap();
    tab.reach("#choices input").await.unwrap();
    tab.key(" ").await.unwrap();
    tab.until("document.querySelector('#choices input').checked").await.unwrap();
    tab.reach("#make-text").await.unwrap();
    tab.types("Have you signed it?").await.unwrap();
    tab.reach("#make-when").await.unwrap();
    tab.types("in 3 days at 9:15").await.unwrap();
    tab.key("Enter").await.unwrap();
    let promise = "document.querySelector('#groups .promise')";
    tab.until(&format!("{promise}?.innerText.includes('Have you signed it?')")).await.unwrap();
    tab.key("Escape").await.unwrap();
    tab.reach("#groups .promise :is(a, button, summary)").await.unwrap();
    tab.key("x").await.unwrap();
    tab.until(&format!("!{promise} && document.activeElement.matches('.undo button')")).await.unwrap();
    tab.key("z").await.unwrap();
    tab.until(&format!("{promise}?.innerText.includes('Have you signed it?')")).await.unwrap();
    for (key, view) in [("2", "week"), ("3", "month"), ("1", "list")] {
        tab.until(LIVE).await.unwrap();
        tab.key(key).await.unwrap();
        tab.until(&format!(
            "new URL(location.href).searchParams.get('view') === '{view}' || '{view}' === 'list' && {promise}"
        ))
        .await
        .unwrap();
    }

    // Held messages: one let go, one changed, two picked and cancelled together.
    for n in 0..4 {
        hold(&system, &ana, &format!("Message number {n}.")).await;
    }
    at(&tab, "/outbox").await;
    let items = "document.querySelectorAll('.item').length";
    tab.until(&format!("{items} === 4")).await.unwrap();
    tab.key("j").await.unwrap();
    tab.until("document.activeElement.closest('.item')").await.unwrap();
    tab.key("a").await.unwrap();
    tab.until(&format!("{items} === 3")).await.unwrap();
    tab.reach(".item summary[data-key='e']").await.unwrap();
    tab.key("e").await.unwrap();
    tab.reach(".item textarea").await.unwrap();
    tab.types("Changed. ").await.unwrap();
    tab.key("Control+Enter").await.unwrap();
    tab.until("[...document.querySelectorAll('.item [data-text]')].some(text => text.innerText.includes('Changed. '))")
        .await
        .unwrap();
    at(&tab, "/outbox").await;
    for n in 1..=2 {
        tab.reach(".item [data-pick]:not(:checked)").await.unwrap();
        tab.key(" ").await.unwrap();
        tab.until(&format!("document.getElementById('picked-count').textContent === '{n} selected'")).await.unwrap();
    }
    tab.reach("#picked [data-each='/cancel']").await.unwrap();
    tab.key("Enter").await.unwrap();
    tab.until(&format!("{items} === 1")).await.unwrap();

    // The live log: held, an event opened and closed.
    at(&tab, "/live?all=1").await;
    tab.run("document.activeElement.blur()").await.unwrap();
    tab.key(" ").await.unwrap();
    tab.until("document.getElementById('hold').getAttribute('aria-pressed') === 'true'").await.unwrap();
    tab.key(" ").await.unwrap();
    tab.until("document.getElementById('hold').getAttribute('aria-pressed') !== 'true'").await.unwrap();
    tab.reach("#events summary").await.unwrap();
    tab.key("Enter").await.unwrap();
    tab.reach("#events details a[href*='event=']").await.unwrap();
    tab.key("Enter").await.unwrap();
    tab.until("document.getElementById('event')").await.unwrap();
    tab.until(LIVE).await.unwrap();
    tab.key("Escape").await.unwrap();
    tab.until("!document.getElementById('event')").await.unwrap();

    // Settings: another theme, and back.
    at(&tab, "/settings").await;
    tab.reach("#theme").await.unwrap();
    tab.key("ArrowDown").await.unwrap();
    tab.until(
        "document.documentElement.dataset.theme === 'light' && document.activeElement.matches('#undo-choice button')",
    )
    .await
    .unwrap();
    tab.key("Enter").await.unwrap();
    tab.until("!document.documentElement.dataset.theme && !document.getElementById('undo-choice')").await.unwrap();

    // The first minute.
    at(&tab, "/try").await;
    tab.reach(".offers button").await.unwrap();
    tab.key("Enter").await.unwrap();
    tab.until("document.querySelector('[data-due]')").await.unwrap();
    assert_eq!(browser.errors().await, Vec::<String>::new());
}
