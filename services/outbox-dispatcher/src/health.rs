//! What the dispatcher says of itself: whether it can go on for whoever comes next.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use steward_log::{Condition, Log};
use tokio_util::sync::CancellationToken;

use crate::line::{Line, Room};

/// Notes the end of the sending when it is dropped.
pub struct Alive {
    ended: Arc<AtomicBool>,
    shutdown: CancellationToken,
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.ended.store(!self.shutdown.is_cancelled(), Ordering::Relaxed);
    }
}

/// Registers the part `sending`, which is well while what is returned lives and there is room. One slow channel is no reason
/// to be unready: its sends wait beside the others', and the metrics tell of them.
pub fn register(log: &Log, room: Room, lines: Vec<Arc<Line>>, shutdown: CancellationToken) -> Alive {
    let ended = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&ended);
    log.health().register("sending", move || {
        if seen.load(Ordering::Relaxed) {
            return Condition::Dead("it has ended".to_owned());
        }
        let waits = lines.iter().map(|line| (line.note(), line.channel()));
        let longest = waits.max_by_key(|((_, oldest), _)| *oldest);
        match longest {
            Some(((waiting, oldest), channel)) if room.is_full() => Condition::Behind(format!(
                "there is no room for more: on the channel {channel} alone {waiting} sends wait, the oldest for {} s",
                oldest.as_secs()
            )),
            _ => Condition::Well,
        }
    });
    Alive { ended, shutdown }
}
