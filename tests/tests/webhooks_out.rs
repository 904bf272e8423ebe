//! Third parties are told of events over outgoing webhooks: signed, at least once, never into our own network.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{collections::HashSet, path::PathBuf, process::Stdio, time::Duration};

use reqwest::Method;
use serde_json::{Value, json};
use steward_tests::{
    Config, Receiver, System, binary,
    lateness::time_of,
    processes::Server,
    receiver::{Posted, Reply},
    system::OUTBOX_DISPATCHER,
};
use tokio::{io::AsyncWriteExt, process::Command};

const SOON: Duration = Duration::from_secs(120);

fn config(retry: &str) -> Config {
    Config::web().with(&format!("[webhooks]\nallow_private = true\nretry = {retry}"))
}

async fn started(retry: &str) -> (Receiver, System) {
    (Receiver::start().await.unwrap(), System::start(config(retry)).await.unwrap())
}

/// Makes a webhook; its id and secret.
async fn subscribe(system: &System, url: &str, types: &[&str], filter: Value) -> (String, String) {
    let mut body = json!({ "url": url, "types": types });
    if !filter.is_null() {
        body["filter"] = filter;
    }
    let made = system.post("/api/v1/webhooks", &body).await.unwrap();
    let secret = made["secret"].as_str().unwrap();
    assert!(secret.starts_with("whsec_"), "{made}");
    (made["id"].as_str().unwrap().to_owned(), secret.to_owned())
}

/// A client's message; the conversation's id.
async fn say(system: &System, contact: &str, text: &str) -> String {
    let message = json!({ "channel_id": "web-main", "contact": { "id": contact }, "text": text });
    let answer = system.post("/api/v1/messages", &message).await.unwrap();
    answer["conversation_id"].as_str().unwrap().to_owned()
}

/// The deliveries of a webhook, newest event first, once there is one like this.
async fn until_delivery(system: &System, webhook: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let path = format!("/api/v1/webhooks/{webhook}/deliveries");
    let look = || async { Ok(system.items(&path).await?.into_iter().find(|d| wanted(d))) };
    system.until(SOON, look).await.unwrap()
}

async fn until_disabled(system: &System, webhook: &str) -> Value {
    let path = format!("/api/v1/webhooks/{webhook}");
    let look = || async { Ok(Some(system.get(&path).await?).filter(|w| w["state"] == "disabled")) };
    system.until(SOON, look).await.unwrap()
}

/// Milliseconds from an event's recording to its post.
fn after_the_event(posted: &Posted) -> i64 {
    (posted.at - time_of(&posted.json()["timestamp"])).num_milliseconds()
}

/// A virtual environment with the scheme's own library for Python; kept between runs.
async fn python() -> PathBuf {
    let target = binary::steward().unwrap().parent().unwrap().parent().unwrap().to_owned();
    let venv = target.join("standard-webhooks-venv");
    if !venv.join("complete").exists() {
        let run = async |program: &str, arguments: &[&str]| {
            let output = Command::new(program).args(arguments).output().await.unwrap();
            assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        };
        let place = venv.to_str().unwrap();
        run("python3", &["-m", "venv", "--clear", place]).await;
        run(&format!("{place}/bin/pip"), &["install", "--quiet", "standardwebhooks==1.1.0"]).await;
        std::fs::write(venv.join("complete"), "").unwrap();
    }
    venv.join("bin/python")
}

/// What the library says of a post: `ok`, or what is wrong.
async fn verified(secret: &str, posted: &Posted, body: &str) -> String {
    const SCRIPT: &str = r#"
import json, sys
from standardwebhooks.webhooks import Webhook
given = json.load(sys.stdin)
try:
    Webhook(given["secret"]).verify(given["body"], given["headers"])
    print("ok")
except Exception as error:
    print(type(error).__name__)
"#;
    let mut child = Command::new(python().await)
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let given = json!({ "secret": secret, "body": body, "headers": {
        "webhook-id": posted.id, "webhook-timestamp": posted.timestamp, "webhook-signature": posted.signature,
    } });
    child.stdin.take().unwrap().write_all(given.to_string().as_bytes()).await.unwrap();
    let output = child.wait_with_output().await.unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_independent_library_verifies_what_is_delivered_and_both_secrets_after_a_rotation() {
    let (receiver, system) = started("[\"1s\"]").await;
    let (id, first) = subscribe(&system, &receiver.url("/hook"), &["ClientResponded"], Value::Null).await;
    say(&system, "ann", "привет ё🙂").await;
    let posted = receiver.until_posted("/hook", 1, SOON).await.unwrap().remove(0);
    let body = std::str::from_utf8(&posted.body).unwrap().to_owned();
    assert_eq!(posted.content_type, "application/json");
    assert_eq!(verified(&first, &posted, &body).await, "ok");
    assert_eq!(verified(&first, &posted, &body.replace("ann", "bob")).await, "WebhookVerificationError");
    let other = Posted { id: "another".to_owned(), ..posted.clone() };
    assert_eq!(verified(&first, &other, &body).await, "WebhookVerificationError");

    // What is told is the event as it reads in the log.
    let event = system.events_of_type("ClientResponded").await.unwrap().remove(0);
    assert_eq!(posted.json(), json!({ "type": "ClientResponded", "timestamp": event["at"], "data": event }));
    assert_eq!(event["id"], posted.id.as_str());

    let rotated = system.post(&format!("/api/v1/webhooks/{id}/rotate"), &json!({})).await.unwrap();
    let second = rotated["secret"].as_str().unwrap().to_owned();
    assert_ne!(first, second);
    // The rotation reaches the deliverer over the log, so an event or two may still go out under the first alone.
    let mut told = 1;
    let both = loop {
        say(&system, "ann", "again").await;
        told += 1;
        let all = receiver.until_posted("/hook", told, SOON).await.unwrap();
        let last = all.last().unwrap().clone();
        if last.signature.split(' ').count() == 2 {
            break last;
        }
        assert!(told < 50, "the new secret never signs");
    };
    let body = std::str::from_utf8(&both.body).unwrap().to_owned();
    assert_eq!(verified(&first, &both, &body).await, "ok", "the first goes on for a day");
    assert_eq!(verified(&second, &both, &body).await, "ok");
    assert_eq!(
        verified(&second, &posted, std::str::from_utf8(&posted.body).unwrap()).await,
        "WebhookVerificationError"
    );

    // Nobody who reads sees a secret.
    let mut seen = system.get("/api/v1/webhooks").await.unwrap().to_string();
    for kind in ["WebhookCreated", "WebhookSecretRotated"] {
        let events = system.events_of_type(kind).await.unwrap();
        assert_eq!(events[0]["data"]["secret"], "***");
        seen += &json!(events).to_string();
    }
    let export = system.steward(&["events", "export"]).unwrap().output().await.unwrap();
    seen += &String::from_utf8_lossy(&export.stdout);
    assert!(seen.contains(&id), "{seen}");
    for secret in [&first, &second] {
        assert!(!seen.contains(secret.trim_start_matches("whsec_")));
        assert!(!system.said(10_000).contains(secret.trim_start_matches("whsec_")));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_fails_is_tried_again_by_the_schedule_and_by_hand_and_each_attempt_can_be_read() {
    let (receiver, system) = started("[\"1s\", \"2s\"]").await;
    let (id, _) = subscribe(&system, &receiver.url("/hook"), &["ClientResponded"], Value::Null).await;
    receiver.reply_next("/hook", Reply::Status(500));
    receiver.reply_next("/hook", Reply::Redirect(receiver.url("/elsewhere")));
    say(&system, "ann", "hello").await;
    let failed = until_delivery(&system, &id, |d| d["state"] == "retrying").await;
    assert!(failed["next_at"].is_string() && failed["reason"]["code"].is_string(), "{failed}");
    let posted = receiver.until_posted("/hook", 3, SOON).await.unwrap();
    for (earlier, later, wait) in [(&posted[0], &posted[1], 1_000), (&posted[1], &posted[2], 2_000)] {
        assert_eq!((&earlier.id, &earlier.body), (&later.id, &later.body));
        assert_ne!(earlier.signature, later.signature, "each attempt has its own time");
        let after = (later.at - earlier.at).num_milliseconds();
        assert!(after >= wait - 50, "{after} ms instead of {wait}");
    }
    assert!(receiver.posted_to("/elsewhere").is_empty(), "redirects are not followed");
    let done = until_delivery(&system, &id, |d| d["state"] == "delivered").await;
    assert_eq!((&done["attempts"], &done["status"], &done["event_id"]), (&json!(3), &json!(204), &json!(posted[0].id)));
    let attempts = system.events_of_type("WebhookAttemptFailed").await.unwrap();
    let why: Vec<_> =
        attempts.iter().map(|e| (&e["data"]["delivery"]["status"], &e["data"]["reason"]["code"])).collect();
    assert_eq!(why, [(&json!(500), &json!("refused")), (&json!(307), &json!("redirected"))]);

    // A rebuild from the log comes to the same.
    let path = format!("/api/v1/webhooks/{id}/deliveries");
    let before = system.items(&path).await.unwrap();
    assert!(system.steward(&["rebuild"]).unwrap().output().await.unwrap().status.success());
    assert_eq!(system.items(&path).await.unwrap(), before);

    // By hand, under either of its names.
    let delivery = done["id"].as_str().unwrap();
    system.post(&format!("/api/v1/webhooks/deliveries/{delivery}/retry"), &json!({})).await.unwrap();
    let again = receiver.until_posted("/hook", 4, SOON).await.unwrap().remove(3);
    assert_eq!((&again.id, &again.body), (&posted[0].id, &posted[0].body));
    system.post(&format!("/api/v1/webhooks/{id}/deliveries/{delivery}/retry"), &json!({})).await.unwrap();
    receiver.until_posted("/hook", 5, SOON).await.unwrap();
    for path in [
        "/api/v1/webhooks/deliveries/nonsense/retry".to_owned(),
        format!("/api/v1/webhooks/deliveries/{}1/retry", delivery),
        format!("/api/v1/webhooks/{}/deliveries/{delivery}/retry", uuid::Uuid::new_v4()),
    ] {
        system.command(Method::POST, &path, &json!({})).await.unwrap().problem(404).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_wants_nothing_any_more_or_takes_nothing_for_long_is_left_alone_with_a_notice() {
    let (receiver, system) = started("[\"100ms\"]").await;
    let (gone, _) = subscribe(&system, &receiver.url("/gone"), &["ClientResponded"], Value::Null).await;
    let (dead, _) = subscribe(&system, &receiver.url("/dead"), &["ClientResponded"], Value::Null).await;
    receiver.reply_always("/gone", Reply::Status(410));
    receiver.reply_always("/dead", Reply::Status(503));
    let mut live = system.live("?types=system_notification", None).await.unwrap();
    live.joined().await.unwrap();
    for n in 0..6 {
        say(&system, "ann", &format!("message {n}")).await;
    }
    let mut notices = Vec::new();
    while notices.len() < 2 {
        let notice = live.until(SOON, |e| e.data["code"] == "webhook_disabled").await.unwrap();
        assert_eq!(notice.data["level"], "warning");
        notices.push((notice.data["webhook_id"].clone(), notice.data["reason"]["code"].clone()));
    }
    notices.sort_by_key(|(_, code)| code.as_str().map(str::to_owned));
    assert_eq!(notices, [(json!(dead), json!("failing")), (json!(gone), json!("gone"))]);
    for (id, code) in [(&gone, "gone"), (&dead, "failing")] {
        let shown = until_disabled(&system, id).await;
        assert_eq!(shown["reason"]["code"], code);
        assert!(shown.get("secret").is_none(), "{shown}");
    }
    // Nothing more reaches them: what another one gets later is the witness.
    let (witness, _) = subscribe(&system, &receiver.url("/witness"), &["ClientResponded"], Value::Null).await;
    let before = (receiver.posted_to("/gone").len(), receiver.posted_to("/dead").len());
    assert!(before.1 >= 10, "five events, each over the whole schedule: {before:?}");
    for n in 0..3 {
        say(&system, "ann", &format!("later {n}")).await;
    }
    receiver.until_posted("/witness", 3, SOON).await.unwrap();
    assert_eq!((receiver.posted_to("/gone").len(), receiver.posted_to("/dead").len()), before);
    let deliveries = system.items(&format!("/api/v1/webhooks/{gone}/deliveries?state=failed")).await.unwrap();
    let refused = system
        .command(
            Method::POST,
            &format!("/api/v1/webhooks/deliveries/{}/retry", deliveries[0]["id"].as_str().unwrap()),
            &json!({}),
        )
        .await;
    refused.unwrap().problem(409).unwrap();

    // A deleted one is told nothing more either, and isn't in the list.
    system.delete(&format!("/api/v1/webhooks/{witness}")).await.unwrap();
    let listed: Vec<_> = system.items("/api/v1/webhooks").await.unwrap().iter().map(|w| w["id"].clone()).collect();
    assert_eq!(listed, [json!(dead), json!(gone)], "newest first");
    system.read(&format!("/api/v1/webhooks/{witness}")).await.unwrap().problem(404).unwrap();
    let path = format!("/api/v1/webhooks/{witness}");
    system.command(Method::DELETE, &path, &json!({})).await.unwrap().problem(404).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_is_told_what_it_asked_for_and_a_slow_one_holds_up_nobody() {
    let (receiver, system) = started("[\"1s\"]").await;
    let ann = say(&system, "ann", "hello").await;
    let bob = say(&system, "bob", "hello").await;
    let all = ["ClientResponded", "FollowUpScheduled"];
    receiver.reply_always("/slow", Reply::Nothing);
    subscribe(&system, &receiver.url("/slow"), &["*"], Value::Null).await;
    subscribe(&system, &receiver.url("/types"), &all, Value::Null).await;
    subscribe(&system, &receiver.url("/ann"), &["*"], json!({ "conversation_id": ann })).await;
    subscribe(&system, &receiver.url("/web"), &["ClientResponded"], json!({ "channel_id": "web-main" })).await;
    subscribe(&system, &receiver.url("/everything"), &["*"], Value::Null).await;
    for n in 0..40 {
        say(&system, if n % 2 == 0 { "ann" } else { "bob" }, &format!("message {n}")).await;
    }
    let due = chrono::Utc::now() + chrono::TimeDelta::hours(1);
    system.schedule(&ann, "promise", due, &json!({})).await.unwrap();
    receiver.until_posted("/types", 41, SOON).await.unwrap();
    receiver.until_posted("/web", 40, SOON).await.unwrap();
    let promised = |all: &[Posted]| all.iter().find(|p| p.json()["type"] == "FollowUpScheduled").map(drop);
    for path in ["/types", "/ann", "/everything"] {
        receiver.until(path, SOON, promised).await.unwrap();
    }
    let of_bob = |p: &Posted| p.json()["data"]["subject"].as_str().unwrap().contains(&bob);
    assert!(receiver.posted_to("/slow").len() <= 16, "only so many at once");
    assert!(!receiver.posted_to("/ann").iter().any(of_bob));
    assert!(receiver.posted_to("/everything").iter().any(of_bob));
    let types = |path: &str| -> Vec<String> {
        receiver.posted_to(path).iter().map(|p| p.json()["type"].as_str().unwrap().to_owned()).collect()
    };
    assert!(types("/types").iter().all(|t| all.contains(&t.as_str())));
    assert!(types("/web").iter().all(|t| t == "ClientResponded"));
    let own = |t: &String| ["Webhook", "ApiKey", "Session"].iter().any(|of| t.starts_with(of));
    assert!(!types("/everything").iter().any(own), "a webhook that told of itself would never end");
    // Once each: nothing failed, nothing was killed.
    let mut ids: Vec<String> = receiver.posted_to("/everything").into_iter().map(|p| p.id).collect();
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), count);

    let mut took: Vec<i64> = receiver.posted_to("/everything").iter().map(after_the_event).collect();
    took.sort_unstable();
    println!("from an event to its post: p50 {} ms, longest {} ms of {count}", took[count / 2], took[count - 1]);

    for (body, status) in [
        (json!({ "url": receiver.url("/x"), "types": ["Nonsense"] }), 422),
        (json!({ "url": receiver.url("/x"), "types": ["WebhookDelivered"] }), 422),
        (json!({ "url": receiver.url("/x"), "types": [] }), 422),
        (json!({ "url": "ftp://example.com/", "types": ["*"] }), 422),
        (json!({ "url": receiver.url("/x"), "types": ["*"], "filter": { "channel_id": "nobody" } }), 422),
        (json!({ "url": receiver.url("/x"), "types": ["*"], "filter": { "conversation_id": "a.b" } }), 422),
        (json!({ "url": receiver.url("/x"), "types": ["*"], "filter": { "contact": "x" } }), 422),
        (json!({ "url": receiver.url("/x") }), 422),
    ] {
        system.command(Method::POST, "/api/v1/webhooks", &body).await.unwrap().problem(status).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_between_an_attempt_and_its_record_loses_nothing() {
    let (receiver, mut system) = started("[\"3s\", \"3s\"]").await;
    let (id, _) = subscribe(&system, &receiver.url("/hook"), &["ClientResponded"], Value::Null).await;
    // Told, but never answered: the kill comes before anything can be recorded.
    receiver.reply_next("/hook", Reply::Nothing);
    say(&system, "ann", "hello").await;
    let first = receiver.until_posted("/hook", 1, SOON).await.unwrap().remove(0);
    system.kill().await.unwrap();
    system.start_again().await.unwrap();
    let second = receiver.until_posted("/hook", 2, SOON).await.unwrap().remove(1);
    assert_eq!((&first.id, &first.body), (&second.id, &second.body));
    until_delivery(&system, &id, |d| d["state"] == "delivered").await;

    // A wait of the schedule goes on over a stop and a start.
    receiver.reply_next("/hook", Reply::Status(500));
    say(&system, "ann", "again").await;
    let failed = receiver.until_posted("/hook", 3, SOON).await.unwrap().remove(2);
    until_delivery(&system, &id, |d| d["state"] == "retrying").await;
    system.stop().await.unwrap();
    system.start_again().await.unwrap();
    let later = receiver.until_posted("/hook", 4, SOON).await.unwrap().remove(3);
    assert_eq!(failed.id, later.id);
    let after = (later.at - failed.at).num_milliseconds();
    assert!(after >= 1_900, "{after} ms, though 3 s were to pass (the server keeps whole seconds over a restart)");
    let delivered = until_delivery(&system, &id, |d| d["state"] == "delivered" && d["event_id"] == later.id.as_str());
    assert_eq!(delivered.await["attempts"], 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_webhook_leads_into_a_private_network_unless_that_is_allowed() {
    let (receiver, mut system) = started("[\"100ms\"]").await;
    // Made while it was allowed, under a name, so that only the connection itself can be refused later.
    let by_name = receiver.url("/hook").replace("127.0.0.1", "localhost");
    let (named, _) = subscribe(&system, &by_name, &["ClientResponded"], Value::Null).await;
    let (numbered, _) = subscribe(&system, &receiver.url("/hook"), &["ClientResponded"], Value::Null).await;
    system.stop().await.unwrap();
    system.configure(Config::web().with("[webhooks]\nretry = [\"100ms\"]"));
    system.start_again().await.unwrap();
    say(&system, "ann", "hello").await;
    for id in [&named, &numbered] {
        let failed = until_delivery(&system, id, |d| d["state"] == "failed").await;
        assert_eq!((&failed["reason"]["code"], &failed["status"]), (&json!("private_address"), &Value::Null));
    }
    assert!(receiver.posted_to("/hook").is_empty());
    for url in [receiver.url("/hook"), by_name, "http://169.254.169.254/latest/meta-data".to_owned()] {
        let body = json!({ "url": url, "types": ["*"] });
        let refused = system.command(Method::POST, "/api/v1/webhooks", &body).await.unwrap().problem(422).unwrap();
        assert_eq!(refused["code"], "private_address", "{url}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_a_webhook_is_another_tenants_business() {
    let receiver = Receiver::start().await.unwrap();
    let system = System::start(config("[\"1s\"]").with_auth("keys")).await.unwrap();
    let mut holders = Vec::new();
    for tenant in ["default", "other"] {
        let command = &["keys", "create", "--tenant", tenant, "--role", "admin"];
        let output = system.steward(command).unwrap().output().await.unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let mut api = system.api().clone();
        api.key = said.split_whitespace().find(|w| w.starts_with("sk_")).map(str::to_owned);
        holders.push(api);
    }
    let [owner, other] = &holders[..] else { unreachable!("there are two") };
    let make = |path| json!({ "url": receiver.url(path), "types": ["*"] });
    let made = owner.post("/api/v1/webhooks", &make("/own")).await.unwrap();
    other.post("/api/v1/webhooks", &make("/foreign")).await.unwrap();
    let hello = json!({ "channel_id": "web-main", "contact": { "id": "ann" }, "text": "hello" });
    owner.post("/api/v1/messages", &hello).await.unwrap();
    let told = |all: &[Posted]| all.iter().find(|p| p.json()["type"] == "ClientResponded").cloned();
    let told = receiver.until("/own", SOON, told).await.unwrap().json();
    let id = made["id"].as_str().unwrap();
    let path = format!("/api/v1/webhooks/{id}/deliveries");
    let event_position = told["data"]["position"].as_u64().unwrap();
    let delivery = steward_domain::ids::DeliveryId { webhook: id.parse().unwrap(), event_position };
    for path in [format!("/api/v1/webhooks/{id}"), path.clone()] {
        owner.get(&path).await.unwrap();
        other.read(&path).await.unwrap().problem(404).unwrap();
    }
    for (method, path) in [
        (Method::DELETE, format!("/api/v1/webhooks/{id}")),
        (Method::POST, format!("/api/v1/webhooks/{id}/rotate")),
        (Method::POST, format!("/api/v1/webhooks/deliveries/{delivery}/retry")),
    ] {
        other.command(method, &path, &json!({})).await.unwrap().problem(404).unwrap();
    }
    assert_eq!(other.items("/api/v1/webhooks").await.unwrap().len(), 1, "its own");
    assert!(receiver.posted_to("/foreign").is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dispatchers_killed_and_a_log_that_restarts_lose_no_delivery() {
    let receiver = Receiver::start().await.unwrap();
    let config = config("[\"500ms\", \"1s\", \"2s\", \"4s\"]");
    let mut system = System::start_separately(config, &[(OUTBOX_DISPATCHER, 2)]).await.unwrap();
    let (id, _) = subscribe(&system, &receiver.url("/hook"), &["ClientResponded"], Value::Null).await;
    for round in 0..6 {
        for n in 0..25 {
            if n % 5 == 0 {
                receiver.reply_next("/hook", Reply::Status(500));
            }
            say(&system, &format!("client {n}"), &format!("round {round}")).await;
        }
        match round {
            2 => assert!(system.kill_server(Server::Nats)),
            _ => system.kill_process(&format!("{OUTBOX_DISPATCHER}-{}", 1 + round % 2)).await.unwrap(),
        }
        system.start_again().await.unwrap();
    }
    let told = system.events_of_type("ClientResponded").await.unwrap();
    let wanted: HashSet<String> = told.iter().map(|e| e["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(wanted.len(), 150);
    let all = |posted: &[Posted]| {
        let ids: HashSet<&str> = posted.iter().map(|p| p.id.as_str()).collect();
        wanted.iter().all(|id| ids.contains(id.as_str())).then_some(posted.len())
    };
    receiver.until("/hook", SOON, all).await.unwrap();
    let path = format!("/api/v1/webhooks/{id}/deliveries?state=delivered");
    let look = || async { Ok(Some(system.items(&path).await?.len()).filter(|n| *n == 150)) };
    system.until(SOON, look).await.unwrap();
    let posts = receiver.posted_to("/hook").len();
    println!("150 events, 30 refused once, 5 dispatchers and the log's server killed: {posts} posts, none lost");
    assert!(receiver.posted_to("/hook").iter().all(|p| wanted.contains(&p.id)));
}
