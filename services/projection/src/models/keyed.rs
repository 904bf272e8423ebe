//! Rows of a table that has one row for each aggregate: read when an event touches them, and kept.

use std::collections::{HashMap, HashSet};

use steward_proto::TenantId;

use super::{Key, Wanted};
use crate::{
    error::ProjectionError,
    rows::{Entity, Tracked},
    store::{Tables, Trust},
};

/// The rows in memory, by aggregate. The key of their table is the tenant and an id.
pub struct Keyed<R> {
    rows: HashMap<Key, Tracked<R>>,
    /// The rows that may be dirty, so that writing a batch needn't look at everything in memory.
    touched: HashSet<Key>,
}

impl<R> Default for Keyed<R> {
    fn default() -> Self {
        Self { rows: HashMap::new(), touched: HashSet::new() }
    }
}

impl<R: Entity> Keyed<R> {
    /// Reads the rows of these keys that aren't in memory.
    ///
    /// # Errors
    /// Postgres doesn't answer as expected.
    pub async fn load(
        &mut self,
        tables: Tables<'_>,
        keys: impl IntoIterator<Item = Key>,
    ) -> Result<(), ProjectionError> {
        let mut wanted = Wanted::default();
        for key in keys {
            if !self.rows.contains_key(&key) {
                wanted.add(key.0.as_str(), &key.1);
            }
        }
        for row in tables.find_by_key::<R>(&wanted).await? {
            let [tenant, id, _] = row.key();
            self.rows.insert(key_from(tenant, id)?, Tracked::stored(row));
        }
        Ok(())
    }

    /// The row of this key, to be changed; `new` makes it if there is none.
    pub fn touch(&mut self, key: Key, new: impl FnOnce() -> R) -> &mut Tracked<R> {
        self.touched.insert(key.clone());
        self.rows.entry(key).or_insert_with(|| Tracked::fresh(new()))
    }

    /// Writes the rows that have changed.
    ///
    /// # Errors
    /// Postgres doesn't take the rows.
    pub async fn write(&self, tables: Tables<'_>, trust: Trust) -> Result<(), ProjectionError> {
        tables.replace(self.touched.iter().filter_map(|key| self.rows.get(key)), trust).await
    }

    /// The rows were committed.
    pub fn written(&mut self) {
        for key in self.touched.drain() {
            if let Some(tracked) = self.rows.get_mut(&key) {
                tracked.written();
            }
        }
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn clear(&mut self) {
        self.rows.clear();
        self.touched.clear();
    }
}

/// # Errors
/// The tenant's name isn't one.
pub fn key_from(tenant: &str, id: &str) -> Result<Key, ProjectionError> {
    let tenant = TenantId::new(tenant).map_err(|e| ProjectionError::Damaged(e.to_string()))?;
    Ok((tenant, id.into()))
}
