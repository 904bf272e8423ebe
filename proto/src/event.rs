//! The events: an enum over all, with the mapping between a message, its name and its bytes, and an enum per aggregate.

use bytes::Bytes;
use prost::Message;

use crate::v1;

/// Version of the schema that this build writes. It grows when the meaning of a field changes; adding a field doesn't change it.
pub const SCHEMA_VERSION: u32 = 1;

/// The payload of an event whose name is known can't be read.
#[derive(Debug, thiserror::Error)]
#[error("the payload of {type_name} can't be decoded: {source}")]
pub struct DecodeError {
    pub type_name: String,
    #[source]
    pub source: prost::DecodeError,
}

macro_rules! events {
    ($(
        $(#[$doc:meta])*
        $aggregate:ident as $own:ident { $($name:ident),* $(; also $($shared:ident),*)? }
    )*) => {
        /// A domain event of any aggregate: for who decodes, and who reads whatever there is.
        #[derive(Debug, Clone, PartialEq)]
        #[allow(clippy::large_enum_variant)]
        pub enum Event {
            $($($name(v1::$name),)*)*
            /// A type that this build doesn't know, or a newer schema version of one it does.
            Unknown { type_name: String, schema_version: u32 },
        }

        $($(impl From<v1::$name> for Event {
            fn from(message: v1::$name) -> Self {
                Self::$name(message)
            }
        })*)*

        impl Event {
            /// Names of all the events this build knows.
            pub const TYPES: &'static [&'static str] = &[$($(stringify!($name),)*)*];

            /// The message's name: `FollowUpScheduled`.
            pub fn type_name(&self) -> &str {
                match self {
                    $($(Self::$name(_) => stringify!($name),)*)*
                    Self::Unknown { type_name, .. } => type_name,
                }
            }

            /// The bare protobuf message. Empty for an unknown event: those are never written.
            pub fn encode(&self) -> Bytes {
                match self {
                    $($(Self::$name(message) => message.encode_to_vec().into(),)*)*
                    Self::Unknown { .. } => Bytes::new(),
                }
            }

            /// Reads an event by its name; a name or version from the future is `Unknown`.
            pub fn decode(type_name: &str, schema_version: u32, payload: &[u8]) -> Result<Self, DecodeError> {
                if schema_version > SCHEMA_VERSION {
                    return Ok(Self::Unknown { type_name: type_name.to_owned(), schema_version });
                }
                match type_name {
                    $($(stringify!($name) => v1::$name::decode(payload)
                        .map(Self::$name)
                        .map_err(|source| DecodeError { type_name: type_name.to_owned(), source }),)*)*
                    _ => Ok(Self::Unknown { type_name: type_name.to_owned(), schema_version }),
                }
            }

            /// The event as one of the aggregate that it is listed under; `None`: this build doesn't know it.
            pub fn by_aggregate(&self) -> Option<ByAggregate<'_>> {
                match self {
                    $($(Self::$name(e) => Some(ByAggregate::$aggregate($own::$name(e))),)*)*
                    Self::Unknown { .. } => None,
                }
            }
        }

        /// Any event that this build knows, under the aggregate that it is listed under.
        #[derive(Debug, Clone, Copy)]
        pub enum ByAggregate<'a> {
            $($aggregate($own<'a>),)*
        }

        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy)]
            pub enum $own<'a> {
                $($name(&'a v1::$name),)*
                $($($shared(&'a v1::$shared),)*)?
            }

            impl<'a> $own<'a> {
                /// `None`: it is no event of this aggregate, as far as this build knows.
                pub fn of(event: &'a Event) -> Option<Self> {
                    match event {
                        $(Event::$name(e) => Some(Self::$name(e)),)*
                        $($(Event::$shared(e) => Some(Self::$shared(e)),)*)?
                        _ => None,
                    }
                }
            }
        )*
    };
}

// Each event stands under one aggregate; behind `also` are those that another one has as well.
events! {
    /// The events of the aggregate `conversation`.
    Conversation as ConversationEvent {
        ClientResponded, HumanResponded, UpdateKept, HumanRequested, ContactOptedOut, ContactOptedIn, QuestionAsked, HumanTakeoverStarted, HumanTakeoverEnded,
        RecipientBlocked, RecipientUnblocked, TurnStarted, TurnCompleted, TurnSuperseded, DraftSuppressed,
        FollowUpScheduled, FollowUpMoved, FollowUpTextChanged, FollowUpDue, FollowUpCancelled, FollowUpExpired,
        FollowUpDone, FollowUpFailed, MessageQueued, MessageDue, MessageMoved, MessageCancelled, MessageExpired,
        MessageRetried, SendDeferred, DispatchStarted, DispatchSucceeded, DispatchFailed, DispatchDeferred,
        DispatchUnknown, DeliveryReported, MessageHeld, MessageApproved, MessageReleased, MessageEdited, MeetingBooked,
        MeetingMoved, MeetingCancelled; also AddressBound
    }
    /// The events of the aggregate `contact`.
    Contact as ContactEvent { ContactChanged, ContactArchived, ContactMerged, ContactSplit }
    /// The events of the aggregate `address`.
    Address as AddressEvent { AddressBound }
    /// The events of the aggregate `tenant`.
    Tenant as TenantEvent { ApiKeyCreated, ApiKeyRevoked, BreakerTripped, BreakerReset }
    /// The events of the aggregate `webhook`.
    Webhook as WebhookEvent { WebhookCreated, WebhookDeleted, WebhookSecretRotated, WebhookDisabled }
    /// The events of the aggregate `delivery`.
    Delivery as DeliveryEvent {
        WebhookDelivered, WebhookAttemptFailed, WebhookDeliveryFailed, WebhookDeliveryRetried
    }
    /// The events of the aggregate `inbox`.
    Inbox as InboxEvent { ; also UpdateKept }
}

/// `FollowUpScheduled` → `follow_up_scheduled`: the last token of a subject.
pub fn snake_case(type_name: &str) -> String {
    let mut out = String::with_capacity(type_name.len() + 4);
    for (i, c) in type_name.char_indices() {
        if c.is_ascii_uppercase() && i > 0 {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

impl Event {
    /// The last token of its subject: `follow_up_scheduled`.
    pub fn subject_token(&self) -> String {
        snake_case(self.type_name())
    }
}
