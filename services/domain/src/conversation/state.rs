//! What a conversation is: the state that its events make.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use steward_proto::{protobuf, v1};

pub use super::message::{Author, Claim, Message, MessageState, OnReply, Receipts};
use super::{marks::Marks, meetings::Meeting, noted::Noted, parts::Speech, takeover::stretch::Stretch};
use crate::{
    brain::Choice,
    channel::Capabilities,
    ids::{ContactId, FollowUpId, MessageId, TurnId},
    kernel::Why,
    keys::InboundKeys,
};

/// Client messages that wait for a turn, at most: of more, the oldest are forgotten, and the turn that answers them is told.
pub const UNANSWERED_KEPT: usize = 1_000;
/// Promises taken back at once that are remembered, at most.
pub const TAKEN_BACK_KEPT: usize = 128;
/// Ids that a takeover lists as cancelled while it lasted, at most.
pub const MISSED_KEPT: usize = 1_000;

/// The fold of a conversation.
///
/// A client may write what they like as often as they like, so everything here has a bound: what waits for an answer
/// ([`UNANSWERED_KEPT`] messages, of each the beginning that is read, [`steward_language::excerpt`]), keys of what came in
/// ([`crate::keys`]), open promises (`[limits] open_follow_ups`; of those that ended, and of messages out, the last 128),
/// meetings (64), albums (4), words unsaid (16), a human's stretch (32 lines). `cancelled` and `unannounced` are as long as the promises
/// that were open.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Conversation {
    /// `None` until something came in.
    pub place: Option<Place>,
    /// Who wrote last.
    pub person: Person,
    pub takeover: Option<Takeover>,
    /// What humans of ours said, and the client to them.
    pub(super) stretch: Stretch,
    /// The recipient can't be reached: nothing proactive is sent until they write again.
    pub blocked: bool,
    /// By the provider's clock: its latest report that the recipient can't be reached, and the latest sign that they can.
    /// So reports that come late or in another order don't matter.
    pub unreachable_at: Option<DateTime<Utc>>,
    pub reachable_at: Option<DateTime<Utc>>,
    pub inbound: InboundKeys,
    /// What the client said last, as far as more may belong to it.
    pub speech: Speech,
    /// Client messages that no turn has answered, oldest first: [`UNANSWERED_KEPT`] at most.
    pub unanswered: Vec<Arc<ClientMessage>>,
    /// The position through which turns have answered.
    pub answered_through: u64,
    pub turn: Option<OpenTurn>,
    /// What the last turn asked the client.
    pub question: Option<Question>,
    /// The client wants nothing that goes out by itself.
    pub opted_out: bool,
    /// What the client took back last, unless they asked for something since.
    pub taken_back: Option<TakenBack>,
    /// Follow-ups by id. Ended ones stay for a while, so that a command on them gets a clear answer.
    pub follow_ups: BTreeMap<FollowUpId, Arc<FollowUp>>,
    /// Messages out by id, likewise.
    pub outbox: BTreeMap<MessageId, Arc<Message>>,
    /// What client messages cancelled since the last turn: a turn may renew them.
    pub cancelled: Noted<FollowUpId, Arc<FollowUp>>,
    /// Cancelled by the fold itself; the scheduler has still to tell subscribers.
    pub unannounced: Noted<Cancelled, (Cancelled, Why)>,
    /// Held by the fold itself, likewise.
    pub unannounced_holds: Noted<MessageId, (MessageId, Why)>,
    /// When proactive messages were sent, of the last 24 hours.
    pub proactive_sent: VecDeque<DateTime<Utc>>,
    /// When the bot's answers were sent, of the last hour.
    pub answers_sent: VecDeque<DateTime<Utc>>,
    /// When the client last wrote or called: the channel's service window counts from here.
    pub last_client_at: Option<DateTime<Utc>>,
    /// Something of ours has reached this client before.
    pub spoken: bool,
    /// What was about to be said when the client wrote: for the next turn to weigh.
    pub unsaid: Vec<Unsaid>,
    /// Meetings by their calendar's id.
    pub meetings: BTreeMap<String, Meeting>,
    /// The client's latest mail, which the next one answers.
    pub thread: Thread,
    /// The brain that somebody chose for this conversation.
    pub brain: Option<Choice>,
    /// Where its latest messages stand.
    pub marks: Marks,
    /// Ids of what ended, in that order; the oldest are forgotten.
    pub(super) ended: VecDeque<Cancelled>,
}

/// Which thing, by id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Cancelled {
    FollowUp(FollowUpId),
    Message(MessageId),
}

/// Words that a client's message kept from being sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unsaid {
    pub message_id: MessageId,
    pub text: String,
    /// Of the event that kept them back, or left them last.
    pub position: u64,
    /// How often a turn has left them as they are.
    pub left: u32,
}

/// Where a mail belongs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thread {
    pub subject: String,
    /// Message-IDs, oldest first; the last is the mail itself.
    pub references: Vec<String>,
}

/// Where the conversation takes place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    pub channel_id: String,
    /// Kind of channel.
    pub channel: String,
    /// Where messages are sent to: chat id, address.
    pub external_id: String,
    /// `None` until the channel said who it is.
    pub contact_id: Option<ContactId>,
    pub group: bool,
}

impl Takeover {
    pub(super) fn misses(&mut self, follow_up_id: FollowUpId) {
        if self.cancelled.len() < MISSED_KEPT {
            self.cancelled.push(follow_up_id);
        }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    pub id: String,
    pub name: String,
    pub username: String,
    pub language: String,
    pub timezone: String,
}

/// A human of ours is active.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Takeover {
    pub by: String,
    pub via: String,
    pub since: DateTime<Utc>,
    /// The human's last sign of life; silence counts from here.
    pub active_at: DateTime<Utc>,
    /// What was cancelled while it lasted, [`MISSED_KEPT`] at most; shown at release.
    pub cancelled: Vec<FollowUpId>,
}

/// What a client wrote, until a turn answers it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ClientMessage {
    pub position: u64,
    pub message_id: MessageId,
    pub event_id: String,
    pub kind: String,
    /// The beginning of it that is read ([`steward_language::excerpt::head`]).
    pub text: String,
    /// There was more that is never read: of this message, or whole messages before it.
    pub cut: bool,
    /// The provider's id of it; empty: it has none.
    pub provider_message_id: String,
    /// Other words for a message that was answered before, under that message's id.
    pub edited: bool,
    pub forwarded: bool,
    /// A part of what the same person said just before.
    pub part: bool,
    /// The channel shows that more may belong to it.
    pub more: bool,
    pub from: Person,
    /// The channel's own time, else of recording.
    pub written_at: DateTime<Utc>,
    /// Time of recording.
    pub at: DateTime<Utc>,
}

/// A turn that was claimed and isn't complete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenTurn {
    pub turn_id: TurnId,
    /// The last message that it answers.
    pub through: u64,
    /// Of the claim: a message after it supersedes the turn.
    pub position: u64,
    pub lease_until: DateTime<Utc>,
    pub worker: String,
    /// The due follow-up whose action it carries out; `None`: it answers messages.
    pub follow_up_id: Option<FollowUpId>,
}

/// The client was asked when something is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    pub turn_id: String,
    /// The request.
    pub message_id: String,
    pub intention: String,
    pub topic: String,
    pub language: String,
    pub at: DateTime<Utc>,
}

impl Question {
    /// So long an answer may take: what comes later is about something else.
    const ANSWERED_WITHIN: TimeDelta = TimeDelta::hours(24);

    /// Whether it still waits for an answer.
    pub fn is_open(&self, now: DateTime<Utc>) -> bool {
        now - self.at <= Self::ANSWERED_WITHIN
    }
}

/// Promises that the client took back in one turn, by their own word.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TakenBack {
    pub turn_id: TurnId,
    pub at: DateTime<Utc>,
    /// As they are now, [`TAKEN_BACK_KEPT`] at most.
    pub follow_ups: Vec<Arc<FollowUp>>,
}

impl TakenBack {
    /// So long the client's word alone gives them back as they were.
    const RESTORED_WITHIN: TimeDelta = TimeDelta::minutes(10);
    /// So long their word may still be about them.
    const REMEMBERED: TimeDelta = TimeDelta::hours(24);

    pub fn is_fresh(&self, now: DateTime<Utc>) -> bool {
        now - self.at <= Self::RESTORED_WITHIN
    }

    pub fn is_remembered(&self, now: DateTime<Utc>) -> bool {
        now - self.at <= Self::REMEMBERED
    }
}

/// How a follow-up takes the client's next message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CancelOn {
    ClientResponse,
    Never,
}

impl CancelOn {
    pub const ALL: [Self; 2] = [Self::ClientResponse, Self::Never];

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

/// The client's message that asked for a promise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedIn {
    pub message_id: MessageId,
    /// What the provider's edits and deletions name it by; empty: it has no id of theirs.
    pub provider_id: String,
    /// When it was written; `None`: that isn't known.
    pub at: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FollowUp {
    pub id: FollowUpId,
    pub due_at: DateTime<Utc>,
    pub timezone: String,
    pub phrase: String,
    pub rule: String,
    pub intention: String,
    pub text: String,
    /// What it is about in the client's own words; empty: they named nothing, or it was promised before topics were kept.
    pub topic: String,
    pub cancel_on: CancelOn,
    #[serde(with = "protobuf")]
    pub action: v1::Action,
    pub scheduled_reason: String,
    pub key: String,
    pub asked_by: String,
    pub language: String,
    pub context: String,
    /// `None`: no message did, or it was promised before that was kept.
    pub asked_in: Option<AskedIn>,
    /// When it was scheduled, renewed or last moved: lateness never counts from before this.
    pub set_at: DateTime<Utc>,
    pub state: FollowUpState,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum FollowUpState {
    /// Its time hasn't come.
    Pending,
    /// It is due: the message it became, or `None` while the brain carries its action out.
    Due {
        message_id: Option<MessageId>,
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

impl Conversation {
    /// What the conversation's channel can do.
    pub fn capabilities(&self) -> Capabilities {
        Capabilities::of(self.place.as_ref().map_or("", |p| p.channel.as_str()))
    }

    /// When the channel's service window closes or closed; `None`: it has none, or the client never wrote.
    pub fn window_until(&self) -> Option<DateTime<Utc>> {
        self.last_client_at?.checked_add_signed(self.capabilities().window?)
    }

    /// Whether free text may be sent at `at`, as far as is known now.
    pub fn window_open(&self, at: DateTime<Utc>) -> bool {
        self.capabilities().window.is_none() || self.window_until().is_some_and(|until| at < until)
    }

    pub fn human_active(&self) -> bool {
        self.takeover.is_some()
    }

    /// How many follow-ups are pending or due.
    pub fn open_follow_ups(&self) -> usize {
        self.follow_ups.values().filter(|f| f.is_open()).count()
    }

    /// Open follow-ups in order of their due time.
    pub fn pending(&self) -> Vec<&Arc<FollowUp>> {
        let mut pending: Vec<_> = self.follow_ups.values().filter(|f| f.is_pending()).collect();
        pending.sort_by_key(|f| f.due_at);
        pending
    }
}
