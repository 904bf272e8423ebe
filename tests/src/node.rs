//! JavaScript programs that tests need: a folder of packages beside the binaries, made once for each set of them.

use std::{fs::File, path::PathBuf};

use anyhow::{Context, ensure};
use tokio::process::Command;

use crate::binary;

/// The folder whose `node_modules` holds these packages, each with its version. A script that imports them stands in it.
pub async fn folder(name: &str, packages: &'static [&'static str]) -> anyhow::Result<PathBuf> {
    let steward = binary::steward()?;
    let target = steward.ancestors().nth(2).context("the binary is in a target directory")?.to_owned();
    let folder = target.join(format!("{name}-node"));
    let lock = target.join(format!("{name}-node.lock"));
    // Tests run at the same time in several processes: one of them makes the folder, the others wait.
    let lock = tokio::task::spawn_blocking(move || {
        let file = File::create(lock)?;
        file.lock()?;
        anyhow::Ok(file)
    });
    let _lock = lock.await??;
    let complete = folder.join("complete");
    let wanted = packages.join("\n");
    if std::fs::read_to_string(&complete).ok().as_deref() != Some(&wanted) {
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join("package.json"), "{ \"private\": true }")?;
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock"]).args(packages);
        let output =
            npm.current_dir(&folder).kill_on_drop(true).output().await.context("npm, which comes with Node")?;
        ensure!(output.status.success(), "npm {packages:?}: {}", String::from_utf8_lossy(&output.stderr));
        std::fs::write(&complete, wanted)?;
    }
    Ok(folder)
}
