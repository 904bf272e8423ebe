//! Loading the rows that a batch of events touches and that aren't in memory.

use std::collections::HashSet;

use steward_domain::conversation::Mentions;
use steward_proto::{Aggregate, ConversationEvent, Recorded};

use super::{
    Conversations,
    follow_ups::{self, FollowUpRow},
    messages::{self, MessageRow},
    row::ConversationRow,
};
use crate::{
    error::ProjectionError,
    models::{Wanted, keyed::key_from},
    store::Tables,
};

/// Loads the rows that these events need.
///
/// # Errors
/// Postgres doesn't answer as expected.
pub async fn load(set: &mut Conversations, tables: Tables<'_>, events: &[&Recorded]) -> Result<(), ProjectionError> {
    let (mut conversations, mut reported) = (Wanted::default(), Wanted::default());
    let (mut named_follow_ups, mut named_messages) = (Wanted::default(), Wanted::default());
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
                named_follow_ups.add_part(tenant, &key.1, id);
            }
        }
        if let Some(id) = mentions.message.filter(|id| !here.is_some_and(|c| c.messages.contains_key(*id))) {
            named_messages.add_part(tenant, &key.1, id);
        }
        if let Some(id) = mentions.provider_message {
            reported.add_part(tenant, &key.1, id);
        }
    }
    for row in tables.find_by_key::<ConversationRow>(&conversations).await? {
        set.restore(key_from(&row.tenant, &row.id)?, row);
    }
    let mut found_messages = tables.find(&messages::OPEN, &conversations).await?;
    let mut found_follow_ups = tables.find(&follow_ups::OPEN, &conversations).await?;
    found_messages.extend(queued(tables, &named_messages).await?);
    found_messages.extend(tables.find(&messages::NAMED_BY_PROVIDER, &reported).await?);
    found_follow_ups.extend(tables.find_by_key::<FollowUpRow>(&named_follow_ups).await?);

    // A message and its follow-up end together, so each brings the other: a follow-up the message that it has become, and then
    // each message the follow-up that it names, which in a log that others have written may be another one.
    let (mut linked_messages, mut linked_follow_ups) = (Wanted::default(), Wanted::default());
    let here: HashSet<&str> = found_messages.iter().map(|m| m.id.as_str()).collect();
    for f in &found_follow_ups {
        if let Some(id) = f.message_id.as_deref().filter(|id| !here.contains(id)) {
            linked_messages.add_part(&f.tenant, &f.conversation_id, id);
        }
    }
    found_messages.extend(queued(tables, &linked_messages).await?);
    let here: HashSet<&str> = found_follow_ups.iter().map(|f| f.id.as_str()).collect();
    for m in found_messages.iter().filter(|m| !m.follow_up_id.is_empty() && !here.contains(m.follow_up_id.as_str())) {
        linked_follow_ups.add_part(&m.tenant, &m.conversation_id, &m.follow_up_id);
    }
    found_follow_ups.extend(tables.find_by_key::<FollowUpRow>(&linked_follow_ups).await?);

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

/// Messages on their way out, by their ids. Those that came in, or were seen outside, have no state to fold.
async fn queued(tables: Tables<'_>, wanted: &Wanted) -> Result<impl Iterator<Item = MessageRow>, ProjectionError> {
    let found = tables.find_by_key::<MessageRow>(wanted).await?;
    Ok(found.into_iter().filter(|message| !message.on_reply.is_empty()))
}
