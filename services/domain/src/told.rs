//! What is told of any event, whatever its aggregate: for who reads the log as it is.

use steward_language::Language;
use steward_proto::{ByAggregate, Event};

use crate::kernel::{Live, Tell as _};

/// What happened, in one sentence.
pub fn summary(event: &Event, language: Language) -> String {
    match event.by_aggregate() {
        Some(ByAggregate::Conversation(e)) => e.summary(language),
        Some(ByAggregate::Contact(e)) => e.summary(language),
        Some(ByAggregate::Address(e)) => e.summary(language),
        Some(ByAggregate::Inbox(e)) => e.summary(language),
        Some(ByAggregate::Tenant(e)) => e.summary(language),
        Some(ByAggregate::Webhook(e)) => e.summary(language),
        Some(ByAggregate::Delivery(e)) => e.summary(language),
        None => match language {
            Language::En => format!("{} (this version doesn't know it)", event.type_name()),
            Language::Es => format!("{} (esta versión no lo conoce)", event.type_name()),
            Language::Ru => format!("{} (этой версии неизвестно)", event.type_name()),
        },
    }
}

/// The kind of the live event that an event makes, if it makes one.
pub fn live(event: &Event) -> Option<Live> {
    match event.by_aggregate()? {
        ByAggregate::Conversation(e) => e.live(),
        ByAggregate::Contact(e) => e.live(),
        ByAggregate::Address(e) => e.live(),
        ByAggregate::Inbox(e) => e.live(),
        ByAggregate::Tenant(e) => e.live(),
        ByAggregate::Webhook(e) => e.live(),
        ByAggregate::Delivery(e) => e.live(),
    }
}
