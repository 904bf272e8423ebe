//! The references on JetStream itself: publishing to a plain stream of the same server, without Steward.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use async_nats::{
    ConnectOptions, HeaderMap, ServerAddr,
    jetstream::{self, stream},
};
use bytes::Bytes;
use tokio::task::JoinSet;

use crate::{http::Load, stats::Samples};

const STREAM: &str = "BENCH";

/// A stream of its own on the server that Steward uses.
#[derive(Clone)]
pub struct Raw {
    client: async_nats::Client,
    context: jetstream::Context,
    payload: Bytes,
}

impl Raw {
    /// Opens it; each message has `bytes` bytes.
    pub async fn open(url: &str, bytes: usize) -> Result<Self> {
        let address: ServerAddr = url.parse()?;
        // The client doesn't take user and password from a URL by itself.
        let (user, password) = (address.username().unwrap_or_default(), address.password().unwrap_or_default());
        let options = ConnectOptions::with_user_and_password(user.to_owned(), password.to_owned());
        let client = options.connect(&address).await?;
        let context = jetstream::new(client.clone());
        let config = stream::Config {
            name: STREAM.to_owned(),
            subjects: vec!["bench.>".to_owned()],
            allow_atomic_publish: true,
            ..Default::default()
        };
        context.get_or_create_stream(config).await?;
        Ok(Self { client, context, payload: vec![b'x'; bytes].into() })
    }

    /// `writers` publish for `span`, each of which awaits an acknowledgement before its next message.
    pub async fn awaited(&self, writers: usize, span: Duration) -> Result<Load> {
        let end = Instant::now() + span;
        let mut tasks = JoinSet::new();
        for writer in 0..writers {
            let raw = self.clone();
            tasks.spawn(async move {
                let mut samples = Samples::default();
                while Instant::now() < end {
                    let began = Instant::now();
                    let subject = format!("bench.{writer}.{}", samples.len());
                    raw.context.publish(subject, raw.payload.clone()).await?.await?;
                    samples.add(began.elapsed());
                }
                anyhow::Ok(samples)
            });
        }
        let mut latencies = Samples::default();
        while let Some(task) = tasks.join_next().await {
            latencies.merge(task??);
        }
        let per_second = latencies.len() as f64 / span.as_secs_f64();
        Ok(Load { all: latencies.len(), latencies, per_second, refused: 0 })
    }

    /// How many messages per second when `count` are published by 64 writers that await each acknowledgement.
    pub async fn singly(&self, count: usize) -> Result<f64> {
        let next = Arc::new(AtomicUsize::new(0));
        let began = Instant::now();
        let mut tasks = JoinSet::new();
        for _ in 0..64 {
            let (raw, next) = (self.clone(), next.clone());
            tasks.spawn(async move {
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= count {
                        return anyhow::Ok(());
                    }
                    raw.context.publish(format!("bench.single.{n}"), raw.payload.clone()).await?.await?;
                }
            });
        }
        while let Some(task) = tasks.join_next().await {
            task??;
        }
        Ok(count as f64 / began.elapsed().as_secs_f64())
    }

    /// How many messages per second when `count` are published in atomic batches of `size`, one after the other.
    pub async fn batched(&self, count: usize, size: usize) -> Result<f64> {
        let began = Instant::now();
        let mut sent = 0;
        while sent < count {
            let size = size.min(count - sent);
            self.batch(sent, size).await?;
            sent += size;
        }
        Ok(count as f64 / began.elapsed().as_secs_f64())
    }

    async fn batch(&self, first: usize, size: usize) -> Result<()> {
        let id = uuid::Uuid::now_v7().simple().to_string();
        for n in 1..=size {
            let mut headers = HeaderMap::new();
            headers.insert("Nats-Batch-Id", id.as_str());
            headers.insert("Nats-Batch-Sequence", n.to_string().as_str());
            let subject = format!("bench.batch.{}", first + n);
            if n < size {
                self.client.publish_with_headers(subject, headers, self.payload.clone()).await?;
                continue;
            }
            headers.insert("Nats-Batch-Commit", "1");
            let answer = self.client.request_with_headers(subject, headers, self.payload.clone()).await?;
            let answer: serde_json::Value = serde_json::from_slice(&answer.payload).context("an acknowledgement")?;
            ensure!(answer["error"].is_null(), "a batch was refused: {answer}");
        }
        Ok(())
    }
}
