//! Refusals of keys, counted by address: an address that has had too many must wait.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use moka::sync::Cache;

use crate::{ClientAddress, address::one};

/// How many addresses are remembered. An attacker with most of them can make us forget others, but each new one costs a
/// connection.
const ADDRESSES: u64 = 10_000;

/// How many refusals an address may have at once; it gets one more each second.
const BURST: f64 = 30.0;
const PER_SECOND: f64 = 1.0;

/// After this long without a refusal an address has its whole burst again, and is forgotten.
const FORGOTTEN: Duration = Duration::from_secs(60);

/// A bucket of tokens that fills up again.
#[derive(Debug)]
pub(crate) struct Bucket {
    tokens: f64,
    burst: f64,
    per_second: f64,
    at: Instant,
}

impl Bucket {
    pub fn full(burst: f64, per_second: f64) -> Self {
        Self { tokens: burst, burst, per_second, at: Instant::now() }
    }

    fn fill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.tokens = (self.tokens + passed * self.per_second).min(self.burst);
        self.at = now;
    }

    /// Takes a token, if there is one.
    pub fn take(&mut self, now: Instant) -> bool {
        self.fill(now);
        if self.tokens < 1.0 {
            return false;
        }
        self.tokens -= 1.0;
        true
    }
}

/// The refusals of each address.
#[derive(Clone)]
pub(crate) struct Refusals {
    buckets: Cache<IpAddr, Arc<Mutex<Bucket>>>,
}

impl Refusals {
    pub fn new() -> Self {
        Self { buckets: Cache::builder().max_capacity(ADDRESSES).time_to_idle(FORGOTTEN).build() }
    }

    /// Whether the address has to wait before it may bring another key that isn't known. This machine never has to:
    /// behind a proxy that isn't configured as one, everybody comes from it.
    pub fn is_waiting(&self, client: ClientAddress) -> bool {
        !one(client.0).is_loopback()
            && self.buckets.get(&one(client.0)).is_some_and(|bucket| {
                let mut bucket = bucket.lock().unwrap_or_else(PoisonError::into_inner);
                bucket.fill(Instant::now());
                bucket.tokens < 1.0
            })
    }

    /// Counts a refusal. The first of an address is logged, and the last one before it has to wait.
    pub fn count(&self, client: ClientAddress) {
        let address = one(client.0);
        let bucket = self.buckets.get_with(address, || Arc::new(Mutex::new(Bucket::full(BURST, PER_SECOND))));
        let mut bucket = bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let was_quiet = bucket.tokens >= BURST;
        if !bucket.take(Instant::now()) {
            return;
        }
        if was_quiet {
            tracing::warn!(%address, "an API key that isn't in force was refused");
        } else if bucket.tokens < 1.0 {
            tracing::warn!(%address, "too many API keys that aren't in force came from this address; it has to wait");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_guesses_has_to_wait_and_others_have_not() {
        let refusals = Refusals::new();
        let [one, other] = [1, 2].map(|n| ClientAddress(IpAddr::from([10, 0, 0, n])));
        for _ in 0..29 {
            refusals.count(one);
        }
        assert!(!refusals.is_waiting(one));
        for _ in 0..5 {
            refusals.count(one);
        }
        assert!(refusals.is_waiting(one) && !refusals.is_waiting(other));
        let here = ClientAddress(IpAddr::from([127, 0, 0, 1]));
        for _ in 0..50 {
            refusals.count(here);
        }
        assert!(!refusals.is_waiting(here));
    }

    #[test]
    fn a_bucket_fills_up_again() {
        let mut bucket = Bucket::full(2.0, 2.0);
        let now = Instant::now();
        assert!(bucket.take(now) && bucket.take(now) && !bucket.take(now));
        assert!(bucket.take(now + Duration::from_millis(500)));
        assert!(!bucket.take(now + Duration::from_millis(600)));
        let later = now + Duration::from_secs(60);
        assert!(bucket.take(later) && bucket.take(later) && !bucket.take(later));
    }
}
