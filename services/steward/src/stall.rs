//! Whether the runtime still runs: a thread beside it notices when no task gets its turn.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

/// How often a task of the runtime reports that it had its turn.
const TICK: Duration = Duration::from_secs(1);

/// After this long without a turn the runtime is stalled: something works on its threads that should work beside them.
const STALLED: Duration = Duration::from_secs(10);

/// Ticks until the shutdown, while a thread of its own watches for the ticks.
pub async fn watch(shutdown: CancellationToken) -> Result<(), String> {
    let began = Instant::now();
    let (ticked, over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let (seen, end) = (Arc::clone(&ticked), Arc::clone(&over));
    thread::Builder::new()
        .name("stall-watch".to_owned())
        .spawn(move || look(began, &seen, &end))
        .map_err(|problem| format!("no thread can be started: {problem}"))?;
    let mut tick = tokio::time::interval(TICK);
    while shutdown.run_until_cancelled(tick.tick()).await.is_some() {
        ticked.store(millis(began.elapsed()), Ordering::Relaxed);
    }
    over.store(true, Ordering::Relaxed);
    Ok(())
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

fn look(began: Instant, ticked: &AtomicU64, over: &AtomicBool) {
    let mut said = false;
    while !over.load(Ordering::Relaxed) {
        thread::sleep(TICK);
        let since = Duration::from_millis(millis(began.elapsed()).saturating_sub(ticked.load(Ordering::Relaxed)));
        let stalled = since >= STALLED;
        metrics::gauge!("steward_runtime_stalled_seconds").set(if stalled { since.as_secs_f64() } else { 0.0 });
        match (stalled, said) {
            (true, false) => error!("no task had its turn for {} s: the process does no work", since.as_secs()),
            (false, true) => warn!("tasks have their turns again"),
            _ => {}
        }
        said = stalled;
    }
}
