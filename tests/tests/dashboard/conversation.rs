//! One conversation: taking over, writing, promising later, why, and the past.

use std::time::Duration;

use steward_tests::{Browser, Config, System};

use super::inbox::client_writes;

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_takes_over_promises_looks_why_and_back_into_the_past() {
    let system = System::start(Config::web()).await.unwrap();
    let id = client_writes(&system, "ana", "Ana", "ping me tomorrow at 9 about the contract").await;
    let promise =
        system.until(Duration::from_secs(20), || async { Ok(system.follow_ups(&id).await?.into_iter().next()) });
    promise.await.unwrap();
    let browser = Browser::start().await.unwrap();
    let tab = browser.tab(&system.read, true).await.unwrap();
    tab.open(&format!("/inbox/{id}?tab=all")).await.unwrap();
    for text in [
        "Ana",
        "in Makassar",
        "ping me tomorrow at 9 about the contract",
        "Promised: tomorrow, 9:00",
        "If Ana writes first: cancels",
    ] {
        tab.sees(text).await.unwrap();
    }
    tab.until("document.getElementById('line').dataset.state === 'live'").await.unwrap();

    // Taken over, written to, given back: by keyboard.
    tab.key("t").await.unwrap();
    tab.sees("The bot is silent until it is given back.").await.unwrap();
    tab.key("r").await.unwrap();
    tab.until("document.activeElement.id === 'write'").await.unwrap();
    tab.write("#write", "This is Kim, I have looked into it.").await.unwrap();
    tab.press("form[action$='/messages'] button.filled").await.unwrap();
    tab.until("[...document.querySelectorAll('.bubble.person')].some(b => b.innerText.includes('This is Kim') && !b.matches('.waiting'))").await.unwrap();
    tab.until("document.getElementById('write').value === ''").await.unwrap();
    // What is being typed stays while the page changes.
    tab.write("#write", "half a thought").await.unwrap();
    client_writes(&system, "ana", "Ana", "thank you").await;
    tab.sees("thank you").await.unwrap();
    assert_eq!(tab.run("document.getElementById('write').value").await.unwrap(), "half a thought");
    assert_eq!(tab.run("document.activeElement.id").await.unwrap(), "write");
    tab.key("Escape").await.unwrap();
    tab.press("#bars button").await.unwrap();
    tab.sees("gave the conversation back to the bot").await.unwrap();

    // A promise of our own, with what the words mean beside them.
    tab.press("summary[data-key='s']").await.unwrap();
    tab.write("#later-text", "Have you signed it?").await.unwrap();
    for (words, shown) in
        [("tomorrow or Friday", "Which one?"), ("hm", "Name a day or an hour."), ("послезавтра в 10", "10:00")]
    {
        tab.run("document.getElementById('later-when').value = ''").await.unwrap();
        tab.write("#later-when", words).await.unwrap();
        tab.until(&format!("document.querySelector('.later [data-preview]').innerText.includes('{shown}')"))
            .await
            .unwrap();
    }
    tab.press(".later button:not([type])").await.unwrap();
    tab.until(
        "[...document.querySelectorAll('#promises .promise')].some(p => p.innerText.includes('Have you signed it?'))",
    )
    .await
    .unwrap();

    // Moved, cancelled, promised again.
    let ours =
        "[...document.querySelectorAll('#promises .promise')].find(p => p.textContent.includes('Have you signed it?'))";
    tab.run(&format!("{ours}.querySelector('[data-key=m]').click(), {ours}.querySelector('[name=phrase]').value = 'in 3 days at 18:00', {ours}.querySelector('[name=phrase]').form.requestSubmit()")).await.unwrap();
    tab.until(&format!("{ours}.textContent.includes('18:00')")).await.unwrap();
    tab.run(&format!("{ours}.querySelector('[data-key=x]').click()")).await.unwrap();
    tab.until(&format!("{ours}.closest('#ended')")).await.unwrap();
    tab.press(".undo button").await.unwrap();
    tab.until("[...document.querySelectorAll('#promises > .promise')].some(p => p.textContent.includes('Have you signed it?'))").await.unwrap();

    // Why the first one won't come: Ana wrote first.
    tab.until("document.querySelector('#ended')").await.unwrap();
    let path = tab.run("[...document.querySelectorAll('#ended .promise')].find(p => p.innerHTML.includes('contract')).querySelector('[data-key=w]').getAttribute('href')").await.unwrap();
    tab.open(path.as_str().unwrap()).await.unwrap();
    tab.until("document.querySelector('#why .said').innerText.includes('Cancelled')").await.unwrap();
    let chain = tab.run("document.querySelector('#why ol').innerText").await.unwrap();
    let chain = chain.as_str().unwrap();
    for step in ["Ana: “ping me", "Promised: tomorrow, 9:00", "“tomorrow at 9” = ", "Cancelled: Ana wrote first"]
    {
        assert!(chain.contains(step), "{step}: {chain}");
    }
    assert!(!chain.contains("elsewhere"));

    // To the first event, and back to now.
    tab.press("[data-key='[']").await.unwrap();
    tab.sees("You are looking at").await.unwrap();
    tab.until("document.getElementById('line').dataset.state === 'live'").await.unwrap();
    tab.run("const s = document.getElementById('slide'); s.value = 0; s.dispatchEvent(new Event('input', { bubbles: true }))").await.unwrap();
    tab.until("!document.getElementById('chat').innerText.includes('Kim') && document.getElementById('chat').innerText.includes('tomorrow at 9')").await.unwrap();
    tab.until("document.querySelector('#promises').innerText.includes('No promises')").await.unwrap();
    assert_eq!(tab.run("document.querySelectorAll('#promises form').length").await.unwrap(), 0);
    tab.key("Escape").await.unwrap();
    tab.until("!location.search.includes('at=')").await.unwrap();
    tab.sees("This is Kim").await.unwrap();
    assert_eq!(browser.errors().await, Vec::<String>::new());
}
