//! Idempotency keys: which body each key came with, to refuse another one under the same key.
//!
//! That a repeat changes nothing hangs on ids that are made from the key, in the log; this only adds the clear refusal.

use std::time::Duration;

use moka::sync::Cache;
use steward_http::Problem;
use uuid::Uuid;

/// Keys remembered, at most.
const KEPT: u64 = 100_000;

/// How long a key is remembered, as is usual.
const FOR: Duration = Duration::from_secs(24 * 3600);

#[derive(Clone)]
pub struct Repeats(Cache<Uuid, [u8; 32]>);

impl Default for Repeats {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(KEPT).time_to_live(FOR).build())
    }
}

impl Repeats {
    /// # Errors
    /// 422 when the key came with another body before.
    pub fn check(&self, key: Uuid, body: [u8; 32]) -> Result<(), Problem> {
        match self.0.get(&key) {
            Some(before) if before != body => Err(reused()),
            _ => Ok(()),
        }
    }

    pub fn remember(&self, key: Uuid, body: [u8; 32]) {
        self.0.insert(key, body);
    }
}

/// The refusal of a key that came with another body.
pub fn reused() -> Problem {
    Problem::unprocessable(
        "key_reused",
        "this idempotency key came with another body before; send a new key with a new command",
    )
}
