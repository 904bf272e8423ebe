//! File descriptors: how many this process may have open.

use rustix::process::{Resource, getrlimit, setrlimit};
use tracing::warn;

/// How many everything but the HTTP connections needs: the log, Postgres, sends, mailboxes, files.
const OURS: u64 = 256;

/// Raises the limit to what the system allows; returns how many of the `wanted` connections there is room for.
pub fn room_for(wanted: usize) -> usize {
    let mut limit = getrlimit(Resource::Nofile);
    let needed = wanted as u64 + OURS;
    if limit.current.is_some_and(|current| current < needed) && limit.current != limit.maximum {
        limit.current = limit.maximum;
        if let Err(problem) = setrlimit(Resource::Nofile, limit) {
            warn!(%problem, "the limit of open files can't be raised");
        }
    }
    let Some(most) = getrlimit(Resource::Nofile).current else { return wanted };
    let room = usize::try_from(most.saturating_sub(OURS).max(most / 2)).unwrap_or(wanted);
    if room < wanted {
        warn!(
            "{most} open files leave room for {room} connections instead of {wanted}: raise LimitNOFILE, or lower [limits] connections"
        );
    }
    room.min(wanted)
}
