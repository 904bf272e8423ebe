//! The writer: one task that publishes what `append` hands it, together where that is cheaper.

use std::time::Duration;

use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use steward_proto::AggregateId;
use tokio::sync::mpsc;

use crate::append::Unit;
use crate::carry::Carrier;
use crate::queue::{Flying, Group, Queue};
use crate::session::Session;

/// Units in the queue at most; more wait in the channel, then in `append`.
const QUEUED: usize = 2_048;

pub(crate) struct Writer {
    session: Session,
    carrier: Carrier,
    pub(crate) queue: Queue,
    flying: Flying,
}

/// A group that has been dealt with.
struct Landed {
    aggregates: Vec<AggregateId>,
    batch: bool,
}

impl Writer {
    pub fn new(session: Session, timeout: Duration) -> Self {
        let carrier = Carrier::new(session.clone(), timeout);
        Self { session, carrier, queue: Queue::default(), flying: Flying::default() }
    }

    /// Runs until the stop, or until all handles are gone and everything queued is dealt with.
    pub async fn run(mut self, mut incoming: mpsc::Receiver<Unit>) {
        let mut flights: FuturesUnordered<BoxFuture<'static, Landed>> = FuturesUnordered::new();
        let mut arrived = Vec::new();
        let mut open = true;
        while open || !flights.is_empty() || !self.queue.is_empty() {
            while let Some(group) = self.queue.next(self.flying) {
                flights.push(self.start(group));
            }
            let room = QUEUED.saturating_sub(self.queue.len());
            tokio::select! {
                Some(landed) = flights.next(), if !flights.is_empty() => self.land(landed),
                count = incoming.recv_many(&mut arrived, room), if open && room > 0 => {
                    open = count > 0;
                    arrived.drain(..).for_each(|unit| self.queue.push(unit));
                }
                // Units that are dropped here tell their callers that the log is shut down.
                () = self.session.stop.cancelled() => return,
            }
        }
    }

    fn start(&mut self, group: Group) -> BoxFuture<'static, Landed> {
        let carrier = self.carrier.clone();
        match group {
            Group::Plain(unit) => {
                self.flying.plain += 1;
                metrics::histogram!("steward_log_batch_events").record(1.0);
                let aggregates = vec![unit.aggregate.clone()];
                Box::pin(async move {
                    carrier.alone(unit).await;
                    Landed { aggregates, batch: false }
                })
            }
            Group::Batch(units) => {
                self.flying.batch = true;
                let events: usize = units.iter().map(|unit| unit.events.len()).sum();
                metrics::histogram!("steward_log_batch_events").record(events as f64);
                let aggregates = units.iter().map(|unit| unit.aggregate.clone()).collect();
                Box::pin(async move {
                    carrier.together(units).await;
                    Landed { aggregates, batch: true }
                })
            }
        }
    }

    fn land(&mut self, landed: Landed) {
        if landed.batch {
            self.flying.batch = false;
        } else {
            self.flying.plain -= 1;
        }
        landed.aggregates.iter().for_each(|aggregate| self.queue.landed(aggregate));
    }
}
