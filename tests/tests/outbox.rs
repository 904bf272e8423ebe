//! The outbox in a person's hands: what waits for approval, what is changed, held and let go, and what tells of it.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use reqwest::Method;
use serde_json::{Value, json};
use steward_tests::{
    Config, System, Telegram,
    system::OUTBOX_DISPATCHER,
    telegram::{Delivered, Fault},
    updates,
};

const SOON: Duration = Duration::from_secs(120);

/// The newest message of the outbox that reads so.
async fn in_state(system: &System, state: &str) -> Value {
    let path = format!("/api/v1/outbox?state={state}");
    system.until(SOON, || async { Ok(system.items(&path).await?.into_iter().next()) }).await.unwrap()
}

async fn outgoing(system: &System, id: &str, state: &str) -> Value {
    let path = format!("/api/v1/outbox/{id}");
    let found = system.until(SOON, || async { Ok(Some(system.get(&path).await?).filter(|m| m["state"] == state)) });
    found.await.unwrap()
}

/// A conversation in which the client's hello was answered, so that the next send is what the test sends.
async fn greeted(system: &System) -> String {
    system.telegram(&updates::text(7, "hello")).await.unwrap();
    let conversation = system.conversation(7).await.unwrap();
    let quiet = system.until(SOON, || async {
        let answered = !system.events_of_type("TurnCompleted").await?.is_empty();
        let open = system.items("/api/v1/outbox?state=queued,claimed,deferred").await?;
        Ok((answered && open.is_empty()).then_some(()))
    });
    quiet.await.unwrap();
    conversation
}

fn id(of: &Value) -> String {
    of["id"].as_str().unwrap().to_owned()
}

async fn approve(system: &System, message: &Value) {
    let path = format!("/api/v1/outbox/{}/approve", id(message));
    system.post(&path, &json!({ "hash": message["approval_hash"] })).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_approval_nothing_of_the_bots_goes_out_but_what_a_person_saw_and_let_go() {
    let telegram = Telegram::start().await.unwrap();
    let config = Config::telegram(&telegram).with("[policy]\napproval = \"all\"");
    let system = System::start(config).await.unwrap();
    system.telegram(&updates::text(7, "напиши через 5 секунд про договор")).await.unwrap();

    // The confirmation waits; its text is changed after somebody saw it, so their approval is refused.
    let seen = in_state(&system, "held").await;
    assert_eq!(seen["reason"]["code"], "needs_approval");
    let path = format!("/api/v1/outbox/{}", id(&seen));
    system.patch(&path, &json!({ "text": "Хорошо, напишу." })).await.unwrap();
    let stale =
        system.command(Method::POST, &format!("{path}/approve"), &json!({ "hash": seen["approval_hash"] })).await;
    assert_eq!(stale.unwrap().problem(409).unwrap()["code"], "approval_stale");
    let confirmation = system.get(&path).await.unwrap();
    approve(&system, &confirmation).await;
    let said = telegram.until_delivered_to(7, 1, SOON).await.unwrap();
    assert_eq!(said[0].text, "Хорошо, напишу.");
    outgoing(&system, &id(&seen), "sent").await;

    // The promise comes due and waits too; meanwhile it reads as pending.
    let held = in_state(&system, "held").await;
    let follow_up = system.follow_up(held["follow_up_id"].as_str().unwrap()).await.unwrap();
    assert_eq!((&follow_up["state"], &follow_up["reason"]["code"]), (&json!("pending"), &json!("needs_approval")));
    assert_eq!(telegram.delivered_to(7).len(), 1);
    approve(&system, &held).await;
    telegram.until_delivered_to(7, 2, SOON).await.unwrap();
    system.until_state(&id(&follow_up), "sent", SOON).await.unwrap();

    // And the evidence tells all of it.
    let evidence = system.get(&format!("/api/v1/outbox/{}/evidence", id(&held))).await.unwrap();
    let types = |of: &Value| -> Vec<String> {
        of.as_array().unwrap().iter().map(|e| e["type"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(types(&evidence["trigger"]), ["ClientResponded", "FollowUpScheduled", "FollowUpDue"]);
    assert_eq!(types(&evidence["changes"]), ["MessageHeld", "MessageApproved"]);
    assert_eq!(evidence["decision"]["turn"]["brain"], "rules");
    let attempt = &evidence["attempts"][0];
    assert_eq!((&attempt["outcome"], &attempt["attempt"]), (&json!("sent"), &json!(1)));
    let checks = attempt["checks"].as_array().unwrap();
    let approval = checks.iter().find(|c| c["name"] == "approval").unwrap();
    assert_eq!(approval["value"], format!("given for {}", held["approval_hash"].as_str().unwrap()));
    assert_eq!(evidence["ending"]["state"], "sent");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_clients_next_message_does_to_each_waiting_message_what_it_says() {
    let telegram = Telegram::start().await.unwrap();
    let system = System::start(Config::telegram(&telegram)).await.unwrap();
    let conversation = greeted(&system).await;
    let due_at = (Utc::now() + TimeDelta::hours(1)).to_rfc3339();
    let mut queued = Vec::new();
    for on_reply in ["cancel", "hold", "inject", "keep"] {
        let body = json!({ "conversation_id": conversation, "text": on_reply, "due_at": due_at, "on_reply": on_reply });
        queued.push(id(&system.post("/api/v1/outbox", &body).await.unwrap()));
    }
    system.telegram(&updates::text(7, "wait, I'm ill")).await.unwrap();
    for (id, state, code) in [
        (&queued[0], "cancelled", Some("client_responded")),
        (&queued[1], "held", Some("client_responded")),
        (&queued[2], "cancelled", Some("injected")),
        (&queued[3], "queued", None),
    ] {
        let message = outgoing(&system, id, state).await;
        assert_eq!(message["reason"]["code"].as_str(), code, "{message}");
    }
    // Subscribers are told what the fold did by itself.
    let told = system.until(SOON, || async {
        Ok(Some(system.events_of_type("MessageHeld").await?).filter(|events| !events.is_empty()))
    });
    assert_eq!(told.await.unwrap()[0]["data"]["message_id"], queued[1]);
    // Held, it is moved to now and let go.
    let soon = (Utc::now() + TimeDelta::seconds(2)).to_rfc3339();
    system.post(&format!("/api/v1/outbox/{}/move", queued[1]), &json!({ "due_at": soon })).await.unwrap();
    let held = outgoing(&system, &queued[1], "held").await;
    approve(&system, &held).await;
    outgoing(&system, &queued[1], "sent").await;
    assert!(telegram.delivered_to(7).iter().any(|m| m.text == "hold"));
    // What was taken back tells why, to the words behind it.
    let evidence = system.get(&format!("/api/v1/outbox/{}/evidence", queued[2])).await.unwrap();
    let cause = &evidence["ending"]["reason"]["event_id"];
    let behind = evidence["events"].as_array().unwrap().iter().find(|e| e["event_id"] == *cause).unwrap();
    assert!(behind["summary"].as_str().unwrap().contains("wait, I'm ill"), "{behind}");
    assert_eq!(evidence["attempts"], json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_holds_what_waits_and_a_repeat_of_a_command_changes_nothing() {
    let telegram = Telegram::start().await.unwrap();
    let system = System::start(Config::telegram(&telegram)).await.unwrap();
    let conversation = greeted(&system).await;
    let due_at = (Utc::now() + TimeDelta::seconds(3)).to_rfc3339();
    let body = json!({ "conversation_id": conversation, "text": "news", "due_at": due_at, "on_reply": "keep" });
    let message = id(&system.post("/api/v1/outbox", &body).await.unwrap());
    let path = format!("/api/v1/outbox/{message}");
    system.post(&format!("{path}/hold"), &json!({})).await.unwrap();
    let again = system.command(Method::POST, &format!("{path}/hold"), &json!({})).await.unwrap();
    assert_eq!(again.problem(409).unwrap()["code"], "already_held");
    // Its time comes and goes.
    let told = system.until(SOON, || async {
        Ok(Some(system.events_of_type("MessageDue").await?).filter(|events| !events.is_empty()))
    });
    told.await.unwrap();
    let held = outgoing(&system, &message, "held").await;
    assert_eq!(held["reason"]["code"], "by_command");
    assert!(telegram.delivered_to(7).iter().all(|m| m.text != "news"));
    approve(&system, &held).await;
    outgoing(&system, &message, "sent").await;
    for (method, sub, body) in [
        (Method::POST, "/approve", json!({ "hash": held["approval_hash"] })),
        (Method::POST, "/hold", json!({})),
        (Method::PATCH, "", json!({ "text": "other" })),
    ] {
        let refused = system.command(method, &format!("{path}{sub}"), &body).await.unwrap();
        assert_eq!(refused.problem(409).unwrap()["code"], "not_queued", "{sub}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_sends_fail_the_breaker_stops_what_goes_out_by_itself_until_a_person_resets_it() {
    let telegram = Telegram::start().await.unwrap();
    let config = Config::telegram(&telegram).with("[policy]\nbreaker = { failures = 3 }");
    let system = System::start(config).await.unwrap();
    let closed = system.get("/api/v1/breaker").await.unwrap();
    assert_eq!(closed["state"], "closed");
    let conversation = greeted(&system).await;
    let news = async |text: &str| -> String {
        let body = json!({ "conversation_id": conversation, "text": text, "on_reply": "keep" });
        id(&system.post("/api/v1/outbox", &body).await.unwrap())
    };
    for n in 0..3 {
        telegram.fail_next(Fault::Refused { code: 400, description: "Bad Request: message is too strange" });
        let message = news(&format!("news {n}")).await;
        outgoing(&system, &message, "failed").await;
    }
    let open = system.until(SOON, || async {
        Ok(Some(system.get("/api/v1/breaker").await?).filter(|breaker| breaker["state"] == "open"))
    });
    assert_eq!(open.await.unwrap()["reason"]["code"], "failures");
    // What nobody waits for is held; an answer goes.
    let held = news("more news").await;
    assert_eq!(outgoing(&system, &held, "held").await["reason"]["code"], "breaker_open");
    let before = telegram.delivered_to(7).len();
    system.telegram(&updates::text(7, "напиши через час про договор")).await.unwrap();
    telegram.until_delivered_to(7, before + 1, SOON).await.unwrap();
    system.post("/api/v1/breaker/reset", &json!({ "note": "a bad template" })).await.unwrap();
    let again = system.command(Method::POST, "/api/v1/breaker/reset", &json!({})).await.unwrap();
    assert_eq!(again.problem(409).unwrap()["code"], "breaker_closed");
    // The reset lets go of it, and the evidence says so.
    outgoing(&system, &held, "sent").await;
    let evidence = system.get(&format!("/api/v1/outbox/{held}/evidence")).await.unwrap();
    let changes: Vec<&str> =
        evidence["changes"].as_array().unwrap().iter().map(|e| e["type"].as_str().unwrap()).collect();
    assert_eq!(changes, ["MessageHeld", "MessageReleased"]);
    assert_eq!(check(&evidence, "breaker"), "closed");
}

/// A check of the first attempt.
fn check<'a>(evidence: &'a Value, name: &str) -> &'a str {
    let checks = evidence["attempts"][0]["checks"].as_array().unwrap();
    checks.iter().find(|check| check["name"] == name).unwrap()["value"].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reset_of_the_breaker_lets_go_of_all_it_held_once_at_the_rate_limit_also_over_a_kill_of_the_dispatcher() {
    const CHATS: i64 = 24;
    const PER_SECOND: u32 = 8;
    let telegram = Telegram::start().await.unwrap();
    let keys = format!("rate_limit = {{ per_second = {PER_SECOND}, burst = 1 }}");
    // What a person lets go doesn't count as going out by itself, or the reset would trip the breaker anew.
    let config = Config::telegram_with(&telegram, &keys).with("[policy]\nbreaker = { sends_per_minute = 2 }");
    let mut system = System::start_separately(config, &[]).await.unwrap();
    for chat in 1..=CHATS {
        system.telegram(&updates::text(chat, "hello")).await.unwrap();
    }
    let mut conversations = Vec::new();
    for chat in 1..=CHATS {
        conversations.push(system.conversation(chat).await.unwrap());
    }
    let queue = async |conversation: &str, text: &str| -> String {
        let body = json!({ "conversation_id": conversation, "text": text, "on_reply": "keep" });
        id(&system.post("/api/v1/outbox", &body).await.unwrap())
    };
    let quiet = system.until(SOON, || async {
        let answered = system.events_of_type("TurnCompleted").await?.len() >= CHATS as usize;
        let open = system.items("/api/v1/outbox?state=queued,claimed,deferred").await?;
        Ok((answered && open.is_empty()).then_some(()))
    });
    quiet.await.unwrap();
    for conversation in &conversations[..3] {
        queue(conversation, "one too many").await;
    }
    let open = system.until(SOON, || async {
        Ok(Some(system.get("/api/v1/breaker").await?).filter(|breaker| breaker["state"] == "open"))
    });
    open.await.unwrap();
    let mut held = Vec::new();
    for (n, conversation) in conversations.iter().enumerate() {
        held.push(queue(conversation, &format!("news {n}.")).await);
    }
    for message in &held {
        assert_eq!(outgoing(&system, message, "held").await["reason"]["code"], "breaker_open");
    }

    let began = Instant::now();
    system.post("/api/v1/breaker/reset", &json!({})).await.unwrap();
    let news = |delivered: &[Delivered]| delivered.iter().filter(|d| d.text.starts_with("news ")).count();
    telegram.until(SOON, |delivered| (news(delivered) >= 4).then_some(())).await.unwrap();
    system.kill_process(OUTBOX_DISPATCHER).await.unwrap();
    system.start_again().await.unwrap();

    let mut unknown = 0;
    for (n, message) in held.iter().enumerate() {
        let path = format!("/api/v1/outbox/{message}");
        let ended = system.until(SOON, || async {
            let m = system.get(&path).await?;
            Ok(matches!(m["state"].as_str(), Some("sent" | "unknown")).then_some(m))
        });
        let ended = ended.await.unwrap();
        let times = telegram.delivered().iter().filter(|d| d.text == format!("news {n}.")).count();
        if ended["state"] == "unknown" {
            // What was on its way at the kill; nobody sends it again.
            unknown += 1;
            assert!(times <= 1, "news {n} came {times} times");
        } else {
            assert_eq!(times, 1, "news {n}");
        }
    }
    let took = began.elapsed();
    assert!(unknown <= 4, "{unknown} are unknown");
    // The first of each dispatcher's goes at once.
    let fastest = Duration::from_secs_f64((CHATS - 2) as f64 / f64::from(PER_SECOND));
    assert!(took >= fastest, "{CHATS} messages took {took:?}");
    assert_eq!(system.get("/api/v1/breaker").await.unwrap()["state"], "closed");
    println!("{CHATS} held messages let go by a reset over a kill -9: {unknown} unknown, in {took:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_that_asks_for_approval_holds_what_another_sends_at_once() {
    let config = Config::web().with_channel("id = \"web-strict\"\nkind = \"web\"\napproval = \"all\"");
    let system = System::start(config).await.unwrap();
    let said = async |channel: &str| -> Value {
        let body = json!({ "channel_id": channel, "contact": { "id": "ann" }, "text": "write to me in 2 hours" });
        let conversation = system.post("/api/v1/messages", &body).await.unwrap()["conversation_id"].clone();
        let path = format!("/api/v1/outbox?conversation_id={}", conversation.as_str().unwrap());
        let settled = system.until(SOON, || async {
            let first = system.items(&path).await?.into_iter().next();
            Ok(first.filter(|m| matches!(m["state"].as_str(), Some("held" | "sent"))))
        });
        settled.await.unwrap()
    };
    let evidence =
        async |message: &Value| system.get(&format!("/api/v1/outbox/{}/evidence", id(message))).await.unwrap();

    let free = said("web-main").await;
    assert_eq!(free["state"], "sent");
    assert_eq!(check(&evidence(&free).await, "approval_mode"), "none, set by [policy]");
    let strict = said("web-strict").await;
    assert_eq!((&strict["state"], &strict["reason"]["code"]), (&json!("held"), &json!("needs_approval")));
    assert!(strict["reason"]["text"].as_str().unwrap().contains("all, set for the channel"), "{strict}");
    approve(&system, &strict).await;
    outgoing(&system, &id(&strict), "sent").await;
    assert_eq!(check(&evidence(&strict).await, "approval_mode"), "all, set for the channel");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_send_that_telegram_never_answered_is_unknown_stays_so_and_has_its_evidence() {
    let telegram = Telegram::start().await.unwrap();
    let system = System::start(Config::telegram(&telegram)).await.unwrap();
    let conversation = greeted(&system).await;
    telegram.fail_next(Fault::DropAfter);
    let body = json!({ "conversation_id": conversation, "text": "news", "on_reply": "keep" });
    let message = id(&system.post("/api/v1/outbox", &body).await.unwrap());
    let unknown = outgoing(&system, &message, "unknown").await;
    assert_eq!(unknown["reason"]["code"], "no_answer");
    let evidence = system.get(&format!("/api/v1/outbox/{message}/evidence")).await.unwrap();
    assert_eq!(evidence["attempts"].as_array().unwrap().len(), 1);
    let attempt = &evidence["attempts"][0];
    assert_eq!((&attempt["outcome"], &attempt["answer"]["reason"]["code"]), (&json!("unknown"), &json!("no_answer")));
    assert_eq!(attempt["request_hash"], unknown["approval_hash"], "recipient and text, hashed alike");
    assert_eq!(
        (&evidence["ending"]["state"], &evidence["ending"]["settled_by"]),
        (&json!("unknown"), &json!("operator"))
    );
    // What comes after it goes out; it doesn't.
    let body = json!({ "conversation_id": conversation, "text": "later", "on_reply": "keep" });
    let later = id(&system.post("/api/v1/outbox", &body).await.unwrap());
    outgoing(&system, &later, "sent").await;
    assert_eq!(telegram.delivered_to(7).iter().filter(|m| m.text == "news").count(), 1);
    assert_eq!(system.get(&format!("/api/v1/outbox/{message}")).await.unwrap()["state"], "unknown");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_messages_of_one_conversation_arrive_in_their_order() {
    let telegram = Telegram::start().await.unwrap();
    let limited = "rate_limit = { per_second = 30, burst = 30, per_chat_per_second = 20, per_chat_burst = 3 }";
    for (keys, count) in [("rate_limit = \"off\"", 300), (limited, 100)] {
        let system = System::start(Config::telegram_with(&telegram, keys)).await.unwrap();
        telegram.set_latency(Duration::from_millis(10));
        let chat = updates::next_id();
        system.telegram(&updates::text(chat, "здравствуйте")).await.unwrap();
        let conversation = system.conversation(chat).await.unwrap();
        telegram.until_delivered_to(chat, 1, SOON).await.unwrap();
        for n in 0..count {
            let message = json!({ "conversation_id": conversation, "text": format!("no. {n}") });
            system.post("/api/v1/outbox", &message).await.unwrap();
        }
        let delivered = telegram.until_delivered_to(chat, count + 1, SOON).await.unwrap();
        let texts: Vec<&str> = delivered[1..].iter().map(|d| d.text.as_str()).collect();
        let expected: Vec<String> = (0..count).map(|n| format!("no. {n}")).collect();
        assert_eq!(texts, expected, "{keys}");
    }
}
