//! Replay: turns that are in the log, decided again. By what they were decided by, the rules must come to what was recorded; by
//! another brain, what they come to is compared with it. Nothing is written, sent or carried out.
//!
//! The log is read once, in its order ([`mod@pass`]); each turn is decided by the states as they were when it was ([`again`]).

mod again;
mod deeds;
mod pass;

use std::sync::Arc;

use futures::Stream;
use steward_domain::conversation::Refused;
use steward_log::{Log, LogError, Tailed, Undecoded};
use steward_proto::{AggregateId, Event, Recorded};
use steward_settings::Settings;

pub use self::pass::pass;
use crate::{
    brain::{Brain, BrainError},
    settings::{SettingsError, TurnSettings},
};

/// The log as a replay sees it: there is no way to write.
#[derive(Clone)]
pub struct Reader(Log);

impl Reader {
    pub fn new(log: Log) -> Self {
        Self(log)
    }

    /// The log's events from a position to its end, as they came. Filters would cost the server more than what they leave out.
    async fn past(&self, from: u64) -> Result<impl Stream<Item = Undecoded> + Send + use<>, LogError> {
        self.0.past_undecoded(from, Vec::new()).await
    }

    /// All events of an aggregate that the log has.
    async fn events(&self, aggregate: &AggregateId) -> Result<Vec<Recorded>, LogError> {
        use futures::TryStreamExt as _;
        self.0.past(1, vec![aggregate.wildcard()]).await?.map_ok(|Tailed { recorded, .. }| recorded).try_collect().await
    }

    /// The settings that a turn was decided by.
    async fn settings(&self, hash: &str) -> Result<Arc<Settings>, SettingsError> {
        TurnSettings::stored(&self.0, hash).await
    }
}

/// Which turns are decided again, and by whom.
#[derive(Clone, Default)]
pub struct Replay {
    /// Only the turn with this id.
    pub turn: Option<String>,
    /// Only turns claimed from this position on.
    pub since: u64,
    /// Another brain than the one that decided them; it decides those that answered messages.
    pub candidate: Option<Arc<dyn Brain>>,
}

/// A turn, decided again.
#[derive(Debug, Clone, PartialEq)]
pub struct Turned {
    pub turn_id: String,
    /// Of its claim.
    pub position: u64,
    pub came: Replayed,
    /// What its models cost then and now, in micro-USD.
    pub micro_usd: (u64, u64),
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub enum Replayed {
    Same,
    /// The same brain comes to other events.
    Differs {
        recorded: Vec<Event>,
        again: Vec<Event>,
    },
    /// Another brain does other things; each in short.
    Otherwise {
        recorded: Vec<String>,
        again: Vec<String>,
    },
    /// It can't be decided again, or there is nothing to compare.
    Skipped(&'static str),
}

/// Why turns couldn't be decided again.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error("what it decides now is refused: {0}")]
    Refused(#[from] Refused),
    #[error("the brain gave no answer: {0}")]
    Brain(#[from] BrainError),
    #[error("deciding turns again panicked")]
    Panicked,
}
