//! Entering with a key: wrong, a reader's, an operator's.

use steward_tests::{Browser, Config, System};

#[tokio::test(flavor = "multi_thread")]
async fn a_key_lets_in_as_far_as_its_role_goes_and_no_script_sees_it() {
    let system = System::start(Config::web().with_auth("keys")).await.unwrap();
    let (operator, _) = system.create_key("default", "operator").await.unwrap();
    let (reader, _) = system.create_key("default", "reader").await.unwrap();
    let browser = Browser::start().await.unwrap();
    let tab = browser.tab(&system.read, true).await.unwrap();
    tab.open("/inbox").await.unwrap();
    tab.sees("Your key").await.unwrap();
    tab.write("#your_key", "sk_default_0").await.unwrap();
    tab.press("button.filled").await.unwrap();
    tab.sees("This key isn't in force").await.unwrap();
    assert!(!tab.text().await.unwrap().contains("Needs you"));

    tab.write("#your_key", &reader).await.unwrap();
    tab.press("button.filled").await.unwrap();
    tab.sees("Needs you").await.unwrap();
    assert!(!tab.run("document.cookie").await.unwrap().as_str().unwrap().contains("sk_"));
    tab.open("/try").await.unwrap();
    tab.sees("Your key can only read.").await.unwrap();
    assert_eq!(tab.run("document.querySelectorAll('main form').length").await.unwrap(), 0);
    let refused = "fetch('/ui/try', { method: 'POST', body: new URLSearchParams({ text: 'hi' }), headers: { 'Steward-Script': '1' } }).then(a => a.status)";
    assert_eq!(tab.run(refused).await.unwrap(), 403);
    tab.until("document.getElementById('line').dataset.state === 'live'").await.unwrap();

    tab.press("form[action='/ui/leave'] button").await.unwrap();
    tab.sees("Your key").await.unwrap();
    tab.write("#your_key", &operator).await.unwrap();
    tab.press("button.filled").await.unwrap();
    tab.sees("Needs you").await.unwrap();
    tab.open("/try").await.unwrap();
    tab.press(".offers button").await.unwrap();
    tab.sees("ping me in 20 seconds").await.unwrap();
    assert_eq!(browser.errors().await, Vec::<String>::new());

    // From a page of somebody else's the cookie commands nothing.
    let foreign = system
        .client
        .post(format!("{}/ui/try", system.read))
        .header("cookie", format!("steward_session={operator}"))
        .header("origin", "https://evil.example")
        .form(&[("text", "hi")]);
    assert_eq!(foreign.send().await.unwrap().status(), 403);
}
