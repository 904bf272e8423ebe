//! Traces: bodies too large for a run's events, such as what a model was asked. They are kept in an object store of their own for as
//! long as their tenant wants, under tenant and SHA-256; the server itself removes what is over its time.

use std::time::Duration;

use async_nats::{
    header::NATS_ROLLUP,
    jetstream::{message::PublishMessage, object_store::ObjectInfo},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE};
use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use steward_proto::TenantId;
use tokio::time::timeout;

use crate::{
    Log, LogError, definitions,
    history::{self, DirectGet},
};

/// How long one may take to store or to read.
const TIMEOUT: Duration = Duration::from_secs(10);
/// A shorter life than this isn't kept at all: the server counts in seconds.
const SHORTEST: Duration = Duration::from_secs(1);

/// A body, and the SHA-256 under which it is kept. It is one message, so it is not larger than a server takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    sha256: String,
    body: Bytes,
}

impl Trace {
    /// Bytes of a body, at most: half of what a message of a server may have that nobody has configured.
    pub const LARGEST: usize = 512 << 10;

    /// `None`: it is too large.
    pub fn of(body: Bytes) -> Option<Self> {
        (body.len() <= Self::LARGEST).then(|| Self { sha256: hash(&body), body })
    }

    pub fn sha256(&self) -> &str {
        &self.sha256
    }
}

fn hash(body: &[u8]) -> String {
    Sha256::digest(body).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether a text is a SHA-256 as we write it.
fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// The name of a tenant's body. Its chunk is called by it too, so that the same body is there once.
fn name(tenant: &TenantId, sha256: &str) -> String {
    format!("{tenant}-{sha256}")
}

fn chunk_subject(name: &str) -> String {
    format!("$O.{}.C.{name}", definitions::TRACES)
}

impl Log {
    /// Stores a body of a tenant's for so long; stored again, it stays from then on for as long again.
    ///
    /// # Errors
    /// The server doesn't take it.
    pub async fn put_trace(&self, tenant: &TenantId, trace: &Trace, life: Duration) -> Result<(), LogError> {
        let doing = "storing a trace";
        if life < SHORTEST {
            return Ok(());
        }
        let unavailable = |error: &dyn std::fmt::Display| LogError::Unavailable { doing, reason: error.to_string() };
        let name = name(tenant, &trace.sha256);
        let digest = Sha256::digest(&trace.body);
        let info = ObjectInfo {
            name: name.clone(),
            description: None,
            metadata: Default::default(),
            headers: None,
            options: None,
            bucket: definitions::TRACES.to_owned(),
            nuid: name.clone(),
            size: trace.body.len(),
            chunks: 1,
            modified: None,
            digest: Some(format!("SHA-256={}", URL_SAFE.encode(digest))),
            deleted: false,
        };
        let info = serde_json::to_vec(&info).map_err(|error| unavailable(&error))?;
        let told = format!("$O.{}.M.{}", definitions::TRACES, URL_SAFE.encode(&name));
        let messages = [(chunk_subject(&name), trace.body.clone()), (told, info.into())];
        let put = async {
            let mut sent = Vec::new();
            for (subject, payload) in messages {
                let message = PublishMessage::build().payload(payload).ttl(life).header(NATS_ROLLUP, "sub");
                sent.push(self.jetstream().send_publish(subject, message).await.map_err(|error| unavailable(&error))?);
            }
            for stored in sent {
                stored.await.map_err(|error| unavailable(&error))?;
            }
            Ok(())
        };
        timeout(TIMEOUT, put).await.unwrap_or(Err(LogError::TimedOut { doing, after: TIMEOUT }))
    }

    /// Reads a tenant's body by its SHA-256, and checks it against that; `None`: the tenant has none of this hash, or has it
    /// no longer.
    ///
    /// # Errors
    /// The server doesn't answer.
    pub async fn get_trace(&self, tenant: &TenantId, sha256: &str) -> Result<Option<Bytes>, LogError> {
        if !is_hash(sha256) {
            return Ok(None);
        }
        let subject = chunk_subject(&name(tenant, sha256));
        let request = DirectGet::last(&subject);
        let session = self.session();
        let read = session
            .persist("reading a trace", move |epoch| history::one(session, epoch, definitions::TRACES_STREAM, request));
        Ok(read.await?.map(|stored| stored.payload).filter(|body| hash(body) == sha256))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_told_from_what_could_name_other_subjects() {
        let trace = Trace::of("body".into()).expect("small enough");
        assert!(is_hash(trace.sha256()));
        for text in ["", "*", ">", &trace.sha256()[1..], &trace.sha256().to_uppercase(), &"g".repeat(64)] {
            assert!(!is_hash(text), "{text}");
        }
        assert_eq!(Trace::of(vec![0; Trace::LARGEST + 1].into()), None);
    }
}
