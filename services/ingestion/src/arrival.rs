//! What came in on a channel, in the words of the domain: the step between a provider's format and the log.

//!
//! All that it holds of the outside's strings is in the types of [`outside`](crate::outside): bounded, and clean.

use chrono::{DateTime, NaiveDate, Utc};
use steward_domain::{
    ids::{ClaimId, MessageId},
    recurrence::Original,
};
use steward_proto::{to_timestamp, v1};

use crate::outside::{OutsideId, OutsideName, OutsideText, WholeText};

/// One item that came in.
#[derive(Debug, Clone, PartialEq)]
pub struct Arrival {
    /// Names it within its channel: `{kind}:{provider's id}`.
    pub key: OutsideId,
    /// The channel's own time of it.
    pub at: Option<DateTime<Utc>>,
    /// Where it belongs; `None`: to no conversation.
    pub chat: Option<Chat>,
    pub from: Option<Person>,
    pub what: What,
}

/// The conversation's place on its channel.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Chat {
    /// The address that messages go to.
    pub external_id: OutsideId,
    /// The channel's id of the contact: the other person, or the group itself.
    pub contact: OutsideId,
    /// More than one person writes in it.
    pub group: bool,
    pub title: OutsideName,
    /// Its address may have been moved from another: the log says where it leads.
    pub may_be_bound: bool,
    /// One person alone with the bot, who may be named by `@username`.
    pub private: bool,
    /// On a channel that knows people by more than an address: the other id of this person, empty if it isn't told.
    /// All that is known of one person leads to one conversation.
    pub person: Option<OutsideId>,
}

/// A person, as their channel names them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Person {
    pub id: OutsideId,
    pub name: OutsideName,
    pub username: OutsideName,
    /// BCP 47.
    pub language: OutsideName,
    pub timezone: OutsideName,
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
    Kept(OutsideName),
    /// It reads like a message but is nobody's word: an automatic reply, a bounce, a list's mail, a reaction.
    /// `about`: the provider's id of the message it concerns.
    Aside { kind: &'static str, said: Said, about: OutsideId },
    /// Kept with its words, but no message of its own: other words for the message `about`.
    Noted { kind: &'static str, said: Said, about: OutsideId },
    /// Messages that are gone, by the provider's ids.
    Revoked { kind: &'static str, about: Vec<OutsideId> },
    /// What the provider says of a message of ours.
    Reported(Report),
    /// What a calendar says.
    Meeting(MeetingNews),
    /// The channel can't deliver there any more.
    Blocked,
    /// It can again.
    Unblocked,
    /// The conversation goes on at another address.
    Moved { from: OutsideId, to: OutsideId },
}

/// A message.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Said {
    pub kind: &'static str,
    pub text: OutsideText,
    pub provider_message_id: OutsideId,
    pub reply_to: OutsideId,
    pub forwarded: bool,
    pub quoted: OutsideText,
    pub media: Vec<Media>,
    /// All of it, where quotes, signatures or what is too much were cut from `text`.
    pub full_text: WholeText,
    /// Of a mail.
    pub subject: OutsideText,
    /// A mail's References and its own Message-ID, oldest first, separated by spaces.
    pub thread: OutsideText,
    /// The album that it is a part of.
    pub album: OutsideId,
    /// It is as long as the channel takes: more of it may follow.
    pub goes_on: bool,
}

impl Said {
    /// A file without a word, or somebody else's words: it may belong to what the person has just said.
    pub fn joins(&self) -> bool {
        self.forwarded || (self.text.trim().is_empty() && !self.media.is_empty())
    }
}

/// A file that comes with a message.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Media {
    pub kind: &'static str,
    pub provider_id: OutsideId,
    pub mime_type: OutsideName,
    pub file_name: OutsideName,
    /// In bytes.
    pub size: u64,
}

/// A receipt, or that a message of ours could not be delivered.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Report {
    /// Ours, if the report carries it.
    pub message_id: Option<MessageId>,
    /// Of the attempt, if the report carries it.
    pub claim_id: Option<ClaimId>,
    /// From 0; only together with `message_id`.
    pub part: u32,
    pub provider_message_id: OutsideId,
    /// `sent`, `delivered`, `read` or `failed`.
    pub status: &'static str,
    pub at: Option<DateTime<Utc>>,
    /// Why it failed: our reason code and the provider's words.
    pub failure: Option<(&'static str, OutsideName)>,
    pub provider_code: OutsideName,
    pub permanent: bool,
}

/// What a calendar's message does to a meeting.
#[derive(Debug, Clone, PartialEq)]
pub enum MeetingNews {
    Booked(Box<Meeting>),
    Moved(Box<Meeting>),
    Cancelled { meeting_id: OutsideId, sequence: u32, onwards: bool },
}

/// A meeting.
#[derive(Debug, Clone, PartialEq)]
pub struct Meeting {
    /// The calendar's own id, with the time of the occurrence if it is one of a series.
    pub meeting_id: OutsideId,
    pub sequence: u32,
    pub starts_at: DateTime<Utc>,
    pub ends_at: Option<DateTime<Utc>>,
    pub timezone: chrono_tz::Tz,
    pub title: OutsideName,
    pub location: OutsideName,
    pub organizer: OutsideId,
    pub attendees: Vec<OutsideId>,
    /// RFC 5545 RRULE; empty: it happens once.
    pub rule: OutsideName,
    /// The first day, and how many, if it has no time.
    pub whole_days: Option<(NaiveDate, u32)>,
    /// Occurrences that don't take place, and such that do beside the rule's.
    pub excluded: Vec<Original>,
    pub added: Vec<Original>,
    /// The calendar's own zone, where no IANA zone has its clock.
    pub offsets: Vec<(DateTime<Utc>, i32)>,
    /// Of one occurrence: it holds for all behind it too.
    pub onwards: bool,
}

/// What an operator asks for in a chat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    pub action: Action,
    /// The client, as the operator names them: `@username` or a chat id. `None`: the client of this chat.
    pub client: Option<OutsideId>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    TakeOver,
    Release,
    /// The matter is settled: the conversation goes back to the bot.
    Resolve,
    /// Write this to the client.
    Write(OutsideText),
    /// It began like a command, but a part is missing.
    Incomplete,
}

impl From<Person> for v1::Person {
    fn from(person: Person) -> Self {
        Self {
            id: person.id.into(),
            name: person.name.into(),
            username: person.username.into(),
            language: person.language.into(),
            timezone: person.timezone.into(),
        }
    }
}

impl From<Media> for v1::Media {
    fn from(media: Media) -> Self {
        Self {
            kind: media.kind.to_owned(),
            provider_id: media.provider_id.into(),
            mime_type: media.mime_type.into(),
            file_name: media.file_name.into(),
            size: media.size,
        }
    }
}

impl From<Meeting> for v1::Meeting {
    fn from(meeting: Meeting) -> Self {
        Self {
            meeting_id: meeting.meeting_id.into(),
            sequence: meeting.sequence,
            starts_at: Some(to_timestamp(meeting.starts_at)),
            ends_at: meeting.ends_at.map(to_timestamp),
            timezone: meeting.timezone.name().to_owned(),
            title: meeting.title.into(),
            location: meeting.location.into(),
            organizer: meeting.organizer.into(),
            attendees: meeting.attendees.into_iter().map(String::from).collect(),
            rule: meeting.rule.into(),
            day: meeting.whole_days.map(|(day, _)| day.to_string()).unwrap_or_default(),
            days: meeting.whole_days.map_or(0, |(_, days)| days),
            excluded: meeting.excluded.iter().map(Original::to_string).collect(),
            added: meeting.added.iter().map(Original::to_string).collect(),
            offsets: meeting
                .offsets
                .into_iter()
                .map(|(from, seconds)| v1::ZoneOffset { from: Some(to_timestamp(from)), seconds })
                .collect(),
            onwards: meeting.onwards,
        }
    }
}
