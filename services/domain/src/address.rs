//! The aggregate `address`: where an outside address leads after it moved.

use serde::{Deserialize, Serialize};
use steward_language::Language;
use steward_proto::{AddressEvent, ConversationEvent, Event, Fold, Recorded};

use crate::{
    ids::ConversationId,
    kernel::{Live, Tell, unread_type},
};

/// The conversation an address was bound to, if it was.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Address {
    pub conversation_id: Option<ConversationId>,
}

impl Fold for Address {
    fn evolve(&mut self, recorded: &Recorded) {
        match AddressEvent::of(&recorded.event) {
            Some(AddressEvent::AddressBound(bound)) => self.conversation_id = bound.conversation_id.parse().ok(),
            None => {}
        }
    }

    fn unread(event: &Event) -> Option<String> {
        AddressEvent::of(event).is_none().then(|| unread_type(event))
    }
}

/// The same is told of it where it stands on the conversation.
impl Tell for AddressEvent<'_> {
    fn summary(self, language: Language) -> String {
        let Self::AddressBound(e) = self;
        ConversationEvent::AddressBound(e).summary(language)
    }

    fn live(self) -> Option<Live> {
        let Self::AddressBound(e) = self;
        ConversationEvent::AddressBound(e).live()
    }
}
