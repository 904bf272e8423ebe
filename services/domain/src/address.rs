//! The aggregate `address`: where an outside address leads after it moved.

use steward_proto::{Event, Fold, Recorded};

/// The conversation an address was bound to, if it was.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Address {
    pub conversation_id: Option<uuid::Uuid>,
}

impl Fold for Address {
    fn evolve(&mut self, recorded: &Recorded) {
        if let Event::AddressBound(bound) = &recorded.event {
            self.conversation_id = bound.conversation_id.parse().ok();
        }
    }
}
