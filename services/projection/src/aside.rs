//! Setting aside: finds the event that can't be projected among its neighbours, records it, and passes it by.
//!
//! An event that Postgres refuses for good, or at which the fold panics, would otherwise stop everything behind it, for
//! all tenants. It stays in the log, and in the table `events` if that takes it. What it would have changed is missing
//! from the rows of its aggregate until a rebuild succeeds with it.

use std::{any::Any, collections::VecDeque, panic::AssertUnwindSafe};

use deadpool_postgres::Transaction;
use futures::FutureExt as _;
use steward_proto::Recorded;

use crate::{error::ProjectionError, models, rows::storable, store::Tables};

/// The projector's name among the consumers that give up on events.
pub const CONSUMER: &str = "projection";

/// Runs `work`; a panic in it counts as an error of the data that the work was about.
///
/// # Errors
/// The errors of `work`, and [`ProjectionError::Panicked`].
pub async fn guarded<T>(work: impl Future<Output = Result<T, ProjectionError>>) -> Result<T, ProjectionError> {
    // What the work leaves half-done is thrown away after any error: the transaction is, and so is the working set.
    AssertUnwindSafe(work)
        .catch_unwind()
        .await
        .unwrap_or_else(|panic| Err(ProjectionError::Panicked(place_of(&*panic))))
}

/// What a panic's message may be quoted as. The message may hold anything, so only a literal of our code is quoted.
fn place_of(panic: &(dyn Any + Send)) -> &'static str {
    match panic.downcast_ref::<&'static str>() {
        // A literal of our own code.
        Some(text) => text,
        None => "a panic with words made at run time",
    }
}

/// Where events are projected to, and where those are recorded that can't be.
pub trait Goal {
    /// Projects these events, all or none, and moves the position to `through`.
    async fn project(&mut self, events: &[Recorded], through: u64) -> Result<Step, ProjectionError>;
    /// Records that this event can't be projected, and passes it by.
    async fn set_aside(&mut self, event: &Recorded, error: &ProjectionError) -> Result<Step, ProjectionError>;
}

/// Whether to go on with what follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Done,
    /// The read models stand before what was read, so the log must be read again.
    Again,
}

/// Projects events. Those that can't be projected are found by halving, and set aside.
///
/// # Errors
/// Errors that aren't the events' own fault.
pub async fn project_or_set_aside(
    goal: &mut impl Goal,
    events: &[Recorded],
    through: u64,
) -> Result<Step, ProjectionError> {
    let mut parts = VecDeque::from([(events, through)]);
    while let Some((part, through)) = parts.pop_front() {
        let step = match goal.project(part, through).await {
            Ok(step) => step,
            Err(error) if error.is_of_the_data() => match part {
                [] => return Err(error),
                [one] => match goal.set_aside(one, &error).await? {
                    Step::Again => Step::Again,
                    // The position also moves past messages behind the event that are no events.
                    Step::Done => goal.project(&[], through).await?,
                },
                many => {
                    let (first, second) = many.split_at(many.len() / 2);
                    parts.push_front((second, through));
                    parts.push_front((first, first[first.len() - 1].position));
                    Step::Done
                }
            },
            Err(error) => return Err(error),
        };
        if step == Step::Again {
            return Ok(Step::Again);
        }
    }
    Ok(Step::Done)
}

/// Records in Postgres that an event was passed by, and whatever the models can keep of it.
///
/// # Errors
/// Postgres can't be reached.
pub async fn record(
    transaction: &mut Transaction<'_>,
    schema: &str,
    event: &Recorded,
    error: &str,
) -> Result<(), ProjectionError> {
    for model in models::all() {
        let savepoint = transaction.transaction().await?;
        match model.set_aside(Tables::new(&savepoint, schema), event).await {
            Ok(()) => savepoint.commit().await?,
            Err(error) if error.is_of_the_data() => savepoint.rollback().await?,
            Err(error) => return Err(error),
        }
    }
    let subject = &event.subject;
    let sql = format!(
        "INSERT INTO {schema}.set_aside (position, tenant, aggregate, aggregate_id, type_name, error) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING"
    );
    let position = event.position.cast_signed();
    let (aggregate, id, name) =
        (storable(&subject.aggregate), storable(&subject.id), storable(&event.metadata.type_name));
    transaction.execute(&sql, &[&position, &subject.tenant.as_str(), &aggregate, &id, &name, &error]).await?;
    metrics::counter!("steward_projection_set_aside_total").increment(1);
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::collections::BTreeSet;

    use chrono::Utc;
    use steward_proto::{Event, Metadata, v1};
    use uuid::Uuid;

    use super::*;

    /// A goal that panics at some positions and counts what it does.
    struct Brittle {
        bad: BTreeSet<u64>,
        done: Vec<u64>,
        aside: Vec<u64>,
        tries: usize,
    }

    impl Goal for Brittle {
        async fn project(&mut self, events: &[Recorded], _: u64) -> Result<Step, ProjectionError> {
            self.tries += 1;
            let work = async {
                for event in events {
                    assert!(!self.bad.contains(&event.position), "at {}", event.position);
                }
                Ok(Step::Done)
            };
            let step = guarded(work).await?;
            self.done.extend(events.iter().map(|e| e.position));
            Ok(step)
        }

        async fn set_aside(&mut self, event: &Recorded, error: &ProjectionError) -> Result<Step, ProjectionError> {
            assert!(matches!(error, ProjectionError::Panicked(_)), "{error}");
            self.aside.push(event.position);
            Ok(Step::Done)
        }
    }

    fn recorded(position: u64) -> Recorded {
        let event = Event::from(v1::HumanRequested::default());
        let (event_id, payload) = (Uuid::from_u128(1), event.encode());
        let metadata = Metadata {
            event_id,
            type_name: event.type_name().to_owned(),
            schema_version: 1,
            at: Utc::now(),
            causation_id: event_id,
            correlation_id: event_id,
            actor: String::new(),
            traceparent: String::new(),
        };
        let subject = format!("ev.t.conversation.{position}.human_requested").parse().unwrap();
        Recorded { position, subject, metadata, event, payload }
    }

    #[tokio::test]
    async fn a_panic_costs_the_one_event_that_it_is_about() {
        let events: Vec<_> = (1..=1000).map(recorded).collect();
        for bad in [vec![], vec![1], vec![1000], vec![7, 8, 500], (1..=1000).collect()] {
            let mut goal = Brittle { bad: bad.iter().copied().collect(), done: vec![], aside: vec![], tries: 0 };
            assert_eq!(project_or_set_aside(&mut goal, &events, 1000).await.unwrap(), Step::Done);
            assert_eq!(goal.aside, bad);
            let fine: Vec<u64> = (1..=1000).filter(|p| !goal.bad.contains(p)).collect();
            assert_eq!(goal.done, fine, "in order, and each once");
            assert!(goal.tries <= 1 + 22 * bad.len(), "{} tries for {}", goal.tries, bad.len());
        }
    }
}
