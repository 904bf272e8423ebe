//! What the kernel says about a process: memory, time on a core, children.

use std::{collections::HashMap, fs, time::Duration};

use crate::report::{Figure, figure};

/// The process's resident memory, in MB.
pub fn resident_mb(pid: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<f64>().map_or(0.0, |kb| kb / 1_024.0)
}

/// How long all threads of the process have had a core.
pub fn cpu(pid: u32) -> Duration {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return Duration::ZERO };
    let of = |thread: fs::DirEntry| -> Option<u64> {
        fs::read_to_string(thread.path().join("schedstat")).ok()?.split(' ').next()?.parse().ok()
    };
    Duration::from_nanos(threads.flatten().filter_map(of).sum())
}

/// The process's children and theirs, with the names of their programs.
pub fn descendants(pid: u32) -> Vec<(u32, String)> {
    let mut children: HashMap<u32, Vec<(u32, String)>> = HashMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        // The name is in parentheses and may hold anything.
        let Some((name, rest)) = stat.split_once('(').and_then(|(_, rest)| rest.rsplit_once(')')) else { continue };
        let Some(parent) = rest.split_whitespace().nth(1).and_then(|parent| parent.parse().ok()) else { continue };
        children.entry(parent).or_default().push((pid, name.to_owned()));
    }
    let mut found = Vec::new();
    let mut parents = vec![pid];
    while let Some(parent) = parents.pop() {
        for (pid, name) in children.remove(&parent).unwrap_or_default() {
            parents.push(pid);
            found.push((pid, name));
        }
    }
    found
}

/// The time on a core that a process takes per unit of work, with that of its children apart. A busy machine doesn't
/// distort it.
pub struct Meter {
    pid: u32,
    children: Vec<(u32, String)>,
    before: Duration,
    before_nats: Duration,
}

impl Meter {
    /// Begins to count for `pid`; nats-server is looked for among the descendants of `servers`.
    pub fn start(pid: u32, servers: u32) -> Self {
        let mut children = descendants(servers);
        children.retain(|(_, program)| program.starts_with("nats-server"));
        let mut meter = Self { pid, children, before: Duration::ZERO, before_nats: Duration::ZERO };
        (meter.before, meter.before_nats) = meter.now();
        meter
    }

    fn now(&self) -> (Duration, Duration) {
        (cpu(self.pid), self.children.iter().map(|(pid, _)| cpu(*pid)).sum())
    }

    /// How many microseconds steward and nats-server took for each of `count`.
    pub fn per(&self, count: f64) -> [Figure; 2] {
        let (now, nats) = self.now();
        let each = |spent: Duration| spent.as_secs_f64() * 1e6 / count.max(1.0);
        [
            figure("steward's core", each(now.saturating_sub(self.before)), "µs"),
            figure("nats-server's core", each(nats.saturating_sub(self.before_nats)), "µs"),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_memory_time_and_children() {
        let mut child = std::process::Command::new("cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
        let us = std::process::id();
        assert!(resident_mb(us) > 0.5);
        assert!(cpu(us) > Duration::ZERO);
        assert!(descendants(us).iter().any(|(pid, _)| *pid == child.id()));
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
