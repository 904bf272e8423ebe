//! Two contacts become one person, and two again: both sides of it, in the order that leaves no circle.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use futures::StreamExt as _;
use steward_domain::{
    contact::{Contact, Merge, Refused},
    ids::{self, ContactId, ConversationId},
    person::contact_of,
};
use steward_http::Problem;
use steward_log::{AtLeast, DecideError, Log, LogError};
use steward_proto::{Cause, Event, NewEvent, TenantId};

use crate::{origin::new_event, patience::in_time};

/// How long the clients' messages are looked through, at most: some millions, at the speed that `Log::tail` reads with.
const LOOKING: Duration = Duration::from_secs(30);

/// What is known of a contact; of a merged one, under the surviving one.
///
/// # Errors
/// When the log doesn't answer.
pub async fn contact(log: &Log, tenant: &TenantId, id: ContactId) -> Result<Arc<Contact>, LogError> {
    contact_of(id, |id| async move {
        Ok(log.load::<Contact>(&ids::contact_aggregate(tenant, id), AtLeast::Latest).await?.state)
    })
    .await
}

/// Records a merge on the surviving contact and then on the merged one; returns the position to wait for. What is done
/// already isn't done again, so an interrupted one is finished by asking again.
///
/// # Errors
/// When a rule refuses it, or the log doesn't take it.
pub async fn merge(log: &Log, tenant: &TenantId, cause: &Cause, merge: &Merge) -> Result<u64, DecideError<Refused>> {
    let [contact, into] = [merge.contact, merge.into].map(|id| ids::contact_aggregate(tenant, id));
    // A refusal that is known now leaves nothing on the other one.
    let known = log.load::<Contact>(&contact, AtLeast::Latest).await?;
    known.readable()?;
    known.state.merge(merge).map_err(DecideError::Refused)?;
    let taken_in = log.decide(&into, AtLeast::Cached, |state: &Contact, _| {
        Ok::<_, Refused>((one(log, cause, state.take_in(merge)?), ()))
    });
    let taken_in = taken_in.await?;
    let points = log.decide(&contact, AtLeast::Cached, |state: &Contact, _| {
        Ok::<_, Refused>((one(log, cause, state.merge(merge)?), ()))
    });
    match points.await {
        Ok(points) => Ok(taken_in.version.max(points.version)),
        Err(DecideError::Refused(refused)) => {
            let undone = log.decide(&into, AtLeast::Cached, |state: &Contact, _| {
                let words = "the merge came to nothing: the other contact had changed meanwhile";
                Ok::<_, Refused>((one(log, cause, state.let_go(merge.contact, merge.into, &merge.by, words)), ()))
            });
            undone.await?;
            Err(DecideError::Refused(refused))
        }
        Err(error) => Err(error),
    }
}

/// Records on the merged contact and then on the surviving one that they are two; returns the position to wait for.
///
/// # Errors
/// `not_merged` when it stands for itself, unless it `may_repeat` a split that was recorded; or the log doesn't take it.
pub async fn split(
    log: &Log,
    tenant: &TenantId,
    cause: &Cause,
    (contact, by, words): (ContactId, &str, &str),
    may_repeat: bool,
) -> Result<u64, DecideError<Refused>> {
    let aggregate = ids::contact_aggregate(tenant, contact);
    let stands = log.decide(&aggregate, AtLeast::Cached, |state: &Contact, _| match state.split(contact, by, words) {
        Ok(split) => Ok((one(log, cause, Some(split)), state.merged_into)),
        Err(Refused::NotMerged { .. }) if may_repeat && state.split_from.is_some() => {
            Ok((Vec::new(), state.split_from))
        }
        Err(refused) => Err(refused),
    });
    let stands = stands.await?;
    let Some(from) = stands.value else { return Ok(stands.version) };
    let survivor = ids::contact_aggregate(tenant, from);
    let let_go = log.decide(&survivor, AtLeast::Cached, |state: &Contact, _| {
        Ok::<_, Refused>((one(log, cause, state.let_go(contact, from, by, words)), ()))
    });
    Ok(let_go.await?.version.max(stands.version))
}

/// Refuses a contact that nothing in the log has named: an event on it would make it up. Another tenant's is as unknown.
///
/// What was set or merged before is known at once; otherwise it looks through what came in, which is asked for seldom.
///
/// # Errors
/// 404, or 503 when the log doesn't answer, or holds too much.
pub async fn known(log: &Log, tenant: &TenantId, contact: ContactId) -> Result<(), Problem> {
    let aggregate = ids::contact_aggregate(tenant, contact);
    let own = in_time(log.load::<Contact>(&aggregate, AtLeast::Latest)).await?;
    if own.version > 0 {
        return Ok(());
    }
    let wanted = contact.to_string();
    let looking = async {
        let subject = |event| format!("ev.{tenant}.conversation.*.{event}");
        let subjects = ["client_responded", "human_responded", "update_kept"].map(subject).to_vec();
        let mut told = std::pin::pin!(log.past(0, subjects).await?);
        while let Some(event) = told.next().await {
            let Ok(event) = event else { continue };
            let named = match &event.recorded.event {
                Event::ClientResponded(e) => &e.contact_id,
                Event::HumanResponded(e) => &e.contact_id,
                Event::UpdateKept(e) => &e.contact_id,
                _ => continue,
            };
            if *named == wanted {
                return Ok(true);
            }
        }
        Ok::<_, LogError>(false)
    };
    let found = tokio::time::timeout(LOOKING, looking).await.map_err(|_| {
        Problem::unavailable("log_unavailable", "the contact wasn't found in time; send the same again")
    })?;
    if found? { Ok(()) } else { Err(unknown()) }
}

/// The refusal of a contact that isn't there.
pub fn unknown() -> Problem {
    Problem::not_found("unknown_contact", "there is no such contact; a conversation names its contact's id")
}

/// The conversations of their own in which these contacts have written. It looks through all clients' messages of the
/// tenant: nothing else in the log leads from a contact to its conversations, and it is asked for seldom.
///
/// # Errors
/// 503 when the log doesn't answer, or holds too much.
pub async fn conversations(
    log: &Log,
    tenant: &TenantId,
    contacts: [ContactId; 2],
) -> Result<BTreeMap<ContactId, BTreeSet<ConversationId>>, Problem> {
    let wanted = contacts.map(|id| (id.to_string(), id));
    let looking = async {
        let mut found: BTreeMap<ContactId, BTreeSet<ConversationId>> = contacts.map(|id| (id, BTreeSet::new())).into();
        let messages = log.past(0, vec![format!("ev.{tenant}.conversation.*.client_responded")]).await?;
        let mut messages = std::pin::pin!(messages);
        while let Some(message) = messages.next().await {
            // What can't be read names no contact.
            let Ok(message) = message else { continue };
            let Event::ClientResponded(said) = &message.recorded.event else { continue };
            let own = said.source.as_ref().is_some_and(|source| !source.group);
            let contact = wanted.iter().find(|(text, _)| own && *text == said.contact_id);
            if let (Some((_, contact)), Ok(conversation)) = (contact, message.recorded.subject.id.parse()) {
                found.entry(*contact).or_default().insert(conversation);
            }
        }
        Ok::<_, LogError>(found)
    };
    let found = tokio::time::timeout(LOOKING, looking).await.map_err(|_| {
        Problem::unavailable(
            "log_unavailable",
            "the contacts' conversations weren't found in time; send the same again",
        )
    })?;
    Ok(found?)
}

fn one(log: &Log, cause: &Cause, event: Option<impl Into<Event>>) -> Vec<NewEvent> {
    event.map(|event| new_event(log, cause, event)).into_iter().collect()
}
