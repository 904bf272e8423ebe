//! A human takes a conversation by mail over and gives it back: each way in, each way out.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use serde_json::{Value, json};
use steward_tests::{
    Config, Mail, System,
    config::AGENT,
    mail::{answer, written},
};

const SOON: Duration = Duration::from_secs(120);
const ANN: &str = "ann@example.org";
/// One of ours.
const BOSS: &str = "boss@example.com";
/// What our own mail server puts on top of what it has checked.
const CHECKED: &str = "Authentication-Results: mx.example.com; dmarc=pass header.from=example.com\r\n";

async fn opened(sections: &str) -> (Mail, System, String) {
    let mail = Mail::start(&[AGENT]).await.unwrap();
    let mut config = Config::web().with(sections);
    let keys = format!("rate_limit = \"off\"\noperators = [\"{BOSS}\"]\ntrusted_authserv_id = \"mx.example.com\"");
    config.add_mail("mail-main", AGENT, &mail.smtp_url(), Some(&mail.imap_url(AGENT)), &keys);
    let system = System::start(config).await.unwrap();
    mail.send(ANN, AGENT, &written(ANN, "hello@example.org", "Hello", "", "Good morning")).await.unwrap();
    mail.until_taken_for(ANN, 1, SOON).await.unwrap();
    let path = format!("/api/v1/conversations?channel_id=mail-main&external_id={ANN}");
    let found = system.until(SOON, || async { Ok(system.items(&path).await?.into_iter().next()) }).await.unwrap();
    let conversation = found["id"].as_str().unwrap().to_owned();
    (mail, system, conversation)
}

async fn until_owner(system: &System, conversation: &str, owner: &str) -> Value {
    let look = || async {
        let found = system.get(&format!("/api/v1/conversations/{conversation}")).await?;
        Ok((found["owner"] == owner).then_some(found))
    };
    system.until(SOON, look).await.unwrap()
}

async fn until_event(system: &System, conversation: &str, kind: &str) -> Value {
    let look = || async { Ok(system.events(conversation).await?.into_iter().rev().find(|e| e["type"] == kind)) };
    system.until(SOON, look).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_takes_over_and_gives_back_by_command_and_the_bot_is_silent_meanwhile() {
    let (mail, system, conversation) = opened("").await;
    let command = written(BOSS, "c1@example.com", "Mine", CHECKED, &format!("/human_active {ANN}"));
    mail.send(BOSS, AGENT, &command).await.unwrap();
    let taken = until_owner(&system, &conversation, "human").await;
    assert_eq!((&taken["takeover"]["by"], &taken["takeover"]["via"]), (&json!(BOSS), &json!("command")));
    let first = mail.taken_for(ANN).remove(0);
    mail.send(ANN, AGENT, &answer(&first, ANN, "r1@example.org", "How much is it?")).await.unwrap();
    let draft = until_event(&system, &conversation, "DraftSuppressed").await;
    assert_eq!(draft["data"]["reason"]["code"], "human_active");
    let command = written(BOSS, "c2@example.com", "Done", CHECKED, &format!("/human_release {ANN}"));
    mail.send(BOSS, AGENT, &command).await.unwrap();
    until_owner(&system, &conversation, "bot").await;
    let ended = until_event(&system, &conversation, "HumanTakeoverEnded").await;
    assert_eq!((&ended["data"]["by"], &ended["data"]["via"]), (&json!(BOSS), &json!("command")));
    assert_eq!(mail.taken_for(ANN).len(), 1, "only the greeting was answered");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operators_words_reach_the_client_as_a_persons_and_silence_gives_the_conversation_back() {
    let (mail, system, conversation) = opened("[defaults]\nhuman_release_after = \"4s\"").await;
    let words = written(BOSS, "h1@example.com", "For Ann", CHECKED, &format!("HUMAN: {ANN} I'll call you at noon"));
    mail.send(BOSS, AGENT, &words).await.unwrap();
    let written = mail.until_taken_for(ANN, 2, SOON).await.unwrap().remove(1);
    assert_eq!(written.text(), "I'll call you at noon");
    assert_eq!((written.header("Auto-Submitted"), written.header("List-Unsubscribe")), (None, None));
    assert_eq!(written.header("In-Reply-To").as_deref(), Some("<hello@example.org>"));
    let started = until_event(&system, &conversation, "HumanTakeoverStarted").await;
    assert_eq!((&started["data"]["by"], &started["data"]["via"]), (&json!(BOSS), &json!("prefix")));
    let ended = until_event(&system, &conversation, "HumanTakeoverEnded").await;
    assert_eq!(ended["data"]["via"], "silence");
    until_owner(&system, &conversation, "bot").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_who_writes_to_the_client_with_us_in_copy_is_seen_and_http_gives_it_back() {
    let (mail, system, conversation) = opened("").await;
    let copied = written(BOSS, "cc1@example.com", "Re: Hello", &format!("Cc: {AGENT}\r\n{CHECKED}"), "I'll see to it");
    let copied = copied.replace(&format!("To: {AGENT}"), &format!("To: {ANN}"));
    mail.send(BOSS, AGENT, &copied).await.unwrap();
    let taken = until_owner(&system, &conversation, "human").await;
    assert_eq!((&taken["takeover"]["by"], &taken["takeover"]["via"]), (&json!(BOSS), &json!("detected")));
    let path = format!("/api/v1/conversations/{conversation}/release");
    system.post(&path, &json!({ "by": "anna" })).await.unwrap();
    until_owner(&system, &conversation, "bot").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forged_from_is_only_text() {
    let (mail, system, conversation) = opened("").await;
    let failed = "Authentication-Results: mx.example.com; dmarc=fail header.from=example.com\r\n";
    // A check that somebody else claims to have made stands below our server's own.
    for (n, checks) in ["", failed, &format!("{failed}{CHECKED}")].into_iter().enumerate() {
        let id = format!("forged{n}@example.net");
        let forged = written(BOSS, &id, "Mine", checks, &format!("/human_active {ANN}"));
        mail.send(BOSS, AGENT, &forged).await.unwrap();
        // It is answered like anybody's words.
        mail.until_taken_for(BOSS, n + 1, SOON).await.unwrap();
    }
    let found = system.get(&format!("/api/v1/conversations/{conversation}")).await.unwrap();
    assert_eq!(found["owner"], "bot");
    let events = system.events(&conversation).await.unwrap();
    assert!(events.iter().all(|e| e["type"] != "HumanTakeoverStarted"), "{events:?}");
}
