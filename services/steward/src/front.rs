//! The HTTP listener: answers for the process from the first moment, for the services once they are ready.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use anyhow::Context;
use axum::{
    Router,
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use deadpool_postgres::Pool;
use metrics_exporter_prometheus::PrometheusHandle;
use steward_http::{
    ClientAddress, Guard, Limits, Problem,
    openapi::{Code, GUARD, LISTENER, operations, problems},
};
use steward_log::Log;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower::Service;
use utoipa::{
    IntoResponses,
    openapi::{self, OpenApi, RefOr},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{readiness::Readiness, telemetry};

/// What answers requests before the services do.
#[derive(Clone)]
pub struct Front(Arc<Inner>);

struct Inner {
    metrics: PrometheusHandle,
    /// Who may see metrics before the services are open: in mode `open` whoever may see them later, otherwise nobody.
    early: Option<Guard>,
    shutdown: CancellationToken,
    /// What the start is waiting for.
    phase: Mutex<&'static str>,
    opened: OnceLock<Opened>,
}

struct Opened {
    services: Router,
    guard: Guard,
    readiness: Readiness,
}

impl Front {
    pub fn new(metrics: PrometheusHandle, early: Option<Guard>, shutdown: CancellationToken) -> Self {
        let (phase, opened) = (Mutex::new("starting"), OnceLock::new());
        Self(Arc::new(Inner { metrics, early, shutdown, phase, opened }))
    }

    /// Notes what the start is waiting for, to be told to whoever asks whether we are ready.
    pub fn waits_for(&self, phase: &'static str) {
        *self.0.phase.lock().unwrap_or_else(PoisonError::into_inner) = phase;
    }

    /// Lets the services answer from now on; readiness depends on them, and on the servers that they need.
    pub fn open(&self, services: Router, guard: Guard, log: Log, pool: Option<Pool>) {
        let readiness = Readiness::new(log, pool);
        let opened = self.0.opened.set(Opened { services, guard, readiness });
        assert!(opened.is_ok(), "the front is opened once");
    }

    /// Serves until `shutdown`, then lets the requests in hand end.
    pub async fn serve(
        self,
        listener: TcpListener,
        limits: Limits,
        shutdown: CancellationToken,
    ) -> std::io::Result<()> {
        let (routes, _) = probes().merge(metered()).split_for_parts();
        let router = routes.fallback(services).with_state(self);
        steward_http::serve(listener, telemetry::traced(router), limits, shutdown).await
    }

    /// Serves metrics on a listener of their own, without asking for a key.
    pub async fn serve_metrics(self, listener: TcpListener, shutdown: CancellationToken) -> std::io::Result<()> {
        let open = async |State(front): State<Self>| front.render();
        let (probes, _) = probes().split_for_parts();
        let router = probes.route("/metrics", get(open)).fallback(steward_http::unknown_path).with_state(self);
        steward_http::serve(listener, router, Limits { connections: 64, ..Limits::default() }, shutdown).await
    }

    fn not_yet(&self) -> Response {
        let phase = *self.0.phase.lock().unwrap_or_else(PoisonError::into_inner);
        let detail = format!("Steward is not ready yet, it waits for this: {phase}. Try again in a moment.");
        Problem::unavailable("not_ready", detail).into_response()
    }

    fn render(&self) -> Response {
        ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], self.0.metrics.render()).into_response()
    }
}

/// What the OpenAPI document says of these routes.
pub fn openapi() -> OpenApi {
    let mut probes = probes().into_openapi();
    operations(&mut probes).for_each(|(_, operation)| operation.security = Some(Vec::new()));
    probes.merge_from(metered().into_openapi())
}

fn probes() -> OpenApiRouter<Front> {
    OpenApiRouter::new().routes(routes!(healthz)).routes(routes!(readyz))
}

fn metered() -> OpenApiRouter<Front> {
    OpenApiRouter::new().routes(routes!(metrics))
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

/// Whether the process runs
///
/// 503 when a part of it has ended or can't go on: whoever supervises the process is to start it anew.
#[utoipa::path(
    get,
    path = "/healthz",
    tag = "process",
    operation_id = "get_health",
    responses((status = 200, description = "it runs", body = String, content_type = "text/plain"), Dead),
)]
async fn healthz(State(front): State<Front>) -> Response {
    match front.0.opened.get().and_then(|opened| opened.readiness.dead()) {
        Some(problem) => problem.into_response(),
        None => "ok\n".into_response(),
    }
}

/// Whether the process serves
///
/// 503 while it starts, while NATS or Postgres can't be reached, while a part of it is behind, and once it stops.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "process",
    operation_id = "get_readiness",
    responses((status = 200, description = "it serves", body = String, content_type = "text/plain"), Unready),
)]
async fn readyz(State(front): State<Front>) -> Response {
    if front.0.shutdown.is_cancelled() {
        return Problem::unavailable("stopping", "Steward is stopping; ask the one that takes over.").into_response();
    }
    let Some(opened) = front.0.opened.get() else { return front.not_yet() };
    match opened.readiness.ask().await {
        Ok(()) => "ready\n".into_response(),
        Err(problem) => problem.into_response(),
    }
}

/// Prometheus metrics
///
/// They are those of all tenants, on a listener that may be public, so a key is needed where callers have keys. The
/// listener of `server.metrics_listen` serves them without one.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "process",
    operation_id = "get_metrics",
    responses((status = 200, description = "as Prometheus scrapes them", body = String, content_type = "text/plain"), Unmeasured),
)]
async fn metrics(State(front): State<Front>, request: Request) -> Response {
    let client = request.extensions().get::<ClientAddress>().copied();
    let guard = front.0.opened.get().map(|opened| &opened.guard).or(front.0.early.as_ref());
    let Some(guard) = guard else { return front.not_yet() };
    match guard.caller_from(client, request.uri(), request.headers()).await {
        Ok(_) => front.render(),
        Err(problem) => problem.into_response(),
    }
}

struct Dead;

const DEAD: &[Code] = &[unavailable("dead", "a part can't go on; the process ends by itself")];

impl IntoResponses for Dead {
    fn responses() -> BTreeMap<String, RefOr<openapi::Response>> {
        problems([LISTENER, DEAD])
    }
}

struct Unready;

const UNREADY: &[Code] = &[
    unavailable("stopping", "it stops; ask the one that takes over"),
    unavailable("behind", "a part of it is behind; it goes on by itself"),
    unavailable("nats_down", "NATS doesn't answer; Steward keeps trying"),
    unavailable("postgres_down", "Postgres doesn't answer; Steward keeps connecting"),
];

impl IntoResponses for Unready {
    fn responses() -> BTreeMap<String, RefOr<openapi::Response>> {
        problems([LISTENER, DEAD, UNREADY])
    }
}

struct Unmeasured;

impl IntoResponses for Unmeasured {
    fn responses() -> BTreeMap<String, RefOr<openapi::Response>> {
        problems([LISTENER, GUARD])
    }
}

const fn unavailable(code: &'static str, when: &'static str) -> Code {
    Code::new(StatusCode::SERVICE_UNAVAILABLE, code, when)
}

/// Binds a listener.
///
/// # Errors
/// The address is taken, isn't this machine's, or needs rights; the error says so in words.
pub async fn bind(address: SocketAddr, key: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        let variable = key.to_uppercase().replace('.', "__");
        format!("can't listen on {address}; set {key} (STEWARD__{variable}) to another address")
    })
}

/// The URL of a listener, as seen from this machine.
pub fn local_url(address: SocketAddr) -> String {
    let ip = if address.ip().is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { address.ip() };
    format!("http://{}", SocketAddr::new(ip, address.port()))
}
