//! What the rules of a conversation refuse.

use chrono::{DateTime, Utc};

use crate::{
    ids::{FollowUpId, MessageId},
    kernel::refusals,
};

refusals! {
    /// A decision about a conversation that the rules don't allow.
    Refused {
        UnknownConversation: Unknown "unknown_conversation",
            "there is no such conversation; it begins with the client's first message";
        UnknownFollowUp { id: FollowUpId }: Unknown "unknown_follow_up",
            "there is no follow-up `{id}` in this conversation";
        UnknownMessage { id: MessageId }: Unknown "unknown_message",
            "there is no message `{id}` in this conversation's outbox";

        EmptyText { what: &'static str }: Invalid "empty_text", "{what} needs a text";
        Past { at: DateTime<Utc>, instead: &'static str }: Invalid "past", "{at} has passed; {instead}";
        TooFar { at: DateTime<Utc> }: Invalid "too_far", "{at} is more than two years ahead, which is the limit";

        TooManyFollowUps { most: usize, place: &'static str }: Conflict "too_many_follow_ups",
            "{most} follow-ups are open {place}, which is the limit ([limits] open_follow_ups); cancel some";
        NotRenewable: Conflict "not_renewable", "only what the client's latest message cancelled can be renewed";
        NotCancelled: Conflict "not_cancelled", "only a cancelled follow-up can be promised again; this one isn't";
        AlreadyDue: Conflict "already_due", "this follow-up is being sent; only a pending one can be changed";
        AlreadySent: Conflict "already_sent", "this follow-up is sent; only a pending one can be changed";
        AlreadyDone: Conflict "already_done", "this follow-up is done; only a pending one can be changed";
        AlreadyCancelled: Conflict "already_cancelled",
            "this follow-up is cancelled; only a pending one can be changed";
        AlreadyExpired: Conflict "already_expired", "this follow-up is expired; only a pending one can be changed";
        AlreadyFailed: Conflict "already_failed", "this follow-up is failed; only a pending one can be changed";
        AlreadyUnknown: Conflict "already_unknown", "this follow-up is unknown; only a pending one can be changed";

        NotQueued: Conflict "not_queued",
            "only a message that waits can be changed; this one is being sent or has ended";
        NotUnknown: Conflict "not_unknown", "the fate of this message is known: there is nothing to settle";
        NotRetryable: Conflict "not_retryable",
            "only a message that failed, expired, or whose fate is unknown can be sent again";
        PartlySent: Conflict "partly_sent", "its first part is out already; cancel the rest and write anew";
        AlreadyHeld: Conflict "already_held", "this message is held already; approve it to let it go";
        NotHeld: Conflict "not_held", "this message isn't held: it goes out by itself";
        ApprovalStale: Conflict "approval_stale",
            "the text or the recipient isn't what you saw; read the message again and approve its `approval_hash`";

        HumanActive: Conflict "human_active",
            "a human is active, so the bot is silent; release the conversation first";
        AlreadyTakenOver { by: String }: Conflict "already_taken_over", "{by} is already active in this conversation";
        NotTakenOver: Conflict "not_taken_over", "no human is active in this conversation";
    }
}

impl Refused {
    /// It concerns a follow-up that is no longer pending: it came due or ended by itself, and nothing is left to do about it.
    pub fn came_too_late(&self) -> bool {
        match self {
            Self::AlreadyDue
            | Self::AlreadySent
            | Self::AlreadyDone
            | Self::AlreadyCancelled
            | Self::AlreadyExpired
            | Self::AlreadyFailed
            | Self::AlreadyUnknown
            | Self::NotRenewable => true,
            Self::UnknownConversation
            | Self::UnknownFollowUp { .. }
            | Self::UnknownMessage { .. }
            | Self::EmptyText { .. }
            | Self::Past { .. }
            | Self::TooFar { .. }
            | Self::TooManyFollowUps { .. }
            | Self::NotCancelled
            | Self::NotQueued
            | Self::NotUnknown
            | Self::NotRetryable
            | Self::PartlySent
            | Self::AlreadyHeld
            | Self::NotHeld
            | Self::ApprovalStale
            | Self::HumanActive
            | Self::AlreadyTakenOver { .. }
            | Self::NotTakenOver => false,
        }
    }
}
