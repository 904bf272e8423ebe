//! A stand-in for the Bot API that speaks its wire format over HTTP.
//!
//! It keeps every call with the time of its arrival, checks what Telegram checks, and fails on demand in the ways that
//! Telegram and the connections to it fail.

mod faults;
pub(crate) mod line;
mod methods;
mod polling;

use std::{
    collections::{HashMap, HashSet, VecDeque},
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio::{net::TcpListener, sync::watch};
use tokio_util::sync::{CancellationToken, DropGuard};

pub use faults::Fault;
use line::CuttableListener;

/// The bot's username.
pub const USERNAME: &str = "steward_test_bot";

/// A call as it arrived.
#[derive(Debug, Clone)]
pub struct Call {
    /// The method, as the path writes it.
    pub method: String,
    pub token: String,
    pub body: Value,
    pub at: DateTime<Utc>,
}

/// A message that the recipient has. These count when a test asks whether something was sent, and how often.
#[derive(Debug, Clone)]
pub struct Delivered {
    pub chat_id: String,
    pub text: String,
    /// The titles of the buttons below it, with what each brings back.
    pub buttons: Vec<(String, String)>,
    pub message_id: i64,
    /// When its call arrived.
    pub at: DateTime<Utc>,
}

/// The stand-in, which stops when this is dropped.
pub struct Telegram {
    address: SocketAddr,
    shared: Arc<Shared>,
    listening: Option<DropGuard>,
}

/// What the server and the test share.
struct Shared {
    state: Mutex<State>,
    /// How many messages have been delivered.
    delivered: watch::Sender<usize>,
    /// How many calls have arrived.
    called: watch::Sender<usize>,
    /// Counts the changes that matter to those who ask for updates.
    asked: watch::Sender<usize>,
}

#[derive(Default)]
struct State {
    calls: Vec<Call>,
    delivered: Vec<Delivered>,
    faults: VecDeque<Fault>,
    faults_of_chat: HashMap<String, VecDeque<Fault>>,
    unknown_chats: HashSet<String>,
    latency: Duration,
    last_message_id: i64,
    last_update_id: i64,
    token: Option<String>,
    /// The bot's username, as `getMe` names it; `None` if it isn't named.
    username: Option<String>,
    /// The URL that updates are posted to; if it is empty, they wait to be asked for.
    webhook: String,
    /// The updates that nobody has said to be done with, the oldest first.
    updates: VecDeque<Value>,
    /// The number of the latest question for updates, which ends the one before.
    question: u64,
    /// Whether that question has said which updates are done with.
    told: bool,
    /// The number of the latest question that was ended without updates.
    ended: u64,
    /// What happens to the next questions for updates.
    polling_faults: VecDeque<Fault>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panics while it holds the lock")
    }
}

impl Telegram {
    /// Listens on a free port of the loopback.
    pub async fn start() -> anyhow::Result<Self> {
        let username = Some(USERNAME.to_owned());
        let state = State { last_message_id: 1000, username, ..State::default() };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            delivered: watch::Sender::new(0),
            called: watch::Sender::new(0),
            asked: watch::Sender::new(0),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let mut telegram = Self { address, shared, listening: None };
        telegram.serve(listener);
        Ok(telegram)
    }

    fn serve(&mut self, listener: TcpListener) {
        let token = CancellationToken::new();
        let router = methods::router(Arc::clone(&self.shared));
        let listener = CuttableListener::new(listener, token.clone());
        let stopped = token.clone();
        self.listening = Some(token.drop_guard());
        tokio::spawn(async move {
            let service = router.into_make_service_with_connect_info::<line::Cutter>();
            tokio::select! {
                // Serving never ends by itself.
                _ = axum::serve(listener, service) => {}
                // The test is over, or it plays a server that is down.
                () = stopped.cancelled() => {}
            }
        });
    }

    /// The value for `api_base`.
    pub fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Makes the server go down: nobody listens any more, and open connections are cut.
    pub fn go_down(&mut self) {
        self.listening = None;
    }

    /// Listens again on the same port.
    pub async fn come_back(&mut self) -> anyhow::Result<()> {
        // The old listener closes when its task is next polled.
        let deadline = tokio::time::Instant::now() + Duration::from_secs(5);
        let listener = loop {
            match TcpListener::bind(self.address).await {
                Ok(listener) => break listener,
                Err(error) if tokio::time::Instant::now() > deadline => return Err(error.into()),
                Err(_) => tokio::task::yield_now().await,
            }
        };
        self.serve(listener);
        Ok(())
    }

    /// Makes the next `sendMessage` meet this fault; several faults are met in order.
    pub fn fail_next(&self, fault: Fault) {
        self.shared.state().faults.push_back(fault);
    }

    /// Makes the next `sendMessage` to this chat meet this fault.
    pub fn fail_next_to(&self, chat: impl ToString, fault: Fault) {
        self.shared.state().faults_of_chat.entry(chat.to_string()).or_default().push_back(fault);
    }

    /// From now on this chat doesn't exist.
    pub fn forget_chat(&self, chat: impl ToString) {
        self.shared.state().unknown_chats.insert(chat.to_string());
    }

    /// Makes every answer to a `sendMessage` take this much longer, while the message arrives at once.
    pub fn set_latency(&self, latency: Duration) {
        self.shared.state().latency = latency;
    }

    /// Accepts only this token; any other gets a 401.
    pub fn only_token(&self, token: &str) {
        self.shared.state().token = Some(token.to_owned());
    }

    /// From now on `getMe` doesn't name the bot.
    pub fn hide_username(&self) {
        self.shared.state().username = None;
    }

    /// Sets a webhook, as an earlier life of the bot may have left one.
    pub fn set_webhook(&self, url: &str) {
        url.clone_into(&mut self.shared.state().webhook);
    }

    /// The URL that updates are posted to; empty if they are asked for.
    pub fn webhook(&self) -> String {
        self.shared.state().webhook.clone()
    }

    /// Makes an update happen, which waits until it is asked for and said to be done with.
    pub fn happens(&self, update: Value) {
        self.shared.state().updates.push_back(update);
        self.shared.asked.send_modify(|n| *n += 1);
    }

    /// Makes the next question for updates meet this fault.
    pub fn fail_next_question(&self, fault: Fault) {
        self.shared.state().polling_faults.push_back(fault);
    }

    /// Ends the open question for updates without any, as happens when its time is over.
    pub fn end_question(&self) {
        {
            let mut state = self.shared.state();
            state.ended = state.question;
        }
        self.shared.asked.send_modify(|n| *n += 1);
    }

    /// Waits until Telegram has been told that every update is done with.
    pub async fn until_all_done(&self, within: Duration) -> anyhow::Result<()> {
        self.until_asked(within, |state| state.updates.is_empty()).await
    }

    /// Waits until the open question begins at the update where Telegram itself expects it to.
    pub async fn until_asked_anew(&self, within: Duration) -> anyhow::Result<()> {
        self.until_asked(within, |state| state.question > state.ended && !state.told).await
    }

    async fn until_asked(&self, within: Duration, so: impl Fn(&State) -> bool) -> anyhow::Result<()> {
        let mut changes = self.shared.asked.subscribe();
        let wait = async {
            while !so(&self.shared.state()) {
                changes.changed().await.expect("the sender lives as long as this stand-in");
            }
        };
        tokio::time::timeout(within, wait).await.map_err(|_| anyhow::anyhow!("not asked for so within {within:?}"))
    }

    /// An `update_id` that no update of this stand-in has had.
    pub fn next_update_id(&self) -> i64 {
        let mut state = self.shared.state();
        if state.last_update_id == 0 {
            state.last_update_id = Utc::now().timestamp();
        }
        state.last_update_id += 1;
        state.last_update_id
    }

    pub fn calls(&self) -> Vec<Call> {
        self.shared.state().calls.clone()
    }

    /// All messages that arrived, in order.
    pub fn delivered(&self) -> Vec<Delivered> {
        self.shared.state().delivered.clone()
    }

    /// The messages that arrived in one chat, in order.
    pub fn delivered_to(&self, chat: impl ToString) -> Vec<Delivered> {
        let chat = chat.to_string();
        self.shared.state().delivered.iter().filter(|d| d.chat_id == chat).cloned().collect()
    }

    /// Waits until `found` finds what it looks for among the delivered messages.
    pub async fn until<T>(
        &self,
        within: Duration,
        mut found: impl FnMut(&[Delivered]) -> Option<T>,
    ) -> anyhow::Result<T> {
        let mut changes = self.shared.delivered.subscribe();
        let wait = async {
            loop {
                if let Some(found) = found(&self.shared.state().delivered) {
                    return found;
                }
                changes.changed().await.expect("the sender lives as long as this stand-in");
            }
        };
        tokio::time::timeout(within, wait).await.map_err(|_| {
            let last: Vec<_> = self.delivered().into_iter().rev().take(5).map(|d| (d.chat_id, d.text)).collect();
            anyhow::anyhow!("not delivered within {within:?}; the latest were {last:?}")
        })
    }

    /// Waits until a chat has had `count` messages and returns them.
    pub async fn until_delivered_to(
        &self,
        chat: impl ToString,
        count: usize,
        within: Duration,
    ) -> anyhow::Result<Vec<Delivered>> {
        let chat = chat.to_string();
        let result = self
            .until(within, |all| {
                let here: Vec<_> = all.iter().filter(|d| d.chat_id == chat).cloned().collect();
                (here.len() >= count).then_some(here)
            })
            .await;
        result.map_err(|e| e.context(format!("waiting for {count} messages in chat {chat}")))
    }

    /// Waits for a call that `wanted` accepts.
    pub async fn until_called(&self, within: Duration, wanted: impl Fn(&Call) -> bool) -> anyhow::Result<Call> {
        let mut changes = self.shared.called.subscribe();
        let wait = async {
            loop {
                if let Some(call) = self.shared.state().calls.iter().find(|c| wanted(c)) {
                    return call.clone();
                }
                changes.changed().await.expect("the sender lives as long as this stand-in");
            }
        };
        tokio::time::timeout(within, wait).await.map_err(|_| anyhow::anyhow!("no such call within {within:?}"))
    }
}
