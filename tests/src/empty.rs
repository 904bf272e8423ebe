//! An empty database, made once per build of `steward` and copied for each system under test.
//!
//! Making one takes seconds, and there are more than a hundred systems. The tests of `steward` itself cover a first
//! start that makes its own.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, SystemTime},
};

use anyhow::{Context, ensure};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::{Value, json};

use crate::binary;

/// The part of a data directory that is copied: the cluster, with the password that opens it.
const CLUSTER: &str = "postgres";
const ACCESS: &str = "servers.json";

/// The folder to copy from begins with this; the time at which its `steward` was built follows.
const PREFIX: &str = "steward-empty-";

/// Longest time the first start may take: the servers may have to be fetched.
const LIMIT: Duration = Duration::from_secs(120);

/// Puts an empty database into the data directory `data`, if it has none yet. If that fails, there is none, and the
/// system makes its own.
pub fn database(data: &Path) {
    if data.exists() {
        return;
    }
    if let Err(problem) = made().and_then(|made| copy(&made, data)) {
        eprintln!("no database to copy: {problem:#}");
        let _ = fs::remove_dir_all(data);
    }
}

/// Copies the files with their owner: root runs Postgres as another user, to whom they belong.
fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to)?;
    for part in [CLUSTER, ACCESS] {
        let copied = Command::new("cp").arg("-a").arg(from.join(part)).arg(to).status()?;
        ensure!(copied.success(), "{part} can't be copied to {}", to.display());
    }
    Ok(())
}

/// The data directory to copy from, in the build folder; it is made if it doesn't exist.
fn made() -> anyhow::Result<PathBuf> {
    let steward = binary::steward()?;
    let built = fs::metadata(&steward)?.modified()?.duration_since(SystemTime::UNIX_EPOCH)?;
    let own = std::env::current_exe()?;
    let folder = own.parent().context("a program stands in a folder")?;
    let place = folder.join(format!("{PREFIX}{}", built.as_micros()));
    if place.is_dir() {
        return Ok(place);
    }
    // It is made where any user may enter, which the build folder may not allow.
    let scratch = tempfile::tempdir()?;
    fs::set_permissions(scratch.path(), fs::Permissions::from_mode(0o755))?;
    let data = scratch.path().join("data");
    start_and_stop(&steward, &data)?;
    let mut access: Value = serde_json::from_slice(&fs::read(data.join(ACCESS))?)?;
    // Each copy chooses ports of its own.
    access["nats"]["port"] = json!(0);
    access["postgres"]["port"] = json!(0);
    fs::write(data.join(ACCESS), access.to_string())?;
    let making = tempfile::tempdir_in(folder)?;
    let whole = making.path().join("whole");
    copy(&data, &whole)?;
    let older = fs::read_dir(folder)?.flatten().map(|entry| entry.path());
    let older: Vec<_> =
        older.filter(|p| p.file_name().is_some_and(|n| n.to_string_lossy().starts_with(PREFIX))).collect();
    match fs::rename(&whole, &place) {
        Ok(()) => older.into_iter().try_for_each(fs::remove_dir_all)?,
        // Another test may have been faster.
        Err(problem) => ensure!(place.is_dir(), "{}: {problem}", place.display()),
    }
    Ok(place)
}

fn start_and_stop(steward: &Path, data: &Path) -> anyhow::Result<()> {
    let mut child = Command::new(steward)
        .arg("servers")
        .arg("--data-dir")
        .arg(data)
        .current_dir("/")
        .env("STEWARD_LOG", "warn")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()?;
    let start = std::time::Instant::now();
    while !data.join("run.json").exists() {
        ensure!(child.try_wait()?.is_none() && start.elapsed() < LIMIT, "the servers don't start");
        std::thread::sleep(Duration::from_millis(20));
    }
    kill(Pid::from_raw(child.id().try_into()?), Signal::SIGTERM)?;
    ensure!(child.wait()?.success(), "the servers don't stop in order");
    Ok(())
}
