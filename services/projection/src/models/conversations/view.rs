//! What users see of a conversation.

use serde::Serialize;
use utoipa::{ToSchema, openapi::schema::Object};

use super::{ConversationRow, follow_ups::FollowUpRow, messages::MessageRow};
use crate::{
    models::{ContactRow, Met, set_or_said},
    read::view::{Time, given, one_of},
};

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Conversation)]
pub struct ConversationView {
    pub id: String,
    /// The channel; `null` until something came in.
    pub channel_id: Option<String>,
    /// The channel's kind.
    pub channel: Option<String>,
    /// The client's address on the channel: a chat id, a number, a mail address.
    pub external_id: Option<String>,
    pub title: Option<String>,
    pub group: bool,
    pub contact: CorrespondentView,
    #[schema(schema_with = owners)]
    pub owner: &'static str,
    pub takeover: Option<TakeoverView>,
    pub blocked: bool,
    /// Until when the channel takes free text; `null`: always, or not yet.
    pub window_until: Option<Time>,
    pub last_message_at: Option<Time>,
    /// The message that came in or was queued last, whatever became of it.
    pub last_message: Option<LastMessageView>,
    pub pending_follow_ups: u32,
    /// The promise that is due first.
    pub next_follow_up: Option<NextFollowUpView>,
    /// Why it needs a person, the most pressing first.
    pub attention: Vec<AttentionView>,
    pub created_at: Time,
    /// The position of the conversation's last event.
    pub position: u64,
}

fn owners() -> Object {
    one_of(["bot", "human"])
}

/// The client, as the contact.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Person)]
pub struct CorrespondentView {
    pub id: Option<String>,
    pub name: Option<String>,
    pub language: Option<String>,
    pub timezone: Option<String>,
    /// The hour at which promises of a day come, where it was set in Steward.
    #[schema(minimum = 0, maximum = 23)]
    pub followup_hour: Option<u32>,
    /// The contact that stands for this one.
    pub merged_into: Option<String>,
}

/// Which human leads the conversation, and since when.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Takeover)]
pub struct TakeoverView {
    pub by: Option<String>,
    pub via: Option<String>,
    pub since: Time,
    /// When that human last did something here.
    pub active_at: Time,
}

/// The beginning of a message.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LastMessage)]
pub struct LastMessageView {
    pub id: String,
    /// At most 280 characters of it.
    pub text: String,
    pub direction: String,
    pub author: String,
    pub author_id: Option<String>,
    pub kind: String,
    pub state: String,
    pub at: Time,
    pub position: u64,
}

/// A promise, as far as a list of conversations shows it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NextFollowUp)]
pub struct NextFollowUpView {
    pub id: String,
    pub due_at: Time,
    pub topic: Option<String>,
}

/// Something that waits for a person.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Attention)]
pub struct AttentionView {
    /// asked_for_person: the client did, and no person was there since. failed: a message failed, and no person was there
    /// since. unknown: nobody knows whether a message arrived. held: a message waits for a person's word. New codes may come.
    #[schema(schema_with = attention_codes)]
    pub code: &'static str,
    pub since: Time,
    pub count: u32,
}

fn attention_codes() -> Object {
    one_of(super::attention::CODES)
}

/// What stands beside a conversation's row.
#[derive(Debug, Default)]
pub struct Beside {
    pub last_message: Option<MessageRow>,
    pub next_follow_up: Option<FollowUpRow>,
    pub attention: Vec<AttentionView>,
}

/// How much of the last message is shown, in characters.
const SHOWN: usize = 280;

impl From<MessageRow> for LastMessageView {
    fn from(row: MessageRow) -> Self {
        Self {
            id: row.id,
            text: row.text.chars().take(SHOWN).collect(),
            direction: row.direction,
            author: row.author,
            author_id: given(row.author_id),
            kind: row.kind,
            state: row.state,
            at: Time(row.at),
            position: row.position,
        }
    }
}

impl ConversationView {
    pub fn of(row: ConversationRow, contact: Option<Met<'_>>, beside: Beside) -> Self {
        let said = |set: fn(&ContactRow) -> Option<&String>, said: fn(&ContactRow) -> &str, person: &str| match contact
        {
            Some(contact) => set_or_said(contact.set(set), said(contact.own)),
            None => given(person.to_owned()),
        };
        Self {
            contact: CorrespondentView {
                name: said(|c| c.set_name.as_ref(), |c| &c.said_name, &row.person_name),
                language: said(|c| c.set_language.as_ref(), |c| &c.said_language, &row.person_language),
                timezone: said(|c| c.set_timezone.as_ref(), |c| &c.said_timezone, &row.person_timezone),
                followup_hour: contact
                    .and_then(|c| c.survivor.and_then(|survivor| survivor.followup_hour).or(c.own.followup_hour)),
                id: given(row.contact_id.clone()),
                merged_into: contact.and_then(|c| c.own.merged_into.clone()),
            },
            window_until: row.window_until().map(Time),
            id: row.id,
            channel_id: row.channel_id,
            channel: given(row.channel),
            external_id: given(row.external_id),
            title: given(row.title),
            group: row.is_group,
            owner: if row.takeover_since.is_some() { "human" } else { "bot" },
            takeover: row.takeover_since.map(|since| TakeoverView {
                by: row.takeover_by,
                via: row.takeover_via,
                since: Time(since),
                active_at: Time(row.takeover_active_at.unwrap_or(since)),
            }),
            blocked: row.blocked,
            last_message_at: row.last_message_at.map(Time),
            last_message: beside.last_message.map(Into::into),
            pending_follow_ups: row.pending_follow_ups,
            next_follow_up: beside.next_follow_up.map(|f| NextFollowUpView {
                id: f.id,
                due_at: Time(f.due_at),
                topic: given(f.topic),
            }),
            attention: beside.attention,
            created_at: Time(row.created_at),
            position: row.position,
        }
    }
}
