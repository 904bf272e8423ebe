//! Where the rules think: on threads of their own, a few at a time, and no longer than allowed.
//!
//! A thought works on text from outside. Should it never end, or panic, it costs its own turn and nothing else: no thread
//! that serves others runs it, and the end of the process doesn't wait for it. Where there are more thoughts than processors,
//! the threads that take in, store and send go first: what they do is short, and everybody waits for it.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread,
    time::Duration,
};

use tokio::sync::{Semaphore, oneshot};

use crate::brain::Failure;

/// How far the threads stand below those that serve everybody: beside one of these, one of theirs has about a quarter of a
/// processor.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 6;

/// The threads to think on.
pub struct Thinking {
    /// Thoughts that run: as many as there are processors.
    running: Arc<Semaphore>,
    longest: Duration,
}

impl Thinking {
    /// Thoughts that take longer than `longest` fail.
    pub fn new(longest: Duration) -> Self {
        let processors = thread::available_parallelism().map_or(2, |n| n.get().max(2));
        Self { running: Arc::new(Semaphore::new(processors)), longest }
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
                step_back();
                let thought = catch_unwind(AssertUnwindSafe(thought));
                drop(running);
                // nobody waits for it any more when it comes too late
                drop(answer.send(thought));
            };
            // Not the runtime's blocking threads: the end of the process would wait for a thought that never ends.
            match thread::Builder::new().name("thinking".to_owned()).spawn(think) {
                Ok(_) => answered.await.map_err(|_| Failure::new("brain_panicked", "the brain gave no answer")),
                Err(error) => Err(Failure::new("brain_unavailable", format!("no thread to think on: {error}"))),
            }
        };
        match tokio::time::timeout(self.longest, thinking).await {
            Err(_) => {
                Err(Failure::new("brain_timed_out", format!("no decision within {} s", self.longest.as_secs_f64())))
            }
            Ok(Ok(Err(_))) => Err(Failure::new("brain_panicked", "a fault in the brain; the process's log says where")),
            Ok(Ok(Ok(thought))) => Ok(thought),
            Ok(Err(failure)) => Err(failure),
        }
    }
}

/// Lowers the calling thread's priority. Elsewhere than on Linux it would be the whole process's.
fn step_back() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, NICENESS) {
        tracing::debug!(%error, "the priority of a thought can't be lowered");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

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

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn thoughts_step_back_behind_the_threads_that_serve_everybody() {
        let priority = || rustix::process::getpriority_process(None).unwrap_or_default();
        let there = Thinking::new(Duration::from_secs(30)).think(priority).await;
        assert!(there.as_ref().is_ok_and(|there| *there >= priority() + 5), "{there:?} there, {} here", priority());
    }
}
