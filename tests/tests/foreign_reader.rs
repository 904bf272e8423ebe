//! A NATS client in another language reads `FollowUpScheduled` with nothing but the `.proto` files: the snippet in
//! the README, run as it stands there.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{path::PathBuf, time::Duration};

use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};
use steward_tests::{Config, System, binary};
use tokio::process::Command;

/// A virtual environment with the two packages that the snippet needs; kept between runs.
async fn python() -> PathBuf {
    let target = binary::steward().unwrap().parent().unwrap().parent().unwrap().to_owned();
    let venv = target.join("foreign-reader-venv");
    let python = venv.join("bin/python");
    if !venv.join("complete").exists() {
        let run = async |program: &str, arguments: &[&str]| {
            let output = Command::new(program).args(arguments).output().await.unwrap();
            assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        };
        let place = venv.to_str().unwrap();
        run("python3", &["-m", "venv", "--clear", place]).await;
        run(&format!("{place}/bin/pip"), &["install", "--quiet", "nats-py", "grpcio-tools"]).await;
        std::fs::write(venv.join("complete"), "").unwrap();
    }
    python
}

/// The code in the first fence of this language after a heading.
fn snippet(heading: &str, language: &str) -> String {
    let text = std::fs::read_to_string(binary::repository().join("README.md")).unwrap();
    let (_, section) = text.split_once(heading).unwrap_or_else(|| panic!("no section {heading}"));
    let (_, code) = section.split_once(&format!("```{language}\n")).unwrap_or_else(|| panic!("no {language} there"));
    code.split_once("```").unwrap().0.to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_nats_client_in_another_language_reads_follow_up_scheduled_by_the_proto_files_alone() {
    let python = python().await;
    let system = System::start(Config::web()).await.unwrap();
    let hello = json!({ "channel_id": "web-main", "contact": { "id": "ann" }, "text": "hello" });
    let conversation = system.post("/api/v1/messages", &hello).await.unwrap()["conversation_id"].clone();
    let due = Utc::now() + TimeDelta::hours(1);
    let text = "чужой читатель ё🙂";
    let id = system.schedule(conversation.as_str().unwrap(), text, due, &json!({})).await.unwrap();
    let place = tempfile::tempdir().unwrap();
    let heading = "### Reading the log from another language";
    std::fs::write(place.path().join("read.py"), snippet(heading, "python")).unwrap();
    // As the section says: the messages are compiled from the `.proto` files first.
    let compile = snippet(heading, "sh");
    let path = format!("{}:{}", python.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let mut shell = Command::new("sh");
    shell.args(["-euc", &format!("{compile}\npython read.py")]).current_dir(place.path()).env("PATH", path);
    shell.env("STEWARD", binary::repository()).env("NATS_URL", system.nats_url().unwrap()).kill_on_drop(true);
    let output = tokio::time::timeout(Duration::from_secs(60), shell.output()).await.unwrap().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}{err}");
    let read: Value = serde_json::from_str(out.lines().last().unwrap()).unwrap();
    println!("{read}");
    assert_eq!((&read["text"], &read["follow_up_id"]), (&json!(text), &json!(id)));
    assert_eq!(read["due_at"].as_i64().unwrap(), due.timestamp());
    assert_eq!(read["headers"]["Steward-Type"], "FollowUpScheduled");
    let always = [
        "Steward-Event-Id",
        "Steward-Schema-Version",
        "Steward-Time",
        "Steward-Causation-Id",
        "Steward-Correlation-Id",
        "Steward-Actor",
        "traceparent",
    ];
    for header in always {
        assert!(read["headers"][header].as_str().is_some_and(|v| !v.is_empty()), "{header} is missing: {read}");
    }
}
