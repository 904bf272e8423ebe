//! The table of all aggregates with their events, of which the enums over them are made.

use bytes::Bytes;
use prost::Message;

use crate::v1;

/// Version of the schema that this build writes. It grows when the meaning of a field changes, not when a field is
/// added.
pub const SCHEMA_VERSION: u32 = 1;

/// The payload of an event whose name is known can't be read.
#[derive(Debug, thiserror::Error)]
#[error("the payload of {type_name} can't be decoded: {source}")]
pub struct DecodeError {
    pub type_name: String,
    #[source]
    pub source: prost::DecodeError,
}

/// All aggregates, for a macro that makes something of each: its name in the code and in subjects, the enum of its events, and
/// the events themselves. Each event stands under one aggregate; behind `also` are those that another one has as well.
#[macro_export]
macro_rules! each_aggregate {
    ($make:ident) => {
        $make! {
            /// The events of the aggregate `conversation`.
            Conversation "conversation" as ConversationEvent {
                ClientResponded, HumanResponded, UpdateKept, RequestEdited, HumanRequested, ContactOptedOut, ContactOptedIn, QuestionAsked,
                HumanTakeoverStarted, HumanTakeoverEnded,
                RecipientBlocked, RecipientUnblocked, TurnStarted, TurnCompleted, TurnSuperseded, DraftSuppressed,
                FollowUpScheduled, FollowUpMoved, FollowUpTextChanged, FollowUpDue, FollowUpCancelled,
                FollowUpExpired, FollowUpDone, FollowUpFailed, MessageQueued, MessageDue, MessageMoved,
                MessageCancelled, MessageExpired, MessageRetried, SendDeferred, DispatchStarted, DispatchSucceeded,
                DispatchFailed, DispatchDeferred, DispatchUnknown, DeliveryReported, MessageHeld, MessageApproved,
                MessageReleased, MessageEdited, MeetingBooked, MeetingMoved, MeetingCancelled,
                IntentLeft, IntentResolved, TalkSummarised; also AddressBound, BrainChosen
            }
            /// The events of the aggregate `contact`.
            Contact "contact" as ContactEvent {
                ContactChanged, ContactArchived, ContactMerged, ContactSplit, GoalSet, GoalChanged, GoalAchieved, GoalAbandoned,
                MilestoneRecorded, MilestoneResolved, MilestoneDismissed, FactRemembered, FactRetired, TalkSearched
            }
            /// The events of the aggregate `address`.
            Address "address" as AddressEvent { AddressBound }
            /// The events of the aggregate `tenant`.
            Tenant "tenant" as TenantEvent {
                ApiKeyCreated, ApiKeyRevoked, SessionBegun, SessionEnded, BreakerTripped, BreakerReset, BrainChosen, BudgetNearlySpent,
                BudgetExhausted
            }
            /// The events of the aggregate `webhook`.
            Webhook "webhook" as WebhookEvent { WebhookCreated, WebhookDeleted, WebhookSecretRotated, WebhookDisabled }
            /// The events of the aggregate `delivery`.
            Delivery "delivery" as DeliveryEvent {
                WebhookDelivered, WebhookAttemptFailed, WebhookDeliveryFailed, WebhookDeliveryRetried
            }
            /// The events of the aggregate `run`.
            Run "run" as RunEvent {
                ModelCallStarted, ModelCallCompleted, ModelCallFailed, ToolCallStarted, ToolCallReturned, StepTaken, ClaimCorrected,
                BrainUnavailable, ExpertAnswered
            }
            /// The events of the aggregate `inbox`.
            Inbox "inbox" as InboxEvent { ; also UpdateKept }
        }
    };
}

macro_rules! events {
    ($(
        $(#[$doc:meta])*
        $aggregate:ident $aggregate_name:literal as $own:ident { $($name:ident),* $(; also $($shared:ident),*)? }
    )*) => {
        /// A domain event of any aggregate: for who decodes, and who reads whatever there is.
        #[derive(Debug, Clone, PartialEq)]
        #[allow(clippy::large_enum_variant)]
        pub enum Event {
            $($($name(v1::$name),)*)*
            /// An event of a type that this build doesn't know, or in a newer schema version of a type that it does.
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

            /// The bare protobuf message. It is empty for an unknown event, which is never written.
            pub fn encode(&self) -> Bytes {
                match self {
                    $($(Self::$name(message) => message.encode_to_vec().into(),)*)*
                    Self::Unknown { .. } => Bytes::new(),
                }
            }

            /// Reads an event by its type's name. A name or a version that this build doesn't know gives `Unknown`.
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

            /// The event as one of the aggregate that it is listed under; `None` if this build doesn't know it.
            pub fn by_aggregate(&self) -> Option<ByAggregate<'_>> {
                match self {
                    $($(Self::$name(e) => Some(ByAggregate::$aggregate($own::$name(e))),)*)*
                    Self::Unknown { .. } => None,
                }
            }
        }

        /// The kinds of aggregate.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Aggregate {
            $($aggregate,)*
        }

        impl Aggregate {
            pub const ALL: &'static [Self] = &[$(Self::$aggregate,)*];

            /// The name of this kind, as subjects have it.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$aggregate => $aggregate_name,)*
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
                /// The event as one of this aggregate's; `None` if it is none, as far as this build knows.
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

each_aggregate!(events);

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
