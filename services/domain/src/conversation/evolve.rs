//! How each event changes a conversation. Facts may come in any order and are never refused, so nothing here may panic.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use steward_proto::{Event, Fold, Recorded, from_timestamp, v1};

use super::state::{
    Author, CancelOn, Cancelled, Claim, ClientMessage, Conversation, FollowUp, FollowUpState, Message, MessageState,
    OnReply, OpenTurn, Person, Place, Takeover, Why,
};

/// How many ended follow-ups and messages a conversation remembers.
const ENDED_KEPT: usize = 128;

impl Fold for Conversation {
    fn evolve(&mut self, recorded: &Recorded) {
        let at = recorded.metadata.at;
        let event_id = recorded.metadata.event_id;
        match &recorded.event {
            Event::ClientResponded(e) => self.client_responded(recorded, e),
            Event::HumanResponded(e) => {
                self.came_from(e.source.as_ref(), &e.contact_id, at);
                self.human_wrote(at);
            }
            Event::UpdateKept(e) => self.came_from(e.source.as_ref(), &e.contact_id, at),
            Event::HumanRequested(_) | Event::DraftSuppressed(_) => {}
            Event::MeetingBooked(e) => self.came_from(e.source.as_ref(), "", at),
            Event::MeetingMoved(e) => self.came_from(e.source.as_ref(), "", at),
            Event::MeetingCancelled(e) => self.came_from(e.source.as_ref(), "", at),
            Event::DeliveryReported(e) => self.came_from(e.source.as_ref(), "", at),
            Event::MessageHeld(_) | Event::MessageApproved(_) | Event::MessageEdited(_) => {}
            Event::HumanTakeoverStarted(e) => {
                self.came_from(e.source.as_ref(), "", at);
                self.takeover_started(e, at, &event_id.to_string());
            }
            Event::HumanTakeoverEnded(e) => {
                self.came_from(e.source.as_ref(), "", at);
                self.takeover = None;
            }
            Event::RecipientBlocked(e) => {
                self.came_from(e.source.as_ref(), "", at);
                self.blocked = true;
            }
            Event::RecipientUnblocked(e) => {
                self.came_from(e.source.as_ref(), "", at);
                self.blocked = false;
            }
            Event::AddressBound(e) => {
                if let Some(place) = &mut self.place {
                    place.external_id.clone_from(&e.external_id);
                }
            }

            Event::TurnStarted(e) => {
                self.turn = Some(OpenTurn {
                    turn_id: e.turn_id.clone(),
                    through: e.through_position,
                    lease_until: from_timestamp(e.lease_until.as_ref()).unwrap_or(at),
                    worker: e.worker.clone(),
                    follow_up_id: e.follow_up_id.clone(),
                });
            }
            Event::TurnCompleted(e) => self.turn_completed(e),
            Event::TurnSuperseded(e) => {
                if self.turn.as_ref().is_some_and(|t| t.turn_id == e.turn_id) {
                    self.turn = None;
                }
            }

            Event::FollowUpScheduled(e) => self.scheduled(e, at),
            Event::FollowUpMoved(e) => {
                let due_at = from_timestamp(e.due_at.as_ref()).unwrap_or(at);
                self.change_follow_up(&e.follow_up_id, |f| {
                    f.due_at = due_at;
                    f.set_at = at;
                    if !e.phrase.is_empty() {
                        f.phrase.clone_from(&e.phrase);
                        f.rule.clone_from(&e.rule);
                    }
                });
            }
            Event::FollowUpTextChanged(e) => self.change_follow_up(&e.follow_up_id, |f| f.text.clone_from(&e.text)),
            Event::FollowUpDue(e) => {
                let message_id = e.message.as_ref().map(|m| m.message_id.clone());
                let late_from = self.follow_ups.get(&e.follow_up_id).map_or(at, |f| f.due_at.max(f.set_at));
                self.change_follow_up(&e.follow_up_id, |f| f.state = FollowUpState::Due { message_id });
                if let Some(message) = &e.message {
                    self.queued(message, late_from);
                }
            }
            Event::FollowUpCancelled(e) => {
                let why = e.reason.as_ref().map(Why::from).unwrap_or_default();
                self.unannounced.retain(|(c, _)| !matches!(c, Cancelled::FollowUp(id) if *id == e.follow_up_id));
                // The client's own "don't write": nothing to renew any more.
                if why.code == "by_client" {
                    self.cancelled.retain(|f| f.id != e.follow_up_id);
                }
                let missed = why.code == "human_active";
                if self.cancel_follow_up(&e.follow_up_id, &why)
                    && missed
                    && let Some(takeover) = &mut self.takeover
                {
                    takeover.cancelled.push(e.follow_up_id.clone());
                }
            }
            Event::FollowUpExpired(e) => {
                let why = e.reason.as_ref().map(Why::from).unwrap_or_default();
                self.end_follow_up(&e.follow_up_id, FollowUpState::Expired(why));
            }
            Event::FollowUpDone(e) => self.end_follow_up(&e.follow_up_id, FollowUpState::Done),
            Event::FollowUpFailed(e) => {
                let why = e.reason.as_ref().map(Why::from).unwrap_or_default();
                self.end_follow_up(&e.follow_up_id, FollowUpState::Failed(why));
            }

            Event::MessageQueued(e) => {
                if let Some(message) = &e.message {
                    if message.author == Author::Human.name() {
                        self.human_wrote(at);
                    }
                    if !message.follow_up_id.is_empty() {
                        let message_id = Some(message.message_id.clone());
                        self.change_follow_up(&message.follow_up_id, |f| f.state = FollowUpState::Due { message_id });
                    }
                    self.queued(message, at);
                }
            }
            Event::MessageDue(e) => self.change_message(&e.message_id, |m| {
                if m.is_queued() {
                    m.state = MessageState::Queued { not_before: None };
                }
            }),
            Event::MessageMoved(e) => {
                let due_at = from_timestamp(e.due_at.as_ref()).unwrap_or(at);
                self.change_message(&e.message_id, |m| {
                    if m.is_queued() {
                        m.state = MessageState::Queued { not_before: Some(due_at) };
                        m.late_from = m.late_from.max(due_at);
                    }
                });
            }
            Event::MessageCancelled(e) => {
                let why = e.reason.as_ref().map(Why::from).unwrap_or_default();
                self.unannounced.retain(|(c, _)| !matches!(c, Cancelled::Message(id) if *id == e.message_id));
                self.cancel_message(&e.message_id, &why);
            }
            Event::MessageExpired(e) => {
                let why = e.reason.as_ref().map(Why::from).unwrap_or_default();
                self.end_message(&e.message_id, MessageState::Expired(why));
            }
            Event::MessageRetried(e) => self.retried(&e.message_id, at),
            Event::SendDeferred(e) => self.put_off(&e.message_id, from_timestamp(e.until.as_ref()).unwrap_or(at)),

            Event::DispatchStarted(e) => self.change_message(&e.message_id, |m| {
                m.part = e.part as usize;
                m.attempts = e.attempt;
                m.last_claim.clone_from(&e.claim_id);
                m.state = MessageState::Claimed(Claim {
                    claim_id: e.claim_id.clone(),
                    expires_at: from_timestamp(e.expires_at.as_ref()).unwrap_or(at),
                    worker: e.worker.clone(),
                });
            }),
            Event::DispatchSucceeded(e) => self.succeeded(e, at),
            Event::DispatchFailed(e) => {
                let why = e.reason.as_ref().map(Why::from).unwrap_or_default();
                if self.claim_matters(&e.message_id, &e.claim_id) {
                    if why.code == "blocked" {
                        self.blocked = true;
                    }
                    self.end_message(&e.message_id, MessageState::Failed(why));
                }
            }
            Event::DispatchDeferred(e) => {
                if self.claim_matters(&e.message_id, &e.claim_id) {
                    if self.is_unknown(&e.message_id) {
                        // It never left, but what the client did meanwhile was not weighed: an operator decides.
                        let why = e.reason.as_ref().map(Why::from).unwrap_or_default();
                        self.end_message(&e.message_id, MessageState::Failed(why));
                    } else {
                        self.put_off(&e.message_id, from_timestamp(e.until.as_ref()).unwrap_or(at));
                    }
                }
            }
            Event::DispatchUnknown(e) => {
                let why = e.reason.as_ref().map(Why::from).unwrap_or_default();
                if self.claim_matters(&e.message_id, &e.claim_id) {
                    self.end_message(&e.message_id, MessageState::Unknown(why));
                }
            }

            Event::ContactChanged(_)
            | Event::ContactArchived(_)
            | Event::ApiKeyCreated(_)
            | Event::ApiKeyRevoked(_) => {}
            Event::Unknown { type_name, .. } => self.schema_ahead = Some(type_name.clone()),
        }
    }
}

impl Conversation {
    fn came_from(&mut self, source: Option<&v1::Source>, contact_id: &str, at: DateTime<Utc>) {
        let Some(source) = source else { return };
        self.inbound.insert(at, &source.key);
        let place = self.place.get_or_insert_with(|| Place {
            channel_id: source.channel_id.clone(),
            channel: source.channel.clone(),
            external_id: source.external_id.clone(),
            contact_id: contact_id.to_owned(),
            group: source.group,
        });
        if place.contact_id.is_empty() {
            contact_id.clone_into(&mut place.contact_id);
        }
    }

    fn client_responded(&mut self, recorded: &Recorded, e: &v1::ClientResponded) {
        let at = recorded.metadata.at;
        self.came_from(e.source.as_ref(), &e.contact_id, at);
        self.blocked = false;
        let from = e.from.as_ref().map(Person::from).unwrap_or_default();
        if self.person.id != from.id {
            self.person = from.clone();
        } else {
            self.person.update(&from);
        }
        let group = self.place.as_ref().is_some_and(|p| p.group);
        let event_id = recorded.metadata.event_id;
        let why = Why::new("client_responded", "the client wrote first", event_id);
        let concerned: Vec<String> = self
            .follow_ups
            .values()
            .filter(|f| f.is_open() && f.cancel_on == CancelOn::ClientResponse)
            .filter(|f| !group || f.asked_by.is_empty() || f.asked_by == from.id)
            .map(|f| f.id.clone())
            .collect();
        for id in concerned {
            let before = self.follow_ups.get(&id).cloned();
            if self.cancel_follow_up(&id, &why) {
                self.unannounced.push((Cancelled::FollowUp(id.clone()), why.clone()));
                if let Some(takeover) = &mut self.takeover {
                    takeover.cancelled.push(id);
                }
                self.cancelled.extend(before);
            }
        }
        let waiting: Vec<String> = self
            .outbox
            .values()
            .filter(|m| m.is_open() && m.on_reply == OnReply::Cancel && m.follow_up_id.is_empty())
            .map(|m| m.id.clone())
            .collect();
        for id in waiting {
            if self.cancel_message(&id, &why) {
                self.unannounced.push((Cancelled::Message(id), why.clone()));
            }
        }
        let written_at = e.source.as_ref().and_then(|s| from_timestamp(s.sent_at.as_ref())).unwrap_or(at);
        self.unanswered.push(Arc::new(ClientMessage {
            position: recorded.position,
            message_id: e.message_id.clone(),
            event_id: event_id.to_string(),
            kind: e.kind.clone(),
            text: e.text.clone(),
            forwarded: e.forwarded,
            from,
            written_at,
            at,
        }));
    }

    fn human_wrote(&mut self, at: DateTime<Utc>) {
        if let Some(takeover) = &mut self.takeover {
            takeover.active_at = takeover.active_at.max(at);
        }
    }

    fn takeover_started(&mut self, e: &v1::HumanTakeoverStarted, at: DateTime<Utc>, event_id: &str) {
        let why = Why::new("human_active", "a human took over", event_id);
        let mut cancelled = Vec::new();
        let open: Vec<Arc<Message>> =
            self.outbox.values().filter(|m| m.is_open() && m.author == Author::Bot).cloned().collect();
        for message in open {
            if message.follow_up_id.is_empty() {
                if self.cancel_message(&message.id, &why) {
                    self.unannounced.push((Cancelled::Message(message.id.clone()), why.clone()));
                }
            } else if self.cancel_follow_up(&message.follow_up_id, &why) {
                self.unannounced.push((Cancelled::FollowUp(message.follow_up_id.clone()), why.clone()));
                cancelled.push(message.follow_up_id.clone());
            }
        }
        // Nor does the brain carry out what is due.
        let acting: Vec<String> = self
            .follow_ups
            .values()
            .filter(|f| matches!(f.state, FollowUpState::Due { message_id: None }))
            .map(|f| f.id.clone())
            .collect();
        for id in acting {
            if self.cancel_follow_up(&id, &why) {
                self.unannounced.push((Cancelled::FollowUp(id.clone()), why.clone()));
                cancelled.push(id);
            }
        }
        // What the client's last words cancelled and no turn has answered stays cancelled.
        cancelled.extend(self.cancelled.drain(..).map(|f| f.id.clone()));
        match &mut self.takeover {
            Some(takeover) => {
                takeover.active_at = takeover.active_at.max(at);
                takeover.cancelled.append(&mut cancelled);
            }
            None => {
                self.takeover =
                    Some(Takeover { by: e.by.clone(), via: e.via.clone(), since: at, active_at: at, cancelled });
            }
        }
    }

    fn turn_completed(&mut self, e: &v1::TurnCompleted) {
        if self.turn.as_ref().is_some_and(|t| t.turn_id == e.turn_id) {
            self.turn = None;
        }
        self.answered_through = self.answered_through.max(e.through_position);
        let through = self.answered_through;
        self.unanswered.retain(|m| m.position > through);
        if self.unanswered.is_empty() {
            self.cancelled.clear();
        }
    }

    fn scheduled(&mut self, e: &v1::FollowUpScheduled, at: DateTime<Utc>) {
        let follow_up = FollowUp {
            id: e.follow_up_id.clone(),
            due_at: from_timestamp(e.due_at.as_ref()).unwrap_or(at),
            timezone: e.timezone.clone(),
            phrase: e.phrase.clone(),
            rule: e.rule.clone(),
            intention: e.intention.clone(),
            text: e.text.clone(),
            cancel_on: CancelOn::of_name(&e.cancel_on).unwrap_or(CancelOn::ClientResponse),
            action: e.action.clone().unwrap_or_default(),
            scheduled_reason: e.scheduled_reason.clone(),
            key: e.key.clone(),
            asked_by: e.asked_by.clone(),
            language: e.language.clone(),
            context: e.context.clone(),
            set_at: at,
            state: FollowUpState::Pending,
        };
        if !e.renews.is_empty() {
            self.cancelled.retain(|f| f.id != e.renews);
            if let Some(takeover) = &mut self.takeover {
                takeover.cancelled.retain(|id| *id != e.renews);
            }
        }
        self.follow_ups.insert(follow_up.id.clone(), Arc::new(follow_up));
    }

    fn queued(&mut self, m: &v1::Outgoing, late_from: DateTime<Utc>) {
        let not_before = from_timestamp(m.due_at.as_ref());
        let message = Message {
            id: m.message_id.clone(),
            author: if m.author == Author::Human.name() { Author::Human } else { Author::Bot },
            parts: if m.parts.is_empty() { vec![m.text.clone()] } else { m.parts.clone() },
            part: 0,
            attempts: 0,
            on_reply: OnReply::of_name(&m.on_reply).unwrap_or(OnReply::Keep),
            key: m.key.clone(),
            follow_up_id: m.follow_up_id.clone(),
            turn_id: m.turn_id.clone(),
            proactive: m.proactive,
            late_from: not_before.map_or(late_from, |at| at.max(late_from)),
            last_claim: String::new(),
            state: MessageState::Queued { not_before },
            cancel_after_claim: None,
        };
        self.outbox.insert(message.id.clone(), Arc::new(message));
    }

    /// An answer counts for the open claim, and for the claim whose fate is unknown.
    fn claim_matters(&self, message_id: &str, claim_id: &str) -> bool {
        self.outbox.get(message_id).is_some_and(|m| {
            m.last_claim == claim_id && matches!(m.state, MessageState::Claimed(_) | MessageState::Unknown(_))
        })
    }

    fn is_unknown(&self, message_id: &str) -> bool {
        self.outbox.get(message_id).is_some_and(|m| matches!(m.state, MessageState::Unknown(_)))
    }

    /// A success is proof, however late it comes: also for one that is unknown, or queued again after that.
    fn succeeded(&mut self, e: &v1::DispatchSucceeded, at: DateTime<Utc>) {
        let Some(message) = self.outbox.get(&e.message_id).cloned() else { return };
        let awaited = message.is_open() || matches!(message.state, MessageState::Unknown(_));
        if !awaited || message.part != e.part as usize {
            return;
        }
        if message.part + 1 < message.parts.len() {
            if matches!(message.state, MessageState::Unknown(_)) {
                // Settled late: the rest is not sent by itself, for nothing weighed what happened meanwhile.
                self.change_message(&e.message_id, |m| m.part += 1);
                let text = format!("part {} of {} was sent, the rest was not", message.part + 1, message.parts.len());
                let why = Why::new("partly_sent", text, "");
                self.end_message(&e.message_id, MessageState::Failed(why));
                return;
            }
            if message.last_claim != e.claim_id {
                // Another claim of the same part is open: its answer decides.
                return;
            }
            self.change_message(&e.message_id, |m| {
                m.part += 1;
                m.attempts = 0;
                m.state = MessageState::Queued { not_before: None };
            });
            if let Some(why) = &message.cancel_after_claim {
                self.drop_message(&message, why);
            }
            return;
        }
        if message.proactive {
            let day = TimeDelta::hours(24);
            self.proactive_sent.retain(|sent| at - *sent < day);
            self.proactive_sent.push_back(at);
        }
        self.end_message(&e.message_id, MessageState::Sent);
    }

    fn put_off(&mut self, message_id: &str, until: DateTime<Utc>) {
        let Some(message) = self.outbox.get(message_id).cloned() else { return };
        if !message.is_open() {
            return;
        }
        self.change_message(message_id, |m| {
            m.state = MessageState::Queued { not_before: Some(until) };
            m.late_from = m.late_from.max(until);
        });
        if let Some(why) = &message.cancel_after_claim {
            self.drop_message(&message, why);
        }
    }

    /// Cancels what the fold had to leave alone while a claim was open.
    fn drop_message(&mut self, message: &Message, why: &Why) {
        if message.follow_up_id.is_empty() {
            if self.cancel_message(&message.id, why) {
                self.unannounced.push((Cancelled::Message(message.id.clone()), why.clone()));
            }
        } else if self.cancel_follow_up(&message.follow_up_id, why) {
            self.unannounced.push((Cancelled::FollowUp(message.follow_up_id.clone()), why.clone()));
            if let Some(takeover) = &mut self.takeover {
                takeover.cancelled.push(message.follow_up_id.clone());
            }
        }
    }

    fn retried(&mut self, message_id: &str, at: DateTime<Utc>) {
        let Some(message) = self.outbox.get(message_id).cloned() else { return };
        if message.is_open() || message.state == MessageState::Sent {
            return;
        }
        self.change_message(message_id, |m| {
            m.state = MessageState::Queued { not_before: None };
            m.attempts = 0;
            m.late_from = at;
            m.cancel_after_claim = None;
        });
        if !message.follow_up_id.is_empty() {
            let message_id = Some(message_id.to_owned());
            self.change_follow_up(&message.follow_up_id, |f| f.state = FollowUpState::Due { message_id });
        }
    }

    fn change_follow_up(&mut self, id: &str, change: impl FnOnce(&mut FollowUp)) {
        if let Some(follow_up) = self.follow_ups.get_mut(id) {
            change(Arc::make_mut(follow_up));
        }
    }

    fn change_message(&mut self, id: &str, change: impl FnOnce(&mut Message)) {
        if let Some(message) = self.outbox.get_mut(id) {
            change(Arc::make_mut(message));
        }
    }

    /// Whether it was cancelled now. One that is being sent is cancelled when its claim ends without a send.
    fn cancel_follow_up(&mut self, id: &str, why: &Why) -> bool {
        let Some(follow_up) = self.follow_ups.get(id).filter(|f| f.is_open()) else { return false };
        if let FollowUpState::Due { message_id: Some(message_id) } = &follow_up.state
            && let Some(message) = self.outbox.get(message_id).cloned()
        {
            if let MessageState::Claimed(_) = message.state {
                self.change_message(&message.id, |m| m.cancel_after_claim = Some(why.clone()));
                return false;
            }
            if message.is_open() {
                self.change_message(&message.id, |m| m.state = MessageState::Cancelled(why.clone()));
                self.forget_later(Cancelled::Message(message.id.clone()));
            }
        }
        self.end_follow_up(id, FollowUpState::Cancelled(why.clone()));
        true
    }

    /// Likewise for a message; its follow-up, if it has one, ends with it.
    fn cancel_message(&mut self, id: &str, why: &Why) -> bool {
        let Some(message) = self.outbox.get(id).filter(|m| m.is_open()) else { return false };
        if let MessageState::Claimed(_) = message.state {
            self.change_message(id, |m| m.cancel_after_claim = Some(why.clone()));
            return false;
        }
        self.end_message(id, MessageState::Cancelled(why.clone()));
        true
    }

    fn end_follow_up(&mut self, id: &str, state: FollowUpState) {
        let Some(follow_up) = self.follow_ups.get(id) else { return };
        // Unknown may be settled; every other end is for good.
        if !follow_up.is_open() && !matches!(follow_up.state, FollowUpState::Unknown(_)) {
            return;
        }
        self.change_follow_up(id, |f| f.state = state);
        self.forget_later(Cancelled::FollowUp(id.to_owned()));
    }

    fn end_message(&mut self, id: &str, state: MessageState) {
        let Some(message) = self.outbox.get(id) else { return };
        let follow_up_id = message.follow_up_id.clone();
        let follow_up = match &state {
            MessageState::Sent => Some(FollowUpState::Sent),
            MessageState::Failed(why) => Some(FollowUpState::Failed(why.clone())),
            MessageState::Unknown(why) => Some(FollowUpState::Unknown(why.clone())),
            MessageState::Cancelled(why) => Some(FollowUpState::Cancelled(why.clone())),
            MessageState::Expired(why) => Some(FollowUpState::Expired(why.clone())),
            MessageState::Queued { .. } | MessageState::Claimed(_) => None,
        };
        self.change_message(id, |m| {
            m.state = state;
            m.cancel_after_claim = None;
        });
        self.forget_later(Cancelled::Message(id.to_owned()));
        if let Some(state) = follow_up
            && !follow_up_id.is_empty()
        {
            self.end_follow_up(&follow_up_id, state);
        }
    }

    /// Remembers that this ended and forgets what ended long before it.
    fn forget_later(&mut self, ended: Cancelled) {
        self.ended.push_back(ended);
        while self.ended.len() > ENDED_KEPT {
            match self.ended.pop_front() {
                Some(Cancelled::FollowUp(id)) if self.follow_ups.get(&id).is_some_and(|f| !f.is_open()) => {
                    self.follow_ups.remove(&id);
                }
                Some(Cancelled::Message(id)) if self.outbox.get(&id).is_some_and(|m| !m.is_open()) => {
                    self.outbox.remove(&id);
                }
                _ => {}
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
