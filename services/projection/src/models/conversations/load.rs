//! Loading the rows that a batch of events touches and that aren't in memory.

use std::collections::HashSet;

use steward_domain::conversation::Mentions;
use steward_proto::{Aggregate, ConversationEvent, Recorded};

use super::{Conversations, follow_ups::FollowUpRow, messages::MessageRow, row::ConversationRow};
use crate::{
    error::ProjectionError,
    models::{Wanted, keyed::key_from},
    rows::hashed,
    store::Tables,
};

/// Loads the rows that these events need.
///
/// # Errors
/// Postgres doesn't answer as expected.
pub async fn load(set: &mut Conversations, tables: Tables<'_>, events: &[Recorded]) -> Result<(), ProjectionError> {
    let (mut conversations, mut follow_ups, mut messages) = (Wanted::default(), Wanted::default(), Wanted::default());
    let mut reported = Wanted::default();
    for recorded in events {
        if recorded.subject.aggregate.parse() != Ok(Aggregate::Conversation) {
            continue;
        }
        let tenant = recorded.subject.tenant.as_str();
        let key = (recorded.subject.tenant.clone(), recorded.subject.id.clone());
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
    }
    let by_id = hashed::key_in(&["tenant", "id"]);
    for row in tables.find::<ConversationRow>(&by_id, &conversations).await? {
        set.restore(key_from(&row.tenant, &row.id)?, row);
    }
    let of = hashed::key_in(&["tenant", "conversation_id"]);
    let open_messages = format!("{of} AND state IN ('queued', 'held', 'deferred', 'claimed')");
    let open_follow_ups = format!("{of} AND state IN ('pending', 'due')");
    let parts = &hashed::key_in(&["tenant", "conversation_id", "id"]);
    // Messages that came in, or were seen outside, have no state to fold.
    let queued_here = &format!("{parts} AND on_reply <> ''");
    let mut found_messages = tables.find::<MessageRow>(&open_messages, &conversations).await?;
    let mut found_follow_ups = tables.find::<FollowUpRow>(&open_follow_ups, &conversations).await?;
    found_messages.extend(tables.find::<MessageRow>(queued_here, &messages).await?);
    found_messages.extend(tables.find::<MessageRow>(&named_by_provider(), &reported).await?);
    found_follow_ups.extend(tables.find::<FollowUpRow>(parts, &follow_ups).await?);

    // A message and its follow-up end together, so each brings the other.
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
    found_messages.extend(tables.find::<MessageRow>(queued_here, &linked_messages).await?);
    found_follow_ups.extend(tables.find::<FollowUpRow>(parts, &linked_follow_ups).await?);

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

/// A condition for outgoing messages with a provider's id that the third array holds: as the id of the latest part, or
/// of any.
fn named_by_provider() -> String {
    let found = |condition: &str| {
        format!(
            "SELECT m.tenant, m.conversation_id, m.id \
             FROM unnest($1::text[], $2::text[], $3::text[]) AS w(tenant, conversation_id, name) \
             JOIN {{schema}}.messages m ON m.tenant = w.tenant AND {} \
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
