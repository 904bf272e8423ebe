//! A Bot API that accepts everything at once, and notes when each chat got its message.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use anyhow::Result;
use axum::{
    Json, Router,
    extract::{Path, State},
    routing::any,
};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::oneshot};

#[derive(Default)]
struct Seen {
    /// The one who waits for the next message to a chat.
    waiting: HashMap<i64, oneshot::Sender<DateTime<Utc>>>,
    /// When the first message to a chat came that nobody waited for.
    first: HashMap<i64, DateTime<Utc>>,
}

#[derive(Clone, Default)]
struct Shared {
    seen: Arc<Mutex<Seen>>,
    sent: Arc<AtomicU64>,
}

/// The stand-in, which lives as long as the runtime.
pub struct BotApi {
    address: SocketAddr,
    shared: Shared,
}

impl BotApi {
    pub async fn start() -> Result<Self> {
        let shared = Shared::default();
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let router = Router::new().route("/{bot}/{method}", any(call)).with_state(shared.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { address, shared })
    }

    pub fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many messages were accepted so far.
    pub fn sent(&self) -> u64 {
        self.shared.sent.load(Ordering::Relaxed)
    }

    /// Waits for the next message to a chat; gives the time at which it comes.
    pub fn expect(&self, chat: i64) -> oneshot::Receiver<DateTime<Utc>> {
        let (tell, told) = oneshot::channel();
        self.shared.seen.lock().unwrap_or_else(PoisonError::into_inner).waiting.insert(chat, tell);
        told
    }

    /// When a chat got its first message.
    pub fn first(&self, chat: i64) -> Option<DateTime<Utc>> {
        self.shared.seen.lock().unwrap_or_else(PoisonError::into_inner).first.get(&chat).copied()
    }
}

async fn call(
    State(shared): State<Shared>,
    Path((_, method)): Path<(String, String)>,
    body: Option<Json<Value>>,
) -> Json<Value> {
    let now = Utc::now();
    if !method.eq_ignore_ascii_case("sendMessage") {
        let me = json!({ "id": 1, "is_bot": true, "first_name": "bench", "username": "bench_bot" });
        let result = if method.eq_ignore_ascii_case("getMe") { me } else { json!(true) };
        return Json(json!({ "ok": true, "result": result }));
    }
    let body = body.map(|Json(body)| body).unwrap_or_default();
    let chat = match &body["chat_id"] {
        Value::String(id) => id.parse().unwrap_or_default(),
        id => id.as_i64().unwrap_or_default(),
    };
    let message_id = shared.sent.fetch_add(1, Ordering::Relaxed) + 1;
    {
        let mut seen = shared.seen.lock().unwrap_or_else(PoisonError::into_inner);
        match seen.waiting.remove(&chat) {
            Some(waiting) => drop(waiting.send(now)),
            None => drop(seen.first.entry(chat).or_insert(now)),
        }
    }
    let chat = json!({ "id": chat, "type": "private" });
    let message = json!({ "message_id": message_id, "date": now.timestamp(), "chat": chat, "text": body["text"] });
    Json(json!({ "ok": true, "result": message }))
}
