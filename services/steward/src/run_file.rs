//! `run.json` and `credentials.json` in the data directory: where a running Steward is found, and under which users.

use std::{
    collections::BTreeMap,
    fmt, fs, io,
    path::{Path, PathBuf},
};

use nix::{errno::Errno, sys::signal::kill, unistd::Pid};
use serde::{Deserialize, Serialize};

use crate::{
    config::Secret,
    servers::{DataDir, write_private},
};

/// Where everything is. The URLs work as they stand; those of managed servers are a reader's, who can't change
/// anything. The file has mode 0600 all the same, because a reader sees every conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunFile {
    pub pid: u32,
    pub version: String,
    /// The URL of the HTTP listener; `null` while only the servers run.
    pub http: Option<String>,
    pub nats: Option<String>,
    pub postgres: Option<String>,
}

/// `credentials.json`, with mode 0600: the URLs of the managed servers for each user; empty for a server that isn't
/// managed.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// `admin`, `steward` (all services in one process), one for each service, `operator` (the command line), `reader`.
    pub nats: BTreeMap<String, String>,
    /// `owner`, `projector`, `reader`.
    pub postgres: BTreeMap<String, String>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let users = |of: &BTreeMap<String, String>| of.keys().cloned().collect::<Vec<_>>();
        write!(f, "Credentials of {:?} and {:?}", users(&self.nats), users(&self.postgres))
    }
}

impl Credentials {
    /// The URLs of the servers that the process using this data directory runs.
    pub fn read(data: &DataDir) -> Option<Self> {
        serde_json::from_slice(&fs::read(data.join(CREDENTIALS)).ok()?).ok()
    }

    pub fn nats(&self, user: &str) -> Option<Secret> {
        self.nats.get(user).map(Secret::new)
    }

    pub fn postgres(&self, role: &str) -> Option<Secret> {
        self.postgres.get(role).map(Secret::new)
    }
}

const RUN: &str = "run.json";
const CREDENTIALS: &str = "credentials.json";

impl RunFile {
    pub fn of_this_process(http: Option<String>, nats: Option<String>, postgres: Option<String>) -> Self {
        Self { pid: std::process::id(), version: env!("CARGO_PKG_VERSION").to_owned(), http, nats, postgres }
    }

    /// What the process that uses the data directory has written; `None` if there is no such process.
    pub fn read(data: &DataDir) -> Option<Self> {
        let file: Self = serde_json::from_slice(&fs::read(data.join(RUN)).ok()?).ok()?;
        // A process that was killed leaves its file behind.
        let runs = !matches!(kill(Pid::from_raw(i32::try_from(file.pid).ok()?), None), Err(Errno::ESRCH));
        runs.then_some(file)
    }

    /// Writes both files, each whole or not at all. They are removed when the returned value is dropped.
    pub fn publish(&self, credentials: &Credentials, data: &DataDir) -> io::Result<Published> {
        let write = |path: &Path, text: serde_json::Result<Vec<u8>>| {
            write_private(path, &text.expect("texts and numbers are always JSON"))
        };
        let published = Published([data.join(RUN), data.join(CREDENTIALS)]);
        // The credentials come first, so that whoever finds `run.json` finds them as well.
        write(&published.0[1], serde_json::to_vec_pretty(credentials))?;
        write(&published.0[0], serde_json::to_vec_pretty(self))?;
        Ok(published)
    }
}

/// The files that others may read now.
#[derive(Debug)]
pub struct Published([PathBuf; 2]);

impl Drop for Published {
    fn drop(&mut self) {
        for path in &self.0 {
            let _ = fs::remove_file(path);
        }
    }
}
