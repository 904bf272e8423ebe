//! One call of a model over HTTP.

use std::{io::Write as _, sync::Arc, time::Duration};

use bytes::Bytes;
use chrono::Utc;
use flate2::write::GzDecoder;
use futures::FutureExt as _;
use reqwest::{
    Client, ClientBuilder, Response,
    header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue},
};
use steward_settings::Model;
use tokio::time::{Instant, timeout_at};

use super::{
    answer::{Answer, Said, Stop, Usage},
    cassette::Cassette,
    deltas::{Delta, Deltas},
    error::{Failed, ModelError},
    providers::{self, Asked, Folded, Folder, Refusal, Without},
    request::Request,
    sse::Reader,
};

/// How long a provider may take, and how much it may say.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Until there is a connection.
    pub connect: Duration,
    /// Until the answer begins.
    pub first_byte: Duration,
    /// Between two pieces of it, of whatever kind.
    pub between: Duration,
    /// Most bytes of one frame.
    pub frame: usize,
    /// Most bytes of an answer, unpacked.
    pub answer: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            first_byte: Duration::from_secs(30),
            between: Duration::from_secs(30),
            frame: 4 << 20,
            answer: 16 << 20,
        }
    }
}

/// Most bytes of a refusal that are read: what says the reason stands at its beginning.
const LONGEST_REFUSAL: usize = 64 << 10;

/// How much is unpacked at once, so that a small piece can't become a large one unseen.
const UNPACKED_AT_ONCE: usize = 1 << 10;

/// What calls are made with.
#[derive(Debug, Clone)]
pub struct Caller {
    client: Client,
    limits: Limits,
    cassette: Option<Arc<Cassette>>,
}

/// How a request is put.
#[derive(Debug, Clone, Copy)]
pub struct Asking<'a> {
    pub request: &'a Request,
    /// Goes with each call where the provider takes an id; visible ASCII, or it doesn't.
    pub correlation: &'a str,
    /// Nothing takes longer than this, waits included.
    pub deadline: Instant,
}

/// What is known of a call while it runs, and remains when it is dropped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// The tokens so far.
    pub usage: Usage,
    /// The provider's id of the request.
    pub request_id: Option<String>,
    /// The body of the request.
    pub sent: Sent,
}

/// The body of a request. It holds what people wrote, so it shows itself nowhere.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Sent(pub Bytes);

impl std::fmt::Debug for Sent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl Caller {
    /// # Errors
    /// The client can't be made.
    pub fn new(limits: Limits) -> reqwest::Result<Self> {
        Self::of(steward_http::client_builder(), limits)
    }

    /// One whose client is begun by somebody else. Redirects aren't followed: the key would go with them.
    ///
    /// # Errors
    /// The client can't be made.
    pub fn of(builder: ClientBuilder, limits: Limits) -> reqwest::Result<Self> {
        let client = builder
            .connect_timeout(limits.connect)
            .redirect(reqwest::redirect::Policy::none())
            .pool_idle_timeout(Duration::from_secs(20))
            .tcp_nodelay(true)
            .build()?;
        Ok(Self { client, limits, cassette: None })
    }

    /// Plays exchanges from a cassette instead.
    #[must_use]
    pub fn from_cassette(self, cassette: Arc<Cassette>) -> Self {
        Self { cassette: Some(cassette), ..self }
    }

    /// Asks a model. Dropped before it is done, the call ends.
    ///
    /// # Errors
    /// There is no answer; of what was sent and received, the error quotes nothing.
    pub async fn ask(
        &self,
        model: &Model,
        without: &Without,
        asking: &Asking<'_>,
        deltas: &mut Deltas,
        told: &mut Told,
    ) -> Result<Answer, Failed> {
        let asked = Asked::new(model, asking.request);
        // Until more is known, what was sent has been paid for.
        told.usage = Usage { input: asked.estimated_input, ..Usage::default() };
        let result = self.answer(model, without, asking, asked, deltas, told).await;
        match result {
            Err(Failed { error: ModelError::Blocked { category }, .. }) => Ok(Answer {
                said: Said::default(),
                stop: Stop::Blocked { category: category.to_owned() },
                usage: told.usage,
                model: String::new(),
                broken_off: Vec::new(),
            }),
            Ok(answer) => {
                told.usage = answer.usage;
                Ok(answer)
            }
            failed => failed,
        }
    }

    async fn answer(
        &self,
        model: &Model,
        without: &Without,
        asking: &Asking<'_>,
        asked: Asked,
        deltas: &mut Deltas,
        told: &mut Told,
    ) -> Result<Answer, Failed> {
        let Asking { request, correlation, deadline } = *asking;
        let (takes_id, gives_id) = providers::id_headers(model.kind);
        let wire = providers::wire(model, without, request);
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
        // Packing holds frames back; who packs all the same is understood.
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        for (name, value) in wire.headers {
            let value = HeaderValue::try_from(value).map_err(|_| ModelError::Invalid { param: None })?;
            headers.insert(name, value);
        }
        if let (Some(name), Ok(id)) = (takes_id, HeaderValue::from_str(correlation)) {
            headers.insert(name, id);
        }
        if let Some(key) = &model.api_key {
            let (name, value) = providers::authorization(model.kind, key);
            let mut value = HeaderValue::try_from(value).map_err(|_| ModelError::Auth)?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        let url = format!("{}{}", model.base_url, wire.path);
        told.sent = Sent(Bytes::from(wire.body.to_string()));
        let sent = self.client.post(url).headers(headers).body(told.sent.0.clone()).send();
        let until = deadline.min(Instant::now() + self.limits.first_byte);
        let live = async { timeout_at(until, sent).await.map_err(|_| Unsent::TooLate)?.map_err(Unsent::Failed) };
        let response = match &self.cassette {
            None => live.await,
            Some(cassette) => match cassette.find(model, without, request) {
                Ok(recorded) => Ok(recorded),
                Err(blank) if cassette.records(&blank) => match live.await {
                    Ok(response) => Ok(cassette.keep(blank, response).await?),
                    failed => failed,
                },
                Err(_) => Err(Unsent::NotRecorded),
            },
        };
        let response = response.map_err(|unsent| unsent.told(told))?;
        let id = gives_id.and_then(|name| response.headers().get(name)?.to_str().ok());
        told.request_id = id.map(|id| id.chars().take(128).collect());
        let (status, headers) = (response.status(), response.headers().clone());
        let mut body = Body::new(response, self.limits, deadline)?;
        if !status.is_success() {
            // Nothing was generated.
            told.usage = Usage::NONE;
            let read = body.beginning(LONGEST_REFUSAL).await;
            let headers: Vec<_> = headers
                .iter()
                .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
                .collect();
            let refusal = Refusal { status: status.as_u16(), headers: &headers, body: &read, now: Utc::now() };
            return Err(providers::error(model.kind, &refusal));
        }
        let mut folder = Folder::new(asked);
        let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let streams = !kind.to_ascii_lowercase().contains("json");
        let ended = if streams {
            self.stream(&mut body, &mut folder, deltas, told).await
        } else {
            whole(&mut body, &mut folder, deltas).await
        };
        told.usage = folder.usage();
        match (ended, folder.finish(body.received)) {
            // A line that breaks behind the end of an answer has done no harm.
            (Ok(()) | Err(ModelError::Timeout | ModelError::Cut { .. }), Ok(answer)) => Ok(answer),
            (Err(error), _) | (Ok(()), Err(error)) => Err(error.into()),
        }
    }

    async fn stream(
        &self,
        body: &mut Body,
        folder: &mut Folder,
        deltas: &mut Deltas,
        told: &mut Told,
    ) -> Result<(), ModelError> {
        let mut reader = Reader::new(self.limits.frame);
        let (mut frames, mut shown) = (Vec::new(), Vec::new());
        while let Some(piece) = body.next().await? {
            let read = reader.read(&piece, &mut frames);
            for frame in frames.drain(..) {
                let folded = folder.frame(&frame, Utc::now(), &mut shown);
                shown.drain(..).for_each(|delta| deltas.send(delta));
                let before = std::mem::replace(&mut told.usage, folder.usage());
                // What is guessed grows with every piece, and is of no use to who watches.
                if (before.input, before.exact) != (told.usage.input, told.usage.exact) {
                    deltas.send(Delta::Usage(told.usage));
                }
                if folded? == Folded::Done {
                    body.let_go();
                    return Ok(());
                }
            }
            read.map_err(|_| ModelError::Malformed)?;
        }
        Ok(())
    }
}

/// Why there is no response.
enum Unsent {
    TooLate,
    Failed(reqwest::Error),
    /// The cassette has no such exchange; asking again is no use.
    NotRecorded,
}

impl Unsent {
    /// As an error; where nothing can have been sent, nothing was spent.
    fn told(self, told: &mut Told) -> ModelError {
        let nothing_went = match &self {
            Self::TooLate => false,
            Self::Failed(error) => error.is_connect(),
            Self::NotRecorded => true,
        };
        if nothing_went {
            told.usage = Usage::NONE;
        }
        match self {
            Self::TooLate => ModelError::Timeout,
            Self::Failed(error) if error.is_timeout() => ModelError::Timeout,
            Self::Failed(_) => ModelError::Cut { received: 0 },
            Self::NotRecorded => ModelError::Invalid { param: None },
        }
    }
}

/// Reads an answer that comes at once.
async fn whole(body: &mut Body, folder: &mut Folder, deltas: &mut Deltas) -> Result<(), ModelError> {
    let mut all = Vec::new();
    while let Some(piece) = body.next().await? {
        all.extend_from_slice(&piece);
    }
    let mut shown = Vec::new();
    let read = folder.whole(&all, Utc::now(), &mut shown);
    shown.into_iter().for_each(|delta| deltas.send(delta));
    read
}

/// A body as it comes, unpacked, within its limits.
struct Body {
    response: Response,
    packed: Option<GzDecoder<Vec<u8>>>,
    limits: Limits,
    deadline: Instant,
    received: usize,
}

impl Body {
    fn new(response: Response, limits: Limits, deadline: Instant) -> Result<Self, ModelError> {
        let packed = match response.headers().get(CONTENT_ENCODING).map(HeaderValue::as_bytes) {
            None | Some(b"" | b"identity") => None,
            Some(b"gzip" | b"x-gzip") => Some(GzDecoder::new(Vec::new())),
            Some(_) => return Err(ModelError::Malformed),
        };
        Ok(Self { response, packed, limits, deadline, received: 0 })
    }

    /// The next piece; `None`: that was all.
    async fn next(&mut self) -> Result<Option<Vec<u8>>, ModelError> {
        let until = self.deadline.min(Instant::now() + self.limits.between);
        let piece = match timeout_at(until, self.response.chunk()).await {
            Ok(Ok(Some(piece))) => piece,
            Ok(Ok(None)) => return Ok(None),
            Ok(Err(_)) => return Err(ModelError::Cut { received: self.received }),
            Err(_) => return Err(ModelError::Timeout),
        };
        let Some(packed) = &mut self.packed else {
            self.count(piece.len())?;
            return Ok(Some(piece.into()));
        };
        let mut unpacked = Vec::new();
        for part in piece.chunks(UNPACKED_AT_ONCE) {
            packed.write_all(part).and_then(|()| packed.flush()).map_err(|_| ModelError::Malformed)?;
            unpacked.append(packed.get_mut());
            if self.received + unpacked.len() > self.limits.answer {
                return Err(ModelError::Malformed);
            }
        }
        self.count(unpacked.len())?;
        Ok(Some(unpacked))
    }

    fn count(&mut self, bytes: usize) -> Result<(), ModelError> {
        self.received += bytes;
        if self.received > self.limits.answer { Err(ModelError::Malformed) } else { Ok(()) }
    }

    /// What there is of it, up to a bound.
    async fn beginning(&mut self, most: usize) -> Vec<u8> {
        let mut read = Vec::new();
        while read.len() < most
            && let Ok(Some(piece)) = self.next().await
        {
            read.extend_from_slice(&piece);
        }
        read.truncate(most);
        read
    }

    /// Takes the end of the body if it is here already, so that the connection can be used again.
    fn let_go(&mut self) {
        while let Some(Ok(Some(_))) = self.response.chunk().now_or_never() {}
    }
}
