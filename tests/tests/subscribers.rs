//! The programs in `examples/`, run as they stand there: third parties in three languages who follow the log, the live stream
//! and outgoing webhooks, and go on where they stopped.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{path::Path, process::Stdio, time::Duration};

use serde_json::{Value, json};
use steward_tests::{Config, System, binary, node, python, system::free_port};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

const SOON: Duration = Duration::from_secs(120);
const LANGUAGES: [&str; 3] = ["rust", "python", "javascript"];

/// A program of `examples/` that runs in a folder of its own.
struct Example {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Example {
    async fn start(language: &str, name: &str, place: &Path, variables: &[(&str, String)]) -> Self {
        let repository = binary::repository();
        let mut command = match language {
            "rust" => Command::new(match name {
                "events" => env!("CARGO_BIN_EXE_example-events"),
                "stream" => env!("CARGO_BIN_EXE_example-stream"),
                _ => env!("CARGO_BIN_EXE_example-webhooks"),
            }),
            "python" => {
                let python =
                    python::interpreter("subscribers", &["nats-py==2.16.0", "grpcio-tools==1.85.1"]).await.unwrap();
                if name == "events" {
                    let schemas = std::fs::read_dir(repository.join("proto/steward_v1")).unwrap();
                    let mut compile = Command::new(&python);
                    compile.args(["-m", "grpc_tools.protoc", "--python_out=.", "-I"]).arg(repository.join("proto"));
                    compile.args(schemas.map(|file| file.unwrap().path())).current_dir(place);
                    assert!(compile.status().await.unwrap().success());
                }
                let mut command = Command::new(python);
                command.arg(repository.join("examples/python").join(name).with_extension("py"));
                command
            }
            _ => {
                // Modules are looked for where a script stands.
                let folder = node::folder("subscribers", &["nats@2.29.3", "protobufjs@8.8.1"]).await.unwrap();
                let script = format!("{name}.mjs");
                std::fs::copy(repository.join("examples/javascript").join(&script), folder.join(&script)).unwrap();
                let mut command = Command::new("node");
                command.arg(folder.join(script));
                command
            }
        };
        command.envs(variables.iter().cloned()).env("STEWARD", repository).current_dir(place);
        let mut child = command.stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// The next line that it prints.
    async fn next(&mut self) -> Value {
        let line = tokio::time::timeout(SOON, self.lines.next_line()).await.expect("it prints what it is told");
        serde_json::from_str(&line.unwrap().expect("it runs")).unwrap()
    }

    async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }
}

/// Looks until it is so: neither a file nor the list of subscribers tells when it changes.
async fn until(so: impl AsyncFn() -> bool) {
    let mut tick = tokio::time::interval(Duration::from_millis(20));
    let looking = async {
        while !so().await {
            tick.tick().await;
        }
    };
    tokio::time::timeout(SOON, looking).await.expect("it comes to be so");
}

/// A client's message; the position of its event.
async fn say(system: &System, text: &str) -> u64 {
    let message = json!({ "channel_id": "web-main", "contact": { "id": "anna" }, "text": text });
    system.post("/api/v1/messages", &message).await.unwrap()["position"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_three_languages_a_durable_consumer_is_followed_over_an_absence() {
    let system = System::start(Config::web()).await.unwrap();
    say(&system, "before anybody listens").await;
    for language in LANGUAGES {
        let subject = "ev.default.conversation.*.client_responded";
        let create = ["credentials", "create", "--json", "--name", language, "--subject", subject];
        let made = system.steward(&create).unwrap().output().await.unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let made: Value = serde_json::from_slice(&made.stdout).unwrap();
        let text = |field: &str| made[field].as_str().unwrap().to_owned();
        let variables = [
            ("NATS_URL", text("url")),
            ("NATS_INBOX_PREFIX", text("inbox_prefix")),
            ("STEWARD_SUBJECT", text("subject")),
        ];
        let place = tempfile::tempdir().unwrap();
        let mut example = Example::start(language, "events", place.path(), &variables).await;
        for text in ["один ё🙂", "two"] {
            let position = say(&system, text).await;
            let event = example.next().await;
            assert_eq!(event["type"], "ClientResponded");
            assert_eq!((&event["position"], &event["data"]["text"]), (&json!(position), &json!(text)), "{language}");
        }
        // Killed between its print and its acknowledgement, it would be given the last one again; and what comes before the
        // server knows that it is gone, only after 30 s.
        let list = async || {
            let listed = system.steward(&["credentials", "list", "--json"]).unwrap().output().await.unwrap();
            let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
            let mut lines = listed.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
            lines.find(|line| line["name"] == language)
        };
        until(async || list().await.is_some_and(|own| own["in_hand"] == 0 && own["waiting"] == 0)).await;
        example.kill().await;
        until(async || list().await.is_some_and(|own| own["listens"] == false)).await;
        let missed = [say(&system, "three").await, say(&system, "four").await];
        let mut example = Example::start(language, "events", place.path(), &variables).await;
        for (position, text) in missed.into_iter().zip(["three", "four"]) {
            let event = example.next().await;
            assert_eq!((&event["position"], &event["data"]["text"]), (&json!(position), &json!(text)), "{language}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_three_languages_the_live_stream_is_resumed_without_a_gap() {
    let system = System::start(Config::web().with_auth("keys")).await.unwrap();
    let (admin, _) = system.create_key("default", "admin").await.unwrap();
    let (reader, _) = system.create_key("default", "reader").await.unwrap();
    let say = async |text: &str| {
        let message = json!({ "channel_id": "web-main", "contact": { "id": "anna" }, "text": text });
        let request =
            system.client.post(format!("{}/api/v1/messages", system.write)).bearer_auth(&admin).json(&message);
        let answer: Value = request.send().await.unwrap().error_for_status().unwrap().json().await.unwrap();
        answer["position"].as_u64().unwrap()
    };
    for language in LANGUAGES {
        let start = say("before anybody listens").await;
        let place = tempfile::tempdir().unwrap();
        let kept = place.path().join("stream.position");
        std::fs::write(&kept, start.to_string()).unwrap();
        let variables = [
            ("STEWARD_URL", system.read.clone()),
            ("STEWARD_KEY", reader.clone()),
            ("TYPES", "new_message".to_owned()),
        ];
        // The rules answer each message, so there are two kinds of new messages; the clients' ones are counted here.
        let client = async |example: &mut Example| loop {
            let event = example.next().await;
            if event["type"] == "ClientResponded" {
                assert_eq!(event["event"], "new_message");
                return event;
            }
        };
        let mut example = Example::start(language, "stream", place.path(), &variables).await;
        let first = say("один ё🙂").await;
        let event = client(&mut example).await;
        assert_eq!((&event["position"], &event["message"]["text"]), (&json!(first), &json!("один ё🙂")), "{language}");
        // It is killed once it has noted that position, or a later one.
        let noted = || std::fs::read_to_string(&kept).unwrap().parse::<u64>().is_ok_and(|position| position >= first);
        until(async || noted()).await;
        example.kill().await;
        let missed = [say("two").await, say("three").await];
        let mut example = Example::start(language, "stream", place.path(), &variables).await;
        for position in missed {
            assert_eq!(client(&mut example).await["position"], json!(position), "{language}: no gap, nothing twice");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_three_languages_a_webhook_is_taken_by_its_signature_and_a_forged_one_refused() {
    let config = Config::web().with(
        "[webhooks]\nallow_private = true\nretry = [\"1s\", \"1s\", \"1s\", \"1s\", \"1s\", \"1s\", \"1s\", \"1s\"]",
    );
    let system = System::start(config).await.unwrap();
    for language in LANGUAGES {
        let port = free_port().unwrap();
        let url = format!("http://127.0.0.1:{port}/");
        let made = json!({ "url": url, "types": ["ClientResponded"] });
        let made = system.post("/api/v1/webhooks", &made).await.unwrap();
        let secret = made["secret"].as_str().unwrap().to_owned();
        let place = tempfile::tempdir().unwrap();
        let variables = [("WEBHOOK_SECRET", secret), ("PORT", port.to_string())];
        let mut example = Example::start(language, "webhooks", place.path(), &variables).await;
        say(&system, "один ё🙂").await;
        let taken = example.next().await;
        assert_eq!(
            (&taken["type"], &taken["data"]["data"]["text"]),
            (&json!("ClientResponded"), &json!("один ё🙂")),
            "{taken}"
        );

        let now = chrono::Utc::now().timestamp().to_string();
        let forged = async |signature: &str, at: &str| {
            let request = system.client.post(&url).header("webhook-id", "msg_1").header("webhook-timestamp", at);
            let request = request.header("webhook-signature", signature).body("{\"type\":\"Forged\"}");
            request.send().await.unwrap().status().as_u16()
        };
        for signature in ["", "v1,", "v1,x", "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="] {
            assert_eq!(forged(signature, &now).await, 401, "{language}: {signature}");
        }
        for at in ["", "0", "x", "99999999999"] {
            assert_eq!(forged("v1,x", at).await, 401, "{language}: {at}");
        }
        say(&system, "afterwards").await;
        assert_eq!(example.next().await["data"]["data"]["text"], "afterwards", "{language}: nothing forged was taken");
    }
}
