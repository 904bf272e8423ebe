//! Filling a table by one COPY while the log is read.

use std::pin::Pin;

use bytes::Bytes;
use deadpool_postgres::Object;
use futures::SinkExt as _;
use tokio_postgres::CopyInSink;

use crate::{error::ProjectionError, models::WorkingSet, store::CopyEncoder};

/// A COPY under way, and the model whose rows go into it. If it is broken off, the table stays empty.
pub struct Filling {
    model: usize,
    encoder: CopyEncoder,
    sink: Pin<Box<CopyInSink<Bytes>>>,
    /// The connection, which the COPY keeps busy until its end.
    _client: Object,
}

impl Filling {
    /// Begins the COPY with this statement.
    ///
    /// # Errors
    /// Postgres can't be reached.
    pub async fn begin(client: Object, model: usize, statement: &str) -> Result<Self, ProjectionError> {
        let sink = Box::pin(client.copy_in(statement).await?);
        Ok(Self { model, encoder: CopyEncoder::default(), sink, _client: client })
    }

    /// Sends the model's rows that have gathered.
    ///
    /// # Errors
    /// Postgres doesn't take the rows.
    pub async fn add(&mut self, set: &mut WorkingSet) -> Result<(), ProjectionError> {
        set.drain(self.model, &mut self.encoder);
        while let Some(chunk) = self.encoder.chunk() {
            self.sink.send(chunk).await?;
        }
        Ok(())
    }

    /// Sends the remaining rows and ends the COPY; from then on the table holds all of them.
    ///
    /// # Errors
    /// Postgres doesn't take the rows.
    pub async fn end(mut self) -> Result<(), ProjectionError> {
        self.sink.send(self.encoder.end()).await?;
        self.sink.as_mut().finish().await?;
        Ok(())
    }
}
