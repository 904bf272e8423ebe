//! The aggregate `inbox`: updates that belong to no conversation.

use steward_proto::{Event, Fold, Recorded};

use crate::keys::InboundKeys;

/// Which updates are kept already.
#[derive(Debug, Clone, Default)]
pub struct Inbox {
    pub inbound: InboundKeys,
}

impl Fold for Inbox {
    fn evolve(&mut self, recorded: &Recorded) {
        if let Event::UpdateKept(kept) = &recorded.event
            && let Some(source) = &kept.source
        {
            self.inbound.insert(recorded.metadata.at, &source.key);
        }
    }
}
