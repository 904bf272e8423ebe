//! The events in hand: a lane per aggregate, in which one event runs at a time; tenants take turns.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::time::Duration;

use steward_proto::{Recorded, TenantId};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use crate::turns::Turns;

/// How many positions are remembered after they were handled, so that a redelivery whose acknowledgement was lost isn't
/// run again.
const REMEMBERED: usize = 4_096;

/// If an event that was put off comes back this much later than asked for, the events behind it go without it: another
/// process may have had it.
const OVERDUE: Duration = Duration::from_secs(10);

/// Events behind one that was put off are handed back until this long after that one is due.
const BEHIND: Duration = Duration::from_millis(250);

/// Which consumer a delivery comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    Log,
    /// The one that brings dead letters which an operator wants to have tried again.
    Retry,
}

/// An event, with the subject that acknowledges it.
#[derive(Debug)]
pub(super) struct Delivery {
    pub recorded: Recorded,
    pub ack: String,
    pub source: Source,
    /// How often the event was delivered, this time included.
    pub tries: u64,
    /// Since when the event waits to be handled: since it was stored or, if this isn't its first delivery, since it was
    /// delivered.
    pub since: Instant,
    pub held: Held,
}

/// The room that a delivery takes; it is given back when this is dropped.
#[derive(Debug)]
pub(super) struct Held {
    /// A place for the aggregate; once the event is taken in, the aggregate's lane holds it.
    pub place: Option<OwnedSemaphorePermit>,
    /// A place among all events in hand, and one for the event's bytes.
    #[expect(dead_code, reason = "it is given back when this is dropped")]
    pub itself: [OwnedSemaphorePermit; 2],
}

/// What became of a delivery that arrived.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken {
    InHand,
    /// The event is in hand already.
    Again,
    /// The event was handled a moment ago; only its acknowledgement was lost.
    HandledBefore(String),
    /// An earlier event of the aggregate was put off, so this one is handed back for this long.
    Behind(String, Duration),
}

/// An event whose handler runs.
#[derive(Debug, Clone)]
pub(super) struct Slot {
    lane: String,
    tenant: TenantId,
    position: u64,
}

/// How an event left the hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Out {
    /// The event needn't run again.
    Done,
    /// The event comes again; others of its aggregate may go first.
    Again,
    /// The event comes again after this time, and the others of its aggregate after it.
    PutOff(Duration),
}

#[derive(Default)]
struct Lane {
    /// The aggregate's place, taken with its first event. Events behind that one take none: no other process could have
    /// them before it.
    place: Option<OwnedSemaphorePermit>,
    running: bool,
    waiting: BTreeMap<u64, Delivery>,
}

/// An aggregate whose event was put off.
struct PutOff {
    position: u64,
    until: Instant,
}

#[derive(Default)]
pub(super) struct Lanes {
    lanes: HashMap<String, Lane>,
    /// Lanes with something waiting and nothing running.
    ready: Turns<TenantId, String>,
    /// By position: the subject that acknowledges the event, for all events in hand.
    in_hand: HashMap<u64, String>,
    handled: HashSet<u64>,
    handled_order: VecDeque<u64>,
    running: HashMap<TenantId, usize>,
    /// When an event of each tenant was last done with.
    done: HashMap<TenantId, Instant>,
    /// The aggregates whose event was put off, by lane; no more than the server lets wait unacknowledged.
    put_off: HashMap<String, PutOff>,
}

fn key(recorded: &Recorded) -> String {
    let subject = &recorded.subject;
    format!("{}.{}.{}", subject.tenant, subject.aggregate, subject.id)
}

impl Lanes {
    pub fn take_in(&mut self, mut delivery: Delivery) -> Taken {
        let position = delivery.recorded.position;
        if self.in_hand.contains_key(&position) {
            return Taken::Again;
        }
        if delivery.source == Source::Log && self.handled.contains(&position) {
            return Taken::HandledBefore(delivery.ack);
        }
        let key = key(&delivery.recorded);
        if let Some(before) = self.put_off.get(&key)
            && before.position < position
            && !self.in_hand.contains_key(&before.position)
        {
            let now = Instant::now();
            if now < before.until + OVERDUE {
                return Taken::Behind(delivery.ack, before.until.saturating_duration_since(now) + BEHIND);
            }
            self.put_off.remove(&key);
        }
        self.in_hand.insert(position, delivery.ack.clone());
        let lane = self.lanes.entry(key.clone()).or_default();
        if !lane.running && lane.waiting.is_empty() {
            self.ready.push(&delivery.recorded.subject.tenant, key);
            lane.place = delivery.held.place.take();
        }
        drop(delivery.held.place.take());
        lane.waiting.insert(position, delivery);
        Taken::InHand
    }

    /// The next event that may run, of the tenant whose turn it is. Where there are `several` tenants, one that has as
    /// many events running as there are `free` slots waits: so one alone takes half of the slots, two take a third
    /// each, and one is always left for who comes next.
    pub fn next(&mut self, free: usize, several: bool) -> Option<(Slot, Delivery)> {
        let running = &self.running;
        let of = |tenant: &TenantId| running.get(tenant).copied().unwrap_or(0);
        let lane_key = self.ready.pop_of(|tenant| free > 0 && (!several || of(tenant) < free))?;
        let lane = self.lanes.get_mut(&lane_key)?;
        lane.running = true;
        let (position, delivery) = lane.waiting.pop_first()?;
        let tenant = delivery.recorded.subject.tenant.clone();
        *self.running.entry(tenant.clone()).or_default() += 1;
        Some((Slot { lane: lane_key, tenant, position }, delivery))
    }

    /// An event has left the hand. If it was put off, those behind it go with it: returns the subjects on which to hand
    /// them back.
    pub fn finished(&mut self, slot: &Slot, out: Out) -> Vec<(String, Duration)> {
        self.in_hand.remove(&slot.position);
        if out == Out::Done {
            self.note_done(&slot.tenant);
        }
        if out == Out::Done && self.handled.insert(slot.position) {
            self.handled_order.push_back(slot.position);
            if self.handled_order.len() > REMEMBERED
                && let Some(oldest) = self.handled_order.pop_front()
            {
                self.handled.remove(&oldest);
            }
        }
        if let Some(running) = self.running.get_mut(&slot.tenant) {
            *running -= 1;
            if *running == 0 {
                self.running.remove(&slot.tenant);
            }
        }
        let Some(lane) = self.lanes.get_mut(&slot.lane) else { return Vec::new() };
        lane.running = false;
        let mut given = Vec::new();
        if let Out::PutOff(delay) = out {
            let put_off = PutOff { position: slot.position, until: Instant::now() + delay };
            self.put_off.insert(slot.lane.clone(), put_off);
            for (position, delivery) in std::mem::take(&mut lane.waiting) {
                self.in_hand.remove(&position);
                given.push((delivery.ack, delay + BEHIND));
            }
        } else if self.put_off.get(&slot.lane).is_some_and(|put_off| put_off.position == slot.position) {
            self.put_off.remove(&slot.lane);
        }
        if lane.waiting.is_empty() {
            self.lanes.remove(&slot.lane);
        } else {
            self.ready.push(&slot.tenant, slot.lane.clone());
        }
        given
    }

    /// The subjects that acknowledge what is in hand.
    pub fn acks(&self) -> Vec<String> {
        self.in_hand.values().cloned().collect()
    }

    pub fn in_hand(&self) -> usize {
        self.in_hand.len()
    }

    /// How many aggregates wait for an event that was put off.
    pub fn put_off(&self) -> usize {
        self.put_off.len()
    }

    pub fn note_done(&mut self, tenant: &TenantId) {
        self.done.insert(tenant.clone(), Instant::now());
    }

    /// When an event of this tenant was last done with.
    pub fn done(&self, tenant: &TenantId) -> Option<Instant> {
        self.done.get(tenant).copied()
    }

    /// Of every lane that waits for a slot, though nothing of its aggregate runs: whose it is, and since when.
    pub fn wait_for_a_slot(&self) -> impl Iterator<Item = (&TenantId, Instant)> {
        let lanes = self.ready.iter().filter_map(|key| self.lanes.get(key));
        let first = lanes.filter_map(|lane| lane.waiting.values().next());
        first.map(|delivery| (&delivery.recorded.subject.tenant, delivery.since))
    }

    /// Forgets events that were put off and never came again.
    pub fn forget_overdue(&mut self) {
        let now = Instant::now();
        let in_hand = &self.in_hand;
        self.put_off.retain(|_, it| in_hand.contains_key(&it.position) || now < it.until + OVERDUE);
    }

    /// Gives up the events that haven't started; returns the subjects on which to hand them back.
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
        delivery_of("t", position, id)
    }

    fn delivery_of(tenant: &str, position: u64, id: &str) -> Delivery {
        let permit = || Arc::new(Semaphore::new(1)).try_acquire_owned().expect("one is free");
        let held = Held { place: Some(permit()), itself: [permit(), permit()] };
        let cause = Cause::outside("service:test", "");
        let new = NewEvent::new(uuid::Uuid::now_v7(), chrono::Utc::now(), &cause, v1::UpdateKept::default());
        let recorded = Recorded {
            position,
            subject: format!("ev.{tenant}.conversation.{id}.update_kept").parse().expect("a subject"),
            metadata: new.metadata,
            event: Event::from(v1::UpdateKept::default()),
            payload: bytes::Bytes::new(),
        };
        let (ack, source) = (format!("ack.{position}"), Source::Log);
        Delivery { recorded, ack, source, tries: 1, since: Instant::now(), held }
    }

    fn next(lanes: &mut Lanes) -> Option<Slot> {
        lanes.next(1, false).map(|(slot, _)| slot)
    }

    #[test]
    fn one_aggregate_runs_one_at_a_time_in_order_and_others_beside_it() {
        let mut lanes = Lanes::default();
        for (position, id) in [(3, "a"), (1, "a"), (2, "b"), (4, "a")] {
            assert_eq!(lanes.take_in(delivery(position, id)), Taken::InHand);
        }
        let first = next(&mut lanes).expect("a is free");
        assert_eq!(first.position, 1);
        assert_eq!(next(&mut lanes).expect("b is free").position, 2);
        assert!(next(&mut lanes).is_none(), "both aggregates are running");
        lanes.finished(&first, Out::Done);
        let second = next(&mut lanes).expect("a is free again");
        assert_eq!(second.position, 3);
        lanes.finished(&second, Out::Again);
        assert_eq!(next(&mut lanes).expect("a is free again").position, 4);
    }

    #[test]
    fn a_redelivery_of_what_is_in_hand_doesnt_run_again() {
        let mut lanes = Lanes::default();
        lanes.take_in(delivery(1, "a"));
        assert_eq!(lanes.take_in(delivery(1, "a")), Taken::Again, "while it waits");
        let running = next(&mut lanes).expect("a is free");
        assert_eq!(lanes.take_in(delivery(1, "a")), Taken::Again, "while it runs");
        lanes.finished(&running, Out::Done);
        assert_eq!(lanes.take_in(delivery(1, "a")), Taken::HandledBefore("ack.1".to_owned()), "after it ran");
        assert!(next(&mut lanes).is_none());
    }

    #[test]
    fn what_was_put_off_may_come_again() {
        let mut lanes = Lanes::default();
        lanes.take_in(delivery(1, "a"));
        let running = next(&mut lanes).expect("a is free");
        lanes.finished(&running, Out::Again);
        assert_eq!(lanes.take_in(delivery(1, "a")), Taken::InHand);
    }

    #[test]
    fn what_hasnt_started_is_given_back() {
        let mut lanes = Lanes::default();
        for (position, id) in [(1, "a"), (2, "a"), (3, "b")] {
            lanes.take_in(delivery(position, id));
        }
        let running = next(&mut lanes).expect("a is free");
        let mut given = lanes.give_back();
        given.sort();
        assert_eq!(given, ["ack.2", "ack.3"]);
        assert_eq!(lanes.acks(), ["ack.1"]);
        lanes.finished(&running, Out::Done);
        assert!(next(&mut lanes).is_none());
    }

    #[test]
    fn a_tenant_alone_takes_half_of_the_slots_and_the_next_one_finds_some() {
        let mut lanes = Lanes::default();
        (0..100).for_each(|i| drop(lanes.take_in(delivery_of("flood", i, &format!("a{i}")))));
        let mut slots = Vec::new();
        let start = |lanes: &mut Lanes, slots: &mut Vec<Slot>| {
            while let Some((slot, _)) = lanes.next(32 - slots.len(), true) {
                slots.push(slot);
            }
        };
        start(&mut lanes, &mut slots);
        assert_eq!(slots.len(), 16);
        for (tenant, expected) in [("second", 8), ("third", 4), ("fourth", 2), ("fifth", 1)] {
            let base = 1_000 * slots.len() as u64;
            (0..50).for_each(|i| drop(lanes.take_in(delivery_of(tenant, base + i, &format!("b{i}")))));
            start(&mut lanes, &mut slots);
            assert_eq!(slots.iter().filter(|slot| slot.tenant.as_str() == tenant).count(), expected, "{tenant}");
        }
        // As the flood's events end, the shares of both tenants become equal.
        for _ in 0..400 {
            let slot = slots.remove(0);
            lanes.finished(&slot, Out::Done);
            let (tenant, position) = (slot.tenant.as_str().to_owned(), slot.position + 100_000);
            lanes.take_in(delivery_of(&tenant, position, &format!("c{position}")));
            start(&mut lanes, &mut slots);
        }
        for tenant in ["flood", "second", "third", "fourth", "fifth"] {
            let share = slots.iter().filter(|slot| slot.tenant.as_str() == tenant).count();
            assert!((4..=7).contains(&share), "{tenant} has {share}");
        }
        let alone = (0..40).filter_map(|_| lanes.next(1, false)).count();
        assert_eq!(alone, 40, "where nobody else could come, all slots are for one");
    }

    #[tokio::test(start_paused = true)]
    async fn what_stands_behind_an_event_that_was_put_off_comes_after_it() {
        let second = Duration::from_secs(1);
        let mut lanes = Lanes::default();
        [(1, "a"), (2, "a"), (3, "b")]
            .into_iter()
            .for_each(|(position, id)| drop(lanes.take_in(delivery(position, id))));
        let first = next(&mut lanes).expect("a is free");
        assert_eq!(lanes.finished(&first, Out::PutOff(second)), [("ack.2".to_owned(), second + BEHIND)]);
        assert_eq!(next(&mut lanes).expect("b isn't kept").position, 3);
        assert_eq!(lanes.take_in(delivery(4, "a")), Taken::Behind("ack.4".to_owned(), second + BEHIND));
        tokio::time::advance(second).await;
        assert_eq!(lanes.take_in(delivery(2, "a")), Taken::Behind("ack.2".to_owned(), BEHIND));
        assert_eq!(lanes.take_in(delivery(1, "a")), Taken::InHand);
        assert_eq!(lanes.take_in(delivery(2, "a")), Taken::InHand, "behind it, in its lane");
        let again = next(&mut lanes).expect("a is free");
        assert_eq!(again.position, 1);
        assert!(lanes.finished(&again, Out::Done).is_empty());
        assert_eq!(next(&mut lanes).expect("a is free").position, 2);
        assert_eq!(lanes.put_off(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_put_off_and_went_elsewhere_keeps_nobody_for_ever() {
        let mut lanes = Lanes::default();
        lanes.take_in(delivery(1, "a"));
        let first = next(&mut lanes).expect("a is free");
        lanes.finished(&first, Out::PutOff(Duration::from_secs(1)));
        tokio::time::advance(Duration::from_secs(12)).await;
        assert_eq!(lanes.take_in(delivery(2, "a")), Taken::InHand);
        lanes.forget_overdue();
        assert_eq!(lanes.put_off(), 0);
    }
}
