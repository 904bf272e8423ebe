//! Why: of what was sent, of what a person's presence kept back in the last seconds, and of what may have arrived.

use std::time::Duration;

use serde_json::json;
use steward_tests::{Browser, Config, System, Tab, Telegram, telegram::Fault, updates};

use super::inbox::client_writes;

const LIVE: &str = "document.getElementById('line').dataset.state === 'live'";
const PATIENCE: Duration = Duration::from_secs(120);

/// Opens what is asked about, and returns what the answer and its chain say; the row and the answer agree, and no cause is without
/// a name.
async fn why(tab: &Tab<'_>, conversation: &str, about: &str, state: &str) -> String {
    tab.open(&format!("/inbox/{conversation}?tab=all&why={about}")).await.unwrap();
    tab.until(&format!("document.querySelector('#why .said')?.dataset.state === '{state}'")).await.unwrap();
    let word = tab.run("document.querySelector('#why .said strong').textContent").await.unwrap();
    let rows = "[...document.querySelectorAll('#promises .promise, #chat .below, #chat .unsent')].map(r => r.textContent).join(' ')";
    let rows = tab.run(rows).await.unwrap();
    assert!(rows.as_str().unwrap().contains(word.as_str().unwrap()), "{word} isn't on the row: {rows}");
    let chain = tab.run("document.getElementById('why').innerText").await.unwrap().as_str().unwrap().to_owned();
    assert!(!chain.contains("elsewhere") && !chain.contains("undefined"), "{chain}");
    assert_eq!(tab.run("document.querySelectorAll('#why li.deciding').length").await.unwrap(), 1, "{chain}");
    chain
}

#[tokio::test(flavor = "multi_thread")]
async fn a_takeover_keeps_back_what_is_due_in_two_seconds_and_why_says_so() {
    let system = System::start(Config::web()).await.unwrap();
    let id = client_writes(&system, "ana", "Ana", "ping me in 9 seconds about the contract").await;
    let browser = Browser::start().await.unwrap();
    let tab = browser.tab(&system.read, true).await.unwrap();
    tab.looks(1440, false).await.unwrap();
    tab.open(&format!("/inbox/{id}?tab=all")).await.unwrap();
    tab.until(LIVE).await.unwrap();
    // The countdown is at its last two seconds.
    tab.until(
        "(d => d && new Date(d.dataset.due) - Date.now() < 2000)(document.querySelector('#promises [data-due]'))",
    )
    .await
    .unwrap();
    tab.key("t").await.unwrap();
    tab.until("document.querySelector('#bars .bar')?.innerText.includes('The bot is silent until')").await.unwrap();
    let ended = || async {
        let promise = system.follow_ups(&id).await?.into_iter().next();
        Ok(promise.filter(|f| f["state"] != "pending"))
    };
    let ended = system.until(PATIENCE, ended).await.unwrap();
    assert_eq!((&ended["state"], &ended["reason"]["code"]), (&json!("cancelled"), &json!("human_active")));
    let chain = why(&tab, &id, &format!("f:{}", ended["id"].as_str().unwrap()), "cancelled").await;
    for step in ["Ana: “ping me in 9 seconds", "Promised:", "local took over", "Cancelled: one of us was answering"] {
        assert!(chain.contains(step), "{step}: {chain}");
    }
    let sent = system.items("/api/v1/messages?direction=out").await.unwrap();
    assert!(sent.iter().all(|m| m["follow_up_id"].is_null()), "nothing of it went out");
    assert_eq!(browser.errors().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn why_of_what_was_sent_and_of_what_may_have_arrived_is_whole() {
    let telegram = Telegram::start().await.unwrap();
    let system = System::start(Config::telegram(&telegram)).await.unwrap();
    // In by a webhook, and on the page without being read anew.
    let browser = Browser::start().await.unwrap();
    let tab = browser.tab(&system.read, true).await.unwrap();
    tab.looks(1440, false).await.unwrap();
    tab.open("/inbox?tab=all").await.unwrap();
    tab.until(LIVE).await.unwrap();
    system.telegram(&updates::text(7, "напиши через 3 секунды про договор")).await.unwrap();
    tab.until("document.querySelectorAll('#rows .row').length === 1").await.unwrap();
    let id = system.conversation(7).await.unwrap();
    let sent = || async { Ok(system.follow_ups(&id).await?.into_iter().find(|f| f["state"] == "sent")) };
    let sent = system.until(PATIENCE, sent).await.unwrap();
    let chain = why(&tab, &id, &format!("f:{}", sent["id"].as_str().unwrap()), "sent").await;
    for step in ["напиши через 3 секунды", "Promised:", "Checked before sending", "Sending", "Sent"] {
        assert!(chain.contains(step), "{step}: {chain}");
    }
    // Nobody knows what became of this one.
    telegram.fail_next(Fault::DropAfter);
    let body = json!({ "conversation_id": id, "text": "news", "on_reply": "keep" });
    let message = system.post("/api/v1/outbox", &body).await.unwrap()["id"].as_str().unwrap().to_owned();
    let unknown = || async {
        let one = system.get(&format!("/api/v1/outbox/{message}")).await?;
        Ok((one["state"] == "unknown").then_some(()))
    };
    system.until(PATIENCE, unknown).await.unwrap();
    let chain = why(&tab, &id, &format!("m:{message}"), "unknown").await;
    assert!(chain.contains("the channel didn't answer in time"), "{chain}");
    tab.open("/outbox").await.unwrap();
    let row = format!("document.getElementById('o{message}')");
    tab.until(&format!("{row}?.innerText.includes('May have arrived') && {row}.innerText.includes(\"didn't answer\")"))
        .await
        .unwrap();
    tab.press(&format!("#o{message} form[action$='/settle'] button")).await.unwrap();
    tab.until(&format!("!{row}")).await.unwrap();
    assert_eq!(browser.errors().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn why_of_words_that_a_persons_presence_kept_back_is_whole_and_agrees_with_their_row() {
    let system = System::start(Config::web()).await.unwrap();
    let id = client_writes(&system, "ana", "Ana", "hello").await;
    system.post(&format!("/api/v1/conversations/{id}/takeover"), &json!({ "by": "Kim" })).await.unwrap();
    client_writes(&system, "ana", "Ana", "ping me in 20 hours about the contract").await;
    let kept_back = || async { Ok(system.events_of_type("DraftSuppressed").await?.into_iter().next()) };
    let draft = system.until(PATIENCE, kept_back).await.unwrap();
    let browser = Browser::start().await.unwrap();
    let tab = browser.tab(&system.read, true).await.unwrap();
    tab.looks(1440, false).await.unwrap();
    tab.open(&format!("/inbox/{id}?tab=all")).await.unwrap();
    tab.until(LIVE).await.unwrap();
    let row = format!("document.getElementById('be{}')", draft["position"]);
    tab.until(&format!("{row}?.innerText.includes('Not sent: one of us was answering')")).await.unwrap();
    // From its row, as a person goes there.
    tab.press(&format!("#be{} [data-key='w']", draft["position"])).await.unwrap();
    tab.until("document.querySelector('#why .said')?.innerText === 'Not sent: one of us was answering'").await.unwrap();
    let chain = tab.run("document.getElementById('why').innerText").await.unwrap().as_str().unwrap().to_owned();
    let text = draft["data"]["text"].as_str().unwrap();
    let steps =
        ["Kim took over", "Ana: “ping me in 20 hours about the contract”", &format!("Not sent: “{}", &text[..20])];
    let mut after = 0;
    for step in steps {
        let here = chain[after..].find(step);
        after += here.unwrap_or_else(|| panic!("{step} isn't in its place: {chain}"));
    }
    assert_eq!(tab.run("document.querySelectorAll('#why li.deciding').length").await.unwrap(), 1, "{chain}");
    assert!(
        tab.run("document.querySelector('#why li.deciding').innerText")
            .await
            .unwrap()
            .as_str()
            .unwrap()
            .starts_with("Not sent")
    );
    assert!(!chain.contains("elsewhere") && !chain.contains("undefined"), "{chain}");
    for (width, dark) in [(1440, false), (390, true)] {
        tab.looks(width, dark).await.unwrap();
        tab.run("document.getElementById('why').scrollIntoView()").await.unwrap();
        let scheme = if dark { "dark" } else { "light" };
        tab.picture(&steward_tests::browser::pictures().join(format!("draft-{width}-{scheme}.png"))).await.unwrap();
    }
    assert_eq!(browser.errors().await, Vec::<String>::new());
}
