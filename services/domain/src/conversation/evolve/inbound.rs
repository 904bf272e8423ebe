//! What comes in: the client's words, where they came from, a human of ours who writes or takes over.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use steward_proto::{Recorded, from_timestamp, v1};

use super::super::state::{
    Author, CancelOn, Cancelled, ClientMessage, Conversation, FollowUpState, MISSED_KEPT, Message, OnReply, Person,
    Place, Takeover, Thread, UNANSWERED_KEPT,
};
use crate::{
    ids::{FollowUpId, NoId},
    kernel::Why,
};
use steward_language::excerpt;

/// Message-IDs of a thread that are kept: a mail names the first and the latest.
const REFERENCES_KEPT: usize = 32;
/// Longest line of a mail (RFC 5322, 2.1.1): no subject and no Message-ID is longer.
const LONGEST_LINE: usize = 998;

/// The channel's own time of it where that isn't ahead, else of recording.
pub(super) fn said_at(source: Option<&v1::Source>, at: DateTime<Utc>) -> DateTime<Utc> {
    source.and_then(|s| from_timestamp(s.sent_at.as_ref())).map_or(at, |sent| sent.min(at))
}

impl Conversation {
    pub(super) fn came_from(&mut self, source: Option<&v1::Source>, contact_id: &str, at: DateTime<Utc>) {
        let Some(source) = source else { return };
        self.inbound.insert(at, &source.key);
        let place = self.place.get_or_insert_with(|| Place {
            channel_id: source.channel_id.clone(),
            channel: source.channel.clone(),
            external_id: source.external_id.clone(),
            contact_id: contact_id.parse().ok(),
            group: source.group,
        });
        if place.contact_id.is_none() {
            place.contact_id = contact_id.parse().ok();
        }
    }

    pub(super) fn client_responded(&mut self, recorded: &Recorded, e: &v1::ClientResponded) -> Result<(), NoId> {
        let at = recorded.metadata.at;
        self.came_from(e.source.as_ref(), &e.contact_id, at);
        self.reachable(said_at(e.source.as_ref(), at));
        let from = e.from.as_ref().map(Person::from).unwrap_or_default();
        if self.person.id != from.id {
            self.person = from.clone();
        } else {
            self.person.update(&from);
        }
        let written_at = e.source.as_ref().and_then(|s| from_timestamp(s.sent_at.as_ref())).unwrap_or(at);
        // What its first part ended, it ended for all: what has been promised since was asked for by it.
        let part = self.speech.hears(e, &from.id, written_at);
        let group = self.place.as_ref().is_some_and(|p| p.group);
        let event_id = recorded.metadata.event_id;
        let why = Why::new("client_responded", "the client wrote first", event_id);
        let concerned: Vec<FollowUpId> = self
            .follow_ups
            .values()
            .filter(|f| !part && f.is_open() && f.cancel_on == CancelOn::ClientResponse)
            .filter(|f| !group || f.asked_by.is_empty() || f.asked_by == from.id)
            .map(|f| f.id)
            .collect();
        for id in concerned {
            let before = self.follow_ups.get(&id).cloned();
            if self.cancel_follow_up(&id, &why) {
                self.tell_later(Cancelled::FollowUp(id), why.clone());
                if let Some(takeover) = &mut self.takeover {
                    takeover.misses(id);
                }
                if let Some(before) = before {
                    self.cancelled.insert(id, before);
                }
            }
        }
        let concerned: Vec<Arc<Message>> = self
            .outbox
            .values()
            .filter(|m| !part && m.is_open() && m.on_reply != OnReply::Keep && m.follow_up_id.is_none())
            .cloned()
            .collect();
        for message in concerned {
            self.take_reply(&message, &why, recorded.position);
        }
        self.heard_from(e.source.as_ref(), at);
        if !e.thread.is_empty() {
            let ids = e.thread.split_whitespace().filter(|id| id.len() <= LONGEST_LINE);
            let mut references: Vec<String> = ids.map(str::to_owned).collect();
            if references.len() > REFERENCES_KEPT {
                references.drain(1..=references.len() - REFERENCES_KEPT);
            }
            self.thread = Thread { subject: e.subject.chars().take(LONGEST_LINE).collect(), references };
        }
        let message_id = e.message_id.parse()?;
        let forgotten = self.forget_oldest_unanswered();
        let message = Arc::new(ClientMessage {
            position: recorded.position,
            message_id,
            event_id: event_id.to_string(),
            kind: e.kind.clone(),
            text: excerpt::head(&e.text).to_owned(),
            cut: excerpt::is_cut(&e.text) || forgotten,
            provider_message_id: e.provider_message_id.clone(),
            edited: false,
            forwarded: e.forwarded,
            part,
            more: e.goes_on || !e.album.is_empty(),
            from,
            written_at,
            at,
        });
        self.client_said(&message);
        self.unanswered.push(message);
        Ok(())
    }

    /// Makes room for one more message that waits for an answer; whether one is forgotten for it.
    fn forget_oldest_unanswered(&mut self) -> bool {
        let forgotten = self.unanswered.len() >= UNANSWERED_KEPT;
        if forgotten {
            self.unanswered.drain(..=self.unanswered.len() - UNANSWERED_KEPT);
        }
        forgotten
    }

    /// Other words for a request: they wait for a turn. They are no new word of the client's, so they end nothing.
    pub(super) fn request_edited(&mut self, recorded: &Recorded, e: &v1::RequestEdited) -> Result<(), NoId> {
        let at = recorded.metadata.at;
        let message_id = e.message_id.parse()?;
        let forgotten = self.forget_oldest_unanswered();
        self.unanswered.push(Arc::new(ClientMessage {
            position: recorded.position,
            message_id,
            event_id: recorded.metadata.event_id.to_string(),
            kind: "text".to_owned(),
            text: excerpt::head(&e.text).to_owned(),
            cut: excerpt::is_cut(&e.text) || forgotten,
            provider_message_id: e.provider_message_id.clone(),
            edited: true,
            forwarded: false,
            part: false,
            more: false,
            from: e.from.as_ref().map(Person::from).unwrap_or_default(),
            written_at: from_timestamp(e.written_at.as_ref()).unwrap_or(at),
            at,
        }));
        Ok(())
    }

    /// The scheduler tells subscribers that this was cancelled.
    pub(super) fn tell_later(&mut self, what: Cancelled, why: Why) {
        self.unannounced.insert(what, (what, why));
    }

    /// The service window counts from the client's latest sign of life, by the channel's own time where that isn't ahead.
    pub(super) fn heard_from(&mut self, source: Option<&v1::Source>, at: DateTime<Utc>) {
        self.last_client_at = self.last_client_at.max(Some(said_at(source, at)));
    }

    /// The provider reported at this time of its clock that the recipient can't be reached. Providers tell whole seconds;
    /// within one, what comes last counts.
    pub(super) fn unreachable(&mut self, then: DateTime<Utc>) {
        self.unreachable_at = self.unreachable_at.max(Some(then));
        if self.reachable_at.is_none_or(|since| then.timestamp() >= since.timestamp()) {
            self.blocked = true;
        }
    }

    /// Likewise that they can.
    pub(super) fn reachable(&mut self, then: DateTime<Utc>) {
        self.reachable_at = self.reachable_at.max(Some(then));
        if self.unreachable_at.is_none_or(|since| then.timestamp() >= since.timestamp()) {
            self.blocked = false;
        }
    }

    /// What a client's message does to one of ours that waits or is being sent.
    pub(super) fn take_reply(&mut self, message: &Message, why: &Why, position: u64) {
        match message.on_reply {
            OnReply::Keep => {}
            OnReply::Cancel => {
                if self.cancel_message(&message.id, why) {
                    self.tell_later(Cancelled::Message(message.id), why.clone());
                }
            }
            OnReply::Hold => {
                if message.is_queued() {
                    self.hold(&message.id, why.clone());
                    self.unannounced_holds.insert(message.id, (message.id, why.clone()));
                } else if !message.is_waiting() {
                    self.change_message(&message.id, |m| m.cancel_after_claim = Some(why.clone()));
                }
            }
            OnReply::Inject => {
                let injected = Why { code: "injected".to_owned(), ..why.clone() };
                if self.cancel_message(&message.id, &injected) {
                    self.tell_later(Cancelled::Message(message.id), injected);
                    self.keep_unsaid(message, position);
                }
            }
        }
    }

    pub(super) fn human_wrote(&mut self, at: DateTime<Utc>) {
        if let Some(takeover) = &mut self.takeover {
            takeover.active_at = takeover.active_at.max(at);
        }
    }

    pub(super) fn takeover_started(&mut self, e: &v1::HumanTakeoverStarted, at: DateTime<Utc>, event_id: &str) {
        let why = Why::new("human_active", "a human took over", event_id);
        let mut cancelled = Vec::new();
        let open: Vec<Arc<Message>> =
            self.outbox.values().filter(|m| m.is_open() && m.author == Author::Bot).cloned().collect();
        for message in open {
            match message.follow_up_id {
                None => {
                    if self.cancel_message(&message.id, &why) {
                        self.tell_later(Cancelled::Message(message.id), why.clone());
                    }
                }
                Some(follow_up_id) => {
                    if self.cancel_follow_up(&follow_up_id, &why) {
                        self.tell_later(Cancelled::FollowUp(follow_up_id), why.clone());
                        cancelled.push(follow_up_id);
                    }
                }
            }
        }
        // Nor does the brain carry out what is due.
        let acting: Vec<FollowUpId> = self
            .follow_ups
            .values()
            .filter(|f| matches!(f.state, FollowUpState::Due { message_id: None }))
            .map(|f| f.id)
            .collect();
        for id in acting {
            if self.cancel_follow_up(&id, &why) {
                self.tell_later(Cancelled::FollowUp(id), why.clone());
                cancelled.push(id);
            }
        }
        // What the client's last words cancelled and no turn has answered stays cancelled.
        cancelled.extend(self.cancelled.iter().map(|f| f.id));
        self.cancelled.clear();
        match &mut self.takeover {
            Some(takeover) => {
                takeover.active_at = takeover.active_at.max(at);
                cancelled.into_iter().for_each(|id| takeover.misses(id));
            }
            None => {
                cancelled.truncate(MISSED_KEPT);
                self.takeover =
                    Some(Takeover { by: e.by.clone(), via: e.via.clone(), since: at, active_at: at, cancelled });
            }
        }
    }
}

impl From<&v1::Person> for Person {
    fn from(p: &v1::Person) -> Self {
        Self {
            id: p.id.clone(),
            name: p.name.clone(),
            username: p.username.clone(),
            language: p.language.clone(),
            timezone: p.timezone.clone(),
        }
    }
}

impl Person {
    /// Takes over what the channel says now; what it leaves out stays.
    fn update(&mut self, now: &Self) {
        for (old, new) in [
            (&mut self.name, &now.name),
            (&mut self.username, &now.username),
            (&mut self.language, &now.language),
            (&mut self.timezone, &now.timezone),
        ] {
            if !new.is_empty() {
                old.clone_from(new);
            }
        }
    }
}
