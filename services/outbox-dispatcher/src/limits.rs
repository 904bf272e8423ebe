//! Rate limits of a channel: messages per second in all chats, and in each chat. They are kept per process.

use std::{num::NonZeroU32, sync::Arc, time::Duration};
use steward_settings::RateLimit;

use governor::{
    Quota, RateLimiter,
    clock::Clock,
    middleware::NoOpMiddleware,
    state::{InMemoryState, NotKeyed, keyed::DefaultKeyedStateStore},
};
use tokio::time::Instant;

/// The runtime's clock, so that a bucket goes by the same time as whoever sleeps until the bucket has a token.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ticking;

impl Clock for Ticking {
    type Instant = std::time::Instant;

    fn now(&self) -> Self::Instant {
        Instant::now().into_std()
    }
}

type OfAll = RateLimiter<NotKeyed, InMemoryState, Ticking, NoOpMiddleware<std::time::Instant>>;
type OfEach = RateLimiter<String, DefaultKeyedStateStore<String>, Ticking, NoOpMiddleware<std::time::Instant>>;

/// How many chats are remembered before those are forgotten whose buckets are full again.
const REMEMBERED: usize = 10_000;

/// The buckets of one channel.
#[derive(Clone)]
pub struct Limits {
    buckets: Option<Arc<Buckets>>,
}

struct Buckets {
    all: OfAll,
    chat: OfEach,
    rate: RateLimit,
}

impl Limits {
    /// `None` means no limit.
    pub fn new(limit: Option<RateLimit>) -> Self {
        let quota = |rate: u32, burst: u32| {
            let at_least_one = |n: u32| NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN);
            Quota::per_second(at_least_one(rate)).allow_burst(at_least_one(burst))
        };
        let buckets = |l: RateLimit| Buckets {
            all: RateLimiter::direct_with_clock(quota(l.per_second, l.burst), Ticking),
            chat: RateLimiter::new(
                quota(l.per_chat_per_second, l.per_chat_burst),
                DefaultKeyedStateStore::default(),
                Ticking,
            ),
            rate: l,
        };
        Self { buckets: limit.map(|l| Arc::new(buckets(l))) }
    }

    /// Takes a token of this chat's; if there is none, returns how long until there is.
    pub fn of_chat(&self, chat: &str) -> Result<(), Duration> {
        let Some(buckets) = &self.buckets else { return Ok(()) };
        if buckets.chat.len() > REMEMBERED {
            buckets.chat.retain_recent();
        }
        buckets.chat.check_key(&chat.to_owned()).map_err(|not_until| not_until.wait_time_from(Ticking.now()))
    }

    /// Takes a token of the channel's; if there is none, returns how long until there is.
    pub fn of_all(&self) -> Result<(), Duration> {
        let Some(buckets) = &self.buckets else { return Ok(()) };
        buckets.all.check().map_err(|not_until| not_until.wait_time_from(Ticking.now()))
    }

    /// The time from one message to the next where many wait; zero without a limit.
    pub fn pace(&self) -> Duration {
        self.buckets.as_ref().map_or(Duration::ZERO, |b| Duration::from_secs(1) / b.rate.per_second.max(1))
    }

    /// The same within one chat.
    pub fn pace_of_chat(&self) -> Duration {
        self.buckets.as_ref().map_or(Duration::ZERO, |b| Duration::from_secs(1) / b.rate.per_chat_per_second.max(1))
    }
}
