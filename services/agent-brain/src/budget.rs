//! What models may cost: a tenant's budget of the day, in UTC.
//!
//! A call reserves what it may cost before it is made, and what it did cost takes the place of that as soon as its end is in
//! the log. All processes follow the same events, so they know the same sum. It can be overshot by what running calls cost
//! beyond their reservations, which are estimates, and by what several processes reserve in the milliseconds before each knows
//! of the others: by one call of each running turn at most.

use std::{
    collections::HashMap,
    pin::pin,
    sync::{Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, NaiveDate, Utc};
use futures::StreamExt as _;
use steward_domain::{ids, tenant::Tenant};
use steward_log::{AtLeast, Log, LogError};
use steward_proto::{Cause, Event, Recorded, TenantId};
use tokio::sync::watch;

use crate::{journal::SKIPPED, recording::new_events};

/// The events that say what models cost.
const TOLD_BY: [&str; 3] =
    ["ev.*.run.*.model_call_started", "ev.*.run.*.model_call_completed", "ev.*.run.*.model_call_failed"];

/// The budgets of all tenants, as this process knows them.
pub struct Budget {
    /// In micro-USD; `None`: whatever it takes.
    per_day: Option<u64>,
    tenants: Mutex<HashMap<TenantId, Day>>,
    /// Whether what was spent before this process began is known.
    known: watch::Sender<bool>,
}

/// What a tenant's models cost on one day.
#[derive(Debug, Default)]
struct Day {
    day: NaiveDate,
    spent: u64,
    /// Reservations by run and call.
    reserved: HashMap<(String, String), u64>,
    /// Up to where the tenant was told: in fifths.
    told: u64,
}

impl Day {
    fn sum(&self) -> u64 {
        self.reserved.values().fold(self.spent, |sum, one| sum.saturating_add(*one))
    }
}

impl Budget {
    pub fn new(per_day: Option<u64>) -> Self {
        Self { per_day, tenants: Mutex::default(), known: watch::Sender::new(per_day.is_none()) }
    }

    fn tenants(&self) -> MutexGuard<'_, HashMap<TenantId, Day>> {
        self.tenants.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reserves what a call may cost; `false`: the day's budget doesn't hold that any more.
    pub async fn reserve(&self, tenant: &str, now: DateTime<Utc>, call: (String, String), micro_usd: u64) -> bool {
        let (Some(per_day), Ok(tenant)) = (self.per_day, TenantId::new(tenant)) else { return true };
        let mut known = self.known.subscribe();
        if known.wait_for(|known| *known).await.is_err() {
            return false;
        }
        let mut tenants = self.tenants();
        let day = of_day(&mut tenants, tenant, now.date_naive());
        if day.sum().saturating_add(micro_usd) > per_day {
            return false;
        }
        day.reserved.insert(call, micro_usd);
        true
    }

    /// What an event says of costs; the tenant and the sum of its day, if they are to be told.
    fn take(&self, recorded: &Recorded) -> Option<(TenantId, NaiveDate, u64)> {
        let per_day = self.per_day?;
        let tenant = recorded.subject.aggregate_id()?.tenant;
        let mut tenants = self.tenants();
        let day = of_day(&mut tenants, tenant.clone(), recorded.metadata.at.date_naive());
        if day.day != recorded.metadata.at.date_naive() {
            return None;
        }
        match &recorded.event {
            Event::ModelCallStarted(e) => {
                day.reserved.insert((e.run_id.clone(), e.call_id.clone()), e.reserved_micro_usd);
                return None;
            }
            Event::ModelCallCompleted(e) => {
                day.reserved.remove(&(e.run_id.clone(), e.call_id.clone()));
                day.spent = day.spent.saturating_add(e.micro_usd);
            }
            Event::ModelCallFailed(e) => {
                day.reserved.remove(&(e.run_id.clone(), e.call_id.clone()));
                if e.code != SKIPPED {
                    day.spent = day.spent.saturating_add(e.micro_usd);
                }
            }
            _ => return None,
        }
        let fifths = u64::try_from(u128::from(day.spent) * 5 / u128::from(per_day)).unwrap_or(u64::MAX).min(5);
        if fifths < 4 || fifths <= day.told {
            return None;
        }
        day.told = fifths;
        Some((tenant, day.day, day.spent))
    }

    /// Follows what models cost, and tells tenants whose budget is nearly or wholly spent, until the log stops.
    ///
    /// # Errors
    /// The log can't be read.
    pub async fn follow(&self, log: &Log) -> Result<(), LogError> {
        if self.per_day.is_none() {
            return Ok(());
        }
        let midnight = log.clock().now().date_naive().and_time(chrono::NaiveTime::MIN).and_utc();
        let from = log.position_at(midnight).await?;
        let filters = || TOLD_BY.map(str::to_owned).to_vec();
        let mut next = from;
        let mut past = pin!(log.past(from, filters()).await?);
        while let Some(tailed) = past.next().await {
            let Ok(tailed) = tailed else { continue };
            next = tailed.recorded.position + 1;
            self.told(log, &tailed.recorded).await;
        }
        self.known.send_replace(true);
        let mut calls = pin!(log.tail(next, filters()).await?);
        while let Some(tailed) = calls.next().await {
            let Ok(tailed) = tailed else { continue };
            self.told(log, &tailed.recorded).await;
        }
        Ok(())
    }

    async fn told(&self, log: &Log, recorded: &Recorded) {
        let Some(((tenant, day, spent), per_day)) = self.take(recorded).zip(self.per_day) else { return };
        let cause = Cause::of(recorded, "service:agent-brain");
        let aggregate = ids::tenant_aggregate(&tenant);
        let decided = log.decide::<Tenant, _, std::convert::Infallible>(&aggregate, AtLeast::Latest, |state, _| {
            let events = state.spent(&day.to_string(), spent, per_day);
            Ok((new_events(log.clock().now(), &cause, events), ()))
        });
        if let Err(error) = decided.await {
            tracing::warn!(%error, %tenant, "that the models' budget is spent wasn't told");
        }
    }
}

/// The tenant's day, made new where another one began.
fn of_day(tenants: &mut HashMap<TenantId, Day>, tenant: TenantId, day: NaiveDate) -> &mut Day {
    let of_tenant = tenants.entry(tenant).or_default();
    if of_tenant.day < day {
        *of_tenant = Day { day, ..Day::default() };
    }
    of_tenant
}

#[cfg(test)]
mod tests {
    use steward_proto::{NewEvent, v1};
    use uuid::Uuid;

    use super::*;

    fn call(n: u32) -> (String, String) {
        ("r".to_owned(), format!("m{n}"))
    }

    fn recorded(event: impl Into<Event>, at: DateTime<Utc>) -> Recorded {
        let new = NewEvent::new(Uuid::now_v7(), at, &Cause::outside("test", ""), event);
        let subject = format!("ev.acme.run.r.{}", new.event.subject_token()).parse().unwrap();
        let payload = new.event.encode();
        Recorded { position: 1, subject, metadata: new.metadata, event: new.event, payload }
    }

    fn cost(n: u32, micro_usd: u64) -> v1::ModelCallCompleted {
        let (run_id, call_id) = call(n);
        v1::ModelCallCompleted { run_id, call_id, micro_usd, ..Default::default() }
    }

    #[tokio::test]
    async fn a_call_is_made_only_if_the_day_holds_what_it_may_cost() {
        let now: DateTime<Utc> = "2026-11-28T12:00:00Z".parse().unwrap();
        let budget = Budget::new(Some(100));
        budget.known.send_replace(true);
        assert!(budget.reserve("acme", now, call(1), 60).await);
        assert!(!budget.reserve("acme", now, call(2), 60).await, "the first may cost so much");
        assert!(budget.reserve("other", now, call(3), 100).await, "each tenant has its own");
        assert_eq!(budget.take(&recorded(cost(1, 30), now)), None);
        assert!(budget.reserve("acme", now, call(2), 60).await, "it cost less");
        assert_eq!(budget.take(&recorded(cost(2, 55), now)).map(|told| told.2), Some(85), "four fifths are told once");
        assert_eq!(budget.take(&recorded(cost(4, 1), now)), None);
        // More than was reserved: that is the overshoot.
        assert_eq!(budget.take(&recorded(cost(5, 40), now)).map(|told| told.2), Some(126));
        assert!(!budget.reserve("acme", now, call(6), 1).await);
        let tomorrow = now + chrono::TimeDelta::days(1);
        assert!(budget.reserve("acme", tomorrow, call(7), 100).await, "a new day");
        assert_eq!(budget.take(&recorded(cost(8, 500), now)), None, "what comes late is of its own day");
    }

    #[tokio::test]
    async fn without_a_budget_nothing_is_kept() {
        let budget = Budget::new(None);
        let now = Utc::now();
        assert!(budget.reserve("acme", now, call(1), u64::MAX).await);
        assert_eq!(budget.take(&recorded(cost(1, u64::MAX), now)), None);
        assert!(budget.tenants().is_empty());
    }
}
