//! The environment that child processes get: what they need to run, and none of our tokens.

use std::{ffi::OsStr, path::Path};

use tokio::process::Command;

/// Variables that every child gets.
const ALWAYS: &[&str] = &["PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH"];

/// Variables that bound the memory and the processors of a Go program; an operator sets them for the nats-server.
const GO: &[&str] = &["GOMEMLIMIT", "GOMAXPROCS", "GOGC"];

/// Variables that pip needs to find its index and to trust it, beside all of `PIP_…`.
const PIP: &[&str] = &[
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "XDG_CONFIG_HOME",
    "XDG_CONFIG_DIRS",
    "VIRTUAL_ENV",
    "PYTHONPATH",
    "PYTHONHOME",
    "NETRC",
];

fn passing(program: impl AsRef<OsStr>, fits: impl Fn(&str) -> bool) -> Command {
    let mut command = Command::new(program);
    command.env_clear();
    command.envs(std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(&fits)));
    command
}

/// A command with the environment that every program needs.
pub(super) fn plain(program: impl AsRef<OsStr>) -> Command {
    passing(program, |name| ALWAYS.contains(&name))
}

/// A command with the environment of the nats-server.
pub(super) fn go(program: &Path) -> Command {
    passing(program, |name| ALWAYS.contains(&name) || GO.contains(&name))
}

/// A command with the environment of pip, or of the Python that runs it.
pub(super) fn pip(program: &str) -> Command {
    passing(program, |name| ALWAYS.contains(&name) || PIP.contains(&name) || name.starts_with("PIP_"))
}
