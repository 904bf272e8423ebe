//! The tasks of a process: each has an owner, and none dies unnoticed.

use std::future::Future;
use std::panic::AssertUnwindSafe;

use futures::FutureExt as _;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How many deaths may wait to be read; the first one ends the process anyway.
const WAITING: usize = 8;

/// Starts tasks and learns of their end. Cheap to clone; all clones are one.
///
/// A task's death is logged, told to whoever holds the receiver, and asks everything to stop: a process without one of
/// its tasks looks alive and keeps no promise.
#[derive(Clone, Debug)]
pub struct Tasks {
    tracker: TaskTracker,
    shutdown: CancellationToken,
    deaths: mpsc::Sender<String>,
}

impl Tasks {
    /// The receiver gets a sentence for each task that dies before `shutdown`.
    pub fn new(shutdown: CancellationToken) -> (Self, mpsc::Receiver<String>) {
        let (deaths, received) = mpsc::channel(WAITING);
        (Self { tracker: TaskTracker::new(), shutdown, deaths }, received)
    }

    /// Runs a task that may end by itself; only a panic counts as its death.
    pub fn run(&self, name: impl Into<String>, task: impl Future<Output = ()> + Send + 'static) {
        let (name, this) = (name.into(), self.clone());
        self.tracker.spawn(async move {
            if AssertUnwindSafe(task).catch_unwind().await.is_err() {
                this.report(format!("the task {name} panicked; what it met stands above"));
            }
        });
    }

    /// Runs a task that goes on until the shutdown; a panic counts as its death, and so does an end before the
    /// shutdown.
    pub fn keep(&self, name: impl Into<String>, task: impl Future<Output = Result<(), String>> + Send + 'static) {
        let (name, this) = (name.into(), self.clone());
        self.tracker.spawn(async move {
            let said = match AssertUnwindSafe(task).catch_unwind().await {
                _ if this.shutdown.is_cancelled() => return tracing::info!(name, "stopped"),
                Ok(Ok(())) => format!("{name} ended by itself"),
                Ok(Err(reason)) => format!("{name} can't go on: {reason}"),
                Err(_) => format!("{name} panicked; what it met stands above"),
            };
            this.report(said);
        });
    }

    /// Reports that something has died that the process can't do without, and asks everything to stop.
    pub fn report(&self, said: String) {
        tracing::error!("{said}; the process stops");
        // A full queue already holds the reason to stop.
        let _ = self.deaths.try_send(said);
        self.shutdown.cancel();
    }

    /// Waits until all tasks have ended, including those that are started meanwhile.
    pub async fn ended(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_death_is_said_and_stops_the_others() {
        let panicking = async || panic!("on purpose");
        for (case, expected) in [(0, "panicked"), (1, "panicked"), (2, "by itself"), (3, "can't go on: why")] {
            let shutdown = CancellationToken::new();
            let (tasks, mut deaths) = Tasks::new(shutdown.clone());
            let stopped = shutdown.clone();
            tasks.keep("other", async move {
                stopped.cancelled().await;
                Ok(())
            });
            match case {
                0 => tasks.run("this", async move { panicking().await }),
                1 => tasks.keep("this", async move {
                    panicking().await;
                    Ok(())
                }),
                2 => tasks.keep("this", async { Ok(()) }),
                _ => tasks.keep("this", async { Err("why".to_owned()) }),
            }
            let said = deaths.recv().await.unwrap();
            assert!(said.contains("this") && said.contains(expected), "{said}");
            // The other one ends because of it.
            tasks.ended().await;
            assert!(deaths.try_recv().is_err());
        }
    }

    #[tokio::test]
    async fn an_end_that_was_asked_for_is_no_death() {
        let shutdown = CancellationToken::new();
        let (tasks, mut deaths) = Tasks::new(shutdown.clone());
        tasks.run("short", async {});
        let stopped = shutdown.clone();
        tasks.keep("long", async move {
            stopped.cancelled().await;
            Err("it was cut off".to_owned())
        });
        shutdown.cancel();
        tasks.ended().await;
        assert!(deaths.try_recv().is_err());
    }
}
