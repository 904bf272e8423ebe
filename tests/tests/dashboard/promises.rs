//! Promises over all conversations: made, moved on a calendar, and each in whose time.

use std::time::Duration;

use chrono::{Datelike as _, Days, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::json;
use steward_tests::{Browser, Config, System, Tab, browser::pictures, config::city_by_day};

use super::inbox::client_writes;

const LIVE: &str = "document.getElementById('line').dataset.state === 'live'";

/// Drags what one selector finds onto what another does.
async fn drag(tab: &Tab<'_>, what: &str, to: &str) {
    tab.run(&format!(
        "(() => {{ const from = document.querySelector({what}), to = document.querySelector({to}), dataTransfer = new DataTransfer(); \
         const say = (on, kind) => on.dispatchEvent(new DragEvent(kind, {{ bubbles: true, cancelable: true, dataTransfer }})); \
         say(from, 'dragstart'); say(to, 'dragover'); say(to, 'drop'); say(from, 'dragend'); }})()",
        what = json!(what),
        to = json!(to)
    ))
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promise_is_made_for_anybody_and_moved_on_the_calendar() {
    let system = System::start(Config::web()).await.unwrap();
    let ana = client_writes(&system, "ana", "Ana", "hello").await;
    client_writes(&system, "boris", "Boris", "hello").await;
    let browser = Browser::start().await.unwrap();
    let tab = browser.tab(&system.read, true).await.unwrap();
    tab.looks(1440, false).await.unwrap();
    tab.open("/promises").await.unwrap();
    tab.until(LIVE).await.unwrap();
    tab.sees("Nothing is promised.").await.unwrap();
    // Made: who, what, when, with what the words mean.
    tab.key("n").await.unwrap();
    tab.write("#whom", "ana").await.unwrap();
    tab.until("document.querySelectorAll('#choices input').length === 1").await.unwrap();
    tab.write("#make-text", "Have you signed it?").await.unwrap();
    tab.write("#make-when", "in 3 days at 9:15").await.unwrap();
    let (city, zone) = city_by_day();
    let previews = |form: &str, time: &str| {
        format!("document.querySelector('#{form} [data-preview]').innerText.includes('{time} in {city}')")
    };
    tab.until(&previews("make", "9:15")).await.unwrap();
    tab.press("#make button.filled").await.unwrap();
    tab.until("document.querySelector('#groups .promise')?.innerText.includes('Have you signed it?')").await.unwrap();
    let promise = system.follow_ups(&ana).await.unwrap()[0].clone();
    let zone: Tz = zone.parse().unwrap();
    let due = |f: &serde_json::Value| f["due_at"].as_str().unwrap().parse::<chrono::DateTime<Utc>>().unwrap();
    let local = due(&promise).with_timezone(&zone);
    // In each client's own time.
    tab.press("a[href*='zone=client']").await.unwrap();
    tab.until(&format!("document.querySelector('#groups .promise')?.innerText.includes('9:15 in {city}')"))
        .await
        .unwrap();
    tab.picture(&pictures().join("promises-theirs-1440-light.png")).await.unwrap();

    // On the week: to another hour, with its minutes; taken back.
    let week = |day: NaiveDate| format!("/promises?view=week&day={day}&zone=client");
    tab.open(&week(local.date_naive())).await.unwrap();
    tab.until(LIVE).await.unwrap();
    let entry = format!("#n{}", promise["id"].as_str().unwrap());
    let slot = |hour: u32| format!(".slot[data-day='{}'][data-hour='{hour}']", local.date_naive());
    let stands = |slot: &str| format!("document.querySelector(\"{slot} {entry}\")");
    tab.until(&stands(&slot(9))).await.unwrap();
    drag(&tab, &entry, &slot(18)).await;
    tab.until(&stands(&slot(18))).await.unwrap();
    tab.until(&format!("document.querySelector('{entry}').innerText.includes('18:15')")).await.unwrap();
    tab.picture(&pictures().join("week-hours-1440-light.png")).await.unwrap();
    tab.press(".undo button").await.unwrap();
    tab.until(&stands(&slot(9))).await.unwrap();
    // By words: an hour keeps the day.
    tab.run(&format!("document.querySelector('{entry}').focus()")).await.unwrap();
    tab.key("m").await.unwrap();
    tab.until("document.activeElement.id === 'move-when'").await.unwrap();
    tab.write("#move-when", "at 11:30").await.unwrap();
    tab.until(&previews("move", "11:30")).await.unwrap();
    tab.key("Control+Enter").await.unwrap();
    tab.until(&stands(&slot(11))).await.unwrap();
    tab.until("!document.getElementById('move').open").await.unwrap();
    let moved = || async {
        Ok(system
            .follow_ups(&ana)
            .await?
            .into_iter()
            .find(|f| due(f).with_timezone(&zone).format("%H:%M").to_string() == "11:30"))
    };
    let moved = system.until(Duration::from_secs(120), moved).await.unwrap();
    assert_eq!(due(&moved).with_timezone(&zone).date_naive(), local.date_naive(), "the day stays");

    // On the month: a day keeps the hour.
    tab.key("3").await.unwrap();
    tab.until("document.querySelector('.month')").await.unwrap();
    let day = local.date_naive();
    let day = if day.day() > 15 { day - Days::new(1) } else { day + Days::new(1) };
    tab.open(&format!("/promises?view=month&day={}&zone=client", local.date_naive())).await.unwrap();
    tab.until(LIVE).await.unwrap();
    drag(&tab, &entry, &format!("section[data-day='{day}']")).await;
    tab.until(&format!("document.querySelector(\"section[data-day='{day}'] {entry}\")")).await.unwrap();
    let again = || async {
        Ok(system.follow_ups(&ana).await?.into_iter().find(|f| due(f).with_timezone(&zone).date_naive() == day))
    };
    let again = system.until(Duration::from_secs(120), again).await.unwrap();
    assert_eq!(due(&again).with_timezone(&zone).format("%H:%M").to_string(), "11:30", "the hour stays");
    // Four on one day: three, and one that unfolds.
    for n in 0..3 {
        let at = (due(&again) + TimeDelta::minutes(n + 1)).to_rfc3339();
        let more = json!({ "conversation_id": ana, "text": format!("number {n}"), "due_at": at });
        system.post("/api/v1/follow-ups", &more).await.unwrap();
    }
    let unfolds = format!("document.querySelector(\"section[data-day='{day}'] summary\")?.innerText === '+1'");
    tab.until(&unfolds).await.unwrap();
    tab.picture(&pictures().join("month-1440-light.png")).await.unwrap();
    // What was cancelled is shown if it is asked for.
    tab.open(&week(day)).await.unwrap();
    let cancelled = again["id"].as_str().unwrap();
    let cancel = system.client.delete(format!("{}/api/v1/follow-ups/{cancelled}", system.write));
    cancel.header("content-type", "application/json").body("{}").send().await.unwrap().error_for_status().unwrap();
    tab.until(&format!("!document.querySelector('{entry}')")).await.unwrap();
    tab.open(&format!("{}&cancelled=1", week(day))).await.unwrap();
    tab.until(&format!("document.querySelector('{entry}[data-state=cancelled]')")).await.unwrap();
    for (width, dark, view) in [(390, true, "month"), (390, false, "week"), (1440, true, "week"), (900, false, "month")]
    {
        tab.looks(width, dark).await.unwrap();
        tab.open(&format!("/promises?view={view}&day={day}&zone=client")).await.unwrap();
        tab.until(LIVE).await.unwrap();
        let scheme = if dark { "dark" } else { "light" };
        tab.picture(&pictures().join(format!("calendar-{view}-{width}-{scheme}.png"))).await.unwrap();
        let over = tab.run("document.documentElement.scrollWidth - innerWidth").await.unwrap();
        assert!(over.as_i64().unwrap() <= 0, "{view} at {width} px sticks out by {over} px");
    }
    assert_eq!(browser.errors().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn promises_and_the_inbox_are_narrowed_and_the_address_says_how() {
    let system = System::start(Config::web().with("[[channels]]\nid = \"web-vip\"\nkind = \"web\"")).await.unwrap();
    let ana = client_writes(&system, "ana", "Ana", "ping me tomorrow at 9 about the contract").await;
    let contact = json!({ "id": "petr", "name": "Petr", "timezone": "Europe/Moscow", "language": "ru" });
    let said = json!({ "channel_id": "web-vip", "contact": contact, "text": "hello" });
    let petr = system.post("/api/v1/messages", &said).await.unwrap()["conversation_id"].as_str().unwrap().to_owned();
    let due_at = (Utc::now() + TimeDelta::days(3)).to_rfc3339();
    let ours = json!({ "conversation_id": petr, "text": "From one of us.", "due_at": due_at });
    system.post("/api/v1/follow-ups", &ours).await.unwrap();
    let look = || async { Ok(system.follow_ups(&ana).await?.into_iter().next()) };
    let hers = system.until(Duration::from_secs(120), look).await.unwrap();
    let browser = Browser::start().await.unwrap();
    let tab = browser.tab(&system.read, true).await.unwrap();
    tab.looks(1440, false).await.unwrap();
    tab.open("/promises").await.unwrap();
    tab.until(LIVE).await.unwrap();
    let shown = async |names: &[&str]| {
        let shown = "[...document.querySelectorAll('#groups .item > span a')].map(a => a.innerText).sort().join()";
        tab.until(&format!("{shown} === '{}'", names.join(","))).await.unwrap();
    };
    let choose = async |field: &str, value: &str| {
        tab.until(LIVE).await.unwrap();
        tab.run(&format!("(f => (f.value = '{value}', f.dispatchEvent(new Event('change', {{ bubbles: true }}))))(document.getElementById('{field}'))")).await.unwrap();
        tab.until(&format!("location.search.includes('={value}') || '{value}' === '' && document.getElementById('{field}').value === ''")).await.unwrap();
    };
    shown(&["Ana", "Petr"]).await;
    choose("of-maker", "client").await;
    shown(&["Ana"]).await;
    choose("of-maker", "person").await;
    shown(&["Petr"]).await;
    choose("of-channel", "web-main").await;
    shown(&[]).await;
    tab.sees("No promise is like that.").await.unwrap();
    choose("of-maker", "client").await;
    shown(&["Ana"]).await;
    // The same on the calendar, and back.
    tab.key("3").await.unwrap();
    tab.until("location.search.includes('view=month') && location.search.includes('channel=web-main')").await.unwrap();
    tab.until(LIVE).await.unwrap();
    tab.key("1").await.unwrap();
    tab.until("document.getElementById('groups') && location.search.includes('made_by=client')").await.unwrap();
    tab.open("/promises?q=pet").await.unwrap();
    shown(&["Petr"]).await;
    // What is over is found by its state.
    let cancel = system.client.delete(format!("{}/api/v1/follow-ups/{}", system.write, hers["id"].as_str().unwrap()));
    cancel.header("content-type", "application/json").body("{}").send().await.unwrap().error_for_status().unwrap();
    tab.open("/promises?state=cancelled").await.unwrap();
    tab.until("document.querySelector('#groups .item')?.innerText.includes('Cancelled')").await.unwrap();
    shown(&["Ana"]).await;
    // The inbox, by channel.
    tab.open("/inbox?tab=all").await.unwrap();
    tab.until("document.querySelectorAll('#rows .row').length === 2").await.unwrap();
    choose("of-channel", "web-vip").await;
    tab.until("document.querySelectorAll('#rows .row').length === 1 && document.getElementById('rows').innerText.includes('Petr')").await.unwrap();
    tab.press("#tabs a:nth-child(3)").await.unwrap();
    tab.until("location.search.includes('tab=human') && location.search.includes('channel=web-vip')").await.unwrap();
    assert_eq!(browser.errors().await, Vec::<String>::new());
}
