//! The dashboard on the real system, as a person uses it in a browser: one file per page.
#![allow(clippy::unwrap_used, reason = "tests")]

mod apart;
mod budgets;
mod colours;
mod conversation;
mod entering;
mod inbox;
mod line;
mod outbox;
mod pictures;
mod try_it;
mod words;
