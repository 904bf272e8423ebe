//! How far the read models have got: in positions for those who wait for one, in time for those who watch.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use steward_log::Condition;
use tokio::sync::watch;

/// By default, how far the read models may be behind before the process says that it isn't ready.
const LIMIT: Duration = Duration::from_secs(10);

/// The position that the read models reflect, and the age of the oldest event that they don't reflect yet. Cheap to
/// clone.
#[derive(Debug, Clone)]
pub struct Reached {
    position: watch::Sender<u64>,
    limit: Duration,
    begun: Instant,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// When the oldest event that isn't projected yet was recorded.
    waiting_since: Option<DateTime<Utc>>,
    /// When everything was last projected; `None`: never since the start.
    complete_at: Option<Instant>,
    /// The projector has ended.
    ended: bool,
}

impl Default for Reached {
    fn default() -> Self {
        Self::with_limit(LIMIT)
    }
}

impl Reached {
    /// The projector says that it is behind when its lag exceeds `limit`.
    pub fn with_limit(limit: Duration) -> Self {
        Self { position: watch::Sender::new(0), limit, begun: Instant::now(), state: Arc::default() }
    }

    /// The position that the read models reflect now.
    pub fn now(&self) -> u64 {
        *self.position.borrow()
    }

    /// Moves the position forward; it never goes back.
    pub fn advance(&self, position: u64) {
        self.position.send_if_modified(|reached| {
            let further = position > *reached;
            *reached = position.max(*reached);
            further
        });
    }

    /// Waits until `position` is reached; `false` if that takes longer than `most`.
    pub async fn wait(&self, position: u64, most: Duration) -> bool {
        let mut reached = self.position.subscribe();
        tokio::time::timeout(most, reached.wait_for(|now| *now >= position)).await.is_ok_and(|r| r.is_ok())
    }

    /// The age of the oldest event that isn't projected yet; zero if no such event is known.
    pub fn lag(&self) -> Duration {
        let state = self.state();
        let Some(since) = state.waiting_since else { return Duration::ZERO };
        let age = (Utc::now() - since).to_std().unwrap_or_default();
        // An event may claim any time as its own, but it can't have waited for longer than since everything was
        // projected.
        state.complete_at.map_or(age, |complete| age.min(complete.elapsed()))
    }

    /// The projector's condition, for the health of the process.
    pub fn condition(&self) -> Condition {
        let (lag, now) = (self.lag(), self.now());
        let state = self.state();
        if state.ended {
            return Condition::Dead("the projector has ended: the read models stand still".to_owned());
        }
        match (state.complete_at, state.waiting_since) {
            (None, None) if self.begun.elapsed() > self.limit => Condition::Behind(format!(
                "the projector hasn't read the log yet, after {} s",
                self.begun.elapsed().as_secs()
            )),
            (None, Some(_)) if lag > self.limit => Condition::Behind(format!(
                "catching up for the first time, at position {now}, {} s behind",
                lag.as_secs()
            )),
            (Some(_), _) if lag > self.limit => {
                Condition::Behind(format!("the read models are {} s behind, at position {now}", lag.as_secs()))
            }
            _ => Condition::Well,
        }
    }

    /// Notes the time of the oldest event that isn't projected yet, which the projector has in hand.
    pub(crate) fn waits_since(&self, at: DateTime<Utc>) {
        self.state().waiting_since = Some(at);
    }

    /// Notes that everything in the log is projected.
    pub(crate) fn is_complete(&self) {
        let mut state = self.state();
        (state.waiting_since, state.complete_at) = (None, Some(Instant::now()));
    }

    /// When the returned value is dropped, the projector counts as ended.
    pub(crate) fn begin(&self) -> Ends {
        self.state().ended = false;
        Ends(self.clone())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lives as long as the projector.
pub(crate) struct Ends(Reached);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.state().ended = true;
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn the_lag_is_the_age_of_what_waits_but_no_longer_than_something_can_wait() {
        let unread = Reached::with_limit(Duration::ZERO);
        assert!(matches!(unread.condition(), Condition::Behind(text) if text.contains("hasn't read the log")));
        let reached = Reached::default();
        assert_eq!(reached.condition(), Condition::Well, "it has only just begun");
        let old = Utc::now() - TimeDelta::hours(1);
        reached.waits_since(old);
        assert!(reached.lag() > Duration::from_secs(3000));
        assert!(matches!(reached.condition(), Condition::Behind(text) if text.contains("first time")));
        reached.is_complete();
        assert_eq!((reached.lag(), reached.condition()), (Duration::ZERO, Condition::Well));
        // The event claims to be an hour old, and has just come.
        reached.waits_since(old);
        assert!(reached.lag() < Duration::from_secs(5));
        assert_eq!(reached.condition(), Condition::Well);
        drop(reached.begin());
        assert!(matches!(reached.condition(), Condition::Dead(_)));
    }
}
