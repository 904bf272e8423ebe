//! Outgoing webhooks: each active one in the log has a worker here.
//!
//! Each webhook has a durable consumer of its own on the log. An event that isn't acknowledged comes again, also after
//! a crash, with the delay that the schedule says; a slow or dead receiver holds up nothing but itself.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod client;
mod outcome;
mod post;
mod worker;

use std::{
    collections::{HashMap, HashSet},
    pin::pin,
    sync::Arc,
};

use futures::StreamExt as _;
use steward_domain::webhook::Webhook;
use steward_log::{Log, LogError};
use steward_proto::{AggregateId, Fold as _, Recorded};
use steward_settings::Webhooks;
use tokio::sync::watch;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    client::Client,
    worker::{Courier, Worker},
};

/// Why outgoing webhooks can't run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the HTTP client can't be made: {0}")]
    Client(#[from] reqwest::Error),
    #[error(transparent)]
    Log(#[from] LogError),
}

/// Runs until `shutdown`, then ends the attempts in hand.
///
/// # Errors
/// The webhooks can't go on.
pub async fn run(log: Log, settings: Webhooks, shutdown: CancellationToken) -> Result<(), Error> {
    let client = Client::new(settings.allow_private)?;
    let courier = Arc::new(Courier::new(log.clone(), client, settings.retry));
    let mut roster = Roster::new(courier, shutdown.clone());
    let followed = roster.follow(&log, &shutdown).await;
    roster.tracker.close();
    roster.tracker.wait().await;
    Ok(followed?)
}

/// The webhooks of all tenants, and who works for them.
struct Roster {
    courier: Arc<Courier>,
    shutdown: CancellationToken,
    tracker: TaskTracker,
    webhooks: HashMap<AggregateId, Webhook>,
    workers: HashMap<AggregateId, Working>,
    /// The webhooks that have changed since the workers were last brought up to date.
    changed: HashSet<AggregateId>,
    /// Whether the first look is done: webhooks that ended before this process began may have left their consumers.
    begun: bool,
}

struct Working {
    webhook: watch::Sender<Arc<Webhook>>,
    stop: CancellationToken,
}

impl Roster {
    fn new(courier: Arc<Courier>, shutdown: CancellationToken) -> Self {
        Self {
            courier,
            shutdown,
            tracker: TaskTracker::new(),
            webhooks: HashMap::new(),
            workers: HashMap::new(),
            changed: HashSet::new(),
            begun: false,
        }
    }

    async fn follow(&mut self, log: &Log, shutdown: &CancellationToken) -> Result<(), LogError> {
        let mut events = pin!(log.tail(1, vec!["ev.*.webhook.>".to_owned()]).await?);
        // Ends at the shutdown, or goes on at the next news of a webhook.
        while let Some(Some(next)) = shutdown.run_until_cancelled(events.next()).await {
            match next {
                Ok(tailed) => {
                    self.take(&tailed.recorded);
                    if tailed.pending == 0 {
                        self.bring_up();
                    }
                }
                Err(LogError::Malformed { position, reason }) => {
                    tracing::warn!(position, reason, "a message that is no event is skipped");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn take(&mut self, recorded: &Recorded) {
        let Some(id) = recorded.subject.aggregate_id() else { return };
        self.webhooks.entry(id.clone()).or_default().evolve(recorded);
        self.changed.insert(id);
    }

    /// Starts, tells and stops workers for the webhooks that have changed.
    fn bring_up(&mut self) {
        let mut ended = Vec::new();
        for id in std::mem::take(&mut self.changed) {
            let Some(webhook) = self.webhooks.get(&id) else { continue };
            if !webhook.is_active() {
                self.webhooks.remove(&id);
                match self.workers.remove(&id) {
                    Some(working) => {
                        // The worker ends by itself, and takes its consumer with it.
                        working.stop.cancel();
                    }
                    None => ended.push(id),
                }
                continue;
            }
            let webhook = Arc::new(webhook.clone());
            if let Some(working) = self.workers.get(&id) {
                working.webhook.send_replace(webhook);
                continue;
            }
            let (sender, receiver) = watch::channel(webhook);
            let stop = self.shutdown.child_token();
            let worker = Worker::new(self.courier.clone(), id.clone(), receiver, stop.clone());
            let shutdown = self.shutdown.clone();
            self.tracker.spawn(worker.run(shutdown));
            self.workers.insert(id, Working { webhook: sender, stop });
        }
        if !self.begun && !ended.is_empty() {
            let (courier, shutdown) = (self.courier.clone(), self.shutdown.clone());
            self.tracker.spawn(async move {
                shutdown.run_until_cancelled(worker::clear_away(&courier, &ended)).await;
            });
        }
        self.begun = true;
    }
}
