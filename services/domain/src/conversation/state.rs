//! What a conversation is: the state that its events make.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use chrono::{DateTime, Utc};
use steward_proto::v1;

use crate::keys::InboundKeys;

/// The fold of a conversation.
#[derive(Debug, Clone, Default)]
pub struct Conversation {
    /// An event type from the future: nothing is decided any more.
    pub schema_ahead: Option<String>,
    /// `None` until something came in.
    pub place: Option<Place>,
    /// Who wrote last.
    pub person: Person,
    pub takeover: Option<Takeover>,
    /// The recipient can't be reached: nothing proactive is sent until they write again.
    pub blocked: bool,
    pub inbound: InboundKeys,
    /// Client messages that no turn has answered, oldest first.
    pub unanswered: Vec<Arc<ClientMessage>>,
    /// The position through which turns have answered.
    pub answered_through: u64,
    pub turn: Option<OpenTurn>,
    /// Follow-ups by id. Ended ones stay for a while, so that a command on them gets a clear answer.
    pub follow_ups: BTreeMap<String, Arc<FollowUp>>,
    /// Messages out by id, likewise.
    pub outbox: BTreeMap<String, Arc<Message>>,
    /// What client messages cancelled since the last turn: a turn may renew them.
    pub cancelled: Vec<Arc<FollowUp>>,
    /// Cancelled by the fold itself; the scheduler has still to tell subscribers.
    pub unannounced: Vec<(Cancelled, Why)>,
    /// When proactive messages were sent, of the last 24 hours.
    pub proactive_sent: VecDeque<DateTime<Utc>>,
    /// Ids of what ended, in that order; the oldest are forgotten.
    pub(super) ended: VecDeque<Cancelled>,
}

/// Which thing, by id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cancelled {
    FollowUp(String),
    Message(String),
}

/// Where the conversation takes place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub channel_id: String,
    /// Kind of channel.
    pub channel: String,
    /// Where messages are sent to: chat id, address.
    pub external_id: String,
    pub contact_id: String,
    pub group: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Person {
    pub id: String,
    pub name: String,
    pub username: String,
    pub language: String,
    pub timezone: String,
}

/// A human of ours is active.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Takeover {
    pub by: String,
    pub via: String,
    pub since: DateTime<Utc>,
    /// The human's last sign of life; silence counts from here.
    pub active_at: DateTime<Utc>,
    /// What was cancelled while it lasted; shown at release.
    pub cancelled: Vec<String>,
}

/// Why something ended: a stable code, words, and the event that made it so.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Why {
    pub code: String,
    pub text: String,
    pub event_id: String,
}

impl Why {
    pub fn new(code: &str, text: impl Into<String>, event_id: impl ToString) -> Self {
        Self { code: code.to_owned(), text: text.into(), event_id: event_id.to_string() }
    }
}

impl From<&Why> for v1::Reason {
    fn from(why: &Why) -> Self {
        Self { code: why.code.clone(), text: why.text.clone(), event_id: why.event_id.clone() }
    }
}

impl From<&v1::Reason> for Why {
    fn from(reason: &v1::Reason) -> Self {
        Self { code: reason.code.clone(), text: reason.text.clone(), event_id: reason.event_id.clone() }
    }
}

/// What a client wrote, until a turn answers it.
#[derive(Debug, Clone)]
pub struct ClientMessage {
    pub position: u64,
    pub message_id: String,
    pub event_id: String,
    pub kind: String,
    pub text: String,
    pub forwarded: bool,
    pub from: Person,
    /// The channel's own time, else of recording.
    pub written_at: DateTime<Utc>,
    /// Time of recording.
    pub at: DateTime<Utc>,
}

/// A turn that was claimed and isn't complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenTurn {
    pub turn_id: String,
    pub through: u64,
    pub lease_until: DateTime<Utc>,
    pub worker: String,
    pub follow_up_id: String,
}

/// How a follow-up takes the client's next message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelOn {
    ClientResponse,
    Never,
}

impl CancelOn {
    pub fn of_name(name: &str) -> Option<Self> {
        match name {
            "client_response" => Some(Self::ClientResponse),
            "never" => Some(Self::Never),
            _ => None,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::ClientResponse => "client_response",
            Self::Never => "never",
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct FollowUp {
    pub id: String,
    pub due_at: DateTime<Utc>,
    pub timezone: String,
    pub phrase: String,
    pub rule: String,
    pub intention: String,
    pub text: String,
    pub cancel_on: CancelOn,
    pub action: v1::Action,
    pub scheduled_reason: String,
    pub key: String,
    pub asked_by: String,
    pub language: String,
    pub context: String,
    /// When it was scheduled, renewed or last moved: lateness never counts from before this.
    pub set_at: DateTime<Utc>,
    pub state: FollowUpState,
}

#[derive(Debug, Clone, PartialEq)]
pub enum FollowUpState {
    /// Its time hasn't come.
    Pending,
    /// It is due: the message it became, or `None` while the brain carries its action out.
    Due {
        message_id: Option<String>,
    },
    Sent,
    Done,
    Cancelled(Why),
    Expired(Why),
    Failed(Why),
    /// May still be settled as sent or failed.
    Unknown(Why),
}

impl FollowUp {
    /// Neither due nor ended.
    pub fn is_pending(&self) -> bool {
        self.state == FollowUpState::Pending
    }

    /// Pending or due: it may still be cancelled.
    pub fn is_open(&self) -> bool {
        matches!(self.state, FollowUpState::Pending | FollowUpState::Due { .. })
    }

    /// It sends its own text, without a brain.
    pub fn is_message(&self) -> bool {
        matches!(self.action.kind.as_str(), "" | "message")
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Author {
    Bot,
    Human,
}

impl Author {
    pub fn name(self) -> &'static str {
        match self {
            Self::Bot => "bot",
            Self::Human => "human",
        }
    }
}

/// What the client's next message does to a message that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnReply {
    Cancel,
    Keep,
}

impl OnReply {
    /// The names served so far; `hold` and `inject` are refused where a command names them.
    pub fn of_name(name: &str) -> Option<Self> {
        match name {
            "cancel" => Some(Self::Cancel),
            "keep" => Some(Self::Keep),
            _ => None,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::Keep => "keep",
        }
    }
}

/// A message on its way out.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    pub id: String,
    pub author: Author,
    pub parts: Vec<String>,
    /// The part to send next.
    pub part: usize,
    /// Claims of this part so far.
    pub attempts: u32,
    pub on_reply: OnReply,
    pub key: String,
    pub follow_up_id: String,
    pub turn_id: String,
    pub proactive: bool,
    /// Lateness counts from here: the latest of due time, renewal, end of a deferral.
    pub late_from: DateTime<Utc>,
    /// Id of the latest claim: only its answer settles an unknown. Empty: never claimed.
    pub last_claim: String,
    pub state: MessageState,
    /// It is to be cancelled as soon as the open claim ends without a send.
    pub cancel_after_claim: Option<Why>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum MessageState {
    /// Waits for a dispatcher; not before the time given.
    Queued {
        not_before: Option<DateTime<Utc>>,
    },
    Claimed(Claim),
    Sent,
    Failed(Why),
    Unknown(Why),
    Cancelled(Why),
    Expired(Why),
}

/// One attempt of one part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    pub claim_id: String,
    pub expires_at: DateTime<Utc>,
    pub worker: String,
}

impl Message {
    pub fn is_queued(&self) -> bool {
        matches!(self.state, MessageState::Queued { .. })
    }

    /// Queued or claimed.
    pub fn is_open(&self) -> bool {
        matches!(self.state, MessageState::Queued { .. } | MessageState::Claimed(_))
    }
}

impl Conversation {
    pub fn human_active(&self) -> bool {
        self.takeover.is_some()
    }

    /// Open follow-ups in order of their due time.
    pub fn pending(&self) -> Vec<&Arc<FollowUp>> {
        let mut pending: Vec<_> = self.follow_ups.values().filter(|f| f.is_pending()).collect();
        pending.sort_by_key(|f| f.due_at);
        pending
    }
}
