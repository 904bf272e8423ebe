//! What people's words mean, in each language: times, requests. Knows no event and no aggregate; no I/O, no clock, no randomness.

mod date_order;
pub mod excerpt;
#[cfg(test)]
mod growth;
mod language;
pub mod time;
pub mod understanding;

pub use date_order::DateOrder;
pub use language::{Language, UnknownLanguage};
