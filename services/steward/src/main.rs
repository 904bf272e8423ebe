//! The `steward` binary: reads the command line, starts logging, and runs the command.

use std::process::ExitCode;

use clap::Parser;
use steward::{cli::Cli, telemetry::Telemetry};

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("steward: {problem:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<()> {
    // NATS, Postgres and HTTP use the same TLS back end.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let _telemetry = Telemetry::start(cli.global.log_format, cli.log_level())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(cli.run())
}
