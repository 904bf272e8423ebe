//! The rules of Steward, pure: one module per aggregate, and settings. No I/O, no clock, no randomness.

pub mod address;
pub mod brain;
pub mod breaker;
pub mod channel;
pub mod contact;
pub mod conversation;
mod delivery;
pub mod ids;
pub mod inbox;
mod kept;
pub mod kernel;
pub mod keys;
pub mod mail;
pub mod person;
pub mod policy;
pub mod recurrence;
mod run;
pub mod settings;
pub mod tenant;
pub mod told;
pub mod webhook;
pub mod whatsapp;
