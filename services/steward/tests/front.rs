//! What `/healthz`, `/readyz` and `/metrics` answer, by what the parts of the process say of themselves.

mod running;

use std::sync::{Arc, Mutex};

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
    shutdown.cancel();
    serving.await.expect("no panic").expect("it ends in order");
}
