//! Which appends go together: at most one unit per aggregate is on its way at any time.
//!
//! The server checks every expected version of a batch against the state before the batch. Two units of one aggregate
//! in one batch would therefore both be stored, though the second contradicts the first. So the queue keeps a line per
//! aggregate and gives out only its head, until that has landed.

use std::collections::{HashMap, VecDeque};

use steward_proto::AggregateId;

use crate::append::Unit;

/// Single events up to this many are cheaper as plain publishes (about 0.14 ms each, on one fsync each) than as a batch
/// (about 1.8 ms, whatever its size).
pub(crate) const FEW: usize = 12;

/// Messages in a batch, at most; the server allows 1,000. A unit that is larger goes alone.
pub(crate) const BATCH_MESSAGES: usize = 500;

/// Bytes in a batch, at most.
const BATCH_BYTES: usize = 4 << 20;

/// What is published together.
#[derive(Debug)]
pub(crate) enum Group {
    /// One event, by itself.
    Plain(Unit),
    /// An atomic batch.
    Batch(Vec<Unit>),
}

/// What is on its way.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Flying {
    pub plain: usize,
    pub batch: bool,
}

#[derive(Default)]
pub(crate) struct Queue {
    /// Aggregates whose head may go, in the order of arrival.
    ready: VecDeque<AggregateId>,
    /// A line per aggregate. An aggregate that has a unit on its way has an entry too, perhaps an empty one.
    lines: HashMap<AggregateId, VecDeque<Unit>>,
    len: usize,
    /// For the test that shows what the rule prevents.
    #[cfg(test)]
    pub several_per_aggregate: bool,
}

impl Queue {
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub fn push(&mut self, unit: Unit) {
        self.len += 1;
        match self.lines.get_mut(&unit.aggregate) {
            Some(line) => line.push_back(unit),
            None => {
                self.ready.push_back(unit.aggregate.clone());
                self.lines.insert(unit.aggregate.clone(), VecDeque::from([unit]));
            }
        }
    }

    /// The aggregate's unit has landed: the next one may go.
    pub fn landed(&mut self, aggregate: &AggregateId) {
        match self.lines.get(aggregate) {
            Some(line) if line.is_empty() => {
                self.lines.remove(aggregate);
            }
            Some(_) => self.ready.push_back(aggregate.clone()),
            None => {}
        }
    }

    /// What may be published now, beside what is on its way.
    ///
    /// Idle, a lone event goes at once. While a batch is on its way everything gathers; while plain ones are, only so
    /// many more go that they stay cheaper than a batch.
    pub fn next(&mut self, flying: Flying) -> Option<Group> {
        if flying.batch || self.ready.is_empty() {
            return None;
        }
        let few = self.ready.len() + flying.plain < FEW;
        let several_events = few && self.ready.iter().any(|aggregate| self.lines[aggregate][0].events.len() > 1);
        if few && !several_events {
            let unit = self.pop()?;
            return Some(Group::Plain(unit));
        }
        if flying.plain > 0 && !several_events {
            return None;
        }
        let units = self.take_batch();
        if let [unit] = units.as_slice()
            && unit.events.len() == 1
        {
            return units.into_iter().next().map(Group::Plain);
        }
        Some(Group::Batch(units))
    }

    fn pop(&mut self) -> Option<Unit> {
        let aggregate = self.ready.pop_front()?;
        let unit = self.lines.get_mut(&aggregate)?.pop_front()?;
        self.len -= 1;
        Some(unit)
    }

    fn take_batch(&mut self) -> Vec<Unit> {
        let mut units = Vec::new();
        let (mut messages, mut bytes) = (0, 0);
        while let Some(head) = self.ready.front().and_then(|aggregate| self.lines[aggregate].front()) {
            let (events, size) = (head.events.len(), head.size());
            if !units.is_empty() && (messages + events > BATCH_MESSAGES || bytes + size > BATCH_BYTES) {
                break;
            }
            (messages, bytes) = (messages + events, bytes + size);
            let Some(unit) = self.pop() else { break };
            #[cfg(test)]
            if self.several_per_aggregate && !self.lines[&unit.aggregate].is_empty() {
                self.ready.push_front(unit.aggregate.clone());
            }
            units.push(unit);
        }
        units
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::append::{Encoded, Expected};
    use proptest::prelude::*;
    use steward_proto::{Aggregate, Cause, NewEvent, TenantId, v1};
    use tokio::sync::oneshot;

    fn unit(id: &str, events: usize, mark: u64) -> Unit {
        let aggregate =
            AggregateId::new(TenantId::new("t").expect("valid"), Aggregate::Conversation, id).expect("valid");
        let cause = Cause::outside("service:test", "");
        let encoded = (0..events).map(|_| {
            let new = NewEvent::new(uuid::Uuid::now_v7(), chrono::Utc::now(), &cause, v1::UpdateKept::default());
            Encoded { subject: aggregate.subject("update_kept"), metadata: new.metadata, payload: new.event.encode() }
        });
        Unit {
            events: encoded.collect(),
            expected: Expected::Version(mark),
            message_id: None,
            reply: oneshot::channel().0,
            queued: tokio::time::Instant::now(),
            uncertain: false,
            aggregate,
        }
    }

    fn queue(units: impl IntoIterator<Item = Unit>) -> Queue {
        let mut queue = Queue::default();
        units.into_iter().for_each(|unit| queue.push(unit));
        queue
    }

    #[test]
    fn a_lone_event_goes_at_once() {
        let mut queue = queue([unit("a", 1, 0)]);
        assert!(matches!(queue.next(Flying::default()), Some(Group::Plain(_))));
    }

    #[test]
    fn several_events_of_one_unit_go_as_a_batch_even_alone() {
        let mut queue = queue([unit("a", 3, 0)]);
        assert!(matches!(queue.next(Flying::default()), Some(Group::Batch(units)) if units.len() == 1));
    }

    #[test]
    fn many_go_as_one_batch_and_nothing_starts_beside_it() {
        let mut queue = queue((0..40).map(|i| unit(&format!("a{i}"), 1, 0)));
        assert!(matches!(queue.next(Flying::default()), Some(Group::Batch(units)) if units.len() == 40));
        queue.push(unit("late", 1, 0));
        assert!(queue.next(Flying { plain: 0, batch: true }).is_none());
    }

    #[test]
    fn a_batch_holds_five_hundred_messages_at_most() {
        let mut queue = queue((0..400).map(|i| unit(&format!("a{i}"), 2, 0)));
        assert!(matches!(queue.next(Flying::default()), Some(Group::Batch(units)) if units.len() == 250));
        assert_eq!(queue.len(), 150);
    }

    proptest! {
        /// Whatever arrives and lands, in whatever order: an aggregate has one unit on its way, and its units go in the
        /// order in which they came.
        #[test]
        fn at_most_one_unit_per_aggregate_is_on_its_way(
            arrivals in proptest::collection::vec((0..9_u8, 1..4_usize), 1..120),
            landings in proptest::collection::vec(any::<bool>(), 1..60),
        ) {
            let mut queue = Queue::default();
            let mut flying: Vec<(bool, Vec<AggregateId>)> = Vec::new();
            let mut last: HashMap<AggregateId, u64> = HashMap::new();
            let (total, mut gone) = (arrivals.len(), 0);
            let mut arrivals = (1_u64..).zip(arrivals).peekable();
            let mut landings = landings.into_iter().cycle();
            while gone < total {
                let arrives = arrivals.peek().is_some() && landings.next() == Some(true);
                if arrives || flying.is_empty() {
                    if let Some((mark, (id, events))) = arrivals.next() {
                        queue.push(unit(&format!("a{id}"), events, mark));
                    }
                } else {
                    let (_, aggregates) = flying.remove(0);
                    aggregates.iter().for_each(|aggregate| queue.landed(aggregate));
                }
                let plain = flying.iter().filter(|(batch, _)| !batch).count();
                let state = Flying { plain, batch: plain < flying.len() };
                let (batch, units) = match queue.next(state) {
                    Some(Group::Plain(unit)) => (false, vec![unit]),
                    Some(Group::Batch(units)) => (true, units),
                    None => continue,
                };
                let mut on_their_way: HashSet<&AggregateId> = flying.iter().flat_map(|(_, group)| group).collect();
                for unit in &units {
                    prop_assert!(on_their_way.insert(&unit.aggregate), "two units of {} at once", unit.aggregate);
                    let Expected::Version(mark) = unit.expected else { unreachable!() };
                    prop_assert!(last.insert(unit.aggregate.clone(), mark).is_none_or(|before| before < mark));
                }
                gone += units.len();
                flying.push((batch, units.into_iter().map(|unit| unit.aggregate).collect()));
            }
        }
    }
}
