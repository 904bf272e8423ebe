//! A stand-in for the providers of models, which speaks their three wire formats over HTTP.
//!
//! It checks each request as the providers do, keeps it, and plays what the test told it to: answers, refusals, and the ways
//! in which streams and connections break. What it says of cached tokens is true of the requests it had.

mod cache;
mod formats;
mod line;
mod play;

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use axum::{
    Router,
    extract::{ConnectInfo, OriginalUri, State as Extracted},
    http::{HeaderMap, Uri},
    response::Response,
    routing::post,
};
use bytes::Bytes;
use serde_json::Value;
use tokio::{net::TcpListener, sync::watch};
use tokio_util::sync::{CancellationToken, DropGuard};

pub use self::{
    formats::Format,
    play::{Cut, Delay, Fault, Manner, Piece, Play, Says, Split},
};
use crate::telegram::line::{CuttableListener, Cutter};

/// The key that it takes.
pub const KEY: &str = "sk-test-0123456789-abcdef";

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Asked {
    pub format: Format,
    pub path: String,
    pub headers: HeaderMap,
    pub body: Value,
    /// What is wrong with it, if anything is: then it was refused.
    pub wrong: Option<String>,
}

/// The stand-in, which stops when this is dropped.
pub struct Llm {
    address: SocketAddr,
    shared: Arc<Shared>,
    _listening: DropGuard,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    /// How many answers are being sent.
    open: watch::Sender<usize>,
    asked: watch::Sender<usize>,
}

#[derive(Default)]
struct State {
    plays: VecDeque<Play>,
    /// For one format alone.
    plays_for: VecDeque<(Format, Play)>,
    /// Where nothing is played.
    by: Option<fn(&Value) -> Play>,
    asked: Vec<Asked>,
    /// Parameters that its model doesn't take.
    not_taken: BTreeSet<&'static str>,
    cache: cache::Cache,
    memory: Memory,
}

/// What it said itself, and must be sent back unchanged.
#[derive(Default)]
struct Memory {
    /// The number of the last id.
    last_id: usize,
    /// The thoughts before a call of Anthropic's, by the call's id.
    thoughts: HashMap<String, Vec<Value>>,
    /// The signed calls of Gemini's, by signature, with the model that made them.
    signed: HashMap<String, (String, Value)>,
    /// What followed a thought in Responses, by its id: the thought's id.
    followers: HashMap<String, String>,
}

impl Memory {
    fn next_id(&mut self, prefix: &str) -> String {
        self.last_id += 1;
        format!("{prefix}{:020}", self.last_id)
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panics while it holds the lock")
    }
}

impl Llm {
    /// Listens on a free port of the loopback.
    pub async fn start() -> anyhow::Result<Self> {
        let shared = Arc::new(Shared::default());
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let token = CancellationToken::new();
        let router = Router::new().route("/{*path}", post(handle)).with_state(Arc::clone(&shared));
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

    /// The value for `base_url`.
    pub fn base(&self, format: Format) -> String {
        format!("http://{}{}", self.address, format.base())
    }

    /// Answers the next request so; several are played in order, whichever format is asked in.
    pub fn play(&self, play: impl Into<Play>) {
        self.shared.state().plays.push_back(play.into());
    }

    /// Answers the next request in this format so, whatever is played for any.
    pub fn play_for(&self, format: Format, play: impl Into<Play>) {
        self.shared.state().plays_for.push_back((format, play.into()));
    }

    /// Answers every request for which nothing is played as this makes of its body.
    pub fn answer_by(&self, answer: fn(&Value) -> Play) {
        self.shared.state().by = Some(answer);
    }

    /// How many plays are left.
    pub fn left(&self) -> usize {
        let state = self.shared.state();
        state.plays.len() + state.plays_for.len()
    }

    /// From now on a request with this parameter is refused, in words that name it.
    pub fn does_not_take(&self, parameter: &'static str) {
        self.shared.state().not_taken.insert(parameter);
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.shared.state().asked.clone()
    }

    /// What was wrong with the requests.
    pub fn wrong(&self) -> Vec<String> {
        self.shared.state().asked.iter().filter_map(|asked| asked.wrong.clone()).collect()
    }

    /// Waits until so many requests have come.
    pub async fn until_asked(&self, times: usize, within: Duration) -> anyhow::Result<()> {
        let mut asked = self.shared.asked.subscribe();
        tokio::time::timeout(within, asked.wait_for(|n| *n >= times)).await??;
        Ok(())
    }

    /// Waits until nobody listens to an answer any more.
    pub async fn until_nobody_listens(&self, within: Duration) -> anyhow::Result<()> {
        let mut open = self.shared.open.subscribe();
        tokio::time::timeout(within, open.wait_for(|n| *n == 0)).await??;
        Ok(())
    }
}

async fn handle(
    Extracted(shared): Extracted<Arc<Shared>>,
    ConnectInfo(cutter): ConnectInfo<Cutter>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let response = answer(&shared, &cutter, &uri, &headers, &body);
    shared.asked.send_modify(|n| *n += 1);
    match response {
        Some(response) => response,
        None => std::future::pending().await,
    }
}

/// `None`: there is none.
fn answer(shared: &Arc<Shared>, cutter: &Cutter, uri: &Uri, headers: &HeaderMap, body: &Bytes) -> Option<Response> {
    let Some(format) = Format::of_path(uri.path()) else {
        return Some(formats::refusal(Format::Openai, 404, "no such path", &[]));
    };
    let body: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    let mut state = shared.state();
    let path = uri.path_and_query().map_or("", |path| path.as_str());
    let checked = formats::check(format, path, headers, &body, &state.not_taken, &state.memory);
    state.asked.push(Asked {
        format,
        path: path.to_owned(),
        headers: headers.clone(),
        body: body.clone(),
        wrong: checked.as_ref().err().map(|refusal| refusal.message.clone()),
    });
    if let Err(refusal) = checked {
        return Some(formats::refuse(format, &refusal));
    }
    let own = state.plays_for.iter().position(|(of, _)| *of == format);
    let own = own.and_then(|at| state.plays_for.remove(at)).map(|(_, play)| play);
    let Some(play) = own.or_else(|| state.plays.pop_front()).or_else(|| state.by.map(|by| by(&body))) else {
        let nothing = "the test has nothing to play";
        if let Some(asked) = state.asked.last_mut() {
            asked.wrong = Some(nothing.to_owned());
        }
        return Some(formats::refusal(format, 400, nothing, &[]));
    };
    if let Says::Fault(fault) = &play.says {
        return Some(fault.response(format));
    }
    match play.manner.cut {
        Some(Cut::BeforeFirstByte) => cutter.cut(),
        Some(Cut::SilenceFromTheStart) => return None,
        _ => {}
    }
    let State { cache, memory, .. } = &mut *state;
    let frames = formats::frames(format, path, &body, &play, cache, memory);
    drop(state);
    Some(line::stream(frames, &play.manner, shared.open.clone()))
}
