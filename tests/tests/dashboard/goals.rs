//! Goals: found in a conversation, said to be right or not so, corrected, and where their words stand.

use chrono::Utc;
use serde_json::json;
use steward_domain::{
    contact::memory::{Kind, RememberedId},
    ids::{self, ContactId},
};
use steward_log::{Append, ConnectOptions, Expected, Log};
use steward_proto::{Cause, Event, NewEvent, TenantId, to_timestamp, v1};
use steward_tests::{Browser, Config, System, browser::pictures};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::inbox::client_writes;

const LIVE: &str = "document.getElementById('line').dataset.state === 'live'";

/// What a brain finds in a message of Ana's.
struct Finds {
    log: Log,
    tenant: TenantId,
    contact: ContactId,
    message: String,
}

impl Finds {
    async fn begin(system: &System, conversation: &str, stop: CancellationToken) -> Self {
        let said = system.get(&format!("/api/v1/conversations/{conversation}/messages")).await.unwrap();
        let first = said["items"].as_array().unwrap().last().unwrap().clone();
        let talk = system.get(&format!("/api/v1/conversations/{conversation}")).await.unwrap();
        let log = Log::connect(&system.admin_url().unwrap(), ConnectOptions::new("test"), stop).await.unwrap();
        Self {
            log,
            tenant: TenantId::new("default").unwrap(),
            contact: talk["contact"]["id"].as_str().unwrap().parse().unwrap(),
            message: first["id"].as_str().unwrap().to_owned(),
        }
    }

    fn id(&self, kind: Kind) -> String {
        RememberedId { contact: self.contact, kind, unique: Uuid::now_v7() }.to_string()
    }

    fn words(&self, quote: &str) -> Vec<v1::Evidence> {
        let said_at = Some(to_timestamp(Utc::now()));
        vec![v1::Evidence { message_id: self.message.clone(), quote: quote.to_owned(), said_at }]
    }

    async fn record(&self, event: impl Into<Event>) {
        let cause = Cause::outside("test", "");
        let events = vec![NewEvent::new(Uuid::now_v7(), Utc::now(), &cause, event.into())];
        let aggregate = ids::contact_aggregate(&self.tenant, self.contact);
        self.log.append(Append { aggregate, events, expected: Expected::Any, dedupe_key: None }).await.unwrap();
    }

    async fn goal(&self, title: &str, quote: &str) -> String {
        let goal_id = self.id(Kind::Goal);
        let (title, evidence, by) = (title.to_owned(), self.words(quote), "brain:model".to_owned());
        let found = v1::GoalSet { goal_id: goal_id.clone(), title, evidence, confidence: 60, by, ..Default::default() };
        self.record(found).await;
        goal_id
    }

    async fn milestone(&self, goal_id: &str, text: &str, quote: &str) -> String {
        let milestone_id = self.id(Kind::Milestone);
        let found = v1::MilestoneRecorded {
            milestone_id: milestone_id.clone(),
            goal_id: goal_id.to_owned(),
            text: text.to_owned(),
            happened_at: Some(to_timestamp("2026-11-20T10:00:00Z".parse().unwrap())),
            evidence: self.words(quote),
            confidence: 85,
            by: "brain:model".to_owned(),
            ..Default::default()
        };
        self.record(found).await;
        milestone_id
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_found_appears_and_is_confirmed_corrected_or_refused() {
    let system = System::start(Config::web()).await.unwrap();
    let browser = Browser::start().await.unwrap();
    let tab = browser.tab(&system.read, true).await.unwrap();
    tab.looks(1440, false).await.unwrap();
    tab.open("/goals").await.unwrap();
    tab.sees("No goals yet.").await.unwrap();
    tab.until(LIVE).await.unwrap();
    let ana = client_writes(&system, "ana", "Ana", "I want to learn Spanish. The first exam went well").await;
    let stop = CancellationToken::new();
    let _stop = stop.clone().drop_guard();
    let finds = Finds::begin(&system, &ana, stop).await;
    let goal = finds.goal("learn Spanish", "I want to learn Spanish").await;
    tab.until(&format!("document.getElementById('r{goal}')")).await.unwrap();
    let milestone = finds.milestone(&goal, "passed the first exam", "The first exam went well").await;
    // It stands below its goal, with its day, how sure it is, and the words; new, it is marked.
    let shown = format!("document.querySelector('#g{goal} .milestones #r{milestone}')");
    tab.until(&format!("{shown}?.innerText.includes('20 November')")).await.unwrap();
    tab.until(&format!("{shown}.closest('.changed') && {shown}.innerText.includes('quite sure')")).await.unwrap();
    tab.until(&format!("document.getElementById('r{goal}').innerText.includes('fairly sure')")).await.unwrap();
    tab.picture(&pictures().join("goals-found-1440-light.png")).await.unwrap();

    // By keyboard alone: right; then corrected; then not so, and that is taken back.
    tab.key("j").await.unwrap();
    tab.until(&format!("document.activeElement.closest('#r{goal}')")).await.unwrap();
    tab.key("y").await.unwrap();
    tab.until(&format!("document.getElementById('r{goal}').innerText.includes('certain')")).await.unwrap();
    tab.run(&format!("document.querySelector('#r{goal} a, #r{goal} button').focus()")).await.unwrap();
    tab.key("e").await.unwrap();
    tab.until(&format!("document.querySelector('#r{goal} details').open")).await.unwrap();
    tab.run(&format!(
        "(f => (f.progress.value = 40, f.day.value = '2027-06-01', f.requestSubmit()))(document.querySelector('#r{goal} details form'))"
    ))
    .await
    .unwrap();
    tab.until(&format!("document.querySelector('#r{goal} progress').value === 40")).await.unwrap();
    tab.until(&format!("document.getElementById('r{goal}').innerText.includes('due Tuesday 1 June 2027')"))
        .await
        .unwrap();
    tab.run(&format!("document.querySelector('#r{milestone} a').focus()")).await.unwrap();
    tab.key("n").await.unwrap();
    tab.until("!document.querySelector('.remembered.milestones')").await.unwrap();
    tab.press(".undo button").await.unwrap();
    tab.until("document.querySelector('.remembered.milestones')?.innerText.includes('The first exam went well')")
        .await
        .unwrap();

    // The words lead to the moment at which they were said.
    tab.press(&format!("#r{goal} a")).await.unwrap();
    tab.until("location.search.includes('at=') && document.querySelector('.bar.past')").await.unwrap();
    tab.until("document.getElementById('chat').innerText.includes('I want to learn Spanish')").await.unwrap();
    assert_eq!(tab.run("document.querySelectorAll('#contact .remembered').length").await.unwrap(), 0, "not yet then");
    // Beside the conversation it stands as it is now, to be corrected there.
    tab.open(&format!("/inbox/{ana}?tab=all")).await.unwrap();
    tab.until(&format!("document.querySelector('#contact #r{goal} progress')?.value === 40")).await.unwrap();
    tab.run("document.getElementById('remember').open = true").await.unwrap();
    tab.run("document.getElementById('remember-kind').value = 'facts'").await.unwrap();
    tab.write("#remember-text", "lives in Makassar").await.unwrap();
    tab.run("document.getElementById('remember-text').form.requestSubmit()").await.unwrap();
    tab.until("document.querySelector('#contact .remembered.facts')?.innerText.includes('lives in Makassar')")
        .await
        .unwrap();
    tab.run("(f => (f.language.value = 'es', f.followup_hour.value = '8', f.requestSubmit()))(document.querySelector('#contact form'))").await.unwrap();
    let changed = async || {
        let talk = system.get(&format!("/api/v1/conversations/{ana}")).await?;
        let contact = &talk["contact"];
        Ok((contact["language"] == "es" && contact["followup_hour"] == 8).then_some(()))
    };
    system.until(std::time::Duration::from_secs(120), changed).await.unwrap();

    // Set by hand, and reached.
    tab.open("/goals").await.unwrap();
    tab.until(LIVE).await.unwrap();
    tab.press("#make summary").await.unwrap();
    tab.write("#goal-text", "run ten kilometres").await.unwrap();
    tab.press("#make button.filled").await.unwrap();
    tab.until("document.querySelectorAll('.goal').length === 2").await.unwrap();
    let run = "[...document.querySelectorAll('.goal')].find(goal => goal.innerText.includes('ten kilometres'))";
    tab.run(&format!("{run}.querySelector('form[action$=\"/done\"]').requestSubmit()")).await.unwrap();
    tab.until(&format!("!{run}")).await.unwrap();
    let reached = system.get("/api/v1/goals?state=achieved").await.unwrap();
    assert_eq!(reached["items"][0]["title"], "run ten kilometres");
    // What a page is asked for and can't read is said on a page.
    for path in ["/goals?before=x", "/live?before=-1", "/inbox?tab=1&tab=2", "/outbox?tab=a&tab=b"] {
        let request = system.client.get(format!("{}{path}", system.read)).header("Accept", "text/html");
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 400, "{path}");
        let said = answer.text().await.unwrap();
        assert!(said.starts_with("<!doctype html>"), "{path}: {said}");
    }
    // From another page, by keys.
    tab.open("/inbox").await.unwrap();
    tab.until(LIVE).await.unwrap();
    tab.key("g").await.unwrap();
    tab.key("g").await.unwrap();
    tab.until("location.pathname === '/goals'").await.unwrap();
    for (width, dark, language) in [(1440, true, "ru"), (390, false, "es"), (390, true, "ru"), (1440, false, "es")] {
        tab.looks(width, dark).await.unwrap();
        tab.speaks(language).await.unwrap();
        tab.open("/goals").await.unwrap();
        let scheme = if dark { "dark" } else { "light" };
        tab.picture(&pictures().join(format!("goals-{width}-{scheme}-{language}.png"))).await.unwrap();
        let over = tab.run("document.documentElement.scrollWidth - innerWidth").await.unwrap();
        assert!(over.as_i64().unwrap() <= 0, "goals at {width} px in {language} stick out by {over} px");
    }
    assert_eq!(browser.errors().await, Vec::<String>::new());
    let refused = system.client.post(format!("{}/api/v1/goals", system.write));
    let refused = refused.json(&json!({ "contact_id": "nobody", "title": "x" })).send().await.unwrap();
    assert!(refused.status().is_client_error());
}
