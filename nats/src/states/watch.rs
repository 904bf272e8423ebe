//! Being woken when an aggregate has a new event, for whoever works long on what it was.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use steward_proto::AggregateId;
use tokio::sync::watch;

/// Who is to be woken, by aggregate.
#[derive(Default)]
pub(super) struct Watchers {
    of: Mutex<HashMap<AggregateId, watch::Sender<u64>>>,
}

/// Tells of an aggregate's new events, as they are followed.
pub struct Watch {
    watchers: Arc<Watchers>,
    id: AggregateId,
    seen: Option<watch::Receiver<u64>>,
}

impl Watchers {
    fn of(&self) -> MutexGuard<'_, HashMap<AggregateId, watch::Sender<u64>>> {
        self.of.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn watch(self: &Arc<Self>, id: &AggregateId) -> Watch {
        let mut of = self.of();
        let sender = of.entry(id.clone()).or_insert_with(|| watch::Sender::new(0));
        Watch { watchers: self.clone(), id: id.clone(), seen: Some(sender.subscribe()) }
    }

    /// An event of this aggregate was followed.
    pub fn tell(&self, id: &AggregateId, position: u64) {
        if let Some(watched) = self.of().get(id) {
            watched.send_replace(position);
        }
    }
}

impl Watch {
    /// Waits for an event that hasn't been told of.
    pub async fn changed(&mut self) {
        let Some(seen) = &mut self.seen else { return std::future::pending().await };
        if seen.changed().await.is_err() {
            // nothing is followed any more
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut of = self.watchers.of();
        // The last one to watch leaves nothing behind.
        drop(self.seen.take());
        if of.get(&self.id).is_some_and(|sender| sender.receiver_count() == 0) {
            of.remove(&self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use steward_proto::{Aggregate, TenantId};

    use super::*;

    fn id(name: &str) -> AggregateId {
        AggregateId::new(TenantId::new("t").unwrap(), Aggregate::Inbox, name).unwrap()
    }

    #[tokio::test]
    async fn who_watches_is_woken_by_that_aggregate_alone_and_leaves_nothing_behind() {
        let watchers = Arc::new(Watchers::default());
        let (mut first, mut second) = (watchers.watch(&id("a")), watchers.watch(&id("a")));
        watchers.tell(&id("b"), 1);
        assert!(futures::poll!(std::pin::pin!(first.changed())).is_pending());
        watchers.tell(&id("a"), 2);
        first.changed().await;
        second.changed().await;
        assert!(futures::poll!(std::pin::pin!(first.changed())).is_pending(), "it is told once");
        drop(first);
        assert_eq!(watchers.of().len(), 1);
        drop(second);
        assert!(watchers.of().is_empty());
    }
}
