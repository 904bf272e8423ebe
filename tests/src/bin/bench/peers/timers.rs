//! P2's and P3's peers: graphile-worker, pg-boss and Restate, each with a handler that notes when a job begins.

use std::{path::PathBuf, process::Stdio};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use serde_json::json;
use tokio::process::Command;

use super::{SOURCES, finish, folder};
use crate::{place::Place, report::Parts, report::figure, stats::Samples};

/// A peer's name and its script.
const PEERS: [(&str, &str); 3] =
    [("graphile-worker", "graphile-worker.mjs"), ("pg-boss", "pg-boss.mjs"), ("Restate", "restate.mjs")];

/// The work: so many that wait, so many that become due at a rate; then the bursts.
pub struct Work {
    pub pending: usize,
    pub rate: usize,
    pub count: usize,
    pub bursts: Vec<usize>,
}

/// What a script tells of a case.
#[derive(Deserialize)]
struct Told {
    case: String,
    #[serde(default)]
    count: usize,
    lateness: Vec<f64>,
}

/// Measures every peer, and says which couldn't be.
pub async fn measure(place: &Place, work: &Work, parts: &mut Parts) -> Result<()> {
    let folder = match installed().await {
        Ok(folder) => folder,
        Err(error) => {
            parts.missing("the peers on Node.js", &error);
            return Ok(());
        }
    };
    for (name, script) in PEERS {
        match play(&folder, script, &place.masters()?.postgres, work).await {
            Ok(told) => told.into_iter().for_each(|told| report(name, told, work, parts)),
            Err(error) => parts.missing(name, &error),
        }
    }
    Ok(())
}

/// Node's modules resolve from where a script stands, so the scripts are copied to the modules.
async fn installed() -> Result<PathBuf> {
    let folder = folder("node")?;
    for entry in std::fs::read_dir(SOURCES)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            std::fs::copy(entry.path(), folder.join(entry.file_name()))?;
        }
    }
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock"]).current_dir(&folder);
    finish(&mut npm).await?;
    Ok(folder)
}

async fn play(folder: &std::path::Path, script: &str, postgres: &str, work: &Work) -> Result<Vec<Told>> {
    let timers = json!({ "pending": work.pending, "rate": work.rate, "count": work.count });
    let argument = json!({ "timers": timers, "bursts": work.bursts, "store": postgres }).to_string();
    let mut command = Command::new("node");
    command.arg(folder.join(script)).arg(argument).env("NO_LOG_SUCCESS", "1").stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await.context("node")?;
    let errors = String::from_utf8_lossy(&output.stderr);
    let error = errors.lines().find(|line| line.contains("Error")).unwrap_or_default();
    ensure!(output.status.success(), "it failed: {error}");
    // They may log to standard output as well.
    let said = String::from_utf8_lossy(&output.stdout);
    let lines = said.lines().filter(|line| line.starts_with("{\"case\""));
    lines.map(|line| Ok(serde_json::from_str(line)?)).collect()
}

fn report(name: &str, told: Told, work: &Work, parts: &mut Parts) {
    let mut lateness = Samples::default();
    told.lateness.iter().for_each(|ms| lateness.add_ms(*ms));
    let mut figures = lateness.figures();
    figures.push(figure("early", lateness.below_zero() as f64, ""));
    if told.case == "timers" {
        parts.reference(format!("{name}: {} pending, {} due at {}/s", work.pending, work.count, work.rate), figures);
        return;
    }
    let all = lateness.quantile(1.0);
    figures.insert(0, figure("begun", told.count as f64 / (all / 1e3), "/s"));
    parts.reference(format!("{name}: {} in one instant", told.count), figures);
}
