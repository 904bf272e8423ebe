//! The rules of Steward, pure: one module per aggregate, the meaning of time phrases, what a message asks for, settings. No I/O, no clock, no randomness.

pub mod address;
pub mod breaker;
pub mod channel;
pub mod contact;
pub mod conversation;
pub mod excerpt;
#[cfg(test)]
mod growth;
pub mod ids;
pub mod inbox;
pub mod keys;
pub mod language;
pub mod mail;
pub mod policy;
pub mod settings;
pub mod tenant;
pub mod time;
pub mod understanding;
pub mod webhook;
pub mod whatsapp;
