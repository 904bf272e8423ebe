//! A row in memory, with its relation to the table that holds it.

/// A row, with what has to be done about it.
#[derive(Debug, Clone)]
pub struct Tracked<R> {
    pub row: R,
    /// The table holds an older version of the row.
    pub stored: bool,
    /// The row differs from what the table holds.
    pub dirty: bool,
}

impl<R> Tracked<R> {
    pub fn stored(row: R) -> Self {
        Self { row, stored: true, dirty: false }
    }

    pub fn fresh(row: R) -> Self {
        Self { row, stored: false, dirty: true }
    }

    pub fn written(&mut self) {
        self.stored = true;
        self.dirty = false;
    }
}
