//! Reading the rows that a batch of events touches and that aren't in memory.

use std::collections::{BTreeSet, HashSet};

use steward_proto::{Aggregate, Event, Recorded, TenantId};
use tokio_postgres::types::ToSql;

use super::{ConversationFold, Key, Tracked, WorkingSet, mentions::Mentions};
use crate::{
    error::ProjectionError,
    rows::{ContactRow, ConversationRow, Entity, FollowUpRow, MessageRow, Table, columns},
};

/// Ids by tenant, as the two arrays of an UNNEST.
#[derive(Default)]
struct Wanted(BTreeSet<(String, String)>);

impl Wanted {
    fn add(&mut self, tenant: &str, id: &str) {
        self.0.insert((tenant.to_owned(), id.to_owned()));
    }

    fn arrays(&self) -> (Vec<&str>, Vec<&str>) {
        self.0.iter().map(|(tenant, id)| (tenant.as_str(), id.as_str())).unzip()
    }
}

/// Loads what the events need. `may_be_stored` says whether a conversation or contact that isn't in memory can have rows
/// at all: a rebuild knows what it has written.
///
/// # Errors
/// When Postgres doesn't answer as expected.
pub async fn load(
    set: &mut WorkingSet,
    transaction: &deadpool_postgres::Transaction<'_>,
    schema: &str,
    events: &[Recorded],
    may_be_stored: impl Fn(&Key) -> bool,
) -> Result<(), ProjectionError> {
    let (mut conversations, mut contacts) = (Wanted::default(), Wanted::default());
    let (mut follow_ups, mut messages) = (Wanted::default(), Wanted::default());
    for recorded in events {
        let tenant = recorded.subject.tenant.as_str();
        let key = (recorded.subject.tenant.clone(), recorded.subject.id.clone());
        match recorded.subject.aggregate.parse() {
            Ok(Aggregate::Conversation) => {
                let here = set.conversations.get(&key);
                if here.is_none() {
                    if !may_be_stored(&key) {
                        continue;
                    }
                    conversations.add(tenant, &key.1);
                }
                let mentions = Mentions::of(&recorded.event);
                if let Some(id) = mentions.follow_up.filter(|id| !here.is_some_and(|c| c.follow_ups.contains_key(*id))) {
                    follow_ups.add(tenant, id);
                }
                if let Some(id) = mentions.message.filter(|id| !here.is_some_and(|c| c.messages.contains_key(*id))) {
                    messages.add(tenant, id);
                }
                if let Event::ClientResponded(e) = &recorded.event {
                    let key = (recorded.subject.tenant.clone(), e.contact_id.as_str().into());
                    if !set.contacts.contains_key(&key) && may_be_stored(&key) {
                        contacts.add(tenant, &e.contact_id);
                    }
                }
            }
            Ok(Aggregate::Contact) if !set.contacts.contains_key(&key) && may_be_stored(&key) => {
                contacts.add(tenant, &key.1);
            }
            _ => {}
        }
    }
    let by_id = "(tenant, id) IN (SELECT * FROM unnest($1::text[], $2::text[]))";
    for row in rows::<ContactRow>(transaction, schema, by_id, &contacts).await? {
        set.contacts.insert(key_of(&row)?, Tracked::stored(row));
    }
    for row in rows::<ConversationRow>(transaction, schema, by_id, &conversations).await? {
        set.conversations.insert(key_of(&row)?, ConversationFold::restored(row));
    }
    let of = "(tenant, conversation_id) IN (SELECT * FROM unnest($1::text[], $2::text[]))";
    let open_messages = format!("{of} AND state IN ('queued', 'held', 'deferred', 'claimed')");
    let open_follow_ups = format!("{of} AND state IN ('pending', 'due')");
    let mut found_messages = rows::<MessageRow>(transaction, schema, &open_messages, &conversations).await?;
    let mut found_follow_ups = rows::<FollowUpRow>(transaction, schema, &open_follow_ups, &conversations).await?;
    found_messages.extend(rows::<MessageRow>(transaction, schema, by_id, &messages).await?);
    found_follow_ups.extend(rows::<FollowUpRow>(transaction, schema, by_id, &follow_ups).await?);

    // A message and its follow-up end together, so the one brings the other.
    let (mut linked_follow_ups, mut linked_messages) = (Wanted::default(), Wanted::default());
    let here: HashSet<&str> = found_follow_ups.iter().map(|f| f.id.as_str()).collect();
    for m in found_messages.iter().filter(|m| !m.follow_up_id.is_empty() && !here.contains(m.follow_up_id.as_str())) {
        linked_follow_ups.add(&m.tenant, &m.follow_up_id);
    }
    let here: HashSet<&str> = found_messages.iter().map(|m| m.id.as_str()).collect();
    for f in found_follow_ups.iter().filter(|f| !f.message_id.is_empty() && !here.contains(f.message_id.as_str())) {
        linked_messages.add(&f.tenant, &f.message_id);
    }
    found_messages.extend(rows::<MessageRow>(transaction, schema, by_id, &linked_messages).await?);
    found_follow_ups.extend(rows::<FollowUpRow>(transaction, schema, by_id, &linked_follow_ups).await?);

    for row in found_messages {
        if let Some(fold) = set.conversations.get_mut(&key_from(&row.tenant, &row.conversation_id)?) {
            fold.restore_message(row);
        }
    }
    for row in found_follow_ups {
        if let Some(fold) = set.conversations.get_mut(&key_from(&row.tenant, &row.conversation_id)?) {
            fold.restore_follow_up(row);
        }
    }
    Ok(())
}

async fn rows<T: Table>(
    transaction: &deadpool_postgres::Transaction<'_>,
    schema: &str,
    condition: &str,
    wanted: &Wanted,
) -> Result<Vec<T>, ProjectionError> {
    if wanted.0.is_empty() {
        return Ok(Vec::new());
    }
    let (tenants, ids) = wanted.arrays();
    let sql = format!("SELECT {} FROM {schema}.{} WHERE {condition}", columns::<T>(), T::NAME);
    let statement = transaction.prepare_cached(&sql).await?;
    let parameters: [&(dyn ToSql + Sync); 2] = [&tenants, &ids];
    let rows = transaction.query(&statement, &parameters).await?;
    Ok(rows.iter().map(T::read).collect::<Result<_, _>>()?)
}

fn key_of(row: &impl Entity) -> Result<Key, ProjectionError> {
    let (tenant, id) = row.key();
    key_from(tenant, id)
}

fn key_from(tenant: &str, id: &str) -> Result<Key, ProjectionError> {
    let tenant = TenantId::new(tenant).map_err(|e| ProjectionError::Damaged(e.to_string()))?;
    Ok((tenant, id.into()))
}
