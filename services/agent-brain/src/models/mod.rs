//! Models: asking any provider's in the same words, and understanding what it answers.
//!
//! A [`Request`] and an [`Answer`] are of no provider. `providers` holds the wire formats, as pure functions; `call` makes
//! one call, `chain` as many as it takes. The seam to what uses models is [`Models::answer`].
//!
//! What only its provider understands of what was said (thoughts, signatures, ids) is its [`Echo`]: it goes back to the same
//! model of the same provider alone, and to nobody else, so that each step of a talk may be another one's.

mod answer;
mod breaker;
mod call;
mod cassette;
mod chain;
mod cost;
mod deltas;
mod error;
pub mod providers;
mod request;
pub mod sse;

pub use self::{
    answer::{Answer, Arguments, Call, CallId, Echo, Said, Speaker, Stop, Usage},
    breaker::{Breakers, IsOpen},
    call::{Asking, Caller, Limits, Sent, Told},
    cassette::Cassette,
    chain::{Attempt, Models, NoAnswer, Outcome},
    cost::cost,
    deltas::{Delta, Deltas},
    error::{Blame, Failed, Headers, ModelError, Param, Retry, TRIES},
    request::{CallResult, Effort, OutputSchema, Request, Section, Step, Text, Tool, ToolChoice, ToolName, Unsound},
};
