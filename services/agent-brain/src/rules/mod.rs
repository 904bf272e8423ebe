//! The `rules` brain: answers from patterns, without a model.

use crate::brain::{Decision, TurnInput};

/// What to do about these messages. Pure.
pub fn decide(input: &TurnInput) -> Vec<Decision> {
    let _ = input;
    Vec::new()
}
