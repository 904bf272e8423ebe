//! The HTTP listener: health, readiness and metrics from the first moment, everything else once the services are ready.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use anyhow::Context;
use axum::{
    Router,
    extract::{Request, State},
    http::header,
    response::{IntoResponse, Response},
    routing::get,
    serve::ListenerExt,
};
use deadpool_postgres::Pool;
use metrics_exporter_prometheus::PrometheusHandle;
use steward_http::Problem;
use steward_log::Log;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower::Service;

use crate::telemetry;

/// Longest time readiness waits for Postgres' answer.
const POSTGRES_LIMIT: Duration = Duration::from_secs(2);

/// What stands before the services.
#[derive(Clone)]
pub struct Front(Arc<Inner>);

struct Inner {
    metrics: PrometheusHandle,
    /// What is being waited for.
    phase: Mutex<&'static str>,
    opened: OnceLock<Opened>,
}

struct Opened {
    services: Router,
    log: Log,
    pool: Option<Pool>,
}

impl Front {
    pub fn new(metrics: PrometheusHandle) -> Self {
        Self(Arc::new(Inner { metrics, phase: Mutex::new("starting"), opened: OnceLock::new() }))
    }

    /// Says what is being waited for, to whoever asks whether we are ready.
    pub fn waits_for(&self, phase: &'static str) {
        *self.0.phase.lock().unwrap_or_else(PoisonError::into_inner) = phase;
    }

    /// From now on the services answer, and readiness depends on the servers they need.
    pub fn open(&self, services: Router, log: Log, pool: Option<Pool>) {
        let opened = self.0.opened.set(Opened { services, log, pool });
        assert!(opened.is_ok(), "the front is opened once");
    }

    /// Serves until `shutdown`, then ends the requests in hand.
    pub async fn serve(self, listener: TcpListener, shutdown: CancellationToken) -> std::io::Result<()> {
        let router = Router::new()
            .route("/healthz", get(|| async { "ok\n" }))
            .route("/readyz", get(readyz))
            .route("/metrics", get(metrics))
            .fallback(services)
            .with_state(self);
        let router = telemetry::traced(router);
        // Answers are small and awaited: none of them waits for a fuller packet.
        let listener = listener.tap_io(|stream| {
            let _ = stream.set_nodelay(true);
        });
        axum::serve(listener, router).with_graceful_shutdown(shutdown.cancelled_owned()).await
    }
}

async fn services(State(front): State<Front>, request: Request) -> Response {
    match front.0.opened.get() {
        Some(opened) => match opened.services.clone().call(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        },
        None => front.not_yet(),
    }
}

impl Front {
    fn not_yet(&self) -> Response {
        let phase = *self.0.phase.lock().unwrap_or_else(PoisonError::into_inner);
        let detail = format!("Steward is not ready yet, it waits for this: {phase}. Try again in a moment.");
        Problem::unavailable("not_ready", detail).into_response()
    }
}

async fn readyz(State(front): State<Front>) -> Response {
    let Some(opened) = front.0.opened.get() else { return front.not_yet() };
    if !opened.log.is_connected() {
        let detail = "NATS can't be reached; Steward keeps connecting. Check that nats-server runs.";
        return Problem::unavailable("nats_down", detail).into_response();
    }
    if let Some(pool) = &opened.pool {
        let answered =
            tokio::time::timeout(POSTGRES_LIMIT, async { pool.get().await.ok()?.simple_query("SELECT 1").await.ok() });
        if !answered.await.is_ok_and(|answer| answer.is_some()) {
            let detail = "Postgres can't be reached; Steward keeps connecting. Check that it runs.";
            return Problem::unavailable("postgres_down", detail).into_response();
        }
    }
    "ready\n".into_response()
}

async fn metrics(State(front): State<Front>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], front.0.metrics.render()).into_response()
}

/// Binds the listener.
///
/// # Errors
/// In words: the address is taken, isn't this machine's, or needs rights.
pub async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!("can't listen on {address}; set server.listen (STEWARD__SERVER__LISTEN) to another address")
    })
}

/// How the listener is reached from this machine.
pub fn local_url(address: SocketAddr) -> String {
    let ip = if address.ip().is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { address.ip() };
    format!("http://{}", SocketAddr::new(ip, address.port()))
}
