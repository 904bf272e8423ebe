//! Folding events into rows: the states are the domain's own fold, so a read model can't disagree with the deciders.
//!
//! A [`WorkingSet`] holds the conversations and contacts that events touch: their rows, and beside each the domain's state,
//! made from the rows where it isn't in memory yet. After each event, what the fold changed is taken over into the rows.

mod conversation;
mod load;

use std::collections::{HashMap, HashSet};

use steward_proto::{Aggregate, Event, Recorded, TenantId, v1};

pub use conversation::ConversationFold;
pub use load::load;

use crate::rows::{ContactRow, ConversationRow, DeliveryRow, Entity, EventRow, MessageRow};

/// An aggregate: its tenant and its id.
pub type Key = (TenantId, std::sync::Arc<str>);

/// A row with what has to be done about it.
#[derive(Debug, Clone)]
pub struct Tracked<R> {
    pub row: R,
    /// The table holds an older version of it.
    pub stored: bool,
    /// It differs from what the table holds.
    pub dirty: bool,
}

impl<R> Tracked<R> {
    pub fn stored(row: R) -> Self {
        Self { row, stored: true, dirty: false }
    }

    pub fn fresh(row: R) -> Self {
        Self { row, stored: false, dirty: true }
    }

    pub fn written(&mut self) {
        self.stored = true;
        self.dirty = false;
    }
}

/// How much may stay in memory: rows, and about so many bytes.
#[derive(Debug, Clone, Copy)]
pub struct Kept {
    pub rows: usize,
    pub bytes: usize,
}

/// The rows in memory.
#[derive(Default)]
pub struct WorkingSet {
    pub conversations: HashMap<Key, ConversationFold>,
    pub contacts: HashMap<Key, Tracked<ContactRow>>,
    /// Messages that never change: what came in, and what was seen outside.
    pub finished: Vec<MessageRow>,
    pub events: Vec<EventRow>,
    /// Each as its latest outcome makes it, whatever the table holds.
    pub deliveries: HashMap<[String; 3], DeliveryRow>,
    /// The last position folded.
    pub position: u64,
    /// What may be dirty: a batch is written without looking at everything that is in memory.
    touched: HashSet<Key>,
    touched_contacts: HashSet<Key>,
    /// Rows of all conversations in memory, and about how much they hold in bytes.
    conversation_rows: usize,
    conversation_bytes: usize,
}

impl WorkingSet {
    /// Folds one event. What it touches must have been loaded, or be new.
    pub fn apply(&mut self, recorded: &Recorded) {
        self.position = recorded.position;
        self.events.push(EventRow::from(recorded));
        let key = || (recorded.subject.tenant.clone(), recorded.subject.id.clone());
        match recorded.subject.aggregate.parse() {
            Ok(Aggregate::Conversation) => {
                self.touched.insert(key());
                let conversation = self.conversations.entry(key()).or_insert_with(|| {
                    self.conversation_rows += 1;
                    ConversationFold::begun_by(recorded)
                });
                let (rows, bytes) = (conversation.rows(), conversation.bytes());
                conversation.apply(recorded, &mut self.finished);
                self.conversation_rows += conversation.rows() - rows;
                self.conversation_bytes += conversation.bytes() - bytes;
                if let Event::ClientResponded(e) = &recorded.event {
                    self.met(recorded, e);
                }
            }
            Ok(Aggregate::Contact) => self.changed(key(), recorded),
            Ok(Aggregate::Address | Aggregate::Inbox | Aggregate::Tenant | Aggregate::Webhook) | Err(_) => {}
            Ok(Aggregate::Delivery) => self.delivered(recorded),
        }
    }

    fn delivered(&mut self, recorded: &Recorded) {
        if let Some(row) = DeliveryRow::of(recorded) {
            self.deliveries.insert(row.key().map(str::to_owned), row);
        }
    }

    fn met(&mut self, recorded: &Recorded, e: &v1::ClientResponded) {
        if e.contact_id.is_empty() {
            return;
        }
        let contact = self.contact((recorded.subject.tenant.clone(), e.contact_id.as_str().into()), recorded);
        let (source, from) = (e.source.as_ref(), e.from.as_ref());
        let said = [
            (&mut contact.row.channel_id, source.map(|s| &s.channel_id)),
            (&mut contact.row.external_id, from.map(|p| &p.id)),
            (&mut contact.row.username, from.map(|p| &p.username)),
            (&mut contact.row.said_name, from.map(|p| &p.name)),
            (&mut contact.row.said_language, from.map(|p| &p.language)),
            (&mut contact.row.said_timezone, from.map(|p| &p.timezone)),
        ];
        let mut changed = false;
        for (column, value) in said {
            if let Some(value) = value.filter(|v| !v.is_empty() && *v != column) {
                column.clone_from(value);
                changed = true;
            }
        }
        // Not by what an earlier event of the same batch changed: batches fall otherwise in a rebuild.
        if changed {
            contact.row.position = recorded.position;
            contact.dirty = true;
        }
    }

    fn changed(&mut self, key: Key, recorded: &Recorded) {
        let own = key.1.clone();
        let contact = self.contact(key, recorded);
        match &recorded.event {
            Event::ContactChanged(e) => {
                let set = |column: &mut Option<String>, value: &Option<String>| {
                    if value.is_some() {
                        column.clone_from(value);
                    }
                };
                set(&mut contact.row.set_name, &e.name);
                set(&mut contact.row.set_language, &e.language);
                set(&mut contact.row.set_timezone, &e.timezone);
                contact.row.followup_hour = e.followup_hour.or(contact.row.followup_hour);
            }
            Event::ContactArchived(_) => contact.row.archived = true,
            // They stand on both contacts; the surviving one points nowhere.
            Event::ContactMerged(e) if *own == *e.contact_id => contact.row.merged_into = Some(e.into.clone()),
            Event::ContactSplit(e) if *own == *e.contact_id => contact.row.merged_into = None,
            _ => {}
        }
        contact.row.position = recorded.position;
        contact.dirty = true;
    }

    fn contact(&mut self, key: Key, recorded: &Recorded) -> &mut Tracked<ContactRow> {
        let (tenant, id) = (key.0.clone(), key.1.clone());
        self.touched_contacts.insert(key.clone());
        self.contacts
            .entry(key)
            .or_insert_with(|| Tracked::fresh(ContactRow::new(tenant.as_str(), &id, recorded.position)))
    }

    /// How many rows are in memory.
    pub fn rows(&self) -> usize {
        self.conversation_rows + self.contacts.len() + self.deliveries.len()
    }

    pub fn is_beyond(&self, most: Kept) -> bool {
        self.rows() > most.rows || self.conversation_bytes > most.bytes
    }

    /// Everything was written. What has ended is forgotten: an event that names it brings it back.
    pub fn written(&mut self) {
        self.finished.clear();
        self.events.clear();
        self.deliveries.clear();
        for key in self.touched.drain() {
            if let Some(conversation) = self.conversations.get_mut(&key) {
                let rows = conversation.rows();
                conversation.written();
                self.conversation_rows -= rows - conversation.rows();
            }
        }
        for key in self.touched_contacts.drain() {
            if let Some(contact) = self.contacts.get_mut(&key) {
                contact.written();
            }
        }
    }

    /// Conversations that events touched since everything was written.
    pub fn touched(&self) -> impl Iterator<Item = &ConversationFold> {
        self.touched.iter().filter_map(|key| self.conversations.get(key))
    }

    /// Likewise contacts.
    pub fn touched_contacts(&self) -> impl Iterator<Item = &Tracked<ContactRow>> {
        self.touched_contacts.iter().filter_map(|key| self.contacts.get(key))
    }

    /// Adds a conversation that was read.
    pub fn restore(&mut self, key: Key, row: ConversationRow) {
        self.conversation_rows += 1;
        self.conversations.insert(key, ConversationFold::restored(row));
    }

    /// Adds to a conversation what was read of it.
    pub fn restore_part(&mut self, key: &Key, restore: impl FnOnce(&mut ConversationFold)) {
        if let Some(conversation) = self.conversations.get_mut(key) {
            let (rows, bytes) = (conversation.rows(), conversation.bytes());
            restore(conversation);
            self.conversation_rows += conversation.rows() - rows;
            self.conversation_bytes += conversation.bytes() - bytes;
        }
    }

    /// Forgets what was touched longest ago until at most three quarters of `most` are left, if there is more than `most`.
    /// Only after everything was written.
    pub fn shrink(&mut self, most: Kept) {
        if !self.is_beyond(most) {
            return;
        }
        let mut by_age: Vec<(u64, Key)> =
            self.conversations.iter().map(|(key, c)| (c.row.row.position, key.clone())).collect();
        by_age.sort_unstable_by_key(|(position, _)| *position);
        self.contacts.clear();
        for (_, key) in by_age {
            if self.conversation_rows <= most.rows / 4 * 3 && self.conversation_bytes <= most.bytes / 4 * 3 {
                break;
            }
            if let Some(gone) = self.conversations.remove(&key) {
                self.conversation_rows -= gone.rows();
                self.conversation_bytes -= gone.bytes();
            }
        }
    }

    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use chrono::Utc;
    use steward_proto::{Metadata, snake_case};
    use uuid::Uuid;

    use super::*;

    fn recorded(position: u64, event: Event) -> Recorded {
        let metadata = Metadata {
            event_id: Uuid::from_u128(position.into()),
            type_name: event.type_name().to_owned(),
            schema_version: 1,
            at: Utc::now(),
            causation_id: Uuid::nil(),
            correlation_id: Uuid::nil(),
            actor: String::new(),
            traceparent: String::new(),
        };
        let subject = format!("ev.t.conversation.c.{}", snake_case(event.type_name())).parse().unwrap();
        Recorded { position, subject, metadata, payload: event.encode(), event }
    }

    #[test]
    fn what_has_ended_stays_out_of_memory_so_an_event_costs_what_is_open() {
        let mut set = WorkingSet::default();
        for n in 0..500 {
            let follow_up_id = format!("f-{n}");
            let promise = v1::FollowUpScheduled { follow_up_id: follow_up_id.clone(), ..Default::default() };
            set.apply(&recorded(2 * n + 1, promise.into()));
            set.written();
            assert_eq!(set.rows(), 2, "the conversation and what is open");
            let cancelled = v1::FollowUpCancelled { follow_up_id, ..Default::default() };
            set.apply(&recorded(2 * n + 2, cancelled.into()));
            assert!(set.touched().all(|c| c.row.row.pending_follow_ups == 0));
            set.written();
            assert_eq!(set.rows(), 1);
        }
        assert!(set.is_beyond(Kept { rows: 0, bytes: usize::MAX }) && set.is_beyond(Kept { rows: 9, bytes: 0 }));
        set.shrink(Kept { rows: 9, bytes: 0 });
        assert_eq!(set.rows(), 0);
    }
}
