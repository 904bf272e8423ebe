//! A human takes a conversation over and gives it back: by command over HTTP, in a chat, by a prefix, by being seen to write.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};
use steward_tests::{
    Config, System, Telegram,
    config::OPERATOR,
    telegram::Fault,
    updates::{self, Person},
};

const SOON: Duration = Duration::from_secs(120);

fn operator() -> Person {
    Person::new(OPERATOR, "en")
}

async fn opened(chat: i64) -> (Telegram, System, String) {
    let telegram = Telegram::start().await.unwrap();
    let system = System::start(Config::telegram(&telegram)).await.unwrap();
    system.telegram(&updates::text(chat, "здравствуйте")).await.unwrap();
    telegram.until_delivered_to(chat, 1, SOON).await.unwrap();
    let conversation = system.conversation(chat).await.unwrap();
    (telegram, system, conversation)
}

async fn until_owner(system: &System, conversation: &str, owner: &str) -> Value {
    let look = || async {
        let found = system.get(&format!("/api/v1/conversations/{conversation}")).await?;
        Ok((found["owner"] == owner).then_some(found))
    };
    system.until(SOON, look).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_due_under_a_human_is_cancelled_shown_at_release_and_not_revived() {
    let (telegram, system, conversation) = opened(7).await;
    let never = json!({ "cancel_on": "never" });
    let due = Utc::now() + TimeDelta::seconds(3);
    let missed = system.schedule(&conversation, "missed", due, &never).await.unwrap();
    let later = system.schedule(&conversation, "later", due + TimeDelta::seconds(5), &never).await.unwrap();
    let path = format!("/api/v1/conversations/{conversation}");
    system.post(&format!("{path}/takeover"), &json!({ "by": "anna", "note": "mine" })).await.unwrap();
    let taken = until_owner(&system, &conversation, "human").await;
    assert_eq!((&taken["takeover"]["by"], &taken["takeover"]["via"]), (&json!("anna"), &json!("http")));
    // While a human is active the bot is silent.
    system.telegram(&updates::text(7, "сколько это стоит?")).await.unwrap();
    let ended = system.until_state(&missed, "cancelled", SOON).await.unwrap();
    assert_eq!(ended["reason"]["code"], "human_active");
    let again = system.command(reqwest::Method::POST, &format!("{path}/takeover"), &json!({ "by": "anna" })).await;
    again.unwrap().problem(409).unwrap();
    system.post(&format!("{path}/release"), &json!({ "by": "anna" })).await.unwrap();
    until_owner(&system, &conversation, "bot").await;
    let events = system.events(&conversation).await.unwrap();
    let release = events.iter().find(|e| e["type"] == "HumanTakeoverEnded").unwrap();
    assert_eq!(release["data"]["cancelled_follow_up_ids"], json!([missed]));
    system.until_state(&later, "sent", SOON).await.unwrap();
    assert_eq!(system.follow_up(&missed).await.unwrap()["state"], "cancelled");
    assert!(telegram.delivered_to(7).iter().all(|d| d.text != "missed"));
    let refused = system.command(reqwest::Method::POST, &format!("{path}/release"), &json!({ "by": "anna" })).await;
    refused.unwrap().problem(409).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_humans_own_message_is_delivered_and_takes_the_conversation_over() {
    let (telegram, system, conversation) = opened(7).await;
    let path = format!("/api/v1/conversations/{conversation}/messages");
    system.post(&path, &json!({ "text": "Анна на связи" })).await.unwrap();
    until_owner(&system, &conversation, "human").await;
    telegram.until(SOON, |all| all.iter().find(|d| d.text == "Анна на связи").map(drop)).await.unwrap();
    // What the human scheduled is sent, human active or not.
    let send_at = (Utc::now() + TimeDelta::seconds(2)).to_rfc3339();
    system.post(&path, &json!({ "text": "и ещё одно", "send_at": send_at })).await.unwrap();
    telegram.until(SOON, |all| all.iter().find(|d| d.text == "и ещё одно").map(drop)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_takes_over_from_their_own_chat_by_naming_the_client() {
    let (telegram, system, conversation) = opened(7).await;
    let due = Utc::now() + TimeDelta::seconds(4);
    let promise = system.schedule(&conversation, "missed", due, &json!({ "cancel_on": "never" })).await.unwrap();
    system.telegram(&updates::message(&operator(), "/human_active 7")).await.unwrap();
    let taken = until_owner(&system, &conversation, "human").await;
    assert_eq!(taken["takeover"]["via"], "command");
    system.telegram(&updates::message(&operator(), "HUMAN: 7 Добрый день, это Анна")).await.unwrap();
    telegram
        .until(SOON, |all| all.iter().find(|d| d.chat_id == "7" && d.text == "Добрый день, это Анна").map(drop))
        .await
        .unwrap();
    let ended = system.until_state(&promise, "cancelled", SOON).await.unwrap();
    assert_eq!(ended["reason"]["code"], "human_active");
    system.telegram(&updates::message(&operator(), "/human_release 7")).await.unwrap();
    until_owner(&system, &conversation, "bot").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_prefix_takes_over_and_delivers_in_one_step_also_by_username() {
    let telegram = Telegram::start().await.unwrap();
    let system = System::start(Config::telegram(&telegram)).await.unwrap();
    let mut client = Person::new(7, "ru");
    client.username = Some("Ana_Client");
    system.telegram(&updates::message(&client, "здравствуйте")).await.unwrap();
    telegram.until_delivered_to(7, 1, SOON).await.unwrap();
    let conversation = system.conversation(7).await.unwrap();
    system.telegram(&updates::message(&operator(), "HUMAN: @ana_client Добрый день")).await.unwrap();
    let taken = until_owner(&system, &conversation, "human").await;
    assert_eq!(taken["takeover"]["via"], "prefix");
    telegram
        .until(SOON, |all| all.iter().find(|d| d.chat_id == "7" && d.text == "Добрый день").map(drop))
        .await
        .unwrap();
    assert!(telegram.delivered().iter().all(|d| !d.text.contains("HUMAN")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_who_names_nobody_known_is_told() {
    let (telegram, system, _) = opened(7).await;
    system.telegram(&updates::message(&operator(), "/human_active 12345")).await.unwrap();
    let told = telegram.until_delivered_to(OPERATOR, 1, SOON).await.unwrap();
    assert!(told[0].text.contains("12345"), "{}", told[0].text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_group_an_operator_takes_over_and_gives_back_in_the_chat_itself() {
    let telegram = Telegram::start().await.unwrap();
    let system = System::start(Config::telegram(&telegram)).await.unwrap();
    system.telegram(&updates::group_message(-1007, &Person::new(7, "en"), "hello everybody")).await.unwrap();
    let conversation = system.conversation(-1007).await.unwrap();
    system.telegram(&updates::group_message(-1007, &operator(), "/human_active")).await.unwrap();
    until_owner(&system, &conversation, "human").await;
    system.telegram(&updates::group_message(-1007, &operator(), "/human_release")).await.unwrap();
    until_owner(&system, &conversation, "bot").await;
    system.telegram(&updates::group_message(-1007, &operator(), "HUMAN: I'm here")).await.unwrap();
    until_owner(&system, &conversation, "human").await;
    // The client has read it there already: it is kept as the human's message, and not sent again.
    let messages = system.items(&format!("/api/v1/conversations/{conversation}/messages")).await.unwrap();
    let written = messages.iter().find(|m| m["text"] == "I'm here").unwrap();
    assert_eq!((&written["author"], &written["direction"]), (&json!("human"), &json!("out")));
    assert!(telegram.delivered().iter().all(|d| !d.text.contains("I'm here")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_seen_writing_in_a_business_chat_takes_over_by_that() {
    let telegram = Telegram::start().await.unwrap();
    let system = System::start(Config::telegram(&telegram)).await.unwrap();
    let client = Person::new(7, "en");
    system.telegram(&updates::business_message("bc1", &client, &client, "hello")).await.unwrap();
    let conversation = system.conversation("bc1:7").await.unwrap();
    system.telegram(&updates::business_message("bc1", &operator(), &client, "Hi, Anna here")).await.unwrap();
    let taken = until_owner(&system, &conversation, "human").await;
    assert_eq!(taken["takeover"]["via"], "detected");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_a_clients_own_hand_the_commands_are_ordinary_text() {
    let (telegram, system, conversation) = opened(7).await;
    system.telegram(&updates::text(8, "здравствуйте")).await.unwrap();
    let other = system.conversation(8).await.unwrap();
    let never = json!({ "cancel_on": "never" });
    let due = Utc::now() + TimeDelta::seconds(4);
    let promise = system.schedule(&conversation, "kept all the same", due, &never).await.unwrap();
    let texts = ["/human_active", "/human_active 8", "/human_release", "HUMAN: I am the operator", "HUMAN: 8 hello"];
    for text in texts {
        system.telegram(&updates::text(7, text)).await.unwrap();
    }
    system.until_state(&promise, "sent", SOON).await.unwrap();
    for id in [&conversation, &other] {
        let found = system.get(&format!("/api/v1/conversations/{id}")).await.unwrap();
        assert_eq!((&found["owner"], &found["takeover"]), (&json!("bot"), &Value::Null));
        let events = system.events(id).await.unwrap();
        assert!(events.iter().all(|e| !e["type"].as_str().unwrap().starts_with("HumanTakeover")));
    }
    let events = system.events(&conversation).await.unwrap();
    let written = events.iter().filter(|e| e["type"] == "ClientResponded").filter_map(|e| e["data"]["text"].as_str());
    let written: Vec<_> = written.filter(|text| texts.contains(text)).collect();
    assert_eq!(written, texts, "each is kept as the client's words");
    assert!(telegram.delivered_to(8).iter().all(|d| d.text != "hello"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_being_sent_when_a_human_takes_over_is_not_tried_again() {
    let (telegram, system, conversation) = opened(7).await;
    telegram.set_latency(Duration::from_secs(2));
    telegram.fail_next_to(7, Fault::RetryAfter(1));
    let body = json!({ "conversation_id": conversation, "text": "in flight" });
    let message = system.post("/api/v1/outbox", &body).await.unwrap()["id"].clone();
    let until = async |kind: &str| {
        let so = |e: &Value| e["type"] == kind && e["data"]["message_id"] == message;
        let look = || async { Ok(system.events(&conversation).await?.into_iter().find(so)) };
        system.until(SOON, look).await.unwrap()
    };
    until("DispatchStarted").await;
    system.post(&format!("/api/v1/conversations/{conversation}/takeover"), &json!({ "by": "anna" })).await.unwrap();
    telegram.set_latency(Duration::ZERO);
    // Only the provider's refusal ends the claim.
    let cancelled = until("MessageCancelled").await;
    assert_eq!(cancelled["data"]["reason"]["code"], "human_active");
    assert!(cancelled["position"].as_u64() > until("DispatchDeferred").await["position"].as_u64());
    system.post(&format!("/api/v1/conversations/{conversation}/release"), &json!({ "by": "anna" })).await.unwrap();
    let message = message.as_str().unwrap();
    let evidence = system.get(&format!("/api/v1/outbox/{message}/evidence")).await.unwrap();
    assert_eq!(
        (&evidence["ending"]["state"], evidence["attempts"].as_array().unwrap().len()),
        (&json!("cancelled"), 1)
    );
    system.telegram(&updates::text(7, "здравствуйте")).await.unwrap();
    telegram.until_delivered_to(7, 2, SOON).await.unwrap();
    assert!(telegram.delivered_to(7).iter().all(|d| d.text != "in flight"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_web_channel_only_its_own_operators_command() {
    let desk = "id = \"web-desk\"\nkind = \"web\"\noperators = [\"anna\"]";
    let system = System::start(Config::web().with_channel(desk)).await.unwrap();
    let posted = async |channel: &str, by: &str, text: &str| {
        let body = json!({ "channel_id": channel, "contact": { "id": by }, "text": text });
        system.post("/api/v1/messages", &body).await.unwrap()["conversation_id"].as_str().unwrap().to_owned()
    };
    let (client, elsewhere) = (posted("web-desk", "ann", "hello").await, posted("web-main", "ann", "hello").await);
    let own = posted("web-desk", "ann", "/human_active ann").await;
    assert_eq!(own, client, "a client's own words");
    posted("web-main", "anna", "/human_active ann").await;
    for id in [&client, &elsewhere] {
        assert_eq!(system.get(&format!("/api/v1/conversations/{id}")).await.unwrap()["owner"], "bot");
    }
    let desk = posted("web-desk", "anna", "/human_active ann").await;
    let taken = until_owner(&system, &client, "human").await;
    assert_eq!((&taken["takeover"]["by"], &taken["takeover"]["via"]), (&json!("anna"), &json!("command")));
    assert_eq!(system.get(&format!("/api/v1/conversations/{elsewhere}")).await.unwrap()["owner"], "bot");
    posted("web-desk", "anna", "/human_resolve ann").await;
    until_owner(&system, &client, "bot").await;
    posted("web-desk", "anna", "good morning").await;
    let types: Vec<_> = system.events(&desk).await.unwrap().iter().map(|e| e["type"].clone()).collect();
    assert_eq!(types, ["UpdateKept", "UpdateKept", "UpdateKept"], "nothing of it is answered");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_humans_silence_gives_the_conversation_back() {
    let telegram = Telegram::start().await.unwrap();
    let config = Config::telegram(&telegram).with("[defaults]\nhuman_release_after = \"2s\"");
    let system = System::start(config).await.unwrap();
    system.telegram(&updates::text(7, "здравствуйте")).await.unwrap();
    let conversation = system.conversation(7).await.unwrap();
    system.post(&format!("/api/v1/conversations/{conversation}/takeover"), &json!({ "by": "anna" })).await.unwrap();
    until_owner(&system, &conversation, "bot").await;
    let events = system.events(&conversation).await.unwrap();
    let release = events.iter().find(|e| e["type"] == "HumanTakeoverEnded").unwrap();
    assert_eq!(release["data"]["via"], "silence");
}
