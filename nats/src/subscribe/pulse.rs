//! What a subscription notes of itself, for the health of its process and for metrics.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::lanes::Lanes;
use crate::Condition;

/// A subscription is behind when an event that could run is older than this, while there is no slot for it.
const LATE: Duration = Duration::from_secs(10);

/// It is also behind when one of its consumers can't be had for this long.
const DEAF: Duration = Duration::from_secs(5);

/// How often a subscription notes how it stands.
pub(super) const BEAT: Duration = Duration::from_secs(1);

/// A subscription that hasn't noted anything for this long hangs.
const STUCK: Duration = Duration::from_secs(15);

#[derive(Debug)]
struct State {
    beat: Instant,
    /// Since when the oldest event that could run has waited for a slot, in hand or in the log.
    waits_since: Option<Instant>,
    /// Since when the next event in the log has waited for room, by the names of the consumers.
    waits: HashMap<String, Instant>,
    /// Since when a consumer can't be had, by its name.
    deaf: HashMap<String, Instant>,
    /// How the subscription ended; `Ok` after the stop.
    ended: Option<Result<(), String>>,
}

/// A subscription that is dropped without saying how it ended counts as dead, unless that was after the stop.
#[derive(Debug)]
pub(super) struct Pulse {
    consumer: &'static str,
    state: Arc<Mutex<State>>,
    stop: CancellationToken,
}

impl Pulse {
    pub fn new(consumer: &'static str, stop: CancellationToken) -> Self {
        let state =
            State { beat: Instant::now(), waits_since: None, waits: HashMap::new(), deaf: HashMap::new(), ended: None };
        Self { consumer, state: Arc::new(Mutex::new(state)), stop }
    }

    /// What the health of the process calls to learn the subscription's condition.
    pub fn check(&self) -> impl Fn() -> Condition + Send + Sync + 'static {
        let state = self.state.clone();
        move || condition(&state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// For one feed, to note whether its consumer can be had.
    pub fn hearing(&self) -> Hearing {
        Hearing(self.state.clone())
    }

    pub fn beat(&self, lanes: &Lanes, running: usize) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let waits_since = state.waits.values().copied().chain(lanes.waits_for_a_slot_since()).min();
        let lag = waits_since.map_or(Duration::ZERO, |since| since.elapsed());
        metrics::gauge!("steward_subscription_lag_seconds", "consumer" => self.consumer).set(lag.as_secs_f64());
        metrics::gauge!("steward_subscription_in_hand", "consumer" => self.consumer).set(lanes.in_hand() as f64);
        metrics::gauge!("steward_subscription_running", "consumer" => self.consumer).set(running as f64);
        metrics::gauge!("steward_subscription_put_off", "consumer" => self.consumer).set(lanes.put_off() as f64);
        (state.beat, state.waits_since) = (Instant::now(), waits_since);
    }

    pub fn ended(&self, how: Result<(), String>) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).ended.get_or_insert(how);
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        let stopped = self.stop.is_cancelled();
        self.ended(if stopped { Ok(()) } else { Err("its loop was dropped before the stop".to_owned()) });
    }
}

/// Where a feed notes whether its consumer can be had.
#[derive(Debug, Clone)]
pub(super) struct Hearing(Arc<Mutex<State>>);

impl Hearing {
    pub fn lost(&self, consumer: &str) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.deaf.entry(consumer.to_owned()).or_insert_with(Instant::now);
    }

    /// Notes since when the next event in the log has waited for room, if one has.
    pub fn waits(&self, consumer: &str, since: Option<Instant>) {
        let waits = &mut self.0.lock().unwrap_or_else(PoisonError::into_inner).waits;
        match since {
            Some(since) => waits.insert(consumer.to_owned(), since),
            None => waits.remove(consumer),
        };
    }

    pub fn has(&self, consumer: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).deaf.remove(consumer);
    }
}

fn condition(state: &State) -> Condition {
    match &state.ended {
        Some(Ok(())) => return Condition::Well,
        Some(Err(reason)) => return Condition::Dead(reason.clone()),
        None => {}
    }
    if state.beat.elapsed() > STUCK {
        return Condition::Behind(format!("its loop has stood still for {} s", state.beat.elapsed().as_secs()));
    }
    if let Some(deaf) = state.deaf.values().map(Instant::elapsed).max().filter(|deaf| *deaf > DEAF) {
        return Condition::Behind(format!("its events can't be had for {} s", deaf.as_secs()));
    }
    match state.waits_since.map(|since| since.elapsed()) {
        Some(lag) if lag > LATE => Condition::Behind(format!(
            "all slots are taken, and the oldest event that waits for one is {} s old",
            lag.as_secs()
        )),
        _ => Condition::Well,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_says_what_keeps_it_and_is_well_again() {
        let pulse = Pulse::new("worker", CancellationToken::new());
        let (check, hearing) = (pulse.check(), pulse.hearing());
        hearing.lost("worker");
        assert_eq!(check(), Condition::Well);
        tokio::time::advance(Duration::from_secs(6)).await;
        hearing.lost("worker");
        assert_eq!(check(), Condition::Behind("its events can't be had for 6 s".to_owned()));
        hearing.has("worker");
        assert_eq!(check(), Condition::Well);
        tokio::time::advance(Duration::from_secs(20)).await;
        assert!(matches!(check(), Condition::Behind(_)));
        pulse.beat(&Lanes::default(), 0);
        assert_eq!(check(), Condition::Well);
    }

    #[tokio::test]
    async fn an_end_before_the_stop_is_death_one_after_it_isnt() {
        let stop = CancellationToken::new();
        let pulse = Pulse::new("worker", stop.clone());
        let check = pulse.check();
        drop(pulse);
        assert!(matches!(check(), Condition::Dead(_)));
        let pulse = Pulse::new("worker", stop.clone());
        let check = pulse.check();
        stop.cancel();
        drop(pulse);
        assert_eq!(check(), Condition::Well);
    }
}
