//! The command line of the bench: what is measured, and at which sizes.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context as _, Result};
use clap::{Parser, ValueEnum};

/// A performance goal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Job {
    P1,
    P2,
    P3,
    P5,
    P6,
    P7,
    P8,
    P9,
    Inbox,
    Browser,
    Model,
}

impl Job {
    pub fn name(self) -> &'static str {
        match self {
            Self::P1 => "P1",
            Self::P2 => "P2",
            Self::P3 => "P3",
            Self::P5 => "P5",
            Self::P6 => "P6",
            Self::P7 => "P7",
            Self::P8 => "P8",
            Self::P9 => "P9",
            Self::Inbox => "INBOX",
            Self::Browser => "BROWSER",
            Self::Model => "MODEL",
        }
    }

    pub fn title(self) -> &'static str {
        match self {
            Self::P1 => "ingest: a Telegram update made durable and answered",
            Self::P2 => "timers: lateness of 30 follow-ups a second beside many pending",
            Self::P3 => "burst: many follow-ups due in the same instant",
            Self::P5 => "event store: load, decide, append",
            Self::P6 => "rebuild: read models from the log",
            Self::P7 => "live: an event to every subscriber of the stream",
            Self::P8 => "turn: update in, reply at the Bot API",
            Self::P9 => "footprint: memory, time to ready",
            Self::Inbox => "inbox: its first page and the lists beside many conversations",
            Self::Browser => "browser: from a webhook to what is seen, one's own words",
            Self::Model => "a model's turn beside the model's own time",
        }
    }
}

/// What this program serves when it is a reference or a peer itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Serve {
    /// The references of P1 and P7
    Bare,
    /// P1's peer that inserts into Postgres, all that waits at once
    Grouped,
    /// P1's peer that pushes to Redis
    Redis,
}

impl Serve {
    pub fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Grouped => "grouped",
            Self::Redis => "redis",
        }
    }
}

/// Measures Steward's performance goals, each beside a reference of the same run
///
/// The quick sizes take some ten minutes; --full takes the large ones (a million pending follow-ups, a million events)
/// and an hour.
#[derive(Debug, Clone, Parser)]
#[command(name = "bench", max_term_width = 100)]
pub struct Options {
    /// The jobs to run; by default all
    #[arg(value_enum, ignore_case = true)]
    jobs: Vec<Job>,
    /// Take the large sizes
    #[arg(long, env = "STEWARD_BENCH_FULL")]
    pub full: bool,
    /// Seconds per measurement [default: 5, full: 15]
    #[arg(long, env = "STEWARD_BENCH_SECONDS")]
    seconds: Option<f64>,
    /// Pending follow-ups in P2 and P9 [default: 1000,20000, full: 1000,100000,1000000]
    #[arg(long, env = "STEWARD_BENCH_PENDING", value_delimiter = ',')]
    pending: Vec<usize>,
    /// Follow-ups due at once in P3 [default: 1000,10000]
    #[arg(long, env = "STEWARD_BENCH_BURST", value_delimiter = ',')]
    burst: Vec<usize>,
    /// Events in the store before P5 begins [default: 100000, full: 1000000]
    #[arg(long, env = "STEWARD_BENCH_STORE")]
    store: Option<usize>,
    /// Events to rebuild from in P6 [default: 200000, full: 1000000]
    #[arg(long, env = "STEWARD_BENCH_EVENTS")]
    events: Option<usize>,
    /// Conversations in the Inbox job [default: 100000]
    #[arg(long, env = "STEWARD_BENCH_CONVERSATIONS")]
    conversations: Option<usize>,
    /// The steward binary; by default the one beside this program
    #[arg(long, env = "STEWARD_BIN", value_name = "FILE")]
    steward: Option<PathBuf>,
    /// Where the scratch data directories are made; by default in the system's temporary directory
    #[arg(long, env = "STEWARD_BENCH_DIR", value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Measure others of the kind beside us, with the same work: P1, P2, P3, P5. It installs them with npm and cargo in the
    /// target folder
    #[arg(long)]
    pub peers: bool,
    /// Only serve a reference or a peer
    #[arg(long, hide = true)]
    pub serve: Option<Serve>,
    #[arg(long, hide = true, default_value = "")]
    pub store_url: String,
}

impl Options {
    pub fn chosen(&self) -> Vec<Job> {
        if self.jobs.is_empty() { Job::value_variants().to_vec() } else { self.jobs.clone() }
    }

    pub fn span(&self) -> Duration {
        Duration::from_secs_f64(self.seconds.unwrap_or(if self.full { 15.0 } else { 5.0 }))
    }

    pub fn pending(&self) -> Vec<usize> {
        match (self.pending.is_empty(), self.full) {
            (false, _) => self.pending.clone(),
            (true, false) => vec![1_000, 20_000],
            (true, true) => vec![1_000, 100_000, 1_000_000],
        }
    }

    pub fn burst(&self) -> Vec<usize> {
        if self.burst.is_empty() { vec![1_000, 10_000] } else { self.burst.clone() }
    }

    pub fn store(&self) -> usize {
        self.store.unwrap_or(if self.full { 1_000_000 } else { 100_000 })
    }

    pub fn events(&self) -> usize {
        self.events.unwrap_or(if self.full { 1_000_000 } else { 200_000 })
    }

    pub fn conversations(&self) -> usize {
        self.conversations.unwrap_or(100_000)
    }

    pub fn steward(&self) -> Result<PathBuf> {
        if let Some(path) = &self.steward {
            return Ok(path.clone());
        }
        let path = std::env::current_exe()?.with_file_name("steward");
        path.is_file().then_some(()).with_context(|| {
            format!("there is no {}: build it with `cargo build --release` or name it with --steward", path.display())
        })?;
        Ok(path)
    }
}
