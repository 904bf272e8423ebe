//! Servers that an earlier run left behind: found by what they were started with, stopped before new ones.

use std::{fs, path::Path, time::Duration};

use nix::{
    errno::Errno,
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tracing::warn;

/// How long an orphan may take to stop after it was asked to.
const PATIENCE: Duration = Duration::from_secs(8);

/// Stops every process named `program` that was started with `argument`, the path of our configuration or data.
pub(super) async fn stop(program: &str, argument: &Path, signal: Signal) {
    for pid in find(program, argument) {
        warn!(program, pid = pid.as_raw(), "stopping a server that an earlier run left behind");
        let Ok(watch) = Watch::on(pid) else { continue };
        // Makes sure that the process which is watched is still the one that was found.
        if !is_ours(pid, program, argument) {
            continue;
        }
        for signal in [signal, Signal::SIGKILL] {
            match kill(pid, signal) {
                Ok(()) => {}
                Err(Errno::ESRCH) => break,
                Err(errno) => {
                    warn!(program, pid = pid.as_raw(), %errno, "a server that an earlier run left can't be stopped")
                }
            }
            if watch.ended().await {
                break;
            }
        }
    }
}

/// Whether `pid` is a running `program` that was started with `argument`.
pub(super) fn is_ours(pid: Pid, program: &str, argument: &Path) -> bool {
    let Ok(line) = fs::read(format!("/proc/{pid}/cmdline")) else { return false };
    let mut words = line.split(|b| *b == 0).map(|word| Path::new(std::str::from_utf8(word).unwrap_or_default()));
    words.next().is_some_and(|first| first.file_name().is_some_and(|name| name == program))
        && words.any(|word| word == argument)
}

fn find(program: &str, argument: &Path) -> Vec<Pid> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok().map(Pid::from_raw))
        .filter(|pid| is_ours(*pid, program, argument))
        .collect()
}

/// Watches for the end of a process that isn't our child.
struct Watch {
    #[cfg(target_os = "linux")]
    fd: std::sync::Arc<std::os::fd::OwnedFd>,
    #[cfg(not(target_os = "linux"))]
    pid: Pid,
}

impl Watch {
    #[cfg(target_os = "linux")]
    fn on(pid: Pid) -> std::io::Result<Self> {
        use rustix::process::{Pid as RawPid, PidfdFlags, pidfd_open};
        let pid = RawPid::from_raw(pid.as_raw()).ok_or(std::io::ErrorKind::InvalidInput)?;
        Ok(Self { fd: std::sync::Arc::new(pidfd_open(pid, PidfdFlags::empty())?) })
    }

    /// Whether the process has ended within [`PATIENCE`]: its pidfd becomes readable then.
    #[cfg(target_os = "linux")]
    async fn ended(&self) -> bool {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let fd = self.fd.clone();
        let limit = Timespec { tv_sec: PATIENCE.as_secs() as i64, tv_nsec: 0 };
        let wait = move || poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&limit));
        tokio::task::spawn_blocking(wait).await.is_ok_and(|ended| ended.is_ok_and(|count| count > 0))
    }

    #[cfg(not(target_os = "linux"))]
    fn on(pid: Pid) -> std::io::Result<Self> {
        Ok(Self { pid })
    }

    /// Other systems have no handle on a foreign process, so it is looked for again and again.
    #[cfg(not(target_os = "linux"))]
    async fn ended(&self) -> bool {
        let gone = async {
            while kill(self.pid, None).is_ok() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, gone).await.is_ok()
    }
}
