//! Reminders of meetings: what a calendar says is turned into promises, moved and taken back with it.

use steward_domain::{
    conversation::{
        Conversation, Refused,
        follow_ups::AT_ONCE,
        meetings::{Reminding, meeting_of},
    },
    ids::{ConversationId, FollowUpId},
    person::effective,
};
use steward_log::{AtLeast, DecideError, Handled};
use steward_proto::{AggregateId, Cause, Event, NewEvent, Recorded, v1};
use uuid::Uuid;

use crate::{rules, turns::Worker};

/// Codes by which a reminder ends at its time, as if it had been sent: the next of a series is promised then. Who takes
/// reminders back themselves isn't given others for them.
const ENDS_ONE: [&str; 3] = ["human_active", "said_by_human", "blocked"];

/// Makes the reminders of one meeting right, whatever they were.
pub async fn remind(
    worker: &Worker,
    aggregate: &AggregateId,
    conversation: ConversationId,
    recorded: &Recorded,
    meeting_id: &str,
) -> Result<Handled, DecideError<Refused>> {
    let news =
        !matches!(recorded.event, Event::FollowUpDue(_) | Event::FollowUpCancelled(_) | Event::FollowUpExpired(_));
    let cause = Cause::of(recorded, "service:agent-brain");
    let mut at_least = AtLeast::Position(recorded.position);
    let seen = worker.log.load::<Conversation>(aggregate, at_least).await?;
    let (contact, _) = worker.contact(aggregate, &seen.state, at_least).await?;
    drop(seen);
    let settings = worker.settings.now();
    let elsewhere = worker.open_elsewhere(aggregate, &contact, at_least).await?;
    loop {
        let decided = worker
            .log
            .decide::<Conversation, _, _>(aggregate, at_least, |state, _| {
                let person = effective(&settings.defaults, Some(&contact), state);
                let (zone, language) = (person.zone.value, person.language.value);
                let now = worker.now();
                let reminding = Reminding {
                    conversation,
                    meeting_id,
                    now,
                    news,
                    hours: &settings.defaults.meeting_reminder_hours,
                    day_hour: person.followup_hour.value,
                    timezone: zone,
                    language: language.code(),
                    most_open: settings.limits.open_follow_ups.saturating_sub(elsewhere),
                };
                let events = state.remind_of_meeting(&reminding, |occurrence, due_at| {
                    rules::meeting_reminder(language, zone, occurrence, due_at)
                })?;
                let count = events.len();
                Ok((events.into_iter().map(|e| NewEvent::new(Uuid::now_v7(), now, &cause, e)).collect(), count))
            })
            .await?;
        // So many may have left some for the next time.
        if decided.value + 2 <= AT_ONCE {
            return Ok(Handled::Done);
        }
        at_least = AtLeast::Latest;
    }
}

/// A follow-up ended at its time without being sent: if it reminded of a meeting, the series' next reminder is promised.
pub async fn next(
    worker: &Worker,
    aggregate: &AggregateId,
    conversation: ConversationId,
    recorded: &Recorded,
    follow_up_id: FollowUpId,
) -> Result<Handled, DecideError<Refused>> {
    let seen = worker.log.load::<Conversation>(aggregate, AtLeast::Position(recorded.position)).await?;
    let key = seen.state.follow_ups.get(&follow_up_id).map(|f| f.key.clone()).unwrap_or_default();
    drop(seen);
    match meeting_of(&key) {
        Some(meeting_id) => remind(worker, aggregate, conversation, recorded, meeting_id).await,
        None => Ok(Handled::Done),
    }
}

/// Whether it was cancelled because its time had come at a bad moment.
pub fn ends_one(e: &v1::FollowUpCancelled) -> bool {
    e.reason.as_ref().is_some_and(|reason| ENDS_ONE.contains(&reason.code.as_str()))
}
