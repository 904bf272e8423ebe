//! Sessions: who is in with a key, shown to whom the key belongs, and ended one by one or all others at once.

use std::time::Duration;

use serde_json::Value;
use steward_http::client_builder;
use steward_tests::{Api, Browser, Config, System, Tab, browser::pictures};

use super::inbox::client_writes;

const LIVE: &str = "document.getElementById('line')?.dataset.state === 'live'";
const PATIENCE: Duration = Duration::from_secs(120);
const SHUT_OUT: &str = "You are shut out: this session was ended, or its key isn't in force any more.";

/// Enters with a key at a path.
async fn enters(tab: &Tab<'_>, key: &str, path: &str) {
    tab.open(path).await.unwrap();
    tab.write("#your_key", key).await.unwrap();
    tab.press("button.filled").await.unwrap();
    tab.until(LIVE).await.unwrap();
}

async fn sessions(system: &System, key: &str) -> Vec<Value> {
    let read = system.client.get(format!("{}/api/v1/sessions", system.read)).bearer_auth(key);
    let read: Value = read.send().await.unwrap().error_for_status().unwrap().json().await.unwrap();
    read["items"].as_array().unwrap().clone()
}

fn with_key(system: &System, key: &str) -> Api {
    let mut api = system.api().clone();
    api.key = Some(key.to_owned());
    api
}

/// Waits until the page says that it shows nothing more, and looks that this is so.
async fn is_shut_out(tab: &Tab<'_>) {
    tab.sees(SHUT_OUT).await.unwrap();
    assert_eq!(tab.run("document.querySelectorAll('nav, main.panes, [data-region]').length").await.unwrap(), 0);
    assert!(!tab.text().await.unwrap().contains("Ana"), "nothing of a client is shown any more");
    // Nor from what the browser has kept.
    tab.run("history.back()").await.unwrap();
    tab.sees("Your key").await.unwrap();
    assert!(!tab.text().await.unwrap().contains("Ana"));
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_listed_and_ended_and_an_open_page_says_so() {
    let mut system = System::start(Config::web().with_auth("keys")).await.unwrap();
    let (operator, _) = system.create_key("default", "operator").await.unwrap();
    let (admin, _) = system.create_key("default", "admin").await.unwrap();
    let (reader, _) = system.create_key("default", "reader").await.unwrap();
    let write = |text: &'static str| {
        let body =
            serde_json::json!({ "channel_id": "web-main", "contact": { "id": "ana", "name": "Ana" }, "text": text });
        system.client.post(format!("{}/api/v1/messages", system.write)).bearer_auth(&operator).json(&body)
    };
    write("hello").send().await.unwrap().error_for_status().unwrap();
    let browser = Browser::start().await.unwrap();
    let (here, there, third, of_admin) = (
        browser.tab(&system.read, true).await.unwrap(),
        browser.tab(&system.read, true).await.unwrap(),
        browser.tab(&system.read, true).await.unwrap(),
        browser.tab(&system.read, true).await.unwrap(),
    );
    here.looks(1440, false).await.unwrap();
    enters(&here, &operator, "/settings").await;
    enters(&there, &operator, "/inbox?tab=all").await;
    there.sees("Ana").await.unwrap();
    enters(&third, &operator, "/promises").await;
    enters(&of_admin, &admin, "/settings").await;

    // Each sees those of their own key, an admin those of all.
    let count = "document.querySelectorAll('#sessions tbody tr').length";
    here.open("/settings").await.unwrap();
    here.until(&format!("{count} === 3")).await.unwrap();
    assert_eq!(here.run("document.querySelectorAll('#sessions tr strong').length").await.unwrap(), 1);
    here.until("[...document.querySelectorAll('#sessions tbody tr')].every(row => row.cells[1].innerText && row.cells[2].innerText !== 'not known')").await.unwrap();
    of_admin.until(&format!("{count} === 4")).await.unwrap();
    for (tab, name) in [(&here, "sessions"), (&of_admin, "sessions-admin")] {
        for (width, dark) in [(1440, false), (1440, true), (390, false), (390, true)] {
            tab.looks(width, dark).await.unwrap();
            tab.run("document.getElementById('sessions').scrollIntoView()").await.unwrap();
            let scheme = if dark { "dark" } else { "light" };
            tab.picture(&pictures().join(format!("{name}-{width}-{scheme}.png"))).await.unwrap();
            let over = tab.run("document.documentElement.scrollWidth - innerWidth").await.unwrap();
            assert!(over.as_i64().unwrap() <= 0, "{name} at {width} px sticks out by {over} px");
        }
        tab.looks(1440, false).await.unwrap();
    }
    assert_eq!(sessions(&system, &operator).await.len(), 3);
    assert_eq!(sessions(&system, &reader).await, Vec::<Value>::new());
    let all = sessions(&system, &admin).await;
    assert_eq!(all.len(), 4);
    assert!(all.iter().all(|session| session["last_seen_at"].is_string() && session["current"] == false), "{all:?}");

    // The second of three is ended, whose page is at the inbox: the newest comes first.
    let of_operator: Vec<&Value> = all.iter().filter(|session| session["role"] == "operator").collect();
    let id = of_operator[1]["id"].as_str().unwrap();
    for (key, status) in [(&reader, 404), (&operator, 200)] {
        let end = system.client.delete(format!("{}/api/v1/sessions/{id}", system.write)).bearer_auth(key);
        assert_eq!(end.send().await.unwrap().status(), status);
    }
    is_shut_out(&there).await;
    // It leads back in, to where one was.
    there.open("/inbox?tab=all").await.unwrap();
    there.sees(SHUT_OUT).await.unwrap();
    there.write("#your_key", &operator).await.unwrap();
    there.press("button.filled").await.unwrap();
    there.until(&format!("location.pathname + location.search === '/inbox?tab=all' && {LIVE}")).await.unwrap();
    there.sees("Ana").await.unwrap();

    // All others at once, from the page.
    here.open("/settings").await.unwrap();
    here.until(LIVE).await.unwrap();
    here.press("#end-others button").await.unwrap();
    here.until(&format!("{count} === 1 && !document.getElementById('end-others')")).await.unwrap();
    is_shut_out(&there).await;
    third.sees(SHUT_OUT).await.unwrap();
    of_admin.open("/settings").await.unwrap();
    of_admin.until(&format!("{count} === 2")).await.unwrap();

    // They outlive the process; leaving ends one's own.
    system.stop().await.unwrap();
    system.start_again().await.unwrap();
    assert_eq!(sessions(&system, &admin).await.len(), 2);
    let tab = browser.tab(&system.read, true).await.unwrap();
    enters(&tab, &operator, "/settings").await;
    tab.press("main form[action='/ui/leave'] button").await.unwrap();
    tab.sees("Your key").await.unwrap();
    assert!(!tab.text().await.unwrap().contains("shut out"), "who leaves isn't shut out");
    let left = || async { Ok((sessions(&system, &operator).await.len() == 1).then_some(())) };
    with_key(&system, &admin).until(PATIENCE, left).await.unwrap();
    assert_eq!(browser.errors().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_revoked_while_its_page_is_open_shows_nothing_more_and_leads_to_entering_again() {
    let system = System::start(Config::web().with_auth("keys")).await.unwrap();
    let (operator, id) = system.create_key("default", "operator").await.unwrap();
    let (other, _) = system.create_key("default", "operator").await.unwrap();
    let body =
        serde_json::json!({ "channel_id": "web-main", "contact": { "id": "ana", "name": "Ana" }, "text": "hello" });
    let write = system.client.post(format!("{}/api/v1/messages", system.write)).bearer_auth(&other).json(&body);
    let said: Value = write.send().await.unwrap().error_for_status().unwrap().json().await.unwrap();
    let path = format!("/inbox/{}?tab=all", said["conversation_id"].as_str().unwrap());
    let browser = Browser::start().await.unwrap();
    let tab = browser.tab(&system.read, false).await.unwrap();
    enters(&tab, &operator, &path).await;
    tab.sees("hello").await.unwrap();
    // A second tab of the same browser, which reads no stream of its own.
    let beside = browser.tab(&system.read, false).await.unwrap();
    beside.open("/promises").await.unwrap();
    beside.until(LIVE).await.unwrap();
    tab.write("#write", "half a thought").await.unwrap();
    let revoked = system.steward(&["keys", "revoke", &id]).unwrap().output().await.unwrap();
    assert!(revoked.status.success());
    tab.sees(SHUT_OUT).await.unwrap();
    beside.sees(SHUT_OUT).await.unwrap();
    let more = serde_json::json!({ "channel_id": "web-main", "contact": { "id": "ana" }, "text": "secret words of the client" });
    let more = system.client.post(format!("{}/api/v1/messages", system.write)).bearer_auth(&other).json(&more);
    more.send().await.unwrap().error_for_status().unwrap();
    assert!(!tab.text().await.unwrap().contains("hello") && !tab.text().await.unwrap().contains("secret words"));
    for body in tab.received().await.unwrap() {
        assert!(!body.contains("secret words"), "{body}");
    }
    for (width, dark) in [(1440, false), (390, true)] {
        tab.looks(width, dark).await.unwrap();
        let scheme = if dark { "dark" } else { "light" };
        tab.picture(&pictures().join(format!("shut-out-{width}-{scheme}.png"))).await.unwrap();
    }
    tab.write("#your_key", &operator).await.unwrap();
    tab.press("button.filled").await.unwrap();
    tab.sees("This key isn't in force").await.unwrap();
    tab.write("#your_key", &other).await.unwrap();
    tab.press("button.filled").await.unwrap();
    tab.until(&format!("location.pathname + location.search === '{path}' && {LIVE}")).await.unwrap();
    tab.sees("secret words of the client").await.unwrap();
    tab.until("document.getElementById('write').value === 'half a thought'").await.unwrap();
    assert_eq!(browser.errors().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_browser_keeps_a_session_instead_of_the_key_and_only_as_many_as_may_be() {
    let other = "id = \"web-other\"\nkind = \"web\"\ntenant = \"other\"";
    let system = System::start(Config::web().with_auth("keys").with_channel(other)).await.unwrap();
    let (reader, key_id) = system.create_key("default", "reader").await.unwrap();
    let (stranger, _) = system.create_key("other", "admin").await.unwrap();
    let client = client_builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let enter = async || {
        let entered = client.post(format!("{}/ui/enter", system.read)).header("origin", &system.read);
        let entered = entered.form(&[("your_key", reader.as_str()), ("to", "/inbox")]).send().await.unwrap();
        assert_eq!(entered.status(), 303);
        let cookie = entered.headers()["set-cookie"].to_str().unwrap().to_owned();
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
        assert!(cookie.starts_with("steward_session=ss_default_") && !cookie.contains(&reader), "{cookie}");
        cookie.split(';').next().unwrap().to_owned()
    };
    let first = enter().await;
    let look = async |cookie: &str| {
        let read = system.client.get(format!("{}/api/v1/sessions", system.read)).header("cookie", cookie);
        read.send().await.unwrap()
    };
    let listed: Value = look(&first).await.json().await.unwrap();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    let own = &listed["items"][0];
    assert_eq!((&own["key_id"], &own["role"], &own["current"]), (&key_id.into(), &"reader".into(), &true.into()));
    // Only a cookie speaks for a session.
    let text = first.split_once('=').unwrap().1;
    let bearer = system.client.get(format!("{}/api/v1/sessions", system.read)).bearer_auth(text);
    assert_eq!(bearer.send().await.unwrap().status(), 401);
    // Another tenant's admin sees and ends nothing of it.
    assert_eq!(sessions(&system, &stranger).await, Vec::<Value>::new());
    let id = own["id"].as_str().unwrap();
    let end = system.client.delete(format!("{}/api/v1/sessions/{id}", system.write)).bearer_auth(&stranger);
    assert_eq!(end.send().await.unwrap().status(), 404);
    // One more than there may be ends the oldest.
    let mut latest = String::new();
    for _ in 0..20 {
        latest = enter().await;
    }
    assert_eq!(sessions(&system, &reader).await.len(), 20);
    let shut_out = || async { Ok((look(&first).await.status() == 401).then_some(())) };
    with_key(&system, &reader).until(PATIENCE, shut_out).await.unwrap();
    assert_eq!(look(&latest).await.status(), 200);
    // It begins no other, which would outlive it.
    let begin = system.client.post(format!("{}/api/v1/sessions", system.write)).header("cookie", &latest);
    let refused = system.answer(begin.header("origin", &system.write)).await.unwrap().problem(409).unwrap();
    assert_eq!(refused["code"], "of_a_session");
    // By itself it can end all others.
    let end = system.client.delete(format!("{}/api/v1/sessions", system.write)).header("cookie", &latest);
    let end = end.header("origin", &system.write).send().await.unwrap();
    assert_eq!(end.status(), 200);
    let listed: Value = look(&latest).await.json().await.unwrap();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    assert_eq!(listed["items"][0]["current"], true);
}

#[tokio::test]
async fn where_nobody_brings_a_key_there_are_no_sessions() {
    let system = System::start(Config::web()).await.unwrap();
    client_writes(&system, "ana", "Ana", "hello").await;
    assert_eq!(system.get("/api/v1/sessions").await.unwrap()["items"], serde_json::json!([]));
    for request in [
        system.client.post(format!("{}/api/v1/sessions", system.write)),
        system.client.delete(format!("{}/api/v1/sessions", system.write)),
    ] {
        let problem = system.answer(request).await.unwrap().problem(409).unwrap();
        assert_eq!(problem["code"], "no_key_needed");
    }
    let page = system.client.get(format!("{}/settings", system.read)).send().await.unwrap().text().await.unwrap();
    assert!(!page.contains("id=\"sessions\""));
}
