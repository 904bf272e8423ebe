//! The aggregate `conversation`: everything that must be atomic with a client's message.
//!
//! [`Conversation`] is the state, [`evolve`](steward_proto::Fold::evolve) folds an event into it, and the modules beside
//! it decide: each takes the state and a command, with time and ids in it, and gives events or a [`Refused`].

pub mod batch;
pub mod dispatch;
mod evolve;
pub mod follow_ups;
mod frequency;
mod gates;
pub mod in_line;
pub mod meetings;
mod message;
mod noted;
pub mod outbox;
mod state;
pub mod takeover;
pub mod templates;
pub mod turns;

pub use noted::Noted;
pub use state::{
    Author, CancelOn, Claim, ClientMessage, Conversation, FollowUp, FollowUpState, Intent, Message, MessageState,
    OnReply, OpenTurn, Person, Place, Receipts, Takeover, Thread, UNANSWERED_KEPT, Why,
};

/// A decision that the rules don't allow. `code` is stable and documented; `detail` says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Refused {
    pub code: &'static str,
    pub detail: String,
}

impl Refused {
    pub fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }
}

impl Conversation {
    /// Refuses to decide on half the truth: an event type from the future is in this conversation.
    pub fn readable(&self) -> Result<(), Refused> {
        match &self.schema_ahead {
            None => Ok(()),
            Some(type_name) => Err(Refused::new(
                "schema_ahead",
                format!("this conversation holds a {type_name} that this version can't read; upgrade Steward"),
            )),
        }
    }
}
