//! Reminders of meetings: what a calendar says is turned into promises, moved and taken back with it.

use steward_domain::conversation::{Conversation, Refused, meetings::Reminding};
use steward_log::{AtLeast, DecideError, Handled};
use steward_proto::{AggregateId, Cause, NewEvent, Recorded};
use uuid::Uuid;

use crate::{input::Known, rules, turns::Worker};

/// Makes the reminders of one meeting right, whatever they were.
pub async fn remind(
    worker: &Worker,
    aggregate: &AggregateId,
    conversation: Uuid,
    recorded: &Recorded,
    meeting_id: &str,
) -> Result<Handled, DecideError<Refused>> {
    let cause = Cause::of(recorded, "service:agent-brain");
    let at_least = AtLeast::Position(recorded.position);
    let seen = worker.log.load::<Conversation>(aggregate, at_least).await?;
    let (contact, _) = worker.contact(aggregate, &seen.state).await?;
    let defaults = &worker.settings.defaults;
    let elsewhere = worker.open_elsewhere(aggregate, &contact).await?;
    worker
        .log
        .decide::<Conversation, _, _>(aggregate, at_least, |state, _| {
            let known = Known::of(state, &contact, defaults);
            // The contact's own zone if it is known, else the calendar's.
            let said = [contact.timezone.as_deref(), Some(state.person.timezone.as_str())];
            let calendars = state.meetings.get(meeting_id).map(|m| m.timezone.as_str());
            let zone = said.into_iter().chain([calendars]).flatten().find_map(|name| name.parse().ok());
            let zone = zone.unwrap_or(known.zone);
            let now = worker.now();
            let reminding = Reminding {
                conversation,
                meeting_id,
                now,
                hours: &defaults.meeting_reminder_hours,
                timezone: zone.name(),
                language: known.language.code(),
                most_open: worker.settings.limits.open_follow_ups.saturating_sub(elsewhere),
            };
            let events = state.remind_of_meeting(&reminding, |meeting, due_at| {
                rules::meeting_reminder(
                    known.language,
                    zone,
                    &meeting.title,
                    meeting.starts_at.unwrap_or(due_at),
                    due_at,
                )
            })?;
            Ok((events.into_iter().map(|e| NewEvent::new(Uuid::now_v7(), now, &cause, e)).collect(), ()))
        })
        .await?;
    Ok(Handled::Done)
}
