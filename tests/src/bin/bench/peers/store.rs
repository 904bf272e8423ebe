//! P5's peer: postgres-es, built by itself in the target folder.

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use tokio::process::Command;

use super::{SOURCES, finish, folder};
use crate::{
    options::Options,
    report::{Parts, figure},
};

#[derive(Deserialize)]
struct Told {
    case: String,
    per_s: f64,
    p50: f64,
    p99: f64,
    refused: f64,
}

/// Measures it; returns how many commands a second it took with 512 in flight.
pub async fn measure(postgres: &str, options: &Options, parts: &mut Parts) -> Option<f64> {
    match run(postgres, options).await {
        Ok(told) => {
            for one in &told {
                let case = match one.case.as_str() {
                    "many" => "1000 entities, 512 in flight",
                    "closed" => "1000 entities, 16 writers in a closed loop",
                    _ => "one hot entity, 8 writers",
                };
                let figures = vec![
                    figure("commands", one.per_s, "/s"),
                    figure("p50", one.p50, "ms"),
                    figure("p99", one.p99, "ms"),
                    figure("refused", one.refused, ""),
                ];
                parts.reference(format!("postgres-es: {case}"), figures);
            }
            told.first().map(|one| one.per_s)
        }
        Err(error) => {
            parts.missing("postgres-es", &error);
            None
        }
    }
}

async fn run(postgres: &str, options: &Options) -> Result<Vec<Told>> {
    // It is built where it leaves nothing among our sources.
    let folder = folder("postgres-es")?;
    std::fs::create_dir_all(folder.join("src"))?;
    for file in ["Cargo.toml", "src/main.rs"] {
        std::fs::copy(format!("{SOURCES}/postgres-es/{file}"), folder.join(file))?;
    }
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--release", "--quiet"]).current_dir(&folder);
    cargo.env_remove("RUSTFLAGS").env_remove("RUSTC_WORKSPACE_WRAPPER").env("CARGO_TARGET_DIR", folder.join("target"));
    finish(&mut cargo).await?;
    let mut program = Command::new(folder.join("target/release/peer-postgres-es"));
    program.arg(postgres).arg(options.span().as_secs_f64().to_string()).kill_on_drop(true);
    let output = program.output().await.context("postgres-es")?;
    ensure!(output.status.success(), "it failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    String::from_utf8(output.stdout)?.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}
