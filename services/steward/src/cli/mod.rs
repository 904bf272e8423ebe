//! The command line: one file per command.

mod servers;
mod time;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::{
    config::{self, ConfigError, Settings},
    telemetry::LogFormat,
};

/// Steward keeps the promises an agent makes in conversations: messages come in, follow-ups go out when they are due.
///
/// Without a command it does what `steward up` does: it runs everything on this machine, its servers included.
#[derive(Debug, Parser)]
#[command(name = "steward", version, max_term_width = 100, after_help = AFTER)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Option<Command>,
}

const AFTER: &str = "\
Every key of the configuration can be given by a variable: [server] listen is STEWARD__SERVER__LISTEN.
STEWARD_LOG (or RUST_LOG) says what is logged, for example info or steward=debug.
OTEL_EXPORTER_OTLP_ENDPOINT switches traces on.";

/// Options of every command.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// The configuration; left out: steward.toml in the current directory if it is there, else the defaults
    #[arg(long, global = true, value_name = "FILE", env = "STEWARD_CONFIG")]
    pub config: Option<PathBuf>,
    /// Where the managed servers keep their data and run.json is written
    #[arg(long, global = true, value_name = "DIR", env = "STEWARD_DATA_DIR", default_value = ".steward")]
    pub data_dir: PathBuf,
    /// How log lines look; auto: human on a terminal, JSON elsewhere
    #[arg(long, global = true, value_enum, env = "STEWARD_LOG_FORMAT", default_value_t = LogFormat::Auto)]
    pub log_format: LogFormat,
}

impl Global {
    /// The checked configuration.
    pub fn settings(&self) -> Result<Settings, ConfigError> {
        let default = PathBuf::from(config::DEFAULT_FILE);
        let file = self.config.clone().or_else(|| default.is_file().then_some(default));
        config::load(file.as_deref(), &config::process_environment())
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    Servers(servers::Servers),
    Time(time::Time),
}

impl Cli {
    /// Level of the log when nothing else is said: commands that answer a question keep quiet.
    pub fn log_level(&self) -> &'static str {
        match self.command {
            None | Some(Command::Servers(_)) => "info",
            Some(Command::Time(_)) => "warn",
        }
    }

    /// Does what was asked.
    pub async fn run(self) -> anyhow::Result<()> {
        match self.command {
            None => servers::Servers {}.run(&self.global).await,
            Some(Command::Servers(servers)) => servers.run(&self.global).await,
            Some(Command::Time(time)) => time.run(&self.global),
        }
    }
}
