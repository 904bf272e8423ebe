//! One conversation: taking over, writing, promising later, why, and the past.

use std::time::Duration;

use steward_tests::{Browser, Config, System, config::city_by_day};

use super::inbox::client_writes;

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_takes_over_promises_looks_why_and_back_into_the_past() {
    let system = System::start(Config::web()).await.unwrap();
    let id = client_writes(&system, "ana", "Ana", "ping me tomorrow at 9 about the contract").await;
    let promise =
        system.until(Duration::from_secs(120), || async { Ok(system.follow_ups(&id).await?.into_iter().next()) });
    promise.await.unwrap();
    let browser = Browser::start().await.unwrap();
    let tab = browser.tab(&system.read, true).await.unwrap();
    tab.open(&format!("/inbox/{id}?tab=all")).await.unwrap();
    for text in [
        "Ana",
        &format!("in {}", city_by_day().0),
        "ping me tomorrow at 9 about the contract",
        "Promised: tomorrow, 9:00",
        "If Ana writes first: cancels",
    ] {
        tab.sees(text).await.unwrap();
    }
    tab.until("document.getElementById('line').dataset.state === 'live'").await.unwrap();

    // Taken over, written to, given back: by keyboard.
    tab.key("t").await.unwrap();
    tab.sees("30 min after the last message of ours.").await.unwrap();
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
        [("Monday or Friday", "Which one?"), ("hm", "Name a day or an hour."), ("послезавтра в 10", "10:00")]
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

#[tokio::test(flavor = "multi_thread")]
async fn earlier_messages_come_as_one_goes_up_and_later_ones_are_announced() {
    let system = System::start(Config::web()).await.unwrap();
    let id = client_writes(&system, "ana", "Ana", "let me talk to a human").await;
    system.post(&format!("/api/v1/conversations/{id}/takeover"), &serde_json::json!({ "by": "Kim" })).await.unwrap();
    for n in 1..125 {
        client_writes(&system, "ana", "Ana", &format!("message {n}.")).await;
    }
    let browser = Browser::start().await.unwrap();
    let tab = browser.tab(&system.read, true).await.unwrap();
    tab.looks(1440, false).await.unwrap();
    tab.open(&format!("/inbox/{id}?tab=all")).await.unwrap();
    tab.sees("message 124.").await.unwrap();
    tab.until("document.getElementById('line').dataset.state === 'live'").await.unwrap();
    assert_eq!(tab.run("document.querySelectorAll('#chat .bubble:not(.unsent)').length").await.unwrap(), 60);
    // Going up brings earlier ones, and what is being read stays where it is.
    let up =
        "(scrollTo(0, 150), (b => [b.id, b.getBoundingClientRect().top])(document.querySelector('#chat .bubble')))";
    let before = tab.run(up).await.unwrap();
    tab.until("document.querySelectorAll('#chat .bubble:not(.unsent)').length === 120").await.unwrap();
    let now = format!("document.getElementById({}).getBoundingClientRect().top", before[0]);
    tab.until(&format!("Math.abs({now} - {}) < 3", before[1])).await.unwrap();
    assert_eq!(tab.run("location.search.includes('from=')").await.unwrap(), true);
    tab.press("#older a").await.unwrap();
    tab.sees("let me talk to a human").await.unwrap();
    tab.until("!document.getElementById('older')").await.unwrap();
    // What is written meanwhile is announced, and moves nothing.
    tab.run("scrollTo(0, 300)").await.unwrap();
    let at = tab.run("scrollY").await.unwrap();
    client_writes(&system, "ana", "Ana", "the first of two").await;
    tab.until("document.getElementById('newer').textContent === '1 new message ↓'").await.unwrap();
    client_writes(&system, "ana", "Ana", "the second of two").await;
    tab.until("document.getElementById('newer').textContent === '2 new messages ↓'").await.unwrap();
    assert_eq!(tab.run("scrollY").await.unwrap(), at);
    tab.picture(&steward_tests::browser::pictures().join("newer-1440-light.png")).await.unwrap();
    tab.press("#newer").await.unwrap();
    tab.until("document.getElementById('newer').hidden").await.unwrap();
    client_writes(&system, "ana", "Ana", "and a third").await;
    tab.until("[...document.querySelectorAll('#chat .bubble')].at(-1).getBoundingClientRect().bottom < innerHeight && document.getElementById('chat').innerText.includes('and a third')").await.unwrap();
    assert_eq!(browser.errors().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_slider_goes_to_any_moment_and_time_and_nothing_can_be_done_there() {
    let system = System::start(Config::web()).await.unwrap();
    let id = client_writes(&system, "ana", "Ana", "ping me tomorrow at 9 about the contract").await;
    system
        .until(Duration::from_secs(120), || async { Ok(system.follow_ups(&id).await?.into_iter().next()) })
        .await
        .unwrap();
    client_writes(&system, "ana", "Ana", "thank you").await;
    let events =
        system.get(&format!("/api/v1/conversations/{id}/timeline?limit=100&type=ClientResponded")).await.unwrap();
    let (time, position) = (events["items"][1]["at"].clone(), events["items"][1]["position"].clone());
    // Both name the same moment, to the API too.
    for path in [
        format!("conversations/{id}"),
        format!("conversations/{id}/messages"),
        "follow-ups".to_owned(),
        "outbox".to_owned(),
    ] {
        let at = |at: &str| format!("/api/v1/{path}?at={at}&conversation_id={id}").replace("+", "%2B");
        let at = |moment: &str| {
            if path.starts_with("conv") { at(moment).split('&').next().unwrap().to_owned() } else { at(moment) }
        };
        let by_time = system.get(&at(time.as_str().unwrap())).await.unwrap();
        assert_eq!(by_time, system.get(&at(&position.to_string())).await.unwrap(), "{path}");
    }
    let bad =
        system.client.get(format!("{}/api/v1/conversations/{id}?at=yesterday", system.read)).send().await.unwrap();
    assert_eq!(bad.status(), 400);

    let browser = Browser::start().await.unwrap();
    let tab = browser.tab(&system.read, true).await.unwrap();
    tab.looks(1440, false).await.unwrap();
    tab.open(&format!("/inbox/{id}?tab=all&at={}", time.as_str().unwrap().replace('+', "%2B"))).await.unwrap();
    tab.sees("You are looking at").await.unwrap();
    tab.sees("new since").await.unwrap();
    tab.until("document.getElementById('line').dataset.state === 'live'").await.unwrap();
    assert!(
        !tab.run("document.getElementById('chat').innerText").await.unwrap().as_str().unwrap().contains("thank you")
    );
    assert_eq!(
        tab.run("document.querySelectorAll('.subject form button:not([disabled]), .side form, #rows form').length")
            .await
            .unwrap(),
        0
    );
    assert_eq!(tab.run("document.getElementById('write')").await.unwrap(), serde_json::Value::Null);
    assert!(
        tab.run("document.querySelector('.ticks path[data-state=queued]').getAttribute('d')")
            .await
            .unwrap()
            .as_str()
            .unwrap()
            .contains("v18")
    );
    // What comes meanwhile is counted.
    let since = "parseInt(document.getElementById('since').textContent)";
    let before = tab.run(since).await.unwrap().as_u64().unwrap();
    client_writes(&system, "ana", "Ana", "one more").await;
    tab.until(&format!("{since} > {before}")).await.unwrap();
    // By keys: the first event, one forward, one message forward, one back, to now.
    let at = "Number(new URL(location.href).searchParams.get('at'))";
    let all = "document.getElementById('slider').dataset.events.split(' ').map(e => [parseInt(e), e.endsWith('m')])";
    tab.key("Home").await.unwrap();
    tab.until(&format!("{at} === {all}[0][0]")).await.unwrap();
    tab.key("ArrowRight").await.unwrap();
    tab.until(&format!("{at} === {all}[1][0]")).await.unwrap();
    tab.key("Shift+ArrowRight").await.unwrap();
    tab.until(&format!("{at} === {all}.slice(2).find(e => e[1])[0]")).await.unwrap();
    let there = tab.run(at).await.unwrap();
    // The page is there when its links lead from there.
    let back = "Number(document.querySelector(\"a[data-key='[']\").dataset.moment)";
    tab.until(&format!("{back} === {all}.filter(e => e[0] < {there}).pop()[0]")).await.unwrap();
    tab.key("[").await.unwrap();
    tab.until(&format!("{at} < {there}")).await.unwrap();
    tab.until(&format!("document.querySelector(\"a[data-key=']']\").dataset.moment === '{there}'")).await.unwrap();
    tab.key("]").await.unwrap();
    tab.until(&format!("{at} === {there}")).await.unwrap();
    tab.key("PageUp").await.unwrap();
    tab.until(&format!("{at} === {all}[0][0]")).await.unwrap();
    tab.picture(&steward_tests::browser::pictures().join("past-1440-light.png")).await.unwrap();
    tab.looks(390, true).await.unwrap();
    tab.picture(&steward_tests::browser::pictures().join("past-390-dark.png")).await.unwrap();
    tab.key("End").await.unwrap();
    tab.until("!location.search.includes('at=') && document.getElementById('write')").await.unwrap();
    tab.sees("one more").await.unwrap();
    assert_eq!(browser.errors().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn taking_over_says_what_it_does_and_giving_back_what_it_has_cost() {
    let system = System::start(Config::web()).await.unwrap();
    let id = client_writes(&system, "ana", "Ana", "ping me tomorrow at 9 about the contract").await;
    let promised = async |n: usize| {
        let look = || async { Ok((system.follow_ups(&id).await?.len() >= n).then_some(())) };
        system.until(Duration::from_secs(120), look).await.unwrap();
    };
    promised(1).await;
    let browser = Browser::start().await.unwrap();
    let tab = browser.tab(&system.read, true).await.unwrap();
    tab.looks(1440, false).await.unwrap();
    tab.open(&format!("/inbox/{id}?tab=all")).await.unwrap();
    tab.until("document.getElementById('line').dataset.state === 'live'").await.unwrap();
    // Said before it is done, to whoever stands on the switch.
    tab.run("document.querySelector('.switch .human').focus()").await.unwrap();
    tab.until("getComputedStyle(document.getElementById('taking')).visibility === 'visible'").await.unwrap();
    tab.sees("The promise for tomorrow, 9:00 will not go out if you are still here then.").await.unwrap();
    tab.picture(&steward_tests::browser::pictures().join("taking-1440-light.png")).await.unwrap();
    tab.press(".switch .human").await.unwrap();
    tab.sees("30 min after the last message of ours.").await.unwrap();
    // Her message takes the promise back while one of us is there.
    client_writes(&system, "ana", "Ana", "I have it already").await;
    tab.sees("Cancelled: Ana wrote first").await.unwrap();
    tab.press("#bars button").await.unwrap();
    tab.sees("Meanwhile: 1 promise cancelled").await.unwrap();
    tab.until("document.querySelector('.meanwhile').open").await.unwrap();
    tab.picture(&steward_tests::browser::pictures().join("given-back-1440-light.png")).await.unwrap();
    tab.press(".meanwhile form[action$='/renew'] button").await.unwrap();
    tab.until("document.querySelector('.meanwhile').innerText.includes('Promised again')").await.unwrap();
    tab.until("document.querySelector('#promises > .promise')").await.unwrap();
    assert_eq!(browser.errors().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promise_is_made_moved_cancelled_and_taken_back_in_spanish() {
    let system = System::start(Config::web()).await.unwrap();
    let id = client_writes(&system, "ana", "Ana", "hola").await;
    let browser = Browser::start().await.unwrap();
    let tab = browser.tab(&system.read, true).await.unwrap();
    tab.keeps_offers().await.unwrap();
    tab.looks(1440, false).await.unwrap();
    tab.speaks("es").await.unwrap();
    tab.open(&format!("/inbox/{id}?tab=all")).await.unwrap();
    tab.until("document.getElementById('line').dataset.state === 'live'").await.unwrap();
    tab.press("summary[data-key='s']").await.unwrap();
    tab.write("#later-text", "¿Lo ha firmado?").await.unwrap();
    let preview = "document.querySelector('.later [data-preview]')";
    let (city, zone) = city_by_day();
    for (words, shown) in [
        ("el lunes o el viernes", "¿Cuál?"),
        ("hm", "día o una hora"),
        ("dentro de dos días a las seis de la tarde", &format!("18:00 en {city}")),
        ("dentro de tres días a las 9", &format!("9:00 en {city}")),
    ] {
        tab.run("document.getElementById('later-when').value = ''").await.unwrap();
        tab.write("#later-when", words).await.unwrap();
        tab.until(&format!("{preview}.innerText.includes('{shown}')")).await.unwrap();
    }
    for (width, dark) in [(1440, false), (390, true)] {
        tab.looks(width, dark).await.unwrap();
        tab.run("document.querySelector('.later').scrollIntoView({ block: 'center' })").await.unwrap();
        let scheme = if dark { "dark" } else { "light" };
        tab.picture(&steward_tests::browser::pictures().join(format!("later-es-{width}-{scheme}.png"))).await.unwrap();
    }
    tab.looks(1440, false).await.unwrap();
    tab.press(".later button:not([type])").await.unwrap();
    let promise = "document.querySelector('#promises > .promise')";
    tab.until(&format!("{promise}?.innerText.includes('¿Lo ha firmado?') && {promise}.innerText.includes('9:00')"))
        .await
        .unwrap();
    let due = async || {
        let promises = system.follow_ups(&id).await.unwrap();
        let due = promises.iter().find(|f| f["state"] == "pending").unwrap()["due_at"].as_str().unwrap().to_owned();
        let zone: chrono_tz::Tz = zone.parse().unwrap();
        due.parse::<chrono::DateTime<chrono::Utc>>().unwrap().with_timezone(&zone)
    };
    let day = due().await.date_naive();
    // A move keeps what isn't said.
    tab.run(&format!("{promise}.querySelector('[data-key=m]').click(), {promise}.querySelector('[name=phrase]').value = 'a las seis de la tarde', {promise}.querySelector('[name=phrase]').form.requestSubmit()")).await.unwrap();
    tab.until(&format!("{promise}.innerText.includes('18:00')")).await.unwrap();
    assert_eq!(due().await.date_naive(), day);
    tab.until("document.querySelector('.undo button')?.innerText === 'Deshacer'").await.unwrap();
    tab.press(".undo button").await.unwrap();
    tab.until(&format!("{promise}.innerText.includes('9:00') && !{promise}.innerText.includes('18:00')"))
        .await
        .unwrap();
    tab.run(&format!("{promise}.querySelector('[data-key=x]').click()")).await.unwrap();
    tab.until(&format!("!{promise}")).await.unwrap();
    tab.press(".undo button").await.unwrap();
    tab.until(&format!("{promise}?.innerText.includes('¿Lo ha firmado?')")).await.unwrap();
    assert_eq!(due().await.date_naive(), day);
    assert_eq!(browser.errors().await, Vec::<String>::new());
}
