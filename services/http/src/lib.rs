//! What services share at the edge of HTTP: problem answers, callers, strict reading, outgoing requests.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod address;
mod body;
mod budget;
mod caller;
mod connection;
mod connections;
mod cors;
mod guard;
mod key;
mod keyring;
mod limits;
mod measure;
pub mod openapi;
mod outgoing;
mod problem;
mod refusal;
mod refusals;
mod server;
mod strict;
mod trace;

pub use address::{ClientAddress, Network, NoNetwork};
pub use body::read_body;
pub use caller::Caller;
pub use cors::allow_origins;
pub use guard::{Guard, SESSION, cookie};
pub use key::{NewKey, create_key, create_session, hash_key};
pub use limits::Limits;
pub use measure::measure;
pub use outgoing::client_builder;
pub use problem::{Members, Problem, unknown_path, wrong_method};
pub use refusal::status;
pub use server::serve;
pub use strict::{ApiJson, ApiPath, ApiQuery, COMMAND_LIMIT, need_json};
pub use trace::Trace;
