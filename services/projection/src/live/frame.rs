//! An event as it goes over the wire to every subscriber.

use std::{panic::AssertUnwindSafe, sync::Arc};

use bytes::Bytes;
use futures::FutureExt as _;
use steward_domain::kernel::Live;
use steward_log::{AtLeast, Log};
use steward_proto::{Event, Fold, Recorded};

use super::view::view;

/// What a frame takes beside its text, in bytes.
const OVERHEAD: usize = 128;

/// Rendered once, shared by all.
#[derive(Debug, Clone)]
pub struct Frame {
    pub position: u64,
    pub conversation_id: Option<Arc<str>>,
    /// `None` for an event that nobody is shown.
    pub shown: Option<(Live, Bytes)>,
}

impl Frame {
    pub async fn of(log: &Log, recorded: &Recorded) -> Self {
        let rendering = async {
            let new_lead = match &recorded.event {
                Event::ClientResponded(_) => is_first_message(log, recorded).await,
                _ => false,
            };
            view(recorded, new_lead).map(|(kind, data)| {
                let text = format!("event: {}\nid: {}\ndata: {data}\n\n", kind.name(), recorded.position);
                (kind, Bytes::from(text))
            })
        };
        // One event that can't be rendered must not end the streams that it goes by.
        let shown = AssertUnwindSafe(rendering).catch_unwind().await.unwrap_or_else(|_| {
            tracing::error!(position = recorded.position, "an event can't be rendered for the live stream");
            None
        });
        Self {
            position: recorded.position,
            conversation_id: (&*recorded.subject.aggregate == "conversation").then(|| recorded.subject.id.clone()),
            shown,
        }
    }

    /// About what it takes.
    pub fn bytes(&self) -> usize {
        OVERHEAD + self.shown.as_ref().map_or(0, |(_, text)| text.len())
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
