//! Events that services gave up on: shown to their tenant, and tried again.

use serde_json::{Value, json};
use steward_tests::{Browser, Config, System, browser::pictures};

use super::inbox::client_writes;

/// Writes a letter, as a service does that gives up on an event.
async fn bury(system: &System, consumer: &str, event: &Value) -> u64 {
    let position = event["position"].as_u64().unwrap();
    let letter = json!({ "consumer": consumer, "position": position, "subject": event["subject"], "event_id": event["id"],
        "type": event["type"], "error": "the alarm can't be set", "tries": 5, "at": chrono::Utc::now() });
    let log = async_nats::jetstream::new(system.nats().await.unwrap());
    log.publish(format!("dead.{consumer}.{position}"), letter.to_string().into()).await.unwrap().await.unwrap();
    position
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_service_gave_up_on_is_shown_and_tried_again() {
    let system = System::start(Config::web()).await.unwrap();
    let ana = client_writes(&system, "ana", "Ana", "ping me in 20 hours about the contract").await;
    let promised = || async { Ok(system.follow_ups(&ana).await?.into_iter().next()) };
    system.until(std::time::Duration::from_secs(120), promised).await.unwrap();
    let said = system.events_of_type("ClientResponded").await.unwrap().remove(0);
    let scheduled = system.events_of_type("FollowUpScheduled").await.unwrap().remove(0);
    let first = bury(&system, "scheduler", &said).await;
    let second = bury(&system, "scheduler", &scheduled).await;
    // Another tenant's, which nobody here sees.
    let mut theirs = said.clone();
    theirs["subject"] = json!("ev.other.conversation.c1.client_responded");
    theirs["position"] = json!(1_000_000);
    bury(&system, "scheduler", &theirs).await;

    let seen = system.get("/api/v1/system").await.unwrap();
    let positions: Vec<_> = seen["dead_letters"].as_array().unwrap().iter().map(|l| l["position"].clone()).collect();
    assert_eq!(positions, [first, second]);
    let retry = |path: &str| system.client.post(format!("{}/api/v1/dead-letters/{path}/retry", system.write));
    system.answer(retry("scheduler/1000000")).await.unwrap().problem(404).unwrap();
    system.answer(retry("scheduler/x")).await.unwrap().problem(404).unwrap();

    let browser = Browser::start().await.unwrap();
    let tab = browser.tab(&system.read, true).await.unwrap();
    tab.looks(1440, false).await.unwrap();
    tab.open("/system").await.unwrap();
    let rows = "document.querySelectorAll('#letters tbody tr').length";
    tab.until(&format!(
        "{rows} === 2 && document.getElementById('letters').innerText.includes('the alarm can\\'t be set')"
    ))
    .await
    .unwrap();
    for (width, dark) in [(1440, false), (1440, true), (390, false), (390, true)] {
        tab.looks(width, dark).await.unwrap();
        tab.run("document.getElementById('letters').scrollIntoView()").await.unwrap();
        let scheme = if dark { "dark" } else { "light" };
        tab.picture(&pictures().join(format!("letters-{width}-{scheme}.png"))).await.unwrap();
        let over = tab.run("document.documentElement.scrollWidth - innerWidth").await.unwrap();
        assert!(over.as_i64().unwrap() <= 0, "at {width} px it sticks out by {over} px");
    }
    tab.press("#letters tbody form button").await.unwrap();
    tab.until(&format!("{rows} === 1")).await.unwrap();
    bury(&system, "scheduler", &said).await;
    tab.until(&format!("{rows} === 2")).await.unwrap();
    tab.press("#letters form[action='/ui/dead-letters/all'] button").await.unwrap();
    tab.until("document.querySelector('#letters').innerText.includes('none')").await.unwrap();

    // The command that makes the read models anew, as it is typed here, works.
    let typed = tab.run("document.getElementById('rebuild').textContent").await.unwrap();
    let words: Vec<&str> = typed.as_str().unwrap().split(' ').collect();
    assert_eq!(words[..2], ["steward", "rebuild"]);
    assert!(words.contains(&system.data().to_str().unwrap()), "{words:?}");
    let mut rebuild = system.steward(&[]).unwrap();
    let typed = std::process::Command::new(rebuild.as_std_mut().get_program()).args(&words[1..]).output().unwrap();
    assert!(typed.status.success(), "{}", String::from_utf8_lossy(&typed.stderr));
    assert_eq!(browser.errors().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_reader_tries_nothing_again_and_learns_no_paths() {
    let system = System::start(Config::web().with_auth("keys")).await.unwrap();
    let (reader, _) = system.create_key("default", "reader").await.unwrap();
    let path = format!("{}/api/v1/dead-letters/scheduler/1/retry", system.write);
    let retry = system.client.post(path).bearer_auth(&reader);
    system.answer(retry).await.unwrap().problem(403).unwrap();
    let page =
        system.client.get(format!("{}/system", system.read)).header("cookie", format!("steward_session={reader}"));
    let page = page.send().await.unwrap().error_for_status().unwrap().text().await.unwrap();
    assert!(page.contains("<code id=\"rebuild\">steward rebuild</code>"));
    assert!(!page.contains("/ui/dead-letters"));
}
