//! Carrying units to their answers: publishes them, splits a refused batch, looks up what got no answer.

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use futures::StreamExt as _;
use futures::stream;

use crate::append::{Appended, Expected, Unit};
use crate::codes::{ServerError, Treatment};
use crate::history::{self, Stored};
use crate::landed::LandedVersions;
use crate::queue::FEW;
use crate::session::Session;
use crate::wire::{self, Outcome};
use crate::writer::Pulse;
use crate::{AppendError, Backoff, LogError, codec, definitions};

/// When a batch is taken apart, this many units are looked up or published at the same time.
const PARALLEL: usize = 32;

#[derive(Clone)]
pub(crate) struct Carrier {
    session: Session,
    timeout: Duration,
    pulse: Arc<Pulse>,
    landed: Arc<LandedVersions>,
}

impl Carrier {
    pub fn new(session: Session, timeout: Duration, pulse: Arc<Pulse>) -> Self {
        Self { session, timeout, pulse, landed: Arc::default() }
    }

    /// Tells the writer's health whether the log takes events at all.
    fn note(&self, outcome: &Outcome) {
        match outcome {
            Outcome::Stored { .. } => self.pulse.note_refused(None),
            Outcome::Refused(error) => match error.treatment() {
                Treatment::Full => self.pulse.note_refused(Some("the log has no room: the last append was refused")),
                Treatment::Misconfigured => {
                    self.pulse.note_refused(Some("the log isn't set up to take events: the last append was refused"));
                }
                _ => {}
            },
            Outcome::NotTaken | Outcome::Unknown => {}
        }
    }

    /// Publishes units of different aggregates as one atomic batch. The server refuses a batch as a whole, so a refused
    /// one is taken apart until each unit has an answer of its own.
    pub async fn together(&self, units: Vec<Unit>) {
        let mut backoff = backoff();
        let mut groups = vec![units];
        let mut refused = false;
        while let Some(group) = groups.pop() {
            let single = |unit: &Unit| unit.events.len() == 1;
            if (group.len() == 1 || refused && group.len() < FEW) && group.iter().all(single) {
                self.each_alone(group).await;
                continue;
            }
            let Some((mut group, epoch)) = self.prepare(group).await else { continue };
            let parcels = group.iter().flat_map(|unit| &unit.events).map(|event| &event.parcel);
            let outcome = wire::batch(&self.session, epoch, "batch", parcels).await;
            self.note(&outcome);
            match outcome {
                Outcome::Stored { last, .. } => self.finish_all(group, last),
                Outcome::Unknown => {
                    group.iter_mut().for_each(|unit| unit.uncertain = true);
                    groups.push(group);
                }
                Outcome::NotTaken => {
                    self.pause(&mut backoff).await;
                    groups.push(group);
                }
                Outcome::Refused(error) => {
                    refused = true;
                    tracing::debug!(%error, units = group.len(), "a batch was refused");
                    metrics::counter!("steward_log_batches_refused_total").increment(1);
                    match error.treatment() {
                        Treatment::Later => {
                            self.pause(&mut backoff).await;
                            groups.push(group);
                        }
                        Treatment::Full | Treatment::Misconfigured => refuse_all(group, &error),
                        Treatment::Duplicate if group.len() > 1 => {
                            let (alone, several): (Vec<_>, Vec<_>) = group.into_iter().partition(single);
                            self.each_alone(alone).await;
                            groups.extend(several.into_iter().rev().map(|unit| vec![unit]));
                        }
                        _ if group.len() > 1 => {
                            let second = group.split_off(group.len() / 2);
                            groups.push(second);
                            groups.push(group);
                        }
                        treatment => {
                            for unit in group {
                                if let Some(unit) = self.explain(unit, treatment, &error).await {
                                    self.pause(&mut backoff).await;
                                    groups.push(vec![unit]);
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    async fn each_alone(&self, units: Vec<Unit>) {
        stream::iter(units).for_each_concurrent(PARALLEL, |unit| self.alone(unit)).await;
    }

    /// Publishes a unit of one event by itself.
    pub async fn alone(&self, unit: Unit) {
        let mut backoff = backoff();
        let mut unit = unit;
        loop {
            let Some((group, epoch)) = self.prepare(vec![unit]).await else { return };
            let Some(ready) = group.into_iter().next() else { return };
            unit = ready;
            let outcome = wire::plain(&self.session, epoch, "publish", &unit.events[0].parcel).await;
            self.note(&outcome);
            match outcome {
                Outcome::Stored { last, duplicate } => {
                    let duplicate = duplicate && !(unit.uncertain && self.is_own(&unit, last).await);
                    return self.finish(unit, last, duplicate);
                }
                Outcome::Unknown => unit.uncertain = true,
                Outcome::NotTaken => self.pause(&mut backoff).await,
                Outcome::Refused(error) => {
                    let Some(again) = self.explain(unit, error.treatment(), &error).await else { return };
                    unit = again;
                    self.pause(&mut backoff).await;
                }
            }
        }
    }

    /// Waits for the connection, gives up units that have waited too long, refuses decisions that were overtaken, and looks
    /// up units that an earlier try may have stored. `None` when no units are left.
    async fn prepare(&self, group: Vec<Unit>) -> Option<(Vec<Unit>, u64)> {
        let group: Vec<_> = group.into_iter().filter_map(|unit| self.not_overtaken(unit)).collect();
        let (expired, mut group): (Vec<_>, Vec<_>) =
            group.into_iter().partition(|unit| unit.queued.elapsed() >= self.timeout);
        expired.into_iter().for_each(|unit| self.give_up(unit));
        let oldest = group.iter().map(|unit| unit.queued).min()?;
        let epoch = match self.session.connected(oldest + self.timeout, "appending").await {
            Ok(epoch) => epoch,
            Err(LogError::ShutDown) => {
                group.into_iter().for_each(|unit| unit.finish(Err(LogError::ShutDown.into())));
                return None;
            }
            Err(_) => {
                group.into_iter().for_each(|unit| self.give_up(unit));
                return None;
            }
        };
        if group.iter().any(|unit| unit.uncertain) {
            group = stream::iter(group)
                .map(|unit| self.look_up(unit))
                .buffered(PARALLEL)
                .filter_map(std::future::ready)
                .collect()
                .await;
        }
        if group.is_empty() { None } else { Some((group, epoch)) }
    }

    /// Refuses a decision that an append of this process has overtaken. One with a key may have been stored before under it,
    /// which the server knows.
    fn not_overtaken(&self, unit: Unit) -> Option<Unit> {
        let Expected::Version(expected) = unit.expected else { return Some(unit) };
        if unit.uncertain || unit.message_id.is_some() {
            return Some(unit);
        }
        match self.landed.overtaken(&unit.aggregate, expected) {
            None => Some(unit),
            actual => {
                metrics::counter!("steward_log_overtaken_total").increment(1);
                unit.finish(Err(AppendError::Conflict { expected, actual }));
                None
            }
        }
    }

    fn give_up(&self, unit: Unit) {
        let after = self.timeout;
        let error = if unit.uncertain { AppendError::Unknown { after } } else { AppendError::Unavailable { after } };
        unit.finish(Err(error));
    }

    /// Finds out whether an earlier try stored the unit. A decision is looked for behind the version that it expects;
    /// if another event is there, the decision has lost. A fact isn't looked up: its message id keeps it from being
    /// stored twice when it is sent again.
    async fn look_up(&self, unit: Unit) -> Option<Unit> {
        let Expected::Version(version) = unit.expected else { return Some(unit) };
        if !unit.uncertain {
            return Some(unit);
        }
        match self.events_after(&unit, version).await {
            Ok(events) => match events.first() {
                None => Some(unit),
                Some(first) if is_first_of(&unit, first) => {
                    let position = first.position;
                    if !stands_whole(&unit, &events) {
                        return Some(unit);
                    }
                    self.finish(unit, position, false);
                    None
                }
                Some(_) => {
                    let actual = events.last().map(|event| event.position);
                    unit.finish(Err(AppendError::Conflict { expected: version, actual }));
                    None
                }
            },
            // The unit stays uncertain, and is looked up again until its time is over.
            Err(error) => {
                tracing::debug!(%error, "looking up an unanswered append failed");
                Some(unit)
            }
        }
    }

    /// Answers a unit that was refused alone; gives it back if it is to be tried again.
    async fn explain(&self, unit: Unit, treatment: Treatment, error: &ServerError) -> Option<Unit> {
        match treatment {
            Treatment::Later => Some(unit),
            Treatment::Conflict => {
                let Expected::Version(expected) = unit.expected else {
                    unit.finish(Err(error.clone().refusal().into()));
                    return None;
                };
                let unit = if unit.uncertain { self.look_up(unit).await? } else { unit };
                if unit.uncertain && self.stands_in_part(&unit, expected + 1).await {
                    return Some(unit);
                }
                if let Some(first) = self.find_message_id(&unit).await {
                    let own = is_first_of(&unit, &first);
                    self.finish(unit, first.position, !own);
                    return None;
                }
                metrics::counter!("steward_log_conflicts_total").increment(1);
                let actual = error.actual_sequence();
                if let Some(actual) = actual {
                    self.landed.note(&unit.aggregate, actual);
                }
                unit.finish(Err(AppendError::Conflict { expected, actual }));
                None
            }
            Treatment::Duplicate => match self.find_message_id(&unit).await {
                Some(first) => {
                    let own = is_first_of(&unit, &first);
                    if own && self.stands_in_part(&unit, first.position).await {
                        return Some(unit);
                    }
                    self.finish(unit, first.position, !own);
                    None
                }
                // The first copy isn't visible yet, or the connection is down: the unit is tried again.
                None => Some(unit),
            },
            _ => {
                unit.finish(Err(error.clone().refusal().into()));
                None
            }
        }
    }

    /// The aggregate's event that carries the unit's message id, as far back as the server remembers message ids.
    async fn find_message_id(&self, unit: &Unit) -> Option<Stored> {
        let id = unit.message_id.as_deref()?;
        let since = Utc::now() - chrono::Duration::from_std(definitions::DUPLICATE_WINDOW * 2).ok()?;
        let from = history::From::Time(since);
        let events = history::read(&self.session, definitions::EVENTS, &unit.aggregate.wildcard(), from).await.ok()?;
        events.into_iter().find(|event| event.headers.get("Nats-Msg-Id").is_some_and(|found| found.as_str() == id))
    }

    async fn events_after(&self, unit: &Unit, version: u64) -> Result<Vec<Stored>, LogError> {
        let from = history::From::Position(version + 1);
        history::read(&self.session, definitions::EVENTS, &unit.aggregate.wildcard(), from).await
    }

    /// Whether only the first of the unit's events stand, the first of them at `first` or later. The server completes the
    /// unit, at the latest when it starts anew.
    async fn stands_in_part(&self, unit: &Unit, first: u64) -> bool {
        let stored = self.events_after(unit, first - 1).await.unwrap_or_default();
        stored.first().is_some_and(|first| is_first_of(unit, first)) && !stands_whole(unit, &stored)
    }

    /// Whether the event stored at `position` is this very unit's, and not that of an earlier append with the same key.
    async fn is_own(&self, unit: &Unit, position: u64) -> bool {
        let stored = history::read_one(&self.session, definitions::EVENTS, position).await;
        matches!(stored, Ok(Some(stored)) if is_first_of(unit, &stored))
    }

    /// Answers a unit whose first event is at `first`; the others follow without a gap.
    fn finish(&self, unit: Unit, first: u64, duplicate: bool) {
        let position = first + unit.events.len() as u64 - 1;
        if !duplicate {
            self.landed.note(&unit.aggregate, position);
        }
        unit.finish(Ok(Appended { position, first, duplicate }));
    }

    /// Answers the units of a batch whose last event is at `last`.
    fn finish_all(&self, units: Vec<Unit>, last: u64) {
        let total: u64 = units.iter().map(|unit| unit.events.len() as u64).sum();
        let mut first = last + 1 - total;
        for unit in units {
            let events = unit.events.len() as u64;
            self.finish(unit, first, false);
            first += events;
        }
    }

    async fn pause(&self, backoff: &mut Backoff) {
        // Fails only at the stop, where `connected` ends the work as well.
        let _ = self.session.pause(backoff.next_pause()).await;
    }
}

fn backoff() -> Backoff {
    Backoff::new(Duration::from_millis(5), Duration::from_millis(250))
}

fn is_first_of(unit: &Unit, stored: &Stored) -> bool {
    codec::event_id(Some(&stored.headers)) == Some(unit.events[0].event_id)
}

/// Whether these events begin with all of the unit's.
fn stands_whole(unit: &Unit, stored: &[Stored]) -> bool {
    let ids = stored.iter().map(|stored| codec::event_id(Some(&stored.headers)));
    ids.take(unit.events.len()).eq(unit.events.iter().map(|event| Some(event.event_id)))
}

fn refuse_all(units: Vec<Unit>, error: &ServerError) {
    units.into_iter().for_each(|unit| unit.finish(Err(error.clone().refusal().into())));
}
