//! A third party's receiver of outgoing webhooks: it keeps what is posted to it, and answers as it is told to.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use anyhow::Context;
use axum::{
    Router,
    body::Bytes,
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio::{net::TcpListener, sync::watch};
use tokio_util::sync::{CancellationToken, DropGuard};

/// How a post is answered.
#[derive(Debug, Clone)]
pub enum Reply {
    Status(u16),
    Redirect(String),
    /// It isn't answered, and the connection stays open.
    Nothing,
}

/// A post as it arrived.
#[derive(Debug, Clone)]
pub struct Posted {
    pub path: String,
    pub id: String,
    pub timestamp: String,
    pub signature: String,
    pub content_type: String,
    pub body: Bytes,
    pub at: DateTime<Utc>,
}

impl Posted {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }
}

/// The receiver, which stops when this is dropped.
pub struct Receiver {
    base: String,
    shared: Arc<Shared>,
    _listening: DropGuard,
}

struct Shared {
    state: Mutex<Book>,
    /// How many posts have arrived.
    arrived: watch::Sender<usize>,
}

#[derive(Default)]
struct Book {
    posted: Vec<Posted>,
    /// How the next posts to a path are answered.
    next: HashMap<String, VecDeque<Reply>>,
    /// How all other posts to a path are answered; with 204 if nothing is said.
    always: HashMap<String, Reply>,
}

impl Shared {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.state.lock().expect("no test panics while it holds the lock")
    }
}

impl Receiver {
    /// Listens on a free port of the loopback.
    pub async fn start() -> anyhow::Result<Self> {
        let shared = Arc::new(Shared { state: Mutex::default(), arrived: watch::Sender::new(0) });
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let base = format!("http://{}", listener.local_addr()?);
        let router = Router::new().fallback(take).with_state(shared.clone());
        let stopped = CancellationToken::new();
        let listening = stopped.clone().drop_guard();
        tokio::spawn(async move {
            // Serving never ends by itself; it is stopped when the receiver is dropped.
            stopped.run_until_cancelled(async { axum::serve(listener, router).await }).await;
        });
        Ok(Self { base, shared, _listening: listening })
    }

    /// The URL of a path of the receiver.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Answers the next post to this path like this; several such replies are given in order.
    pub fn reply_next(&self, path: &str, reply: Reply) {
        self.shared.book().next.entry(path.to_owned()).or_default().push_back(reply);
    }

    /// From now on, answers every other post to this path like this.
    pub fn reply_always(&self, path: &str, reply: Reply) {
        self.shared.book().always.insert(path.to_owned(), reply);
    }

    /// All posts to this path so far.
    pub fn posted_to(&self, path: &str) -> Vec<Posted> {
        self.shared.book().posted.iter().filter(|p| p.path == path).cloned().collect()
    }

    /// Waits until `found` finds what it looks for among the posts to this path.
    pub async fn until<T>(
        &self,
        path: &str,
        within: Duration,
        mut look: impl FnMut(&[Posted]) -> Option<T>,
    ) -> anyhow::Result<T> {
        let mut arrived = self.shared.arrived.subscribe();
        let wait = async {
            loop {
                arrived.borrow_and_update();
                if let Some(found) = look(&self.posted_to(path)) {
                    return Ok(found);
                }
                arrived.changed().await?;
            }
        };
        let waited = tokio::time::timeout(within, wait).await;
        waited.with_context(|| format!("not so within {within:?}; {path} got {:?}", self.types(path)))?
    }

    /// Waits until this many posts have come to this path.
    pub async fn until_posted(&self, path: &str, count: usize, within: Duration) -> anyhow::Result<Vec<Posted>> {
        self.until(path, within, |all| (all.len() >= count).then(|| all.to_vec())).await
    }

    fn types(&self, path: &str) -> Vec<String> {
        self.posted_to(path).iter().map(|p| p.json()["type"].as_str().unwrap_or("?").to_owned()).collect()
    }
}

async fn take(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, 16 << 20).await else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let path = parts.uri.path().to_owned();
    let reply = {
        let mut book = shared.book();
        book.posted.push(posted(&path, &parts.headers, body));
        let next = book.next.get_mut(&path).and_then(VecDeque::pop_front);
        next.or_else(|| book.always.get(&path).cloned()).unwrap_or(Reply::Status(204))
    };
    shared.arrived.send_modify(|count| *count += 1);
    match reply {
        Reply::Status(status) => StatusCode::from_u16(status).unwrap_or(StatusCode::NO_CONTENT).into_response(),
        Reply::Redirect(to) => (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, to)]).into_response(),
        Reply::Nothing => std::future::pending().await,
    }
}

fn posted(path: &str, headers: &HeaderMap, body: Bytes) -> Posted {
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
    Posted {
        path: path.to_owned(),
        id: text("webhook-id"),
        timestamp: text("webhook-timestamp"),
        signature: text("webhook-signature"),
        content_type: text("content-type"),
        body,
        at: Utc::now(),
    }
}
