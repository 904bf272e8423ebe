//! All read models together, as far as they are in memory.

use steward_proto::Recorded;

use super::{Held, Model, all};
use crate::{
    error::ProjectionError,
    store::{CopyEncoder, Tables, Trust},
};

/// The rows in memory, model by model. After an error it is no longer to be used until it is cleared.
pub struct WorkingSet {
    models: Vec<Box<dyn Model>>,
    /// The last position folded.
    pub position: u64,
}

impl Default for WorkingSet {
    fn default() -> Self {
        Self { models: all(), position: 0 }
    }
}

impl WorkingSet {
    /// Folds events into rows and writes those. The caller commits, and then says that they were [`Self::written`].
    ///
    /// # Errors
    /// When Postgres can't be reached or refuses.
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
    /// When Postgres doesn't answer as expected.
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

    /// Writes the rows that changed and may change again.
    ///
    /// # Errors
    /// When Postgres doesn't take it; see [`ProjectionError::is_twice`].
    pub async fn write(&self, tables: Tables<'_>, trust: Trust) -> Result<(), ProjectionError> {
        for model in &self.models {
            model.write(tables, trust).await?;
        }
        Ok(())
    }

    /// Writes the rows that will never change.
    ///
    /// # Errors
    /// When Postgres doesn't take it; see [`ProjectionError::is_twice`].
    pub async fn write_finished(&self, tables: Tables<'_>, trust: Trust) -> Result<(), ProjectionError> {
        for model in &self.models {
            model.write_finished(tables, trust).await?;
        }
        Ok(())
    }

    /// Everything was committed. What has ended is forgotten: an event that names it brings it back.
    pub fn written(&mut self) {
        self.models.iter_mut().for_each(|model| model.written());
        self.finished_written();
    }

    /// What will never change was committed.
    pub fn finished_written(&mut self) {
        self.models.iter_mut().for_each(|model| model.finished_written());
    }

    /// How many rows wait to be written that will never change.
    pub fn finished(&self) -> usize {
        self.models.iter().map(|model| model.finished()).sum()
    }

    /// The COPY statements of tables that a rebuild streams, each with its model's number.
    pub fn streams(&self, schema: &str) -> Vec<(usize, String)> {
        self.models.iter().enumerate().filter_map(|(n, model)| Some((n, model.stream(schema)?))).collect()
    }

    /// Moves the finished rows of the model of this number into its COPY.
    pub fn drain(&mut self, model: usize, into: &mut CopyEncoder) {
        self.models[model].drain(into);
    }

    pub fn is_beyond(&self, most: Held) -> bool {
        let held: Vec<Held> = self.models.iter().map(|model| model.held()).collect();
        held.iter().map(|h| h.rows).sum::<usize>() > most.rows
            || held.iter().map(|h| h.bytes).sum::<usize>() > most.bytes
    }

    /// If there is more than `most` in memory, forgets what was touched longest ago. Only after everything was written.
    pub fn shrink(&mut self, most: Held) {
        if self.is_beyond(most) {
            self.models.iter_mut().for_each(|model| model.shrink(most));
        }
    }

    pub fn clear(&mut self) {
        *self = Self::default();
    }
}
