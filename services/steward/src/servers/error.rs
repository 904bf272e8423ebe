//! Why the managed servers can't be had or started, each reason with its remedy.

use std::{io, path::PathBuf};

/// A managed server can't be had or doesn't start.
#[derive(Debug, thiserror::Error)]
pub enum ServersError {
    #[error(
        "another steward (pid {pid}) uses the data directory {}: stop it, or give this one its own with --data-dir", path.display()
    )]
    InUse { path: PathBuf, pid: String },
    #[error("can't use the data directory: {what} {}: {cause}; choose a place this user may write with --data-dir", path.display())]
    DataDir { what: &'static str, path: PathBuf, cause: io::Error },
    #[error("no {program} {wanted} here, and none could be fetched ({cause}): {remedy}")]
    Missing { program: &'static str, wanted: &'static str, cause: String, remedy: &'static str },
    #[error("{} is named by {variable} but {problem}: point it to {expected}, or unset it", path.display())]
    NamedBinary { variable: &'static str, path: PathBuf, problem: String, expected: &'static str },
    #[error(
        "the data under {} was made by PostgreSQL {major}, and there is no such version here: install it, or set STEWARD_POSTGRES_BIN to its bin directory", path.display()
    )]
    OtherMajor { path: PathBuf, major: u32 },
    #[error(
        "PostgreSQL refuses to run as root, and there is neither a user `postgres` nor `nobody` to run it as: add one, run steward as an ordinary user, or set postgres.url"
    )]
    NoUnprivilegedUser,
    #[error("{program} did not start: {cause}; its log is {}", log.display())]
    Start { program: &'static str, cause: String, log: PathBuf },
    #[error("the start was interrupted")]
    Interrupted,
}

impl ServersError {
    pub(super) fn data_dir(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |cause| Self::DataDir { what, path, cause }
    }
}
