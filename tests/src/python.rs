//! Python programs that tests need: a virtual environment beside the binaries, made once for each set of packages.

use std::{fs::File, path::PathBuf};

use anyhow::{Context, ensure};
use tokio::process::Command;

use crate::binary;

/// The interpreter of the environment `name`, which holds these packages, each with its version.
pub async fn interpreter(name: &str, packages: &'static [&'static str]) -> anyhow::Result<PathBuf> {
    let steward = binary::steward()?;
    let target = steward.ancestors().nth(2).context("the binary is in a target directory")?.to_owned();
    let environment = target.join(format!("{name}-venv"));
    let lock = target.join(format!("{name}-venv.lock"));
    // Tests run at the same time in several processes: one of them makes the environment, the others wait.
    let lock = tokio::task::spawn_blocking(move || {
        let file = File::create(lock)?;
        file.lock()?;
        anyhow::Ok(file)
    });
    let _lock = lock.await??;
    let complete = environment.join("complete");
    let wanted = packages.join("\n");
    if std::fs::read_to_string(&complete).ok().as_deref() != Some(&wanted) {
        let place = environment.to_str().context("a path in UTF-8")?;
        run("python3", &["-m", "venv", "--clear", place]).await?;
        let install = [&["install", "--quiet"], packages].concat();
        run(&format!("{place}/bin/pip"), &install).await?;
        std::fs::write(&complete, wanted)?;
    }
    Ok(environment.join("bin/python"))
}

/// Runs a program to its end, which must be a success.
pub async fn run(program: &str, arguments: &[&str]) -> anyhow::Result<()> {
    let output = Command::new(program).args(arguments).kill_on_drop(true).output().await?;
    ensure!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
