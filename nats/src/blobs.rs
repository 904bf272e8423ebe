//! Blobs: bodies too large for an event, kept in the object store under their SHA-256.

use async_nats::jetstream::object_store::{self, GetErrorKind, ObjectStore};
use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncReadExt as _;
use tokio::time::timeout;

use crate::{Log, LogError, definitions};

/// How long one blob may take to store or to read.
const TIMEOUT: std::time::Duration = std::time::Duration::from_secs(30);

fn unavailable(doing: &'static str, error: &dyn std::fmt::Display) -> LogError {
    LogError::Unavailable { doing, reason: error.to_string() }
}

fn hash(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

impl Log {
    /// Stores a body and returns its SHA-256 in hex. The same body is stored once, however often it comes. It is
    /// durable when this returns.
    pub async fn put_blob(&self, bytes: Bytes) -> Result<String, LogError> {
        let doing = "storing a blob";
        let name = hash(&bytes);
        let put = async {
            let store = self.blobs(doing).await?;
            if store.info(&name).await.is_ok() {
                return Ok(());
            }
            let mut body = bytes.as_ref();
            store.put(name.as_str(), &mut body).await.map(drop).map_err(|error| unavailable(doing, &error))
        };
        timeout(TIMEOUT, put).await.unwrap_or(Err(LogError::TimedOut { doing, after: TIMEOUT }))?;
        Ok(name)
    }

    /// Reads a body by its SHA-256, and checks it against that.
    pub async fn get_blob(&self, sha256: &str) -> Result<Bytes, LogError> {
        let doing = "reading a blob";
        let get = async {
            let store = self.blobs(doing).await?;
            let mut object = store.get(sha256).await.map_err(|error| match error.kind() {
                GetErrorKind::NotFound | GetErrorKind::InvalidName => LogError::NoSuchBlob(sha256.to_owned()),
                _ => unavailable(doing, &error),
            })?;
            let mut body = Vec::with_capacity(object.info().size);
            object.read_to_end(&mut body).await.map_err(|error| unavailable(doing, &error))?;
            Ok(Bytes::from(body))
        };
        let body = timeout(TIMEOUT, get).await.unwrap_or(Err(LogError::TimedOut { doing, after: TIMEOUT }))?;
        if hash(&body) == sha256 { Ok(body) } else { Err(LogError::DamagedBlob(sha256.to_owned())) }
    }

    async fn blobs(&self, doing: &'static str) -> Result<ObjectStore, LogError> {
        self.jetstream().get_object_store(definitions::BLOBS).await.map_err(|error| unavailable(doing, &error))
    }

    pub(crate) async fn ensure_blobs(&self) -> Result<(), LogError> {
        if self.jetstream().get_object_store(definitions::BLOBS).await.is_ok() {
            return Ok(());
        }
        let config = object_store::Config {
            bucket: definitions::BLOBS.to_owned(),
            description: Some("Steward: bodies too large for an event, by their SHA-256".to_owned()),
            ..object_store::Config::default()
        };
        let created = self.jetstream().create_object_store(config).await;
        created.map(drop).map_err(|error| unavailable("making the blob store", &error))
    }
}
