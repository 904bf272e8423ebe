//! `/healthz`, `/readyz` and `steward doctor`: what each says when a server doesn't answer, how soon, and what asking costs.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::{Duration, Instant};

use futures::future::join_all;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use steward_tests::{Config, System, gate::Gate, processes::Server};

/// In every state, however many ask.
const WITHIN: Duration = Duration::from_secs(5);

async fn probed(system: &System, path: &str) -> (u16, String) {
    let asked = Instant::now();
    let answer = system.client.get(format!("{}{path}", system.read)).send().await.unwrap();
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    assert!(asked.elapsed() < WITHIN, "{path} took {:?}", asked.elapsed());
    (status, text)
}

async fn doctor(system: &System) -> (bool, String) {
    let output = system.steward(&["doctor"]).unwrap().output().await.unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_hangs_is_named_within_seconds_however_many_ask() {
    let mut system = System::start(Config::web()).await.unwrap();
    assert_eq!(probed(&system, "/readyz").await.0, 200);
    let (fine, said) = doctor(&system).await;
    assert!(fine && said.contains("process") && said.contains("ready at"), "{said}");

    let nats = Pid::from_raw(system.server(Server::Nats).unwrap());
    kill(nats, Signal::SIGSTOP).unwrap();
    system.until_said_by_readyz("NATS").await.unwrap();
    for (status, text) in join_all((0..200).map(|_| probed(&system, "/readyz"))).await {
        assert!(status == 503 && text.contains("NATS"), "{status} {text}");
    }
    assert_eq!(probed(&system, "/healthz").await.0, 200, "starting it anew would mend nothing");
    let (fine, said) = doctor(&system).await;
    assert!(!fine && said.contains("not ready") && said.contains("NATS"), "{said}");
    kill(nats, Signal::SIGCONT).unwrap();
    system.start_again().await.unwrap();
    assert_eq!(probed(&system, "/readyz").await.0, 200);
    for (name, status, _) in system.stop().await.unwrap() {
        assert!(status.success(), "{name} ended with {status}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_postgres_it_says_so_and_goes_on_by_itself() {
    let servers = System::start_servers().await.unwrap();
    let run = servers.run_file().unwrap();
    let (nats, url) = (run["nats"].as_str().unwrap(), run["postgres"].as_str().unwrap());
    let (scheme, rest) = url.split_once("://").unwrap();
    let (who, address) = rest.split_once('@').unwrap();
    let (target, database) = address.split_once('/').unwrap();
    let mut postgres = Gate::shut_before(target).unwrap();
    postgres.open().await.unwrap();
    let through = format!("{scheme}://{who}@{}/{database}", postgres.address());
    let config = Config::web().with(&format!("[nats]\nurl = \"{nats}\"\n[postgres]\nurl = \"{through}\""));
    let mut system = System::start(config).await.unwrap();
    postgres.shut();
    system.until_said_by_readyz("Postgres").await.unwrap();
    for (status, text) in join_all((0..50).map(|_| probed(&system, "/readyz"))).await {
        assert!(status == 503 && text.contains("Postgres"), "{status} {text}");
    }
    assert_eq!(probed(&system, "/healthz").await.0, 200);
    postgres.open().await.unwrap();
    system.start_again().await.unwrap();
}
