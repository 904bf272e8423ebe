//! `run.json` in the data directory: where a running Steward is found.

use std::{fs, io, path::PathBuf};

use nix::{errno::Errno, sys::signal::kill, unistd::Pid};
use serde::{Deserialize, Serialize};

use crate::servers::{DataDir, write_private};

/// Where everything is. The URLs hold generated credentials and work as they stand, which is why the file's mode is 0600.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunFile {
    pub pid: u32,
    pub version: String,
    /// `null` while only the servers run.
    pub http: Option<String>,
    pub nats: Option<String>,
    pub postgres: Option<String>,
}

fn path(data: &DataDir) -> PathBuf {
    data.join("run.json")
}

impl RunFile {
    pub fn of_this_process(http: Option<String>, nats: Option<String>, postgres: Option<String>) -> Self {
        Self { pid: std::process::id(), version: env!("CARGO_PKG_VERSION").to_owned(), http, nats, postgres }
    }

    /// What the process that uses the data directory wrote; `None` if none does.
    pub fn read(data: &DataDir) -> Option<Self> {
        let file: Self = serde_json::from_slice(&fs::read(path(data)).ok()?).ok()?;
        // Left behind by one that was killed.
        let runs = !matches!(kill(Pid::from_raw(i32::try_from(file.pid).ok()?), None), Err(Errno::ESRCH));
        runs.then_some(file)
    }

    /// Writes it, whole or not at all; it goes when the result is dropped.
    pub fn publish(&self, data: &DataDir) -> io::Result<Published> {
        let text = serde_json::to_vec_pretty(self).expect("a run file is always JSON");
        write_private(&path(data), &text)?;
        Ok(Published(path(data)))
    }
}

/// A run file that others may read now.
#[derive(Debug)]
pub struct Published(PathBuf);

impl Drop for Published {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
