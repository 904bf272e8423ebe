//! A table that is filled by one COPY while the log is read.

use std::pin::Pin;

use bytes::Bytes;
use deadpool_postgres::Object;
use futures::SinkExt as _;
use tokio_postgres::CopyInSink;

use crate::{error::ProjectionError, models::WorkingSet, store::CopyEncoder};

/// The COPY under way, and the model whose rows go into it. The table holds nothing if it is broken off.
pub struct Filling {
    model: usize,
    encoder: CopyEncoder,
    sink: Pin<Box<CopyInSink<Bytes>>>,
    /// Busy with it until the end.
    _client: Object,
}

impl Filling {
    /// Begins one by its statement.
    ///
    /// # Errors
    /// When Postgres can't be reached.
    pub async fn begin(client: Object, model: usize, statement: &str) -> Result<Self, ProjectionError> {
        let sink = Box::pin(client.copy_in(statement).await?);
        Ok(Self { model, encoder: CopyEncoder::default(), sink, _client: client })
    }

    /// Sends the model's rows that have gathered.
    ///
    /// # Errors
    /// When Postgres doesn't take them.
    pub async fn add(&mut self, set: &mut WorkingSet) -> Result<(), ProjectionError> {
        set.drain(self.model, &mut self.encoder);
        while let Some(chunk) = self.encoder.chunk() {
            self.sink.send(chunk).await?;
        }
        Ok(())
    }

    /// Sends the rest; from then on the table holds all.
    ///
    /// # Errors
    /// When Postgres doesn't take it.
    pub async fn end(mut self) -> Result<(), ProjectionError> {
        self.sink.send(self.encoder.end()).await?;
        self.sink.as_mut().finish().await?;
        Ok(())
    }
}
