//! `GET /api/v1/outbox/{id}/evidence`: what led to a message, and what became of it, as the log tells it.

mod view;

use std::{collections::BTreeSet, sync::Arc};

use axum::extract::State;
use steward_http::{Caller, Problem};
use steward_proto::{Event, v1};
use uuid::Uuid;

use view::EvidenceView;

use super::{
    answer::{Answer, Fresh, Id},
    desk::Desk,
    openapi::Unread,
    params::Params,
    snapshot::{Snapshot, Value},
};
use crate::{
    models::{EventRow, MessageRow, conversations_of, message_of_outbox},
    rows::{columns, hashed},
};

/// Most events that are read for one message. A message has a dozen; one that was retried for weeks may have more.
const MOST_EVENTS: u32 = 2000;

/// What led to a message and all that became of it, told from the log; for one that was not sent, up to the reason
#[utoipa::path(
    get,
    path = "/api/v1/outbox/{id}/evidence",
    tag = "outbox",
    operation_id = "get_evidence",
    params(Fresh),
    responses((status = 200, description = "as of Steward-Position", body = EvidenceView), Unread),
)]
pub async fn of_message(
    State(desk): State<Arc<Desk>>,
    caller: Caller,
    _: Fresh,
    Id(id): Id,
    params: Params,
) -> Result<Answer, Problem> {
    params.finish(&[])?;
    let mut reading = desk.begin(&caller).await?;
    let snapshot = reading.snapshot().await?;
    let message = message_of_outbox(&snapshot, &caller, &id).await?;
    let own = conversations_of(&snapshot, &caller, std::iter::once(message.conversation_id.as_str())).await?;
    let events = Told::of(&snapshot, &message).await?;
    let conversation = own.get(&message.conversation_id);
    Ok(snapshot.answer(&EvidenceView::of(message, conversation, &events)))
}

/// The events that concern one message, the oldest first.
struct Told(Vec<(EventRow, Event)>);

impl Told {
    async fn of(snapshot: &Snapshot<'_>, message: &MessageRow) -> Result<Self, Problem> {
        let some = |ids: Vec<&str>| -> Vec<Vec<u8>> {
            ids.into_iter().filter(|id| !id.is_empty()).map(|id| id.as_bytes().to_vec()).collect()
        };
        let named = some(vec![&message.id, &message.follow_up_id, &message.turn_id]);
        let by_provider = some(message.provider_ids.0.iter().map(String::as_str).collect());
        let mentions = "EXISTS (SELECT 1 FROM unnest({}::bytea[]) AS name WHERE position(name IN payload) > 0)";
        let first = format!(
            "{} OR (type_name = 'DeliveryReported' AND {})",
            mentions.replace("{}", "$3"),
            mentions.replace("{}", "$4")
        );
        let mut told = Self::read(snapshot, message, &first, named, by_provider).await?;
        // In a second step, what those events name: the turn that promised the follow-up, the words it answered, the
        // events that reasons name.
        let further = told.names();
        let second = format!(
            "{} AND type_name IN ('TurnStarted', 'ClientResponded') OR convert_to(event_id::text, 'UTF8') = ANY($4::bytea[])",
            mentions.replace("{}", "$3")
        );
        let more = Self::read(snapshot, message, &second, further.clone(), told.reasons(message)).await?;
        told.add(more);
        // In a third, the client's words that the promising turn answered.
        let asked = told.names();
        if asked != further {
            let more = Self::read(snapshot, message, &second, asked, Vec::new()).await?;
            told.add(more);
        }
        Ok(told)
    }

    async fn read(
        snapshot: &Snapshot<'_>,
        message: &MessageRow,
        condition: &str,
        third: Vec<Vec<u8>>,
        fourth: Vec<Vec<u8>>,
    ) -> Result<Self, Problem> {
        let sql = format!(
            "SELECT {} FROM {}.events WHERE tenant = $1 AND aggregate = 'conversation' AND {} AND ({condition}) \
             ORDER BY position LIMIT {MOST_EVENTS}",
            columns::<EventRow>(),
            snapshot.schema,
            hashed::is("aggregate_id", "$2")
        );
        let values: [Value; 4] = [
            Box::new(message.tenant.clone()),
            Box::new(message.conversation_id.clone()),
            Box::new(third),
            Box::new(fourth),
        ];
        let rows = snapshot.rows::<EventRow>(&sql, "position", &values).await?;
        let decoded = rows.items.into_iter().filter_map(|row| {
            let event = Event::decode(&row.type_name, row.schema_version, &row.payload).ok()?;
            concerns(&event, message).then_some((row, event))
        });
        Ok(Self(decoded.collect()))
    }

    fn add(&mut self, more: Self) {
        let here: BTreeSet<u64> = self.0.iter().map(|(row, _)| row.position).collect();
        self.0.extend(more.0.into_iter().filter(|(row, _)| !here.contains(&row.position)));
        self.0.sort_by_key(|(row, _)| row.position);
    }

    /// The turns and client messages that these events name.
    fn names(&self) -> Vec<Vec<u8>> {
        let mut names = BTreeSet::new();
        for (_, event) in &self.0 {
            match event {
                Event::FollowUpScheduled(e) => names.extend([e.turn_id.as_str()]),
                Event::TurnStarted(e) => names.extend(e.message_ids.iter().map(String::as_str)),
                _ => {}
            }
        }
        names.into_iter().filter(|name| !name.is_empty()).map(|name| name.as_bytes().to_vec()).collect()
    }

    /// The events that reasons name, the message's own reason among them: the fold may have ended it before anybody
    /// announced that.
    fn reasons(&self, message: &MessageRow) -> Vec<Vec<u8>> {
        let told = self.0.iter().filter_map(|(_, event)| Some(reason_of(event)?.event_id.as_str()));
        let own = message.reason.as_ref().and_then(|reason| reason.0.event_id.as_deref());
        let ids: BTreeSet<Uuid> = told.chain(own).filter_map(|id| id.parse().ok()).collect();
        ids.into_iter().map(|id| id.to_string().into_bytes()).collect()
    }
}

/// Whether an event concerns the message. What the same turn decided beside it doesn't, nor does a promise that renewed
/// the message's own.
fn concerns(event: &Event, message: &MessageRow) -> bool {
    let follow_up = |id: &str| id == message.follow_up_id;
    match event {
        Event::MessageQueued(e) => e.message.as_ref().is_some_and(|m| m.message_id == message.id),
        Event::FollowUpScheduled(e) => follow_up(&e.follow_up_id),
        Event::FollowUpMoved(e) => follow_up(&e.follow_up_id),
        Event::FollowUpCancelled(e) => follow_up(&e.follow_up_id),
        Event::DraftSuppressed(_) | Event::TurnSuperseded(_) => false,
        _ => true,
    }
}

fn reason_of(event: &Event) -> Option<&v1::Reason> {
    match event {
        Event::MessageCancelled(e) => e.reason.as_ref(),
        Event::MessageExpired(e) => e.reason.as_ref(),
        Event::MessageHeld(e) => e.reason.as_ref(),
        Event::SendDeferred(e) => e.reason.as_ref(),
        Event::FollowUpCancelled(e) => e.reason.as_ref(),
        Event::FollowUpExpired(e) => e.reason.as_ref(),
        Event::DispatchFailed(e) => e.reason.as_ref(),
        Event::DispatchDeferred(e) => e.reason.as_ref(),
        Event::DispatchUnknown(e) => e.reason.as_ref(),
        Event::DeliveryReported(e) => e.reason.as_ref(),
        _ => None,
    }
}
