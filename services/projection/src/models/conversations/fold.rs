//! One conversation in memory: its rows, and the state of the domain that they follow.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    str::FromStr,
    sync::Arc,
};

use steward_domain::{
    conversation::{Conversation, FollowUp, FollowUpState, Message},
    ids::{FollowUpId, MessageId},
    keys::InboundKeys,
};
use steward_proto::{Event, Fold as _, Recorded, from_timestamp, v1};

use super::{follow_ups::FollowUpRow, messages::MessageRow, row::ConversationRow};
use crate::rows::{Json, Tracked};

/// The rows of one conversation that may change: its own, those of open follow-ups and messages, and those of ended
/// ones that events have named.
pub struct ConversationFold {
    pub row: Tracked<ConversationRow>,
    pub follow_ups: HashMap<String, Tracked<FollowUpRow>>,
    pub messages: HashMap<String, Tracked<MessageRow>>,
    state: Conversation,
    /// The states that the rows reflect. A state that has changed is another allocation.
    seen_follow_ups: BTreeMap<FollowUpId, Arc<FollowUp>>,
    seen_messages: BTreeMap<MessageId, Arc<Message>>,
    /// About how many bytes were folded and read into it.
    bytes: usize,
}

impl ConversationFold {
    pub fn begun_by(recorded: &Recorded) -> Self {
        Self {
            row: Tracked::fresh(ConversationRow::begun_by(recorded)),
            follow_ups: HashMap::new(),
            messages: HashMap::new(),
            state: Conversation::default(),
            seen_follow_ups: BTreeMap::new(),
            seen_messages: BTreeMap::new(),
            bytes: 0,
        }
    }

    pub fn restored(row: ConversationRow) -> Self {
        Self {
            state: row.restore(),
            row: Tracked::stored(row),
            follow_ups: HashMap::new(),
            messages: HashMap::new(),
            seen_follow_ups: BTreeMap::new(),
            seen_messages: BTreeMap::new(),
            bytes: 0,
        }
    }

    /// Adds a follow-up's row that was read, unless it is in memory already.
    pub fn restore_follow_up(&mut self, row: FollowUpRow) {
        if self.follow_ups.contains_key(&row.id) {
            return;
        }
        // Rows are made of what the fold has read: another program wrote this one.
        let Ok(folded) = row.restore().map(Arc::new) else { return };
        self.bytes += row.text.len() + row.phrase.len() + row.context.len();
        self.state.follow_ups.insert(folded.id, folded.clone());
        self.seen_follow_ups.insert(folded.id, folded);
        self.follow_ups.insert(row.id.clone(), Tracked::stored(row));
    }

    /// Adds a message's row that was read, unless it is in memory already.
    pub fn restore_message(&mut self, row: MessageRow) {
        if self.messages.contains_key(&row.id) {
            return;
        }
        let Ok(folded) = row.restore().map(Arc::new) else { return };
        self.bytes += row.text.len();
        self.state.outbox.insert(folded.id, folded.clone());
        self.seen_messages.insert(folded.id, folded);
        self.messages.insert(row.id.clone(), Tracked::stored(row));
    }

    /// Folds an event. Messages that will never change go to `finished`.
    pub fn apply(&mut self, recorded: &Recorded, finished: &mut Vec<MessageRow>) {
        self.bytes += recorded.payload.len();
        self.state.evolve(recorded);
        self.forget_what_no_row_holds();
        let at = recorded.metadata.at;
        match &recorded.event {
            Event::ClientResponded(e) => {
                self.row.row.last_message_at = Some(at);
                if let Some(title) = e.source.as_ref().map(|s| &s.title).filter(|t| !t.is_empty()) {
                    self.row.row.title.clone_from(title);
                }
                finished.push(MessageRow::received(recorded, e));
            }
            Event::HumanResponded(e) => {
                self.row.row.last_message_at = Some(at);
                finished.push(MessageRow::seen(recorded, e));
            }
            Event::FollowUpScheduled(e) => self.scheduled(recorded, e),
            Event::MessageQueued(v1::MessageQueued { message: Some(message) })
            | Event::FollowUpDue(v1::FollowUpDue { message: Some(message), .. }) => self.queued(recorded, message),
            _ => {}
        }
        self.note_for_the_inbox(recorded);
        self.follow_the_state(recorded);
        self.add_what_only_the_event_says(recorded);
        self.row.row.follow(&self.state, recorded);
        self.row.dirty = true;
    }

    /// Forgets what the state remembers for deciding, which no row needs.
    fn forget_what_no_row_holds(&mut self) {
        self.state.unanswered.clear();
        self.state.cancelled.clear();
        self.state.unannounced.clear();
        self.state.unannounced_holds.clear();
        self.state.unsaid.clear();
        self.state.proactive_sent.clear();
        self.state.answers_sent.clear();
        self.state.inbound = InboundKeys::default();
        if let Some(takeover) = &mut self.state.takeover {
            takeover.cancelled.clear();
        }
    }

    /// Notes what an inbox goes by: who waits for a person, and whether one was there since.
    fn note_for_the_inbox(&mut self, recorded: &Recorded) {
        let row = &mut self.row.row;
        match &recorded.event {
            Event::HumanRequested(_) => row.asked_position = recorded.position,
            Event::HumanTakeoverStarted(_) | Event::HumanTakeoverEnded(_) => row.attended_position = recorded.position,
            Event::ClientResponded(_) => row.latest_position = recorded.position,
            Event::HumanResponded(_) => {
                (row.latest_position, row.attended_position) = (recorded.position, recorded.position);
            }
            Event::MessageQueued(v1::MessageQueued { message: Some(message) }) => {
                row.latest_position = recorded.position;
                if message.author == "human" {
                    row.attended_position = recorded.position;
                }
            }
            Event::FollowUpDue(v1::FollowUpDue { message: Some(_), .. }) => row.latest_position = recorded.position,
            _ => {}
        }
    }

    fn scheduled(&mut self, recorded: &Recorded, e: &v1::FollowUpScheduled) {
        let Ok(id) = e.follow_up_id.parse() else { return };
        let Some(folded) = self.state.follow_ups.get(&id) else { return };
        // The fold made nothing of it: it names something that can't be read.
        if self.seen_follow_ups.get(&id).is_some_and(|seen| Arc::ptr_eq(seen, folded)) {
            return;
        }
        let row = FollowUpRow::scheduled(recorded, e, folded);
        self.seen_follow_ups.insert(id, folded.clone());
        let stored = self.follow_ups.get(&e.follow_up_id).is_some_and(|t| t.stored);
        self.follow_ups.insert(e.follow_up_id.clone(), Tracked { row, stored, dirty: true });
        if let Some(renewed) = self.follow_ups.get_mut(&e.renews) {
            renewed.row.renewed_by.clone_from(&e.follow_up_id);
            renewed.row.changed_position = recorded.position;
            renewed.dirty = true;
        }
    }

    fn queued(&mut self, recorded: &Recorded, message: &v1::Outgoing) {
        let Ok(id) = message.message_id.parse() else { return };
        let Some(folded) = self.state.outbox.get(&id) else { return };
        if self.seen_messages.get(&id).is_some_and(|seen| Arc::ptr_eq(seen, folded)) {
            return;
        }
        let row = MessageRow::queued(recorded, message, folded);
        self.seen_messages.insert(id, folded.clone());
        let stored = self.messages.get(&message.message_id).is_some_and(|t| t.stored);
        self.messages.insert(message.message_id.clone(), Tracked { row, stored, dirty: true });
    }

    /// Takes into the rows whatever the fold changed. That isn't only what the event names: a client's message changes
    /// many things.
    fn follow_the_state(&mut self, recorded: &Recorded) {
        for_changed(&self.state.follow_ups, &mut self.seen_follow_ups, |id, folded| {
            if let Some(tracked) = self.follow_ups.get_mut(&id.to_string()) {
                tracked.row.follow(folded, recorded);
                tracked.dirty = true;
            }
        });
        for_changed(&self.state.outbox, &mut self.seen_messages, |id, folded| {
            if let Some(tracked) = self.messages.get_mut(&id.to_string()) {
                tracked.row.follow(folded, recorded);
                tracked.dirty = true;
            }
        });
    }

    /// Takes into the rows what is shown but plays no part in deciding, so that the state doesn't hold it.
    fn add_what_only_the_event_says(&mut self, recorded: &Recorded) {
        let at = recorded.metadata.at;
        match &recorded.event {
            Event::DispatchSucceeded(e) => {
                let Some(tracked) = self.messages.get_mut(&e.message_id) else { return };
                let sent_at = from_timestamp(e.sent_at.as_ref()).unwrap_or(at);
                tracked.row.sent_at = Some(sent_at);
                tracked.dirty = true;
                self.row.row.last_message_at = Some(sent_at);
                if let Some(follow_up) = self.follow_ups.get_mut(&tracked.row.follow_up_id)
                    && follow_up.row.state == "sent"
                {
                    follow_up.row.sent_at = Some(sent_at);
                    follow_up.dirty = true;
                }
            }
            // The message's follow-up goes on reading as pending, with the reason for which it waits.
            Event::MessageHeld(v1::MessageHeld { message_id, reason: Some(reason), .. }) => {
                let Some(message) = self.messages.get(message_id).filter(|m| m.row.state == "held") else { return };
                if let Some(follow_up) = self.follow_ups.get_mut(&message.row.follow_up_id)
                    && follow_up.row.state == "due"
                {
                    follow_up.row.reason = Some(Json(reason.into()));
                    follow_up.row.changed_position = recorded.position;
                    follow_up.dirty = true;
                }
            }
            Event::MessageApproved(v1::MessageApproved { message_id, .. })
            | Event::MessageReleased(v1::MessageReleased { message_id, .. }) => {
                let Some(message) = self.messages.get(message_id) else { return };
                if let Some(follow_up) = self.follow_ups.get_mut(&message.row.follow_up_id)
                    && follow_up.row.state == "due"
                {
                    follow_up.row.reason = None;
                    follow_up.row.changed_position = recorded.position;
                    follow_up.dirty = true;
                }
            }
            // A report may be the first proof that the message was sent.
            Event::DeliveryReported(e) => {
                let reported_at = from_timestamp(e.at.as_ref()).unwrap_or(at);
                let settled = self.messages.values_mut().filter(|m| {
                    m.row.changed_position == recorded.position
                        && m.row.sent_at.is_none()
                        && matches!(m.row.state.as_str(), "sent" | "delivered" | "read")
                });
                for message in settled {
                    message.row.sent_at = Some(reported_at);
                    message.dirty = true;
                    if let Some(follow_up) = self.follow_ups.get_mut(&message.row.follow_up_id)
                        && follow_up.row.state == "sent"
                    {
                        follow_up.row.sent_at = Some(reported_at);
                        follow_up.dirty = true;
                    }
                }
            }
            Event::SendDeferred(v1::SendDeferred { message_id, reason: Some(reason), .. })
            | Event::DispatchDeferred(v1::DispatchDeferred { message_id, reason: Some(reason), .. }) => {
                let Some(message) = self.messages.get(message_id).filter(|m| m.row.state == "deferred") else { return };
                if let Some(follow_up) = self.follow_ups.get_mut(&message.row.follow_up_id)
                    && follow_up.row.state == "due"
                {
                    follow_up.row.reason = Some(Json(reason.into()));
                    follow_up.row.changed_position = recorded.position;
                    follow_up.dirty = true;
                }
            }
            Event::FollowUpMoved(e) => {
                let Some(follow_up) = self.follow_ups.get_mut(&e.follow_up_id) else { return };
                if !e.timezone.is_empty() {
                    follow_up.row.timezone.clone_from(&e.timezone);
                    follow_up.dirty = true;
                }
            }
            Event::FollowUpDone(e) => {
                let Some(follow_up) = self.follow_ups.get_mut(&e.follow_up_id) else { return };
                follow_up.row.result.clone_from(&e.result);
                follow_up.dirty = true;
            }
            _ => {}
        }
    }

    pub fn rows(&self) -> usize {
        1 + self.follow_ups.len() + self.messages.len()
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Forgets what has ended, since every further event would have to look at it.
    pub fn written(&mut self) {
        self.row.written();
        self.follow_ups.values_mut().for_each(Tracked::written);
        self.messages.values_mut().for_each(Tracked::written);
        // A message and its follow-up end together, so the one that is open keeps the other; and what is kept of messages keeps
        // the follow-ups that these name.
        let due = |f: &Arc<FollowUp>| if let FollowUpState::Due { message_id } = f.state { message_id } else { None };
        let of_follow_up: HashSet<MessageId> = self.state.follow_ups.values().filter_map(due).collect();
        self.state.outbox.retain(|id, m| m.is_open() || of_follow_up.contains(id));
        let named: HashSet<FollowUpId> = self.state.outbox.values().filter_map(|m| m.follow_up_id).collect();
        self.state.follow_ups.retain(|id, f| f.is_open() || named.contains(id));
        keep_only(&self.state.follow_ups, &mut self.seen_follow_ups, &mut self.follow_ups);
        keep_only(&self.state.outbox, &mut self.seen_messages, &mut self.messages);
    }
}

fn keep_only<Id: Ord + FromStr, T, R>(
    open: &BTreeMap<Id, Arc<T>>,
    seen: &mut BTreeMap<Id, Arc<T>>,
    rows: &mut HashMap<String, Tracked<R>>,
) {
    if rows.len() > open.len() {
        seen.retain(|id, _| open.contains_key(id));
        rows.retain(|id, _| id.parse().is_ok_and(|id: Id| open.contains_key(&id)));
    }
}

/// Calls `changed` for each state that is another allocation than it was when it was last seen. It walks over both maps
/// once: an event must not cost a search for each promise.
fn for_changed<Id: Ord, T>(
    now: &BTreeMap<Id, Arc<T>>,
    seen: &mut BTreeMap<Id, Arc<T>>,
    mut changed: impl FnMut(&Id, &T),
) {
    let mut now = now.iter().peekable();
    for (id, seen) in seen {
        while now.next_if(|(other, _)| *other < id).is_some() {}
        let Some((_, folded)) = now.next_if(|(other, _)| *other == id) else { continue };
        if !Arc::ptr_eq(seen, folded) {
            *seen = folded.clone();
            changed(id, folded);
        }
    }
}
