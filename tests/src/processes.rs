//! The processes of a system under test: started, found by their data directory, and killed.
//!
//! They stay in our process group, so that Ctrl-C in a terminal stops them as well.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use anyhow::{Context, ensure};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::process::{Child, Command};

/// One `steward` process.
#[derive(Debug)]
pub struct Process {
    pub name: String,
    child: Child,
    pub pid: i32,
}

impl Process {
    /// Starts `binary` with its output appended to `output`.
    pub fn start(name: &str, mut command: Command, output: &Path) -> anyhow::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(output)?;
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file).kill_on_drop(true);
        let child = command.spawn().with_context(|| format!("starting {name}"))?;
        let pid = child.id().context("it has just been started")?.try_into()?;
        Ok(Self { name: name.to_owned(), child, pid })
    }

    /// How the process ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Kills the process with `kill -9`, and waits for its end.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        if self.ended().is_none() {
            let _ = kill(Pid::from_raw(self.pid), Signal::SIGKILL);
            self.child.wait().await?;
        }
        Ok(())
    }

    /// Asks the process to stop with SIGTERM, and waits for its end; returns how it ended, and how long that took.
    pub async fn stop(&mut self, within: Duration) -> anyhow::Result<(ExitStatus, Duration)> {
        let asked = std::time::Instant::now();
        if self.ended().is_none() {
            kill(Pid::from_raw(self.pid), Signal::SIGTERM)?;
        }
        let ended = tokio::time::timeout(within, self.child.wait()).await;
        let status = ended.with_context(|| format!("{} did not stop within {within:?}", self.name))??;
        Ok((status, asked.elapsed()))
    }
}

/// One of the managed servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Server {
    Nats,
    Postgres,
}

impl Server {
    fn program(self) -> &'static str {
        match self {
            Self::Nats => "nats-server",
            Self::Postgres => "postgres",
        }
    }
}

/// The managed server of this data directory, if it runs.
pub fn server(data: &Path, server: Server) -> Option<i32> {
    started_with(data).into_iter().find(|(_, program)| program == server.program()).map(|(pid, _)| pid)
}

/// Kills a managed server; returns whether there was one.
pub fn kill_server(data: &Path, which: Server) -> bool {
    server(data, which).is_some_and(|pid| kill(Pid::from_raw(pid), Signal::SIGKILL).is_ok())
}

/// Kills at once all processes whose command line names this data directory.
pub fn kill_all(data: &Path) {
    for (pid, _) in started_with(data) {
        let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
    }
}

/// The processes whose command line names this directory, with the names of their programs.
pub fn started_with(data: &Path) -> Vec<(i32, String)> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let wanted = data.as_os_str().as_encoded_bytes();
    let pids = entries.flatten().filter_map(|e| e.file_name().to_str()?.parse::<i32>().ok());
    let mut found = Vec::new();
    for pid in pids {
        let Ok(command) = fs::read(format!("/proc/{pid}/cmdline")) else { continue };
        if command.windows(wanted.len()).any(|w| w == wanted) {
            let program = command.split(|b| *b == 0).next().unwrap_or_default();
            let program = PathBuf::from(String::from_utf8_lossy(program).into_owned());
            let name = program.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            found.push((pid, name));
        }
    }
    found
}

/// The same with what they have started themselves, as Postgres does for each connection, under the starter's name.
pub fn family(data: &Path) -> BTreeMap<i32, String> {
    let own = started_with(data);
    let children = own.iter().flat_map(|(pid, program)| {
        let listed = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        let children = listed.split_whitespace().filter_map(|child| child.parse().ok());
        children.map(|child: i32| (child, program.clone())).collect::<Vec<_>>()
    });
    children.chain(own.clone()).collect()
}

/// Resident memory in bytes.
pub fn resident_memory(pid: i32) -> anyhow::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:")).context("a process has a VmRSS")?;
    let kilobytes: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kilobytes * 1024)
}

/// Processor time used so far, in user and kernel mode.
pub fn processor_time(pid: i32) -> anyhow::Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name in brackets may hold spaces. The fields from the third on come after it.
    let fields: Vec<&str> = stat.rsplit_once(')').context("a stat line")?.1.split_whitespace().collect();
    ensure!(fields.len() > 12, "a short stat line");
    let ticks: u64 = fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
    let per_second = nix::unistd::sysconf(nix::unistd::SysconfVar::CLK_TCK)?.context("clock ticks")?;
    Ok(Duration::from_secs_f64(ticks as f64 / per_second as f64))
}

/// The last lines of a log, for the message of a failing test.
pub fn tail(path: &Path, lines: usize) -> String {
    use std::io::{Read as _, Seek as _, SeekFrom};
    let read = || -> std::io::Result<String> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(64 * 1024)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let text = read().unwrap_or_default();
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}
