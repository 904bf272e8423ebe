//! The writer: one task that publishes the units which `append` hands it, several together where that is cheaper.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};
use steward_proto::AggregateId;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use crate::Condition;
use crate::append::Unit;
use crate::carry::Carrier;
use crate::queue::{FEW, Flying, Group, Queue};
use crate::session::Session;
use crate::supervise::{Ended, said};

/// How many units are taken in at a time; `admission` bounds how many there are in all.
const TAKEN: usize = 2_048;

/// The writer is behind when an append has waited longer than this though the connection is up.
const LATE: Duration = Duration::from_secs(3);

/// How long a refusal makes the process unready. While unready it gets none of the appends that would show that there
/// is room again, so after this time they are let in, and the first that is refused makes the writer behind anew.
const REFUSAL_COUNTS: Duration = Duration::from_secs(10);

/// How often the writer looks for how long the oldest append has waited.
const LOOK: Duration = Duration::from_millis(250);

/// How long the writer waits after a batch for as many units as it held: whoever waited for its answers sends the next within
/// this time, and one batch of all costs little more than one of a few.
const GATHERS_FOR: Duration = Duration::from_millis(1);
/// Only after a batch that took so much longer that the wait is small beside it.
const WORTH_GATHERING: Duration = Duration::from_millis(4);

/// What the writer notes of itself for its health.
#[derive(Debug, Default)]
pub(crate) struct Pulse {
    /// Since when the oldest append has waited for its answer.
    oldest: Mutex<Option<Instant>>,
    /// Why the last append was refused, and when, if it was for a reason that an operator must mend.
    refused: Mutex<Option<(&'static str, Instant)>>,
}

impl Pulse {
    fn note_oldest(&self, oldest: Option<Instant>) {
        *self.oldest.lock().unwrap_or_else(PoisonError::into_inner) = oldest;
    }

    /// Notes why the last append was refused, or that it was stored.
    pub fn note_refused(&self, why: Option<&'static str>) {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = why.map(|why| (why, Instant::now()));
    }

    /// The writer's condition, given whether the connection is up.
    pub fn condition(&self, up: bool) -> Condition {
        if !up {
            return Condition::Behind("NATS can't be reached, so nothing can be stored".to_owned());
        }
        if let Some((why, at)) = *self.refused.lock().unwrap_or_else(PoisonError::into_inner)
            && at.elapsed() < REFUSAL_COUNTS
        {
            return Condition::Behind(why.to_owned());
        }
        let waited = self.oldest.lock().unwrap_or_else(PoisonError::into_inner).map(|since| since.elapsed());
        match waited {
            Some(waited) if waited > LATE => {
                Condition::Behind(format!("the oldest append has waited for {} s", waited.as_secs()))
            }
            _ => Condition::Well,
        }
    }
}

pub(crate) struct Writer {
    session: Session,
    carrier: Carrier,
    pulse: Arc<Pulse>,
    pub(crate) queue: Queue,
    flying: Flying,
    /// For each group on its way, since when its oldest unit has waited.
    since: HashMap<u64, Instant>,
    groups: u64,
    /// So many units are likely to come by then.
    gathering: Option<(usize, Instant)>,
}

/// How a group goes.
#[derive(Debug, Clone, Copy)]
enum Way {
    Plain,
    /// As the one batch of what gathered.
    Batch,
    /// Beside that batch.
    Passing,
}

/// A group whose units have all been answered.
struct Landed {
    group: u64,
    aggregates: Vec<AggregateId>,
    way: Way,
    /// How long it was on its way.
    took: Duration,
}

impl Writer {
    pub fn new(session: Session, timeout: Duration, pulse: Arc<Pulse>) -> Self {
        let carrier = Carrier::new(session.clone(), timeout, pulse.clone());
        let (queue, flying) = (Queue::default(), Flying::default());
        Self { session, carrier, pulse, queue, flying, since: HashMap::new(), groups: 0, gathering: None }
    }

    /// Runs until the stop, or until all handles are gone and everything in the queue has its answer.
    pub async fn run(mut self, mut incoming: mpsc::UnboundedReceiver<Unit>) -> Ended {
        let mut flights: FuturesUnordered<BoxFuture<'static, Landed>> = FuturesUnordered::new();
        let mut arrived = Vec::new();
        let mut open = true;
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while open || !flights.is_empty() || !self.queue.is_empty() {
            self.gathering.take_if(|(units, until)| self.queue.ready() >= *units || *until <= Instant::now());
            while self.gathering.is_none()
                && let Some(group) = self.queue.next(self.flying)
            {
                let way = if matches!(group, Group::Batch(_)) { Way::Batch } else { Way::Plain };
                flights.push(self.start(group, way));
            }
            while (self.flying.batch || self.gathering.is_some())
                && let Some(group) = self.queue.passing(self.flying)
            {
                flights.push(self.start(group, Way::Passing));
            }
            if flights.is_empty() && self.queue.is_empty() {
                self.pulse.note_oldest(None);
            }
            tokio::select! {
                Some(landed) = flights.next(), if !flights.is_empty() => self.land(landed),
                count = incoming.recv_many(&mut arrived, TAKEN), if open => {
                    open = count > 0;
                    arrived.drain(..).for_each(|unit| self.queue.push(unit));
                }
                () = sleep_until(self.gathering.map_or_else(Instant::now, |(_, until)| until)), if self.gathering.is_some() => {}
                _ = look.tick(), if !flights.is_empty() => {
                    self.pulse.note_oldest(self.since.values().copied().chain(self.queue.oldest()).min());
                }
                // Units that are dropped here tell their callers that the log is shut down.
                () = self.session.stop.cancelled() => return Ended::Broken("it was stopped"),
            }
        }
        Ended::NothingLeft
    }

    fn start(&mut self, group: Group, way: Way) -> BoxFuture<'static, Landed> {
        let carrier = self.carrier.clone();
        let units = match &group {
            Group::Plain(unit) => std::slice::from_ref(unit),
            Group::Batch(units) => units,
        };
        let events: usize = units.iter().map(|unit| unit.events.len()).sum();
        metrics::histogram!("steward_log_batch_events").record(events as f64);
        let aggregates = units.iter().map(|unit| unit.aggregate.clone()).collect();
        self.groups += 1;
        let id = self.groups;
        self.since.extend(units.iter().map(|unit| unit.queued).min().map(|since| (id, since)));
        match way {
            Way::Plain => self.flying.plain += 1,
            Way::Batch => self.flying.batch = true,
            Way::Passing => self.flying.passing += 1,
        }
        let carried = async move {
            match group {
                Group::Plain(unit) => carrier.alone(unit).await,
                Group::Batch(units) => carrier.together(units).await,
            }
        };
        let began = Instant::now();
        Box::pin(async move {
            // A bug met with one group concerns that group alone: its callers learn of it when their units are dropped.
            if let Err(panic) = AssertUnwindSafe(carried).catch_unwind().await {
                metrics::counter!("steward_log_writer_panics_total").increment(1);
                tracing::error!(panic = said(&*panic), ?way, "publishing panicked; its appends are given up");
            }
            Landed { group: id, aggregates, way, took: began.elapsed() }
        })
    }

    fn land(&mut self, landed: Landed) {
        self.since.remove(&landed.group);
        match landed.way {
            Way::Plain => self.flying.plain -= 1,
            Way::Batch => {
                self.flying.batch = false;
                if landed.aggregates.len() >= FEW && landed.took >= WORTH_GATHERING {
                    self.gathering = Some((landed.aggregates.len(), Instant::now() + GATHERS_FOR));
                }
            }
            Way::Passing => self.flying.passing -= 1,
        }
        landed.aggregates.iter().for_each(|aggregate| self.queue.landed(aggregate));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_an_operator_must_know_makes_it_behind() {
        let pulse = Pulse::default();
        assert_eq!(pulse.condition(true), Condition::Well);
        assert!(matches!(pulse.condition(false), Condition::Behind(_)));
        pulse.note_oldest(Some(Instant::now()));
        tokio::time::advance(Duration::from_secs(3)).await;
        assert_eq!(pulse.condition(true), Condition::Well);
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(pulse.condition(true), Condition::Behind("the oldest append has waited for 5 s".to_owned()));
        pulse.note_oldest(None);
        assert_eq!(pulse.condition(true), Condition::Well);
        pulse.note_refused(Some("the log has no room"));
        assert_eq!(pulse.condition(true), Condition::Behind("the log has no room".to_owned()));
        pulse.note_refused(None);
        assert_eq!(pulse.condition(true), Condition::Well);
        // Nobody has tried an append since: whoever stays away because of the refusal must be let in again.
        pulse.note_refused(Some("the log has no room"));
        tokio::time::advance(Duration::from_secs(9)).await;
        assert!(matches!(pulse.condition(true), Condition::Behind(_)));
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(pulse.condition(true), Condition::Well);
    }
}
