//! Turns: what a conversation's messages and due actions lead to.

pub mod brain;
pub mod rules;
