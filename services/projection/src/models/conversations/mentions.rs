//! Which follow-ups and messages an event names: these must be at hand even when they have ended.

use steward_proto::{Event, v1};

/// Ids that an event names and that were made before it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Mentions<'a> {
    pub follow_ups: [Option<&'a str>; 2],
    pub message: Option<&'a str>,
    /// The provider's id of a message.
    pub provider_message: Option<&'a str>,
}

impl<'a> Mentions<'a> {
    pub fn of(event: &'a Event) -> Self {
        let (follow_up, message): (&str, &str) = match event {
            Event::FollowUpScheduled(e) => (&e.renews, ""),
            Event::FollowUpMoved(e) => (&e.follow_up_id, ""),
            Event::FollowUpTextChanged(e) => (&e.follow_up_id, ""),
            Event::FollowUpDue(e) => (&e.follow_up_id, ""),
            Event::FollowUpCancelled(e) => (&e.follow_up_id, ""),
            Event::FollowUpExpired(e) => (&e.follow_up_id, ""),
            Event::FollowUpDone(e) => (&e.follow_up_id, ""),
            Event::FollowUpFailed(e) => (&e.follow_up_id, ""),
            Event::MessageQueued(v1::MessageQueued { message: Some(m) }) => (&m.follow_up_id, ""),
            Event::MessageDue(e) => ("", &e.message_id),
            Event::MessageMoved(e) => ("", &e.message_id),
            Event::MessageCancelled(e) => ("", &e.message_id),
            Event::MessageExpired(e) => (&e.follow_up_id, &e.message_id),
            Event::MessageRetried(e) => ("", &e.message_id),
            Event::SendDeferred(e) => (&e.follow_up_id, &e.message_id),
            Event::DispatchStarted(e) => (&e.follow_up_id, &e.message_id),
            Event::DispatchSucceeded(e) => (&e.follow_up_id, &e.message_id),
            Event::DispatchFailed(e) => (&e.follow_up_id, &e.message_id),
            Event::DispatchDeferred(e) => (&e.follow_up_id, &e.message_id),
            Event::DispatchUnknown(e) => (&e.follow_up_id, &e.message_id),
            Event::DeliveryReported(e) => ("", &e.message_id),
            Event::MessageHeld(e) => (&e.follow_up_id, &e.message_id),
            Event::MessageApproved(e) => ("", &e.message_id),
            Event::MessageReleased(e) => (&e.follow_up_id, &e.message_id),
            Event::MessageEdited(e) => ("", &e.message_id),
            _ => ("", ""),
        };
        let some = |id: &'a str| Some(id).filter(|id| !id.is_empty());
        // The message that a follow-up becomes names it too.
        let named_by_message = match event {
            Event::FollowUpDue(v1::FollowUpDue { message: Some(m), .. }) => &m.follow_up_id,
            _ => "",
        };
        let provider_message = match event {
            Event::DeliveryReported(e) => &e.provider_message_id,
            _ => "",
        };
        Self {
            follow_ups: [some(follow_up), some(named_by_message)],
            message: some(message),
            provider_message: some(provider_message),
        }
    }
}
