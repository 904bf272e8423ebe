//! The aggregate `inbox`: updates that belong to no conversation.

use steward_proto::{Event, Fold, InboxEvent, Recorded};

use crate::{kernel::unread_type, keys::InboundKeys};

/// Which updates are kept already.
#[derive(Debug, Clone, Default)]
pub struct Inbox {
    pub inbound: InboundKeys,
}

impl Fold for Inbox {
    fn evolve(&mut self, recorded: &Recorded) {
        match InboxEvent::of(&recorded.event) {
            Some(InboxEvent::UpdateKept(kept)) => {
                if let Some(source) = &kept.source {
                    self.inbound.insert(recorded.metadata.at, &source.key);
                }
            }
            None => {}
        }
    }

    fn unread(event: &Event) -> Option<String> {
        InboxEvent::of(event).is_none().then(|| unread_type(event))
    }
}
