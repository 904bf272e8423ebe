//! Which conversation an `@username` means: learnt beside the requests, so that no message waits for it.

use std::sync::Arc;

use moka::sync::Cache;
use steward_domain::{
    address::Address,
    ids::{self, ConversationId},
};
use steward_log::{Append, AtLeast, Expected, Log, LogError, Tasks};
use steward_proto::{Cause, Event, TenantId, v1};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::origin::{Origin, new_event};

/// Names known to be in the log, at most.
const KNOWN: u64 = 100_000;

/// Names waiting to be recorded, at most; one that finds no room is learnt from the person's next message.
const WAITING: usize = 1024;

#[derive(Clone)]
pub struct Names {
    known: Cache<(Arc<str>, String), ConversationId>,
    learnt: mpsc::Sender<Name>,
}

struct Name {
    tenant: TenantId,
    channel_id: String,
    /// With its `@`, lower-cased.
    name: String,
    conversation: ConversationId,
    cause: Cause,
}

/// A name as the log's address of it.
pub fn address_of(username: &str) -> String {
    format!("@{}", username.trim_start_matches('@').to_lowercase())
}

impl Names {
    /// Begins recording; ends with `shutdown`, or when nobody is left to learn from.
    pub fn watch(log: Log, shutdown: CancellationToken, tasks: &Tasks) -> Self {
        let (learnt, mut names) = mpsc::channel::<Name>(WAITING);
        let known = Cache::new(KNOWN);
        let recorded: Cache<(Arc<str>, String), ConversationId> = known.clone();
        tasks.run("names", async move {
            // Whichever is first: the end, or another name.
            while let Some(Some(name)) = shutdown.run_until_cancelled(names.recv()).await {
                match shutdown.run_until_cancelled(record(&log, &name)).await {
                    Some(Ok(())) => recorded.insert((name.channel_id.into(), name.name), name.conversation),
                    Some(Err(error)) => {
                        tracing::warn!(%error, "a username wasn't recorded; the next message tries again")
                    }
                    None => break,
                }
            }
        });
        Self { known, learnt }
    }

    /// Learns the name of who wrote, if it is news. Never waits.
    pub fn learn(&self, origin: &Origin) {
        let Some(username) = origin.from.as_ref().map(|f| f.username.as_str()).filter(|u| !u.is_empty()) else {
            return;
        };
        let channel_id = origin.source.channel_id.clone();
        let name = address_of(username);
        let key = (Arc::from(channel_id.as_str()), name);
        if self.known.get(&key) == Some(origin.conversation) {
            return;
        }
        let (_, name) = key;
        let tenant = origin.tenant.clone();
        let cause = Cause { actor: "service:ingestion".to_owned(), ..origin.cause.clone() };
        // A full queue is no loss: the cache doesn't know the name, so it is offered again.
        let _ = self.learnt.try_send(Name { tenant, channel_id, name, conversation: origin.conversation, cause });
    }
}

#[derive(Debug, thiserror::Error)]
enum NotRecorded {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Append(#[from] steward_log::AppendError),
}

async fn record(log: &Log, name: &Name) -> Result<(), NotRecorded> {
    let aggregate = ids::address(&name.tenant, &name.channel_id, &name.name);
    if log.load::<Address>(&aggregate, AtLeast::Latest).await?.state.conversation_id == Some(name.conversation) {
        return Ok(());
    }
    // Names wander between people: the latest to write has it.
    let event: Event = v1::AddressBound {
        channel_id: name.channel_id.clone(),
        external_id: name.name.clone(),
        conversation_id: name.conversation.to_string(),
        previous_external_id: String::new(),
        reason: "username".to_owned(),
    }
    .into();
    let events = vec![new_event(log, &name.cause, event)];
    log.append(Append { aggregate, events, expected: Expected::Any, dedupe_key: None }).await?;
    Ok(())
}
