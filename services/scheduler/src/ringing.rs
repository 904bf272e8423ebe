//! Alarms that JetStream fired: each is held unacknowledged until its time is decided, so a crash makes it ring again.

use std::{sync::Arc, time::Duration};

use async_nats::jetstream::{
    AckKind, Message,
    consumer::{AckPolicy, pull},
};
use futures::StreamExt as _;
use steward_log::{
    HandleError, Log, LogError,
    definitions::{DUE_SUBJECTS, TIMERS},
};
use tokio::sync::Semaphore;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::alarm::{Alarm, Alarms, unavailable};

const NAME: &str = "scheduler-alarms";

/// Alarms in hand at once, at most.
const IN_HAND: usize = 20_000;
/// How often a held alarm is renewed with the server, which gives it to another after four seconds without.
const RENEWED: Duration = Duration::from_millis(1_500);

/// The consumer that all schedulers share.
fn definition() -> pull::Config {
    pull::Config {
        durable_name: Some(NAME.to_owned()),
        filter_subject: DUE_SUBJECTS.to_owned(),
        ack_policy: AckPolicy::Explicit,
        ack_wait: Duration::from_secs(4),
        max_ack_pending: IN_HAND as i64,
        ..pull::Config::default()
    }
}

pub async fn run(log: Log, alarms: Alarms, shutdown: CancellationToken) -> Result<(), LogError> {
    let tracker = TaskTracker::new();
    let places = Arc::new(Semaphore::new(IN_HAND));
    let mut pause = Duration::from_millis(100);
    while !shutdown.is_cancelled() {
        match follow(&log, &alarms, &tracker, &places, &shutdown).await {
            Ok(()) => pause = Duration::from_millis(100),
            Err(error) => tracing::warn!(%error, "the alarm clock can't be heard; trying again"),
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => pause = (pause * 2).min(Duration::from_secs(2)),
            () = shutdown.cancelled() => {}
        }
    }
    tracker.close();
    tracker.wait().await;
    Ok(())
}

/// Follows the consumer until it breaks or `shutdown`.
async fn follow(
    log: &Log,
    alarms: &Alarms,
    tracker: &TaskTracker,
    places: &Arc<Semaphore>,
    shutdown: &CancellationToken,
) -> Result<(), LogError> {
    let doing = "listening to the alarm clock";
    let stream = log.jetstream().get_stream_no_info(TIMERS).await.map_err(unavailable(doing))?;
    let consumer = stream.get_or_create_consumer(NAME, definition()).await.map_err(unavailable(doing))?;
    let pull = consumer.stream().max_messages_per_batch(2_000).expires(Duration::from_secs(10));
    let mut messages = pull.heartbeat(Duration::from_secs(2)).messages().await.map_err(unavailable(doing))?;
    loop {
        let message = tokio::select! {
            message = messages.next() => message,
            () = shutdown.cancelled() => return Ok(()),
        };
        let message = match message {
            None => return Ok(()),
            Some(Err(error)) => return Err(unavailable(doing)(error)),
            Some(Ok(message)) => message,
        };
        let Ok(place) = Arc::clone(places).acquire_owned().await else { return Ok(()) };
        let alarms = alarms.clone();
        tracker.spawn(async move {
            ring(&alarms, message).await;
            drop(place);
        });
    }
}

async fn ring(alarms: &Alarms, message: Message) {
    let alarm: Alarm = match serde_json::from_slice(&message.payload) {
        Ok(alarm) => alarm,
        Err(error) => {
            tracing::error!(%error, subject = %message.subject, "this is no alarm; the sweep sets what is missing again");
            acknowledge(&message, AckKind::Term).await;
            return;
        }
    };
    let id = alarm.id.clone();
    let hold = alarms.hold(alarm);
    tokio::pin!(hold);
    let held = loop {
        tokio::select! {
            held = &mut hold => break held,
            () = tokio::time::sleep(RENEWED) => acknowledge(&message, AckKind::Progress).await,
        }
    };
    match held {
        Ok(()) => acknowledge(&message, AckKind::Ack).await,
        Err(HandleError::Poison(error)) => {
            tracing::error!(%error, id, "an alarm can't be decided; the sweep has it ring again");
            acknowledge(&message, AckKind::Term).await;
        }
        Err(error) => {
            tracing::warn!(%error, id, "an alarm couldn't be decided; it will ring again");
            acknowledge(&message, AckKind::Nak(Some(Duration::from_millis(500)))).await;
        }
    }
}

/// A lost acknowledgement only makes the alarm ring again.
async fn acknowledge(message: &Message, kind: AckKind) {
    if let Err(error) = message.ack_with(kind).await {
        tracing::debug!(%error, "an acknowledgement was lost");
    }
}
