//! The rules as a brain: they think on a thread of their own, for two seconds at most.

use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;

use crate::{
    brain::{Brain, BrainError, Pace, Run, Thought, TurnInput},
    thinking::Thinking,
};

/// How long the rules may think: they need some milliseconds, so what isn't done by then is not going to be.
pub const THINKS_FOR: Duration = Duration::from_secs(2);
/// Longer than they may think.
const LEASE: TimeDelta = TimeDelta::seconds(3);

/// The brain without a model.
pub struct Rules {
    thinking: Thinking,
}

impl Default for Rules {
    fn default() -> Self {
        Self { thinking: Thinking::new(THINKS_FOR) }
    }
}

impl Rules {
    /// Has something be read for a tenant where the rules think, and for as long.
    ///
    /// # Errors
    /// It took too long, or panicked.
    pub async fn think<T: Send + 'static>(
        &self,
        tenant: &str,
        thought: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, BrainError> {
        self.thinking.think(tenant, thought).await.map_err(BrainError::Permanent)
    }
}

impl Brain for Rules {
    fn name(&self) -> &str {
        "rules"
    }

    fn model(&self) -> &str {
        ""
    }

    fn pace(&self) -> Pace {
        Pace { at_once: true, lease: LEASE, longest: 2 * THINKS_FOR }
    }

    fn decide<'a>(&'a self, turn: &'a Arc<TurnInput>, _: &'a dyn Run) -> Thought<'a> {
        let turn = Arc::clone(turn);
        Box::pin(async move {
            let tenant = turn.around.tenant.clone();
            self.think(&tenant, move || super::decide(&turn)).await
        })
    }
}
