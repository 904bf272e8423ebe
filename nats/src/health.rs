//! The health of a process's parts (writer, subscriptions, projector …), for liveness and readiness.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

/// How a part is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    Well,
    /// The part works, or will again by itself, but is late with its work: the process isn't ready.
    Behind(String),
    /// The part has ended or can't go on: the process has to be started anew.
    Dead(String),
}

/// The parts of this process. Cheap to clone; all clones are the same list.
#[derive(Clone, Default)]
pub struct Health {
    parts: Arc<Mutex<Vec<Part>>>,
}

/// Marks a part as ended when this is dropped.
#[derive(Debug)]
pub struct Alive {
    ended: Arc<AtomicBool>,
    shutdown: CancellationToken,
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.ended.store(!self.shutdown.is_cancelled(), Ordering::Relaxed);
    }
}

struct Part {
    name: String,
    check: Arc<dyn Fn() -> Condition + Send + Sync>,
}

impl std::fmt::Debug for Health {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.conditions()).finish()
    }
}

impl Health {
    /// Adds a part, or replaces the one of this name; a subscription's part is named after its durable consumer.
    /// `check` runs at every probe, so it only looks at what the part has noted, and never waits.
    pub fn register(&self, name: impl Into<String>, check: impl Fn() -> Condition + Send + Sync + 'static) {
        let part = Part { name: name.into(), check: Arc::new(check) };
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        parts.retain(|known| known.name != part.name);
        parts.push(part);
    }

    /// Adds a part that goes on until `shutdown`. As long as the returned value lives, the part is as `check` says; if
    /// the value is dropped before the shutdown, the part is dead.
    #[must_use = "the part is dead when it is dropped"]
    pub fn register_until(
        &self,
        shutdown: CancellationToken,
        name: impl Into<String>,
        check: impl Fn() -> Condition + Send + Sync + 'static,
    ) -> Alive {
        let ended = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&ended);
        self.register(name, move || {
            if seen.load(Ordering::Relaxed) { Condition::Dead("it has ended".to_owned()) } else { check() }
        });
        Alive { ended, shutdown }
    }

    /// The condition of each part, in the order in which they were added.
    pub fn conditions(&self) -> Vec<(String, Condition)> {
        let parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        let checks: Vec<_> = parts.iter().map(|part| (part.name.clone(), Arc::clone(&part.check))).collect();
        drop(parts);
        checks.into_iter().map(|(name, check)| (name, check())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_that_ends_before_the_shutdown_is_dead_and_one_after_it_is_not() {
        let (health, shutdown) = (Health::default(), CancellationToken::new());
        let condition = || health.conditions().remove(0).1;
        let alive = health.register_until(shutdown.clone(), "sending", || Condition::Well);
        assert_eq!(condition(), Condition::Well);
        drop(alive);
        assert_eq!(condition(), Condition::Dead("it has ended".to_owned()));
        let alive = health.register_until(shutdown.clone(), "sending", || Condition::Well);
        shutdown.cancel();
        drop(alive);
        assert_eq!(condition(), Condition::Well);
    }

    #[test]
    fn every_part_is_asked_and_the_latest_of_a_name_counts() {
        let health = Health::default();
        health.register("writer", || Condition::Well);
        health.register("projection", || Condition::Behind("9 s".to_owned()));
        health.clone().register("writer", || Condition::Dead("it ended".to_owned()));
        let expected = [
            ("projection".to_owned(), Condition::Behind("9 s".to_owned())),
            ("writer".to_owned(), Condition::Dead("it ended".to_owned())),
        ];
        assert_eq!(health.conditions(), expected);
    }
}
