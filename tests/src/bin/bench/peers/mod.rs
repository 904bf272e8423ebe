//! Others of the kind, measured with our work on our machine, so that a figure stands beside theirs of the same hour. They are
//! installed in the target folder; what isn't there is said and left out.

pub mod ingest;
pub mod store;
pub mod timers;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use tokio::process::Command;

/// Where the peers' sources stand.
const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/peers");

/// A folder beside this program's, where a peer is installed or built.
fn folder(name: &str) -> Result<PathBuf> {
    let program = std::env::current_exe()?;
    let target = program.parent().and_then(Path::parent).context("this program is in a target folder")?;
    let folder = target.join("peers").join(name);
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// Runs a command to its end.
async fn finish(command: &mut Command) -> Result<()> {
    let output = command.kill_on_drop(true).output().await.with_context(|| format!("{command:?}"))?;
    ensure!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(())
}
