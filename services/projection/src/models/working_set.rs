//! All read models together, with what each has in memory.

use steward_proto::Recorded;

use super::{Held, Model, all};
use crate::{
    error::ProjectionError,
    store::{CopyEncoder, Tables, Trust},
};

/// What the models have in memory. After an error it must not be used until it is cleared.
pub struct WorkingSet {
    models: Vec<Box<dyn Model>>,
    /// The last position that was folded.
    pub position: u64,
}

impl Default for WorkingSet {
    fn default() -> Self {
        Self { models: all(), position: 0 }
    }
}

impl WorkingSet {
    /// Folds events into rows and writes these. The caller commits, and then calls [`Self::written`].
    ///
    /// # Errors
    /// Postgres can't be reached or refuses.
    pub async fn project(
        &mut self,
        tables: Tables<'_>,
        events: &[Recorded],
        trust: Trust,
    ) -> Result<(), ProjectionError> {
        self.load(tables, events).await?;
        self.apply(events);
        self.write(tables, trust).await?;
        self.write_finished(tables, trust).await
    }

    /// Reads the rows that these events touch and that aren't in memory.
    ///
    /// # Errors
    /// Postgres doesn't answer as expected.
    pub async fn load(&mut self, tables: Tables<'_>, events: &[Recorded]) -> Result<(), ProjectionError> {
        for model in &mut self.models {
            model.load(tables, events).await?;
        }
        Ok(())
    }

    /// Folds events whose rows were loaded.
    pub fn apply(&mut self, events: &[Recorded]) {
        for recorded in events {
            self.position = recorded.position;
            self.models.iter_mut().for_each(|model| model.apply(recorded));
        }
    }

    /// Writes the rows that have changed and may change again.
    ///
    /// # Errors
    /// Postgres doesn't take the rows; see [`ProjectionError::is_twice`].
    pub async fn write(&self, tables: Tables<'_>, trust: Trust) -> Result<(), ProjectionError> {
        for model in &self.models {
            model.write(tables, trust).await?;
        }
        Ok(())
    }

    /// Writes the rows that will never change.
    ///
    /// # Errors
    /// Postgres doesn't take the rows; see [`ProjectionError::is_twice`].
    pub async fn write_finished(&self, tables: Tables<'_>, trust: Trust) -> Result<(), ProjectionError> {
        for model in &self.models {
            model.write_finished(tables, trust).await?;
        }
        Ok(())
    }

    /// Everything was committed. What has ended is forgotten, and read again when an event names it.
    pub fn written(&mut self) {
        self.models.iter_mut().for_each(|model| model.written());
        self.finished_written();
    }

    /// The rows that will never change were committed.
    pub fn finished_written(&mut self) {
        self.models.iter_mut().for_each(|model| model.finished_written());
    }

    /// How many rows that will never change wait to be written.
    pub fn finished(&self) -> usize {
        self.models.iter().map(|model| model.finished()).sum()
    }

    /// The COPY statements of the tables that a rebuild streams, each with the number of its model.
    pub fn streams(&self, schema: &str) -> Vec<(usize, String)> {
        self.models.iter().enumerate().filter_map(|(n, model)| Some((n, model.stream(schema)?))).collect()
    }

    /// Moves the finished rows of the model with this number into its COPY.
    pub fn drain(&mut self, model: usize, into: &mut CopyEncoder) {
        self.models[model].drain(into);
    }

    pub fn is_beyond(&self, most: Held) -> bool {
        let held: Vec<Held> = self.models.iter().map(|model| model.held()).collect();
        held.iter().map(|h| h.rows).sum::<usize>() > most.rows
            || held.iter().map(|h| h.bytes).sum::<usize>() > most.bytes
    }

    /// If more than `most` is in memory, forgets what was touched longest ago. Only called after everything was
    /// written.
    pub fn shrink(&mut self, most: Held) {
        if self.is_beyond(most) {
            self.models.iter_mut().for_each(|model| model.shrink(most));
        }
    }

    pub fn clear(&mut self) {
        *self = Self::default();
    }
}
