//! The scheduler: turns due times into decisions, on time and once.
//!
//! JetStream is the alarm clock: each waiting thing has one schedule on the stream `TIMERS`, which fires a little
//! early. An alarm that fired is held in a tokio timer for the rest, and then decided against the conversation's
//! version. What is due within minutes is held here from the start, and its schedule fires late: only if this process dies
//! before. The log is the truth and the alarm clock a hint, so a sweep compares the two.

mod alarm;
mod arming;
mod decide;
mod near;
mod ringing;
mod sweep;
mod tenants;

use std::sync::Arc;

use steward_log::{Log, LogError};
use steward_settings::InForce;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{alarm::Alarms, decide::Decider, tenants::Tenants};

/// Runs the scheduler until `shutdown`.
pub async fn run(log: Log, settings: InForce, shutdown: CancellationToken) -> Result<(), LogError> {
    let tracker = TaskTracker::new();
    let (tenants, news) = Tenants::new(log.clock().clone());
    let _alive = tenants::register(&log, &tenants, shutdown.clone());
    // Other tenants become known through their events, and through the sweep.
    for tenant in settings.now().tenant_ids() {
        tenants.of(&tenant);
    }
    let decider = Arc::new(Decider::new(log.clone(), settings));
    let alarms = Alarms::new(log.clone(), Arc::clone(&decider), tenants, tracker.clone(), shutdown.clone());
    let near = alarms.clone();
    let result = tokio::try_join!(
        arming::run(log.clone(), alarms.clone(), shutdown.clone()),
        ringing::run(log.clone(), alarms.clone(), news, shutdown.clone()),
        near.ring_near(),
        sweep::run(log, alarms, shutdown),
    );
    tracker.close();
    tracker.wait().await;
    result.map(|_| ())
}
