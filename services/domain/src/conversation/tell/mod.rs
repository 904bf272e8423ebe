//! What is told of a conversation's events, and which follow-ups and messages they name.

mod en;
mod es;
mod ru;

use steward_language::Language;
use steward_proto::{ConversationEvent, v1};

use crate::kernel::{Live, Tell};

impl Tell for ConversationEvent<'_> {
    fn summary(self, language: Language) -> String {
        match language {
            Language::En => en::summary(self),
            Language::Es => es::summary(self),
            Language::Ru => ru::summary(self),
        }
    }

    fn live(self) -> Option<Live> {
        match self {
            Self::ClientResponded(_) | Self::HumanResponded(_) | Self::DispatchSucceeded(_) => Some(Live::NewMessage),
            Self::HumanRequested(_)
            | Self::ContactOptedOut(_)
            | Self::ContactOptedIn(_)
            | Self::HumanTakeoverStarted(_)
            | Self::HumanTakeoverEnded(_)
            | Self::RecipientBlocked(_)
            | Self::RecipientUnblocked(_) => Some(Live::SystemNotification),
            Self::TurnStarted(_)
            | Self::TurnCompleted(_)
            | Self::TurnSuperseded(_)
            | Self::DraftSuppressed(_)
            | Self::QuestionAsked(_)
            | Self::IntentLeft(_)
            | Self::IntentResolved(_)
            | Self::FollowUpScheduled(_)
            | Self::FollowUpMoved(_)
            | Self::FollowUpTextChanged(_)
            | Self::FollowUpDue(_)
            | Self::FollowUpCancelled(_)
            | Self::FollowUpExpired(_)
            | Self::FollowUpDone(_)
            | Self::FollowUpFailed(_)
            | Self::MessageQueued(_)
            | Self::MessageDue(_)
            | Self::MessageMoved(_)
            | Self::MessageCancelled(_)
            | Self::MessageExpired(_)
            | Self::MessageRetried(_)
            | Self::MessageHeld(_)
            | Self::MessageApproved(_)
            | Self::MessageReleased(_)
            | Self::MessageEdited(_)
            | Self::SendDeferred(_)
            | Self::DispatchStarted(_)
            | Self::DispatchFailed(_)
            | Self::DispatchDeferred(_)
            | Self::DispatchUnknown(_)
            | Self::DeliveryReported(_) => Some(Live::TaskUpdate),
            Self::UpdateKept(_)
            | Self::RequestEdited(_)
            | Self::MeetingBooked(_)
            | Self::MeetingMoved(_)
            | Self::MeetingCancelled(_)
            | Self::AddressBound(_)
            | Self::TalkSummarised(_)
            | Self::BrainChosen(_) => None,
        }
    }
}

/// Follow-ups and messages that an event names and that were made before it: whoever folds it needs them at hand, even
/// when they have ended.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Mentions<'a> {
    pub follow_ups: [Option<&'a str>; 2],
    pub message: Option<&'a str>,
    /// The provider's id of a message.
    pub provider_message: Option<&'a str>,
}

impl<'a> Mentions<'a> {
    pub fn of(event: ConversationEvent<'a>) -> Self {
        use ConversationEvent as E;
        let given = |id: &'a str| Some(id).filter(|id| !id.is_empty());
        let both = |follow_up: &'a str, message: &'a str| Self {
            follow_ups: [given(follow_up), None],
            message: given(message),
            provider_message: None,
        };
        let follow_up = |id: &'a str| both(id, "");
        let message = |id: &'a str| both("", id);
        match event {
            E::FollowUpScheduled(e) => follow_up(&e.renews),
            E::FollowUpMoved(e) => follow_up(&e.follow_up_id),
            E::FollowUpTextChanged(e) => follow_up(&e.follow_up_id),
            // The message that it becomes names it too.
            E::FollowUpDue(e) => {
                let named = e.message.as_ref().and_then(|m| given(&m.follow_up_id));
                Self { follow_ups: [given(&e.follow_up_id), named], ..Self::default() }
            }
            E::FollowUpCancelled(e) => follow_up(&e.follow_up_id),
            E::FollowUpExpired(e) => follow_up(&e.follow_up_id),
            E::FollowUpDone(e) => follow_up(&e.follow_up_id),
            E::FollowUpFailed(e) => follow_up(&e.follow_up_id),
            E::MessageQueued(v1::MessageQueued { message: Some(m) }) => follow_up(&m.follow_up_id),
            E::MessageDue(e) => message(&e.message_id),
            E::MessageMoved(e) => message(&e.message_id),
            E::MessageCancelled(e) => message(&e.message_id),
            E::MessageExpired(e) => both(&e.follow_up_id, &e.message_id),
            E::MessageRetried(e) => message(&e.message_id),
            E::SendDeferred(e) => both(&e.follow_up_id, &e.message_id),
            E::DispatchStarted(e) => both(&e.follow_up_id, &e.message_id),
            E::DispatchSucceeded(e) => both(&e.follow_up_id, &e.message_id),
            E::DispatchFailed(e) => both(&e.follow_up_id, &e.message_id),
            E::DispatchDeferred(e) => both(&e.follow_up_id, &e.message_id),
            E::DispatchUnknown(e) => both(&e.follow_up_id, &e.message_id),
            E::DeliveryReported(e) => {
                Self { provider_message: given(&e.provider_message_id), ..message(&e.message_id) }
            }
            E::MessageHeld(e) => both(&e.follow_up_id, &e.message_id),
            E::MessageApproved(e) => message(&e.message_id),
            E::MessageReleased(e) => both(&e.follow_up_id, &e.message_id),
            E::MessageEdited(e) => message(&e.message_id),
            E::MessageQueued(v1::MessageQueued { message: None })
            | E::ClientResponded(_)
            | E::HumanResponded(_)
            | E::UpdateKept(_)
            | E::RequestEdited(_)
            | E::HumanRequested(_)
            | E::ContactOptedOut(_)
            | E::ContactOptedIn(_)
            | E::QuestionAsked(_)
            | E::IntentLeft(_)
            | E::IntentResolved(_)
            | E::HumanTakeoverStarted(_)
            | E::HumanTakeoverEnded(_)
            | E::RecipientBlocked(_)
            | E::RecipientUnblocked(_)
            | E::TurnStarted(_)
            | E::TurnCompleted(_)
            | E::TurnSuperseded(_)
            | E::DraftSuppressed(_)
            | E::MeetingBooked(_)
            | E::MeetingMoved(_)
            | E::MeetingCancelled(_)
            | E::AddressBound(_)
            | E::TalkSummarised(_)
            | E::BrainChosen(_) => Self::default(),
        }
    }
}
