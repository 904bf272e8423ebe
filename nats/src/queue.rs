//! Which appends go together: one unit per aggregate at a time, facts before decisions, tenants in turn.
//!
//! The server checks every expected version of a batch against the state before the batch. Two units of one aggregate
//! in one batch would therefore both be stored, though the second contradicts the first. So the queue keeps a line per
//! aggregate and gives out only its head, until that has landed.
//!
//! A fact can't be refused, and somebody outside may be waiting for it; a decision can be made again. So lines that
//! hold a fact go first, and a batch leaves a quarter of itself to decisions, so that these don't starve.

use std::collections::{HashMap, VecDeque};

use steward_proto::{AggregateId, TenantId};
use tokio::time::Instant;

use crate::append::{Expected, Unit};
use crate::turns::Turns;

/// Up to this many single events are cheaper as plain publishes (about 0.14 ms each, with an fsync each) than as a
/// batch (about 1.8 ms, whatever its size).
pub(crate) const FEW: usize = 12;

/// Most messages in a batch; the server allows 1,000, but a fact waits for the batch that is on its way. A unit that is
/// larger goes alone.
pub(crate) const BATCH_MESSAGES: usize = 500;

/// Most bytes in a batch.
const BATCH_BYTES: usize = 4 << 20;

/// A tenant with so many events in hand at most doesn't wait for a batch: that would be another's.
const FEW_IN_HAND: usize = FEW;

/// How many groups may pass a batch at the same time: each costs the server more than it would in the batch.
const PASSING: usize = 8;

/// What is published together.
#[derive(Debug)]
pub(crate) enum Group {
    /// One event, by itself.
    Plain(Unit),
    /// An atomic batch.
    Batch(Vec<Unit>),
}

/// What is on its way now.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Flying {
    pub plain: usize,
    pub batch: bool,
    /// Groups that passed a batch.
    pub passing: usize,
}

/// What a line counts as when its turn comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    /// The line holds a fact, perhaps behind decisions.
    Facts,
    Decisions,
}

/// The units of one aggregate, in the order of arrival.
#[derive(Default)]
struct Line {
    units: VecDeque<Unit>,
    facts: usize,
    /// Events of the line that are on their way.
    flying: usize,
    /// In which of the two queues the line's head waits; `None` while a unit of the line is on its way.
    ready: Option<Class>,
}

impl Line {
    fn class(&self) -> Class {
        if self.facts > 0 { Class::Facts } else { Class::Decisions }
    }
}

#[derive(Default)]
pub(crate) struct Queue {
    /// The aggregates whose head may go; tenants take turns. An entry counts only while its line says that it is ready
    /// there.
    facts: Turns<TenantId, AggregateId>,
    decisions: Turns<TenantId, AggregateId>,
    /// How many lines are ready.
    ready: usize,
    /// A line per aggregate. An aggregate that has a unit on its way has an entry too, perhaps an empty one.
    lines: HashMap<AggregateId, Line>,
    /// How many events each tenant has here or on their way.
    in_hand: HashMap<TenantId, usize>,
    len: usize,
    /// Switches the rule off, for the test that shows what it prevents.
    #[cfg(test)]
    pub several_per_aggregate: bool,
}

/// What has been put into a batch so far.
#[derive(Default)]
struct Filled {
    units: Vec<Unit>,
    messages: usize,
    bytes: usize,
}

fn is_fact(unit: &Unit) -> bool {
    unit.expected == Expected::Any
}

impl Queue {
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many units may go.
    pub fn ready(&self) -> usize {
        self.ready
    }

    /// When the unit that has waited longest was queued.
    pub fn oldest(&self) -> Option<Instant> {
        self.lines.values().filter_map(|line| line.units.front()).map(|unit| unit.queued).min()
    }

    pub fn push(&mut self, unit: Unit) {
        self.len += 1;
        let aggregate = unit.aggregate.clone();
        *self.in_hand.entry(aggregate.tenant.clone()).or_default() += unit.events.len();
        let new = !self.lines.contains_key(&aggregate);
        let line = self.lines.entry(aggregate.clone()).or_default();
        line.facts += usize::from(is_fact(&unit));
        line.units.push_back(unit);
        // A line goes among the facts as soon as it holds one: the decisions before that fact go along.
        if new || line.ready.is_some_and(|class| class != line.class()) {
            self.set_ready(&aggregate);
        }
    }

    /// The aggregate's unit has landed, so its next one may go.
    pub fn landed(&mut self, aggregate: &AggregateId) {
        let flown = self.lines.get_mut(aggregate).map_or(0, |line| std::mem::take(&mut line.flying));
        if let Some(in_hand) = self.in_hand.get_mut(&aggregate.tenant) {
            *in_hand = in_hand.saturating_sub(flown);
            if *in_hand == 0 {
                self.in_hand.remove(&aggregate.tenant);
            }
        }
        match self.lines.get(aggregate) {
            Some(line) if line.units.is_empty() => {
                self.lines.remove(aggregate);
            }
            Some(_) => self.set_ready(aggregate),
            None => {}
        }
    }

    fn set_ready(&mut self, aggregate: &AggregateId) {
        let Some(line) = self.lines.get_mut(aggregate) else { return };
        let class = line.class();
        if line.ready.replace(class).is_none() {
            self.ready += 1;
        }
        self.waiting(class).push(&aggregate.tenant, aggregate.clone());
    }

    fn waiting(&mut self, class: Class) -> &mut Turns<TenantId, AggregateId> {
        match class {
            Class::Facts => &mut self.facts,
            Class::Decisions => &mut self.decisions,
        }
    }

    /// What may be published now, given what is on its way.
    ///
    /// When nothing is on its way, a lone event goes at once. While a batch is on its way, everything gathers; while
    /// plain events are, only so many more go that they stay cheaper than a batch.
    pub fn next(&mut self, flying: Flying) -> Option<Group> {
        if flying.batch || self.ready == 0 {
            return None;
        }
        let few = self.ready + flying.plain + flying.passing < FEW;
        let several_events = few && self.has_several_events();
        if few && !several_events {
            let unit = self.pop(Class::Facts).or_else(|| self.pop(Class::Decisions))?;
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

    /// What needn't wait for the batch that is on its way or gathers: a unit of a tenant that has only a few events in hand.
    /// So a batch, however long it takes, is waited for by those alone who fill it.
    pub fn passing(&mut self, flying: Flying) -> Option<Group> {
        if flying.passing >= PASSING {
            return None;
        }
        [Class::Facts, Class::Decisions]
            .into_iter()
            .find_map(|class| self.pop_passing(class))
            .map(|unit| if unit.events.len() == 1 { Group::Plain(unit) } else { Group::Batch(vec![unit]) })
    }

    fn pop_passing(&mut self, class: Class) -> Option<Unit> {
        loop {
            let Self { facts, decisions, in_hand, .. } = self;
            let waiting = if class == Class::Facts { facts } else { decisions };
            let few = |tenant: &TenantId| in_hand.get(tenant).is_none_or(|events| *events <= FEW_IN_HAND);
            let aggregate = waiting.pop_of(few)?;
            if self.lines.get(&aggregate).is_some_and(|line| line.ready == Some(class)) {
                return self.take(&aggregate);
            }
        }
    }

    /// Whether one of the units that may go needs a batch because it has several events.
    fn has_several_events(&self) -> bool {
        let heads = self.facts.iter().chain(self.decisions.iter()).filter_map(|aggregate| self.lines.get(aggregate));
        heads.filter(|line| line.ready.is_some()).any(|line| line.units.front().is_some_and(|u| u.events.len() > 1))
    }

    /// The next unit of a class, without taking its turn.
    fn peek(&mut self, class: Class) -> Option<&Unit> {
        let aggregate = loop {
            let aggregate = self.waiting(class).peek()?.clone();
            if self.lines.get(&aggregate).is_some_and(|line| line.ready == Some(class)) {
                break aggregate;
            }
            self.waiting(class).pop();
        };
        self.lines.get(&aggregate)?.units.front()
    }

    fn pop(&mut self, class: Class) -> Option<Unit> {
        self.peek(class)?;
        let aggregate = self.waiting(class).pop()?;
        self.take(&aggregate)
    }

    /// Takes the head of a line that is ready.
    fn take(&mut self, aggregate: &AggregateId) -> Option<Unit> {
        let line = self.lines.get_mut(aggregate)?;
        let unit = line.units.pop_front()?;
        line.facts -= usize::from(is_fact(&unit));
        line.flying += unit.events.len();
        line.ready = None;
        self.ready -= 1;
        self.len -= 1;
        #[cfg(test)]
        if self.several_per_aggregate && !line.units.is_empty() {
            self.set_ready(aggregate);
        }
        Some(unit)
    }

    fn take_batch(&mut self) -> Vec<Unit> {
        let mut filled = Filled::default();
        self.fill(&mut filled, Class::Facts, BATCH_MESSAGES * 3 / 4, BATCH_BYTES * 3 / 4);
        self.fill(&mut filled, Class::Decisions, BATCH_MESSAGES, BATCH_BYTES);
        // Facts get what the decisions left.
        self.fill(&mut filled, Class::Facts, BATCH_MESSAGES, BATCH_BYTES);
        filled.units
    }

    fn fill(&mut self, filled: &mut Filled, class: Class, messages: usize, bytes: usize) {
        while let Some(head) = self.peek(class) {
            let (events, size) = (filled.messages + head.events.len(), filled.bytes + head.size());
            if !filled.units.is_empty() && (events > messages || size > bytes) {
                return;
            }
            let Some(unit) = self.pop(class) else { return };
            (filled.messages, filled.bytes) = (events, size);
            filled.units.push(unit);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::append::Encoded;
    use crate::header;
    use crate::wire::Parcel;
    use proptest::prelude::*;
    use steward_proto::{Aggregate, Cause, NewEvent, v1};
    use tokio::sync::oneshot;

    fn unit(id: &str, events: usize, mark: u64) -> Unit {
        unit_of("t", id, events, Expected::Version(mark))
    }

    fn unit_of(tenant: &str, id: &str, events: usize, expected: Expected) -> Unit {
        let aggregate =
            AggregateId::new(TenantId::new(tenant).expect("valid"), Aggregate::Conversation, id).expect("valid");
        let cause = Cause::outside("service:test", "");
        let encoded = (0..events).map(|_| {
            let new = NewEvent::new(uuid::Uuid::now_v7(), chrono::Utc::now(), &cause, v1::UpdateKept::default());
            let subject = header::subject(&aggregate.subject("update_kept")).expect("valid");
            let headers = header::of(&new.metadata).expect("valid");
            let parcel = Parcel { subject, headers, payload: new.event.encode() };
            Encoded { event_id: new.metadata.event_id, parcel }
        });
        Unit {
            events: encoded.collect(),
            expected,
            message_id: None,
            room: None,
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
        assert!(queue.next(Flying { batch: true, ..Flying::default() }).is_none());
    }

    #[test]
    fn a_batch_holds_five_hundred_messages_at_most() {
        let mut queue = queue((0..400).map(|i| unit(&format!("a{i}"), 2, 0)));
        assert!(matches!(queue.next(Flying::default()), Some(Group::Batch(units)) if units.len() == 250));
        assert_eq!(queue.len(), 150);
    }

    fn facts(units: &[Unit]) -> usize {
        units.iter().filter(|unit| is_fact(unit)).count()
    }

    #[test]
    fn facts_go_before_the_decisions_that_were_there_first_and_leave_them_a_quarter() {
        let mut queue = queue((0..3_000).map(|i| unit(&format!("d{i}"), 1, 0)));
        (0..100).for_each(|i| queue.push(unit_of("t", &format!("f{i}"), 1, Expected::Any)));
        let Some(Group::Batch(units)) = queue.next(Flying::default()) else { panic!("a batch") };
        assert_eq!((units.len(), facts(&units)), (500, 100));
        (0..3_000).for_each(|i| queue.push(unit_of("t", &format!("g{i}"), 1, Expected::Any)));
        let Some(Group::Batch(units)) = queue.next(Flying::default()) else { panic!("a batch") };
        assert_eq!((units.len(), facts(&units)), (500, 375));
    }

    #[test]
    fn a_fact_takes_the_decisions_of_its_aggregate_along() {
        let mut queue = queue((0..3_000).map(|i| unit(&format!("d{i}"), 1, 0)));
        queue.push(unit_of("t", "d2900", 1, Expected::Any));
        let Some(Group::Batch(units)) = queue.next(Flying::default()) else { panic!("a batch") };
        let head = units.iter().find(|unit| unit.aggregate.id() == "d2900").expect("its decision goes now");
        assert_eq!(head.expected, Expected::Version(0));
        units.iter().for_each(|unit| queue.landed(&unit.aggregate));
        let Some(Group::Batch(units)) = queue.next(Flying::default()) else { panic!("a batch") };
        assert_eq!((units[0].aggregate.id(), facts(&units)), ("d2900", 1));
    }

    #[test]
    fn a_tenant_waits_for_no_flood_of_anothers() {
        let mut queue = queue((0..3_000).map(|i| unit_of("flood", &format!("a{i}"), 1, Expected::Any)));
        (0..50).for_each(|i| queue.push(unit_of("other", &format!("b{i}"), 1, Expected::Any)));
        let Some(Group::Batch(units)) = queue.next(Flying::default()) else { panic!("a batch") };
        assert_eq!(units.iter().filter(|unit| unit.aggregate.tenant.as_str() == "other").count(), 50);
    }

    #[test]
    fn who_has_little_in_hand_passes_the_batch_of_another_and_who_fills_it_waits() {
        let mut queue = queue((0..40).map(|i| unit_of("flood", &format!("a{i}"), 1, Expected::Any)));
        let Some(Group::Batch(units)) = queue.next(Flying::default()) else { panic!("a batch") };
        let flying = Flying { batch: true, ..Flying::default() };
        queue.push(unit_of("flood", "late", 1, Expected::Any));
        queue.push(unit_of("calm", "b", 1, Expected::Any));
        queue.push(unit_of("calm", "b", 2, Expected::Version(1)));
        queue.push(unit_of("calm", "c", 3, Expected::Version(1)));
        assert!(matches!(queue.passing(flying), Some(Group::Plain(unit)) if unit.aggregate.id() == "b"));
        assert!(matches!(queue.passing(flying), Some(Group::Batch(units)) if units[0].aggregate.id() == "c"));
        assert!(queue.passing(flying).is_none(), "one unit of an aggregate at a time, and nothing of the flood's");
        queue.landed(&unit_of("calm", "b", 1, Expected::Any).aggregate);
        assert!(queue.passing(Flying { passing: PASSING, ..flying }).is_none());
        assert!(matches!(queue.passing(flying), Some(Group::Batch(units)) if units[0].events.len() == 2));
        units.iter().for_each(|unit| queue.landed(&unit.aggregate));
        assert!(matches!(queue.passing(flying), Some(Group::Plain(unit)) if unit.aggregate.id() == "late"));
        ["b", "c"].iter().for_each(|id| queue.landed(&unit_of("calm", id, 1, Expected::Any).aggregate));
        queue.landed(&unit_of("flood", "late", 1, Expected::Any).aggregate);
        assert!(queue.in_hand.is_empty(), "who has nothing in hand takes no memory");
    }

    #[test]
    fn who_has_much_in_hand_waits_also_for_another() {
        let mut queue = queue((0..13).map(|i| unit(&format!("a{i}"), 1, 0)));
        assert!(queue.passing(Flying { batch: true, ..Flying::default() }).is_none());
    }

    proptest! {
        /// Whatever arrives and lands, in whatever order: each aggregate has one unit on its way at most, and its units
        /// go in the order in which they came.
        #[test]
        fn at_most_one_unit_per_aggregate_is_on_its_way(
            arrivals in proptest::collection::vec((0..9_u8, 1..4_usize, any::<bool>()), 1..120),
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
                    if let Some((mark, (id, events, fact))) = arrivals.next() {
                        let tenant = if id % 2 == 0 { "t" } else { "u" };
                        let expected = if fact { Expected::Any } else { Expected::Version(mark) };
                        let mut unit = unit_of(tenant, &format!("a{id}"), events, expected);
                        unit.message_id = Some(mark.to_string());
                        queue.push(unit);
                    }
                } else {
                    let (_, aggregates) = flying.remove(0);
                    aggregates.iter().for_each(|aggregate| queue.landed(aggregate));
                }
                let plain = flying.iter().filter(|(batch, _)| !batch).count();
                let state = Flying { plain, batch: plain < flying.len(), ..Flying::default() };
                let passing = if state.batch { queue.passing(state) } else { None };
                let (batch, units) = match passing.or_else(|| queue.next(state)) {
                    Some(Group::Plain(unit)) => (false, vec![unit]),
                    Some(Group::Batch(units)) => (true, units),
                    None => continue,
                };
                let mut on_their_way: HashSet<&AggregateId> = flying.iter().flat_map(|(_, group)| group).collect();
                for unit in &units {
                    prop_assert!(on_their_way.insert(&unit.aggregate), "two units of {} at once", unit.aggregate);
                    let mark = unit.message_id.as_deref().and_then(|mark| mark.parse().ok()).expect("a mark");
                    prop_assert!(last.insert(unit.aggregate.clone(), mark).is_none_or(|before| before < mark));
                }
                gone += units.len();
                flying.push((batch, units.into_iter().map(|unit| unit.aggregate).collect()));
            }
        }
    }
}
