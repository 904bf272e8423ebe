//! Everything by keyboard: going from page to page, jumping by typing, the list of keys, and switching single keys off.

use steward_tests::{Browser, Config, System, browser::pictures};

use super::inbox::client_writes;

#[tokio::test(flavor = "multi_thread")]
async fn one_jumps_to_a_client_a_page_or_a_command_by_typing() {
    let system = System::start(Config::web()).await.unwrap();
    let ana = client_writes(&system, "ana", "Ana Ruiz", "hello").await;
    client_writes(&system, "boris", "Boris", "hello").await;
    let browser = Browser::start().await.unwrap();
    let tab = browser.tab(&system.read, true).await.unwrap();
    tab.looks(1440, false).await.unwrap();
    tab.open("/promises").await.unwrap();
    tab.key("Control+k").await.unwrap();
    tab.until("document.activeElement.id === 'jump'").await.unwrap();
    tab.until("document.getElementById('jumps').innerText.includes('Boris')").await.unwrap();
    tab.picture(&pictures().join("palette-1440-light.png")).await.unwrap();
    tab.write("#jump", "ruiz").await.unwrap();
    tab.until("document.querySelectorAll('#jumps li').length === 1 && document.getElementById('jumps').innerText.includes('Ana Ruiz')").await.unwrap();
    tab.key("Enter").await.unwrap();
    tab.until(&format!("location.pathname === '/inbox/{ana}'")).await.unwrap();
    tab.until("document.getElementById('line').dataset.state === 'live'").await.unwrap();
    // A command of this page, from within a field.
    tab.run("document.getElementById('write').focus()").await.unwrap();
    tab.key("Meta+k").await.unwrap();
    tab.write("#jump", "you answ").await.unwrap();
    tab.until("document.querySelector('#jumps [aria-selected=true]')?.innerText.includes('You answer')").await.unwrap();
    tab.key("Enter").await.unwrap();
    tab.sees("local took over").await.unwrap();
    // A page; and nothing.
    tab.key("Escape").await.unwrap();
    tab.key("Control+k").await.unwrap();
    tab.write("#jump", "zzzz").await.unwrap();
    tab.sees("Nothing is called that.").await.unwrap();
    tab.run("document.getElementById('jump').value = ''").await.unwrap();
    tab.write("#jump", "outbox").await.unwrap();
    tab.until("document.querySelector('#jumps [aria-selected=true]')?.innerText.includes('Outbox')").await.unwrap();
    tab.key("Enter").await.unwrap();
    tab.until("location.pathname === '/outbox'").await.unwrap();
    assert_eq!(browser.errors().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_reached_by_keys_and_they_can_be_switched_off() {
    let system = System::start(Config::web()).await.unwrap();
    let ana = client_writes(&system, "ana", "Ana", "ping me tomorrow at 9").await;
    let browser = Browser::start().await.unwrap();
    let tab = browser.tab(&system.read, true).await.unwrap();
    tab.looks(1440, false).await.unwrap();
    let places = [
        ("p", "/promises"),
        ("o", "/outbox"),
        ("g", "/goals"),
        ("x", "/live"),
        ("s", "/system"),
        ("y", "/settings"),
        ("t", "/try"),
        ("i", "/inbox"),
    ];
    tab.open("/inbox").await.unwrap();
    for (key, path) in places {
        tab.until("document.getElementById('line').dataset.state === 'live'").await.unwrap();
        // On each page: the list of keys, and search.
        tab.key("?").await.unwrap();
        tab.until("document.getElementById('keys').open").await.unwrap();
        tab.run("document.getElementById('keys').close()").await.unwrap();
        tab.key("/").await.unwrap();
        tab.until("['q', 'jump', 'search', 'of-client'].includes(document.activeElement.id)").await.unwrap();
        tab.run("document.getElementById('palette').close(), document.activeElement.blur()").await.unwrap();
        tab.key("g").await.unwrap();
        tab.key(key).await.unwrap();
        tab.until(&format!("location.pathname === '{path}'")).await.unwrap();
    }
    // Down the list and into it, why, and back.
    tab.open("/inbox?tab=all").await.unwrap();
    tab.until("document.getElementById('line').dataset.state === 'live'").await.unwrap();
    tab.key("j").await.unwrap();
    tab.until("document.activeElement.matches('.cover')").await.unwrap();
    tab.run("document.activeElement.click()").await.unwrap();
    tab.until(&format!("location.pathname === '/inbox/{ana}'")).await.unwrap();
    tab.until(
        "document.getElementById('line').dataset.state === 'live' && document.querySelector('#chat [data-key=w]')",
    )
    .await
    .unwrap();
    tab.key("w").await.unwrap();
    tab.until("location.search.includes('why=m')").await.unwrap();
    tab.until("document.querySelector('#why .said')").await.unwrap();
    tab.key("?").await.unwrap();
    tab.picture(&pictures().join("keys-1440-light.png")).await.unwrap();
    tab.looks(390, true).await.unwrap();
    tab.picture(&pictures().join("keys-390-dark.png")).await.unwrap();
    // Switched off they do nothing; what needs a second key still works.
    tab.open("/settings").await.unwrap();
    tab.run("document.getElementById('single').value = 'off', document.getElementById('density').value = 'compact', document.getElementById('my-zone').value = 'Asia/Tokyo', document.getElementById('single').form.requestSubmit()").await.unwrap();
    tab.until("document.body.dataset.keys === 'off' && document.documentElement.dataset.density === 'compact'")
        .await
        .unwrap();
    tab.until("document.getElementById('line').dataset.state === 'live'").await.unwrap();
    assert_eq!(tab.run("document.getElementById('my-zone').value").await.unwrap(), "Asia/Tokyo");
    tab.key("?").await.unwrap();
    tab.key("Control+k").await.unwrap();
    tab.until("document.getElementById('palette').open && !document.getElementById('keys').open").await.unwrap();
    assert_eq!(browser.errors().await, Vec::<String>::new());
}
