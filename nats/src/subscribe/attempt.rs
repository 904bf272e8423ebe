//! One event and its handler: runs the handler, again while it lacks something, and gives up on poison.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt as _;
use steward_proto::Recorded;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use super::{HandleError, Handled};
use crate::Backoff;
use crate::supervise::said;

/// How often an event is tried whose handler says that it can't handle it.
const POISON_TRIES: u32 = 5;

/// For this long an event whose handler lacks something is tried again in its slot; then it makes room for others.
const IN_SLOT: Duration = Duration::from_secs(5);

/// How long it is tried in its slot when it comes back after that.
const IN_SLOT_AGAIN: Duration = Duration::from_secs(1);

/// How long it stays away: the first time, and at most. The time doubles whenever it comes back.
const AWAY: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(30));

/// How an attempt ended.
#[derive(Debug)]
pub(super) enum End {
    Done,
    Later(Duration),
    /// Something was lacking for too long: the event is handed back, with the rest of its aggregate.
    PutOff(Duration),
    Dead {
        error: String,
        tries: u32,
    },
    /// The subscription stops; another process goes on.
    Stopped,
}

/// `tries` says how often the event was delivered. The time in a slot doesn't count while the connection is down, since
/// nothing can be handed back then.
pub(super) async fn attempt<H, Fut>(
    handler: &H,
    recorded: &Recorded,
    consumer: &'static str,
    tries: u64,
    is_up: impl Fn() -> bool,
    stop: &CancellationToken,
) -> End
where
    H: Fn(Recorded) -> Fut + Send + Sync,
    Fut: Future<Output = Result<Handled, HandleError>> + Send,
{
    let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(5));
    let (mut poisoned, mut since) = (0, Instant::now());
    let in_slot = if tries > 1 { IN_SLOT_AGAIN } else { IN_SLOT };
    let position = recorded.position;
    let span = span_of(recorded, consumer);
    loop {
        let handling = async { handler(recorded.clone()).await }.instrument(span.clone());
        let outcome = AssertUnwindSafe(handling)
            .catch_unwind()
            .await
            .unwrap_or_else(|panic| Err(HandleError::poison(format!("the handler panicked: {}", said(&*panic)))));
        match outcome {
            Ok(Handled::Done) => return End::Done,
            Ok(Handled::Later(delay)) => return End::Later(delay),
            Err(HandleError::Transient(error)) => {
                metrics::counter!("steward_log_handler_retries_total", "consumer" => consumer).increment(1);
                tracing::warn!(consumer, position, %error, "handling an event failed for now; trying again");
                if !is_up() {
                    since = Instant::now();
                }
                if since.elapsed() >= in_slot {
                    let doubled = AWAY.0 * 2_u32.pow(u32::try_from(tries.saturating_sub(1)).unwrap_or(u32::MAX).min(4));
                    return End::PutOff(doubled.min(AWAY.1).mul_f64(rand::random_range(0.75..1.25)));
                }
            }
            Err(HandleError::Poison(error)) => {
                poisoned += 1;
                tracing::warn!(consumer, position, %error, tries = poisoned, "an event can't be handled");
                if poisoned >= POISON_TRIES {
                    return End::Dead { error: error.to_string(), tries: poisoned };
                }
            }
        }
        tokio::select! {
            () = tokio::time::sleep(backoff.next_pause()) => {}
            () = stop.cancelled() => return End::Stopped,
        }
    }
}

/// The span in which an event is handled, as a part of the trace that the event carries.
fn span_of(recorded: &Recorded, consumer: &'static str) -> Span {
    let Recorded { position, metadata, .. } = recorded;
    let (event, correlation_id) = (metadata.type_name.as_str(), metadata.correlation_id);
    let span = tracing::info_span!("handle", consumer, position, event, %correlation_id);
    let carried = HashMap::from([("traceparent".to_owned(), metadata.traceparent.clone())]);
    let _ = span.set_parent(opentelemetry::global::get_text_map_propagator(|p| p.extract(&carried)));
    span
}
