//! Requests that the client changes afterwards: an edit waits for a turn that reads it anew, a deletion takes back what was asked for.

use steward_domain::{
    conversation::{Author, Conversation, OnReply, Refused, outbox::Queue, requests::Change},
    ids::{self, ConversationId},
    person::effective,
};
use steward_log::{AtLeast, DecideError, Handled};
use steward_proto::{AggregateId, Cause, Event, NewEvent, Recorded, v1};
use uuid::Uuid;

use crate::{rules, turns::Worker};

/// Does what an update says of an earlier message that had asked for something.
pub async fn changed(
    worker: &Worker,
    aggregate: &AggregateId,
    conversation: ConversationId,
    recorded: &Recorded,
    kept: &v1::UpdateKept,
) -> Result<Handled, DecideError<Refused>> {
    let Some(change) = Change::of(kept) else { return Ok(Handled::Done) };
    let at_least = AtLeast::Position(recorded.position);
    let seen = worker.log.load::<Conversation>(aggregate, at_least).await?;
    if !seen.state.is_about_request(kept) {
        return Ok(Handled::Done);
    }
    let (contact, _) = worker.contact(aggregate, &seen.state, at_least).await?;
    drop(seen);
    let cause = Cause::of(recorded, "service:agent-brain");
    let settings = worker.settings.now();
    let event_id = recorded.metadata.event_id;
    worker
        .log
        .decide::<Conversation, _, _>(aggregate, at_least, |state, _| {
            let now = worker.now();
            let mut events: Vec<Event> = Vec::new();
            match change {
                Change::Edited => events.extend(state.edit_request(kept)),
                Change::Revoked => {
                    let (cancelled, gone) = state.revoke_request(kept, &event_id.to_string());
                    events.extend(cancelled);
                    if !gone.is_empty() && !state.human_active() {
                        let person = effective(&settings.defaults, Some(&contact), state);
                        events.extend(state.queue(Queue {
                            message_id: ids::message(conversation, Uuid::new_v5(&event_id, b"revoked")),
                            author: Author::Bot,
                            author_id: String::new(),
                            text: rules::revoked(person.language.value, person.zone.value, now, &gone),
                            due_at: None,
                            on_reply: OnReply::Keep,
                            key: String::new(),
                            turn_id: None,
                            follow_up_id: None,
                            proactive: false,
                            buttons: Vec::new(),
                        })?);
                    }
                }
            }
            Ok((events.into_iter().map(|e| NewEvent::new(Uuid::now_v7(), now, &cause, e)).collect(), ()))
        })
        .await?;
    Ok(Handled::Done)
}
