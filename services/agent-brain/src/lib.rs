//! The brain's service: turns a conversation's messages and due actions into decisions.

mod actions;
pub mod brain;
mod input;
mod meetings;
mod outcome;
mod press;
pub mod rules;
mod thinking;
mod turns;

pub use turns::run;
