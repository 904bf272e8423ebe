//! The log: one ordered stream of events in JetStream, and what services do with it: append, load, decide, subscribe.
//!
//! Nobody else sees the client of NATS.
//!
//! - [`Log::append`] stores facts and decisions; those that arrive together share one commit (see `writer`).
//! - [`Log::load`] folds an aggregate's events into a state, from a cache that is caught up; [`Log::keep_states`] keeps
//!   states at hand, so that no history is read.
//! - [`Log::decide`] is load → decide → append, again on a conflict.
//! - [`Log::subscribe`] hands events to a handler, at least once, in order per aggregate.
//! - [`Log::set_alarm`] sets an alarm for something to be looked at later, [`Log::hear_alarms`] hears what rings.
//! - [`Log::deliver`] brings events that are worked on one by one, some of them for hours.
//! - [`Log::create_subscriber`] makes a consumer for a third party, which takes what it is given and may do nothing else.
//! - [`Log::tail`] reads the log in order, once, for projections and live views.

mod acks;
mod admission;
mod alarms;
mod append;
mod backoff;
mod blobs;
mod cache;
mod carry;
mod clock;
mod codec;
mod codes;
mod connect;
mod cut;
mod dead;
mod decide;
pub mod definitions;
mod deliveries;
mod delivery;
mod denials;
mod errands;
mod error;
mod events_of;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
#[doc(hidden)]
pub mod header;
mod health;
mod history;
mod inbox;
mod landed;
mod load;
mod notes;
mod past;
pub mod permissions;
pub mod places;
mod pull;
mod queue;
mod session;
mod shares;
mod states;
mod streams;
mod subscribe;
pub mod subscribers;
mod supervise;
mod tail;
mod tasks;
mod traces;
mod transient;
mod turns;
mod wire;
mod writer;

#[cfg(test)]
mod group_rule;
#[cfg(test)]
#[path = "../tests/support/mod.rs"]
mod support;
#[cfg(test)]
mod writer_bug;

pub use alarms::{Alarm, AlarmName, Fires, Rung, Schedule};
pub use append::{Append, Appended, Expected};
pub use backoff::Backoff;
pub use clock::{Clock, Hand};
pub use codes::{Refusal, ServerError, Treatment, code};
pub use connect::{ConnectOptions, Log, check_url};
pub use dead::DeadLetter;
pub use decide::Decided;
pub use deliveries::Deliveries;
pub use errands::Settled;
pub use error::{AppendError, DecideError, LogError, SchemaAhead};
pub use header::TextError;
pub use health::{Alive, Condition, Health};
pub use load::{AtLeast, Versioned};
pub use past::Past;
pub use shares::{Place, Shares};
pub use states::{KeepStates, Kind, Watch};
pub use streams::StreamState;
pub use subscribe::{HandleError, Handled, Subscription};
pub use tail::{Tailed, Undecoded};
pub use tasks::Tasks;
pub use traces::Trace;
pub use turns::Turns;
