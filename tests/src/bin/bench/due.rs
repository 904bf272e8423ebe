//! Watching follow-ups become due: when each `FollowUpDue` was stored, compared with when it was to be.

use std::{pin::Pin, time::Duration};

use anyhow::{Context as _, Result, bail};
use async_nats::jetstream::consumer::{DeliverPolicy, pull};
use chrono::{DateTime, Utc};
use futures::{Stream, StreamExt as _};
use steward_log::{Log, definitions::EVENTS};
use steward_proto::{Event, SCHEMA_VERSION, from_timestamp};
use tokio::time::{Instant, timeout_at};

use crate::stats::Samples;

type Messages = Pin<Box<dyn Stream<Item = Result<async_nats::jetstream::Message, pull::OrderedError>> + Send>>;

/// Reads new `FollowUpDue` events.
pub struct DueWatch {
    messages: Messages,
}

/// How late the events were.
#[derive(Default)]
pub struct Lateness {
    /// By the server's time of storing, which is some 0.15 ms before its fsync.
    pub stored: Samples,
    /// By their arrival at a subscriber, which is after the fsync.
    pub seen: Samples,
    pub first: Option<DateTime<Utc>>,
    pub last: Option<DateTime<Utc>>,
}

impl DueWatch {
    pub async fn open(log: &Log) -> Result<Self> {
        let config = pull::OrderedConfig {
            filter_subject: "ev.*.conversation.*.follow_up_due".to_owned(),
            deliver_policy: DeliverPolicy::New,
            ..Default::default()
        };
        let stream = log.jetstream().get_stream(EVENTS).await?;
        let messages = stream.create_consumer(config).await?.messages().await?;
        Ok(Self { messages: messages.boxed() })
    }

    /// Reads `count` events within `limit`.
    pub async fn read(&mut self, count: usize, limit: Duration) -> Result<Lateness> {
        let end = Instant::now() + limit;
        let mut lateness = Lateness::default();
        while lateness.stored.len() < count {
            let next = timeout_at(end, self.messages.next()).await;
            let Ok(next) = next else {
                bail!("{} of {count} follow-ups became due in time", lateness.stored.len());
            };
            let message = next.context("the log goes on")??;
            let seen = Utc::now();
            let info = message.info().map_err(|error| anyhow::anyhow!("{error}"))?;
            let stored = DateTime::from_timestamp_nanos(i64::try_from(info.published.unix_timestamp_nanos())?);
            let event = Event::decode("FollowUpDue", SCHEMA_VERSION, &message.payload)?;
            let Event::FollowUpDue(due) = event else { bail!("only FollowUpDue was asked for") };
            let due_at = from_timestamp(due.due_at.as_ref()).context("it has a due time")?;
            lateness.stored.add_ms(milliseconds(stored - due_at));
            lateness.seen.add_ms(milliseconds(seen - due_at));
            lateness.first = Some(lateness.first.map_or(stored, |first| first.min(stored)));
            lateness.last = Some(lateness.last.map_or(stored, |last| last.max(stored)));
        }
        Ok(lateness)
    }
}

pub fn milliseconds(delta: chrono::TimeDelta) -> f64 {
    delta.num_nanoseconds().unwrap_or(i64::MAX) as f64 / 1e6
}
