//! A stand-in for WhatsApp's Cloud API that speaks its wire format over HTTP.
//!
//! It keeps what it takes, checks what the Cloud API checks, fails on demand in the ways that the API and the
//! connections to it fail, and signs its notifications.

mod calls;
mod client;
mod faults;
pub mod notifications;

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

use crate::{
    Config,
    telegram::line::{CuttableListener, Cutter},
};
pub use faults::Fault;

/// The number under test; below, what its app is configured with.
pub const PHONE_NUMBER_ID: &str = "106540352242922";
pub const ACCESS_TOKEN: &str = "EAAtest";
pub const APP_SECRET: &str = "app-s3cret";
pub const VERIFY_TOKEN: &str = "verify-me";
/// The operator's own number.
pub const OPERATOR: &str = "34600700100";

/// A call as it arrived.
#[derive(Debug, Clone)]
pub struct Call {
    pub body: Value,
    pub at: DateTime<Utc>,
}

/// A message that the provider took. These count when a test asks whether something was sent, and how often.
#[derive(Debug, Clone)]
pub struct Taken {
    /// The recipient's phone number or business-scoped user id.
    pub to: String,
    /// What the client reads; for a template, its parameters.
    pub text: String,
    /// The wamid.
    pub id: String,
    /// The value of `biz_opaque_callback_data`.
    pub reference: String,
    pub body: Value,
    pub at: DateTime<Utc>,
}

/// The stand-in, which stops when this is dropped.
pub struct WhatsApp {
    address: SocketAddr,
    shared: Arc<Shared>,
    _listening: DropGuard,
}

/// What the server and the test share.
struct Shared {
    state: Mutex<State>,
    /// Counts the calls, and the messages that were taken.
    changed: watch::Sender<usize>,
}

#[derive(Default)]
struct State {
    calls: Vec<Call>,
    taken: Vec<Taken>,
    faults: HashMap<String, VecDeque<Fault>>,
    closed: HashSet<String>,
    templates: HashSet<String>,
}

impl State {
    fn fault(&mut self, to: &str) -> Option<Fault> {
        self.faults.get_mut(to)?.pop_front()
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panics while it holds the lock")
    }
}

impl WhatsApp {
    /// Listens on a free port of the loopback.
    pub async fn start() -> anyhow::Result<Self> {
        let shared = Arc::new(Shared { state: Mutex::default(), changed: watch::Sender::new(0) });
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let token = CancellationToken::new();
        let router = calls::router(Arc::clone(&shared));
        let listener = CuttableListener::new(listener, token.clone());
        let stopped = token.clone();
        tokio::spawn(async move {
            let service = router.into_make_service_with_connect_info::<Cutter>();
            tokio::select! {
                // Serving never ends by itself.
                _ = axum::serve(listener, service) => {}
                // The test is over.
                () = stopped.cancelled() => {}
            }
        });
        Ok(Self { address, shared, _listening: token.drop_guard() })
    }

    /// The value for `api_base`.
    pub fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The channels `wa-main`, on the stand-in and without rate limits, and `web-main`. `keys` are more keys for
    /// `wa-main`.
    pub fn config(&self, keys: &str) -> Config {
        Config::web().with_channel(&self.channel(keys))
    }

    /// The keys of `wa-main`, with more.
    pub fn channel(&self, keys: &str) -> String {
        let base = self.base();
        format!(
            "id = \"wa-main\"\nkind = \"whatsapp\"\nphone_number_id = \"{PHONE_NUMBER_ID}\"\n\
             access_token = \"{ACCESS_TOKEN}\"\napp_secret = \"{APP_SECRET}\"\nverify_token = \"{VERIFY_TOKEN}\"\n\
             operators = [\"{OPERATOR}\"]\napi_base = \"{base}\"\nrate_limit = \"off\"\n{keys}"
        )
    }

    /// Makes the next send to this address meet this fault; several faults are met in order.
    pub fn fail_next_to(&self, to: &str, fault: Fault) {
        self.shared.state().faults.entry(to.to_owned()).or_default().push_back(fault);
    }

    /// Closes the service window: more than 24 hours have passed since this client wrote.
    pub fn close_window(&self, to: &str) {
        self.shared.state().closed.insert(to.to_owned());
    }

    /// Adds an approved template of this name.
    pub fn approve_template(&self, name: &str) {
        self.shared.state().templates.insert(name.to_owned());
    }

    pub fn calls(&self) -> Vec<Call> {
        self.shared.state().calls.clone()
    }

    /// All messages that were taken, in order.
    pub fn taken(&self) -> Vec<Taken> {
        self.shared.state().taken.clone()
    }

    /// The messages that were taken for one address, in order.
    pub fn taken_for(&self, to: &str) -> Vec<Taken> {
        self.shared.state().taken.iter().filter(|t| t.to == to).cloned().collect()
    }

    /// Waits until `found` finds what it looks for among the messages that were taken.
    pub async fn until<T>(&self, within: Duration, mut found: impl FnMut(&[Taken]) -> Option<T>) -> anyhow::Result<T> {
        let mut changes = self.shared.changed.subscribe();
        let wait = async {
            loop {
                if let Some(found) = found(&self.shared.state().taken) {
                    return found;
                }
                changes.changed().await.expect("the sender lives as long as this stand-in");
            }
        };
        tokio::time::timeout(within, wait).await.map_err(|_| {
            let last: Vec<_> = self.taken().into_iter().rev().take(5).map(|t| (t.to, t.text)).collect();
            anyhow::anyhow!("not sent within {within:?}; the latest were {last:?}")
        })
    }

    /// Waits until this many messages were taken for one address.
    pub async fn until_taken_for(&self, to: &str, count: usize, within: Duration) -> anyhow::Result<Vec<Taken>> {
        self.until(within, |all| {
            let here: Vec<_> = all.iter().filter(|t| t.to == to).cloned().collect();
            (here.len() >= count).then_some(here)
        })
        .await
    }

    /// Waits for a call that `wanted` accepts.
    pub async fn until_called(&self, within: Duration, wanted: impl Fn(&Call) -> bool) -> anyhow::Result<Call> {
        let mut changes = self.shared.changed.subscribe();
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
