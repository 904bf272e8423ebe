//! A client of the public HTTP interface: it posts webhooks and commands, and its reads are as new as what it did.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use chrono::{DateTime, SecondsFormat, Utc};
use reqwest::{
    Client, ClientBuilder, Method, RequestBuilder, StatusCode,
    header::{AUTHORIZATION, HeaderMap},
};
use serde_json::{Value, json};

use crate::{config::SECRET, live::Live};

/// How long a read may wait for the read models.
const PATIENCE: Duration = Duration::from_secs(120);

/// The address at which the system answers; cheap to clone.
#[derive(Debug, Clone)]
pub struct Api {
    pub client: Client,
    /// The address for webhooks and commands.
    pub write: String,
    /// The address for reads and the live stream.
    pub read: String,
    pub key: Option<String>,
    /// The newest position that this client knows of, for which its reads wait.
    seen: Arc<AtomicU64>,
}

/// An answer, which may be an error.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: StatusCode,
    pub content_type: String,
    pub body: Value,
}

impl Answer {
    /// The body of a success.
    pub fn success(self) -> anyhow::Result<Value> {
        ensure!(self.status.is_success(), "{}: {}", self.status, self.body);
        Ok(self.body)
    }

    /// The body of a refusal, which must be a helpful problem+json with this status.
    pub fn problem(self, status: u16) -> anyhow::Result<Value> {
        ensure!(self.status.as_u16() == status, "expected {status}, got {}: {}", self.status, self.body);
        ensure!(self.content_type.starts_with("application/problem+json"), "{}: {}", self.content_type, self.body);
        ensure!(self.body["status"] == status && self.body["title"].is_string(), "{}", self.body);
        let detail = self.body["detail"].as_str().unwrap_or_default();
        ensure!(detail.len() > 10, "the detail is no sentence: {}", self.body);
        Ok(self.body)
    }
}

/// A client that only uses the loopback, yet to be built.
pub fn client_builder() -> ClientBuilder {
    steward_http::client_builder().no_proxy()
}

impl Api {
    /// A client with one address for everything.
    pub fn new(base: &str) -> anyhow::Result<Self> {
        Self::split(base, base)
    }

    /// A client of ingestion and projection as two processes.
    pub fn split(write: &str, read: &str) -> anyhow::Result<Self> {
        let client = client_builder().timeout(Duration::from_secs(60)).build()?;
        let seen = Arc::new(AtomicU64::new(0));
        Ok(Self { client, write: write.to_owned(), read: read.to_owned(), key: None, seen })
    }

    /// The newest position that this client knows of.
    pub fn position(&self) -> u64 {
        self.seen.load(Ordering::Relaxed)
    }

    /// Makes later reads at least as new as this position.
    pub fn saw(&self, position: u64) {
        self.seen.fetch_max(position, Ordering::Relaxed);
    }

    /// Forgets the position, because a new log begins.
    pub fn forget_position(&self) {
        self.seen.store(0, Ordering::Relaxed);
    }

    fn request(&self, method: Method, url: String) -> RequestBuilder {
        let request = self.client.request(method, url);
        match &self.key {
            Some(key) => request.bearer_auth(key),
            None => request,
        }
    }

    /// Sends a request and reads the answer, be it a success or not.
    pub async fn answer(&self, request: RequestBuilder) -> anyhow::Result<Answer> {
        let response = request.send().await?;
        let status = response.status();
        let content_type = response.headers().get("content-type").and_then(|v| v.to_str().ok()).unwrap_or_default();
        let content_type = content_type.to_owned();
        let text = response.text().await?;
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Ok(Answer { status, content_type, body })
    }

    /// Posts a Telegram update as Telegram does; returns the status and the body.
    pub async fn webhook(&self, channel: &str, update: &Value) -> anyhow::Result<(StatusCode, String)> {
        let request = self
            .client
            .post(format!("{}/webhooks/telegram/{channel}", self.write))
            .header("X-Telegram-Bot-Api-Secret-Token", SECRET)
            .json(update);
        let response = request.send().await?;
        Ok((response.status(), response.text().await?))
    }

    /// Posts an update to `tg-main`, which must be acknowledged with an empty body.
    pub async fn telegram(&self, update: &Value) -> anyhow::Result<()> {
        let (status, body) = self.webhook("tg-main", update).await?;
        ensure!(status.is_success() && body.is_empty(), "the webhook answered {status} {body:?}");
        Ok(())
    }

    /// Sends a command; returns the answer, be it a success or not.
    pub async fn command(&self, method: Method, path: &str, body: &Value) -> anyhow::Result<Answer> {
        self.answer(self.request(method, format!("{}{path}", self.write)).json(body)).await
    }

    async fn commanded(&self, method: Method, path: &str, body: &Value) -> anyhow::Result<Value> {
        let answer = self.command(method, path, body).await?.success().context(path.to_owned())?;
        let position = answer["position"].as_u64().with_context(|| format!("{path} answered {answer}"))?;
        self.saw(position);
        Ok(answer)
    }

    /// Sends a command, which must succeed; later reads see what it did.
    pub async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.commanded(Method::POST, path, body).await
    }

    pub async fn patch(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.commanded(Method::PATCH, path, body).await
    }

    pub async fn delete(&self, path: &str) -> anyhow::Result<Value> {
        self.commanded(Method::DELETE, path, &json!({})).await
    }

    /// Reads a path; returns the answer, be it a success or not.
    pub async fn read(&self, path: &str) -> anyhow::Result<Answer> {
        let mut request = self.request(Method::GET, format!("{}{path}", self.read));
        if self.position() > 0 {
            request = request.header("Steward-After", self.position());
        }
        self.answer(request).await
    }

    pub async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.read(path).await?.success().with_context(|| format!("GET {path}"))
    }

    /// All items of a list, newest first. `path` may hold filters.
    pub async fn items(&self, path: &str) -> anyhow::Result<Vec<Value>> {
        let joint = if path.contains('?') { '&' } else { '?' };
        let mut items = Vec::new();
        let mut cursor = String::new();
        loop {
            let mut page = self.get(&format!("{path}{joint}limit=1000{cursor}")).await?;
            let Value::Array(more) = page["items"].take() else { bail!("{path} has no items: {page}") };
            items.extend(more);
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Ok(items),
            }
        }
    }

    /// The conversation with this chat of `tg-main`, if there is one.
    pub async fn find_conversation(&self, chat: impl ToString) -> anyhow::Result<Option<Value>> {
        let chat = chat.to_string();
        Ok(self
            .items(&format!("/api/v1/conversations?channel_id=tg-main&external_id={chat}"))
            .await?
            .into_iter()
            .next())
    }

    /// The id of the conversation with this chat of `tg-main`; waits until there is one.
    pub async fn conversation(&self, chat: impl ToString) -> anyhow::Result<String> {
        let chat = chat.to_string();
        let found = self.until(PATIENCE, || async { self.find_conversation(&chat).await }).await;
        let found = found.with_context(|| format!("no conversation for chat {chat}"))?;
        Ok(found["id"].as_str().context("an id is a string")?.to_owned())
    }

    /// The follow-ups of a conversation, newest first.
    pub async fn follow_ups(&self, conversation: &str) -> anyhow::Result<Vec<Value>> {
        self.items(&format!("/api/v1/follow-ups?conversation_id={conversation}")).await
    }

    pub async fn follow_up(&self, id: &str) -> anyhow::Result<Value> {
        self.get(&format!("/api/v1/follow-ups/{id}")).await
    }

    /// The events of a conversation in the order of the log.
    pub async fn events(&self, conversation: &str) -> anyhow::Result<Vec<Value>> {
        let mut events = self.items(&format!("/api/v1/events?conversation_id={conversation}")).await?;
        events.reverse();
        ensure!(events.is_sorted_by_key(|e| e["position"].as_u64()), "events are not newest first");
        Ok(events)
    }

    /// All events of a type, in the order of the log.
    pub async fn events_of_type(&self, type_name: &str) -> anyhow::Result<Vec<Value>> {
        let mut events = self.items(&format!("/api/v1/events?type={type_name}")).await?;
        events.reverse();
        Ok(events)
    }

    /// Promises a follow-up; returns its id.
    pub async fn schedule(
        &self,
        conversation: &str,
        text: &str,
        due_at: DateTime<Utc>,
        more: &Value,
    ) -> anyhow::Result<String> {
        let due_at = due_at.to_rfc3339_opts(SecondsFormat::Millis, true);
        let mut body = json!({ "conversation_id": conversation, "text": text, "due_at": due_at });
        for (name, value) in more.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        let answer = self.post("/api/v1/follow-ups", &body).await?;
        Ok(answer["id"].as_str().context("an id is a string")?.to_owned())
    }

    /// Waits until a follow-up is in this state.
    pub async fn until_state(&self, follow_up: &str, state: &str, within: Duration) -> anyhow::Result<Value> {
        let look = || async {
            let found = self.follow_up(follow_up).await?;
            Ok((found["state"] == state).then_some(found))
        };
        match self.until(within, look).await {
            Ok(found) => Ok(found),
            Err(error) => {
                let now = self.follow_up(follow_up).await?;
                Err(error.context(format!("waiting for {state}: {now}")))
            }
        }
    }

    /// Connects to the live stream, from `after` on or from the end.
    pub async fn live(&self, filter: &str, after: Option<u64>) -> anyhow::Result<Live> {
        let mut headers = HeaderMap::new();
        if let Some(key) = &self.key {
            headers.insert(AUTHORIZATION, format!("Bearer {key}").parse()?);
        }
        let client = client_builder().connect_timeout(Duration::from_secs(120)).default_headers(headers).build()?;
        Live::open(&client, &format!("{}/api/v1/stream{filter}", self.read), after).await
    }

    /// Waits until `look` finds something: it looks at once, and again after whatever the live stream brings.
    pub async fn until<T, F>(&self, within: Duration, look: impl FnMut() -> F) -> anyhow::Result<T>
    where
        F: Future<Output = anyhow::Result<Option<T>>>,
    {
        self.until_live("", within, look).await
    }

    /// Like `until`, for what shows in one conversation: events of other conversations don't make it look again.
    pub async fn until_in<T, F>(
        &self,
        conversation: &str,
        within: Duration,
        look: impl FnMut() -> F,
    ) -> anyhow::Result<T>
    where
        F: Future<Output = anyhow::Result<Option<T>>>,
    {
        self.until_live(&format!("?conversation_id={conversation}"), within, look).await
    }

    async fn until_live<T, F>(&self, filter: &str, within: Duration, mut look: impl FnMut() -> F) -> anyhow::Result<T>
    where
        F: Future<Output = anyhow::Result<Option<T>>>,
    {
        let wait = async {
            let mut live = self.live(filter, None).await?;
            let position = live.joined().await?;
            self.saw(position);
            loop {
                if let Some(found) = look().await? {
                    return Ok(found);
                }
                live.block().await?;
                if let Some(position) = live.position {
                    self.saw(position);
                }
            }
        };
        match tokio::time::timeout(within, wait).await {
            Ok(result) => result,
            // What the read models held at the very end of the wait counts as well.
            Err(_) => look().await?.with_context(|| format!("not so within {within:?}")),
        }
    }
}
