//! Where the rules think: on threads of their own, a few at a time, and no longer than allowed.
//!
//! A thought works on text from outside. Should it never end, or panic, it costs its own turn and nothing else: no thread
//! that serves others runs it, and the end of the process doesn't wait for it. Where there are more thoughts than processors,
//! tenants take turns, and whose thoughts are many think behind the threads that take in, store and send: what those do is
//! short, and everybody waits for it.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use steward_log::Turns;
use tokio::sync::oneshot;

use crate::brain::Failure;

/// How far the threads stand below those that serve everybody: beside one of these, one of theirs has about a quarter of a
/// processor.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 6;

/// The threads to think on.
pub struct Thinking {
    line: Arc<Mutex<Line>>,
    longest: Duration,
}

/// Who may think, and who waits for it.
struct Line {
    /// Thoughts that may begin: as many as there are processors run at the same time.
    free: usize,
    /// Each with whether another of its tenant's waited before it.
    waiting: Turns<String, (oneshot::Sender<Running>, bool)>,
}

/// Leave to think. When it is dropped, the next one has it.
struct Running {
    /// Set once the thought waits no more; a leave that nobody takes is given on.
    line: Option<Arc<Mutex<Line>>>,
    /// Whether it waited behind another of its tenant's.
    of_many: bool,
}

impl Thinking {
    /// Thoughts that take longer than `longest` fail.
    pub fn new(longest: Duration) -> Self {
        let free = thread::available_parallelism().map_or(2, |n| n.get().max(2));
        Self { line: Arc::new(Mutex::new(Line { free, waiting: Turns::default() })), longest }
    }

    /// Has a brain think for a tenant, off the threads that serve everybody.
    ///
    /// # Errors
    /// `brain_timed_out`, `brain_panicked`, or `brain_unavailable` where the machine gives no thread.
    pub async fn think<T: Send + 'static>(
        &self,
        tenant: &str,
        thought: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Failure> {
        let thinking = async {
            let running = self.turn(tenant).await;
            let (answer, answered) = oneshot::channel();
            let think = move || {
                if running.of_many {
                    step_back();
                }
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

    /// Waits for the tenant's turn.
    async fn turn(&self, tenant: &str) -> Running {
        let turn = {
            let mut line = lock(&self.line);
            if let Some(free) = line.free.checked_sub(1) {
                line.free = free;
                return Running { line: Some(Arc::clone(&self.line)), of_many: false };
            }
            let (sender, turn) = oneshot::channel();
            let tenant = tenant.to_owned();
            let of_many = line.waiting.has(&tenant);
            line.waiting.push(&tenant, (sender, of_many));
            turn
        };
        turn.await.expect("the line is kept as long as somebody waits in it, and it lets go of nobody")
    }
}

fn lock(line: &Mutex<Line>) -> MutexGuard<'_, Line> {
    line.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Running {
    fn drop(&mut self) {
        let Some(line) = self.line.take() else { return };
        loop {
            let next = {
                let mut line = lock(&line);
                let next = line.waiting.pop();
                line.free += usize::from(next.is_none());
                next
            };
            let Some((next, of_many)) = next else { return };
            match next.send(Running { line: Some(Arc::clone(&line)), of_many }) {
                Ok(()) => return,
                // The next one no longer waits.
                Err(mut unwanted) => drop(unwanted.line.take()),
            }
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
        let panicked = patient.think("t", || panic!("a fault")).await;
        let panicked: Result<(), Failure> = panicked;
        assert_eq!(panicked.unwrap_err().code, "brain_panicked");
        assert_eq!(patient.think("t", || 7).await, Ok(7));
        let thinking = Thinking::new(Duration::from_millis(200));
        let (end, ended) = mpsc::channel::<()>();
        let endless = thinking.think("t", move || _ = ended.recv()).await;
        assert_eq!(endless.unwrap_err().code, "brain_timed_out");
        assert_eq!(thinking.think("t", || 7).await, Ok(7));
        drop(end);
    }

    /// Fills all places with thoughts that end when what is returned is dropped.
    fn filled(thinking: &Arc<Thinking>) -> Vec<mpsc::Sender<()>> {
        let places = lock(&thinking.line).free;
        let fill = |_| {
            let (end, ended) = mpsc::channel::<()>();
            let thinking = Arc::clone(thinking);
            tokio::spawn(async move { thinking.think("flood", move || _ = ended.recv()).await });
            end
        };
        (0..places).map(fill).collect()
    }

    #[tokio::test]
    async fn tenants_take_turns_whatever_one_has_to_think_about() {
        let thinking = Arc::new(Thinking::new(Duration::from_secs(30)));
        let mut ends = filled(&thinking);
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut thoughts = tokio::task::JoinSet::new();
        for tenant in ["flood", "flood", "flood", "flood", "quiet"] {
            let (thinking, order) = (Arc::clone(&thinking), Arc::clone(&order));
            thoughts.spawn(async move {
                let place = thinking.turn(tenant).await;
                order.lock().unwrap().push((tenant, place.of_many));
            });
            tokio::task::yield_now().await;
        }
        // One place alone: of two that are left at once nobody knows which is given on first.
        drop(ends.pop());
        thoughts.join_all().await;
        let order = order.lock().unwrap().clone();
        assert_eq!(order[..2], [("flood", false), ("quiet", false)], "{order:?}");
        assert_eq!(order[2..], [("flood", true); 3]);
    }

    #[tokio::test]
    async fn who_no_longer_waits_is_passed_over() {
        let thinking = Arc::new(Thinking::new(Duration::from_secs(30)));
        let ends = filled(&thinking);
        tokio::task::yield_now().await;
        assert!(tokio::time::timeout(Duration::from_millis(1), thinking.turn("quiet")).await.is_err());
        drop(ends);
        assert_eq!(thinking.think("quiet", || 7).await, Ok(7));
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn thoughts_of_many_step_back_behind_the_threads_that_serve_everybody() {
        let priority = || rustix::process::getpriority_process(None).unwrap_or_default();
        let thinking = Arc::new(Thinking::new(Duration::from_secs(30)));
        let ends = filled(&thinking);
        let mut thoughts = Vec::new();
        for tenant in ["flood", "flood", "quiet"] {
            let thinking = Arc::clone(&thinking);
            thoughts.push(tokio::spawn(async move { thinking.think(tenant, priority).await.unwrap() }));
            tokio::task::yield_now().await;
        }
        drop(ends);
        let mut there = Vec::new();
        for thought in thoughts {
            there.push(thought.await.unwrap());
        }
        assert_eq!((there[0], there[2]), (priority(), priority()));
        assert!(there[1] >= priority() + 5, "{there:?} there, {} here", priority());
    }
}
