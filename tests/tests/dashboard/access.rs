//! Whoever uses the pages with other means than eyes and a mouse: axe-core finds nothing serious on any of them.

use std::{path::PathBuf, process::Command};

use serde_json::json;
use steward_tests::{Browser, Config, System};

use super::inbox::client_writes;

/// The text of axe-core, which npm fetches; `None` where there is no npm.
fn axe() -> Option<String> {
    if Command::new("npm").arg("--version").output().is_err() {
        println!("skipped: there is no npm, which fetches axe-core");
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let packed =
        Command::new("npm").args(["pack", "--silent", "axe-core"]).current_dir(folder.path()).output().unwrap();
    assert!(packed.status.success(), "npm pack axe-core: {}", String::from_utf8_lossy(&packed.stderr));
    let name = String::from_utf8(packed.stdout).unwrap();
    let archive: PathBuf = folder.path().join(name.lines().last().unwrap().trim());
    let unpacked = Command::new("tar").args(["xzf"]).arg(&archive).current_dir(folder.path()).status().unwrap();
    assert!(unpacked.success());
    Some(std::fs::read_to_string(folder.path().join("package/axe.min.js")).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_serious_stands_in_anybodys_way() {
    let Some(axe) = axe() else { return };
    let system = System::start(Config::web()).await.unwrap();
    let ana = client_writes(&system, "ana", "Ana", "ping me tomorrow at 9 about the contract").await;
    client_writes(&system, "boris", "Boris", "let me talk to a human").await;
    let look = || async { Ok(system.follow_ups(&ana).await?.into_iter().next()) };
    let promise = system.until(std::time::Duration::from_secs(120), look).await.unwrap();
    let due_at = (chrono::Utc::now() + chrono::TimeDelta::days(2)).to_rfc3339();
    let queued = json!({ "conversation_id": ana, "text": "Held for now.", "due_at": due_at, "on_reply": "keep" });
    let queued = system.post("/api/v1/outbox", &queued).await.unwrap();
    system.post(&format!("/api/v1/outbox/{}/hold", queued["id"].as_str().unwrap()), &json!({})).await.unwrap();
    let events = system.get("/api/v1/events?limit=1&type=FollowUpScheduled").await.unwrap();
    let (why, event) = (promise["id"].as_str().unwrap(), &events["items"][0]["position"]);
    let open = "document.querySelectorAll('main details').forEach(d => (d.open = true))";
    let pages = [
        ("/inbox?tab=all".to_owned(), ""),
        (format!("/inbox/{ana}?tab=all&why=f:{why}"), open),
        (format!("/inbox/{ana}?tab=all&at={event}"), ""),
        ("/promises".to_owned(), open),
        ("/promises?view=week".to_owned(), "document.getElementById('move').showModal()"),
        ("/promises?view=month".to_owned(), ""),
        ("/outbox".to_owned(), "document.querySelector('[data-pick]').click()"),
        ("/goals".to_owned(), open),
        (format!("/live?event={event}"), open),
        ("/system".to_owned(), "document.getElementById('keys').showModal()"),
        ("/settings".to_owned(), open),
        ("/try".to_owned(), "document.querySelector('[data-jump]').click()"),
    ];
    let browser = Browser::start().await.unwrap();
    let tab = browser.tab(&system.read, true).await.unwrap();
    let mut found = Vec::new();
    for (width, dark) in [(1440, false), (390, true)] {
        tab.looks(width, dark).await.unwrap();
        for (path, opened) in &pages {
            tab.open(path).await.unwrap();
            tab.until("document.getElementById('line').dataset.state === 'live'").await.unwrap();
            if !opened.is_empty() {
                tab.run(&format!("void ({opened})")).await.unwrap();
            }
            tab.run(&format!("void (() => {{ {axe} }})()")).await.unwrap();
            let run = "axe.run(document, { resultTypes: ['violations'] }).then(r => r.violations.filter(v => ['serious', 'critical'].includes(v.impact)).map(v => `${v.id}: ${v.nodes.slice(0, 3).map(n => n.html.slice(0, 160)).join(' | ')}`))";
            let violations = tab.run(run).await.unwrap();
            let violations = violations.as_array().unwrap().iter();
            found.extend(violations.map(|v| format!("{path} at {width}: {}", v.as_str().unwrap())));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
