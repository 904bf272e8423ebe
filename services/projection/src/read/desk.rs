//! The desk, at which reads are admitted: so many at once, and of each tenant only a part of them.

use std::{sync::Arc, thread::available_parallelism, time::Duration};

use steward_http::{Caller, Problem};

use super::{Reads, snapshot::Reading};
use crate::{
    background::Background,
    error::ProjectionError,
    figures::Samples,
    seen::Seen,
    shares::{Share, Shares, Taken},
};

/// Longest a read waits to be admitted.
const ADMITTED_WITHIN: Duration = Duration::from_secs(5);

/// Longest a read waits for its turn to work; after that it is one too many, so that one long read doesn't stop all of its
/// tenant's.
const WORKING_WITHIN: Duration = Duration::from_secs(2);

/// How many requests may wait for a position at once: in all, and of one tenant.
const WAITS: (usize, usize) = (1_024, 256);

/// How many bytes of memory one place stands for.
const PIECE: usize = 16 * 1024;

/// What all handlers of reads share.
pub struct Desk {
    pub reads: Reads,
    /// Places in memory for answers.
    memory: Shares,
    waits: Shares,
    /// Places for the work itself, in Postgres and here: as many as there are processors, and for one tenant half of them.
    working: Shares,
    background: Arc<Background>,
    /// How far the services were behind.
    pub samples: Arc<Samples>,
    /// When sessions were last seen.
    pub seen: Arc<Seen>,
}

impl Desk {
    pub fn new(reads: Reads, background: Arc<Background>, seen: Arc<Seen>) -> Self {
        let limits = &reads.limits;
        let processors = available_parallelism().map_or(2, |n| n.get().max(2));
        let reads_at_once = limits.reads.max(1);
        // One read is always admitted. More of one tenant's than there are processors would be no faster for it, and
        // slower for all others.
        let of_tenant = (reads_at_once / 2).clamp(1, processors);
        let of_a_read = pieces_of_a_read(limits.page_bytes);
        let (pieces, each) = (reads_at_once * of_a_read, of_tenant * of_a_read);
        let (memory, waits) = (Shares::new(pieces, each), Shares::new(WAITS.0, WAITS.1));
        Self {
            memory,
            waits,
            working: Shares::new(processors, processors / 2),
            background,
            samples: Arc::default(),
            seen,
            reads,
        }
    }

    /// Admits a read: gives it a connection, and the memory that its answer may take.
    ///
    /// # Errors
    /// 429 when the tenant's own reads take all that it may have, 503 when everything is taken or Postgres is away.
    pub async fn begin(&self, caller: &Caller) -> Result<Reading, Problem> {
        let page_bytes = self.reads.limits.page_bytes;
        let places = pieces_of_a_read(page_bytes);
        let share = self.memory.take(caller.tenant.as_str(), places, ADMITTED_WITHIN).await;
        let share = share.map_err(|taken| {
            metrics::counter!("steward_reads_refused_total").increment(1);
            match taken {
                Taken::TheHoldersOwn => Problem::too_many(
                    "too_many_reads",
                    "this tenant reads as much at once as one tenant may; ask again in a second, with fewer requests side by side",
                ),
                Taken::All => Problem::unavailable(
                    "reads_busy",
                    "more is being read than this process serves at once; ask again in a second",
                ),
            }
        })?;
        let working = self.working.take(caller.tenant.as_str(), 1, WORKING_WITHIN).await.ok();
        let client = self.reads.pool.get().await.map_err(ProjectionError::from)?;
        Ok(Reading::new(client, share, working, page_bytes, Arc::clone(&self.background)))
    }

    /// Admits a request that waits for a position.
    ///
    /// # Errors
    /// 429 when too many wait.
    pub fn wait(&self, caller: &Caller) -> Result<Share, Problem> {
        self.waits.try_take(caller.tenant.as_str(), 1).map_err(|_| {
            Problem::too_many(
                "too_many_waits",
                "too many requests wait for a position (`Steward-After`); ask without it, or again in a second",
            )
        })
    }
}

/// How many places a read takes: for the rows of a page, and for the same as JSON.
fn pieces_of_a_read(page_bytes: usize) -> usize {
    pieces(2 * page_bytes)
}

pub fn pieces(bytes: usize) -> usize {
    bytes.div_ceil(PIECE).max(1)
}
