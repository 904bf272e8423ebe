//! Where an arrival stands in the log: its conversation, its source, and the events it makes.

use steward_domain::{
    conversation::{Conversation, Place},
    ids::{self, ContactId, ConversationId},
};
use steward_log::Log;
use steward_proto::{AggregateId, Cause, Event, NewEvent, TenantId, to_timestamp, v1};
use steward_settings::Channel;
use uuid::Uuid;

use crate::{
    arrival::{Arrival, Chat, MeetingNews, Report, Said},
    outside::{self, OutsideId},
};

/// An arrival that belongs to a conversation, ready to be recorded.
pub struct Origin {
    pub tenant: TenantId,
    pub conversation: ConversationId,
    pub chat: Chat,
    pub from: Option<v1::Person>,
    pub source: v1::Source,
    pub contact_id: ContactId,
    pub cause: Cause,
}

/// A new event of now, as the log's clock has it.
pub fn new_event(log: &Log, cause: &Cause, event: impl Into<Event>) -> NewEvent {
    NewEvent::new(Uuid::now_v7(), log.clock().now(), cause, event)
}

/// The source of something that came in, without its raw body.
pub fn source_of(channel: &Channel, arrival: &Arrival) -> v1::Source {
    let chat = arrival.chat.as_ref();
    v1::Source {
        channel_id: channel.id.clone(),
        channel: channel.kind.name().to_owned(),
        external_id: chat.map(|c| c.external_id.to_string()).unwrap_or_default(),
        key: arrival.key.to_string(),
        sent_at: arrival.at.and_then(outside::time).map(to_timestamp),
        raw: Vec::new(),
        raw_blob: String::new(),
        group: chat.is_some_and(|c| c.group),
        title: chat.map(|c| c.title.to_string()).unwrap_or_default(),
    }
}

impl Origin {
    pub fn aggregate(&self) -> AggregateId {
        ids::conversation_aggregate(&self.tenant, self.conversation)
    }

    /// The channel's own id of who wrote it.
    pub fn by(&self) -> &str {
        self.from.as_ref().map_or("", |f| f.id.as_str())
    }

    pub fn said(&self, said: Said) -> Event {
        v1::ClientResponded {
            joins: said.joins(),
            goes_on: said.goes_on,
            album: said.album.into(),
            source: Some(self.source.clone()),
            message_id: ids::inbound_message(self.conversation, &self.source.key).to_string(),
            contact_id: self.contact_id.to_string(),
            from: self.from.clone(),
            kind: said.kind.to_owned(),
            text: said.text.into(),
            full_text: said.full_text.into(),
            provider_message_id: said.provider_message_id.into(),
            reply_to: said.reply_to.into(),
            forwarded: said.forwarded,
            media: said.media.into_iter().map(v1::Media::from).collect(),
            quoted: said.quoted.into(),
            subject: said.subject.into(),
            thread: said.thread.into(),
        }
        .into()
    }

    pub fn human_wrote(&self, said: &Said, via: &str) -> Event {
        v1::HumanResponded {
            source: Some(self.source.clone()),
            message_id: ids::inbound_message(self.conversation, &self.source.key).to_string(),
            from: self.from.clone(),
            kind: said.kind.to_owned(),
            text: said.text.to_string(),
            provider_message_id: said.provider_message_id.to_string(),
            via: via.to_owned(),
            contact_id: self.contact_id.to_string(),
        }
        .into()
    }

    pub fn kept(&self, kind: &str) -> Event {
        v1::UpdateKept {
            source: Some(self.source.clone()),
            kind: kind.to_owned(),
            from: self.from.clone(),
            contact_id: self.contact_id.to_string(),
            ..v1::UpdateKept::default()
        }
        .into()
    }

    /// Words that are no message of their own.
    pub fn noted(&self, kind: &str, said: Said, about: OutsideId) -> Event {
        v1::UpdateKept {
            source: Some(self.source.clone()),
            kind: kind.to_owned(),
            from: self.from.clone(),
            contact_id: self.contact_id.to_string(),
            text: said.text.into(),
            full_text: said.full_text.into(),
            provider_message_id: said.provider_message_id.into(),
            about: about.into(),
            ..v1::UpdateKept::default()
        }
        .into()
    }

    /// Messages that are gone.
    pub fn revoked(&self, kind: &str, about: Vec<OutsideId>) -> Event {
        let mut about = about.into_iter().map(String::from);
        v1::UpdateKept {
            source: Some(self.source.clone()),
            kind: kind.to_owned(),
            from: self.from.clone(),
            contact_id: self.contact_id.to_string(),
            about: about.next().unwrap_or_default(),
            also_about: about.collect(),
            ..v1::UpdateKept::default()
        }
        .into()
    }

    /// What reads like a message but is nobody's word.
    pub fn aside(&self, kind: &str, said: Said, about: OutsideId) -> Event {
        v1::UpdateKept {
            source: Some(self.source.clone()),
            kind: kind.to_owned(),
            from: self.from.clone(),
            contact_id: self.contact_id.to_string(),
            message_id: ids::inbound_message(self.conversation, &self.source.key).to_string(),
            text: said.text.into(),
            full_text: said.full_text.into(),
            provider_message_id: said.provider_message_id.into(),
            about: about.into(),
            also_about: Vec::new(),
        }
        .into()
    }

    /// What the provider says of a message of ours.
    pub fn reported(&self, report: Report) -> Event {
        v1::DeliveryReported {
            source: Some(self.source.clone()),
            message_id: ids::or_empty(report.message_id),
            provider_message_id: report.provider_message_id.into(),
            part: report.part,
            status: report.status.to_owned(),
            at: report.at.and_then(outside::time).map(to_timestamp),
            reason: report.failure.map(|(code, text)| v1::Reason {
                code: code.to_owned(),
                text: text.into(),
                event_id: String::new(),
            }),
            provider_code: report.provider_code.into(),
            permanent: report.permanent,
            claim_id: ids::or_empty(report.claim_id),
        }
        .into()
    }

    /// What a calendar says of a meeting.
    pub fn meeting(&self, news: MeetingNews) -> Event {
        let source = Some(self.source.clone());
        let message_id = ids::inbound_message(self.conversation, &self.source.key).to_string();
        match news {
            MeetingNews::Booked(meeting) => {
                v1::MeetingBooked { meeting: Some((*meeting).into()), source, message_id }.into()
            }
            MeetingNews::Moved(meeting) => {
                v1::MeetingMoved { meeting: Some((*meeting).into()), source, message_id }.into()
            }
            MeetingNews::Cancelled { meeting_id, sequence, onwards } => {
                let meeting_id = meeting_id.into();
                v1::MeetingCancelled { meeting_id, source, message_id, sequence, reason: None, onwards }.into()
            }
        }
    }

    /// The state as it will be once this arrival is in it: a conversation begins with what comes in.
    pub fn placed(&self, state: &Conversation) -> Conversation {
        let mut state = state.clone();
        state.place.get_or_insert_with(|| Place {
            channel_id: self.source.channel_id.clone(),
            channel: self.source.channel.clone(),
            external_id: self.source.external_id.clone(),
            contact_id: Some(self.contact_id),
            group: self.source.group,
        });
        state
    }
}
