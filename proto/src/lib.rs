//! The language of Steward: every domain event as a protobuf message, its metadata as headers, and its JSON form.

mod cause;
mod event;
mod json;
mod metadata;
pub mod protobuf;
mod secrets;
mod subject;
mod times;

/// The messages as generated from `proto/steward_v1`.
pub mod v1 {
    #![allow(clippy::large_enum_variant, clippy::doc_markdown)]
    include!(concat!(env!("OUT_DIR"), "/steward.v1.rs"));
}

pub use cause::{Cause, Fold, Kept, NewEvent, new_traceparent};
pub use event::*;
pub use json::{FILE_DESCRIPTORS, event_json, message_names};
pub use metadata::{Metadata, MetadataError, header};
pub use secrets::{secret_types, without_secrets};
pub use subject::{AggregateId, Subject, SubjectError, TenantId};
pub use times::{from_timestamp, to_timestamp};

/// An event as the log holds it.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// The event's place in the log: its sequence in the stream.
    pub position: u64,
    pub subject: Subject,
    pub metadata: Metadata,
    /// `Event::Unknown` when this build doesn't know the type.
    pub event: Event,
    /// The bare protobuf message.
    pub payload: bytes::Bytes,
}
