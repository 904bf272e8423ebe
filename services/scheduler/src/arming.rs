//! From events to alarms: which alarm an event sets, replaces or takes off.

use chrono::TimeDelta;
use steward_log::{Alarm, HandleError, Handled, Log, LogError, Subscription};
use steward_proto::{Cause, Event, Recorded, from_timestamp};
use steward_settings::Settings;
use tokio_util::sync::CancellationToken;

use crate::alarm::{Alarms, Kind, set_by};

pub async fn run(log: Log, alarms: Alarms, shutdown: CancellationToken) -> Result<(), LogError> {
    let subscription = Subscription::new(
        "scheduler",
        [
            "ev.*.conversation.*.follow_up_scheduled",
            "ev.*.conversation.*.follow_up_moved",
            "ev.*.conversation.*.follow_up_cancelled",
            "ev.*.conversation.*.message_queued",
            "ev.*.conversation.*.message_moved",
            "ev.*.conversation.*.send_deferred",
            "ev.*.conversation.*.dispatch_deferred",
            "ev.*.conversation.*.dispatch_succeeded",
            "ev.*.conversation.*.delivery_reported",
            "ev.*.conversation.*.client_responded",
            "ev.*.conversation.*.human_takeover_started",
        ],
    )
    .tenants(alarms.decider().settings().tenant_ids());
    log.subscribe(subscription, shutdown, move |recorded| {
        let alarms = alarms.clone();
        async move { handle(&alarms, &recorded).await }
    })
    .await
}

async fn handle(alarms: &Alarms, recorded: &Recorded) -> Result<Handled, HandleError> {
    let Some(aggregate) = recorded.subject.aggregate_id() else { return Ok(Handled::Done) };
    if let Some(alarm) = alarm_set_by(&alarms.decider().settings(), recorded) {
        alarms.set(alarm).await?;
    }
    if let Event::FollowUpCancelled(e) = &recorded.event {
        alarms.unset(&Kind::FollowUp.name(&aggregate, &e.follow_up_id), recorded.position).await?;
    }
    if may_cancel(recorded) {
        let cause = Cause::of(recorded, "service:scheduler");
        alarms.decider().announce(&aggregate, recorded.position, &cause).await?;
    }
    Ok(Handled::Done)
}

/// The alarm that an event sets, if it sets one.
pub fn alarm_set_by(settings: &Settings, recorded: &Recorded) -> Option<Alarm> {
    let aggregate = recorded.subject.aggregate_id()?;
    let (kind, id, due_at) = match &recorded.event {
        Event::FollowUpScheduled(e) => (Kind::FollowUp, e.follow_up_id.as_str(), from_timestamp(e.due_at.as_ref())?),
        Event::FollowUpMoved(e) => (Kind::FollowUp, e.follow_up_id.as_str(), from_timestamp(e.due_at.as_ref())?),
        Event::MessageQueued(e) => {
            let message = e.message.as_ref()?;
            (Kind::Message, message.message_id.as_str(), from_timestamp(message.due_at.as_ref())?)
        }
        Event::MessageMoved(e) => (Kind::Message, e.message_id.as_str(), from_timestamp(e.due_at.as_ref())?),
        Event::SendDeferred(e) => (Kind::Message, e.message_id.as_str(), from_timestamp(e.until.as_ref())?),
        Event::DispatchDeferred(e) => (Kind::Message, e.message_id.as_str(), from_timestamp(e.until.as_ref())?),
        // When this alarm rings, it is moved on to where later signs of life put it.
        Event::HumanTakeoverStarted(_) => {
            let silence = TimeDelta::from_std(settings.defaults.human_release_after?).ok()?;
            (Kind::Silence, aggregate.id(), recorded.metadata.at + silence)
        }
        _ => return None,
    };
    Some(set_by(recorded, kind.name(&aggregate, id), due_at))
}

/// Whether the fold may cancel or hold something because of this event. After a success, or a report of one, it does so
/// only between the parts of a long message.
fn may_cancel(recorded: &Recorded) -> bool {
    match &recorded.event {
        Event::ClientResponded(_) | Event::HumanTakeoverStarted(_) | Event::DispatchDeferred(_) => true,
        Event::DispatchSucceeded(e) => e.part + 1 < e.parts,
        Event::DeliveryReported(e) => e.status != "failed",
        _ => false,
    }
}
