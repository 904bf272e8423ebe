//! Every operation of the OpenAPI document with every kind of key: who may do what, and that nobody learns of another tenant's things.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

use chrono::{TimeDelta, Utc};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use steward_tests::{Api, Config, System};

/// What an operator's key must not do: where data goes to, with which secret, and what is spent on, is an admin's matter.
const ADMINS: [&str; 2] = ["/api/v1/webhooks", "/api/v1/settings"];
/// Who may do what is an admin's matter altogether: others don't even see which keys there are.
const KEYS: &str = "/api/v1/keys";
/// Whoever has a key enters with it, and ends what they began.
const SESSIONS: &str = "/api/v1/sessions";

/// An operation as the document describes it.
#[derive(Debug)]
struct Operation {
    method: Method,
    path: String,
    /// Nobody needs a key.
    is_public: bool,
    body: Option<Value>,
}

impl Operation {
    fn all(document: &Value) -> Vec<Self> {
        let mut all = Vec::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for (method, described) in methods.as_object().unwrap() {
                let Ok(method) = Method::from_bytes(method.to_uppercase().as_bytes()) else { continue };
                let content = &described["requestBody"]["content"]["application/json"]["schema"];
                let body = content.is_object().then(|| resolved(document, content));
                let is_public = described["security"] == json!([]);
                all.push(Self { method, path: path.clone(), is_public, body });
            }
        }
        all
    }

    fn is_read(&self) -> bool {
        self.method == Method::GET
    }

    fn needs_admin(&self) -> bool {
        self.path.starts_with(KEYS) || !self.is_read() && ADMINS.iter().any(|path| self.path.starts_with(path))
    }

    /// One's own sessions are everybody's own.
    fn is_own(&self) -> bool {
        self.path.starts_with(SESSIONS)
    }

    /// What is said beside a talk is more than a reader is to see.
    fn needs_operator(&self) -> bool {
        self.path.contains("/traces/")
    }

    fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// Whether it names something that may be another tenant's.
    fn names_a_thing(&self) -> bool {
        let required = self.body.as_ref().map(|body| body["required"].to_string()).unwrap_or_default();
        self.path.contains('{') || required.contains("conversation_id") || required.contains("channel_id")
    }
}

/// A body's schema, where the document refers to it.
fn resolved(document: &Value, schema: &Value) -> Value {
    let parts = schema["oneOf"].as_array().cloned().unwrap_or_else(|| vec![schema.clone()]);
    let pointer = parts.iter().find_map(|part| part["$ref"].as_str()?.strip_prefix('#'));
    pointer.map_or_else(|| schema.clone(), |pointer| document.pointer(pointer).unwrap().clone())
}

/// Ids of one tenant's things, by the part of the path that stands before them.
#[derive(Debug, Clone)]
struct Things(BTreeMap<&'static str, String>);

impl Things {
    /// As many ids of the same form that belong to nobody.
    fn unknown(&self) -> Self {
        let other = |id: &String| {
            let digit = |(i, c): (usize, char)| match c {
                // In the middle of an id stands what kind of thing it is.
                c if c.is_ascii_hexdigit() && i != 32 => char::from_digit(rand::random_range(0..16), 16).unwrap(),
                c => c,
            };
            if id.len() >= 32 { id.chars().enumerate().map(digit).collect() } else { "nobodys".to_owned() }
        };
        Self(self.0.iter().map(|(kind, id)| (*kind, other(id))).collect())
    }

    fn path(&self, operation: &Operation) -> String {
        let mut before = "";
        let parts = operation.path.split('/').map(|part| {
            let id = part.starts_with('{').then(|| self.0.get(before).cloned().unwrap_or_else(|| "nothing".to_owned()));
            before = part;
            id.unwrap_or_else(|| part.to_owned())
        });
        parts.collect::<Vec<_>>().join("/")
    }

    /// The least that the operation's body must hold.
    fn body(&self, schema: &Value) -> Value {
        let mut body = json!({});
        let required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            // Some say nothing is required but refuse a body that changes nothing.
            if required.contains(&name.as_str()) || ["text", "due_at", "name"].contains(&name.as_str()) {
                body[name] = self.value(name, property);
            }
        }
        body
    }

    fn value(&self, name: &str, schema: &Value) -> Value {
        match name {
            "conversation_id" => json!(self.0["conversations"]),
            "channel_id" => json!(self.0["channels"]),
            "contact" => json!({ "id": "anna" }),
            "into" => json!(self.0["another contact"]),
            "url" => json!("http://127.0.0.1:9/hook"),
            "types" => json!(["ClientResponded"]),
            _ if schema["format"] == "date-time" => json!((Utc::now() + TimeDelta::days(1)).to_rfc3339()),
            _ if schema["enum"].is_array() => schema["enum"][0].clone(),
            _ => json!("words"),
        }
    }
}

fn with_key(system: &System, key: &str) -> Api {
    let mut api = system.api().clone();
    api.key = Some(key.to_owned());
    api
}

/// The id of the contact that writes in a conversation.
async fn contact_of(api: &Api, conversation: &str) -> String {
    let read = api.get(&format!("/api/v1/conversations/{conversation}")).await.unwrap();
    read["contact"]["id"].as_str().unwrap().to_owned()
}

/// One of each thing that `api`'s tenant can have.
async fn things(api: &Api, channel: &str) -> Things {
    let hello = json!({ "channel_id": channel, "contact": { "id": "anna" }, "text": "hello" });
    let conversation =
        api.post("/api/v1/messages", &hello).await.unwrap()["conversation_id"].as_str().unwrap().to_owned();
    let follow_up =
        api.schedule(&conversation, "secret words", Utc::now() + TimeDelta::days(1), &json!({})).await.unwrap();
    let due = (Utc::now() + TimeDelta::days(1)).to_rfc3339();
    let message = json!({ "conversation_id": conversation, "text": "secret words", "due_at": due });
    let outbox = api.post("/api/v1/outbox", &message).await.unwrap()["id"].as_str().unwrap().to_owned();
    let webhook = json!({ "url": "http://127.0.0.1:9/hook", "types": ["DispatchSucceeded"] });
    let webhook = api.post("/api/v1/webhooks", &webhook).await.unwrap()["id"].as_str().unwrap().to_owned();
    let contact = contact_of(api, &conversation).await;
    let from_another = json!({ "channel_id": channel, "contact": { "id": "boris" }, "text": "hello" });
    let another = api.post("/api/v1/messages", &from_another).await.unwrap();
    let another = contact_of(api, another["conversation_id"].as_str().unwrap()).await;
    Things(BTreeMap::from([
        ("conversations", conversation),
        ("contacts", contact),
        ("another contact", another),
        ("follow-ups", follow_up),
        ("outbox", outbox),
        ("webhooks", webhook),
        ("sessions", api.post("/api/v1/sessions", &json!({})).await.unwrap()["id"].as_str().unwrap().to_owned()),
        ("channels", channel.to_owned()),
        // Of none that there is: an event's id.
        ("deliveries", uuid::Uuid::now_v7().to_string()),
    ]))
}

/// The status, and the body but for a stream's, which has no end. An id that was asked for may be named in it.
async fn tried(system: &System, key: Option<&str>, operation: &Operation, things: &Things) -> (StatusCode, String) {
    let path = things.path(operation);
    let mut request = system.client.request(operation.method.clone(), format!("{}{path}", system.write));
    if let Some(key) = key {
        request = request.bearer_auth(key);
    }
    let body = operation.body.as_ref().map(|schema| things.body(schema));
    let asked = format!("{path} {}", body.as_ref().map(Value::to_string).unwrap_or_default());
    if let Some(body) = &body {
        request = request.json(body);
    }
    let answer = request.send().await.unwrap();
    let status = answer.status();
    let stream = answer.headers().get("content-type").is_some_and(|kind| kind == "text/event-stream");
    let said = if stream { String::new() } else { answer.text().await.unwrap() };
    let named = things.0.values().filter(|id| id.len() > 20 && asked.contains(id.as_str()));
    (status, named.fold(said, |said, id| said.replace(id, "{id}")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_key_opens_what_its_role_allows_and_nothing_of_another_tenant() {
    let other = "id = \"web-other\"\nkind = \"web\"\ntenant = \"other\"";
    let config = Config::web().with_auth("keys").with_channel(other).with("[webhooks]\nallow_private = true");
    let system = System::start(config).await.unwrap();
    let (admin, _) = system.create_key("default", "admin").await.unwrap();
    let (operator, _) = system.create_key("default", "operator").await.unwrap();
    let (reader, _) = system.create_key("default", "reader").await.unwrap();
    let (stranger, _) = system.create_key("other", "admin").await.unwrap();
    let (revoked, revoked_id) = system.create_key("default", "admin").await.unwrap();
    let revoking = system.steward(&["keys", "revoke", &revoked_id]).unwrap().output().await.unwrap();
    assert!(revoking.status.success());

    let ours = things(&with_key(&system, &admin), "web-main").await;
    let unknown = ours.unknown();
    let document = system.client.get(format!("{}/openapi.json", system.read)).send().await.unwrap();
    let operations = Operation::all(&document.json().await.unwrap());
    assert!(operations.len() > 45, "only {} operations were found", operations.len());
    let mut wrong = Vec::new();
    let mut count = 0;
    let mut expect = |case: &str, operation: &Operation, right: bool, (status, body): &(StatusCode, String)| {
        count += 1;
        if !right || status.is_server_error() {
            wrong.push(format!(
                "{} with {case}: {status} {}",
                operation.name(),
                body.chars().take(200).collect::<String>()
            ));
        }
    };
    let refused = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN];

    let keyed = || operations.iter().filter(|operation| !operation.is_public);
    for operation in operations.iter().filter(|operation| operation.is_public) {
        let without = tried(&system, None, operation, &ours).await;
        let with = tried(&system, Some("sk_default_wrong"), operation, &ours).await;
        expect("any key", operation, without == with, &with);
    }
    for operation in keyed() {
        let junk = format!("sk_default_{}", "0".repeat(48));
        for (case, key) in [("no key", None), ("no key of ours", Some("junk")), ("a revoked key", Some(&*revoked))] {
            let answer = tried(&system, key, operation, &ours).await;
            let right =
                answer.0 == StatusCode::UNAUTHORIZED || (key.is_some() && answer.0 == StatusCode::TOO_MANY_REQUESTS);
            expect(case, operation, right && answer.1.contains("\"detail\""), &answer);
        }
        let guessed = tried(&system, Some(&junk), operation, &ours).await;
        let right = [StatusCode::UNAUTHORIZED, StatusCode::TOO_MANY_REQUESTS].contains(&guessed.0);
        expect("a guessed key", operation, right, &guessed);
        let answer = tried(&system, Some(&reader), operation, &ours).await;
        let reads = operation.is_read() && !operation.needs_admin() && !operation.needs_operator();
        let may = reads || operation.is_own();
        let right = if may { !refused.contains(&answer.0) } else { answer.0 == StatusCode::FORBIDDEN };
        expect("a reader's key", operation, right, &answer);
        if operation.needs_admin() {
            let answer = tried(&system, Some(&operator), operation, &ours).await;
            expect("an operator's key", operation, answer.0 == StatusCode::FORBIDDEN, &answer);
        }
    }
    // Another tenant's things are as unknown as what isn't there, word for word.
    for operation in keyed() {
        let theirs = tried(&system, Some(&stranger), operation, &ours).await;
        expect(
            "another tenant's key",
            operation,
            !ours.0.values().any(|id| id.len() > 20 && theirs.1.contains(id)),
            &theirs,
        );
        expect("another tenant's key", operation, !theirs.1.contains("secret words"), &theirs);
        if operation.names_a_thing() {
            let nobodys = tried(&system, Some(&stranger), operation, &unknown).await;
            expect("another tenant's key and id", operation, theirs.0 == StatusCode::NOT_FOUND, &theirs);
            expect("another tenant's key and id", operation, theirs == nobodys, &theirs);
        }
    }
    // What changes things comes last.
    for operation in keyed().filter(|operation| !operation.needs_admin()) {
        let answer = tried(&system, Some(&operator), operation, &ours).await;
        expect("an operator's key", operation, !refused.contains(&answer.0), &answer);
    }
    for operation in keyed() {
        let answer = tried(&system, Some(&admin), operation, &ours).await;
        expect("an admin's key", operation, !refused.contains(&answer.0), &answer);
    }
    println!("{} of {count} answers are as they should be, over {} operations", count - wrong.len(), operations.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let said = system.said(10_000);
    assert!(said.contains("isn't in force was refused"), "refusals are logged");
    assert!(
        ![&admin, &operator, &reader, &revoked].iter().any(|key| said.contains(key.as_str())),
        "a key is in the log"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_guesses_keys_waits_while_those_who_have_one_do_not() {
    let metrics = steward_tests::system::free_port().unwrap();
    let listen = format!("[server]\nmetrics_listen = \"127.0.0.1:{metrics}\"\ntrusted_proxies = [\"127.0.0.1\"]");
    let system = System::start(Config::web().with_auth("keys").with(&listen)).await.unwrap();
    let (key, _) = system.create_key("default", "reader").await.unwrap();
    let status = async |path: &str, key: &str, from: &str| {
        let request = system.client.get(format!("{}{path}", system.read)).bearer_auth(key);
        request.header("X-Forwarded-For", from).send().await.unwrap().status().as_u16()
    };
    assert_eq!(status("/api/v1/channels", &key, "192.0.2.1").await, 200);
    // A key made a moment ago is in force at once, though its tenant's keys are remembered.
    let (fresh, _) = system.create_key("default", "reader").await.unwrap();
    assert_eq!(status("/api/v1/channels", &fresh, "192.0.2.3").await, 200);
    let mut seen = Vec::new();
    for n in 0..60 {
        seen.push(status("/api/v1/channels", &format!("sk_default_{n}"), "192.0.2.1").await);
    }
    assert!(seen.starts_with(&[401; 20]) && seen.ends_with(&[429; 5]), "{seen:?}");
    assert_eq!(status("/api/v1/channels", &key, "192.0.2.1").await, 200, "a key that is known is let through");
    assert_eq!(status("/api/v1/channels", "sk_default_x", "192.0.2.2").await, 401, "another address doesn't wait");
    for n in 0..200 {
        let made_up = format!("sk_tenant{n}_x");
        assert_eq!(status("/api/v1/channels", &made_up, &format!("198.51.100.{n}")).await, 401);
    }

    assert_eq!(status("/metrics", "sk_default_x", "192.0.2.4").await, 401);
    assert_eq!(status("/metrics", &key, "192.0.2.4").await, 200);
    let own = system.client.get(format!("http://127.0.0.1:{metrics}/metrics")).send().await.unwrap();
    let text = own.text().await.unwrap();
    assert!(text.contains("steward_http_keys_refused_total"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_keys_what_comes_through_a_proxy_is_refused() {
    let system = System::start(Config::web()).await.unwrap();
    let hello = json!({ "channel_id": "web-main", "contact": { "id": "anna" }, "text": "hello" });
    for (header, value) in
        [("Forwarded", "for=1.2.3.4"), ("X-Forwarded-For", "1.2.3.4"), ("X-Real-IP", "1.2.3.4"), ("Via", "1.1 proxy")]
    {
        let post = system.client.post(format!("{}/api/v1/messages", system.write)).json(&hello);
        let problem = system.answer(post.header(header, value)).await.unwrap().problem(403).unwrap();
        assert!(problem["detail"].as_str().unwrap().contains("steward keys create"), "{problem}");
        let metrics = system.client.get(format!("{}/metrics", system.read)).header(header, value);
        assert_eq!(metrics.send().await.unwrap().status(), 403);
    }
    system.post("/api/v1/messages", &hello).await.unwrap();
}
