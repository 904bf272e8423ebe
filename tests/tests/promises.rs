//! A client asks on Telegram to be written to; the promise is confirmed, recorded, and kept or not, for a reason that can be read.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};
use steward_tests::{
    Config, System, Telegram,
    lateness::{Lateness, amount, time_of},
    updates::{self, Person},
};

const SOON: Duration = Duration::from_secs(120);

/// How the same is asked for in the three languages, and what the confirmation says.
const ASKED: [(&str, &str, &str); 3] = [
    ("ru", "напиши через {s} секунд про договор {n}", "напишу вам сегодня в "),
    ("es", "escríbeme dentro de {s} segundos sobre el contrato {n}", "escribiré hoy a la"),
    ("en", "write to me in {s} seconds about the contract {n}", "write to you today at "),
];

async fn the_only_follow_up(system: &System, chat: i64) -> Value {
    let conversation = system.conversation(chat).await.unwrap();
    let found =
        system.until(SOON, || async { Ok(Some(system.follow_ups(&conversation).await?).filter(|f| !f.is_empty())) });
    let found = found.await.unwrap();
    assert_eq!(found.len(), 1, "one request makes one promise: {found:?}");
    found[0].clone()
}

/// The full show: `STEWARD_PROMISES=201`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_promise_is_confirmed_and_kept_once_and_on_time_in_three_languages() {
    let telegram = Telegram::start().await.unwrap();
    let system = System::start(Config::telegram(&telegram)).await.unwrap();
    let all: Vec<(usize, i64)> = (0..amount("STEWARD_PROMISES", 9)).map(|n| (n, 1000 + n as i64)).collect();
    // Clients write one after the other. Telegram tells the time in whole seconds, so what they ask for is due together.
    let mut pace = tokio::time::interval(Duration::from_millis(125));
    for (n, chat) in &all {
        pace.tick().await;
        let (language, text, _) = ASKED[n % 3];
        let text = text.replace("{s}", &(5 + n % 5).to_string()).replace("{n}", &n.to_string());
        let mut update = updates::message(&Person::new(*chat, language), &text);
        let written = Utc::now();
        update["message"]["date"] = json!(written.timestamp());
        system.telegram(&update).await.unwrap();
    }
    let mut lateness = Lateness::default();
    for (n, chat) in &all {
        let (_, _, words) = ASKED[n % 3];
        let confirmed = telegram.until_delivered_to(chat, 1, SOON).await.unwrap();
        assert!(confirmed[0].text.contains(words), "{}", confirmed[0].text);
        let follow_up = the_only_follow_up(&system, *chat).await;
        let due = time_of(&follow_up["due_at"]);
        let sent = telegram.until_delivered_to(chat, 2, SOON).await.unwrap();
        assert!(sent[1].text.contains(&n.to_string()), "{} is not about {n}", sent[1].text);
        lateness.add(due, sent[1].at);
        let kept = system.until_state(follow_up["id"].as_str().unwrap(), "sent", SOON).await.unwrap();
        assert!(kept["message_id"].is_string() && kept["sent_at"].is_string(), "{kept}");
        assert_eq!(kept["cancel_on"], "client_response");
        assert!(kept["text"].is_string() && kept["scheduled_reason"].is_string(), "{kept}");
    }
    for (_, chat) in &all {
        assert_eq!(telegram.delivered_to(chat).len(), 2, "a confirmation and one follow-up");
    }
    println!("kept in ru, es and en: {lateness}");
    assert_eq!(lateness.early(), 0, "nothing is sent before its time");
    assert!(lateness.percentile(0.99) < TimeDelta::seconds(2), "{lateness}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_timeline_says_why_step_by_step() {
    let telegram = Telegram::start().await.unwrap();
    let system = System::start(Config::telegram(&telegram)).await.unwrap();
    system.telegram(&updates::text(7, "напиши через 5 секунд про договор")).await.unwrap();
    telegram.until_delivered_to(7, 2, SOON).await.unwrap();
    let follow_up = the_only_follow_up(&system, 7).await;
    system.until_state(follow_up["id"].as_str().unwrap(), "sent", SOON).await.unwrap();
    let conversation = system.conversation(7).await.unwrap();
    let timeline = system.items(&format!("/api/v1/conversations/{conversation}/timeline")).await.unwrap();
    let entry = |kind: &str| timeline.iter().find(|e| e["type"] == kind).unwrap_or_else(|| panic!("no {kind}"));
    for kind in ["ClientResponded", "FollowUpScheduled", "FollowUpDue", "DispatchStarted", "DispatchSucceeded"] {
        assert!(entry(kind)["summary"].as_str().unwrap().len() > 5, "{}", entry(kind));
    }
    // From the send back to the client's words, cause by cause.
    let mut at = entry("DispatchSucceeded").clone();
    let mut chain = vec![at["type"].as_str().unwrap().to_owned()];
    while at["type"] != "ClientResponded" {
        let because = at["because"].as_array().unwrap().clone();
        let earlier = timeline
            .iter()
            .find(|e| because.contains(&e["event_id"]) && e["position"].as_u64() < at["position"].as_u64());
        at = earlier.unwrap_or_else(|| panic!("{at} has no cause in the timeline, after {chain:?}")).clone();
        chain.push(at["type"].as_str().unwrap().to_owned());
    }
    println!("why it was sent: {}", chain.join(" ← "));
    assert!(chain.contains(&"FollowUpScheduled".to_owned()), "{chain:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_clients_own_message_cancels_the_promise_and_nothing_is_sent() {
    let telegram = Telegram::start().await.unwrap();
    let system = System::start(Config::telegram(&telegram)).await.unwrap();
    system.telegram(&updates::text(7, "напиши через 6 секунд про договор")).await.unwrap();
    telegram.until_delivered_to(7, 1, SOON).await.unwrap();
    let follow_up = the_only_follow_up(&system, 7).await;
    system.telegram(&updates::text(7, "у меня сломался принтер, приезжайте")).await.unwrap();
    let id = follow_up["id"].as_str().unwrap();
    let cancelled = system.until_state(id, "cancelled", SOON).await.unwrap();
    assert_eq!(cancelled["reason"]["code"], "client_responded");
    let cause = cancelled["reason"]["event_id"].as_str().unwrap();
    let conversation = system.conversation(7).await.unwrap();
    let events = system.events(&conversation).await.unwrap();
    let written = events.iter().find(|e| e["id"] == cause).expect("the reason names the event that made it so");
    assert_eq!(
        (&written["type"], &written["data"]["text"]),
        (&json!("ClientResponded"), &json!("у меня сломался принтер, приезжайте"))
    );
    // Another promise that is due later comes, so the first one's time has passed.
    let witness = system.conversation(7).await.unwrap();
    let later = time_of(&follow_up["due_at"]) + TimeDelta::seconds(1);
    system.schedule(&witness, "the witness", later, &json!({ "cancel_on": "never" })).await.unwrap();
    telegram.until(SOON, |all| all.iter().find(|d| d.text == "the witness").map(drop)).await.unwrap();
    let texts: Vec<_> = telegram.delivered_to(7).into_iter().map(|d| d.text).collect();
    assert_eq!(texts.len(), 3, "the confirmation, the answer that says so, the witness: {texts:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_acknowledgement_renews_the_promise_and_it_is_kept_once() {
    let telegram = Telegram::start().await.unwrap();
    let system = System::start(Config::telegram(&telegram)).await.unwrap();
    for (chat, ask, thanks) in [
        (7, "напиши через 7 секунд про договор", "ок, спасибо"),
        (8, "escríbeme dentro de 7 segundos sobre el contrato", "vale, gracias"),
        (9, "write to me in 7 seconds about the contract", "ok, thanks"),
    ] {
        system.telegram(&updates::text(chat, ask)).await.unwrap();
        telegram.until_delivered_to(chat, 1, SOON).await.unwrap();
        let first = the_only_follow_up(&system, chat).await;
        let id = first["id"].as_str().unwrap().to_owned();
        system.telegram(&updates::text(chat, thanks)).await.unwrap();
        let conversation = system.conversation(chat).await.unwrap();
        let renewed = system
            .until(SOON, || async {
                let all = system.follow_ups(&conversation).await?;
                Ok(all.into_iter().find(|f| f["renews"] == id.as_str()))
            })
            .await
            .unwrap();
        assert_eq!(renewed["due_at"], first["due_at"], "at its own time");
        let old = system.follow_up(&id).await.unwrap();
        assert_eq!((&old["state"], &old["renewed_by"]), (&json!("cancelled"), &renewed["id"]));
        system.until_state(renewed["id"].as_str().unwrap(), "sent", SOON).await.unwrap();
        let about = ["договор", "contrato", "contract"];
        let text = renewed["text"].as_str().unwrap();
        assert!(about.iter().any(|word| text.contains(word)), "{text}");
        let sent = telegram.delivered_to(chat);
        let kept: Vec<_> = sent.iter().filter(|d| d.text == text).collect();
        assert_eq!(kept.len(), 1);
        assert!(kept[0].at >= time_of(&first["due_at"]));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reminder_survives_what_the_client_writes_meanwhile() {
    let telegram = Telegram::start().await.unwrap();
    let system = System::start(Config::telegram(&telegram)).await.unwrap();
    system.telegram(&updates::text(7, "напомни через 5 секунд позвонить маме")).await.unwrap();
    telegram.until_delivered_to(7, 1, SOON).await.unwrap();
    let reminder = the_only_follow_up(&system, 7).await;
    assert_eq!(reminder["cancel_on"], "never");
    system.telegram(&updates::text(7, "а какая у вас цена?")).await.unwrap();
    let text = reminder["text"].as_str().unwrap();
    assert!(text.contains("позвонить маме"), "{text}");
    let sent = telegram.until(SOON, |all| all.iter().find(|d| d.text == text).cloned()).await.unwrap();
    assert!(sent.at >= time_of(&reminder["due_at"]));
    system.until_state(reminder["id"].as_str().unwrap(), "sent", SOON).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_the_web_channel_a_newcomer_sees_a_promise_kept_and_another_taken_back_by_their_own_word() {
    let system = System::start(Config::web()).await.unwrap();
    let page = system.client.get(&system.read).send().await.unwrap();
    assert!(page.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
    let mut live = system.live("?types=new_message", None).await.unwrap();
    live.joined().await.unwrap();
    let say = async |text: &str| {
        let ann = json!({ "id": "ann", "language": "en" });
        let message = json!({ "channel_id": "web-main", "contact": ann, "text": text });
        system.post("/api/v1/messages", &message).await.unwrap()
    };
    let made = say("ping me in 6 seconds").await;
    let conversation = made["conversation_id"].as_str().unwrap().to_owned();
    let mut texts = Vec::new();
    while texts.len() < 3 {
        let event = live.until(SOON, |e| e.data["conversation_id"] == conversation.as_str()).await.unwrap();
        let message = &event.data["message"];
        texts.push((message["direction"].as_str().unwrap().to_owned(), message["text"].as_str().unwrap().to_owned()));
    }
    println!("{texts:?}");
    assert_eq!(texts[0], ("in".to_owned(), "ping me in 6 seconds".to_owned()));
    assert!(texts[1].0 == "out" && texts[2].0 == "out");
    let follow_ups = system.follow_ups(&conversation).await.unwrap();
    assert_eq!(follow_ups.len(), 1);
    system.until_state(follow_ups[0]["id"].as_str().unwrap(), "sent", SOON).await.unwrap();

    say("ping me in 30 seconds").await;
    let second = || async {
        let all = system.follow_ups(&conversation).await?;
        Ok(all.iter().find(|f| f["state"] == "pending").map(|f| f["id"].as_str().unwrap().to_owned()))
    };
    let second = system.until(SOON, second).await.unwrap();
    say("how do I reach your office?").await;
    let cancelled = system.until_state(&second, "cancelled", SOON).await.unwrap();
    assert_eq!(cancelled["reason"]["code"], "client_responded");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_due_action_is_carried_out_or_fails_for_a_reason_and_its_turn_ends() {
    let telegram = Telegram::start().await.unwrap();
    let system = System::start(Config::telegram(&telegram)).await.unwrap();
    system.telegram(&updates::message(&Person::new(77, "en"), "hello")).await.unwrap();
    let conversation = system.conversation(77).await.unwrap();
    telegram.until_delivered_to(77, 1, SOON).await.unwrap();
    let due_at = Utc::now() + TimeDelta::seconds(2);
    let mut all = Vec::new();
    for (action, state, code) in [
        (json!({ "kind": "tool", "tool": "list_follow_ups" }), "done", ""),
        (json!({ "kind": "tool", "tool": "none" }), "failed", "unknown_tool"),
        (json!({ "kind": "task", "prompt": "Think." }), "failed", "no_model"),
        (json!({ "kind": "compose" }), "sent", ""),
    ] {
        let more = json!({ "action": action, "cancel_on": "never" });
        all.push((system.schedule(&conversation, "It is done.", due_at, &more).await.unwrap(), state, code));
    }
    for (id, state, code) in all {
        let ended = system.until_state(&id, state, SOON).await.unwrap();
        assert_eq!(ended["reason"]["code"].as_str().unwrap_or_default(), code, "{ended}");
    }
    let sent = telegram.until_delivered_to(77, 2, SOON).await.unwrap();
    assert_eq!(sent[1].text, "It is done.");
    let events = system.events(&conversation).await.unwrap();
    let count = |name: &str| events.iter().filter(|e| e["type"].as_str().is_some_and(|t| t.ends_with(name))).count();
    assert_eq!((count("TurnStarted"), count("TurnCompleted")), (5, 5), "each is one turn: {events:?}");
}
