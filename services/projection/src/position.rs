//! How far the read models are, for those who wait for a position.

use std::time::Duration;

use tokio::sync::watch;

/// The position that the read models reflect. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Reached(watch::Sender<u64>);

impl Default for Reached {
    fn default() -> Self {
        Self(watch::Sender::new(0))
    }
}

impl Reached {
    /// The position now.
    pub fn now(&self) -> u64 {
        *self.0.borrow()
    }

    /// It never goes back.
    pub fn advance(&self, position: u64) {
        self.0.send_if_modified(|reached| {
            let further = position > *reached;
            *reached = position.max(*reached);
            further
        });
    }

    /// Waits until `position` is reached; `false` when `most` has passed before.
    pub async fn wait(&self, position: u64, most: Duration) -> bool {
        let mut reached = self.0.subscribe();
        tokio::time::timeout(most, reached.wait_for(|now| *now >= position)).await.is_ok_and(|r| r.is_ok())
    }
}
