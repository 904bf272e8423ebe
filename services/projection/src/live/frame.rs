//! An event as it goes over the wire to every subscriber.

use std::{panic::AssertUnwindSafe, sync::Arc};

use bytes::Bytes;
use futures::FutureExt as _;
use steward_domain::kernel::Live;
use steward_log::Log;
use steward_proto::{Event, Recorded};

use super::view::view;

/// How many bytes a frame takes beside its text.
const OVERHEAD: usize = 128;

/// An event, rendered once for all subscribers.
#[derive(Debug, Clone)]
pub struct Frame {
    pub position: u64,
    pub conversation_id: Option<Arc<str>>,
    /// The kind and the text; `None` for an event that isn't shown to anybody.
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
        // An event that can't be rendered must not end all the streams that it passes through.
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

    /// About how many bytes the frame takes in memory.
    pub fn bytes(&self) -> usize {
        OVERHEAD + self.shown.as_ref().map_or(0, |(_, text)| text.len())
    }
}

/// Whether this is a conversation's first message. The log says it, so the answer is the same for all, at any time. If
/// the log can't be read now, the answer is no.
async fn is_first_message(log: &Log, recorded: &Recorded) -> bool {
    match log.first_position_on(&recorded.subject.to_string()).await {
        Ok(first) => first == recorded.position,
        Err(error) => {
            tracing::warn!(%error, "the log doesn't say now whether a message is its client's first; it isn't shown as a new lead");
            false
        }
    }
}
