//! Telegram on its way in: what an Update means, and the webhook that brings it.

mod message;
pub mod operator;
#[cfg(test)]
mod recorded;
pub mod register;
pub mod update;
pub mod webhook;
