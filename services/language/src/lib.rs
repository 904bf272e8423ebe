//! What people's words mean, in each language: times, requests, and what is said back. Knows no event and no aggregate; no I/O,
//! no clock, no randomness.
//!
//! A language is a folder of words and of the few things its grammar does in its own way ([`folder`]), and a line of the table in
//! [`language`]. Everything else is shared, and knows no language by name.

pub mod claims;
mod date_order;
mod en;
mod es;
pub mod excerpt;
mod folder;
#[cfg(test)]
mod growth;
mod language;
mod ru;
pub mod time;
pub mod understanding;
pub mod wording;

pub use date_order::DateOrder;
pub use language::{Language, UnknownLanguage};
