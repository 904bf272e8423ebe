//! `/healthz`, `/readyz` and `steward doctor`: what each says when a server doesn't answer, how soon, and what asking costs.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{
    fs,
    time::{Duration, Instant},
};

use futures::future::join_all;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use reqwest::Method;
use serde_json::{Value, json};
use steward_tests::{
    Config, System,
    gate::Gate,
    processes::Server,
    system::{PROJECTION, SERVICES},
};
use tokio_postgres::NoTls;

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
    assert!(fine && said.contains("listener") && said.contains("ready at"), "{said}");

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
    let urls = servers.credentials().unwrap();
    let (nats, url) = (urls["nats"]["steward"].as_str().unwrap(), urls["postgres"]["owner"].as_str().unwrap());
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_user_without_the_rights_is_refused_at_the_start_and_told_whom_to_name() {
    let servers = System::start_servers().await.unwrap();
    let urls = servers.credentials().unwrap();
    let (nats, reader) = (urls["nats"]["steward"].as_str().unwrap(), urls["postgres"]["reader"].as_str().unwrap());
    let config = Config::web().with(&format!("[nats]\nurl = \"{nats}\"\n[postgres]\nurl = \"{reader}\""));
    let said = format!("{:#}", System::start(config).await.err().expect("it can't start"));
    assert!(said.contains("ended with") && said.contains("postgres.url") && said.contains("owner"), "{said}");
}

/// `doctor` asks several things, some of them one after another.
const DOCTOR_WITHIN: Duration = Duration::from_secs(10);
/// So long after a state has ended everything is ready again by itself.
const WELL_WITHIN: Duration = Duration::from_secs(60);

/// What has to be said in a state.
struct Says {
    state: &'static str,
    /// By `/readyz`: the part, and what is the matter.
    readyz: [&'static str; 2],
    /// By `doctor`, on a line that begins with `wrong`: the thing, and what to do or what is the matter.
    doctor: [&'static str; 2],
}

const NATS_GONE: Says = Says {
    state: "NATS gone",
    readyz: ["NATS", "Check that nats-server runs"],
    doctor: ["nats", "check that it runs"],
};
const POSTGRES_GONE: Says = Says {
    state: "Postgres gone",
    readyz: ["Postgres", "Check that it runs"],
    doctor: ["postgres", "check that it runs"],
};
const PROJECTOR_STUCK: Says = Says {
    state: "projector stuck",
    readyz: ["projection", "the read models are"],
    doctor: ["read models", "does `projection` run"],
};
const SCHEDULER_DEAF: Says = Says {
    state: "scheduler behind",
    readyz: ["scheduler-alarms", "the alarm clock can't be heard"],
    doctor: ["stream TIMERS", "start any service"],
};
const LOG_FULL: Says = Says {
    state: "disk full",
    readyz: ["writer", "the log has no room"],
    doctor: ["stream EVENTS", "raise max_bytes"],
};

/// Asserts that all three say it, each in time; `since` is when the state began.
async fn are_told(system: &System, base: &str, says: &Says, since: Instant) {
    let ask = async |path: &str| {
        let asked = Instant::now();
        let answer = system.client.get(format!("{base}{path}")).send().await.unwrap();
        let (status, text) = (answer.status().as_u16(), answer.text().await.unwrap());
        assert!(asked.elapsed() < WITHIN, "{}: {path} took {:?}", says.state, asked.elapsed());
        (status, text, asked.elapsed())
    };
    let mut tick = tokio::time::interval(Duration::from_millis(50));
    let (shown, readyz) = loop {
        tick.tick().await;
        let (status, text, took) = ask("/readyz").await;
        if status == 503 && says.readyz.iter().all(|words| text.contains(words)) {
            break (since.elapsed(), took);
        }
        assert!(since.elapsed() < WITHIN * 2, "{}: /readyz says {status} {text}", says.state);
    };
    assert!(shown < WITHIN, "{}: it took {shown:?} to show", says.state);
    let (status, text, healthz) = ask("/healthz").await;
    assert_eq!(status, 200, "{}: starting anew would mend nothing: {text}", says.state);
    let asked = Instant::now();
    let (fine, said) = doctor(system).await;
    let took = asked.elapsed();
    assert!(took < DOCTOR_WITHIN, "{}: doctor took {took:?}", says.state);
    let line = said.lines().find(|l| l.starts_with("wrong") && says.doctor.iter().all(|words| l.contains(words)));
    assert!(!fine && line.is_some(), "{}: doctor says {said}", says.state);
    println!(
        "{} | readyz 503 {} after {shown:.1?}, in {readyz:.1?} | healthz 200 in {healthz:.1?} | doctor in {took:.1?}: {}",
        says.state,
        says.readyz[0],
        line.unwrap_or_default()
    );
}

/// Waits until it is ready again, with nothing done but asking.
async fn are_well_again(system: &System, base: &str, says: &Says) {
    let ended = Instant::now();
    let mut tick = tokio::time::interval(Duration::from_millis(50));
    loop {
        tick.tick().await;
        let answer = system.client.get(format!("{base}/readyz")).send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        if status.is_success() {
            break;
        }
        assert!(ended.elapsed() < WELL_WITHIN, "{}: it doesn't come back: {text}", says.state);
    }
    println!("{} | ready again after {:.1?}", says.state, ended.elapsed());
}

/// Processes that stand still, until this is dropped.
struct Standing(Vec<Pid>);

impl Standing {
    /// A server with all its processes.
    fn server(system: &System, which: Server) -> Self {
        let parent = system.server(which).unwrap();
        let is_child = |pid: &i32| {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            let after_name = stat.rsplit_once(')').map(|(_, rest)| rest.split_whitespace().nth(1));
            after_name.flatten() == Some(parent.to_string().as_str())
        };
        let entries = fs::read_dir("/proc").unwrap().flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let all = std::iter::once(parent).chain(pids.filter(is_child)).map(Pid::from_raw).collect::<Vec<_>>();
        all.iter().for_each(|pid| kill(*pid, Signal::SIGSTOP).unwrap());
        Self(all)
    }
}

impl Drop for Standing {
    fn drop(&mut self) {
        for pid in &self.0 {
            let _ = kill(*pid, Signal::SIGCONT);
        }
    }
}

/// A session that holds the row which the projector writes, until it is dropped.
async fn hold_the_projector(system: &System) -> tokio_postgres::Client {
    let credentials = system.credentials().unwrap();
    let url = credentials["postgres"]["owner"].as_str().unwrap();
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute("BEGIN; SELECT position FROM steward.active FOR UPDATE").await.unwrap();
    client
}

/// The admin's calls of JetStream.
async fn jetstream(system: &System, request: &str, body: &Value) -> Value {
    let client = system.nats().await.unwrap();
    let answer = client.request(format!("$JS.API.{request}"), body.to_string().into()).await.unwrap();
    let answer: Value = serde_json::from_slice(&answer.payload).unwrap();
    assert!(answer["error"].is_null(), "{request}: {answer}");
    answer
}

async fn say(system: &System, text: &str) -> reqwest::StatusCode {
    let body = json!({ "channel_id": "web-main", "contact": { "id": "visitor" }, "text": text });
    system.command(Method::POST, "/api/v1/messages", &body).await.unwrap().status
}

fn quick() -> Config {
    Config::web().with("[limits]\nlag = \"2s\"")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_state_of_one_process_is_named_in_time_and_passes_by_itself() {
    let system = System::start(quick()).await.unwrap();
    let base = system.read.clone();
    assert!(say(&system, "hello").await.is_success());
    let (fine, said) = doctor(&system).await;
    assert!(fine, "{said}");

    for (server, says) in [(Server::Nats, NATS_GONE), (Server::Postgres, POSTGRES_GONE)] {
        let since = Instant::now();
        let standing = Standing::server(&system, server);
        are_told(&system, &base, &says, since).await;
        drop(standing);
        are_well_again(&system, &base, &says).await;
    }

    let held = hold_the_projector(&system).await;
    let since = Instant::now();
    assert!(say(&system, "nobody can read this yet").await.is_success());
    are_told(&system, &base, &PROJECTOR_STUCK, since).await;
    drop(held);
    are_well_again(&system, &base, &PROJECTOR_STUCK).await;

    let timers = jetstream(&system, "STREAM.INFO.TIMERS", &json!({})).await["config"].clone();
    let since = Instant::now();
    jetstream(&system, "STREAM.DELETE.TIMERS", &json!({})).await;
    are_told(&system, &base, &SCHEDULER_DEAF, since).await;
    jetstream(&system, "STREAM.CREATE.TIMERS", &timers).await;
    are_well_again(&system, &base, &SCHEDULER_DEAF).await;

    let unlimited = fill_the_log(&system).await;
    let since = Instant::now();
    assert!(say(&system, "there is no room for this").await.is_server_error());
    are_told(&system, &base, &LOG_FULL, since).await;
    jetstream(&system, "STREAM.UPDATE.EVENTS", &unlimited).await;
    are_well_again(&system, &base, &LOG_FULL).await;

    assert!(say(&system, "and on it goes").await.is_success());
    let (fine, said) = doctor(&system).await;
    assert!(fine, "{said}");
}

/// Nothing more fits into the log; the configuration that it had.
async fn fill_the_log(system: &System) -> Value {
    let info = jetstream(system, "STREAM.INFO.EVENTS", &json!({})).await;
    let unlimited = info["config"].clone();
    let mut full = unlimited.clone();
    full["max_bytes"] = info["state"]["bytes"].clone();
    full["discard"] = json!("new");
    jetstream(system, "STREAM.UPDATE.EVENTS", &full).await;
    unlimited
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn services_in_processes_of_their_own_say_the_same() {
    let system = System::start_separately(quick(), &[]).await.unwrap();
    assert!(say(&system, "hello").await.is_success());
    let bases = SERVICES.map(|service| system.base_of(service).unwrap());

    let since = Instant::now();
    let standing = Standing::server(&system, Server::Nats);
    join_all(bases.iter().map(|base| are_told(&system, base, &NATS_GONE, since))).await;
    drop(standing);
    join_all(bases.iter().map(|base| are_well_again(&system, base, &NATS_GONE))).await;

    let projection = system.base_of(PROJECTION).unwrap();
    let held = hold_the_projector(&system).await;
    let since = Instant::now();
    assert!(say(&system, "nobody can read this yet").await.is_success());
    are_told(&system, &projection, &PROJECTOR_STUCK, since).await;
    drop(held);
    are_well_again(&system, &projection, &PROJECTOR_STUCK).await;
}
