//! Threads for long work that is asked for from outside: replays of the log and long pages.
//!
//! Such work may take every processor that is free, and none from what somebody waits for: the system gives its threads, of
//! which there is one for every two processors, what time the others leave.

use std::{num::NonZero, thread::available_parallelism};

use tokio::{
    runtime::{Builder, Handle, Runtime},
    task::JoinHandle,
};

/// How far below others the threads stand: beside one of theirs, a thread of these has about a thirtieth of a processor.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 15;

/// The threads. Their work ends when this is dropped.
pub struct Background {
    /// `None` where the machine gave no threads: the work is then done where everything is.
    own: Option<Runtime>,
    handle: Handle,
}

impl Background {
    /// Starts the threads; to be called within a runtime.
    pub fn start() -> Self {
        let threads = available_parallelism().map_or(1, NonZero::get).div_ceil(2);
        let mut builder = Builder::new_multi_thread();
        let builder = builder.worker_threads(threads).thread_name("background").on_thread_start(step_back).enable_all();
        let own = builder.build().inspect_err(|error| tracing::warn!(%error, "no threads for work in the background"));
        let own = own.ok();
        let handle = own.as_ref().map_or_else(Handle::current, |own| own.handle().clone());
        Self { own, handle }
    }

    pub fn spawn<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        self.handle.spawn(work)
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        // A runtime that is dropped within another must not wait for its threads.
        if let Some(own) = self.own.take() {
            own.shutdown_background();
        }
    }
}

/// Lowers the calling thread's priority. Elsewhere than on Linux it would be the whole process's.
fn step_back() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, NICENESS) {
        tracing::debug!(%error, "the priority of work in the background can't be lowered");
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_in_the_background_is_done_on_threads_that_step_back() {
        let background = Background::start();
        let priority = || rustix::process::getpriority_process(None).unwrap();
        let (name, there) = background
            .spawn(async move { (std::thread::current().name().map(str::to_owned), priority()) })
            .await
            .unwrap();
        assert_eq!(name.as_deref(), Some("background"));
        if cfg!(target_os = "linux") {
            assert!(there >= priority() + 5, "{there} there, {} here", priority());
        }
    }
}
