//! The first minute, as a newcomer has it.

use std::time::Duration;

use steward_tests::{Browser, Config, System};

#[tokio::test(flavor = "multi_thread")]
async fn a_promise_is_made_kept_and_taken_back_before_ones_eyes() {
    let system = System::start(Config::web()).await.unwrap();
    let browser = Browser::start().await.unwrap();
    let tab = browser.tab(&system.read, true).await.unwrap();
    tab.open("/").await.unwrap();
    tab.sees("The first minute").await.unwrap();
    tab.write("#say", "ping me in 6 seconds").await.unwrap();
    tab.press("section.phone button.filled").await.unwrap();
    tab.until("document.querySelector('[data-due]')").await.unwrap();
    tab.until("document.querySelectorAll('#steps .done').length === 1").await.unwrap();
    // It arrives by itself.
    tab.until("document.querySelectorAll('#steps .done').length === 2").await.unwrap();
    tab.until("document.querySelector('#known .chip[data-state=sent]')").await.unwrap();
    tab.write("#say", "ping me in 40 seconds").await.unwrap();
    tab.press("section.phone button.filled").await.unwrap();
    tab.until("document.querySelector('[data-due]')").await.unwrap();
    tab.write("#say", "never mind, it is fine").await.unwrap();
    tab.press("section.phone button.filled").await.unwrap();
    tab.until("document.querySelectorAll('#steps .done').length === 3").await.unwrap();
    tab.sees("That is all of it.").await.unwrap();
    assert!(tab.text().await.unwrap().contains("Cancelled"));
    assert_eq!(browser.errors().await, Vec::<String>::new());
}

#[tokio::test]
async fn without_script_the_same_forms_work() {
    let system = System::start(Config::web()).await.unwrap();
    let to = format!("{}/ui/try", system.read);
    let form = [("text", "ping me in 2 hours"), ("key", "one"), ("back", "/try"), ("zone", "Asia/Makassar")];
    let answer = system.client.post(&to).header("origin", &system.read).form(&form).send().await.unwrap();
    // The client follows to the page, which knows the guest by the cookie alone.
    assert!(answer.status().is_success(), "{}", answer.status());
    let look =
        || async { Ok(Some(system.items("/api/v1/messages?direction=in").await?).filter(|said| !said.is_empty())) };
    let said = system.until(Duration::from_secs(120), look).await.unwrap();
    assert_eq!(said.len(), 1);
    assert_eq!(said[0]["text"], "ping me in 2 hours");
    let foreign = system.client.post(&to).header("origin", "https://evil.example").form(&form).send().await.unwrap();
    assert_eq!(foreign.status(), 403);
}
