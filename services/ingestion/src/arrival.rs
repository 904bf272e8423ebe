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
}

/// What it is.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// A client's word.
    Said(Said),
    /// One of ours wrote to the client past Steward.
    HumanWrote { said: Said, via: &'static str, takes_over: Option<&'static str> },
    /// An operator's command.
    Operator(Command),
    /// Nothing to act on, by the provider's name of it.
    Kept(String),
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
    /// Write this to the client.
    Write(String),
    /// It began like a command, but a part is missing.
    Incomplete,
}
