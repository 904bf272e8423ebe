//! The one way of a command that was read: load, decide, append; then its key is remembered, and it is answered.

use steward_http::Problem;
use steward_log::AtLeast;
use steward_proto::{AggregateId, Event, Fold};

use super::Command;
use crate::{intake::Intake, origin::new_event, patience::in_time};

/// A command that was carried out, or had been before.
pub struct CarriedOut<V> {
    /// The log position to wait for.
    pub position: u64,
    /// What the decision left for the answer.
    pub value: V,
}

impl<T> Command<T> {
    /// Decides on one of the caller's aggregates as it is, and records what is decided.
    ///
    /// `decision` gives events (none: there is nothing to do) and a value for the answer. It may be asked several times, and
    /// only its last word counts.
    ///
    /// # Errors
    /// What the rules refuse; 503 or 507 when the log doesn't take it, or not in time.
    pub async fn carry_out<S: Fold, V, R: Into<Problem>>(
        &self,
        intake: &Intake,
        aggregate: &AggregateId,
        mut decision: impl FnMut(&S) -> Result<(Vec<Event>, V), R>,
    ) -> Result<CarriedOut<V>, Problem> {
        let cause = self.cause();
        let deciding = intake.log.decide(aggregate, AtLeast::Cached, |state: &S, _| {
            let (events, value) = decision(state)?;
            Ok::<_, R>((events.into_iter().map(|event| new_event(&intake.log, &cause, event)).collect(), value))
        });
        let decided = in_time(deciding).await?;
        self.done(intake);
        let position = decided.appended.map_or(decided.version, |appended| appended.position);
        Ok(CarriedOut { position, value: decided.value })
    }
}
