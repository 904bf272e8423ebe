//! What strangers leave unfinished costs little, ends in time, and holds nobody else up.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::{Duration, Instant};

use rustix::process::{Resource, getrlimit, setrlimit};
use serde_json::json;
use steward_tests::{Config, System, config::AGENT, processes::resident_memory};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
    time::timeout,
};

/// Over idle.
const MOST: u64 = 200 << 20;

/// Within this, whoever is not of the flood is answered. Alone it takes milliseconds; other tests run beside this one.
const SERVED_WITHIN: Duration = Duration::from_secs(5);

/// More than the process has places for, with the rest of the flood.
const IDLE: usize = 2_200;
const HALF_OPEN: usize = 400;
const BODIES: usize = 60;

/// Sends the beginning of a body of 25 MB; what the server makes of it is its matter.
async fn unfinished_body(address: String) {
    let Ok(mut stream) = TcpStream::connect(address).await else { return };
    let length = 25 << 20;
    let head = format!(
        "POST /webhooks/email/mail-main HTTP/1.1\r\nHost: x\r\nX-Steward-Signature: {}\r\nContent-Length: {length}\r\n\r\n",
        "0".repeat(64)
    );
    if stream.write_all(head.as_bytes()).await.is_ok() {
        let piece = vec![b'x'; 1 << 20];
        for _ in 0..24 {
            if stream.write_all(&piece).await.is_err() {
                return;
            }
        }
    }
    let _ = stream.read_to_end(&mut Vec::new()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_what_is_unfinished_costs_little_and_holds_nobody_up() {
    let mut config = Config::web();
    config.add_mail("mail-main", AGENT, "smtp://127.0.0.1:9", None, "");
    let mut system = System::start(config).await.unwrap();
    // Only now: the process has to raise its own limit by itself.
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
    let hello = json!({ "channel_id": "web-main", "contact": { "id": "anna" }, "text": "hello" });
    system.post("/api/v1/messages", &hello).await.unwrap();
    let pid = system.process("up").unwrap().pid;
    let idle = resident_memory(pid).unwrap();

    let address = system.write.trim_start_matches("http://").to_owned();
    let mut bodies = JoinSet::new();
    for _ in 0..BODIES {
        bodies.spawn(unfinished_body(address.clone()));
    }
    let mut half_open = Vec::new();
    for _ in 0..HALF_OPEN {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        stream.write_all(b"POST /api/v1/messages HTTP/1.1\r\nHost: x\r\nX-More:").await.unwrap();
        half_open.push(stream);
    }
    let mut silent = Vec::new();
    for _ in 0..IDLE {
        silent.push(TcpStream::connect(&address).await.unwrap());
    }
    let mut most = 0;
    let mut longest = Duration::ZERO;
    let mut tick = tokio::time::interval(Duration::from_millis(100));
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(8) {
        tick.tick().await;
        most = most.max(resident_memory(pid).unwrap());
        let asked = Instant::now();
        // A client of its own each time: it needs a place among all those connections.
        let client = steward_tests::api::client_builder().build().unwrap();
        let posted = client.post(format!("{}/api/v1/messages", system.write)).json(&hello).send();
        let answer = timeout(SERVED_WITHIN, posted).await.expect("it is answered in time").unwrap();
        assert!(answer.status().is_success(), "{}", answer.status());
        longest = longest.max(asked.elapsed());
    }
    // Nothing that is half-open outlives its time.
    for stream in half_open.iter_mut().chain(&mut silent) {
        let ended = timeout(Duration::from_secs(30), stream.read_to_end(&mut Vec::new())).await;
        assert!(ended.is_ok(), "a connection that says nothing is still there");
    }
    most = most.max(resident_memory(pid).unwrap());
    println!("{} MB idle, at most {} MB under the flood; the longest answer took {longest:?}", idle >> 20, most >> 20);
    assert!(most < idle + MOST, "{} MB over idle", (most - idle) >> 20);
    let ready = system.client.get(format!("{}/readyz", system.read)).send().await.unwrap();
    assert!(ready.status().is_success());
    bodies.shutdown().await;
}
