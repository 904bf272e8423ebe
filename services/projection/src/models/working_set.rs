//! All read models together, with what each has in memory.

use steward_proto::Recorded;

use super::{Held, Model, all};
use crate::{
    error::ProjectionError,
    store::{Tables, Trust},
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
    /// Postgres can't be reached or refuses; see [`ProjectionError::is_twice`].
    pub async fn project(
        &mut self,
        tables: Tables<'_>,
        events: &[Recorded],
        trust: Trust,
    ) -> Result<(), ProjectionError> {
        let events: Vec<&Recorded> = events.iter().collect();
        let each = vec![events.as_slice(); self.models.len()];
        self.project_each(tables, &each, trust).await?;
        if let Some(last) = events.last() {
            self.position = last.position;
        }
        Ok(())
    }

    /// The same, with events of its own for each model, in the order of the models.
    ///
    /// # Errors
    /// As above.
    pub async fn project_each(
        &mut self,
        tables: Tables<'_>,
        events: &[impl AsRef<[&Recorded]> + Sync],
        trust: Trust,
    ) -> Result<(), ProjectionError> {
        for (model, events) in self.models.iter_mut().zip(events) {
            let events = events.as_ref();
            model.load(tables, events).await?;
            events.iter().for_each(|recorded| model.apply(recorded));
        }
        for model in &self.models {
            model.write(tables, trust).await?;
        }
        for model in &self.models {
            model.write_finished(tables, trust).await?;
        }
        Ok(())
    }

    /// Everything was committed. What has ended is forgotten, and read again when an event names it.
    pub fn written(&mut self) {
        self.models.iter_mut().for_each(|model| model.written());
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
