//! Conversations with their messages and follow-ups: three tables, folded as one.
//!
//! This model folds with a state of the domain, so it can't disagree with the deciders. Beside each conversation's rows
//! stands the domain's own [`Conversation`](steward_domain::conversation::Conversation), restored from the rows if it
//! isn't in memory yet; after each event, what the fold changed is taken into the rows. Only the rows are stored: the
//! domain forgets what ended long ago, while a table doesn't, and what a provider says of it later still has to change
//! its row.

pub mod at;
pub mod attention;
mod beside;
mod fold;
pub mod follow_ups;
mod load;
pub mod messages;
pub mod moments;
pub mod read;
mod row;
pub mod view;

use std::collections::{HashMap, HashSet};

use steward_proto::{Aggregate, Recorded};
use utoipa_axum::{router::OpenApiRouter, routes};

pub use messages::{MessageRow, MessageView, OutgoingView, read::find as message_of_outbox};
pub use read::{find as own_conversation, of_rows as conversations_of};
pub use row::ConversationRow;

use super::{Held, Key, Model, Routes, Work};
use crate::{
    migrations::{Migration, migrations},
    store::{Tables, Trust},
};
use fold::ConversationFold;

/// The conversations that are in memory.
#[derive(Default)]
pub struct Conversations {
    conversations: HashMap<Key, ConversationFold>,
    /// Messages that never change: those that came in, and those that were seen outside.
    finished: Vec<MessageRow>,
    /// The conversations that may be dirty, so that writing a batch needn't look at everything in memory.
    touched: HashSet<Key>,
    /// How many rows all conversations in memory have, and about how many bytes they hold.
    held: Held,
}

impl Model for Conversations {
    fn migrations(&self) -> &'static [Migration] {
        migrations!("read_model": "0002_conversations", "0004_messages", "0005_follow_ups", "0007_receipts", "0012_speech", "0013_requests", "0014_inbox", "0019_outbox_done")
    }

    fn routes(&self) -> Routes {
        OpenApiRouter::new()
            .routes(routes!(read::list))
            .routes(routes!(read::one))
            .routes(routes!(attention::all))
            .routes(routes!(messages::read::of_conversation))
            .routes(routes!(messages::read::list))
            .routes(routes!(follow_ups::read::list))
            .routes(routes!(follow_ups::read::one))
            .routes(routes!(messages::read::outbox))
            .routes(routes!(messages::read::outbox_one))
    }

    fn load<'a>(&'a mut self, tables: Tables<'a>, events: &'a [&'a Recorded]) -> Work<'a> {
        Box::pin(load::load(self, tables, events))
    }

    fn apply(&mut self, recorded: &Recorded) {
        if recorded.subject.aggregate.parse() != Ok(Aggregate::Conversation) {
            return;
        }
        let key = (recorded.subject.tenant.clone(), recorded.subject.id.clone());
        self.touched.insert(key.clone());
        let conversation = self.conversations.entry(key).or_insert_with(|| {
            self.held.rows += 1;
            ConversationFold::begun_by(recorded)
        });
        let (rows, bytes) = (conversation.rows(), conversation.bytes());
        conversation.apply(recorded, &mut self.finished);
        self.held.rows += conversation.rows() - rows;
        self.held.bytes += conversation.bytes() - bytes;
    }

    fn write<'a>(&'a self, tables: Tables<'a>, trust: Trust) -> Work<'a> {
        Box::pin(async move {
            tables.replace(self.touched().map(|c| &c.row), trust).await?;
            tables.replace(self.touched().flat_map(|c| c.follow_ups.values()), trust).await?;
            tables.replace(self.touched().flat_map(|c| c.messages.values()), trust).await
        })
    }

    fn written(&mut self) {
        self.finished.clear();
        for key in self.touched.drain() {
            if let Some(conversation) = self.conversations.get_mut(&key) {
                let rows = conversation.rows();
                conversation.written();
                self.held.rows -= rows - conversation.rows();
            }
        }
    }

    fn write_finished<'a>(&'a self, tables: Tables<'a>, trust: Trust) -> Work<'a> {
        Box::pin(async move {
            match trust {
                Trust::Unique => tables.copy(self.finished.iter().collect()).await,
                Trust::Nothing => tables.overwrite(&self.finished).await,
            }
        })
    }

    fn held(&self) -> Held {
        self.held
    }

    fn shrink(&mut self, most: Held) {
        let mut by_age: Vec<(u64, Key)> =
            self.conversations.iter().map(|(key, c)| (c.row.row.position, key.clone())).collect();
        by_age.sort_unstable_by_key(|(position, _)| *position);
        for (_, key) in by_age {
            if self.held.rows <= most.rows / 4 * 3 && self.held.bytes <= most.bytes / 4 * 3 {
                break;
            }
            if let Some(gone) = self.conversations.remove(&key) {
                self.held.rows -= gone.rows();
                self.held.bytes -= gone.bytes();
            }
        }
    }
}

impl Conversations {
    /// The conversations that events have touched since everything was written.
    fn touched(&self) -> impl Iterator<Item = &ConversationFold> {
        self.touched.iter().filter_map(|key| self.conversations.get(key))
    }

    /// Adds a conversation whose row was read.
    fn restore(&mut self, key: Key, row: ConversationRow) {
        self.held.rows += 1;
        self.conversations.insert(key, ConversationFold::restored(row));
    }

    /// Adds a row of a conversation that was read.
    fn restore_part(&mut self, key: &Key, restore: impl FnOnce(&mut ConversationFold)) {
        if let Some(conversation) = self.conversations.get_mut(key) {
            let (rows, bytes) = (conversation.rows(), conversation.bytes());
            restore(conversation);
            self.held.rows += conversation.rows() - rows;
            self.held.bytes += conversation.bytes() - bytes;
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use chrono::Utc;
    use steward_domain::ids;
    use steward_proto::{Event, Metadata, snake_case, v1};
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
    fn what_is_kept_of_a_message_keeps_the_follow_up_that_it_names_though_another_has_become_it() {
        let here = ids::ConversationId::new(Uuid::from_u128(1));
        let [own, other] = [1, 2].map(|n| ids::follow_up(here, Uuid::from_u128(n)).to_string());
        let message_id = ids::message(here, Uuid::from_u128(3)).to_string();
        let promise = |id: &String| v1::FollowUpScheduled { follow_up_id: id.clone(), ..Default::default() };
        let message = v1::Outgoing {
            message_id: message_id.clone(),
            follow_up_id: own.clone(),
            on_reply: "cancel".to_owned(),
            ..Default::default()
        };
        let mut set = Conversations::default();
        set.apply(&recorded(1, promise(&own).into()));
        set.apply(&recorded(2, promise(&other).into()));
        let due = v1::FollowUpDue { follow_up_id: other, message: Some(message), ..Default::default() };
        set.apply(&recorded(3, due.into()));
        set.apply(&recorded(4, v1::MessageExpired { message_id: message_id.clone(), ..Default::default() }.into()));
        set.written();
        set.apply(&recorded(5, v1::MessageRetried { message_id, ..Default::default() }.into()));
        let states: Vec<_> = set.touched().flat_map(|c| c.follow_ups.get(&own)).map(|f| f.row.state.clone()).collect();
        assert_eq!(states, ["due"]);
    }

    #[test]
    fn what_has_ended_stays_out_of_memory_so_an_event_costs_what_is_open() {
        let mut set = Conversations::default();
        for n in 0..500 {
            let here = ids::ConversationId::new(Uuid::from_u128(1));
            let follow_up_id = ids::follow_up(here, Uuid::from_u128(n.into())).to_string();
            let promise = v1::FollowUpScheduled { follow_up_id: follow_up_id.clone(), ..Default::default() };
            set.apply(&recorded(2 * n + 1, promise.into()));
            set.written();
            assert_eq!(set.held().rows, 2, "the conversation and what is open");
            let cancelled = v1::FollowUpCancelled { follow_up_id, ..Default::default() };
            set.apply(&recorded(2 * n + 2, cancelled.into()));
            assert!(set.touched().all(|c| c.row.row.pending_follow_ups == 0));
            set.written();
            assert_eq!(set.held().rows, 1);
        }
        assert!(set.held().bytes > 0);
        set.shrink(Held { rows: 9, bytes: 0 });
        assert_eq!(set.held().rows, 0);
    }
}
