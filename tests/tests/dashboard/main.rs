//! The dashboard on the real system, as a person uses it in a browser: one file per page.
#![allow(clippy::unwrap_used, reason = "tests")]

mod access;
mod apart;
mod bends;
mod budgets;
mod chains;
mod colours;
mod conversation;
mod entering;
mod goals;
mod inbox;
mod keyboard;
mod keys;
mod letters;
mod line;
mod live;
mod outbox;
mod pictures;
mod promises;
mod readme;
mod sessions;
mod settings;
mod try_it;
mod words;
