//! The rules of Steward, pure: one module per aggregate, the meaning of time phrases, what a message asks for, settings. No I/O, no clock, no randomness.

pub mod language;
pub mod settings;
pub mod time;
pub mod understanding;
