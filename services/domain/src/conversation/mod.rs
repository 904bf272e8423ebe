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
pub mod intents;
pub mod marks;
pub mod meetings;
mod message;
mod noted;
pub mod outbox;
pub mod parts;
mod refused;
pub mod requests;
mod state;
pub mod takeover;
pub mod talk;
mod tell;
pub mod templates;
pub mod turns;

pub use noted::Noted;
pub use refused::Refused;
pub use state::{
    AskedIn, Author, CancelOn, Claim, ClientMessage, Conversation, FollowUp, FollowUpState, Message, MessageState,
    OnReply, OpenTurn, Person, Place, Receipts, TakenBack, Takeover, Thread, UNANSWERED_KEPT, Unsaid,
};
pub use tell::Mentions;
