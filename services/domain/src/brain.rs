//! Which brain decides: chosen for a tenant or for one conversation, by command.

use serde::{Deserialize, Serialize};
use steward_proto::v1;

/// A brain that somebody chose.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Choice {
    /// `rules`, or the id of a provider of models.
    pub provider: String,
    /// Empty: the provider's own.
    pub model: String,
}

impl Choice {
    /// What was chosen; `None`: nothing any more.
    pub fn of(chosen: &v1::BrainChosen) -> Option<Self> {
        let (provider, model) = (chosen.provider.clone(), chosen.model.clone());
        (!provider.is_empty()).then_some(Self { provider, model })
    }
}

/// The event of a choice, unless it stands already. `None`: what stands above it again.
pub fn choose(now: Option<&Choice>, chosen: Option<&Choice>, by: &str) -> Option<v1::BrainChosen> {
    let Choice { provider, model } =
        chosen.cloned().unwrap_or(Choice { provider: String::new(), model: String::new() });
    (now != chosen).then(|| v1::BrainChosen { provider, model, job: CHAT.to_owned(), by: by.to_owned() })
}

/// The job of answering clients.
pub const CHAT: &str = "chat";
