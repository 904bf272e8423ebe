//! One live stream: what it wants, where it stands, and how it goes from the past over to the present.

use std::{collections::HashSet, sync::Arc};

use axum::http::{HeaderMap, StatusCode, Uri};
use bytes::{Bytes, BytesMut};
use futures::{Stream, stream};
use steward_domain::kernel::Live;
use steward_log::LogError;
use steward_proto::{Aggregate, AggregateId, TenantId};
use tokio::{
    sync::{
        broadcast::{self, error::RecvError},
        mpsc, watch,
    },
    time::{Instant, Interval, MissedTickBehavior, interval_at},
};

use super::{
    Hub,
    feed::{Feed, Gone},
    frame::Frame,
    hub::Places,
    passing::Passing,
    past::{self, Piece},
    view::events_of,
};
use crate::shares::Share;

/// About how many bytes of frames go out together when several are ready.
const CHUNK: usize = 16 * 1024;

/// What a stream ends with when its key is no longer in force.
const REVOKED: &str = ": closed: this key is no longer in force\n\n";

/// What a subscriber wants to see.
pub struct Interest {
    pub tenant: TenantId,
    /// Kinds of live events; `None`: all kinds.
    pub kinds: Option<HashSet<Live>>,
    pub conversation_id: Option<String>,
    /// No event belongs to a plan yet, so with this nothing is left to show.
    pub plan_id: Option<String>,
}

impl Interest {
    pub fn wants<'a>(&self, frame: &'a Frame) -> Option<&'a Bytes> {
        let (kind, bytes) = frame.shown.as_ref()?;
        let wanted = self.plan_id.is_none()
            && self.kinds.as_ref().is_none_or(|kinds| kinds.contains(kind))
            && self.conversation_id.as_ref().is_none_or(|id| frame.conversation_id.as_deref() == Some(id));
        wanted.then_some(bytes)
    }

    /// Whether what is told in passing is wanted.
    fn wants_passing(&self, passing: &Passing) -> bool {
        self.plan_id.is_none()
            && self.kinds.as_ref().is_none_or(|kinds| kinds.contains(&passing.kind))
            && self.conversation_id.as_ref().is_none_or(|id| *id == passing.conversation_id)
    }

    /// The subjects of all past events that may be wanted; none if nothing can be.
    pub fn subjects(&self) -> Vec<String> {
        if self.plan_id.is_some() {
            return Vec::new();
        }
        let tenant = &self.tenant;
        let (aggregate, id) = match &self.conversation_id {
            None => ("*", "*"),
            // A text that is no id names no conversation, and must not become a wildcard.
            Some(id) => match AggregateId::new(tenant.clone(), Aggregate::Conversation, id) {
                Ok(_) => (Aggregate::Conversation.as_str(), id.as_str()),
                Err(_) => return Vec::new(),
            },
        };
        let all = || match &self.conversation_id {
            None => vec![format!("ev.{tenant}.>")],
            Some(id) => vec![format!("ev.{tenant}.conversation.{id}.>")],
        };
        let Some(kinds) = &self.kinds else { return all() };
        let mut subjects = Vec::new();
        for kind in kinds {
            let Some(events) = events_of(*kind) else { return all() };
            subjects.extend(events.iter().map(|event| format!("ev.{tenant}.{aggregate}.{id}.{event}")));
        }
        subjects
    }
}

enum Source {
    /// The stream hasn't joined the feed, or has fallen behind it.
    Apart,
    /// The stream is told the past, up to where the feed begins.
    Past {
        pieces: mpsc::Receiver<Piece>,
        until: u64,
    },
    Live {
        feed: Arc<Feed>,
        more: watch::Receiver<u64>,
        passing: broadcast::Receiver<Arc<Passing>>,
    },
}

/// What the request that opened a stream said of its caller, so that the key can be looked up again.
pub struct Opener {
    pub uri: Uri,
    pub headers: HeaderMap,
}

/// The state of one live stream.
pub struct Subscriber {
    hub: Arc<Hub>,
    interest: Arc<Interest>,
    opener: Opener,
    /// Everything up to this position was shown or isn't wanted.
    through: u64,
    source: Source,
    /// The place for reading the past that was taken before the stream was answered.
    place: Option<Share>,
    heartbeat: Interval,
    opened: bool,
    closed: bool,
    _places: Places,
}

impl Subscriber {
    /// A stream of what comes after the position `from`.
    pub fn new(
        hub: Arc<Hub>,
        interest: Interest,
        opener: Opener,
        from: u64,
        places: Places,
        place: Option<Share>,
    ) -> Self {
        let mut heartbeat = interval_at(Instant::now() + hub.heartbeat, hub.heartbeat);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            hub,
            interest: Arc::new(interest),
            opener,
            through: from,
            source: Source::Apart,
            place,
            heartbeat,
            opened: false,
            closed: false,
            _places: places,
        }
    }

    /// The chunks of the body. They end at the shutdown, when the key is revoked, and when the log can't be read; the
    /// client then comes back with its last id.
    pub fn into_stream(self) -> impl Stream<Item = Result<Bytes, std::convert::Infallible>> + Send {
        stream::unfold(self, |mut subscriber| async move {
            if subscriber.closed {
                return None;
            }
            let shutdown = subscriber.hub.shutdown.clone();
            let chunk = tokio::select! {
                () = shutdown.cancelled() => None,
                chunk = subscriber.next() => chunk,
            };
            chunk.map(|chunk| (Ok(chunk), subscriber))
        })
    }

    async fn next(&mut self) -> Option<Bytes> {
        if !self.opened {
            self.opened = true;
            return Some(format!(": steward\nretry: 1000\nid: {}\n\n", self.through).into());
        }
        loop {
            match &mut self.source {
                Source::Apart => {
                    let joined = tokio::select! {
                        joined = join(&self.hub, &self.interest, self.through, &mut self.place) => joined,
                        _ = self.heartbeat.tick() => return Some(self.sign_of_life().await),
                    };
                    match joined {
                        Ok(source) => self.source = source,
                        Err(error) => {
                            tracing::warn!(%error, "a live stream can't read the log and ends");
                            return None;
                        }
                    }
                }
                Source::Past { pieces, until } => {
                    let until = *until;
                    let piece = tokio::select! {
                        piece = pieces.recv() => piece,
                        _ = self.heartbeat.tick() => return Some(self.sign_of_life().await),
                    };
                    match piece {
                        Some(Piece::Shown { through, frames }) => {
                            self.through = through;
                            if !frames.is_empty() {
                                return Some(frames);
                            }
                        }
                        Some(Piece::Done) if !self.hub.shutdown.is_cancelled() => {
                            self.through = self.through.max(until);
                            self.source = Source::Apart;
                        }
                        Some(Piece::Done) | None => return None,
                    }
                }
                Source::Live { feed, more, passing } => match feed.after(self.through, CHUNK) {
                    Err(Gone) => self.source = Source::Apart,
                    Ok(frames) if frames.is_empty() => tokio::select! {
                        changed = more.changed() => {
                            if changed.is_err() {
                                self.source = Source::Apart;
                            }
                        }
                        told = passing.recv() => match told {
                            Ok(told) if self.interest.wants_passing(&told) => return Some(told.text.clone()),
                            // It isn't wanted, or some was missed: that is in no log, so it is gone.
                            Ok(_) | Err(RecvError::Lagged(_)) => {}
                            Err(RecvError::Closed) => self.source = Source::Apart,
                        },
                        _ = self.heartbeat.tick() => return Some(self.sign_of_life().await),
                    },
                    Ok(frames) => {
                        let chunk = self.gather(&frames);
                        // The key is looked up even if there is always something to show.
                        if self.heartbeat_is_due() && !is_in_force(&self.hub, &self.opener, &self.interest.tenant).await
                        {
                            return Some(self.last_words());
                        }
                        if chunk.is_some() {
                            return chunk;
                        }
                    }
                },
            }
        }
    }

    /// The wanted ones of these frames, in one piece.
    fn gather(&mut self, frames: &[Arc<Frame>]) -> Option<Bytes> {
        self.through = frames.last().map_or(self.through, |frame| frame.position);
        let mut wanted = frames.iter().filter_map(|frame| self.interest.wants(frame));
        let first = wanted.next()?;
        let Some(second) = wanted.next() else { return Some(first.clone()) };
        let mut many = BytesMut::from(&first[..]);
        many.extend_from_slice(second);
        wanted.for_each(|bytes| many.extend_from_slice(bytes));
        Some(many.freeze())
    }

    fn heartbeat_is_due(&mut self) -> bool {
        use futures::FutureExt as _;
        self.heartbeat.tick().now_or_never().is_some()
    }

    async fn sign_of_life(&mut self) -> Bytes {
        if is_in_force(&self.hub, &self.opener, &self.interest.tenant).await {
            format!(": heartbeat\nid: {}\n\n", self.through).into()
        } else {
            self.last_words()
        }
    }

    fn last_words(&mut self) -> Bytes {
        self.closed = true;
        REVOKED.into()
    }
}

/// Whether the caller who opened a stream may still read. While the log can't tell, they may.
async fn is_in_force(hub: &Hub, opener: &Opener, tenant: &TenantId) -> bool {
    match hub.guard.caller(&opener.uri, &opener.headers).await {
        Ok(caller) => {
            hub.seen.note(&caller);
            caller.tenant == *tenant
        }
        Err(problem) => !matches!(problem.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN),
    }
}

/// The feed if it holds everything after `through`; otherwise the past, up to where the feed begins.
async fn join(
    hub: &Arc<Hub>,
    interest: &Arc<Interest>,
    through: u64,
    place: &mut Option<Share>,
) -> Result<Source, LogError> {
    let feed = hub.feed(&interest.tenant).await?;
    let (more, passing, until) = (feed.watch(), feed.passing(), feed.floor());
    let subjects = interest.subjects();
    if through >= until || subjects.is_empty() {
        *place = None;
        return Ok(Source::Live { feed, more, passing });
    }
    let place = match place.take() {
        Some(place) => place,
        // The stream is being read already, so it waits for its turn with heartbeats.
        None => loop {
            if let Ok(place) = hub.replays.take(interest.tenant.as_str(), 1, hub.heartbeat).await {
                break place;
            }
        },
    };
    let pieces = past::tell(hub, Arc::clone(interest), through, until, place);
    Ok(Source::Past { pieces, until })
}
