//! Supervising a managed server as a child process: started, watched, started again, stopped in order.

use std::{
    collections::VecDeque,
    fs::{self, File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    rc::Rc,
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use steward_log::Backoff;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, ChildStderr, Command},
    sync::{Notify, oneshot},
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

use super::{error::ServersError, tether::tether};
use crate::disk;

/// A program to run, and what it says at turning points.
pub(super) struct Program {
    pub name: &'static str,
    pub command: Box<dyn Fn() -> Command>,
    /// A part of the line that it logs when it takes connections.
    pub ready: &'static str,
    /// A part of the line that it logs when its disk is full; set if it must be started again once there is room.
    pub full: Option<&'static str>,
    /// The signal that asks it to stop in order.
    pub stop: Signal,
    pub log: PathBuf,
}

/// Longest time from the start to readiness: a store of some hundred million messages takes a while to read.
const START_LIMIT: Duration = Duration::from_secs(600);
/// Longest time that a stop in order may take; then the server is killed.
const STOP_LIMIT: Duration = Duration::from_secs(4);
const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// A server that ran for this long was well, so the next waits before a restart are short again.
const WELL: Duration = Duration::from_secs(30);
/// The time between two looks at a full disk.
const LOOK_FOR_ROOM: Duration = Duration::from_secs(2);

/// A server that takes connections.
pub(super) struct Running {
    child: Child,
    reader: JoinHandle<VecDeque<String>>,
    full: Rc<Notify>,
    since: Instant,
}

impl Program {
    /// Starts the server and waits until it takes connections. On `stop` it gives up, and stops the server again.
    ///
    /// # Errors
    /// The server ended instead, and the cause is what it said last; or it was given up.
    pub async fn start(&self, stop: &CancellationToken) -> Result<Running, ServersError> {
        let failed = |cause: String| ServersError::Start { program: self.name, cause, log: self.log.clone() };
        let mut command = (self.command)();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        tether(&mut command, self.stop);
        let mut child = command.spawn().map_err(|e| failed(format!("it can't be run: {e}")))?;
        let stderr = child.stderr.take().expect("its stderr was asked for");
        let log = Log::open(&self.log).map_err(|e| failed(format!("its log can't be written: {e}")))?;
        let (ready, is_ready) = oneshot::channel();
        let full = Rc::new(Notify::new());
        let words = Words { ready: self.ready, full: self.full };
        let reader = tokio::task::spawn_local(read(self.name, stderr, log, words, ready, full.clone()));
        let since = Instant::now();
        tokio::select! {
            // A server that died while it became ready counts as one that never did.
            biased;
            status = child.wait() => Err(failed(last_words(status, reader).await)),
            Ok(()) = is_ready => {
                debug!(server = self.name, ms = since.elapsed().as_millis() as u64, "started");
                Ok(Running { child, reader, full, since })
            }
            () = stop.cancelled() => {
                self.stop(child).await;
                Err(ServersError::Interrupted)
            }
            () = sleep(START_LIMIT) => {
                let _ = child.kill().await;
                Err(failed(format!("it took no connections within {} s", START_LIMIT.as_secs())))
            }
        }
    }

    /// Keeps the server running until `stop`, then stops it in order.
    pub async fn keep(self, mut running: Running, stop: CancellationToken) {
        let mut backoff = Backoff::new(FIRST_WAIT, LONGEST_WAIT);
        loop {
            tokio::select! {
                status = running.child.wait() => {
                    if running.since.elapsed() > WELL {
                        backoff.reset();
                    }
                    let cause = last_words(status, running.reader).await;
                    warn!(server = self.name, cause, "a managed server ended; starting it again");
                }
                () = self.has_room_again(&running.full) => {
                    warn!(server = self.name, "there is room on the disk again; starting the managed server anew");
                    self.stop(running.child).await;
                }
                () = stop.cancelled() => return self.stop(running.child).await,
            }
            running = loop {
                if !backoff.pause(&stop).await {
                    return;
                }
                match self.start(&stop).await {
                    Ok(running) => break running,
                    Err(ServersError::Interrupted) => return,
                    Err(problem) => {
                        error!(server = self.name, %problem, "the managed server can't be started; trying again")
                    }
                }
            };
            info!(server = self.name, "the managed server runs again");
        }
    }

    /// Waits until the server says that its disk is full, and then until there is room again. Nothing reports when
    /// there is, so it looks from time to time.
    async fn has_room_again(&self, full: &Notify) {
        full.notified().await;
        warn!(server = self.name, "the disk is full: nothing can be recorded until there is room");
        while disk::free(&self.log).is_some_and(|free| free < disk::LEAST) {
            sleep(LOOK_FOR_ROOM).await;
        }
    }

    async fn stop(&self, mut child: Child) {
        let Some(pid) = child.id() else { return };
        let _ = kill(Pid::from_raw(pid as i32), self.stop);
        if timeout(STOP_LIMIT, child.wait()).await.is_err() {
            warn!(server = self.name, "the managed server didn't stop within {} s; killing it", STOP_LIMIT.as_secs());
            let _ = child.kill().await;
        }
    }
}

async fn last_words(status: std::io::Result<ExitStatus>, reader: JoinHandle<VecDeque<String>>) -> String {
    let status = status.map_or_else(|e| e.to_string(), |status| status.to_string());
    // Processes that it forked may hold the pipe open a little longer than it lived.
    match timeout(Duration::from_millis(300), reader).await {
        Ok(Ok(lines)) if !lines.is_empty() => {
            let complaint =
                |l: &&String| ["[ERR]", "[FTL]", "FATAL", "ERROR", "nats-server:"].iter().any(|w| l.contains(w));
            let line = lines.iter().rev().find(complaint).or(lines.back());
            format!("{} ({status})", line.map_or("", |l| l.trim()))
        }
        _ => status,
    }
}

/// What the server says at turning points.
struct Words {
    ready: &'static str,
    full: Option<&'static str>,
}

/// Reads what the server says to its end: writes it into the log file, and keeps the last lines in memory.
async fn read(
    name: &'static str,
    stderr: ChildStderr,
    mut log: Log,
    words: Words,
    tell: oneshot::Sender<()>,
    full: Rc<Notify>,
) -> VecDeque<String> {
    let mut tell = Some(tell);
    let mut last = VecDeque::with_capacity(20);
    let mut lines = BufReader::new(stderr).split(b'\n');
    while let Ok(Some(line)) = lines.next_segment().await {
        let line = String::from_utf8_lossy(&line).into_owned();
        debug!(server = name, "{line}");
        log.write(&line);
        // Batches are staged elsewhere, where room is seen to.
        if words.full.is_some_and(|words| line.contains(words)) && !line.contains("/batches/") {
            full.notify_one();
        }
        if line.contains(words.ready)
            && let Some(tell) = tell.take()
        {
            let _ = tell.send(());
        }
        if last.len() == 20 {
            last.pop_front();
        }
        last.push_back(line);
    }
    last
}

/// A log file of at most 10 MB; the one before it is kept as `….old`.
struct Log {
    path: PathBuf,
    file: File,
    size: u64,
}

const LOG_LIMIT: u64 = 10 * 1024 * 1024;

impl Log {
    fn open(path: &Path) -> std::io::Result<Self> {
        use std::os::unix::fs::OpenOptionsExt;
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir)?;
        }
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
        let size = file.metadata()?.len();
        Ok(Self { path: path.to_owned(), file, size })
    }

    /// A log file that can't be written must not stop the server.
    fn write(&mut self, line: &str) {
        if self.size > LOG_LIMIT {
            let _ = fs::rename(&self.path, self.path.with_extension("log.old"));
            if let Ok(new) = Self::open(&self.path) {
                *self = new;
            }
        }
        if writeln!(self.file, "{line}").is_ok() {
            self.size += line.len() as u64 + 1;
        }
    }
}
