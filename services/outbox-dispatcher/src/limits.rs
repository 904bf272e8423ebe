//! Rate limits of a channel: so many messages a second over all chats, and so many in each chat. They are kept per process.

use std::{num::NonZeroU32, sync::Arc};

use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota, RateLimiter};
use steward_domain::settings::RateLimit;

/// The buckets of one channel.
#[derive(Clone)]
pub struct Limits {
    buckets: Option<Arc<Buckets>>,
}

struct Buckets {
    all: DefaultDirectRateLimiter,
    chat: DefaultKeyedRateLimiter<String>,
}

impl Limits {
    /// `None`: no limit.
    pub fn new(limit: Option<RateLimit>) -> Self {
        let quota = |rate: u32, burst: u32| {
            let at_least_one = |n: u32| NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN);
            Quota::per_second(at_least_one(rate)).allow_burst(at_least_one(burst))
        };
        Self {
            buckets: limit.map(|l| {
                Arc::new(Buckets {
                    all: RateLimiter::direct(quota(l.per_second, l.burst)),
                    chat: RateLimiter::keyed(quota(l.per_chat_per_second, l.per_chat_burst)),
                })
            }),
        }
    }

    /// Waits for a place in both buckets; whether it had to wait.
    pub async fn wait(&self, chat: &str) -> bool {
        let Some(buckets) = &self.buckets else { return false };
        let chat = chat.to_owned();
        let mut waited = false;
        if buckets.chat.check_key(&chat).is_err() {
            buckets.chat.until_key_ready(&chat).await;
            waited = true;
        }
        if buckets.all.check().is_err() {
            buckets.all.until_ready().await;
            waited = true;
        }
        // Chats whose bucket is full again need not be remembered.
        if buckets.chat.len() > 10_000 {
            buckets.chat.retain_recent();
        }
        waited
    }
}
