//! Idempotency keys: which body each key came with, to refuse another one under the same key, and what was answered where what
//! was done can't be told from what stands.
//!
//! That a repeat changes nothing hangs on the log: on ids that are made from the key, and on what is there no more. This only adds
//! the clear refusal and the same answer, for as long as the process lives. A process that doesn't remember a key finds another body
//! by what the key has made, where it made something (`originals.rs`); a command that only changes something is then carried out as
//! a new one would be.

use std::time::Duration;

use moka::sync::Cache;
use steward_http::Problem;
use uuid::Uuid;

use super::Answer;

/// Keys remembered, at most.
const KEPT: u64 = 100_000;

/// How long a key is remembered, as is usual.
const FOR: Duration = Duration::from_secs(24 * 3600);

#[derive(Clone)]
pub struct Repeats(Cache<Uuid, CarriedOut>);

/// What was carried out under a key.
#[derive(Clone)]
struct CarriedOut {
    body: [u8; 32],
    answer: Option<Answer>,
}

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
            Some(before) if before.body != body => Err(reused()),
            _ => Ok(()),
        }
    }

    /// Whether a key came here before.
    pub fn knows(&self, key: Uuid) -> bool {
        self.0.contains_key(&key)
    }

    /// What was answered to the command that came with a key, if that was remembered.
    pub fn answered(&self, key: Uuid) -> Option<Answer> {
        self.0.get(&key)?.answer
    }

    pub fn remember(&self, key: Uuid, body: [u8; 32], answer: Option<Answer>) {
        self.0.insert(key, CarriedOut { body, answer });
    }
}

/// The refusal of a key that came with another body.
pub fn reused() -> Problem {
    Problem::unprocessable(
        "key_reused",
        "this idempotency key came with another body before; send a new key with a new command",
    )
}
