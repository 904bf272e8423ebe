//! Alarms that JetStream fired: each is held unacknowledged until its time is decided, so a crash makes it ring again.
//!
//! Each tenant has a consumer of its own: a hundred thousand alarms of one, due at once, stand in no other's way.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use async_nats::jetstream::{
    AckKind, Message,
    consumer::{AckPolicy, PullConsumer, pull},
    stream::{ConsumerErrorKind, Stream},
};
use futures::{FutureExt as _, StreamExt as _, stream::FuturesUnordered};
use steward_log::{HandleError, Log, LogError, definitions::TIMERS};
use tokio::sync::mpsc;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    alarm::{Alarm, Alarms, unavailable},
    tenants::{IN_HAND, Tenant},
};

const NAME: &str = "scheduler-alarms";
const DOING: &str = "listening to the alarm clock";

/// How often a held alarm is renewed with the server, which gives it to another after four seconds without.
const RENEWED: Duration = Duration::from_millis(1_500);
/// What is this large is none of our alarms, in bytes.
const LARGEST: usize = 4_096;
/// An alarm that can't be decided for now rings again after this; then after twice as long each time, up to the second.
const AGAIN: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));
/// A stream of the alarm clock takes one consumer for each subject.
const NOT_UNIQUE: u64 = 10_100;

/// The consumer that all schedulers share for a tenant.
fn definition(tenant: &str) -> pull::Config {
    pull::Config {
        durable_name: Some(name_of(tenant)),
        filter_subject: format!("due.{tenant}.>"),
        ack_policy: AckPolicy::Explicit,
        ack_wait: Duration::from_secs(4),
        max_ack_pending: IN_HAND as i64,
        ..pull::Config::default()
    }
}

fn name_of(tenant: &str) -> String {
    format!("{NAME}-{tenant}")
}

/// Listens for every tenant that is told of, until `shutdown`.
pub async fn run(
    log: Log,
    alarms: Alarms,
    mut tenants: mpsc::UnboundedReceiver<Arc<Tenant>>,
    shutdown: CancellationToken,
) -> Result<(), LogError> {
    let tracker = TaskTracker::new();
    let mut listening = FuturesUnordered::new();
    loop {
        // A tenant more, or the end; the listeners only end with it.
        tokio::select! {
            Some(tenant) = tenants.recv() => listening.push(listen(&log, &alarms, tenant, &tracker, &shutdown)),
            Some(()) = listening.next() => {}
            () = shutdown.cancelled() => break,
        }
    }
    while listening.next().await.is_some() {}
    tracker.close();
    tracker.wait().await;
    Ok(())
}

async fn listen(log: &Log, alarms: &Alarms, tenant: Arc<Tenant>, tracker: &TaskTracker, shutdown: &CancellationToken) {
    let mut pause = Duration::from_millis(100);
    while !shutdown.is_cancelled() {
        match follow(log, alarms, &tenant, tracker, shutdown).await {
            Ok(()) => pause = Duration::from_millis(100),
            Err(error) => tracing::warn!(%error, tenant = tenant.name, "the alarm clock can't be heard; trying again"),
        }
        tenant.hears(false);
        tokio::select! {
            () = tokio::time::sleep(pause) => pause = (pause * 2).min(Duration::from_secs(2)),
            () = shutdown.cancelled() => {}
        }
    }
}

/// Follows the consumer until it breaks or `shutdown`.
async fn follow(
    log: &Log,
    alarms: &Alarms,
    tenant: &Arc<Tenant>,
    tracker: &TaskTracker,
    shutdown: &CancellationToken,
) -> Result<(), LogError> {
    let stream = log.jetstream().get_stream_no_info(TIMERS).await.map_err(unavailable(DOING))?;
    let consumer = consumer(&stream, &tenant.name).await?;
    let pull = consumer.stream().max_messages_per_batch(1_000).expires(Duration::from_secs(10));
    let mut messages = pull.heartbeat(Duration::from_secs(2)).messages().await.map_err(unavailable(DOING))?;
    tenant.hears(true);
    loop {
        let message = tokio::select! {
            message = messages.next() => message,
            () = shutdown.cancelled() => return Ok(()),
        };
        let message = match message {
            None => return Ok(()),
            Some(Err(error)) => return Err(unavailable(DOING)(error)),
            Some(Ok(message)) => message,
        };
        let place = tokio::select! {
            place = Arc::clone(&tenant.places).acquire_owned() => place,
            () = shutdown.cancelled() => return Ok(()),
        };
        let Ok(place) = place else { return Ok(()) };
        let (alarms, tenant) = (alarms.clone(), Arc::clone(tenant));
        tracker.spawn(async move {
            ring(&alarms, &tenant, message).await;
            drop(place);
        });
    }
}

async fn consumer(stream: &Stream<()>, tenant: &str) -> Result<PullConsumer, LogError> {
    let made = stream.get_or_create_consumer(&name_of(tenant), definition(tenant)).await;
    if let Err(error) = &made
        && let ConsumerErrorKind::JetStream(refused) = error.kind()
        && refused.error_code().0 == NOT_UNIQUE
    {
        // The one that all tenants shared, until a version before this one. What it holds comes to theirs.
        stream.delete_consumer(NAME).await.map_err(unavailable("taking away the alarms' former consumer"))?;
    }
    made.map_err(unavailable(DOING))
}

async fn ring(alarms: &Alarms, tenant: &Arc<Tenant>, message: Message) {
    let alarm = match read(&message, tenant) {
        Ok(alarm) => alarm,
        Err(reason) => {
            tracing::error!(reason, "what rang is no alarm of ours; the sweep sets what is missing again");
            give_up(&message).await;
            return;
        }
    };
    let id = alarm.id.clone();
    let in_hand = tenant.take_in_hand(alarm.due_at);
    // A panic is of this alarm alone.
    let hold = AssertUnwindSafe(alarms.hold(alarm)).catch_unwind();
    tokio::pin!(hold);
    let held = loop {
        tokio::select! {
            held = &mut hold => break held,
            () = tokio::time::sleep(RENEWED) => acknowledge(&message, AckKind::Progress).await,
        }
    };
    drop(in_hand);
    match held.unwrap_or_else(|_| Err(HandleError::poison("deciding it panicked"))) {
        Ok(()) => acknowledge(&message, AckKind::Ack).await,
        Err(HandleError::Transient(error)) => {
            tracing::warn!(%error, id, "an alarm couldn't be decided; it will ring again");
            acknowledge(&message, AckKind::Nak(Some(pause_after(&message)))).await;
        }
        Err(HandleError::Poison(error)) => {
            tracing::error!(%error, id, "an alarm can't be decided and is given up");
            give_up(&message).await;
        }
    }
}

fn pause_after(message: &Message) -> Duration {
    let tries = message.info().map_or(1, |info| info.delivered).clamp(1, 8);
    AGAIN.1.min(AGAIN.0 * 2_u32.pow(u32::try_from(tries - 1).unwrap_or(0)))
}

/// The alarm that a message carries, or why it is none. None of it is quoted.
fn read(message: &Message, tenant: &Tenant) -> Result<Alarm, &'static str> {
    if message.payload.len() > LARGEST {
        return Err("it is too large");
    }
    let alarm: Alarm = serde_json::from_slice(&message.payload).map_err(|_| "it can't be read")?;
    if alarm.tenant != tenant.name {
        return Err("it names another tenant than its subject");
    }
    // It becomes part of a subject when it is set again.
    if alarm.id.is_empty() || !alarm.id.bytes().all(|b| b.is_ascii_graphic() && !b".*>".contains(&b)) {
        return Err("its id can't be one");
    }
    Ok(alarm)
}

async fn give_up(message: &Message) {
    metrics::counter!("steward_alarms_given_up_total").increment(1);
    acknowledge(message, AckKind::Term).await;
}

/// A lost acknowledgement only makes the alarm ring again.
async fn acknowledge(message: &Message, kind: AckKind) {
    if let Err(error) = message.ack_with(kind).await {
        tracing::debug!(%error, "an acknowledgement was lost");
    }
}
