//! Alarms that JetStream fired: each stays unacknowledged until it is decided, so that after a crash it rings again.
//!
//! Each tenant has a consumer of its own: a hundred thousand alarms of one tenant, due at once, hold up no other's.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::{FutureExt as _, StreamExt as _, stream::FuturesUnordered};
use steward_log::{Backoff, HandleError, Log, LogError, Rung, Settled};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{
    alarm::{Alarms, Kind},
    tenants::{IN_HAND, Tenant},
};

/// How long until an alarm that can't be decided now rings again: at first, and at most. The time doubles each time.
const AGAIN: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));
/// The shortest and the longest pause before hearing the alarms is tried again.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// Hears the alarms of every tenant that becomes known, until `shutdown`.
pub async fn run(
    log: Log,
    alarms: Alarms,
    mut tenants: mpsc::UnboundedReceiver<Arc<Tenant>>,
    shutdown: CancellationToken,
) -> Result<(), LogError> {
    let mut backoff = Backoff::new(PAUSES.0, PAUSES.1);
    while let Err(error) = log.end_former_alarms().await {
        tracing::warn!(%error, "the alarm clock can't be heard; trying again");
        if !backoff.pause(&shutdown).await {
            return Ok(());
        }
    }
    let mut listening = FuturesUnordered::new();
    loop {
        // Another tenant has become known, or it is the end; the listeners themselves end only then.
        tokio::select! {
            Some(tenant) = tenants.recv() => listening.push(listen(&log, &alarms, tenant, &shutdown)),
            Some(()) = listening.next() => {}
            () = shutdown.cancelled() => break,
        }
    }
    while listening.next().await.is_some() {}
    Ok(())
}

async fn listen(log: &Log, alarms: &Alarms, tenant: Arc<Tenant>, shutdown: &CancellationToken) {
    let (alarms, held_for) = (alarms.clone(), Arc::clone(&tenant));
    let ring = move |rung| {
        let (alarms, tenant) = (alarms.clone(), Arc::clone(&held_for));
        async move { ring(&alarms, &tenant, rung).await }
    };
    log.hear_alarms(&tenant.name, IN_HAND, shutdown, |heard| tenant.hears(heard), ring).await;
}

async fn ring(alarms: &Alarms, tenant: &Arc<Tenant>, rung: Rung) -> Settled {
    let known = rung.alarm.and_then(|alarm| {
        let known = Kind::of(&alarm.name).is_some();
        if known { Ok(alarm) } else { Err("nobody here knows what it is for") }
    });
    let alarm = match known {
        Ok(alarm) => alarm,
        Err(reason) => {
            tracing::error!(
                reason,
                "a message among the alarms is no alarm and is dropped; the sweep sets alarms that are missing"
            );
            return given_up();
        }
    };
    let name = alarm.name.to_string();
    let in_hand = tenant.take_in_hand(alarm.due_at);
    // A panic concerns this alarm alone.
    let held = AssertUnwindSafe(alarms.hold(alarm)).catch_unwind().await;
    drop(in_hand);
    match held.unwrap_or_else(|_| Err(HandleError::poison("deciding it panicked"))) {
        Ok(_) => Settled::Done,
        Err(HandleError::Transient(error)) => {
            tracing::warn!(%error, name, "an alarm couldn't be decided; it will ring again");
            Settled::Again(pause_after(rung.tries))
        }
        Err(HandleError::Poison(error)) => {
            tracing::error!(%error, name, "an alarm can't be decided and is given up");
            given_up()
        }
    }
}

fn pause_after(tries: u64) -> Duration {
    AGAIN.1.min(AGAIN.0 * 2_u32.pow(u32::try_from(tries.clamp(1, 8) - 1).unwrap_or(0)))
}

fn given_up() -> Settled {
    metrics::counter!("steward_alarms_given_up_total").increment(1);
    Settled::GivenUp
}
