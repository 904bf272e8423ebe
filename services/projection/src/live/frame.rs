//! An event as it goes over the wire to every subscriber.

use std::sync::Arc;

use bytes::Bytes;
use steward_log::{AtLeast, Log};
use steward_proto::{Event, Fold, Recorded, TenantId};

use super::view::{Kind, view};

/// Rendered once, shared by all.
#[derive(Debug, Clone)]
pub struct Frame {
    pub position: u64,
    pub tenant: TenantId,
    pub conversation_id: Option<Arc<str>>,
    /// `None` for an event that nobody is shown.
    pub shown: Option<(Kind, Bytes)>,
}

impl Frame {
    pub async fn of(log: &Log, recorded: &Recorded) -> Self {
        let new_lead = match &recorded.event {
            Event::ClientResponded(_) => is_first_message(log, recorded).await,
            _ => false,
        };
        Self {
            position: recorded.position,
            tenant: recorded.subject.tenant.clone(),
            conversation_id: (&*recorded.subject.aggregate == "conversation").then(|| recorded.subject.id.clone()),
            shown: view(recorded, new_lead).map(|(kind, data)| {
                let text = format!("event: {}\nid: {}\ndata: {data}\n\n", kind.name(), recorded.position);
                (kind, Bytes::from(text))
            }),
        }
    }
}

/// Where a conversation's first message from its client stands.
#[derive(Debug, Clone, Default)]
struct FirstMessage(Option<u64>);

impl Fold for FirstMessage {
    fn evolve(&mut self, recorded: &Recorded) {
        if matches!(recorded.event, Event::ClientResponded(_)) {
            self.0.get_or_insert(recorded.position);
        }
    }
}

/// The same for whoever asks and whenever: the log says it. A log that can't be read now makes no lead.
async fn is_first_message(log: &Log, recorded: &Recorded) -> bool {
    let Some(id) = recorded.subject.aggregate_id() else { return false };
    match log.load::<FirstMessage>(&id, AtLeast::Cached).await {
        Ok(first) => first.state.0 == Some(recorded.position),
        Err(error) => {
            tracing::warn!(%error, "it isn't known whether this is a first message");
            false
        }
    }
}
