//! What a subscription notes of itself, for the health of its process and for metrics.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use steward_proto::TenantId;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::lanes::Lanes;
use crate::Condition;

/// A subscription is behind when an event that could run is older than this, while there is no slot for it. Where there are
/// several tenants, one that waits while its events are done one after another waits for itself, and takes nothing from the
/// others: the subscription is behind when all wait that have something to do, or nothing of one is done.
const LATE: Duration = Duration::from_secs(10);

/// It is also behind when one of its consumers can't be had for this long.
const DEAF: Duration = Duration::from_secs(5);

/// How often a subscription notes how it stands.
pub(super) const BEAT: Duration = Duration::from_secs(1);

/// A subscription that hasn't noted anything for this long hangs.
const STUCK: Duration = Duration::from_secs(15);

/// A tenant whose events have a consumer of their own; `None`: whoever comes by the shared one.
pub(super) type Whose = Option<TenantId>;

#[derive(Debug)]
struct State {
    beat: Instant,
    /// Since when those have waited for a slot who don't wait for themselves.
    waits_since: Option<Instant>,
    /// Since when the next event in the log has waited for room, by whose it is.
    waits: HashMap<Whose, Instant>,
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

    pub fn beat(&self, lanes: &Lanes, running: usize, several: bool) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut oldest = state.waits.clone();
        for (tenant, since) in lanes.wait_for_a_slot() {
            let oldest = oldest.entry(Some(tenant.clone())).or_insert(since);
            *oldest = since.min(*oldest);
        }
        let waits_since = oldest.values().min().copied();
        let lag = waits_since.map_or(Duration::ZERO, |since| since.elapsed());
        let stuck_since = if several { stuck_since(oldest, lanes) } else { waits_since };
        metrics::gauge!("steward_subscription_lag_seconds", "consumer" => self.consumer).set(lag.as_secs_f64());
        metrics::gauge!("steward_subscription_in_hand", "consumer" => self.consumer).set(lanes.in_hand() as f64);
        metrics::gauge!("steward_subscription_running", "consumer" => self.consumer).set(running as f64);
        metrics::gauge!("steward_subscription_put_off", "consumer" => self.consumer).set(lanes.put_off() as f64);
        (state.beat, state.waits_since) = (Instant::now(), stuck_since);
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
    pub fn waits(&self, whose: &Whose, since: Option<Instant>) {
        let waits = &mut self.0.lock().unwrap_or_else(PoisonError::into_inner).waits;
        match since {
            Some(since) => waits.insert(whose.clone(), since),
            None => waits.remove(whose),
        };
    }

    pub fn has(&self, consumer: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).deaf.remove(consumer);
    }
}

/// Of several tenants: since when one has waited of whom nothing is done, or else the one that has waited least, if more wait
/// than one.
fn stuck_since(oldest: HashMap<Whose, Instant>, lanes: &Lanes) -> Option<Instant> {
    let waiting: Vec<(TenantId, Instant)> =
        oldest.into_iter().filter_map(|(whose, since)| Some((whose?, since))).collect();
    let stands = |tenant: &TenantId| lanes.done(tenant).is_none_or(|at| at.elapsed() > LATE);
    let standing = waiting.iter().filter(|(tenant, _)| stands(tenant)).map(|(_, since)| *since).min();
    standing.or_else(|| waiting.iter().map(|(_, since)| *since).max().filter(|_| waiting.len() > 1))
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
        pulse.beat(&Lanes::default(), 0, false);
        assert_eq!(check(), Condition::Well);
    }

    #[tokio::test(start_paused = true)]
    async fn one_of_several_tenants_that_waits_waits_for_itself() {
        let tenant = |name: &str| Some(TenantId::new(name).expect("a tenant"));
        let (first, second, minute) = (tenant("first"), tenant("second"), Duration::from_secs(60));
        let now = Instant::now();
        tokio::time::advance(minute).await;
        let lately = Instant::now();
        // Who waits since when, whether there are several tenants, whether their events are done, whether it is behind.
        let cases = [
            (vec![], true, true, false),
            (vec![(&None, now)], false, true, true),
            (vec![(&first, now)], false, true, true),
            (vec![(&first, now)], true, true, false),
            (vec![(&first, now)], true, false, true),
            (vec![(&first, now), (&None, now)], true, true, false),
            (vec![(&first, now), (&second, lately)], true, true, false),
            (vec![(&first, now), (&second, now)], true, true, true),
        ];
        for (waiting, several, done, behind) in cases {
            let pulse = Pulse::new("worker", CancellationToken::new());
            let (check, hearing) = (pulse.check(), pulse.hearing());
            let mut lanes = Lanes::default();
            for (whose, since) in &waiting {
                hearing.waits(whose, Some(*since));
                if let (Some(tenant), true) = (whose, done) {
                    lanes.note_done(tenant);
                }
            }
            pulse.beat(&lanes, 0, several);
            assert_eq!(
                matches!(check(), Condition::Behind(_)),
                behind,
                "{waiting:?}, several: {several}, done: {done}"
            );
        }
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
