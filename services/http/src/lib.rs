//! The edge of the HTTP interfaces: problem answers, who is calling, bodies and queries read strictly.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod body;
mod caller;
mod guard;
mod key;
mod measure;
mod problem;
mod refusal;
mod strict;
mod trace;

pub use body::read_body;
pub use caller::Caller;
pub use guard::Guard;
pub use key::{NewKey, create_key, hash_key};
pub use measure::measure;
pub use problem::{Problem, unknown_path, wrong_method};
pub use strict::{ApiJson, ApiPath, ApiQuery, COMMAND_LIMIT, need_json};
pub use trace::Trace;
