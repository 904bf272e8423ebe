//! Finding the `steward` binary under test.

use std::{path::PathBuf, process::Command, sync::OnceLock};

use anyhow::{Context, ensure};

/// The binary: `$STEWARD_BIN`, or the one built with these tests, which is built now if it doesn't exist.
pub fn steward() -> anyhow::Result<PathBuf> {
    static FOUND: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    FOUND.get_or_init(|| find().map_err(|e| format!("{e:#}"))).clone().map_err(anyhow::Error::msg)
}

/// The root folder of the workspace.
pub fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().expect("this crate is a folder of the workspace").to_owned()
}

fn find() -> anyhow::Result<PathBuf> {
    if let Some(given) = std::env::var_os("STEWARD_BIN") {
        return Ok(given.into());
    }
    // target/<profile>/deps/<test> or target/<profile>/<program>
    let own = std::env::current_exe()?;
    let folder = own.parent().context("a program stands in a folder")?;
    let profile = if folder.ends_with("deps") { folder.parent().context("deps is in target")? } else { folder };
    let binary = profile.join("steward");
    if !binary.exists() {
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--package", "steward", "--bin", "steward"]).current_dir(repository());
        if profile.ends_with("release") {
            build.arg("--release");
        }
        ensure!(build.status()?.success(), "steward could not be built");
    }
    ensure!(binary.exists(), "there is no {}: build the workspace first", binary.display());
    Ok(binary)
}
