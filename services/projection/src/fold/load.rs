//! Reading the rows that a batch of events touches and that aren't in memory.

use std::collections::{BTreeSet, HashSet};

use steward_domain::conversation::Mentions;
use steward_proto::{Aggregate, ConversationEvent, Event, Recorded, TenantId};
use tokio_postgres::types::ToSql;

use super::{Key, Tracked, WorkingSet};
use crate::{
    error::ProjectionError,
    rows::{ContactRow, ConversationRow, Entity, FollowUpRow, MessageRow, Table, columns, hashed, storable},
};

/// Things wanted, as the arrays of an UNNEST: tenant and id, or tenant, conversation and id.
#[derive(Default)]
struct Wanted(BTreeSet<[String; 3]>);

impl Wanted {
    fn add(&mut self, tenant: &str, id: &str) {
        self.0.insert([tenant.to_owned(), storable(id).into_owned(), String::new()]);
    }

    fn add_part(&mut self, tenant: &str, conversation_id: &str, id: &str) {
        self.0.insert([tenant.to_owned(), conversation_id.to_owned(), storable(id).into_owned()]);
    }

    fn array(&self, column: usize) -> Vec<&str> {
        self.0.iter().map(|key| key[column].as_str()).collect()
    }
}

/// Loads what the events need.
///
/// # Errors
/// When Postgres doesn't answer as expected.
pub async fn load(
    set: &mut WorkingSet,
    transaction: &deadpool_postgres::Transaction<'_>,
    schema: &str,
    events: &[Recorded],
) -> Result<(), ProjectionError> {
    let (mut conversations, mut contacts) = (Wanted::default(), Wanted::default());
    let (mut follow_ups, mut messages) = (Wanted::default(), Wanted::default());
    let mut reported = Wanted::default();
    for recorded in events {
        let tenant = recorded.subject.tenant.as_str();
        let key = (recorded.subject.tenant.clone(), recorded.subject.id.clone());
        match recorded.subject.aggregate.parse() {
            Ok(Aggregate::Conversation) => {
                let here = set.conversations.get(&key);
                if here.is_none() {
                    conversations.add(tenant, &key.1);
                }
                let mentions = ConversationEvent::of(&recorded.event).map(Mentions::of).unwrap_or_default();
                for id in mentions.follow_ups.into_iter().flatten() {
                    if !here.is_some_and(|c| c.follow_ups.contains_key(id)) {
                        follow_ups.add_part(tenant, &key.1, id);
                    }
                }
                if let Some(id) = mentions.message.filter(|id| !here.is_some_and(|c| c.messages.contains_key(*id))) {
                    messages.add_part(tenant, &key.1, id);
                }
                if let Some(id) = mentions.provider_message {
                    reported.add_part(tenant, &key.1, id);
                }
                if let Event::ClientResponded(e) = &recorded.event {
                    let key = (recorded.subject.tenant.clone(), e.contact_id.as_str().into());
                    if !set.contacts.contains_key(&key) {
                        contacts.add(tenant, &e.contact_id);
                    }
                }
            }
            Ok(Aggregate::Contact) if !set.contacts.contains_key(&key) => {
                contacts.add(tenant, &key.1);
            }
            _ => {}
        }
    }
    let by_id = &hashed::key_in(&["tenant", "id"]);
    for row in rows::<ContactRow>(transaction, schema, by_id, &contacts).await? {
        set.contacts.insert(key_of(&row)?, Tracked::stored(row));
    }
    for row in rows::<ConversationRow>(transaction, schema, by_id, &conversations).await? {
        set.restore(key_of(&row)?, row);
    }
    let of = hashed::key_in(&["tenant", "conversation_id"]);
    let open_messages = format!("{of} AND state IN ('queued', 'held', 'deferred', 'claimed')");
    let open_follow_ups = format!("{of} AND state IN ('pending', 'due')");
    let parts = &hashed::key_in(&["tenant", "conversation_id", "id"]);
    // What came in, or was seen outside, has no state to fold.
    let queued_here = &format!("{parts} AND on_reply <> ''");
    let mut found_messages = rows::<MessageRow>(transaction, schema, &open_messages, &conversations).await?;
    let mut found_follow_ups = rows::<FollowUpRow>(transaction, schema, &open_follow_ups, &conversations).await?;
    found_messages.extend(rows::<MessageRow>(transaction, schema, queued_here, &messages).await?);
    found_messages.extend(rows::<MessageRow>(transaction, schema, &named_by_provider(schema), &reported).await?);
    found_follow_ups.extend(rows::<FollowUpRow>(transaction, schema, parts, &follow_ups).await?);

    // A message and its follow-up end together, so the one brings the other.
    let (mut linked_follow_ups, mut linked_messages) = (Wanted::default(), Wanted::default());
    let here: HashSet<&str> = found_follow_ups.iter().map(|f| f.id.as_str()).collect();
    for m in found_messages.iter().filter(|m| !m.follow_up_id.is_empty() && !here.contains(m.follow_up_id.as_str())) {
        linked_follow_ups.add_part(&m.tenant, &m.conversation_id, &m.follow_up_id);
    }
    let here: HashSet<&str> = found_messages.iter().map(|m| m.id.as_str()).collect();
    for f in &found_follow_ups {
        if let Some(id) = f.message_id.as_deref().filter(|id| !here.contains(id)) {
            linked_messages.add_part(&f.tenant, &f.conversation_id, id);
        }
    }
    found_messages.extend(rows::<MessageRow>(transaction, schema, queued_here, &linked_messages).await?);
    found_follow_ups.extend(rows::<FollowUpRow>(transaction, schema, parts, &linked_follow_ups).await?);

    for row in found_messages {
        set.restore_part(&key_from(&row.tenant, &row.conversation_id)?, |conversation| {
            conversation.restore_message(row)
        });
    }
    for row in found_follow_ups {
        set.restore_part(&key_from(&row.tenant, &row.conversation_id)?, |conversation| {
            conversation.restore_follow_up(row)
        });
    }
    Ok(())
}

/// The messages of ours that have the provider's id of the third array: of the latest part, or of any.
fn named_by_provider(schema: &str) -> String {
    let found = |condition: &str| {
        format!(
            "SELECT m.tenant, m.conversation_id, m.id \
             FROM unnest($1::text[], $2::text[], $3::text[]) AS w(tenant, conversation_id, name) \
             JOIN {schema}.messages m ON m.tenant = w.tenant AND {} \
             WHERE m.on_reply <> '' AND {condition}",
            hashed::is("m.conversation_id", "w.conversation_id")
        )
    };
    let found = format!(
        "({} UNION {}) AS found",
        found(&format!("m.external_id <> '' AND {}", hashed::is("m.external_id", "w.name"))),
        found("m.parts > 1 AND m.provider_ids ? w.name")
    );
    let [conversation, id] = [hashed::hash("conversation_id"), hashed::hash("id")];
    format!(
        "(tenant, {conversation}, {id}, conversation_id, id) IN \
         (SELECT tenant, {conversation}, {id}, conversation_id, id FROM {found})"
    )
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
    let sql = format!("SELECT {} FROM {schema}.{} WHERE {condition}", columns::<T>(), T::NAME);
    let statement = transaction.prepare_cached(&sql).await?;
    let arrays = [wanted.array(0), wanted.array(1), wanted.array(2)];
    let parameters = [&arrays[0] as &(dyn ToSql + Sync), &arrays[1], &arrays[2]];
    let rows = transaction.query(&statement, &parameters[..statement.params().len()]).await?;
    rows.iter().map(T::read).collect::<Result<_, _>>().map_err(ProjectionError::Unreadable)
}

fn key_of(row: &impl Entity) -> Result<Key, ProjectionError> {
    let [tenant, id, _] = row.key();
    key_from(tenant, id)
}

fn key_from(tenant: &str, id: &str) -> Result<Key, ProjectionError> {
    let tenant = TenantId::new(tenant).map_err(|e| ProjectionError::Damaged(e.to_string()))?;
    Ok((tenant, id.into()))
}
