//! What a brain is, what it is given and what it decides: the neutral form that every brain, with or without a model, speaks.

use std::{pin::Pin, sync::Arc, time::Duration};

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::Value;
use steward_domain::{
    contact::memory::Memory,
    conversation::{intents::Resolution, takeover::stretch::HumanStretch, talk::Talk},
    ids::{ContactId, ConversationId, FollowUpId, MessageId, TurnId},
    settings::Defaults,
};
use steward_language::{DateOrder, Language, excerpt, understanding::language_of};
use steward_proto::Event;

use crate::remembering::Remembering;

/// Something that decides turns.
pub trait Brain: Send + Sync {
    /// As `[brain] provider` and the events name it.
    fn name(&self) -> &str;

    /// As its provider and the events name it; empty: it has none.
    fn model(&self) -> &str;

    fn pace(&self) -> Pace;

    /// Decides a turn. Dropped before it is done, it leaves nothing behind but what it noted.
    fn decide<'a>(&'a self, turn: &'a Arc<TurnInput>, run: &'a dyn Run) -> Thought<'a>;
}

/// Where a brain writes down what it does while it decides: the run of the turn, which decides nothing.
pub trait Run: Send + Sync {
    /// The turn's id, which is the run's as well.
    fn id(&self) -> TurnId;

    /// Remembers something that happened.
    fn note(&self, event: Event);

    /// Tells whoever watches what is being said, in passing; nothing of it is kept.
    fn tell(&self, words: Value);

    /// Has a body kept beside the log, as long as its tenant keeps any: the SHA-256 that names it. Empty: it isn't kept.
    fn trace(&self, body: Bytes) -> String;

    /// Has all that was noted in the log.
    fn keep<'a>(&'a self) -> Keeping<'a>;
}

/// What was noted, on its way into the log.
pub type Keeping<'a> = Pin<Box<dyn Future<Output = Result<(), BrainError>> + Send + 'a>>;

/// A brain's answer in the making.
pub type Thought<'a> = Pin<Box<dyn Future<Output = Result<Vec<Decision>, BrainError>> + Send + 'a>>;

/// How long a brain may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// It decides within milliseconds and at no cost, so that nobody need be kept from deciding the same: its turn is claimed
    /// only as it is recorded, in one with its decisions.
    pub at_once: bool,
    /// A turn is claimed for so long, and again before that is over: when this process ends without a word, another one has
    /// the turn after this time.
    pub lease: TimeDelta,
    /// What isn't decided by then, however often it was tried, is not going to be.
    pub longest: Duration,
}

/// Why a brain gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BrainError {
    /// For now: it is asked again after this time, as long as it may take.
    #[error("for now: {failure}")]
    Transient { failure: Failure, after: Duration },
    /// Asking again won't help: the turn fails, its promises stand, and a person is called.
    #[error(transparent)]
    Permanent(Failure),
}

/// Why a turn could not be decided: a stable code, and words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {text}")]
pub struct Failure {
    pub code: String,
    pub text: String,
}

impl Failure {
    pub fn new(code: impl Into<String>, text: impl Into<String>) -> Self {
        Self { code: code.into(), text: text.into() }
    }
}

/// Everything a brain may know about one turn. Text from outside is data, never instruction.
#[derive(Debug, Clone)]
pub struct TurnInput {
    pub now: DateTime<Utc>,
    pub zone: Tz,
    /// The contact's language: what is known of them, else the default.
    pub language: Language,
    /// Which number of the contact's `3/4` is the day.
    pub date_order: DateOrder,
    /// The contact's own hour for a bare day, else the default.
    pub followup_hour: u32,
    pub defaults: Defaults,
    /// Promises that may be open in this conversation: beyond that none is made.
    pub most_promises: usize,
    /// The messages this turn answers, oldest first.
    pub messages: Vec<Incoming>,
    /// Promises still pending after these messages.
    pub pending: Vec<Promise>,
    /// Promises that these very messages cancelled, and that the turn may renew.
    pub cancelled: Vec<Promise>,
    /// What was about to be said when these messages came, and wasn't: for the brain to weigh.
    pub unsaid: Vec<Unsaid>,
    /// What a human of ours and the client said to each other since the brain last answered: at most 32 messages of 1,000
    /// characters. None of what the human said is to be said again.
    pub stretch: Option<HumanStretch>,
    /// What the last turn asked the client, while it waits for an answer.
    pub question: Option<Question>,
    /// What the client took back last, while they may want it again.
    pub taken_back: Option<TakenBack>,
    /// The client wants nothing that goes out by itself.
    pub opted_out: bool,
    /// Whether a human of ours is active: then nothing is sent and the reply becomes a suppressed draft.
    pub human_active: bool,
    /// The contact that stands for the person, where it is one person who writes: only then anything is remembered of them.
    pub contact: Option<ContactId>,
    /// What is remembered of them.
    pub memory: Arc<Memory>,
    /// What stands around the turn; the rules know nothing of it but the tenant, which has its turn to think.
    pub around: Around,
}

/// What a brain with a model is told beside the turn itself.
#[derive(Debug, Clone, Default)]
pub struct Around {
    pub tenant: String,
    pub conversation: Option<ConversationId>,
    /// The contact's name, as they call themselves.
    pub name: String,
    /// Kind of channel.
    pub channel: String,
    /// What was said last, the turn's own messages included.
    pub talk: Arc<Talk>,
}

impl TurnInput {
    /// The language that the last of these messages is clearly written in, if one is.
    pub fn written_in(&self) -> Option<Language> {
        let own = self.messages.iter().rev().filter(|m| !m.forwarded && m.kind == "text");
        own.filter_map(|m| language_of(excerpt::head(&m.text))).next()
    }
}

/// Words that weren't sent because the client wrote first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsaid {
    pub message_id: MessageId,
    pub text: String,
    /// Turns that have left it as it is.
    pub left: u32,
}

/// A client's message.
#[derive(Debug, Clone)]
pub struct Incoming {
    pub message_id: MessageId,
    /// `text`, `image`, …
    pub kind: String,
    /// What is new in it, without quotes.
    pub text: String,
    /// Other words for a request that was promised something before, under that message's id: what it asked for becomes what
    /// it says now.
    pub edited: bool,
    /// Somebody else's words passed on: asks for nothing.
    pub forwarded: bool,
    /// There was more that isn't here: of it, or whole messages before it.
    pub cut: bool,
    /// The channel's own time of writing, else of arrival.
    pub written_at: DateTime<Utc>,
}

/// When something is to be done that the client asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// `write` or `remind`.
    pub intention: String,
    /// What it is about, in the client's words.
    pub topic: String,
}

/// Promises that the client took back in their last words.
#[derive(Debug, Clone, PartialEq)]
pub struct TakenBack {
    pub promises: Vec<Promise>,
    /// So shortly ago that their word alone gives them back as they were.
    pub fresh: bool,
}

/// A follow-up as the brain sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Promise {
    /// `None`: this very turn makes it.
    pub follow_up_id: Option<FollowUpId>,
    pub due_at: DateTime<Utc>,
    /// `write`, `remind` or what an operator named.
    pub intention: String,
    /// What will be sent.
    pub text: String,
    /// What it is about, in the client's own words.
    pub topic: String,
    /// The words that gave the time.
    pub phrase: String,
    /// The language it was asked in.
    pub language: Language,
    /// The message it was asked in, if that is known.
    pub asked_in: Option<MessageId>,
}

/// Buttons below a reply, about the one promise that it confirms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Which of the turn's decisions made or moved the promise.
    pub decision: usize,
    /// What stands on the buttons: keep it, cancel it, a day later.
    pub titles: [&'static str; 3],
}

/// How a promise takes the client's next message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelOn {
    ClientResponse,
    Never,
}

/// One thing a brain decided. All of a turn's decisions are recorded together or not at all.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    Reply {
        text: String,
        offer: Option<Offer>,
    },
    /// Words that aren't sent, for a human of ours has said just them: recorded as a suppressed draft.
    Withhold {
        text: String,
    },
    Schedule {
        due_at: DateTime<Utc>,
        /// The words that gave the time, and the rule that read them.
        phrase: String,
        rule: String,
        intention: String,
        text: String,
        topic: String,
        cancel_on: CancelOn,
        reason: String,
        language: Language,
        /// The message it was asked in, if it is of one.
        message_id: Option<MessageId>,
    },
    /// What this message cancelled goes on as it was.
    Renew {
        follow_up_id: FollowUpId,
    },
    /// Another due time: for one that this message cancelled (a renewal) or for one still pending.
    Move {
        follow_up_id: FollowUpId,
        due_at: DateTime<Utc>,
        phrase: String,
        rule: String,
    },
    /// Another topic for one still pending, and the text that speaks of it.
    Retopic {
        follow_up_id: FollowUpId,
        text: String,
        topic: String,
    },
    /// What the client took back a moment ago goes on as it was.
    Restore {
        follow_up_id: FollowUpId,
    },
    /// For one still pending, or one this message cancelled (then it stays so, by the client's own word).
    Cancel {
        follow_up_id: FollowUpId,
    },
    /// The client asks for a person.
    RequestHuman {
        message_id: MessageId,
    },
    /// The client is asked when to do what they asked for.
    Ask {
        message_id: MessageId,
        question: Question,
        language: Language,
    },
    /// The client wants nothing that goes out by itself, from this message on.
    OptOut {
        message_id: MessageId,
    },
    /// Something about the contact is remembered, corrected or ended.
    Remember(Box<Remembering>),
    /// What becomes of words that weren't sent.
    Intent {
        message_id: MessageId,
        resolution: Resolution,
        why: String,
    },
    /// A meeting with the client, which is reminded of.
    Book {
        title: String,
        starts_at: DateTime<Utc>,
        minutes: u32,
        /// The message it was asked in.
        message_id: MessageId,
    },
    /// They asked for something again in this one.
    OptIn {
        message_id: MessageId,
    },
}
