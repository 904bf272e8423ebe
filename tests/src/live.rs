//! The live stream as a client reads it: `GET /api/v1/stream`.

use std::{pin::Pin, time::Duration};

use anyhow::{Context, bail};
use bytes::Bytes;
use futures::{Stream, StreamExt};
use serde_json::Value;

/// One event of the stream.
#[derive(Debug, Clone)]
pub struct LiveEvent {
    /// The event's position in the log; `None` for an event that isn't in the log.
    pub id: Option<u64>,
    pub event: String,
    pub data: Value,
}

type Lines = Pin<Box<dyn Stream<Item = reqwest::Result<Bytes>> + Send>>;

/// A connection to the stream.
pub struct Live {
    body: Lines,
    buffer: Vec<u8>,
    /// The last position that the server has named, be it in an event or in a heartbeat.
    pub position: Option<u64>,
}

impl Live {
    /// Connects. `after` is sent as `Last-Event-ID`; without it the stream starts at the end.
    pub async fn open(client: &reqwest::Client, url: &str, after: Option<u64>) -> anyhow::Result<Self> {
        let mut request = client.get(url).header("Accept", "text/event-stream");
        if let Some(after) = after {
            request = request.header("Last-Event-ID", after.to_string());
        }
        let response = request.send().await?;
        if !response.status().is_success() {
            bail!("{url}: {} {}", response.status(), response.text().await.unwrap_or_default());
        }
        Ok(Self { body: Box::pin(response.bytes_stream()), buffer: Vec::new(), position: after })
    }

    /// Waits until the server has named a position, so that what happens from now on is seen.
    pub async fn joined(&mut self) -> anyhow::Result<u64> {
        while self.position.is_none() {
            self.block().await?;
        }
        self.position.context("it was named")
    }

    /// The next event; heartbeats only move [`Live::position`].
    pub async fn next(&mut self) -> anyhow::Result<LiveEvent> {
        loop {
            if let Some(event) = self.block().await? {
                return Ok(event);
            }
        }
    }

    /// The next event that `wanted` accepts.
    pub async fn until(
        &mut self,
        within: Duration,
        mut wanted: impl FnMut(&LiveEvent) -> bool,
    ) -> anyhow::Result<LiveEvent> {
        let wait = async {
            loop {
                let event = self.next().await?;
                if wanted(&event) {
                    return Ok(event);
                }
            }
        };
        tokio::time::timeout(within, wait).await.context("not seen on the live stream in time")?
    }

    /// The next block of lines up to an empty one: an event, or a comment with or without an id.
    pub async fn block(&mut self) -> anyhow::Result<Option<LiveEvent>> {
        let block = loop {
            if let Some(end) = self.buffer.windows(2).position(|w| w == b"\n\n") {
                let block: Vec<u8> = self.buffer.drain(..end + 2).collect();
                break String::from_utf8(block)?;
            }
            let chunk = self.body.next().await.context("the live stream ended")??;
            self.buffer.extend(chunk.iter().filter(|b| **b != b'\r'));
        };
        let (mut id, mut event, mut data) = (None, String::new(), Vec::new());
        for line in block.lines() {
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "id" => id = Some(value.parse().context("an id is a log position")?),
                "event" => value.clone_into(&mut event),
                "data" => data.push(value.to_owned()),
                _ => {}
            }
        }
        self.position = id.or(self.position);
        if data.is_empty() {
            return Ok(None);
        }
        Ok(Some(LiveEvent { id, event, data: serde_json::from_str(&data.join("\n"))? }))
    }
}
