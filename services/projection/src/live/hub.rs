//! The hub: reads the log once for all live streams of a tenant that listens, for each such tenant.

use std::{collections::HashMap, pin::pin, sync::Arc, time::Duration};

use futures::StreamExt as _;
use steward_http::{Caller, Guard, Problem};
use steward_log::{Log, LogError, Past};
use steward_proto::TenantId;
use steward_settings::Limits;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use super::{
    feed::{Feed, Feeder},
    frame::Frame,
    passing::Passing,
};
use crate::{
    background::Background,
    read::Reads,
    seen::Seen,
    shares::{Share, Shares},
};

/// Most bytes in all feeds together; below, the least and the most for one feed.
const ALL_FEEDS: usize = 64 * 1024 * 1024;
const ONE_FEED: std::ops::RangeInclusive<usize> = 64 * 1024..=4 * 1024 * 1024;

/// How many events of one tenant may be in rendering at once.
const RENDERED_AT_ONCE: usize = 16;

/// How long a feed goes on without subscribers, so that one may come back.
const LINGER: Duration = Duration::from_secs(30);

/// Longest wait for a place to read the past, before a stream is answered.
const REPLAY_WITHIN: Duration = Duration::from_secs(5);

/// Follows the log for the live streams.
pub struct Hub {
    pub(super) log: Log,
    /// What streams are told of the past is read on a connection of the background's.
    pub(super) past: Past,
    pub(super) guard: Guard,
    pub(super) heartbeat: Duration,
    pub(super) shutdown: CancellationToken,
    feeds: Mutex<HashMap<TenantId, Arc<Feed>>>,
    of_tenants: Shares,
    of_keys: Shares,
    pub(super) replays: Shares,
    pub(super) background: Arc<Background>,
    pub(super) seen: Arc<Seen>,
}

/// The places that a stream takes until it ends.
pub struct Places {
    _tenant: Share,
    _key: Share,
}

impl Hub {
    pub fn new(reads: &Reads, background: Arc<Background>, seen: Arc<Seen>) -> Arc<Self> {
        let Limits { streams, streams_per_tenant, streams_per_key, replays, heartbeat, .. } = reads.limits;
        Arc::new(Self {
            log: reads.log.clone(),
            past: reads.log.past_apart("replays"),
            guard: reads.guard.clone(),
            heartbeat,
            shutdown: reads.shutdown.clone(),
            feeds: Mutex::default(),
            of_tenants: Shares::new(streams, streams_per_tenant),
            of_keys: Shares::new(streams, streams_per_key),
            replays: Shares::new(replays, (replays / 2).max(1)),
            background,
            seen,
        })
    }

    /// Takes places for a stream.
    ///
    /// # Errors
    /// 429 when there are as many streams as there may be.
    pub fn admit(&self, caller: &Caller) -> Result<Places, Problem> {
        let key = format!("{}/{}", caller.tenant, caller.name);
        let key = self.of_keys.try_take(&key, 1).map_err(|_| {
            full("this key has as many live streams open as one key may; close some, or let one stream serve several readers")
        })?;
        let tenant = self.of_tenants.try_take(caller.tenant.as_str(), 1).map_err(|_| {
            full(
                "as many live streams are open as this process or this tenant may have; close some, or come back later",
            )
        })?;
        Ok(Places { _tenant: tenant, _key: key })
    }

    /// Takes a place for reading the past.
    ///
    /// # Errors
    /// 429 when no place gets free in time.
    pub async fn replay(&self, tenant: &TenantId) -> Result<Share, Problem> {
        self.replays.take(tenant.as_str(), 1, REPLAY_WITHIN).await.map_err(|_| {
            metrics::counter!("steward_streams_refused_total").increment(1);
            Problem::too_many(
                "too_many_replays",
                "too many streams read the past at once; come back in a few seconds with the same position, with a later \
                 `after`, or read the past by GET /api/v1/events",
            )
        })
    }

    /// The tenant's feed. Whoever asks for it first starts its reader.
    ///
    /// # Errors
    /// The log can't be read.
    pub async fn feed(self: &Arc<Self>, tenant: &TenantId) -> Result<Arc<Feed>, LogError> {
        if let Some(feed) = self.feeds.lock().await.get(tenant).filter(|feed| !feed.is_closed()) {
            return Ok(feed.clone());
        }
        let start = self.log.last_position().await?;
        let mut feeds = self.feeds.lock().await;
        if let Some(feed) = feeds.get(tenant).filter(|feed| !feed.is_closed()) {
            return Ok(feed.clone());
        }
        let (feed, feeder) = Feed::new(start);
        feeds.insert(tenant.clone(), feed.clone());
        // The task owns the feeder, so whoever waits on the feed notices its end, whatever the reason.
        tokio::spawn(Arc::clone(self).read(tenant.clone(), feed.clone(), feeder, start));
        Ok(feed)
    }

    async fn read(self: Arc<Self>, tenant: TenantId, feed: Arc<Feed>, feeder: Feeder, start: u64) {
        tokio::select! {
            result = self.fill(&tenant, &feed, &feeder, start) => {
                if let Err(error) = result {
                    tracing::warn!(%error, "live streams lost the log; subscribers join again");
                }
            }
            // Subscribers end by the same token.
            () = self.shutdown.cancelled() => {}
        }
        let mut feeds = self.feeds.lock().await;
        if feeds.get(&tenant).is_some_and(|now| Arc::ptr_eq(now, &feed)) {
            feeds.remove(&tenant);
        }
    }

    async fn fill(&self, tenant: &TenantId, feed: &Arc<Feed>, feeder: &Feeder, start: u64) -> Result<(), LogError> {
        let tail = self.log.tail(start + 1, vec![format!("ev.{tenant}.>")]).await?;
        let recorded = tail.filter_map(async |read| match read {
            Ok(tailed) => Some(tailed.recorded),
            // The message is no event, so there is nothing to show.
            Err(_) => None,
        });
        let log = &self.log;
        let mut rendered = pin!(
            recorded
                .map(|recorded| async move { Arc::new(Frame::of(log, &recorded).await) })
                .buffered(RENDERED_AT_ONCE)
        );
        let mut passing = pin!(self.log.hear_in_passing(tenant).await?);
        let mut check = tokio::time::interval(LINGER);
        check.tick().await;
        loop {
            tokio::select! {
                frame = rendered.next() => {
                    let Some(frame) = frame else { return Ok(()) };
                    let feeds = self.feeds.lock().await.len().max(1);
                    feeder.add(frame, (ALL_FEEDS / feeds).clamp(*ONE_FEED.start(), *ONE_FEED.end()));
                }
                told = passing.next() => {
                    let Some(told) = told else { return Ok(()) };
                    if let Some(passing) = Passing::of(&told) {
                        feeder.tell(passing);
                    }
                }
                _ = check.tick() => {
                    let mut feeds = self.feeds.lock().await;
                    // Nobody listens if only the hub, the feeder and this task hold the feed.
                    if Arc::strong_count(feed) <= 3 {
                        feeds.remove(tenant);
                        return Ok(());
                    }
                }
            }
        }
    }
}

fn full(detail: &str) -> Problem {
    metrics::counter!("steward_streams_refused_total").increment(1);
    Problem::too_many("too_many_streams", detail)
}
