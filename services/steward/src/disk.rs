//! The room that is left on the disk where the managed servers keep their data.
//!
//! A nats-server whose disk is full doesn't answer at all, and whoever waits for it only meets a time-out; this says
//! why.

use std::path::Path;

use nix::sys::statvfs::statvfs;
use steward_log::Condition;

/// With fewer bytes than this Postgres can't switch to its next log segment (16 MB), and NATS is about to stand still.
pub const LEAST: u64 = 64 * 1024 * 1024;

/// How many bytes are free for us at `path`; `None` if the system doesn't say.
#[allow(clippy::useless_conversion, reason = "the numbers are narrower on other systems")]
pub fn free(path: &Path) -> Option<u64> {
    let disk = statvfs(path).ok()?;
    Some(u64::from(disk.blocks_available()).saturating_mul(u64::from(disk.fragment_size())))
}

/// The health of the disk: whether there is room to go on.
pub fn condition(path: &Path) -> Condition {
    match free(path) {
        Some(bytes) if bytes < LEAST => Condition::Behind(format!(
            "the disk of {} is full ({} MB left): nothing can be recorded until there is room",
            path.display(),
            bytes / (1024 * 1024)
        )),
        _ => Condition::Well,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_measured_and_a_place_that_is_not_there_is_no_alarm() {
        assert!(free(Path::new("/")).is_some_and(|bytes| bytes > 0));
        assert_eq!(condition(Path::new("/nonexistent")), Condition::Well);
    }
}
