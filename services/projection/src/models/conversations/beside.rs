//! What a list of conversations shows beside each: its last message, its next promise, what waits for a person.

use std::collections::HashMap;

use steward_http::{Caller, Problem};

use super::{
    attention::{self, Waits},
    follow_ups::FollowUpRow,
    messages::MessageRow,
    row::ConversationRow,
    view::Beside,
};
use crate::{
    read::snapshot::{Snapshot, Value},
    rows::{columns, hashed},
};

/// What stands beside conversations.
pub struct All {
    messages: HashMap<u64, MessageRow>,
    follow_ups: HashMap<String, FollowUpRow>,
    attention: HashMap<String, Vec<Waits>>,
}

impl All {
    /// Reads what stands beside these.
    ///
    /// # Errors
    /// 503 when Postgres doesn't answer.
    pub async fn of(
        snapshot: &Snapshot<'_>,
        caller: &Caller,
        conversations: &[ConversationRow],
    ) -> Result<Self, Problem> {
        let tenant = || Box::new(caller.tenant.to_string()) as Value;
        let latest: Vec<i64> = conversations.iter().map(|c| c.latest_position.cast_signed()).collect();
        let sql = format!(
            "SELECT {} FROM {}.messages WHERE tenant = $1 AND position = ANY($2)",
            columns::<MessageRow>(),
            snapshot.schema
        );
        let messages = snapshot.rows::<MessageRow>(&sql, "position DESC", &[tenant(), Box::new(latest)]).await?;
        let with_promises = conversations.iter().filter(|c| c.pending_follow_ups > 0).map(|c| c.id.clone());
        let with_promises: Vec<String> = with_promises.collect();
        let follow_ups = if with_promises.is_empty() {
            Vec::new()
        } else {
            let sql = format!(
                "SELECT DISTINCT ON (conversation_id) {} FROM {}.follow_ups \
                 WHERE tenant = $1 AND state IN ('pending', 'due') AND {} ORDER BY conversation_id, due_at, position",
                columns::<FollowUpRow>(),
                snapshot.schema,
                hashed::is_any("conversation_id", "$2")
            );
            let values: [Value; 2] = [tenant(), Box::new(with_promises)];
            snapshot.rows::<FollowUpRow>(&sql, "position DESC", &values).await?.items
        };
        let ids = conversations.iter().map(|c| c.id.clone()).collect();
        Ok(Self {
            messages: messages.items.into_iter().map(|m| (m.position, m)).collect(),
            follow_ups: follow_ups.into_iter().map(|f| (f.conversation_id.clone(), f)).collect(),
            attention: attention::of(snapshot, caller, ids).await?,
        })
    }

    /// What stands beside this one; it is taken out.
    pub fn take(&mut self, of: &ConversationRow) -> Beside {
        let waits = self.attention.remove(&of.id).unwrap_or_default();
        Beside {
            // Another conversation's message can't stand at its position.
            last_message: self.messages.remove(&of.latest_position).filter(|m| m.conversation_id == of.id),
            next_follow_up: self.follow_ups.remove(&of.id),
            attention: waits.iter().map(Waits::view).collect(),
        }
    }

    /// What waits for a person in this one.
    pub fn waits(&self, of: &ConversationRow) -> &[Waits] {
        self.attention.get(&of.id).map_or(&[], Vec::as_slice)
    }
}
