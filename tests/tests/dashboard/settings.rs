//! Settings and System: keys made and revoked, the brain, what is in force and where it comes from.

use steward_tests::{Browser, Config, System, Telegram, browser::pictures, config::city_by_day};

use super::inbox::client_writes;

const LIVE: &str = "document.getElementById('line').dataset.state === 'live'";

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_made_shown_once_and_revoked_and_what_is_in_force_says_where_it_comes_from() {
    let config = Config::web().with("[defaults]\nfollowup_hour = 11").with_auth("keys");
    let system = System::start(config).await.unwrap();
    let (admin, _) = system.create_key("default", "admin").await.unwrap();
    let (operator, _) = system.create_key("default", "operator").await.unwrap();
    let browser = Browser::start().await.unwrap();
    let tab = browser.tab(&system.read, true).await.unwrap();
    tab.looks(1440, false).await.unwrap();
    let enter = async |key: &str| {
        tab.open("/settings").await.unwrap();
        tab.write("#your_key", key).await.unwrap();
        tab.press("button.filled").await.unwrap();
        tab.until(&format!("location.pathname === '/settings' && {LIVE}")).await.unwrap();
    };
    enter(&operator).await;
    tab.sees("Only a key of role admin sees this.").await.unwrap();
    assert_eq!(tab.run("document.querySelectorAll('#key-list, #new-key, #in-force table').length").await.unwrap(), 0);
    tab.press("main form[action='/ui/leave'] button").await.unwrap();
    tab.until("document.getElementById('your_key')").await.unwrap();
    enter(&admin).await;
    // Where each setting comes from; no secret among them.
    let row = |key: &str| {
        format!("[...document.querySelectorAll('#in-force tr')].find(row => row.cells[0].textContent === '{key}')")
    };
    tab.until(&format!(
        "{}.cells[1].textContent === '11' && {0}.cells[2].textContent.endsWith('steward.toml')",
        row("defaults.followup_hour")
    ))
    .await
    .unwrap();
    tab.until(&format!("{}.cells[2].textContent === 'default'", row("limits.reads"))).await.unwrap();
    let whole = tab.run("document.getElementById('in-force').textContent").await.unwrap();
    assert!(
        !whole.as_str().unwrap().contains("postgres://") && !whole.as_str().unwrap().contains("channels."),
        "{whole}"
    );
    // A key for Kim, shown once, that lets in.
    tab.write("#key-name", "Kim").await.unwrap();
    tab.press("#new-key button").await.unwrap();
    tab.until("document.querySelector('.once code')?.textContent.startsWith('sk_default_')").await.unwrap();
    let made = tab.run("document.querySelector('.once code').textContent").await.unwrap();
    tab.until("document.getElementById('key-list').innerText.includes('Kim')").await.unwrap();
    tab.picture(&pictures().join("keys-made-1440-light.png")).await.unwrap();
    let read = || system.client.get(format!("{}/api/v1/attention", system.read)).bearer_auth(made.as_str().unwrap());
    assert_eq!(read().send().await.unwrap().status(), 200);
    tab.open("/settings").await.unwrap();
    tab.until(LIVE).await.unwrap();
    assert!(!tab.text().await.unwrap().contains("sk_default_"));
    tab.run("[...document.querySelectorAll('#key-list li')].find(key => key.innerText.includes('Kim')).querySelector('form').requestSubmit()").await.unwrap();
    tab.until("!document.getElementById('key-list').innerText.includes('Kim')").await.unwrap();
    // Asked again and again, it is refused at last.
    let until = |asks: &str| {
        format!("(async () => {{ while (!({asks})) await new Promise(go => setTimeout(go, 50)); return true; }})()")
    };
    let refused = format!(
        "(await fetch('/api/v1/attention', {{ headers: {{ Authorization: 'Bearer {}' }} }})).status === 401",
        made.as_str().unwrap()
    );
    assert_eq!(tab.run(&until(&refused)).await.unwrap(), true);
    // A repeat of the same command makes no second key.
    let make = async || {
        let body = serde_json::json!({ "name": "Twice", "role": "reader" });
        let made = system.client.post(format!("{}/api/v1/keys", system.write)).bearer_auth(&admin).json(&body);
        made.header("Idempotency-Key", "one key").send().await.unwrap().status().as_u16()
    };
    assert_eq!((make().await, make().await), (201, 409));
    let keys = system.client.get(format!("{}/api/v1/keys", system.read)).bearer_auth(&admin).send().await.unwrap();
    let keys: serde_json::Value = keys.json().await.unwrap();
    assert_eq!(keys["items"].as_array().unwrap().iter().filter(|key| key["name"] == "Twice").count(), 1);
    let not_his =
        system.client.get(format!("{}/api/v1/keys", system.read)).bearer_auth(&operator).send().await.unwrap();
    assert_eq!(not_his.status(), 403);
    // The brain of the tenant.
    tab.run("(s => (s.value = 'rules', s.form.requestSubmit()))(document.getElementById('provider'))").await.unwrap();
    let chosen = "(t => new DOMParser().parseFromString(t, 'text/html').getElementById('provider').value)(await (await fetch('/settings')).text()) === 'rules'";
    assert_eq!(tab.run(&until(chosen)).await.unwrap(), true);
    for (width, dark) in [(1440, true), (390, false)] {
        tab.looks(width, dark).await.unwrap();
        tab.open("/settings").await.unwrap();
        let scheme = if dark { "dark" } else { "light" };
        tab.picture(&pictures().join(format!("settings-admin-{width}-{scheme}.png"))).await.unwrap();
        assert!(tab.run("document.documentElement.scrollWidth - innerWidth").await.unwrap().as_i64().unwrap() <= 0);
    }
    assert_eq!(browser.errors().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_system_says_in_one_sentence_how_it_is() {
    let system = System::start(Config::web()).await.unwrap();
    client_writes(&system, "ana", "Ana", "ping me tomorrow at 9").await;
    let browser = Browser::start().await.unwrap();
    let tab = browser.tab(&system.read, true).await.unwrap();
    tab.looks(1440, false).await.unwrap();
    tab.open("/system").await.unwrap();
    tab.sees("All is well.").await.unwrap();
    tab.until("[...document.querySelectorAll('td')].some(cell => cell.textContent === 'tomorrow, 9:00' || cell.textContent.startsWith('tomorrow'))").await.unwrap();
    let before = tab.run("Number(document.getElementById('read-up-to').textContent)").await.unwrap().as_u64().unwrap();
    tab.until(LIVE).await.unwrap();
    client_writes(&system, "boris", "Boris", "hello").await;
    tab.until(&format!("Number(document.getElementById('read-up-to').textContent) > {before}")).await.unwrap();
    // Every service with its line, which grows by itself.
    let services = "[...document.querySelectorAll('#system section:first-of-type > table tbody tr')].map(row => row.cells[0].innerText).join()";
    assert_eq!(tab.run(services).await.unwrap(), "ingestion,agent-brain,scheduler,outbox-dispatcher,projection");
    tab.until("document.querySelectorAll('#system .spark path[d*=L]').length >= 4").await.unwrap();
    for part in ["Timers", "Channels", "Brains", "Breaker", "Outgoing webhooks", "Dead letters", "Read models"] {
        tab.sees(part).await.unwrap();
    }
    tab.picture(&pictures().join("system-figures-1440-light.png")).await.unwrap();
    for (width, dark, language) in [(390, true, "ru"), (390, false, "es"), (1440, true, "ru")] {
        tab.looks(width, dark).await.unwrap();
        tab.speaks(language).await.unwrap();
        tab.open("/system").await.unwrap();
        let scheme = if dark { "dark" } else { "light" };
        tab.picture(&pictures().join(format!("system-{width}-{scheme}-{language}.png"))).await.unwrap();
        let over = tab.run("document.documentElement.scrollWidth - innerWidth").await.unwrap();
        assert!(over.as_i64().unwrap() <= 0, "the system at {width} px in {language} sticks out by {over} px");
    }
    assert_eq!(browser.errors().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_process_does_is_said_not_to_be_known() {
    let system = System::start_separately(Config::web(), &[]).await.unwrap();
    let seen = system.get("/api/v1/system").await.unwrap();
    let services = seen["services"].as_array().unwrap();
    assert_eq!(services.len(), 5);
    for service in services {
        let here = service["name"] == "projection";
        assert_eq!(service["here"], here, "{service}");
        assert_eq!(service["state"].is_null(), !here, "{service}");
        assert_eq!(service["lag_seconds"].is_null(), !here, "{service}");
    }
    assert!(seen["timers"]["lateness_p50_seconds"].is_null());
    let browser = Browser::start().await.unwrap();
    let tab = browser.tab(&system.read, true).await.unwrap();
    tab.open("/system").await.unwrap();
    tab.until("(document.body.innerText.match(/Runs in another process/g) || []).length === 4").await.unwrap();
    tab.sees("not known").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn hours_notifications_and_a_channels_test_are_ones_own_to_choose() {
    let mut telegram = Telegram::start().await.unwrap();
    let system = System::start(Config::telegram(&telegram)).await.unwrap();
    client_writes(&system, "ana", "Ana", "ping me tomorrow at 18:30").await;
    let browser = Browser::start().await.unwrap();
    let tab = browser.tab(&system.read, true).await.unwrap();
    tab.looks(1440, false).await.unwrap();
    tab.open("/settings").await.unwrap();
    tab.until(LIVE).await.unwrap();
    // Kept as soon as it is chosen.
    tab.run("(f => (f.value = '12', f.dispatchEvent(new Event('change', { bubbles: true }))))(document.getElementById('my-hours'))").await.unwrap();
    tab.until("document.body.dataset.hours === '12' && document.getElementById('my-hours').value === '12'")
        .await
        .unwrap();
    tab.open("/promises?zone=client").await.unwrap();
    let shown = format!("6:30\u{a0}pm in {}", city_by_day().0);
    tab.until(&format!("document.querySelector('#groups')?.innerText.includes('{shown}')")).await.unwrap();
    // Wanted notifications come when more needs a person and nobody looks; before that the browser is asked.
    tab.open("/settings").await.unwrap();
    tab.until(LIVE).await.unwrap();
    tab.run("Notification.requestPermission = async () => 'denied'").await.unwrap();
    let wants = "(f => (f.value = 'needs', f.dispatchEvent(new Event('change', { bubbles: true }))))(document.getElementById('notify'))";
    tab.run(wants).await.unwrap();
    tab.until("!document.getElementById('notify-refused').hidden && document.getElementById('notify').value === 'off'")
        .await
        .unwrap();
    tab.run("Notification.requestPermission = async () => 'granted'").await.unwrap();
    tab.run(wants).await.unwrap();
    tab.until(&format!("document.body.dataset.notify && {LIVE}")).await.unwrap();
    tab.run("window.told = []; window.Notification = class extends EventTarget { static permission = 'granted'; constructor(title, more) { super(); told.push(more.body); } }; Object.defineProperty(document, 'visibilityState', { value: 'hidden' })").await.unwrap();
    client_writes(&system, "boris", "Boris", "let me talk to a human").await;
    tab.until("told.join() === '1 conversation needs you'").await.unwrap();
    // The provider's own word on a channel.
    tab.open("/settings").await.unwrap();
    tab.until(LIVE).await.unwrap();
    let test = "form[action='/ui/channels/tg-main/test'] button";
    tab.press(test).await.unwrap();
    tab.until("document.querySelector('.answer')?.textContent.length > 4").await.unwrap();
    telegram.go_down();
    tab.press(test).await.unwrap();
    tab.until("document.querySelector('.answer')?.textContent.startsWith('✕ Look at it')").await.unwrap();
    assert!(!tab.text().await.unwrap().contains("Failed to fetch"));
    assert_eq!(browser.errors().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_settings_change_can_be_taken_back_where_it_was_changed() {
    let system = System::start(Config::web().with_auth("keys")).await.unwrap();
    let (admin, _) = system.create_key("default", "admin").await.unwrap();
    let browser = Browser::start().await.unwrap();
    let tab = browser.tab(&system.read, true).await.unwrap();
    tab.keeps_offers().await.unwrap();
    tab.looks(1440, false).await.unwrap();
    tab.open("/settings").await.unwrap();
    tab.write("#your_key", &admin).await.unwrap();
    tab.press("button.filled").await.unwrap();
    tab.until(LIVE).await.unwrap();
    let keys = async || {
        let keys = system.client.get(format!("{}/api/v1/keys", system.read)).bearer_auth(&admin).send().await.unwrap();
        let keys: serde_json::Value = keys.json().await.unwrap();
        keys["items"].as_array().unwrap().len()
    };
    // A choice of one's own, kept by a new page, which offers to take it back.
    tab.run("(f => (f.value = 'compact', f.dispatchEvent(new Event('change', { bubbles: true }))))(document.getElementById('density'))").await.unwrap();
    tab.until("document.documentElement.dataset.density === 'compact' && document.activeElement.matches('#undo-choice button')")
        .await
        .unwrap();
    for (width, dark) in [(1440, false), (390, true)] {
        tab.looks(width, dark).await.unwrap();
        let scheme = if dark { "dark" } else { "light" };
        tab.picture(&pictures().join(format!("settings-undo-{width}-{scheme}.png"))).await.unwrap();
        assert!(tab.run("document.documentElement.scrollWidth - innerWidth").await.unwrap().as_i64().unwrap() <= 0);
    }
    tab.looks(1440, false).await.unwrap();
    tab.press("#undo-choice button").await.unwrap();
    tab.until(&format!("!document.documentElement.dataset.density && {LIVE}")).await.unwrap();
    assert_eq!(tab.run("document.getElementById('undo-choice')").await.unwrap(), serde_json::Value::Null);
    // The brain: chosen, and as before.
    tab.run("(s => (s.value = 'rules', s.form.requestSubmit()))(document.getElementById('provider'))").await.unwrap();
    tab.until("document.querySelector('#brain .undo button') === document.activeElement && document.activeElement.matches('.undo button')").await.unwrap();
    tab.run("document.querySelector('#brain').scrollIntoView()").await.unwrap();
    tab.picture(&pictures().join("brain-undo-1440-light.png")).await.unwrap();
    let chosen = async || {
        let events = system.client.get(format!("{}/api/v1/events?type=BrainChosen", system.read)).bearer_auth(&admin);
        let events: serde_json::Value = events.send().await.unwrap().json().await.unwrap();
        events["items"].as_array().unwrap().len()
    };
    tab.until("document.querySelector('#brain form[data-undo-fields]').dataset.undoFields.includes('rules')")
        .await
        .unwrap();
    tab.press("#brain .undo button").await.unwrap();
    tab.until("document.querySelector('#brain form[data-undo-fields]').dataset.undoFields === JSON.stringify({ model: '', provider: '' }) && document.getElementById('provider').value === ''").await.unwrap();
    assert_eq!(chosen().await, 2);
    // A key: made, and taken out of force again, with its text gone from the page.
    let before = keys().await;
    tab.write("#key-name", "Kim").await.unwrap();
    tab.press("#new-key button").await.unwrap();
    tab.until("document.querySelector('.once code')?.textContent.startsWith('sk_default_')").await.unwrap();
    tab.until("document.getElementById('key-list').innerText.includes('Kim')").await.unwrap();
    assert_eq!(keys().await, before + 1);
    tab.press(".undo button").await.unwrap();
    tab.until("!document.querySelector('.once') && !document.getElementById('key-list').innerText.includes('Kim')")
        .await
        .unwrap();
    assert_eq!(keys().await, before);
    assert_eq!(browser.errors().await, Vec::<String>::new());
}
