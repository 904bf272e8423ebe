//! Every operation of the OpenAPI document is called, well and badly, and every answer is held against the document.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{collections::BTreeSet, time::Duration};

use chrono::{TimeDelta, Utc};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use steward_tests::{
    Config, Llm, System, Telegram, WhatsApp,
    config::SECRET,
    llm::{self, Format},
    openapi::{Answered, Document, name},
    updates,
    whatsapp::VERIFY_TOKEN,
};

/// Longest wait for what a read is to show.
const PATIENCE: Duration = Duration::from_secs(120);

/// The operations whose repeat does nothing, and isn't answered as the first was: a key's text is shown once.
const ANSWERED_OTHERWISE: [&str; 2] = ["POST /api/v1/keys", "POST /api/v1/sessions"];

/// One request, by default with the admin's key.
#[derive(Clone)]
struct Call<'a> {
    method: Method,
    /// As the document writes it.
    path: &'a str,
    ids: Vec<&'a str>,
    query: Vec<(&'a str, String)>,
    headers: Vec<(&'a str, String)>,
    body: Option<Value>,
    /// Instead of a JSON body.
    raw: Option<(&'a str, Vec<u8>)>,
    key: Option<&'a str>,
}

struct Caller<'a> {
    system: &'a System,
    document: Document,
    admin: &'a str,
    log: async_nats::Client,
    wrong: Vec<String>,
    answers: usize,
    /// The operations that were done under a key, and once more.
    repeated: BTreeSet<String>,
    /// Those of them whose repeat did nothing, and was answered otherwise.
    otherwise: BTreeSet<String>,
}

impl<'a> Caller<'a> {
    fn call(&self, method: Method, path: &'a str, ids: &[&'a str]) -> Call<'a> {
        let (query, headers) = (Vec::new(), Vec::new());
        Call { method, path, ids: ids.to_vec(), query, headers, body: None, raw: None, key: Some(self.admin) }
    }

    fn get(&self, path: &'a str, ids: &[&'a str]) -> Call<'a> {
        self.call(Method::GET, path, ids)
    }

    fn post(&self, path: &'a str, ids: &[&'a str], body: Value) -> Call<'a> {
        Call { body: Some(body), ..self.call(Method::POST, path, ids) }
    }

    /// Sends it, and notes whatever the document doesn't say.
    async fn send(&mut self, call: Call<'a>) -> Answered {
        let mut ids = call.ids.iter();
        let parts = call.path.split('/').map(|part| if part.starts_with('{') { ids.next().unwrap() } else { part });
        let url = format!("{}{}", self.system.write, parts.collect::<Vec<_>>().join("/"));
        let mut request = self.system.client.request(call.method.clone(), url).query(&call.query);
        if let Some(key) = call.key {
            request = request.bearer_auth(key);
        }
        for (name, value) in &call.headers {
            request = request.header(*name, value);
        }
        if let Some(body) = &call.body {
            request = request.json(body);
        }
        if let Some((kind, bytes)) = &call.raw {
            request = request.header("content-type", *kind).body(bytes.clone());
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let endless = headers.get("content-type").is_some_and(|kind| kind == "text/event-stream");
        let body = if endless { None } else { Some(response.text().await.unwrap()) };
        let answered = Answered { status, headers, body };
        self.answers += 1;
        let mut judged = self.document.judge(&call.method, call.path, &answered);
        if status.is_success() && call.raw.is_none() {
            let body = call.body.as_ref();
            judged = judged.and(self.document.judge_request(&call.method, call.path, &call.query, body));
        }
        if let Err(error) = judged {
            let said: String = answered.body.clone().unwrap_or_default().chars().take(400).collect();
            self.wrong.push(format!("{}: {status}: {error:#}\n    {said}", name(&call.method, call.path)));
        }
        answered
    }

    /// Sends what must be granted; its body. What writes is sent under a key, and once more.
    async fn granted(&mut self, call: Call<'a>) -> Value {
        let name = name(&call.method, call.path);
        let writes = call.method != Method::GET && call.path.starts_with("/api/");
        let mut call = call;
        if writes && !call.headers.iter().any(|(name, _)| *name == "Idempotency-Key") {
            call.headers.push(("Idempotency-Key", format!("key-{}", self.answers)));
        }
        let answered = self.send(call.clone()).await;
        assert!(answered.status.is_success(), "{name}: {} {:?}", answered.status, answered.body);
        if writes {
            self.repeated(call, &answered).await;
        }
        answered.json()
    }

    /// A repeat is answered as the first was, and does nothing; another body under the same key is refused.
    async fn repeated(&mut self, call: Call<'a>, first: &Answered) {
        let name = name(&call.method, call.path);
        let before = self.done().await;
        let again = self.send(call.clone()).await;
        assert_eq!(self.done().await, before, "{name} was done twice");
        // It says the position that is to be waited for by now.
        let (mut was, mut is) = (first.json(), again.json());
        for answer in [&mut was, &mut is] {
            answer["position"] = Value::Null;
        }
        if (again.status, is) != (first.status, was) {
            self.otherwise.insert(name.clone());
        }
        // What it says doesn't matter: it isn't looked at.
        let mut body = call.body.clone().unwrap_or_else(|| json!({}));
        body["note"] = json!("something else");
        self.refused(Call { body: Some(body), ..call }, 422, "key_reused").await;
        self.repeated.insert(name);
    }

    /// The position of the last event in the log that somebody with a key has made.
    async fn done(&mut self) -> Value {
        let info = self.log.request("$JS.API.STREAM.INFO.EVENTS", "".into()).await.unwrap();
        let info: Value = serde_json::from_slice(&info.payload).unwrap();
        let end = vec![("Steward-After", info["state"]["last_seq"].to_string())];
        let query = vec![("actor", "operator:operator".to_owned()), ("limit", "1".to_owned())];
        let call = Call { query, headers: end, ..self.get("/api/v1/events", &[]) };
        let answered = self.send(call).await;
        assert!(answered.status.is_success(), "{:?}", answered.body);
        answered.json()["items"][0]["position"].clone()
    }

    /// Sends what must be refused with this code.
    async fn refused(&mut self, call: Call<'a>, status: u16, code: &str) {
        let name = name(&call.method, call.path);
        let answered = self.send(call).await;
        let said = (answered.status.as_u16(), answered.json()["code"].as_str().unwrap_or_default().to_owned());
        assert_eq!(said, (status, code.to_owned()), "{name}: {:?}", answered.body);
    }

    /// The first item of a list, once there is one.
    async fn first(&mut self, call: Call<'a>) -> Value {
        let begun = tokio::time::Instant::now();
        loop {
            let page = self.granted(call.clone()).await;
            match page["items"].get(0) {
                Some(item) => return item.clone(),
                None => assert!(begun.elapsed() < PATIENCE, "{} stays empty", call.path),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

fn after(answer: &Value) -> Vec<(&'static str, String)> {
    vec![("Steward-After", answer["position"].to_string())]
}

fn text<'a>(answer: &'a Value, field: &str) -> &'a str {
    answer[field].as_str().unwrap_or_else(|| panic!("no {field} in {answer}"))
}

fn id_of(answer: &Value, field: &str) -> &'static str {
    leaked(text(answer, field).to_owned())
}

/// The test ends before it would matter.
fn leaked(text: String) -> &'static str {
    text.leak()
}

fn tomorrow() -> String {
    (Utc::now() + TimeDelta::days(1)).to_rfc3339()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_operation_answers_as_the_document_says() {
    let telegram = Telegram::start().await.unwrap();
    let whatsapp = WhatsApp::start().await.unwrap();
    let llm = Llm::start().await.unwrap();
    let model = format!(
        "[brain.providers.openai]\nmodel = \"m-1\"\napi_key = \"{}\"\nbase_url = \"{}\"",
        llm::KEY,
        llm.base(Format::Openai)
    );
    let config = Config::telegram(&telegram).with_channel(&whatsapp.channel("")).with_auth("keys").with(&model);
    let system = System::start(config.with("[webhooks]\nallow_private = true")).await.unwrap();
    let (admin, _) = system.create_key("default", "admin").await.unwrap();
    let (operator, _) = system.create_key("default", "operator").await.unwrap();
    let (reader, _) = system.create_key("default", "reader").await.unwrap();
    let document = system.client.get(format!("{}/openapi.json", system.read)).send().await.unwrap();
    let document = Document::new(document.json().await.unwrap());
    assert_eq!(document.wrong_examples(), Vec::<String>::new());
    let log = system.nats().await.unwrap();
    let (wrong, repeated) = (Vec::new(), BTreeSet::new());
    let mut caller = Caller {
        system: &system,
        document,
        admin: &admin,
        log,
        wrong,
        answers: 0,
        repeated,
        otherwise: BTreeSet::new(),
    };

    open_to_all(&mut caller).await;
    conversations(&mut caller).await;
    follow_ups(&mut caller).await;
    outbox(&mut caller).await;
    contacts_and_breaker(&mut caller).await;
    memory(&mut caller).await;
    traces(&mut caller, &llm).await;
    webhooks(&mut caller).await;
    keys(&mut caller).await;
    sessions(&mut caller).await;
    letters(&mut caller).await;
    badly(&mut caller, [&operator, &reader]).await;

    let otherwise: Vec<&str> = caller.otherwise.iter().map(String::as_str).collect();
    assert_eq!(otherwise, ANSWERED_OTHERWISE, "all other repeats are answered as the first was");
    caller.wrong.extend(caller.document.not_called());
    let writes = caller
        .document
        .operations()
        .into_iter()
        .filter(|(method, path, _)| *method != Method::GET && path.starts_with("/api/"));
    let never = writes.map(|(method, path, _)| name(&method, &path)).filter(|name| !caller.repeated.contains(name));
    caller.wrong.extend(never.map(|name| format!("{name} was never repeated under its key")));
    println!("{} answers to {} operations", caller.answers, caller.document.operations().len());
    assert!(caller.wrong.is_empty(), "{}", caller.wrong.join("\n"));
}

async fn client_writes<'a>(caller: &mut Caller<'a>, who: &str) -> Value {
    let body = json!({ "channel_id": "web-main", "contact": { "id": who }, "text": "hello" });
    caller.granted(caller.post("/api/v1/messages", &[], body)).await
}

async fn open_to_all<'a>(caller: &mut Caller<'a>) {
    for path in ["/openapi.json", "/asyncapi.json", "/healthz", "/readyz"] {
        let call = Call { key: None, ..caller.get(path, &[]) };
        caller.granted(call).await;
    }
    caller.granted(caller.get("/metrics", &[])).await;
    let update = updates::text(4711, "hello");
    let header = ("X-Telegram-Bot-Api-Secret-Token", SECRET.to_owned());
    let bytes = update.to_string().into_bytes();
    let telegram = Call {
        key: None,
        headers: vec![header.clone()],
        raw: Some(("application/json", bytes)),
        ..caller.call(Method::POST, "/webhooks/{kind}/{channel_id}", &["telegram", "tg-main"])
    };
    caller.granted(telegram.clone()).await;
    let only = Call { path: "/webhooks/{kind}", ids: vec!["telegram"], ..telegram.clone() };
    caller.granted(only.clone()).await;
    for call in [telegram, only] {
        let unread = Call { raw: Some(("application/json", b"{".to_vec())), ..call.clone() };
        caller.refused(unread, 400, "no_update").await;
        let large = Call { raw: Some(("application/json", vec![b' '; (1 << 20) + 1])), ..call.clone() };
        caller.refused(large, 413, "too_large").await;
        caller.refused(Call { headers: Vec::new(), ..call.clone() }, 401, "wrong_secret").await;
        let ids = call.ids.iter().map(|_| "nothing").collect();
        caller.refused(Call { ids, ..call.clone() }, 404, "unknown_channel").await;
    }
    let handshake = |token: &str| {
        vec![
            ("hub.mode", "subscribe".to_owned()),
            ("hub.verify_token", token.to_owned()),
            ("hub.challenge", "1158201444".to_owned()),
        ]
    };
    let hands =
        [("/webhooks/{kind}", vec!["whatsapp"]), ("/webhooks/{kind}/{channel_id}", vec!["whatsapp", "wa-main"])];
    for (path, ids) in hands {
        let call = Call { key: None, query: handshake(VERIFY_TOKEN), ..caller.get(path, &ids) };
        let answered = caller.send(call.clone()).await;
        assert_eq!(answered.body.as_deref(), Some("1158201444"));
        caller.refused(Call { query: handshake("x"), ..call.clone() }, 403, "wrong_verify_token").await;
        caller.refused(Call { query: handshake(VERIFY_TOKEN)[1..].to_vec(), ..call }, 400, "no_challenge").await;
        let unsigned = caller.call(Method::POST, path, &ids);
        caller.refused(unsigned, 401, "wrong_signature").await;
    }
    let call = caller.get("/webhooks/{kind}/{channel_id}", &["telegram", "tg-main"]);
    caller.refused(call, 405, "wrong_method").await;
}

async fn conversations<'a>(caller: &mut Caller<'a>) {
    let said = client_writes(caller, "anna").await;
    let id = id_of(&said, "conversation_id");
    for path in ["/api/v1/conversations", "/api/v1/messages", "/api/v1/events"] {
        let query = vec![("conversation_id", id.to_owned()), ("limit", "2".to_owned()), ("after", "0".to_owned())];
        caller.first(Call { query, headers: after(&said), ..caller.get(path, &[]) }).await;
    }
    for path in ["", "/messages", "/timeline"] {
        let path = leaked(format!("/api/v1/conversations/{{id}}{path}"));
        caller.granted(Call { headers: after(&said), ..caller.get(path, &[id]) }).await;
    }
    for sort in ["created", "latest", "attention"] {
        let query = vec![("sort", sort.to_owned()), ("q", "AN".to_owned()), ("owner", "bot,human".to_owned())];
        caller.granted(Call { query, ..caller.get("/api/v1/conversations", &[]) }).await;
    }
    let query = vec![("attention", "held,failed".to_owned()), ("owner", "bot".to_owned())];
    caller.granted(Call { query, ..caller.get("/api/v1/conversations", &[]) }).await;
    let then = vec![("at", said["position"].to_string())];
    for path in ["/api/v1/conversations/{id}", "/api/v1/conversations/{id}/messages"] {
        caller.granted(Call { query: then.clone(), ..caller.get(path, &[id]) }).await;
    }
    for path in ["/api/v1/follow-ups", "/api/v1/outbox"] {
        let query = [then.clone(), vec![("conversation_id", id.to_owned())]].concat();
        caller.granted(Call { query, ..caller.get(path, &[]) }).await;
        caller.refused(Call { query: then.clone(), ..caller.get(path, &[]) }, 400, "bad_query").await;
    }
    caller.granted(caller.get("/api/v1/channels", &[])).await;
    let chosen = caller.call(Method::PUT, "/api/v1/conversations/{id}/brain", &[id]);
    caller.granted(Call { body: Some(json!({ "provider": "rules" })), ..chosen.clone() }).await;
    caller.refused(Call { body: Some(json!({ "provider": "oracle" })), ..chosen }, 422, "no_such_brain").await;
    caller.granted(caller.get("/api/v1/attention", &[])).await;
    caller.granted(caller.get("/api/v1/system", &[])).await;
    for (said, outcome) in [("tomorrow at 9", "instant"), ("Monday or Friday", "ambiguous"), ("hm", "none")] {
        let query = vec![("text", said.to_owned()), ("conversation_id", id.to_owned())];
        let read = caller.granted(Call { query, ..caller.get("/api/v1/time", &[]) }).await;
        assert_eq!(read["outcome"], outcome, "{read}");
    }
    let by = json!({ "by": "anna" });
    caller
        .granted(caller.post("/api/v1/conversations/{id}/takeover", &[id], json!({ "by": "anna", "note": "hm" })))
        .await;
    caller
        .refused(caller.post("/api/v1/conversations/{id}/takeover", &[id], by.clone()), 409, "already_taken_over")
        .await;
    caller.granted(caller.post("/api/v1/conversations/{id}/release", &[id], by.clone())).await;
    caller.refused(caller.post("/api/v1/conversations/{id}/release", &[id], by.clone()), 409, "not_taken_over").await;
    let write = caller.post("/api/v1/conversations/{id}/messages", &[id], json!({ "text": "It is me." }));
    let written = caller.granted(write).await;
    caller.granted(caller.post("/api/v1/conversations/{id}/resolve", &[id], by.clone())).await;
    caller
        .refused(caller.post("/api/v1/conversations/{id}/resolve", &[id], json!({ "by": " " })), 422, "bad_body")
        .await;
    for at in ["2020-01-01T00:00:00Z", "2120-01-01T00:00:00Z", "then"] {
        let code = if at == "then" {
            "bad_time"
        } else if at.starts_with("2020") {
            "past"
        } else {
            "too_far"
        };
        let later = json!({ "text": "Later.", "send_at": at });
        caller.refused(caller.post("/api/v1/conversations/{id}/messages", &[id], later), 422, code).await;
    }
    let stream = caller.get("/api/v1/stream", &[]);
    let seen = vec![("Last-Event-ID", "0".to_owned())];
    caller.granted(Call { query: vec![("types", "new_message".to_owned())], headers: seen, ..stream.clone() }).await;
    caller.refused(Call { query: vec![("types", "nothing".to_owned())], ..stream.clone() }, 400, "bad_query").await;
    caller.refused(Call { headers: vec![("Last-Event-ID", "x".to_owned())], ..stream }, 400, "bad_position").await;
    // All kinds of messages that are there.
    caller.granted(Call { headers: after(&written), ..caller.get("/api/v1/messages", &[]) }).await;
    for (contact, code) in [("", "bad_contact"), ("anna", "empty_text")] {
        let body = json!({ "channel_id": "web-main", "contact": { "id": contact }, "text": "" });
        caller.refused(caller.post("/api/v1/messages", &[], body), 422, code).await;
    }
    let to = |channel: &str, more: &str, value: &str| json!({ "channel_id": channel, "contact": { "id": "anna", more: value }, "text": "hi" });
    caller.refused(caller.post("/api/v1/messages", &[], to("none", "name", "A")), 404, "unknown_channel").await;
    caller.refused(caller.post("/api/v1/messages", &[], to("tg-main", "name", "A")), 422, "wrong_channel").await;
    caller
        .refused(caller.post("/api/v1/messages", &[], to("web-main", "language", "tlh")), 422, "unknown_language")
        .await;
    caller
        .refused(caller.post("/api/v1/messages", &[], to("web-main", "timezone", "Moon")), 422, "unknown_timezone")
        .await;
    let keyed = caller.post("/api/v1/messages", &[], to("web-main", "name", "Anna"));
    let keyed = Call { headers: vec![("Idempotency-Key", "one".to_owned())], ..keyed };
    caller.granted(keyed.clone()).await;
    let other = Call { body: Some(to("web-main", "name", "Ana")), ..keyed };
    caller.refused(other, 422, "key_reused").await;
}

async fn follow_ups<'a>(caller: &mut Caller<'a>) {
    let said = client_writes(caller, "boris").await;
    let conversation = text(&said, "conversation_id").to_owned();
    let new = |more: Value| {
        let mut body = json!({ "conversation_id": conversation, "text": "Have you had time?" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let promise = new(json!({ "phrase": "in 3 days at 10", "key": "a", "cancel_on": "never", "reason": "they asked" }));
    let made = caller.granted(caller.post("/api/v1/follow-ups", &[], promise)).await;
    let id = id_of(&made, "id");
    let query = vec![("state", "pending,sent".to_owned()), ("cancel_on", "never".to_owned())];
    caller.first(Call { query, headers: after(&made), ..caller.get("/api/v1/follow-ups", &[]) }).await;
    caller.granted(caller.get("/api/v1/follow-ups/{id}", &[id])).await;
    let change =
        |body: Value| Call { body: Some(body), ..caller.call(Method::PATCH, "/api/v1/follow-ups/{id}", &[id]) };
    let changes = [change(json!({ "due_at": tomorrow(), "text": "Well?" })), change(json!({}))];
    let [granted, nothing] = changes;
    let changed = caller.granted(granted).await;
    caller.refused(nothing, 422, "bad_body").await;
    caller.refused(caller.post("/api/v1/follow-ups", &[], new(json!({ "phrase": "hm" }))), 422, "no_time").await;
    let past = new(json!({ "due_at": "2020-01-01T00:00:00Z" }));
    caller.refused(caller.post("/api/v1/follow-ups", &[], past), 422, "past").await;
    caller.refused(caller.post("/api/v1/follow-ups", &[], new(json!({}))), 422, "bad_time").await;
    let tool =
        new(json!({ "due_at": tomorrow(), "action": { "kind": "tool", "tool": "list_follow_ups", "input": {} } }));
    caller.granted(caller.post("/api/v1/follow-ups", &[], tool)).await;
    let kind = new(json!({ "due_at": tomorrow(), "action": { "kind": "dance" } }));
    caller.refused(caller.post("/api/v1/follow-ups", &[], kind), 422, "bad_body").await;
    // An hour alone keeps the day: it is due tomorrow, about this time.
    let query = vec![("text", "6 pm".to_owned()), ("follow_up_id", id.to_owned())];
    let read = caller.granted(Call { query, ..caller.get("/api/v1/time", &[]) }).await;
    let date = |at: &str| at[..10].to_owned();
    let due = caller.granted(Call { headers: after(&changed), ..caller.get("/api/v1/follow-ups/{id}", &[id]) }).await;
    let zone: chrono_tz::Tz = text(&read, "timezone").parse().unwrap();
    let local = text(&due, "due_at").parse::<chrono::DateTime<Utc>>().unwrap().with_timezone(&zone);
    assert_eq!(date(text(&read["readings"][0], "local")), local.format("%Y-%m-%d").to_string(), "{read}");
    let cancel = caller.call(Method::DELETE, "/api/v1/follow-ups/{id}", &[id]);
    let cancelled = caller.granted(Call { body: Some(json!({ "reason": "they called" })), ..cancel.clone() }).await;
    caller.refused(cancel.clone(), 409, "already_cancelled").await;
    caller.granted(Call { headers: vec![("Idempotency-Key", "again".to_owned())], ..cancel }).await;
    caller.granted(Call { headers: after(&cancelled), ..caller.get("/api/v1/follow-ups", &[]) }).await;
    let renewed = caller.granted(caller.call(Method::POST, "/api/v1/follow-ups/{id}/renew", &[id])).await;
    let again = caller.call(Method::POST, "/api/v1/follow-ups/{id}/renew", &[id_of(&renewed, "id")]);
    caller.refused(again, 409, "not_cancelled").await;
    let query = vec![
        ("current", "true".to_owned()),
        ("sort", "due".to_owned()),
        ("due_after", "2020-01-01T00:00:00Z".to_owned()),
        ("due_before", "2120-01-01T00:00:00Z".to_owned()),
    ];
    let due = caller.first(Call { query, headers: after(&renewed), ..caller.get("/api/v1/follow-ups", &[]) }).await;
    assert_eq!(due["renewed_by"], Value::Null);
}

async fn outbox<'a>(caller: &mut Caller<'a>) {
    let said = client_writes(caller, "clara").await;
    let conversation = text(&said, "conversation_id").to_owned();
    let new = json!({ "conversation_id": conversation, "text": "It is on its way.", "due_at": tomorrow(), "on_reply": "keep" });
    let made = caller.granted(caller.post("/api/v1/outbox", &[], new)).await;
    let id = id_of(&made, "id");
    let change = caller.call(Method::PATCH, "/api/v1/outbox/{id}", &[id]);
    caller.granted(Call { body: Some(json!({ "text": "It has left." })), ..change.clone() }).await;
    caller.refused(Call { body: Some(json!({})), ..change }, 422, "bad_body").await;
    caller.granted(caller.post("/api/v1/outbox/{id}/move", &[id], json!({ "due_at": tomorrow() }))).await;
    caller
        .refused(
            caller.post("/api/v1/outbox/{id}/move", &[id], json!({ "due_at": "2020-01-01T00:00:00Z" })),
            422,
            "past",
        )
        .await;
    let held = caller.granted(caller.call(Method::POST, "/api/v1/outbox/{id}/hold", &[id])).await;
    caller.refused(caller.call(Method::POST, "/api/v1/outbox/{id}/hold", &[id]), 409, "already_held").await;
    let message = caller.granted(Call { headers: after(&held), ..caller.get("/api/v1/outbox/{id}", &[id]) }).await;
    caller
        .refused(caller.post("/api/v1/outbox/{id}/approve", &[id], json!({ "hash": "stale" })), 409, "approval_stale")
        .await;
    let hash = json!({ "hash": text(&message, "approval_hash") });
    caller.granted(caller.post("/api/v1/outbox/{id}/approve", &[id], hash.clone())).await;
    caller.refused(caller.post("/api/v1/outbox/{id}/approve", &[id], hash), 409, "not_held").await;
    caller.refused(caller.call(Method::POST, "/api/v1/outbox/{id}/retry", &[id]), 409, "not_retryable").await;
    let again = caller.call(Method::POST, "/api/v1/outbox/{id}/retry", &[id]);
    caller.granted(Call { headers: vec![("Idempotency-Key", "again".to_owned())], ..again }).await;
    caller.granted(caller.call(Method::POST, "/api/v1/outbox/{id}/cancel", &[id])).await;
    caller.refused(caller.call(Method::POST, "/api/v1/outbox/{id}/cancel", &[id]), 409, "not_queued").await;
    let settle = |outcome: &str| caller.post("/api/v1/outbox/{id}/settle", &[id], json!({ "outcome": outcome }));
    let (nothing, known) = (settle("lost"), settle("sent"));
    let known_again = Call { headers: vec![("Idempotency-Key", "settled".to_owned())], ..known.clone() };
    caller.refused(nothing, 422, "bad_body").await;
    caller.refused(known, 409, "not_unknown").await;
    caller.granted(known_again).await;
    let query = vec![("direction", "out".to_owned()), ("author", "bot,human".to_owned())];
    caller.first(Call { query, ..caller.get("/api/v1/outbox", &[]) }).await;
    caller.granted(caller.get("/api/v1/outbox/{id}/evidence", &[id])).await;
    // One that was sent has more to tell.
    let query = vec![("state", "sent".to_owned()), ("author", "human".to_owned())];
    let sent = caller.first(Call { query, ..caller.get("/api/v1/outbox", &[]) }).await;
    let told = caller.granted(caller.get("/api/v1/outbox/{id}/evidence", &[id_of(&sent, "id")])).await;
    assert_eq!(told["attempts"][0]["outcome"], "sent", "{told}");
}

async fn memory<'a>(caller: &mut Caller<'a>) {
    let said = client_writes(caller, "fanny").await;
    let conversation = id_of(&said, "conversation_id");
    let call = Call { headers: after(&said), ..caller.get("/api/v1/conversations/{id}", &[conversation]) };
    let contact = id_of(&caller.granted(call).await["contact"], "id");
    let evidence = json!({ "message_id": said["id"], "quote": "hell" });
    let goal = |title: &str| json!({ "contact_id": contact, "title": title, "due_at": tomorrow(), "progress": 10 });
    let mut quoted = goal("learn Spanish");
    quoted["evidence"] = evidence.clone();
    let set = caller.granted(caller.post("/api/v1/goals", &[], quoted.clone())).await;
    let spanish = id_of(&set, "id");
    quoted["title"] = json!("swim across the lake");
    quoted["evidence"]["quote"] = json!("Hello");
    caller.refused(caller.post("/api/v1/goals", &[], quoted), 409, "no_such_quote").await;
    caller.refused(caller.post("/api/v1/goals", &[], goal("!")), 422, "nothing_to_remember").await;
    let sail = id_of(&caller.granted(caller.post("/api/v1/goals", &[], goal("sail to Corsica"))).await, "id");
    let change = caller.call(Method::PATCH, "/api/v1/goals/{id}", &[spanish]);
    let changes = json!({ "progress": 40, "confirmed": true });
    let changed = caller.granted(Call { body: Some(changes), ..change.clone() }).await;
    caller.refused(Call { body: Some(json!({})), ..change }, 422, "bad_body").await;
    let read = Call { headers: after(&changed), ..caller.get("/api/v1/goals/{id}", &[spanish]) };
    let read = caller.granted(read).await;
    assert_eq!(
        (&read["title"], &read["progress"], &read["confidence"]),
        (&json!("learn Spanish"), &json!(40), &json!(1.0))
    );
    assert_eq!(read["evidence"][0]["quote"], "hell", "{read}");
    caller.granted(caller.post("/api/v1/goals/{id}/merge", &[sail], json!({ "into": spanish }))).await;
    caller
        .refused(caller.post("/api/v1/goals/{id}/merge", &[spanish], json!({ "into": spanish })), 409, "not_of_a_kind")
        .await;
    caller.granted(caller.call(Method::POST, "/api/v1/goals/{id}/achieve", &[spanish])).await;
    caller.refused(caller.call(Method::DELETE, "/api/v1/goals/{id}", &[spanish]), 409, "no_longer_remembered").await;
    let fly = id_of(&caller.granted(caller.post("/api/v1/goals", &[], goal("fly a balloon"))).await, "id");

    let milestone = |text: &str| json!({ "contact_id": contact, "text": text, "happened_at": tomorrow() });
    let mut of_goal = milestone("first flight");
    of_goal["goal_id"] = json!(fly);
    let first = id_of(&caller.granted(caller.post("/api/v1/milestones", &[], of_goal)).await, "id");
    let second = id_of(&caller.granted(caller.post("/api/v1/milestones", &[], milestone("moved house"))).await, "id");
    let third =
        id_of(&caller.granted(caller.post("/api/v1/milestones", &[], milestone("a daughter was born"))).await, "id");
    let change = Call {
        body: Some(json!({ "text": "second flight" })),
        ..caller.call(Method::PATCH, "/api/v1/milestones/{id}", &[first])
    };
    let anew = id_of(&caller.granted(change).await, "id");
    assert_ne!(anew, first, "a correction makes another");
    caller.granted(caller.call(Method::POST, "/api/v1/milestones/{id}/resolve", &[anew])).await;
    caller.granted(caller.post("/api/v1/milestones/{id}/merge", &[second], json!({ "into": third }))).await;

    let fact = |text: &str| json!({ "contact_id": contact, "text": text });
    let home = id_of(&caller.granted(caller.post("/api/v1/facts", &[], fact("lives in Valencia"))).await, "id");
    let work = id_of(&caller.granted(caller.post("/api/v1/facts", &[], fact("works as a nurse"))).await, "id");
    let change = Call {
        body: Some(json!({ "text": "lives in Madrid" })),
        ..caller.call(Method::PATCH, "/api/v1/facts/{id}", &[home])
    };
    let home = id_of(&caller.granted(change).await, "id");
    caller.granted(caller.post("/api/v1/facts/{id}/merge", &[work], json!({ "into": home }))).await;
    let removed = caller.granted(caller.call(Method::DELETE, "/api/v1/milestones/{id}", &[third])).await;
    caller.granted(Call { headers: after(&removed), ..caller.get("/api/v1/contacts/{id}", &[contact]) }).await;
    let retired = caller.granted(caller.call(Method::DELETE, "/api/v1/facts/{id}", &[home])).await;
    let gone = caller.granted(caller.call(Method::DELETE, "/api/v1/goals/{id}", &[fly])).await;
    caller.granted(Call { headers: after(&gone), ..caller.get("/api/v1/facts/{id}", &[home]) }).await;
    caller.granted(caller.get("/api/v1/milestones/{id}", &[third])).await;
    let query = |state: &str| vec![("state", state.to_owned()), ("contact_id", contact.to_owned())];
    for (path, state, count) in [
        ("/api/v1/goals", "abandoned", 2),
        ("/api/v1/goals", "open", 0),
        ("/api/v1/milestones", "dismissed", 3),
        ("/api/v1/milestones", "resolved", 1),
        ("/api/v1/facts", "retired", 3),
        ("/api/v1/facts", "known", 0),
    ] {
        let call = Call { query: query(state), headers: after(&retired), ..caller.get(path, &[]) };
        let found = caller.granted(call).await;
        assert_eq!(found["items"].as_array().map(Vec::len), Some(count), "{path} {state}: {found}");
    }
}

async fn contacts_and_breaker<'a>(caller: &mut Caller<'a>) {
    let mut contacts = Vec::new();
    for who in ["dora", "emil"] {
        let said = client_writes(caller, who).await;
        let conversation = id_of(&said, "conversation_id");
        let call = Call { headers: after(&said), ..caller.get("/api/v1/conversations/{id}", &[conversation]) };
        let read = caller.granted(call).await;
        contacts.push(id_of(&read["contact"], "id"));
    }
    let [dora, emil] = contacts[..] else { unreachable!() };
    let change = caller.call(Method::PATCH, "/api/v1/contacts/{id}", &[dora]);
    let changes = json!({ "name": "Dora", "language": "es", "timezone": "Europe/Madrid", "followup_hour": 9 });
    caller.granted(Call { body: Some(changes), ..change.clone() }).await;
    caller.refused(Call { body: Some(json!({ "language": "tlh" })), ..change.clone() }, 422, "unknown_language").await;
    caller.refused(Call { body: Some(json!({ "timezone": "Moon" })), ..change.clone() }, 422, "unknown_timezone").await;
    caller.refused(Call { body: Some(json!({})), ..change.clone() }, 422, "bad_body").await;
    caller.granted(caller.call(Method::POST, "/api/v1/contacts/{id}/archive", &[dora])).await;
    let merge = |into: &str| json!({ "into": into, "reason": "the same" });
    caller.refused(caller.post("/api/v1/contacts/{id}/merge", &[emil], merge(emil)), 409, "same_contact").await;
    let merged = caller.granted(caller.post("/api/v1/contacts/{id}/merge", &[emil], merge(dora))).await;
    caller.granted(Call { headers: after(&merged), ..caller.get("/api/v1/contacts/{id}", &[dora]) }).await;
    let of_merged = Call { ids: vec![emil], body: Some(json!({ "name": "Emil" })), ..change };
    caller.refused(of_merged, 409, "contact_merged").await;
    caller.granted(caller.post("/api/v1/contacts/{id}/split", &[emil], json!({}))).await;
    caller.refused(caller.call(Method::POST, "/api/v1/contacts/{id}/split", &[emil]), 409, "not_merged").await;

    caller.granted(caller.get("/api/v1/usage", &[])).await;
    let by = vec![("by", "day,job".to_owned()), ("from", "2026-11-01".to_owned()), ("to", "2026-11-30".to_owned())];
    caller.granted(Call { query: by, ..caller.get("/api/v1/usage", &[]) }).await;
    let rules = json!({ "provider": "rules" });
    let of_tenant = caller.call(Method::PUT, "/api/v1/settings/brain", &[]);
    caller.granted(Call { body: Some(rules.clone()), ..of_tenant.clone() }).await;
    caller
        .refused(Call { body: Some(json!({ "provider": "oracle" })), ..of_tenant.clone() }, 422, "no_such_brain")
        .await;
    let model = json!({ "provider": "rules", "model": "m" });
    caller.refused(Call { body: Some(model), ..of_tenant }, 422, "no_such_model").await;

    caller.granted(caller.get("/api/v1/breaker", &[])).await;
    let reset = caller.post("/api/v1/breaker/reset", &[], json!({ "note": "looked" }));
    caller.refused(reset.clone(), 409, "breaker_closed").await;
    caller.granted(Call { headers: vec![("Idempotency-Key", "looked".to_owned())], ..reset }).await;
}

/// What a model was asked in a conversation that it answers.
async fn traces<'a>(caller: &mut Caller<'a>, llm: &Llm) {
    let said = client_writes(caller, "tracy").await;
    let conversation = id_of(&said, "conversation_id");
    let chosen = caller.call(Method::PUT, "/api/v1/conversations/{id}/brain", &[conversation]);
    caller.granted(Call { body: Some(json!({ "provider": "openai" })), ..chosen }).await;
    llm.play("Glad to hear it.");
    let body = json!({ "channel_id": "web-main", "contact": { "id": "tracy" }, "text": "it went well, by the way" });
    caller.granted(caller.post("/api/v1/messages", &[], body)).await;
    let query = vec![("type", "ModelCallCompleted".to_owned())];
    let answered = caller.first(Call { query, ..caller.get("/api/v1/events", &[]) }).await;
    let (run, hash) = (id_of(&answered["data"], "run_id"), id_of(&answered["data"], "request_trace"));
    let path = "/api/v1/runs/{id}/traces/{sha256}";
    let asked = caller.granted(caller.get(path, &[run, hash])).await;
    assert!(asked.to_string().contains("it went well, by the way"), "{asked}");
    caller.refused(caller.get(path, &[conversation, hash]), 404, "unknown_id").await;
}

async fn webhooks<'a>(caller: &mut Caller<'a>) {
    let new = json!({ "url": "http://127.0.0.1:9/hook", "types": ["ClientResponded"], "filter": { "channel_id": "web-main" } });
    let made = caller.granted(caller.post("/api/v1/webhooks", &[], new)).await;
    let id = id_of(&made, "id");
    for (field, value, code) in [
        ("url", json!("nowhere"), "bad_url"),
        ("types", json!(["Moon"]), "unknown_type"),
        ("types", json!([]), "bad_body"),
        ("filter", json!({ "channel_id": "none" }), "unknown_channel"),
    ] {
        let mut body = json!({ "url": "http://127.0.0.1:9/hook", "types": ["ClientResponded"] });
        body[field] = value;
        caller.refused(caller.post("/api/v1/webhooks", &[], body), 422, code).await;
    }
    let said = client_writes(caller, "frida").await;
    caller.first(Call { headers: after(&said), ..caller.get("/api/v1/webhooks", &[]) }).await;
    caller.granted(caller.get("/api/v1/webhooks/{id}", &[id])).await;
    let delivery = caller.first(caller.get("/api/v1/webhooks/{id}/deliveries", &[id])).await;
    let delivery = id_of(&delivery, "id");
    caller.granted(caller.call(Method::POST, "/api/v1/webhooks/deliveries/{id}/retry", &[delivery])).await;
    let again = "/api/v1/webhooks/{id}/deliveries/{delivery_id}/retry";
    caller.granted(caller.call(Method::POST, again, &[id, delivery])).await;
    caller.refused(caller.call(Method::POST, again, &[delivery, delivery]), 404, "unknown_delivery").await;
    caller.granted(caller.call(Method::POST, "/api/v1/webhooks/{id}/rotate", &[id])).await;
    caller.granted(caller.call(Method::DELETE, "/api/v1/webhooks/{id}", &[id])).await;
    caller.refused(caller.call(Method::DELETE, "/api/v1/webhooks/{id}", &[id]), 404, "unknown_webhook").await;
}

async fn keys<'a>(caller: &mut Caller<'a>) {
    let wanted = |name: &str, role: &str| json!({ "name": name, "role": role });
    let made = caller.granted(caller.post("/api/v1/keys", &[], wanted("for the office", "reader"))).await;
    caller.refused(caller.post("/api/v1/keys", &[], wanted("for the office", "king")), 422, "bad_body").await;
    caller.refused(caller.post("/api/v1/keys", &[], wanted("", "reader")), 422, "bad_body").await;
    caller.first(Call { headers: after(&made), ..caller.get("/api/v1/keys", &[]) }).await;
    let id = id_of(&made, "id");
    caller.granted(caller.call(Method::DELETE, "/api/v1/keys/{id}", &[id])).await;
    caller.refused(caller.call(Method::DELETE, "/api/v1/keys/{id}", &["key_none"]), 404, "unknown_key").await;
}

async fn sessions<'a>(caller: &mut Caller<'a>) {
    let path = "/api/v1/sessions";
    let begun = caller.granted(caller.call(Method::POST, path, &[])).await;
    caller.first(Call { headers: after(&begun), ..caller.get(path, &[]) }).await;
    let id = id_of(&begun, "id");
    caller.granted(caller.call(Method::DELETE, "/api/v1/sessions/{id}", &[id])).await;
    caller.refused(caller.call(Method::DELETE, "/api/v1/sessions/{id}", &["ses_none"]), 404, "unknown_session").await;
    caller.granted(caller.call(Method::DELETE, path, &[])).await;
}

/// A letter about an event that its service has no trouble with, so that it can be done with when it is tried again.
async fn letters<'a>(caller: &mut Caller<'a>) {
    let path = "/api/v1/dead-letters/{consumer}/{position}/retry";
    let event = caller.system.client.get(format!("{}/api/v1/events?limit=1", caller.system.read));
    let event: Value = event.bearer_auth(caller.admin).send().await.unwrap().json().await.unwrap();
    let position = event["items"][0]["position"].to_string();
    for consumer in ["scheduler", "projection"] {
        let letter = json!({ "consumer": consumer, "position": event["items"][0]["position"], "subject": event["items"][0]["subject"],
            "event_id": event["items"][0]["id"], "type": event["items"][0]["type"], "error": "it was tired", "tries": 5, "at": Utc::now() });
        let log = async_nats::jetstream::new(caller.log.clone());
        let subject = format!("dead.{consumer}.{position}");
        log.publish(subject, letter.to_string().into()).await.unwrap().await.unwrap();
    }
    let position = leaked(position);
    caller.granted(caller.call(Method::POST, path, &["scheduler", position])).await;
    caller.refused(caller.call(Method::POST, path, &["projection", position]), 409, "needs_rebuild").await;
    caller.refused(caller.call(Method::POST, path, &["nobody", position]), 404, "unknown_letter").await;
}

/// What can be wrong with any operation, read from the document alone.
async fn badly<'a>(caller: &mut Caller<'a>, [operator, reader]: [&'a str; 2]) {
    let nobodys = leaked(uuid::Uuid::now_v7().to_string());
    for (method, path, described) in caller.document.operations() {
        if described["security"] == json!([]) {
            continue;
        }
        let path = leaked(path);
        let ids = vec![nobodys; path.matches('{').count()];
        let call = caller.call(method.clone(), path, &ids);
        caller.refused(Call { key: None, ..call.clone() }, 401, "no_key").await;
        caller.refused(Call { key: Some("sk_default_0"), ..call.clone() }, 401, "no_key").await;
        if method == Method::GET {
            if path.starts_with("/api/") {
                let unknown = Call { query: vec![("moon", "1".to_owned())], ..call.clone() };
                let answered = caller.send(unknown).await;
                assert!([400, 404].contains(&answered.status.as_u16()), "{path}: {}", answered.status);
            }
            let waits = described["parameters"].as_array().unwrap().iter().any(|p| p["name"] == "Steward-After");
            if waits {
                let position = vec![("Steward-After", "x".to_owned())];
                caller.refused(Call { headers: position, ..call.clone() }, 400, "bad_position").await;
            }
            if path.contains('{') {
                caller.refused(call, 404, "unknown_id").await;
            }
            continue;
        }
        // One's own sessions are everybody's own.
        if !path.starts_with("/api/v1/sessions") {
            caller.refused(Call { key: Some(reader), ..call.clone() }, 403, "role").await;
        }
        if path.starts_with("/api/v1/webhooks") {
            caller.refused(Call { key: Some(operator), ..call.clone() }, 403, "role").await;
        }
        let raw = |kind, body: &[u8]| Call { raw: Some((kind, body.to_vec())), ..call.clone() };
        caller.refused(raw("application/json", b"{"), 400, "broken_json").await;
        caller.refused(raw("text/plain", b"{}"), 415, "not_json").await;
        caller.refused(raw("application/json", b"{\"moon\": 1}"), 422, "bad_body").await;
        caller.refused(raw("application/json", &vec![b' '; (1 << 20) + 1]), 413, "too_large").await;
        let key = vec![("Idempotency-Key", "x".repeat(256))];
        caller.refused(Call { headers: key, ..call.clone() }, 400, "bad_key").await;
        // With the words of its own example, so that only the id is wrong.
        let schema = described["requestBody"]["content"]["application/json"]["schema"].clone();
        let example = caller.document.example(&schema);
        let answered = caller.send(Call { body: example.or(Some(json!({}))), ..call }).await;
        let of_nobody = answered.status == StatusCode::NOT_FOUND || !path.contains('{');
        assert!(of_nobody, "{path} of nobody: {} {:?}", answered.status, answered.body);
    }
    let positions = [
        ("-1", 400, "bad_position"),
        ("9223372036854775808", 400, "bad_position"),
        ("1000000000", 504, "not_reached"),
        ("9223372036854775807", 504, "not_reached"),
    ];
    for (position, status, code) in positions {
        let headers = vec![("Steward-After", position.to_owned())];
        let call = Call { headers, ..caller.get("/api/v1/events", &[]) };
        caller.refused(call, status, code).await;
    }
    for (name, value) in [("limit", "0"), ("limit", "x"), ("state", "moon"), ("cursor", "x")] {
        let call = Call { query: vec![(name, value.to_owned())], ..caller.get("/api/v1/messages", &[]) };
        caller.refused(call, 400, if name == "cursor" { "bad_cursor" } else { "bad_query" }).await;
    }
}
