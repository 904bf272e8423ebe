//! Watching the log's own tasks: whoever asks learns when one ended before the stop.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt as _;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::{Condition, Health};

/// Why a task ended that shouldn't have ended.
#[derive(Debug, Clone)]
struct Fallen {
    task: &'static str,
    reason: String,
}

#[derive(Clone)]
pub(crate) struct Tasks {
    tracker: TaskTracker,
    stop: CancellationToken,
    fallen: Arc<watch::Sender<Option<Fallen>>>,
}

impl Tasks {
    pub fn new(stop: CancellationToken) -> Self {
        Self { tracker: TaskTracker::new(), stop, fallen: Arc::new(watch::channel(None).0) }
    }

    /// Runs a task. It may end at the stop, or by saying that nothing is left to do; any other end counts as a fall.
    pub fn spawn(
        &self,
        task: &'static str,
        run: impl Future<Output = Ended> + Send + 'static,
    ) -> tokio::task::JoinHandle<()> {
        let tasks = self.clone();
        self.tracker.spawn(async move {
            let reason = match AssertUnwindSafe(run).catch_unwind().await {
                Ok(Ended::NothingLeft) => return,
                Ok(Ended::Broken(_)) if tasks.stop.is_cancelled() => return,
                Ok(Ended::Broken(reason)) => reason.to_owned(),
                Err(panic) => format!("it panicked: {}", said(&*panic)),
            };
            tracing::error!(task, reason, "a task of the log has ended before the stop");
            tasks.fallen.send_if_modified(|fallen| {
                let first = fallen.is_none();
                if first {
                    *fallen = Some(Fallen { task, reason });
                }
                first
            });
        })
    }

    /// Like `spawn`, for a task that only waits for others.
    pub fn spawn_plain(&self, run: impl Future<Output = ()> + Send + 'static) {
        self.tracker.spawn(run);
    }

    /// Adds a task to the health: it is dead when it has fallen, and as `check` says otherwise.
    pub fn register(&self, health: &Health, task: &'static str, check: impl Fn() -> Condition + Send + Sync + 'static) {
        let fallen = self.fallen.subscribe();
        health.register(task, move || match &*fallen.borrow() {
            Some(Fallen { task: which, reason }) if *which == task => Condition::Dead(reason.clone()),
            _ => check(),
        });
    }

    /// Resolves when a task has fallen; never, if none does.
    pub fn failed(&self) -> impl Future<Output = String> + Send + use<> {
        let mut fallen = self.fallen.subscribe();
        async move {
            let first = match fallen.wait_for(Option::is_some).await {
                Ok(first) => first.clone(),
                Err(_) => None,
            };
            match first {
                Some(Fallen { task, reason }) => format!("the log's {task} has ended: {reason}"),
                // The log is gone, so nobody needs its tasks any more.
                None => std::future::pending().await,
            }
        }
    }

    pub fn close(&self) {
        self.tracker.close();
    }

    pub async fn wait(&self) {
        self.tracker.wait().await;
    }
}

/// How a task ended, as it says itself.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ended {
    /// All handles of the log are gone.
    NothingLeft,
    /// The task can't go on: fine after the stop, a fall before it.
    Broken(&'static str),
}

pub(crate) fn said(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a message")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tasks() -> (Tasks, Health, CancellationToken) {
        let stop = CancellationToken::new();
        let (tasks, health) = (Tasks::new(stop.clone()), Health::default());
        tasks.register(&health, "writer", || Condition::Well);
        tasks.register(&health, "inbox", || Condition::Well);
        (tasks, health, stop)
    }

    #[tokio::test]
    async fn a_panic_is_told_and_only_of_whom_it_concerns() {
        let (tasks, health, _stop) = tasks();
        let failed = tasks.failed();
        tasks.spawn("writer", async { panic!("oh no") });
        assert_eq!(failed.await, "the log's writer has ended: it panicked: oh no");
        let conditions = health.conditions();
        assert_eq!(conditions[0].1, Condition::Dead("it panicked: oh no".to_owned()));
        assert_eq!(conditions[1].1, Condition::Well);
        assert!(tasks.failed().await.contains("writer"), "who asks later learns it too");
    }

    #[tokio::test]
    async fn an_end_before_the_stop_is_told_one_after_it_isnt() {
        let (tasks, health, stop) = tasks();
        tasks.spawn("inbox", async { Ended::Broken("it is closed") }).await.expect("it is caught");
        assert_eq!(health.conditions()[1].1, Condition::Dead("it is closed".to_owned()));
        let (tasks, health, _) = self::tasks();
        tasks.spawn("writer", async { Ended::NothingLeft }).await.expect("it is caught");
        stop.cancel();
        let stopped = Tasks::new(stop);
        stopped.spawn("inbox", async { Ended::Broken("it is closed") }).await.expect("it is caught");
        assert!(health.conditions().iter().all(|(_, condition)| *condition == Condition::Well));
        assert!(stopped.failed().now_or_never().is_none());
    }
}
