//! Making the streams: creates what is missing, brings the rest to our settings, keeps what operators set.
//!
//! A user who may not do that is content if the streams exist with the right settings.

use std::time::Duration;

use async_nats::jetstream::context::{CreateStreamErrorKind, GetStreamError, GetStreamErrorKind};
use async_nats::jetstream::kv;
use async_nats::jetstream::stream::Config;
use tokio::time::Instant;

use crate::{Backoff, Log, LogError, definitions};

/// How long to wait for a server that has just started and is reading its streams.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a user waits who may only look at the streams.
const LOOK: Duration = Duration::from_secs(3);

/// A stream as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamState {
    /// The stream takes what we store, in the way we store it.
    pub is_ours: bool,
    pub messages: u64,
    pub bytes: u64,
    /// The most bytes that an operator allows it.
    pub max_bytes: Option<u64>,
}

impl Log {
    /// The state of each stream; `None` if it doesn't exist.
    pub async fn stream_states(&self) -> Vec<(&'static str, Result<Option<StreamState>, LogError>)> {
        let states =
            definitions::streams().into_iter().map(async |(name, wanted)| (name, self.state(name, &wanted).await));
        futures::future::join_all(states).await
    }

    async fn state(&self, name: &str, wanted: &Config) -> Result<Option<StreamState>, LogError> {
        let doing = "reading a stream";
        let found = tokio::time::timeout(LOOK, self.jetstream().get_stream(name)).await;
        let found = found.map_err(|_| LogError::TimedOut { doing, after: LOOK })?;
        let found = match found {
            Ok(found) => found,
            Err(error) if is_missing(&error) => return Ok(None),
            Err(error) => return Err(LogError::Unavailable { doing, reason: error.to_string() }),
        };
        let (config, state) = (&found.cached_info().config, &found.cached_info().state);
        Ok(Some(StreamState {
            is_ours: config.subjects == wanted.subjects && config.allow_atomic_publish == wanted.allow_atomic_publish,
            messages: state.messages,
            bytes: state.bytes,
            max_bytes: u64::try_from(config.max_bytes).ok().filter(|most| *most > 0),
        }))
    }

    /// Creates the streams, the blob store and the scheduler's notes, or brings them to our settings. Idempotent; any service
    /// may call it.
    ///
    /// Replicas, placement and limits that an operator has set stay as they are.
    ///
    /// # Errors
    /// [`LogError::Denied`] if something has to be made or changed and the server's permissions forbid it.
    pub async fn ensure_streams(&self) -> Result<(), LogError> {
        for (name, config) in definitions::streams() {
            self.patiently(|| self.ensure_stream(name, config.clone())).await?;
        }
        self.patiently(|| self.ensure_blobs()).await?;
        self.patiently(|| self.ensure_notes()).await
    }

    async fn patiently<Fut>(&self, attempt: impl Fn() -> Fut) -> Result<(), LogError>
    where
        Fut: Future<Output = Result<(), LogError>>,
    {
        let deadline = Instant::now() + PATIENCE;
        let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(1));
        loop {
            match self.allowed(attempt()).await {
                Err(error) if error.is_transient() && Instant::now() < deadline => {
                    tracing::debug!(%error, "JetStream isn't ready yet");
                    self.session().pause(backoff.next_pause()).await?;
                }
                done => return done,
            }
        }
    }

    /// Runs an attempt, and ends it when the server denies something: no answer would come.
    async fn allowed(&self, attempt: impl Future<Output = Result<(), LogError>>) -> Result<(), LogError> {
        let denied =
            self.denials().of(|denied| denied.what != "Publish" || denied.subject.starts_with("$JS.API.STREAM."));
        tokio::select! {
            biased;
            done = attempt => done,
            denied = denied => {
                let (what, subject) = (denied.what.to_lowercase(), denied.subject);
                Err(LogError::Denied { doing: "making the streams", what, subject })
            }
        }
    }

    async fn ensure_notes(&self) -> Result<(), LogError> {
        if self.jetstream().get_key_value(definitions::NOTES).await.is_ok() {
            return Ok(());
        }
        let config = kv::Config { bucket: definitions::NOTES.to_owned(), ..kv::Config::default() };
        let made = self.jetstream().create_key_value(config).await;
        made.map(drop).map_err(|error| LogError::Unavailable { doing: "making a bucket", reason: error.to_string() })
    }

    async fn ensure_stream(&self, name: &'static str, wanted: Config) -> Result<(), LogError> {
        let jetstream = self.jetstream();
        let found = match jetstream.get_stream(name).await {
            Ok(stream) => stream.cached_info().config.clone(),
            Err(error) if is_missing(&error) => {
                return match jetstream.create_stream(wanted.clone()).await {
                    Ok(_) => Ok(()),
                    Err(error) => Err(creating(name, &error)),
                };
            }
            Err(error) => return Err(LogError::Unavailable { doing: "reading a stream", reason: error.to_string() }),
        };
        let merged = merged(&found, wanted);
        if merged == found {
            return Ok(());
        }
        jetstream.update_stream(merged).await.map(drop).map_err(|error| creating(name, &error))
    }
}

fn is_missing(error: &GetStreamError) -> bool {
    let code = async_nats::jetstream::ErrorCode::STREAM_NOT_FOUND;
    matches!(error.kind(), GetStreamErrorKind::JetStream(refused) if refused.error_code() == code)
}

/// The settings of an existing stream with those that must be ours put over them.
fn merged(found: &Config, wanted: Config) -> Config {
    Config {
        description: wanted.description,
        subjects: wanted.subjects,
        retention: wanted.retention,
        discard: wanted.discard,
        storage: wanted.storage,
        duplicate_window: if wanted.duplicate_window.is_zero() {
            found.duplicate_window
        } else {
            wanted.duplicate_window
        },
        max_messages_per_subject: if wanted.max_messages_per_subject > 0 {
            wanted.max_messages_per_subject
        } else {
            found.max_messages_per_subject
        },
        deny_purge: wanted.deny_purge,
        allow_rollup: wanted.allow_rollup,
        allow_direct: wanted.allow_direct,
        allow_atomic_publish: wanted.allow_atomic_publish,
        allow_message_schedules: wanted.allow_message_schedules,
        allow_message_ttl: wanted.allow_message_ttl,
        ..found.clone()
    }
}

fn creating(stream: &'static str, error: &async_nats::jetstream::context::CreateStreamError) -> LogError {
    match error.kind() {
        // 10049 (the folder doesn't exist yet) was seen right after an account's last stream had been deleted.
        CreateStreamErrorKind::JetStream(refused)
            if refused.error_code() != async_nats::jetstream::ErrorCode::STREAM_CREATE =>
        {
            LogError::IncompatibleStream { stream, reason: refused.to_string() }
        }
        _ => LogError::Unavailable { doing: "creating a stream", reason: error.to_string() },
    }
}
