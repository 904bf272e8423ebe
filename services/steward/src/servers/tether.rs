//! Ties a child's life to ours: whatever ends this process, also `kill -9`, the kernel tells the child to stop.

use nix::sys::signal::Signal;
use tokio::process::Command;

/// Makes the kernel send `signal` to the child when the *thread* that starts it ends, so start it from a thread that
/// lives as long as the process. The child is in a process group of its own: Ctrl-C in a terminal reaches only us, and
/// we stop the child in order.
#[allow(unsafe_code)]
pub(super) fn tether(command: &mut Command, signal: Signal) {
    command.process_group(0);
    #[cfg(target_os = "linux")]
    {
        let parent = nix::unistd::getpid();
        let tie = move || {
            nix::sys::prctl::set_pdeathsig(signal)?;
            // The parent may have died before the line above.
            if nix::unistd::getppid() != parent {
                return Err(std::io::Error::other("the parent is gone"));
            }
            Ok(())
        };
        // SAFETY: runs between fork and exec (after the change of user, which would clear the setting) and makes two
        // system calls, both of which are async-signal-safe; it allocates nothing unless it fails.
        unsafe {
            command.pre_exec(tie);
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = signal;
}
