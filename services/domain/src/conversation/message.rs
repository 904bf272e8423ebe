//! What a message on its way out is: its words, its state, what the provider said of it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use steward_proto::{protobuf, v1};

use crate::{
    ids::{ClaimId, FollowUpId, MessageId, TurnId},
    kernel::Why,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Author {
    Bot,
    Human,
}

impl Author {
    pub fn of_name(name: &str) -> Option<Self> {
        match name {
            "bot" => Some(Self::Bot),
            "human" => Some(Self::Human),
            _ => None,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Bot => "bot",
            Self::Human => "human",
        }
    }
}

/// What the client's next message does to a message that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum OnReply {
    Cancel,
    /// It waits for a person.
    Hold,
    /// It is taken back, and the next turn is told what it would have said.
    Inject,
    Keep,
}

impl OnReply {
    pub const ALL: [Self; 4] = [Self::Cancel, Self::Hold, Self::Inject, Self::Keep];

    pub fn of_name(name: &str) -> Option<Self> {
        match name {
            "cancel" => Some(Self::Cancel),
            "hold" => Some(Self::Hold),
            "inject" => Some(Self::Inject),
            "keep" => Some(Self::Keep),
            _ => None,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::Hold => "hold",
            Self::Inject => "inject",
            Self::Keep => "keep",
        }
    }
}

/// A message on its way out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    pub id: MessageId,
    pub author: Author,
    /// All of it.
    pub text: String,
    /// It as the channel takes it, in order.
    pub parts: Vec<String>,
    /// The part to send next.
    pub part: usize,
    /// Claims of this part so far.
    pub attempts: u32,
    pub on_reply: OnReply,
    pub key: String,
    pub follow_up_id: Option<FollowUpId>,
    pub turn_id: Option<TurnId>,
    pub proactive: bool,
    /// Lateness counts from here: the latest of due time, renewal, end of a deferral.
    pub late_from: DateTime<Utc>,
    /// Id of the latest claim: only its answer settles an unknown. `None`: never claimed.
    pub last_claim: Option<ClaimId>,
    /// The latest claim was of a template.
    pub as_template: bool,
    /// The provider's ids of its parts, in order; empty for a part that has none yet.
    pub provider_ids: Vec<String>,
    /// Offered below the text where the channel has them.
    #[serde(with = "protobuf::list")]
    pub buttons: Vec<v1::Button>,
    /// The fingerprint of recipient and text that a person let go. Empty: none.
    pub approved: String,
    /// A person let it go, alone or with all that the breaker held: it no longer goes out by itself.
    pub let_go: bool,
    /// It was put off until its channel's limiter has a turn for it, and isn't claimed yet: what comes behind it in the
    /// conversation waits too.
    pub in_line: bool,
    pub state: MessageState,
    /// It is to be cancelled as soon as the open claim ends without a send.
    pub cancel_after_claim: Option<Why>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum MessageState {
    /// Waits for a dispatcher; not before the time given.
    Queued {
        not_before: Option<DateTime<Utc>>,
    },
    /// Waits for a person to let it go; after that, not before the time given.
    Held {
        why: Why,
        not_before: Option<DateTime<Utc>>,
    },
    Claimed(Claim),
    /// The provider took it, and may have said more since.
    Sent(Receipts),
    Failed(Why),
    Unknown(Why),
    Cancelled(Why),
    Expired(Why),
}

/// What the provider said of a message after it took it. They may come in any order, and some never.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipts {
    pub delivered_at: Option<DateTime<Utc>>,
    pub read_at: Option<DateTime<Utc>>,
}

impl Receipts {
    /// `sent`, `delivered` or `read`.
    pub fn state(self) -> &'static str {
        match self {
            Self { read_at: Some(_), .. } => "read",
            Self { delivered_at: Some(_), .. } => "delivered",
            Self { .. } => "sent",
        }
    }

    /// Both together; the earlier of two times counts, so that the order of reports doesn't.
    pub fn and(self, other: Self) -> Self {
        let earlier = |a: Option<DateTime<Utc>>, b: Option<DateTime<Utc>>| a.into_iter().chain(b).min();
        Self {
            delivered_at: earlier(self.delivered_at, other.delivered_at),
            read_at: earlier(self.read_at, other.read_at),
        }
    }
}

/// One attempt of one part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    pub claim_id: ClaimId,
    /// When it was made.
    pub at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub worker: String,
}

impl Message {
    pub fn is_queued(&self) -> bool {
        matches!(self.state, MessageState::Queued { .. })
    }

    /// Queued or held: it may still be changed.
    pub fn is_waiting(&self) -> bool {
        matches!(self.state, MessageState::Queued { .. } | MessageState::Held { .. })
    }

    /// Queued, held or claimed.
    pub fn is_open(&self) -> bool {
        self.is_waiting() || matches!(self.state, MessageState::Claimed(_))
    }

    pub fn is_sent(&self) -> bool {
        matches!(self.state, MessageState::Sent(_))
    }
}
