//! The aggregate `inbox`: updates that belong to no conversation.

use steward_language::Language;
use steward_proto::{ConversationEvent, Event, Fold, InboxEvent, Recorded};

use crate::{
    kernel::{Live, Tell, unread_type},
    keys::InboundKeys,
};

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

/// The same is told of it where it stands on a conversation.
impl Tell for InboxEvent<'_> {
    fn summary(self, language: Language) -> String {
        let Self::UpdateKept(e) = self;
        ConversationEvent::UpdateKept(e).summary(language)
    }

    fn live(self) -> Option<Live> {
        let Self::UpdateKept(e) = self;
        ConversationEvent::UpdateKept(e).live()
    }
}
