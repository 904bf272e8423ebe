//! The API as tools of others judge it: the documents by their validators, and every operation by Schemathesis, which makes
//! requests of the document and holds the answers against it.
//!
//! It runs for a minute in all; `just judge` takes ten.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{path::PathBuf, process::Stdio, time::Duration};

use serde_json::json;
use steward_tests::{Config, System, Telegram, WhatsApp, binary, node, python};
use tokio::process::Command;

const PACKAGES: &[&str] = &["schemathesis==4.32.5", "openapi-spec-validator==0.9.0"];

/// What Schemathesis checks. Left out is `positive_data_acceptance`: a schema can't say that a time is in the future, or a text
/// of blanks names nobody; and what asks for a status by rules of its own.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,\
                      response_schema_conformance,negative_data_rejection,missing_required_header,ignored_auth";

fn judges() -> PathBuf {
    binary::repository().join("tests/src/judges")
}

/// A program's output, which must be a success.
async fn succeeds(mut command: Command) -> String {
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output().await.unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
    said
}

async fn program(name: &str) -> PathBuf {
    let python = python::interpreter("judges", PACKAGES).await.unwrap();
    python.with_file_name(name)
}

async fn document(system: &System, name: &str) -> PathBuf {
    let text = system.client.get(format!("{}/{name}", system.read)).send().await.unwrap().text().await.unwrap();
    let path = system.folder().join(name);
    std::fs::write(&path, text).unwrap();
    path
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_documents_are_what_their_specifications_ask_for() {
    let system = System::start(Config::web()).await.unwrap();
    let mut validator = Command::new(program("openapi-spec-validator").await);
    validator.arg(document(&system, "openapi.json").await);
    println!("{}", succeeds(validator).await);
    let folder = node::folder("judges", &["@asyncapi/parser@3.6.6"]).await.unwrap();
    // Modules are looked for where a script stands.
    std::fs::copy(judges().join("asyncapi.mjs"), folder.join("asyncapi.mjs")).unwrap();
    let mut parser = Command::new("node");
    parser.arg(folder.join("asyncapi.mjs")).arg(document(&system, "asyncapi.json").await);
    println!("{}", succeeds(parser).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_made_of_the_document_meets_an_answer_that_it_does_not_name() {
    let seconds = std::env::var("STEWARD_JUDGED_SECONDS").ok().map(|given| given.parse::<u64>().unwrap());
    let (telegram, whatsapp) = (Telegram::start().await.unwrap(), WhatsApp::start().await.unwrap());
    let config = Config::telegram(&telegram).with_channel(&whatsapp.channel("")).with_auth("keys");
    let system = System::start(config.with("[webhooks]\nallow_private = true")).await.unwrap();
    let schema = document(&system, "openapi.json").await;
    let program = program("st").await;
    let mut keys = Vec::new();
    for role in ["admin", "operator", "reader"] {
        keys.push((role, system.create_key("default", role).await.unwrap()));
    }
    let keep = keys.iter().map(|(_, (_, id))| id.as_str()).collect::<Vec<_>>().join(" ");
    // Something is there to be read, and its ids are found by following links.
    let message = json!({ "channel_id": "web-main", "contact": { "id": "anna" }, "text": "ping me in two hours" });
    let request = system.client.post(format!("{}/api/v1/messages", system.write)).bearer_auth(&keys[0].1.0);
    request.json(&message).send().await.unwrap().error_for_status().unwrap();
    let mut wrong = Vec::new();
    for (role, (key, _)) in &keys {
        // Who may do most is tried most.
        let share = if *role == "admin" { 2 } else { 4 };
        let mut command = Command::new(&program);
        command.arg("run").arg(&schema).args(["--url", &system.write, "--checks", CHECKS, "--no-color"]);
        command.args(["-H", &format!("Authorization: Bearer {key}"), "--exclude-path", "/api/v1/stream"]);
        command.args(["--max-time", &(seconds.unwrap_or(60) / share).to_string(), "--request-timeout", "30"]);
        command.args(["--continue-on-failure", "--warnings", "off", "--output-sanitize", "false"]);
        if seconds.is_none() {
            command.args(["--seed", "1", "--no-shrink"]);
        }
        command.current_dir(system.folder()).env("SCHEMATHESIS_HOOKS", "hooks").env("PYTHONPATH", judges());
        command.env("PYTHONDONTWRITEBYTECODE", "1").env("STEWARD_KEEP", &keep).stdin(Stdio::null()).kill_on_drop(true);
        let limit = Duration::from_secs(seconds.unwrap_or(60) * 2 + 120);
        let output = tokio::time::timeout(limit, command.output()).await.unwrap().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let summary = said.rsplit_once("= SUMMARY =").map_or(said.as_str(), |(_, summary)| summary);
        println!("{role}: {summary}");
        if !output.status.success() {
            wrong.push(format!("{role}: {said}{}", String::from_utf8_lossy(&output.stderr)));
        }
        assert!(said.contains("Test cases:"), "{said}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
