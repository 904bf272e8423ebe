//! Ingestion on a real nats-server, spoken to as its callers do.

#![allow(dead_code, clippy::unwrap_used)]

#[path = "../../../../nats/tests/support/server.rs"]
pub mod server;

pub mod mails;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use bytes::Bytes;
use chrono::Utc;
use serde_json::{Value, json};
use steward_domain::{
    ids::{self, ConversationId},
    settings::OnUnknown,
};
use steward_http::{Guard, create_key, unknown_path, wrong_method};
use steward_ingestion::{Ingestion, router};
use steward_log::{Append, Clock, ConnectOptions, Expected, Log};
use steward_proto::{Cause, Event, NewEvent, Recorded, TenantId, new_traceparent, v1};
use steward_settings::{
    Channel, ChannelKind, Email, Inbound, Limits, Mode, Secret, Settings, Source, Telegram, WhatsApp,
};
use tokio_util::sync::{CancellationToken, DropGuard};
use tower::ServiceExt;
use uuid::Uuid;

use server::Server;

pub const SECRET: &str = "s3cret";
pub const OPERATOR: i64 = 7001;

pub struct World {
    /// `None` in a second process beside the first.
    pub server: Option<Server>,
    pub log: Log,
    pub app: Router,
    /// Puts other settings in force.
    pub source: Source,
    pub tenant: TenantId,
    next: std::sync::atomic::AtomicI64,
    _stop: DropGuard,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {:?}", self.body))
    }

    pub fn text(&self, field: &str) -> String {
        self.json()[field].as_str().unwrap_or_else(|| panic!("no {field} in {:?}", self.body)).to_owned()
    }
}

pub fn channel(id: &str, tenant: &str, kind: ChannelKind) -> Channel {
    Channel {
        id: id.to_owned(),
        tenant: tenant.to_owned(),
        operators: vec![OPERATOR.to_string()],
        on_unknown: OnUnknown::Hold,
        rate_limit: None,
        approval: None,
        kind,
    }
}

pub fn telegram(api_base: &str) -> ChannelKind {
    ChannelKind::Telegram(Telegram {
        mode: Mode::Webhook,
        token: Secret::new("1:bar"),
        secret_token: Secret::new(SECRET),
        api_base: api_base.to_owned(),
    })
}

/// Signs raw mails.
pub const MAIL_SECRET: &str = "m4il";
/// The key under which the recorded requests of Mailgun are signed.
pub const MAILGUN_KEY: &str = "TEST_WEBHOOK_SIGNING_KEY";
pub const SES_TOPIC: &str = "arn:aws:sns:us-east-1:111111111111:SES_Inbound";

pub fn mail() -> ChannelKind {
    let inbound = vec![
        Inbound::Mailgun { signing_key: Secret::new(MAILGUN_KEY) },
        Inbound::Sendgrid { public_key: include_str!("../fixtures/keys/sendgrid.pub").to_owned() },
        Inbound::Postmark { user: "postmark".to_owned(), password: Secret::new("p4ss") },
        Inbound::Ses { topic_arn: SES_TOPIC.to_owned() },
    ];
    ChannelKind::Email(Email {
        address: "agent@example.test".to_owned(),
        smtp_url: Secret::new("smtp://127.0.0.1:1"),
        imap_url: None,
        inbound_secret: Secret::new(MAIL_SECRET),
        inbound,
        trusted_authserv_id: Some("mx.example.test".to_owned()),
        groups: Vec::new(),
    })
}

/// A mailbox whose mails are posted raw, and that believes no server.
pub fn bare_mail() -> ChannelKind {
    let ChannelKind::Email(mail) = mail() else { unreachable!() };
    ChannelKind::Email(Email { inbound: Vec::new(), trusted_authserv_id: None, ..mail })
}

pub const PHONE_NUMBER_ID: &str = "106540352242922";

pub fn whatsapp() -> ChannelKind {
    ChannelKind::WhatsApp(WhatsApp {
        phone_number_id: PHONE_NUMBER_ID.to_owned(),
        access_token: Secret::new("EAA"),
        app_secret: Secret::new(SECRET),
        verify_token: Secret::new(SECRET),
        api_base: "http://127.0.0.1:1".to_owned(),
        templates: Vec::new(),
    })
}

pub fn settings() -> Settings {
    Settings {
        channels: vec![
            channel("tg", "default", telegram("http://127.0.0.1:1")),
            channel("web", "default", ChannelKind::Web),
            Channel { operators: vec!["operator@example.test".to_owned()], ..channel("mail", "default", mail()) },
            channel("foreign", "others", ChannelKind::Web),
            channel("wa", "default", whatsapp()),
            channel("bare", "default", bare_mail()),
        ],
        limits: Limits { webhooks_per_tenant: 5, ..Limits::default() },
        ..Settings::default()
    }
}

impl World {
    pub async fn start() -> Self {
        Self::start_on(Server::start().await, |_| Guard::open()).await
    }

    pub async fn start_on(server: Server, guard: impl Fn(Log) -> Guard) -> Self {
        Self::connected(&server.url(), ConnectOptions::new("test"), guard, Some(server)).await
    }

    /// One whose time is told by a clock.
    pub async fn start_by(clock: Clock) -> Self {
        let server = Server::start().await;
        let options = ConnectOptions { clock, ..ConnectOptions::new("test") };
        Self::connected(&server.url(), options, |_| Guard::open(), Some(server)).await
    }

    /// A second process on the same log, by the same clock.
    pub async fn start_beside(world: &Self) -> Self {
        let url = world.server.as_ref().unwrap().url();
        let options = ConnectOptions { clock: world.log.clock().clone(), ..ConnectOptions::new("test") };
        Self::connected(&url, options, |_| Guard::open(), None).await
    }

    async fn connected(
        url: &str,
        options: ConnectOptions,
        guard: impl Fn(Log) -> Guard,
        server: Option<Server>,
    ) -> Self {
        let shutdown = CancellationToken::new();
        let log = Log::connect(url, options, shutdown.clone()).await.unwrap();
        log.ensure_streams().await.unwrap();
        let guard = guard(log.clone());
        let source = Source::new(settings());
        let settings = source.in_force();
        let ingestion = Ingestion { log: log.clone(), settings, guard, shutdown: shutdown.clone() };
        let app = router(ingestion).fallback(unknown_path).method_not_allowed_fallback(wrong_method);
        let tenant = TenantId::new("default").unwrap();
        Self { server, log, app, source, tenant, next: 1_000.into(), _stop: shutdown.drop_guard() }
    }

    pub async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header(header::HOST, "localhost");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.app.clone().oneshot(request.body(body.into()).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        Answer { status: parts.status, headers: parts.headers, body: to_bytes(body, usize::MAX).await.unwrap() }
    }

    pub async fn command(&self, method: Method, path: &str, body: Value) -> Answer {
        self.send(method, path, &[("content-type", "application/json")], body.to_string()).await
    }

    pub async fn keyed(&self, key: &str, path: &str, body: Value) -> Answer {
        let headers = [("content-type", "application/json"), ("idempotency-key", key)];
        self.send(Method::POST, path, &headers, body.to_string()).await
    }

    /// A key of a tenant, as the header `Authorization` carries it.
    pub async fn key(&self, tenant: &str, role: &str) -> String {
        let tenant = TenantId::new(tenant).unwrap();
        let key = create_key(&tenant);
        let cause = Cause::outside("service:test", new_traceparent([7; 24]));
        let created = v1::ApiKeyCreated {
            key_id: key.key_id.clone(),
            role: role.to_owned(),
            hash: key.hash.clone(),
            name: role.to_owned(),
            created_at: None,
        };
        let events = vec![NewEvent::new(Uuid::now_v7(), Utc::now(), &cause, created)];
        let aggregate = ids::tenant_aggregate(&tenant);
        self.log.append(Append { aggregate, events, expected: Expected::Any, dedupe_key: None }).await.unwrap();
        format!("Bearer {}", key.text)
    }

    /// An Update comes in and is accepted.
    pub async fn update(&self, update: &Value) {
        let answer = self.webhook(update.to_string()).await;
        assert_eq!((answer.status, &answer.body[..]), (StatusCode::OK, &b""[..]), "{update}");
    }

    pub async fn webhook(&self, body: impl Into<Body>) -> Answer {
        self.send(Method::POST, "/webhooks/telegram/tg", &[("x-telegram-bot-api-secret-token", SECRET)], body).await
    }

    pub fn update_id(&self) -> i64 {
        self.next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
    }

    /// A message of now by `from` in `chat`.
    pub fn message(&self, from: i64, chat: i64, text: &str) -> Value {
        let id = self.update_id();
        let kind = if chat < 0 { "supergroup" } else { "private" };
        json!({"update_id": id, "message": {"message_id": id, "date": Utc::now().timestamp(), "text": text,
            "from": {"id": from, "is_bot": false, "first_name": "Ana", "username": format!("User{from}"), "language_code": "en"},
            "chat": {"id": chat, "type": kind, "title": "Team"}}})
    }

    pub fn conversation(&self, external_id: &str) -> ConversationId {
        ids::conversation(&self.tenant, "tg", external_id)
    }

    /// A client wrote: the conversation's id.
    pub async fn client(&self, chat: i64) -> String {
        self.update(&self.message(chat, chat, "hello")).await;
        self.conversation(&chat.to_string()).to_string()
    }

    /// The whole log.
    pub async fn events(&self) -> Vec<Recorded> {
        let last = self.log.last_position().await.unwrap();
        let mut events = Vec::new();
        for position in 1..=last {
            events.extend(self.log.read(position).await.unwrap());
        }
        events
    }

    /// The events of one conversation, by name.
    pub async fn types(&self, conversation: &str) -> Vec<String> {
        let of = |r: &Recorded| &*r.subject.id == conversation && &*r.subject.aggregate == "conversation";
        self.events().await.into_iter().filter(of).map(|r| r.event.type_name().to_owned()).collect()
    }

    pub async fn last_of(&self, conversation: &str) -> Event {
        self.events().await.into_iter().rfind(|r| &*r.subject.id == conversation).unwrap().event
    }
}
