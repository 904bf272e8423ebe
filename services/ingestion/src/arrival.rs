//! What came in on a channel, in the words of the domain: the step between a provider's format and the log.

use chrono::{DateTime, Utc};
use steward_proto::v1;

/// One item that came in.
#[derive(Debug, Clone, PartialEq)]
pub struct Arrival {
    /// Names it within its channel: `{kind}:{provider's id}`.
    pub key: String,
    /// The channel's own time of it.
    pub at: Option<DateTime<Utc>>,
    /// Where it belongs; `None`: to no conversation.
    pub chat: Option<Chat>,
    pub from: Option<v1::Person>,
    pub what: What,
}

/// The conversation's place on its channel.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Chat {
    /// The address that messages go to.
    pub external_id: String,
    /// The channel's id of the contact: the other person, or the group itself.
    pub contact: String,
    /// More than one person writes in it.
    pub group: bool,
    pub title: String,
    /// Its address may have been moved from another: the log says where it leads.
    pub may_be_bound: bool,
    /// One person alone with the bot, who may be named by `@username`.
    pub private: bool,
    /// On a channel that knows people by more than an address: the other id of this person, empty if it isn't told.
    /// All that is known of one person leads to one conversation.
    pub person: Option<String>,
}

/// What it is.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// A client's word.
    Said(Said),
    /// Said in a group, and not to us.
    Overheard(Said),
    /// One of ours wrote to the client past Steward.
    HumanWrote { said: Said, via: &'static str, takes_over: Option<&'static str> },
    /// An operator's command.
    Operator(Command),
    /// Nothing to act on, by the provider's name of it.
    Kept(String),
    /// It reads like a message but is nobody's word: an automatic reply, a bounce, a list's mail, a reaction.
    /// `about`: the provider's id of the message it concerns.
    Aside { kind: &'static str, said: Said, about: String },
    /// Kept with its words, but no message of its own: other words for the message `about`.
    Noted { kind: &'static str, said: Said, about: String },
    /// What the provider says of a message of ours.
    Reported(Report),
    /// What a calendar says.
    Meeting(MeetingNews),
    /// The channel can't deliver there any more.
    Blocked,
    /// It can again.
    Unblocked,
    /// The conversation goes on at another address.
    Moved { from: String, to: String },
}

/// A message.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Said {
    pub kind: &'static str,
    pub text: String,
    pub provider_message_id: String,
    pub reply_to: String,
    pub forwarded: bool,
    pub quoted: String,
    pub media: Vec<v1::Media>,
    /// All of it, where quotes or signatures were cut from `text`.
    pub full_text: String,
    /// Of a mail.
    pub subject: String,
    /// A mail's References and its own Message-ID, oldest first, separated by spaces.
    pub thread: String,
}

/// A receipt, or that a message of ours could not be delivered.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Report {
    /// Ours, if the report carries it.
    pub message_id: String,
    /// Of the attempt, if the report carries it.
    pub claim_id: String,
    /// From 0; only together with `message_id`.
    pub part: u32,
    pub provider_message_id: String,
    /// `sent`, `delivered`, `read` or `failed`.
    pub status: &'static str,
    pub at: Option<DateTime<Utc>>,
    /// Why it failed: our reason code and the provider's words.
    pub failure: Option<(&'static str, String)>,
    pub provider_code: String,
    pub permanent: bool,
}

/// What a calendar's message does to a meeting.
#[derive(Debug, Clone, PartialEq)]
pub enum MeetingNews {
    Booked(Box<v1::Meeting>),
    Moved(Box<v1::Meeting>),
    Cancelled { meeting_id: String, sequence: u32 },
}

/// What an operator asks for in a chat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    pub action: Action,
    /// The client, as the operator names them: `@username` or a chat id. `None`: the client of this chat.
    pub client: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    TakeOver,
    Release,
    /// The matter is settled: the conversation goes back to the bot.
    Resolve,
    /// Write this to the client.
    Write(String),
    /// It began like a command, but a part is missing.
    Incomplete,
}
