//! The settings in force: whoever reads them gets those that count now, and may wait for the next change.

use std::sync::Arc;

use tokio::sync::watch;

use crate::Settings;

/// What a service reads its settings from. Cheap to clone. Read it for each decision, and don't keep what it said.
///
/// What the settings made at the start (listeners, channels with their connections, pools) stays as it was made.
#[derive(Debug, Clone)]
pub struct InForce(watch::Receiver<Arc<Settings>>);

impl InForce {
    /// The settings as they are now.
    pub fn now(&self) -> Arc<Settings> {
        Arc::clone(&self.0.borrow())
    }

    /// Waits until other settings are in force than at the last wait; `false` if there will never be others.
    pub async fn changed(&mut self) -> bool {
        self.0.changed().await.is_ok()
    }
}

impl From<Settings> for InForce {
    /// Settings that never change.
    fn from(settings: Settings) -> Self {
        Source::new(settings).in_force()
    }
}

/// Whoever holds this may put other settings in force.
#[derive(Debug)]
pub struct Source(watch::Sender<Arc<Settings>>);

impl Source {
    pub fn new(settings: Settings) -> Self {
        Self(watch::Sender::new(Arc::new(settings)))
    }

    pub fn in_force(&self) -> InForce {
        InForce(self.0.subscribe())
    }

    /// Puts these settings in force, for everybody who reads from now on.
    pub fn put(&self, settings: Settings) {
        self.0.send_replace(Arc::new(settings));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_reads_sees_what_is_in_force_and_a_change_wakes_who_waits() {
        let source = Source::new(Settings::default());
        let mut reader = source.in_force();
        let before = reader.now();
        let mut others = Settings::default();
        others.limits.open_follow_ups = 7;
        source.put(others);
        assert!(reader.changed().await);
        assert_eq!((before.limits.open_follow_ups, reader.now().limits.open_follow_ups), (1_000, 7));
        drop(source);
        assert!(!reader.changed().await);
        assert_eq!(reader.now().limits.open_follow_ups, 7, "what was in force last stays");
    }
}
