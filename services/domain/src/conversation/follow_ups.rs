//! Deciding about follow-ups: scheduled, moved, due, cancelled, expired.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use steward_language::time::is_too_far;
use steward_proto::{Event, to_timestamp, v1};

use super::{
    AskedIn, CancelOn, Conversation, FollowUp, FollowUpState, Refused, batch::Batch, outbox::held, state::Cancelled,
};
use crate::{
    ids::{self, FollowUpId, MessageId, TurnId},
    kernel::Why,
};

/// Events that are recorded in one [`Batch`], at most: what is about more follow-ups takes several. The log takes 1,000.
pub const AT_ONCE: usize = 200;

/// A follow-up to be promised.
#[derive(Debug, Clone)]
pub struct NewFollowUp {
    pub follow_up_id: FollowUpId,
    pub due_at: DateTime<Utc>,
    pub timezone: String,
    pub phrase: String,
    pub rule: String,
    pub intention: String,
    pub text: String,
    pub cancel_on: CancelOn,
    pub action: v1::Action,
    pub reason: String,
    /// The same key replaces the pending one. Empty: none.
    pub key: String,
    pub asked_by: String,
    pub turn_id: Option<TurnId>,
    pub language: String,
    /// The message it was asked in.
    pub context: String,
    pub asked_in: Option<AskedIn>,
    /// What it is about, in the client's own words.
    pub topic: String,
    /// `client`, `operator:…`
    pub by: String,
}

impl Conversation {
    /// Promises a follow-up. The due time may have passed only if `late_is_fine` (it was ahead when the client wrote).
    pub fn schedule(&self, now: DateTime<Utc>, late_is_fine: bool, s: NewFollowUp) -> Result<Vec<Event>, Refused> {
        if self.place.is_none() {
            return Err(Refused::UnknownConversation);
        }
        check_due(now, late_is_fine, s.due_at)?;
        self.schedule_however_far(s)
    }

    /// The same, of what a rule of ours bounds otherwise.
    pub(super) fn schedule_however_far(&self, s: NewFollowUp) -> Result<Vec<Event>, Refused> {
        let is_message = matches!(s.action.kind.as_str(), "" | "message");
        if is_message && s.text.trim().is_empty() {
            return Err(Refused::EmptyText { what: "a follow-up that is a message" });
        }
        let mut events = Vec::new();
        if !s.key.is_empty() {
            for old in self.follow_ups.values().filter(|f| f.is_pending() && f.key == s.key) {
                events.push(cancelled(
                    &old.id,
                    Why::new("replaced", "another with the same key took its place", ""),
                    s.turn_id,
                ));
            }
        }
        events.push(self.promise(s, None));
        Ok(events)
    }

    /// Promises again what a client's message had cancelled, at its own time or at `due_at`.
    pub fn renew(
        &self,
        follow_up_id: &FollowUpId,
        new_id: FollowUpId,
        due_at: Option<(DateTime<Utc>, String, String)>,
        turn_id: Option<TurnId>,
    ) -> Result<Vec<Event>, Refused> {
        let Some(old) = self.cancelled.get(follow_up_id) else {
            return Err(Refused::NotRenewable);
        };
        let due_at = due_at.unwrap_or_else(|| (old.due_at, old.phrase.clone(), old.rule.clone()));
        Ok(vec![self.again(old, new_id, due_at, turn_id, "client")])
    }

    /// Promises again, at its own time, what was cancelled: a person of ours wants it kept after all.
    pub fn renew_by(
        &self,
        now: DateTime<Utc>,
        follow_up_id: &FollowUpId,
        new_id: FollowUpId,
        by: &str,
    ) -> Result<Vec<Event>, Refused> {
        let old = self.known_follow_up(follow_up_id)?;
        if !matches!(old.state, FollowUpState::Cancelled(_)) {
            return Err(Refused::NotCancelled);
        }
        check_due(now, false, old.due_at)?;
        let due_at = (old.due_at, old.phrase.clone(), old.rule.clone());
        Ok(vec![self.again(old, new_id, due_at, None, by)])
    }

    /// Promises again, at its own time, what the client took back a moment ago.
    pub fn restore(
        &self,
        now: DateTime<Utc>,
        follow_up_id: &FollowUpId,
        new_id: FollowUpId,
        turn_id: Option<TurnId>,
    ) -> Result<Vec<Event>, Refused> {
        let taken_back = self.taken_back.as_ref().filter(|taken_back| taken_back.is_fresh(now));
        let old = taken_back.and_then(|taken_back| taken_back.follow_ups.iter().find(|f| f.id == *follow_up_id));
        let old = old.ok_or(Refused::NotRenewable)?;
        check_due(now, false, old.due_at)?;
        Ok(vec![self.again(old, new_id, (old.due_at, old.phrase.clone(), old.rule.clone()), turn_id, "client")])
    }

    fn again(
        &self,
        old: &FollowUp,
        new_id: FollowUpId,
        (due_at, phrase, rule): (DateTime<Utc>, String, String),
        turn_id: Option<TurnId>,
        by: &str,
    ) -> Event {
        let renewed = NewFollowUp {
            follow_up_id: new_id,
            due_at,
            timezone: old.timezone.clone(),
            phrase,
            rule,
            intention: old.intention.clone(),
            text: old.text.clone(),
            cancel_on: old.cancel_on,
            action: old.action.clone(),
            reason: old.scheduled_reason.clone(),
            key: old.key.clone(),
            asked_by: old.asked_by.clone(),
            turn_id,
            language: old.language.clone(),
            context: old.context.clone(),
            asked_in: old.asked_in.clone(),
            topic: old.topic.clone(),
            by: by.to_owned(),
        };
        self.promise(renewed, Some(old.id))
    }

    /// Another due time for a pending follow-up.
    pub fn move_follow_up(
        &self,
        now: DateTime<Utc>,
        follow_up_id: &FollowUpId,
        due_at: DateTime<Utc>,
        (phrase, rule): (String, String),
        (by, turn_id): (&str, Option<TurnId>),
    ) -> Result<Vec<Event>, Refused> {
        self.pending_follow_up(follow_up_id)?;
        check_due(now, turn_id.is_some(), due_at)?;
        self.move_however_far(follow_up_id, due_at, (phrase, rule), (by, turn_id))
    }

    /// The same, of what a rule of ours bounds otherwise.
    pub(super) fn move_however_far(
        &self,
        follow_up_id: &FollowUpId,
        due_at: DateTime<Utc>,
        (phrase, rule): (String, String),
        (by, turn_id): (&str, Option<TurnId>),
    ) -> Result<Vec<Event>, Refused> {
        let old = self.pending_follow_up(follow_up_id)?;
        if old.due_at == due_at {
            return Ok(Vec::new());
        }
        Ok(vec![
            v1::FollowUpMoved {
                follow_up_id: follow_up_id.to_string(),
                due_at: Some(to_timestamp(due_at)),
                timezone: old.timezone.clone(),
                phrase,
                rule,
                by: by.to_owned(),
                turn_id: ids::or_empty(turn_id),
                needs_template: self.is_beyond_window(due_at),
            }
            .into(),
        ])
    }

    /// Another text for a pending follow-up.
    pub fn change_follow_up_text(
        &self,
        follow_up_id: &FollowUpId,
        text: String,
        by: &str,
    ) -> Result<Vec<Event>, Refused> {
        let old = self.pending_follow_up(follow_up_id)?;
        if text.trim().is_empty() {
            return Err(Refused::EmptyText { what: "a follow-up" });
        }
        if old.text == text {
            return Ok(Vec::new());
        }
        let (follow_up_id, by) = (follow_up_id.to_string(), by.to_owned());
        Ok(vec![v1::FollowUpTextChanged { follow_up_id, text, by, ..v1::FollowUpTextChanged::default() }.into()])
    }

    /// Another topic for a pending follow-up, as the client names it, and the text that speaks of it.
    pub fn change_topic(
        &self,
        follow_up_id: &FollowUpId,
        (text, topic): (String, String),
        turn_id: Option<TurnId>,
    ) -> Result<Vec<Event>, Refused> {
        self.pending_follow_up(follow_up_id)?;
        Ok(vec![
            v1::FollowUpTextChanged {
                follow_up_id: follow_up_id.to_string(),
                text,
                by: "client".to_owned(),
                topic: Some(topic),
                turn_id: ids::or_empty(turn_id),
            }
            .into(),
        ])
    }

    /// Takes a promise back.
    pub fn cancel(&self, follow_up_id: &FollowUpId, why: Why, turn_id: Option<TurnId>) -> Result<Vec<Event>, Refused> {
        let f = self.known_follow_up(follow_up_id)?;
        match no_longer_pending(&f.state) {
            // Renewable: the client confirms what their message had cancelled already.
            Some(refused) if !f.is_open() && !self.is_renewable(follow_up_id) => Err(refused),
            _ => Ok(vec![taken_back(follow_up_id, why, turn_id, !f.is_open())]),
        }
    }

    /// Whether the client's latest messages cancelled it, so that a turn may renew it.
    pub fn is_renewable(&self, follow_up_id: &FollowUpId) -> bool {
        self.cancelled.contains(follow_up_id)
    }

    /// Refuses one more promise beyond `most` open ones, of which so many are in the person's other conversations.
    pub fn room_for_one_more(&self, most: usize, elsewhere: usize) -> Result<(), Refused> {
        if self.open_follow_ups().saturating_add(elsewhere) < most {
            return Ok(());
        }
        let place = if elsewhere == 0 { "in this conversation" } else { "in all conversations of this person" };
        Err(Refused::TooManyFollowUps { most, place })
    }

    fn pending_follow_up(&self, id: &FollowUpId) -> Result<&FollowUp, Refused> {
        let f = self.known_follow_up(id)?;
        no_longer_pending(&f.state).map_or(Ok(f), Err)
    }

    fn known_follow_up(&self, id: &FollowUpId) -> Result<&FollowUp, Refused> {
        self.follow_ups.get(id).map(AsRef::as_ref).ok_or(Refused::UnknownFollowUp { id: *id })
    }

    /// What a follow-up's alarm leads to; `message_id`: of the message that it becomes.
    pub fn follow_up_due(&self, alarm: &Ring<FollowUpId>, message_id: MessageId) -> Result<Alarmed, Refused> {
        let Some(f) = self.follow_ups.get(&alarm.id).filter(|f| f.is_pending()) else { return Ok(Alarmed::Nothing) };
        if f.due_at > alarm.now {
            return Ok(Alarmed::NotYet(f.due_at));
        }
        if self.human_active() {
            let why = Why::new("human_active", "a human was active when it was due", "");
            return Ok(Alarmed::Decided(vec![cancelled(&f.id, why, None)]));
        }
        if self.said_by_human(&f.text, f.set_at) {
            let why = Why::new("said_by_human", "a human has said just this since it was promised", "");
            return Ok(Alarmed::Decided(vec![cancelled(&f.id, why, None)]));
        }
        if self.blocked {
            let why = Why::new("blocked", "the recipient has blocked us", "");
            return Ok(Alarmed::Decided(vec![cancelled(&f.id, why, None)]));
        }
        if self.opted_out {
            let why = Why::new("opted_out", "the client wants nothing more from us", "");
            return Ok(Alarmed::Decided(vec![cancelled(&f.id, why, None)]));
        }
        let late = alarm.now - f.due_at.max(f.set_at);
        if late > TimeDelta::from_std(alarm.late_limit).unwrap_or(TimeDelta::MAX) {
            let text =
                format!("it was {} s late, and the limit is {} s", late.num_seconds(), alarm.late_limit.as_secs());
            return Ok(Alarmed::Decided(vec![
                v1::FollowUpExpired {
                    follow_up_id: f.id.to_string(),
                    reason: Some((&Why::new("too_late", text, "")).into()),
                    due_at: Some(to_timestamp(f.due_at)),
                    key: f.key.clone(),
                }
                .into(),
            ]));
        }
        let message = f.is_message().then(|| v1::Outgoing {
            message_id: message_id.to_string(),
            author: "bot".to_owned(),
            text: f.text.clone(),
            parts: self.split(&f.text),
            due_at: None,
            on_reply: if f.cancel_on == CancelOn::ClientResponse { "cancel" } else { "keep" }.to_owned(),
            key: String::new(),
            follow_up_id: f.id.to_string(),
            turn_id: String::new(),
            proactive: true,
            ..v1::Outgoing::default()
        });
        let due = v1::FollowUpDue {
            follow_up_id: f.id.to_string(),
            due_at: Some(to_timestamp(f.due_at)),
            message,
            key: f.key.clone(),
        };
        Ok(Alarmed::Decided(vec![due.into()]))
    }

    /// Whether free text can't be sent at `at` unless the client writes again before.
    pub fn is_beyond_window(&self, at: DateTime<Utc>) -> bool {
        !self.window_open(at)
    }

    fn promise(&self, s: NewFollowUp, renews: Option<FollowUpId>) -> Event {
        let (asked_in, asked_in_provider_id, asked_at) =
            s.asked_in.map(|a| (a.message_id.to_string(), a.provider_id, a.at.map(to_timestamp))).unwrap_or_default();
        v1::FollowUpScheduled {
            follow_up_id: s.follow_up_id.to_string(),
            due_at: Some(to_timestamp(s.due_at)),
            timezone: s.timezone,
            phrase: s.phrase,
            rule: s.rule,
            intention: s.intention,
            text: s.text,
            cancel_on: s.cancel_on.name().to_owned(),
            action: Some(s.action),
            scheduled_reason: s.reason,
            key: s.key,
            renews: ids::or_empty(renews),
            asked_by: s.asked_by,
            turn_id: ids::or_empty(s.turn_id),
            language: s.language,
            context: s.context,
            by: s.by,
            needs_template: self.is_beyond_window(s.due_at),
            asked_in,
            asked_in_provider_id,
            asked_at,
            topic: s.topic,
        }
        .into()
    }

    /// Tells subscribers what the fold cancelled by itself: as much as one batch takes. When that is recorded, the rest is told.
    pub fn announcements(&self) -> Batch {
        let ended = self.unannounced.iter().map(|(what, why)| match what {
            Cancelled::FollowUp(id) => cancelled(id, why.clone(), None),
            Cancelled::Message(id) => {
                v1::MessageCancelled { message_id: id.to_string(), reason: Some(why.into()), by: String::new() }.into()
            }
        });
        let holds = self.unannounced_holds.iter();
        Batch::of(ended.chain(holds.filter_map(|(id, why)| Some(held(self.outbox.get(id)?, why, "")))))
    }
}

/// The time of a follow-up or message has come.
#[derive(Debug, Clone)]
pub struct Ring<Id> {
    pub id: Id,
    pub now: DateTime<Utc>,
    pub late_limit: Duration,
}

/// What an alarm leads to.
#[derive(Debug, Clone, PartialEq)]
pub enum Alarmed {
    Decided(Vec<Event>),
    /// It was moved: the alarm is to be set for this time.
    NotYet(DateTime<Utc>),
    /// It has ended otherwise.
    Nothing,
}

fn check_due(now: DateTime<Utc>, late_is_fine: bool, due_at: DateTime<Utc>) -> Result<(), Refused> {
    if due_at <= now && !late_is_fine {
        return Err(Refused::Past { at: due_at, instead: "name a time that is ahead" });
    }
    if is_too_far(now, due_at) {
        return Err(Refused::TooFar { at: due_at });
    }
    Ok(())
}

fn no_longer_pending(state: &FollowUpState) -> Option<Refused> {
    match state {
        FollowUpState::Pending => None,
        FollowUpState::Due { .. } => Some(Refused::AlreadyDue),
        FollowUpState::Sent => Some(Refused::AlreadySent),
        FollowUpState::Done => Some(Refused::AlreadyDone),
        FollowUpState::Cancelled(_) => Some(Refused::AlreadyCancelled),
        FollowUpState::Expired(_) => Some(Refused::AlreadyExpired),
        FollowUpState::Failed(_) => Some(Refused::AlreadyFailed),
        FollowUpState::Unknown(_) => Some(Refused::AlreadyUnknown),
    }
}

fn cancelled(id: &FollowUpId, why: Why, turn_id: Option<TurnId>) -> Event {
    taken_back(id, why, turn_id, false)
}

/// `confirms`: a client's message has cancelled it, and this is why it stays so.
pub(super) fn taken_back(id: &FollowUpId, why: Why, turn_id: Option<TurnId>, confirms: bool) -> Event {
    let turn_id = ids::or_empty(turn_id);
    v1::FollowUpCancelled { follow_up_id: id.to_string(), reason: Some((&why).into()), turn_id, confirms }.into()
}
