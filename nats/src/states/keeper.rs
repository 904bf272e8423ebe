//! Following the log: each event goes into its aggregate's state; what changed is written to disk behind it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::StreamExt as _;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{Instant, sleep_until};

use super::store::{Checkpoint, Store};
use super::{KeepStates, States};
use crate::supervise::Ended;
use crate::tail::Tailed;
use crate::{Log, LogError, codec, definitions, history};

/// Events taken in before what waits for them is woken.
const AT_ONCE: usize = 256;
/// What has changed is written after this time …
const WRITTEN_AFTER: Duration = Duration::from_secs(1);
/// … or when so many states have …
const WRITTEN_AT: usize = 4_000;
/// … and beyond so many nothing is taken in until it is.
const WAITING_AT_MOST: usize = 16_000;

pub(super) async fn begin(log: &Log, keep: KeepStates) -> Result<(), LogError> {
    let KeepStates { place, kinds } = keep;
    let opening = {
        let (place, kinds) = (place.clone(), kinds.clone());
        spawn_blocking(move || {
            let store = Store::open(&place, &kinds)?;
            let checkpoint = store.checkpoint()?;
            Ok::<_, super::StoreError>((store, checkpoint))
        })
    };
    let (store, mut checkpoint) = match opening.await {
        Ok(Ok(opened)) => opened,
        Ok(Err(error)) => {
            tracing::warn!(%error, "states aren't kept on disk; each is folded from its aggregate's events");
            return Ok(());
        }
        Err(panic) => {
            tracing::error!(%panic, "opening the kept states panicked; each is folded from its aggregate's events");
            return Ok(());
        }
    };
    if checkpoint.position > 0 && !is_of_this_log(log, checkpoint).await? {
        tracing::warn!(position = checkpoint.position, "kept states are of another log; they are made again");
        if let Err(error) = store.clear() {
            tracing::warn!(%error, "states aren't kept on disk; each is folded from its aggregate's events");
            return Ok(());
        }
        checkpoint = Checkpoint::default();
    }
    // So that nobody takes what is behind for all that there is.
    let began = log.last_position().await?;
    let states = Arc::new(States::new(kinds, store, checkpoint.position, began));
    log.cache().keep(states.clone());
    let following = log.clone();
    log.tasks().spawn("states", async move { follow(&following, states, checkpoint).await });
    Ok(())
}

/// Whether the event at the checkpoint is the one that the states were made from.
async fn is_of_this_log(log: &Log, checkpoint: Checkpoint) -> Result<bool, LogError> {
    let stored = history::read_one(log.session(), definitions::EVENTS, checkpoint.position).await?;
    let event_id = stored.and_then(|stored| codec::event_id(Some(&stored.headers)));
    Ok(event_id.unwrap_or_default() == checkpoint.event_id && !checkpoint.event_id.is_nil())
}

/// After the connection was lost: whether the log is still the one that was followed.
async fn returned(log: &Log, checkpoint: Checkpoint) -> Result<bool, LogError> {
    loop {
        if checkpoint.position == 0 {
            return Ok(true);
        }
        match is_of_this_log(log, checkpoint).await {
            Err(LogError::ShutDown) => return Err(LogError::ShutDown),
            // It isn't back yet.
            Err(_) => log.session().pause(Duration::from_millis(100)).await?,
            found => return found,
        }
    }
}

async fn follow(log: &Log, states: Arc<States>, mut checkpoint: Checkpoint) -> Ended {
    let stop = log.session().stop.clone();
    let events = match log.tail(checkpoint.position + 1, Vec::new()).await {
        Ok(events) => events,
        Err(LogError::ShutDown) => return Ended::Broken("it was stopped"),
        Err(error) => {
            // Loads go on by asking the log.
            tracing::error!(%error, "the log can't be followed; states are folded from their aggregates' events");
            states.broken.store(true, Ordering::Relaxed);
            return Ended::NothingLeft;
        }
    };
    let mut events = std::pin::pin!(events.ready_chunks(AT_ONCE));
    let mut writing: Option<JoinHandle<()>> = None;
    let mut write_at = Instant::now() + WRITTEN_AFTER;
    let (session, mut reached) = (log.session(), checkpoint.position);
    let mut epoch = session.epoch();
    loop {
        let chunk = tokio::select! {
            chunk = events.next() => chunk,
            () = session.lost(epoch) => {
                match returned(log, checkpoint).await {
                    Ok(true) => epoch = session.epoch(),
                    Ok(false) => return Ended::Broken("NATS came back with another log"),
                    Err(_) => return Ended::Broken("it was stopped"),
                }
                continue;
            }
            () = sleep_until(write_at), if states.changed() > 0 && writing.is_none() => {
                writing = Some(write(log, &states, checkpoint));
                continue;
            }
            written = async { writing.as_mut().expect("checked").await }, if writing.is_some() => {
                writing = None;
                write_at = Instant::now() + WRITTEN_AFTER;
                if let Err(panic) = written {
                    tracing::error!(%panic, "writing states panicked");
                    return Ended::Broken("writing states panicked");
                }
                continue;
            }
        };
        let Some(chunk) = chunk else { break };
        for tailed in chunk {
            match tailed {
                Ok(Tailed { recorded, expected, pending }) => {
                    states.take(log.cache(), &recorded, expected);
                    checkpoint = Checkpoint { position: recorded.position, event_id: recorded.metadata.event_id };
                    metrics::gauge!("steward_states_behind_events").set(pending as f64);
                }
                Err(error) => {
                    tracing::debug!(%error, "a message on an event's subject is none");
                    if let LogError::Malformed { position, .. } = error {
                        reached = reached.max(position);
                    }
                }
            }
        }
        reached = reached.max(checkpoint.position);
        states.reached.send_replace(reached);
        if states.is_broken() {
            return Ended::NothingLeft;
        }
        let changed = states.changed();
        if changed >= WAITING_AT_MOST
            && let Some(busy) = writing.take()
        {
            let _ = busy.await;
        }
        if changed >= WRITTEN_AT && writing.is_none() {
            writing = Some(write(log, &states, checkpoint));
        }
        // A handler that waits for one of these events goes first.
        tokio::task::yield_now().await;
    }
    if let Some(busy) = writing {
        let _ = busy.await;
    }
    let _ = write(log, &states, checkpoint).await;
    debug_assert!(stop.is_cancelled());
    Ended::Broken("it was stopped")
}

fn write(log: &Log, states: &Arc<States>, checkpoint: Checkpoint) -> JoinHandle<()> {
    let (log, states) = (log.clone(), states.clone());
    spawn_blocking(move || states.write(log.cache(), checkpoint))
}
