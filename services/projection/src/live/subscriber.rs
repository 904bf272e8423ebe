//! One live stream: what it wants, where it stands, and how it goes from the past to the present.

use std::{collections::HashSet, pin::Pin, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt as _, stream};
use steward_log::{LogError, Tailed};
use steward_proto::TenantId;
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::{Instant, Interval, MissedTickBehavior, interval_at},
};

use super::{Hub, frame::Frame, view::Kind};

/// Between signs of life on a silent stream.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// Frames that are ready together go out in chunks of about this size, in bytes.
const CHUNK: usize = 16 * 1024;

/// What a subscriber wants to see.
pub struct Interest {
    pub tenant: TenantId,
    /// `None`: all.
    pub kinds: Option<HashSet<Kind>>,
    pub conversation_id: Option<String>,
    /// Nothing belongs to a plan yet, so this leaves nothing over.
    pub plan_id: Option<String>,
}

impl Interest {
    fn wants<'a>(&self, frame: &'a Frame) -> Option<&'a Bytes> {
        let (kind, bytes) = frame.shown.as_ref()?;
        let wanted = frame.tenant == self.tenant
            && self.plan_id.is_none()
            && self.kinds.as_ref().is_none_or(|kinds| kinds.contains(kind))
            && self.conversation_id.as_ref().is_none_or(|id| frame.conversation_id.as_deref() == Some(id));
        wanted.then_some(bytes)
    }
}

type Past = Pin<Box<dyn Stream<Item = Result<Tailed, LogError>> + Send>>;

enum Source {
    /// Not joined, or fallen behind.
    Apart,
    /// Reads the log until where the live frames begin.
    Past {
        events: Past,
        until: u64,
        live: Receiver<Arc<Frame>>,
    },
    Live(Receiver<Arc<Frame>>),
}

/// The state of one live stream.
pub struct Subscriber {
    hub: Arc<Hub>,
    interest: Interest,
    /// Everything up to here was shown or isn't wanted.
    through: u64,
    source: Source,
    heartbeat: Interval,
    opened: bool,
}

impl Subscriber {
    /// Shows what comes after the position `from`.
    pub fn new(hub: Arc<Hub>, interest: Interest, from: u64) -> Self {
        let mut heartbeat = interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { hub, interest, through: from, source: Source::Apart, heartbeat, opened: false }
    }

    /// Chunks for the body. It ends at shutdown, or when the log can't be read: the client comes back with its last id.
    pub fn into_stream(self) -> impl Stream<Item = Result<Bytes, std::convert::Infallible>> + Send {
        stream::unfold(self, |mut subscriber| async move {
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
                Source::Apart => self.source = self.join().await?,
                Source::Past { events, until, .. } => {
                    let until = *until;
                    tokio::select! {
                        read = events.next() => {
                            let shown = match read? {
                                Ok(tailed) if tailed.recorded.position > until => {
                                    self.through = until;
                                    None
                                }
                                Ok(tailed) => {
                                    let frame = Frame::of(&self.hub.log, &tailed.recorded).await;
                                    self.through = frame.position;
                                    self.interest.wants(&frame).cloned()
                                }
                                Err(LogError::Malformed { position, .. }) => {
                                    self.through = position.min(until);
                                    None
                                }
                                Err(_) => return None,
                            };
                            if self.through >= until {
                                self.go_live();
                            }
                            if shown.is_some() {
                                return shown;
                            }
                        }
                        _ = self.heartbeat.tick() => return Some(self.sign_of_life()),
                    }
                }
                Source::Live(live) => {
                    tokio::select! {
                        received = live.recv() => match received {
                            Ok(frame) => {
                                if let Some(chunk) = self.gather(frame) {
                                    return Some(chunk);
                                }
                            }
                            Err(RecvError::Lagged(_) | RecvError::Closed) => self.source = Source::Apart,
                        },
                        _ = self.heartbeat.tick() => return Some(self.sign_of_life()),
                    }
                }
            }
        }
    }

    /// This frame and those that are ready behind it.
    fn gather(&mut self, first: Arc<Frame>) -> Option<Bytes> {
        let mut only = self.take(&first);
        let mut many = BytesMut::new();
        while let Source::Live(live) = &mut self.source
            && many.len() < CHUNK
            && let Ok(frame) = live.try_recv()
        {
            if let Some(bytes) = self.take(&frame) {
                if let Some(first) = only.take() {
                    many.extend_from_slice(&first);
                }
                if many.is_empty() {
                    only = Some(bytes);
                } else {
                    many.extend_from_slice(&bytes);
                }
            }
        }
        if many.is_empty() { only } else { Some(many.freeze()) }
    }

    fn take(&mut self, frame: &Frame) -> Option<Bytes> {
        if frame.position <= self.through {
            return None;
        }
        self.through = frame.position;
        self.interest.wants(frame).cloned()
    }

    async fn join(&mut self) -> Option<Source> {
        let joined = match self.hub.join().await {
            Ok(joined) => joined,
            Err(error) => {
                tracing::warn!(%error, "a live stream can't read the log and ends");
                return None;
            }
        };
        if self.through >= joined.through {
            return Some(Source::Live(joined.frames));
        }
        match self.hub.log.tail(self.through + 1, vec!["ev.>".to_owned()]).await {
            Ok(events) => Some(Source::Past { events: Box::pin(events), until: joined.through, live: joined.frames }),
            Err(error) => {
                tracing::warn!(%error, "a live stream can't read the log and ends");
                None
            }
        }
    }

    fn go_live(&mut self) {
        if let Source::Past { live, .. } = std::mem::replace(&mut self.source, Source::Apart) {
            self.source = Source::Live(live);
        }
    }

    fn sign_of_life(&self) -> Bytes {
        format!(": heartbeat\nid: {}\n\n", self.through).into()
    }
}
