//! Where brains think: on threads of their own, a few at a time, a share per tenant, and no longer than allowed.
//!
//! A thought works on text from outside. Should it never end, or panic, it costs its own turn and nothing else: no thread
//! that serves others runs it, and the end of the process doesn't wait for it.

use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use steward_proto::TenantId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::outcome::Failure;

/// Turns between their claim and the brain's answer, at most.
const PLACES: usize = 32;
/// Those of one tenant among them.
const SHARE: usize = PLACES / 2;

/// The places to think in.
pub struct Thinking {
    places: Arc<Semaphore>,
    /// Of tenants with turns in hand.
    shares: Mutex<HashMap<TenantId, Arc<Semaphore>>>,
    /// Thoughts that run: as many as there are processors.
    running: Arc<Semaphore>,
    longest: Duration,
}

/// One turn's place; given back when dropped.
pub struct Place {
    _share: OwnedSemaphorePermit,
    _place: OwnedSemaphorePermit,
}

impl Thinking {
    /// Thoughts that take longer than `longest` fail.
    pub fn new(longest: Duration) -> Self {
        let processors = thread::available_parallelism().map_or(2, |n| n.get().max(2));
        Self {
            places: Arc::new(Semaphore::new(PLACES)),
            shares: Mutex::default(),
            running: Arc::new(Semaphore::new(processors)),
            longest,
        }
    }

    /// Waits for a place; a tenant that fills its share waits for itself alone.
    pub async fn place(&self, tenant: &TenantId) -> Place {
        let share = self.share(tenant);
        let never_closed = "these semaphores are never closed";
        let share = share.acquire_owned().await.expect(never_closed);
        let place = Arc::clone(&self.places).acquire_owned().await.expect(never_closed);
        Place { _share: share, _place: place }
    }

    fn share(&self, tenant: &TenantId) -> Arc<Semaphore> {
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        shares.retain(|_, share| Arc::strong_count(share) > 1);
        Arc::clone(shares.entry(tenant.clone()).or_insert_with(|| Arc::new(Semaphore::new(SHARE))))
    }

    /// Has a brain think, off the threads that serve everybody.
    ///
    /// # Errors
    /// `brain_timed_out`, `brain_panicked`, or `brain_unavailable` where the machine gives no thread.
    pub async fn think<T: Send + 'static>(&self, thought: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
        let thinking = async {
            let running = Arc::clone(&self.running).acquire_owned().await.expect("this semaphore is never closed");
            let (answer, answered) = oneshot::channel();
            let think = move || {
                let thought = catch_unwind(AssertUnwindSafe(thought));
                drop(running);
                // nobody waits for it any more when it comes too late
                drop(answer.send(thought));
            };
            // Not the runtime's blocking threads: the end of the process would wait for a thought that never ends.
            match thread::Builder::new().name("thinking".to_owned()).spawn(think) {
                Ok(_) => answered.await.map_err(|_| failure("brain_panicked", "the brain gave no answer")),
                Err(error) => Err(failure("brain_unavailable", &format!("no thread to think on: {error}"))),
            }
        };
        match tokio::time::timeout(self.longest, thinking).await {
            Err(_) => Err(failure("brain_timed_out", &format!("no decision within {} s", self.longest.as_secs_f64()))),
            Ok(Ok(Err(_))) => Err(failure("brain_panicked", "a fault in the brain; the process's log says where")),
            Ok(Ok(Ok(thought))) => Ok(thought),
            Ok(Err(failure)) => Err(failure),
        }
    }
}

fn failure(code: &'static str, text: &str) -> Failure {
    Failure { code, text: text.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use futures::FutureExt as _;

    use super::*;

    fn tenant(name: &str) -> TenantId {
        TenantId::new(name).unwrap()
    }

    #[tokio::test]
    async fn a_thought_that_panics_or_never_ends_is_a_failure_and_the_next_one_thinks() {
        // Printing where it panicked takes its time on a busy machine.
        let patient = Thinking::new(Duration::from_secs(30));
        let panicked = patient.think(|| panic!("a fault")).await;
        let panicked: Result<(), Failure> = panicked;
        assert_eq!(panicked.unwrap_err().code, "brain_panicked");
        assert_eq!(patient.think(|| 7).await, Ok(7));
        let thinking = Thinking::new(Duration::from_millis(200));
        let (end, ended) = mpsc::channel::<()>();
        let endless = thinking.think(move || _ = ended.recv()).await;
        assert_eq!(endless.unwrap_err().code, "brain_timed_out");
        assert_eq!(thinking.think(|| 7).await, Ok(7));
        drop(end);
    }

    #[tokio::test]
    async fn a_tenant_that_fills_its_share_leaves_room_for_another() {
        let thinking = Thinking::new(Duration::from_secs(1));
        let mut held = Vec::new();
        for _ in 0..SHARE {
            held.push(thinking.place(&tenant("flood")).await);
        }
        assert!(thinking.place(&tenant("flood")).now_or_never().is_none());
        let other = thinking.place(&tenant("quiet")).now_or_never();
        assert!(other.is_some());
        held.pop();
        assert!(thinking.place(&tenant("flood")).now_or_never().is_some());
        drop(held);
        drop(other);
        thinking.share(&tenant("third"));
        assert_eq!(thinking.shares.lock().unwrap().len(), 1, "tenants without turns take no memory");
    }
}
