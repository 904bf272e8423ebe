//! What is in hand: a lane per aggregate, one event of it at a time, in the order of the log.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use steward_proto::Recorded;
use tokio::sync::OwnedSemaphorePermit;

/// Positions remembered after they were handled, so that a redelivery whose acknowledgement was lost isn't run again.
const REMEMBERED: usize = 4_096;

/// Where a delivery comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    Log,
    /// An operator wants a dead letter tried again.
    Retry,
}

/// An event with the subject that acknowledges it.
#[derive(Debug)]
pub(super) struct Delivery {
    pub recorded: Recorded,
    pub ack: String,
    pub source: Source,
    /// Room in hand that it takes.
    pub permit: OwnedSemaphorePermit,
}

/// What to do with a delivery that arrived.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken {
    InHand,
    /// It is in hand already.
    Again,
    /// It was handled a moment ago; only the acknowledgement was lost.
    HandledBefore(String),
}

#[derive(Default)]
struct Lane {
    running: bool,
    waiting: BTreeMap<u64, Delivery>,
}

#[derive(Default)]
pub(super) struct Lanes {
    lanes: HashMap<String, Lane>,
    /// Lanes with something waiting and nothing running.
    ready: VecDeque<String>,
    /// Position → subject that acknowledges it, of all in hand.
    in_hand: HashMap<u64, String>,
    handled: HashSet<u64>,
    handled_order: VecDeque<u64>,
}

fn key(recorded: &Recorded) -> String {
    let subject = &recorded.subject;
    format!("{}.{}.{}", subject.tenant, subject.aggregate, subject.id)
}

impl Lanes {
    pub fn take_in(&mut self, delivery: Delivery) -> Taken {
        let position = delivery.recorded.position;
        if self.in_hand.contains_key(&position) {
            return Taken::Again;
        }
        if delivery.source == Source::Log && self.handled.contains(&position) {
            return Taken::HandledBefore(delivery.ack);
        }
        self.in_hand.insert(position, delivery.ack.clone());
        let key = key(&delivery.recorded);
        let lane = self.lanes.entry(key.clone()).or_default();
        if !lane.running && lane.waiting.is_empty() {
            self.ready.push_back(key);
        }
        lane.waiting.insert(position, delivery);
        Taken::InHand
    }

    /// The next event that may run.
    pub fn next(&mut self) -> Option<Delivery> {
        let key = self.ready.pop_front()?;
        let lane = self.lanes.get_mut(&key)?;
        lane.running = true;
        lane.waiting.pop_first().map(|(_, delivery)| delivery)
    }

    /// An event is out of hand; `done` when it needn't run again.
    pub fn finished(&mut self, recorded: &Recorded, done: bool) {
        self.in_hand.remove(&recorded.position);
        if done && self.handled.insert(recorded.position) {
            self.handled_order.push_back(recorded.position);
            if self.handled_order.len() > REMEMBERED
                && let Some(oldest) = self.handled_order.pop_front()
            {
                self.handled.remove(&oldest);
            }
        }
        let key = key(recorded);
        let Some(lane) = self.lanes.get_mut(&key) else { return };
        lane.running = false;
        if lane.waiting.is_empty() {
            self.lanes.remove(&key);
        } else {
            self.ready.push_back(key);
        }
    }

    /// Subjects that acknowledge what is in hand.
    pub fn acks(&self) -> Vec<String> {
        self.in_hand.values().cloned().collect()
    }

    /// Gives up what hasn't started; the subjects to hand it back on.
    pub fn give_back(&mut self) -> Vec<String> {
        self.ready.clear();
        let waiting = self.lanes.values_mut().flat_map(|lane| std::mem::take(&mut lane.waiting));
        let given: Vec<(u64, String)> = waiting.map(|(position, delivery)| (position, delivery.ack)).collect();
        for (position, _) in &given {
            self.in_hand.remove(position);
        }
        given.into_iter().map(|(_, ack)| ack).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use steward_proto::{Cause, Event, NewEvent, v1};
    use tokio::sync::Semaphore;

    use super::*;

    fn delivery(position: u64, id: &str) -> Delivery {
        let permit = Arc::new(Semaphore::new(1)).try_acquire_owned().expect("one is free");
        let cause = Cause::outside("service:test", "");
        let new = NewEvent::new(uuid::Uuid::now_v7(), chrono::Utc::now(), &cause, v1::UpdateKept::default());
        let recorded = Recorded {
            position,
            subject: format!("ev.t.conversation.{id}.update_kept").parse().expect("a subject"),
            metadata: new.metadata,
            event: Event::from(v1::UpdateKept::default()),
            payload: bytes::Bytes::new(),
        };
        Delivery { recorded, ack: format!("ack.{position}"), source: Source::Log, permit }
    }

    #[test]
    fn one_aggregate_runs_one_at_a_time_in_order_and_others_beside_it() {
        let mut lanes = Lanes::default();
        for (position, id) in [(3, "a"), (1, "a"), (2, "b"), (4, "a")] {
            assert_eq!(lanes.take_in(delivery(position, id)), Taken::InHand);
        }
        let first = lanes.next().expect("a is free");
        assert_eq!(first.recorded.position, 1);
        assert_eq!(lanes.next().expect("b is free").recorded.position, 2);
        assert!(lanes.next().is_none(), "both aggregates are running");
        lanes.finished(&first.recorded, true);
        let second = lanes.next().expect("a is free again");
        assert_eq!(second.recorded.position, 3);
        lanes.finished(&second.recorded, false);
        assert_eq!(lanes.next().expect("a is free again").recorded.position, 4);
    }

    #[test]
    fn a_redelivery_of_what_is_in_hand_doesnt_run_again() {
        let mut lanes = Lanes::default();
        lanes.take_in(delivery(1, "a"));
        assert_eq!(lanes.take_in(delivery(1, "a")), Taken::Again, "while it waits");
        let running = lanes.next().expect("a is free");
        assert_eq!(lanes.take_in(delivery(1, "a")), Taken::Again, "while it runs");
        lanes.finished(&running.recorded, true);
        assert_eq!(lanes.take_in(delivery(1, "a")), Taken::HandledBefore("ack.1".to_owned()), "after it ran");
        assert!(lanes.next().is_none());
    }

    #[test]
    fn what_was_put_off_may_come_again() {
        let mut lanes = Lanes::default();
        lanes.take_in(delivery(1, "a"));
        let running = lanes.next().expect("a is free");
        lanes.finished(&running.recorded, false);
        assert_eq!(lanes.take_in(delivery(1, "a")), Taken::InHand);
    }

    #[test]
    fn what_hasnt_started_is_given_back() {
        let mut lanes = Lanes::default();
        for (position, id) in [(1, "a"), (2, "a"), (3, "b")] {
            lanes.take_in(delivery(position, id));
        }
        let running = lanes.next().expect("a is free");
        let mut given = lanes.give_back();
        given.sort();
        assert_eq!(given, ["ack.2", "ack.3"]);
        assert_eq!(lanes.acks(), ["ack.1"]);
        lanes.finished(&running.recorded, true);
        assert!(lanes.next().is_none());
    }
}
