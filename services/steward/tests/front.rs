//! What `/healthz`, `/readyz` and `/metrics` answer, depending on what the parts of the process say of themselves.

mod running;

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::Router;
use running::{Running, Scratch};
use steward::front::Front;
use steward_http::{Guard, Limits};
use steward_log::{Condition, ConnectOptions, Log};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_part_is_named_by_both_and_one_that_is_behind_by_readiness_alone() {
    let scratch = Scratch::new();
    let servers = Running::start(&scratch, &["servers"]);
    let nats = servers.run_json()["nats"].as_str().expect("a url").to_owned();
    let shutdown = CancellationToken::new();
    let log = Log::connect(&nats, ConnectOptions::new("front"), shutdown.clone()).await.expect("it runs");
    log.ensure_streams().await.expect("it makes them");
    let condition = Arc::new(Mutex::new(Condition::Well));
    let said = Arc::clone(&condition);
    log.health().register("scheduler", move || said.lock().expect("nobody panics").clone());

    let metrics = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder().handle();
    let front = Front::new(metrics, None, shutdown.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("bound"));
    let serving = tokio::spawn(front.clone().serve(listener, Limits::default(), shutdown.clone()));
    let client = running::client();
    let ask = async |path: &str| {
        let answer = client.get(format!("{base}{path}")).send().await.expect("it listens");
        (answer.status().as_u16(), answer.text().await.expect("text"))
    };
    assert_eq!((ask("/healthz").await.0, ask("/readyz").await.0), (200, 503));
    assert_eq!(ask("/metrics").await.0, 503, "nobody can show a key yet");
    front.open(Router::new(), Guard::keys(log.clone()), log.clone(), None);
    assert_eq!((ask("/healthz").await.0, ask("/readyz").await.0, ask("/metrics").await.0), (200, 200, 401));

    let says = |now: Condition| *condition.lock().expect("nobody panics") = now;
    says(Condition::Behind("an alarm is 30 s late".to_owned()));
    assert_eq!(ask("/healthz").await.0, 200);
    let (status, text) = ask("/readyz").await;
    assert!(status == 503 && text.contains("scheduler") && text.contains("30 s late"), "{text}");

    says(Condition::Dead("it panicked".to_owned()));
    for path in ["/healthz", "/readyz"] {
        let (status, text) = ask(path).await;
        assert!(status == 503 && text.contains("scheduler") && text.contains("it panicked"), "{path}: {text}");
    }
    says(Condition::Well);
    assert_eq!(ask("/readyz").await.0, 200);

    // The command line learns where this front is, as it would from `up`.
    let mut run = servers.run_json();
    run["http"] = base.clone().into();
    std::fs::write(scratch.data().join("run.json"), run.to_string()).expect("ours");
    let doctor = async || {
        let mut command = scratch.steward(&["doctor", "--offline"]);
        let output = tokio::task::spawn_blocking(move || command.output()).await.expect("no panic").expect("it runs");
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (fine, said) = doctor().await;
    assert!(fine && said.contains("ready at"), "{said}");
    for (part, what, ends) in [
        ("writer", "it panicked: oh no", true),
        ("projection", "the projector has ended", true),
        ("scheduler-alarms", "an alarm is 9 s past its time and not decided", false),
        ("sending", "there is no room for more", false),
    ] {
        let condition = if ends { Condition::Dead(what.to_owned()) } else { Condition::Behind(what.to_owned()) };
        let now = Arc::new(Mutex::new(condition));
        let said = Arc::clone(&now);
        log.health().register(part, move || said.lock().expect("nobody panics").clone());
        let (healthz, text) = ask("/healthz").await;
        assert_eq!(healthz, if ends { 503 } else { 200 }, "{part}: {text}");
        let (readyz, text) = ask("/readyz").await;
        assert!(readyz == 503 && text.contains(part) && text.contains(what), "{part}: {readyz} {text}");
        let begun = Instant::now();
        let (fine, said) = doctor().await;
        let line = said.lines().find(|line| line.starts_with("wrong") && line.contains(part) && line.contains(what));
        assert!(!fine && line.is_some(), "{part}: {said}");
        assert!(begun.elapsed() < Duration::from_secs(10), "{part}: doctor took {:?}", begun.elapsed());
        *now.lock().expect("nobody panics") = Condition::Well;
        assert_eq!(ask("/readyz").await.0, 200);
    }
    shutdown.cancel();
    serving.await.expect("no panic").expect("it ends in order");
}
