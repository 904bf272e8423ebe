//! A real nats-server and a real Postgres, a projector on them, and requests to its routes.
#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "../../../../nats/tests/support/server.rs"]
pub mod nats;
pub mod postgres;
pub mod stories;

use std::time::Duration;

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode, header},
};
use deadpool_postgres::Pool;
use serde_json::Value;
use steward_domain::ids;
use steward_http::Guard;
use steward_log::{Append, Condition, ConnectOptions, Expected, Log};
use steward_projection::{Around, Channel, ProjectionError, Reached, Reads};
use steward_proto::{AggregateId, Cause, Event, NewEvent, TenantId, v1};
use steward_settings::{Limits, Settings};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;
use uuid::Uuid;

/// What a test needs; the servers end when it is dropped.
pub struct System {
    pub log: Log,
    pub pool: Pool,
    pub reached: Reached,
    pub limits: Limits,
    pub shutdown: CancellationToken,
    pub nats: nats::Server,
    pub postgres: postgres::Server,
}

impl System {
    pub async fn start() -> Self {
        let (nats, postgres) = tokio::join!(nats::Server::start(), postgres::Server::start());
        let shutdown = CancellationToken::new();
        let log = Log::connect(&nats.url(), ConnectOptions::new("test"), shutdown.clone()).await.unwrap();
        log.ensure_streams().await.unwrap();
        let pool = steward_projection::pool(&postgres.url(), 8).unwrap();
        Self { log, pool, reached: Reached::default(), limits: Limits::default(), shutdown, nats, postgres }
    }

    /// Starts a projector, which runs until it is stopped.
    pub fn project(&self) -> Projector {
        let shutdown = self.shutdown.child_token();
        let run = steward_projection::run(self.log.clone(), self.pool.clone(), self.reached.clone(), shutdown.clone());
        Projector { running: tokio::spawn(run), shutdown }
    }

    /// The same; it says that it is behind when its lag exceeds `limit`.
    pub fn project_within(&mut self, limit: Duration) -> Projector {
        self.reached = Reached::with_limit(limit);
        self.project()
    }

    /// The projector's condition.
    pub fn projection_condition(&self) -> Condition {
        let conditions = self.log.health().conditions();
        conditions.into_iter().find(|(name, _)| name == "projection").expect("it runs").1
    }

    /// Waits until the projector's condition is so.
    pub async fn until(&self, is_so: impl Fn(&Condition) -> bool) {
        let waiting = async {
            // A condition is worked out when it is asked for, so nobody is told of a change.
            while !is_so(&self.projection_condition()) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(120), waiting).await.expect("it says so in time");
    }

    /// Makes a key of this tenant.
    pub async fn key_of(&self, name: &str) -> steward_http::NewKey {
        let key = steward_http::create_key(&tenant(name));
        let created = v1::ApiKeyCreated {
            key_id: key.key_id.clone(),
            role: "reader".to_owned(),
            hash: key.hash.clone(),
            name: key.key_id.clone(),
            ..v1::ApiKeyCreated::default()
        };
        self.record(&ids::tenant_aggregate(&tenant(name)), vec![created.into()]).await;
        key
    }

    /// The routes, called with a key of this tenant.
    pub async fn api_of(&self, name: &str) -> Api {
        let key = self.key_of(name).await;
        let reads = self.reads(Guard::keys(self.log.clone()));
        self.caught_up().await;
        Api { router: steward_projection::router(reads), key: Some(key.text) }
    }

    /// Waits until everything in the log is in the read models.
    pub async fn caught_up(&self) -> u64 {
        let last = self.log.last_position().await.unwrap();
        assert!(self.reached.wait(last, Duration::from_secs(60)).await, "{} of {last}", self.reached.now());
        last
    }

    pub fn reads(&self, guard: Guard) -> Reads {
        Reads {
            log: self.log.clone(),
            pool: self.pool.clone(),
            reached: self.reached.clone(),
            guard,
            channels: vec![
                Channel { tenant: tenant("default"), id: "web".to_owned(), kind: "web".to_owned(), way: "command" },
                Channel {
                    tenant: tenant("other"),
                    id: "theirs".to_owned(),
                    kind: "telegram".to_owned(),
                    way: "webhook",
                },
            ],
            limits: self.limits.clone(),
            settings: Settings::default().into(),
            commands: None,
            around: Around::default(),
            shutdown: self.shutdown.clone(),
        }
    }

    pub fn api(&self) -> Api {
        Api { router: steward_projection::router(self.reads(Guard::open())), key: None }
    }

    /// Records events of one aggregate, whatever its version. Returns the position of the last.
    pub async fn record(&self, aggregate: &AggregateId, events: Vec<Event>) -> u64 {
        let cause = Cause::outside("service:test", steward_proto::new_traceparent([7; 24]));
        self.record_because(aggregate, &cause, events).await
    }

    pub async fn record_because(&self, aggregate: &AggregateId, cause: &Cause, events: Vec<Event>) -> u64 {
        let now = chrono::Utc::now();
        let events = events.into_iter().map(|event| NewEvent::new(Uuid::now_v7(), now, cause, event)).collect();
        let append = Append { aggregate: aggregate.clone(), events, expected: Expected::Any, dedupe_key: None };
        self.log.append(append).await.unwrap().position
    }
}

pub struct Projector {
    running: JoinHandle<Result<(), ProjectionError>>,
    shutdown: CancellationToken,
}

impl Projector {
    pub async fn stop(self) {
        self.shutdown.cancel();
        self.running.await.unwrap().unwrap();
    }
}

pub fn tenant(name: &str) -> TenantId {
    TenantId::new(name).unwrap()
}

/// The routes, called without a socket.
#[derive(Clone)]
pub struct Api {
    pub router: Router,
    pub key: Option<String>,
}

/// An answer of the routes.
pub struct Answer {
    pub status: StatusCode,
    pub position: Option<u64>,
    pub content_type: String,
    pub body: Value,
}

impl Api {
    pub fn with_key(&self, key: &str) -> Self {
        Self { key: Some(key.to_owned()), ..self.clone() }
    }

    pub async fn send(&self, path: &str, headers: &[(&str, &str)]) -> axum::response::Response {
        let mut request = Request::get(path).header(header::HOST, "localhost");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(key) = &self.key {
            request = request.header(header::AUTHORIZATION, format!("Bearer {key}"));
        }
        self.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
    }

    pub async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let response = self.send(path, headers).await;
        let status = response.status();
        let header = |name: &str| response.headers().get(name).map(|v| v.to_str().unwrap().to_owned());
        let (position, content_type) = (header("steward-position"), header("content-type").unwrap_or_default());
        let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        Answer {
            status,
            position: position.map(|p| p.parse().unwrap()),
            content_type,
            body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.get_with(path, &[]).await
    }

    /// The items of all pages together.
    pub async fn items(&self, path: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let mut cursor = String::new();
        loop {
            let sign = if path.contains('?') { '&' } else { '?' };
            let answer = self.get(&format!("{path}{sign}limit=200{cursor}")).await;
            assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
            items.extend(answer.body["items"].as_array().unwrap().clone());
            match answer.body["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return items,
            }
        }
    }
}
