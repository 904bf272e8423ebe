//! WhatsApp's Cloud API on its way in: what a notification means, and the webhook that brings it.

pub mod identity;
mod message;
pub mod notification;
#[cfg(test)]
mod recorded;
mod shared;
mod status;
pub mod webhook;
