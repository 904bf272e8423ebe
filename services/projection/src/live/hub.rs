//! The one reader of the log that feeds all live streams of this process.

use std::{
    panic::AssertUnwindSafe,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures::{FutureExt as _, StreamExt as _};
use steward_log::{Log, LogError};
use tokio::sync::{Mutex, broadcast};
use tokio_util::sync::CancellationToken;

use super::frame::Frame;

/// Events a subscriber may be behind before it has to read them from the log.
const BUFFERED: usize = 4096;

/// Events whose rendering may be under way at once.
const RENDERED_AT_ONCE: usize = 32;

/// How long the hub goes on without subscribers: long enough for one to come back.
const LINGER: Duration = Duration::from_secs(30);

/// Follows the log while anybody listens.
pub struct Hub {
    pub(super) log: Log,
    pub(super) shutdown: CancellationToken,
    feed: Mutex<Option<Feed>>,
}

/// A reader at work.
#[derive(Clone)]
struct Feed {
    frames: broadcast::Sender<Arc<Frame>>,
    /// The last position that was handed out, or is just being.
    through: Arc<AtomicU64>,
}

/// What a subscriber gets: all frames behind `through`.
pub struct Joined {
    pub frames: broadcast::Receiver<Arc<Frame>>,
    pub through: u64,
}

impl Hub {
    pub fn start(log: Log, shutdown: CancellationToken) -> Arc<Self> {
        Arc::new(Self { log, shutdown, feed: Mutex::new(None) })
    }

    /// Joins the live subscribers; the first one starts the reader.
    ///
    /// # Errors
    /// When the log can't be read.
    pub async fn join(self: &Arc<Self>) -> Result<Joined, LogError> {
        let mut slot = self.feed.lock().await;
        let feed = match &*slot {
            Some(feed) => feed.clone(),
            None => {
                let start = self.log.last_position().await?;
                let feed = Feed { frames: broadcast::Sender::new(BUFFERED), through: Arc::new(AtomicU64::new(start)) };
                tokio::spawn(Arc::clone(self).keep_reading(feed.clone(), start));
                slot.insert(feed).clone()
            }
        };
        // In this order: what is handed out in between is in both, and skipped by its position.
        let frames = feed.frames.subscribe();
        Ok(Joined { frames, through: feed.through.load(Ordering::Acquire) })
    }

    /// Reads until nobody listens any more, the log is lost or the shutdown. Whatever ends it, the feed is taken away:
    /// subscribers then join another.
    async fn keep_reading(self: Arc<Self>, feed: Feed, start: u64) {
        if AssertUnwindSafe(self.read(&feed, start)).catch_unwind().await.is_err() {
            tracing::error!("the reader of the live streams panicked; subscribers join again");
        }
        let mut slot = self.feed.lock().await;
        if slot.as_ref().is_some_and(|now| now.frames.same_channel(&feed.frames)) {
            *slot = None;
        }
    }

    async fn read(&self, feed: &Feed, start: u64) {
        tokio::select! {
            result = self.feed_from(feed, start) => {
                if let Err(error) = result {
                    tracing::warn!(%error, "the live streams lost the log; subscribers join again");
                }
            }
            // Subscribers end by the same token.
            () = self.shutdown.cancelled() => {}
        }
    }

    async fn feed_from(&self, feed: &Feed, start: u64) -> Result<(), LogError> {
        let tail = self.log.tail(start + 1, vec!["ev.>".to_owned()]).await?;
        let rendered = tail.filter_map(async |read| match read {
            Ok(tailed) => Some(tailed.recorded),
            // No event, so nothing to show.
            Err(_) => None,
        });
        let log = &self.log;
        let mut rendered = pin!(
            rendered
                .map(|recorded| async move { Arc::new(Frame::of(log, &recorded).await) })
                .buffered(RENDERED_AT_ONCE)
        );
        let mut check = tokio::time::interval(LINGER);
        check.tick().await;
        loop {
            tokio::select! {
                frame = rendered.next() => {
                    let Some(frame) = frame else { return Ok(()) };
                    // Before the frame goes out: who joins in between reads it from the log. The other way round they
                    // would find it neither there nor here.
                    feed.through.store(frame.position, Ordering::Release);
                    // Nobody listening is no error: the hub lingers.
                    let _ = feed.frames.send(frame);
                }
                _ = check.tick() => {
                    let mut slot = self.feed.lock().await;
                    if feed.frames.receiver_count() == 0 {
                        *slot = None;
                        return Ok(());
                    }
                }
            }
        }
    }
}
