//! Notes: hints under short keys, which may be lost. The scheduler leaves them for its next sweep, the dashboard of when sessions were
//! last seen.

use async_nats::jetstream::kv;

use crate::session::REQUEST_TIMEOUT;
use crate::{Log, LogError, definitions};

fn unavailable(doing: &'static str, error: &dyn std::fmt::Display) -> LogError {
    LogError::Unavailable { doing, reason: error.to_string() }
}

async fn within_limit<T>(doing: &'static str, call: impl Future<Output = Result<T, LogError>>) -> Result<T, LogError> {
    let answered = tokio::time::timeout(REQUEST_TIMEOUT, call).await;
    answered.unwrap_or(Err(LogError::TimedOut { doing, after: REQUEST_TIMEOUT }))
}

impl Log {
    /// The latest note under this key.
    pub async fn note(&self, key: &str) -> Result<Option<String>, LogError> {
        let doing = "reading a note";
        let read = async {
            let value = self.notes(doing).await?.get(key).await.map_err(|error| unavailable(doing, &error))?;
            Ok(value.and_then(|value| String::from_utf8(value.into()).ok()))
        };
        within_limit(doing, read).await
    }

    /// Writes a note, in place of the one before.
    pub async fn set_note(&self, key: &str, value: String) -> Result<(), LogError> {
        let doing = "writing a note";
        let write = async {
            let written = self.notes(doing).await?.put(key, value.into()).await;
            written.map(drop).map_err(|error| unavailable(doing, &error))
        };
        within_limit(doing, write).await
    }

    async fn notes(&self, doing: &'static str) -> Result<kv::Store, LogError> {
        self.jetstream().get_key_value(definitions::NOTES).await.map_err(|error| unavailable(doing, &error))
    }
}
