//! Bad input gets a clear answer that says what to do, and harms nothing.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use steward_tests::{Config, System, Telegram, binary, config::SECRET, updates};
use tokio::process::Command;

struct Table<'a> {
    system: &'a System,
    tried: usize,
    wrong: Vec<String>,
}

impl Table<'_> {
    /// An answer with one of these statuses; under `/api` a refusal must be a helpful problem+json.
    async fn expect(&mut self, name: &str, statuses: &[u16], request: RequestBuilder) {
        self.tried += 1;
        let api = request.try_clone().and_then(|r| r.build().ok()).is_some_and(|r| r.url().path().starts_with("/api"));
        let answer = match self.system.answer(request).await {
            Ok(answer) => answer,
            Err(error) => return self.wrong.push(format!("{name}: {error:#}")),
        };
        let status = answer.status.as_u16();
        if !statuses.contains(&status) {
            let body = answer.body.to_string();
            self.wrong.push(format!("{name}: {status} {}", body.chars().take(200).collect::<String>()));
        } else if api
            && status >= 400
            && let Err(error) = answer.problem(status)
        {
            self.wrong.push(format!("{name}: {error:#}"));
        }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.system.write)
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.system.client.get(self.url(path))
    }

    fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        self.system.client.post(self.url(path)).json(body)
    }

    fn webhook(&self, path: &str, body: impl Into<reqwest::Body>) -> RequestBuilder {
        self.system.client.post(self.url(path)).header("X-Telegram-Bot-Api-Secret-Token", SECRET).body(body)
    }

    fn verdict(self) {
        println!("{} of {} bad inputs answered as they should be", self.tried - self.wrong.len(), self.tried);
        assert!(self.wrong.is_empty(), "{}", self.wrong.join("\n"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_webhooks_are_refused_with_the_right_status() {
    let telegram = Telegram::start().await.unwrap();
    let system = System::start(Config::telegram(&telegram)).await.unwrap();
    let mut table = Table { system: &system, tried: 0, wrong: Vec::new() };
    let path = "/webhooks/telegram/tg-main";
    let update = updates::text(7, "x").to_string();
    let client = &system.client;
    let request = client.post(table.url(path)).body(update.clone());
    table.expect("no secret", &[401], request).await;
    for secret in ["s3creT", "", "s3cret ", "s3cre"] {
        let request = client.post(table.url(path)).header("X-Telegram-Bot-Api-Secret-Token", secret);
        let trimmed = secret.trim() == SECRET;
        // A header's surrounding white space is no part of it.
        let expected: &[u16] = if trimmed { &[200] } else { &[401] };
        table.expect(&format!("secret {secret:?}"), expected, request.body(update.clone())).await;
    }
    table.expect("broken JSON", &[400], table.webhook(path, "{\"update_id\": 1, ")).await;
    table.expect("not UTF-8", &[400], table.webhook(path, &b"{\"update_id\": 1, \"x\": \"\xff\xfe\"}"[..])).await;
    table.expect("no body", &[400], table.webhook(path, "")).await;
    table.expect("no object", &[400], table.webhook(path, "[1, 2]")).await;
    table.expect("10 MB", &[413], table.webhook(path, "x".repeat(10_000_000))).await;
    table.expect("an unknown channel", &[404], table.webhook("/webhooks/telegram/nope", update.clone())).await;
    table.expect("an unknown kind", &[404], table.webhook("/webhooks/pigeon/tg-main", update.clone())).await;
    table.expect("a GET", &[405], table.get(path)).await;
    let deep = format!("{{\"update_id\": 5, \"x\": {}{}}}", "[".repeat(50_000), "]".repeat(50_000));
    table.expect("deep JSON", &[200, 400], table.webhook(path, deep)).await;
    table.expect("the only channel of a kind needs no id", &[200], table.webhook("/webhooks/telegram", update)).await;
    for odd in [
        json!({ "update_id": 6 }),
        json!({ "update_id": 7, "message": "no object" }),
        json!({ "update_id": 8, "message": { "chat": { "id": "no number" } } }),
        json!({ "update_id": 9, "from_the_future": { "chat": { "id": 7 } } }),
    ] {
        // A refusal would block that chat's queue at Telegram.
        table.expect(&format!("{odd}"), &[200], table.webhook(path, odd.to_string())).await;
    }
    table.expect("still alive", &[200], table.get("/readyz")).await;
    table.verdict();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_commands_and_reads_are_refused_with_what_to_do() {
    let telegram = Telegram::start().await.unwrap();
    let system = System::start(Config::telegram(&telegram)).await.unwrap();
    system.telegram(&updates::text(81, "здравствуйте")).await.unwrap();
    let conversation = system.conversation(81).await.unwrap();
    let mut table = Table { system: &system, tried: 0, wrong: Vec::new() };
    let path = "/api/v1/follow-ups";
    let good = json!({ "conversation_id": conversation, "text": "a", "due_at": "2027-01-01T00:00:00Z" });
    let with = |name: &str, value: Value| {
        let mut body = good.clone();
        body[name] = value;
        body
    };
    let refused = &[400, 409, 422][..];
    for (name, body) in [
        ("past", with("due_at", json!("2001-01-01T00:00:00Z"))),
        ("too far ahead", with("due_at", json!("2040-01-01T00:00:00Z"))),
        ("no offset", with("due_at", json!("2027-01-01T00:00:00"))),
        ("no time", json!({ "conversation_id": conversation, "text": "a" })),
        ("two times", with("phrase", json!("in an hour"))),
        ("nonsense phrase", json!({ "conversation_id": conversation, "text": "a", "phrase": "зелёный стул" })),
        ("empty text", with("text", json!(" "))),
        ("bad date", with("due_at", json!("soon"))),
        ("bad cancel_on", with("cancel_on", json!("moon"))),
        ("unknown field", with("due", json!(1))),
        ("wrong type", with("text", json!(5))),
        ("unknown action", with("action", json!({ "kind": "dance" }))),
    ] {
        table.expect(&format!("follow-up: {name}"), refused, table.post(path, &body)).await;
    }
    let nobody = with("conversation_id", json!(uuid::Uuid::new_v4()));
    table.expect("of no conversation", &[404], table.post(path, &nobody)).await;
    let plain = system.client.post(table.url(path)).header("content-type", "application/json").body("text=1");
    table.expect("not JSON", &[400], plain).await;
    let form = system.client.post(table.url(path)).header("content-type", "text/plain").body(good.to_string());
    table.expect("no JSON by its type", &[415], form).await;
    let large = with("text", json!("x".repeat(2_000_000)));
    table.expect("2 MB", &[413], table.post(path, &large)).await;
    let nothing = format!("{path}/{}", uuid::Uuid::new_v4());
    let cancel = system.client.delete(table.url(&nothing)).json(&json!({}));
    table.expect("cancel nothing", &[404], cancel).await;
    let unknown = format!("/api/v1/conversations/{}", uuid::Uuid::new_v4());
    table.expect("unknown conversation", &[404], table.get(&unknown)).await;
    table.expect("junk id", &[400, 404], table.get("/api/v1/conversations/%00%ff..%2f")).await;
    let queries =
        ["limit=-1", "limit=0", "limit=1001", "limit=x", "cursor=junk", "state=nope", "after=x", "nonsense=1"];
    for query in queries {
        table.expect(query, &[400], table.get(&format!("{path}?{query}"))).await;
    }
    let never = table.get(path).header("Steward-After", "999999999");
    table.expect("a position never reached", &[504], never).await;
    table.expect("a position that is none", &[400], table.get(path).header("Steward-After", "x")).await;
    table.expect("no such page", &[404], table.get("/api/v1/nothing")).await;
    table.expect("no such method", &[405], system.client.put(table.url(path)).json(&good)).await;
    let message = |contact: Value| json!({ "channel_id": "web-main", "contact": contact, "text": "x" });
    table.expect("no contact", &[400, 422], table.post("/api/v1/messages", &message(json!({ "id": "" })))).await;
    let zone = message(json!({ "id": "a", "timezone": "Mars/Base" }));
    table.expect("no such zone", &[400, 422], table.post("/api/v1/messages", &zone)).await;
    for contact in ["a.b", "a*", ">", "a b", "Ünï", "../../etc", "\u{0}", &"x".repeat(256)] {
        let body = message(json!({ "id": contact }));
        table.expect(&format!("contact {contact:.10}"), &[201, 200], table.post("/api/v1/messages", &body)).await;
    }
    let long = message(json!({ "id": "x".repeat(257) }));
    table.expect("a contact's id of 257 bytes", &[400, 422], table.post("/api/v1/messages", &long)).await;
    let telegram = json!({ "channel_id": "tg-main", "contact": { "id": "1" }, "text": "x" });
    table.expect("a message on no web channel", &[409, 422], table.post("/api/v1/messages", &telegram)).await;
    let foreign = table.post(path, &good).header("Origin", "https://evil.example");
    table.expect("a page of others", &[403], foreign).await;
    let host = table.get(path).header("Host", "evil.example");
    table.expect("a host that is not ours", &[403, 421], host).await;
    table.expect("still alive", &[200], table.get("/readyz")).await;
    table.verdict();
    let events = system.items("/api/v1/events?type=FollowUpScheduled").await.unwrap();
    assert!(events.is_empty(), "something was scheduled all the same: {events:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_opens_what_its_role_allows_and_nothing_of_another_tenant() {
    let mut system = System::start(Config::web().with_auth("keys")).await.unwrap();
    let mut keys = Vec::new();
    for (tenant, role) in [("default", "admin"), ("default", "operator"), ("default", "reader"), ("other", "admin")] {
        let output =
            system.steward(&["keys", "create", "--tenant", tenant, "--role", role]).unwrap().output().await.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let said = String::from_utf8(output.stdout).unwrap();
        let key = said.split_whitespace().find(|w| w.starts_with("sk_")).unwrap_or_else(|| panic!("no key in {said}"));
        keys.push(key.to_owned());
    }
    let status = async |key: Option<&str>, method: Method, path: &str, body: Option<&Value>| -> u16 {
        let mut request = system.client.request(method, format!("{}{path}", system.write));
        if let Some(key) = key {
            request = request.bearer_auth(key);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        request.send().await.unwrap().status().as_u16()
    };
    let hello = json!({ "channel_id": "web-main", "contact": { "id": "ann" }, "text": "hello" });
    assert_eq!(status(None, Method::GET, "/api/v1/conversations", None).await, 401);
    assert_eq!(status(Some("sk_default_wrong"), Method::GET, "/api/v1/conversations", None).await, 401);
    assert_eq!(status(Some(&keys[2]), Method::POST, "/api/v1/messages", Some(&hello)).await, 403);
    assert_eq!(status(Some(&keys[3]), Method::POST, "/api/v1/messages", Some(&hello)).await, 404);
    for key in &keys[..2] {
        assert!(matches!(status(Some(key), Method::POST, "/api/v1/messages", Some(&hello)).await, 200 | 201));
    }
    let mut api = system.api().clone();
    api.key = Some(keys[1].clone());
    let made = api.post("/api/v1/messages", &hello).await.unwrap();
    let conversation = format!("/api/v1/conversations/{}", made["conversation_id"].as_str().unwrap());
    assert!(api.get(&conversation).await.is_ok());
    assert_eq!(status(Some(&keys[2]), Method::GET, &conversation, None).await, 200);
    assert_eq!(status(Some(&keys[3]), Method::GET, &conversation, None).await, 404);
    let takeover = format!("{conversation}/takeover");
    assert_eq!(status(Some(&keys[3]), Method::POST, &takeover, Some(&json!({ "by": "eve" }))).await, 404);
    let data = std::fs::read_to_string(system.folder().join("output.log")).unwrap();
    assert!(keys.iter().all(|key| !data.contains(key.as_str())), "a key is in the logs");
    system.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_configuration_is_refused_before_anything_starts_and_names_the_key() {
    let mut wrong = Vec::new();
    let telegram = |keys: &str| format!("[[channels]]\nid = \"t\"\nkind = \"telegram\"\n{keys}");
    let rows = [
        ("unknown key", "[server]\nlisen = '127.0.0.1:1'\n".to_owned(), "lisen"),
        ("unknown section", "[servr]\nlisten = '127.0.0.1:1'\n".to_owned(), "servr"),
        ("missing variable", telegram("token = '${NO_SUCH_VAR_X}'\nsecret_token = 'a'\n"), "NO_SUCH_VAR_X"),
        ("no secret", telegram("token = '1:a'\n"), "secret_token"),
        ("bad zone", "[defaults]\ntimezone = 'Mars/Base'\n".to_owned(), "Mars/Base"),
        ("bad duration", "[defaults]\nlate_limit = 'a while'\n".to_owned(), "late_limit"),
        (
            "two channels of one id",
            "[[channels]]\nid='w'\nkind='web'\n[[channels]]\nid='w'\nkind='web'\n".to_owned(),
            "w",
        ),
        ("bad TOML", "[server\n".to_owned(), "line"),
        ("open on a public address", "[server]\nlisten = '0.0.0.0:0'\n[auth]\nmode = 'open'\n".to_owned(), "open"),
    ];
    for (name, toml, word) in rows {
        let folder = tempfile::tempdir().unwrap();
        let (file, data) = (folder.path().join("c.toml"), folder.path().join("data"));
        std::fs::write(&file, toml).unwrap();
        let mut command = Command::new(binary::steward().unwrap());
        command.arg("up").arg("--config").arg(&file).arg("--data-dir").arg(&data).kill_on_drop(true);
        let output = tokio::time::timeout(Duration::from_secs(120), command.output()).await;
        let Ok(output) = output else {
            wrong.push(format!("{name}: it started"));
            continue;
        };
        let output = output.unwrap();
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        if output.status.success() || !said.contains(word) || said.contains("panicked") || data.join("nats").exists() {
            wrong.push(format!("{name}: {} {said}", output.status));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
