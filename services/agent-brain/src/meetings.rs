//! Reminders of meetings: what a calendar says is turned into promises, moved and taken back with it.

use steward_domain::{
    conversation::{Conversation, Refused, meetings::Reminding},
    ids::ConversationId,
    person::{Said, effective},
};
use steward_log::{AtLeast, DecideError, Handled};
use steward_proto::{AggregateId, Cause, NewEvent, Recorded};
use uuid::Uuid;

use crate::{rules, turns::Worker};

/// Makes the reminders of one meeting right, whatever they were.
pub async fn remind(
    worker: &Worker,
    aggregate: &AggregateId,
    conversation: ConversationId,
    recorded: &Recorded,
    meeting_id: &str,
) -> Result<Handled, DecideError<Refused>> {
    let cause = Cause::of(recorded, "service:agent-brain");
    let at_least = AtLeast::Position(recorded.position);
    let seen = worker.log.load::<Conversation>(aggregate, at_least).await?;
    let (contact, _) = worker.contact(aggregate, &seen.state).await?;
    let settings = worker.settings.now();
    let elsewhere = worker.open_elsewhere(aggregate, &contact).await?;
    worker
        .log
        .decide::<Conversation, _, _>(aggregate, at_least, |state, _| {
            let person = effective(&settings.defaults, Some(&contact), state);
            // The contact's own zone if it is known, else the calendar's.
            let calendars = state.meetings.get(meeting_id).and_then(|m| m.timezone.parse().ok());
            let calendars = calendars.filter(|_| person.zone.said == Said::ByNobody);
            let zone = calendars.unwrap_or(person.zone.value);
            let language = person.language.value;
            let now = worker.now();
            let reminding = Reminding {
                conversation,
                meeting_id,
                now,
                hours: &settings.defaults.meeting_reminder_hours,
                timezone: zone.name(),
                language: language.code(),
                most_open: settings.limits.open_follow_ups.saturating_sub(elsewhere),
            };
            let events = state.remind_of_meeting(&reminding, |meeting, due_at| {
                rules::meeting_reminder(language, zone, &meeting.title, meeting.starts_at.unwrap_or(due_at), due_at)
            })?;
            Ok((events.into_iter().map(|e| NewEvent::new(Uuid::now_v7(), now, &cause, e)).collect(), ()))
        })
        .await?;
    Ok(Handled::Done)
}
