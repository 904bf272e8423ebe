//! The clock that services read: the system's, or a test's that is turned by hand.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::watch;

/// How long the system's clock isn't looked at while a time is awaited. Timers stand still while the machine sleeps, and know
/// nothing of a clock that is set.
const LOOKS_AGAIN: Duration = Duration::from_secs(10);

/// A source of the time. Cheap to clone; all clones of a clock turned by hand show the same time.
///
/// Nothing may rely on the time only going forward: the system's clock is set back now and then, and a test may do so
/// too.
#[derive(Debug, Clone, Default)]
pub struct Clock(Source);

#[derive(Debug, Clone, Default)]
enum Source {
    #[default]
    System,
    Hand(Arc<watch::Sender<DateTime<Utc>>>),
}

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that shows `at` until it is turned.
    pub fn by_hand(at: DateTime<Utc>) -> (Self, Hand) {
        let shown = Arc::new(watch::channel(at).0);
        (Self(Source::Hand(Arc::clone(&shown))), Hand(shown))
    }

    pub fn now(&self) -> DateTime<Utc> {
        match &self.0 {
            Source::System => Utc::now(),
            Source::Hand(shown) => *shown.borrow(),
        }
    }

    /// Waits until the clock shows `at` or later. If the clock is set back meanwhile, the wait takes that much longer.
    pub async fn reaches(&self, at: DateTime<Utc>) {
        match &self.0 {
            Source::System => {
                while let Ok(wait) = (at - Utc::now()).to_std()
                    && !wait.is_zero()
                {
                    tokio::time::sleep(wait.min(LOOKS_AGAIN)).await;
                }
            }
            // Waiting can't fail: the clock itself keeps the channel open.
            Source::Hand(shown) => drop(shown.subscribe().wait_for(|now| *now >= at).await),
        }
    }
}

/// Turns a clock that is read by hand.
#[derive(Debug)]
pub struct Hand(Arc<watch::Sender<DateTime<Utc>>>);

impl Hand {
    /// Sets the clock, forward or back.
    pub fn set(&self, at: DateTime<Utc>) {
        self.0.send_replace(at);
    }

    /// Turns the clock forward by `by`, or back if it is negative.
    pub fn turn(&self, by: TimeDelta) {
        self.0.send_modify(|now| *now += by);
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[test]
    fn one_turned_by_hand_reaches_a_time_when_it_is_turned_there_and_not_before() {
        let noon = DateTime::UNIX_EPOCH + TimeDelta::hours(12);
        let (clock, hand) = Clock::by_hand(noon);
        let later = noon + TimeDelta::minutes(5);
        let mut waiting = std::pin::pin!(clock.reaches(later));
        assert!(waiting.as_mut().now_or_never().is_none());
        hand.turn(TimeDelta::hours(-1));
        assert_eq!(clock.clone().now(), noon - TimeDelta::hours(1));
        hand.turn(TimeDelta::minutes(64));
        assert!(waiting.as_mut().now_or_never().is_none());
        hand.set(later);
        assert!(waiting.now_or_never().is_some() && clock.reaches(noon).now_or_never().is_some());
    }

    #[tokio::test]
    async fn the_systems_reaches_a_time_no_earlier_than_it_is() {
        let clock = Clock::system();
        let soon = clock.now() + TimeDelta::milliseconds(20);
        clock.reaches(soon).await;
        assert!(clock.now() >= soon);
    }
}
