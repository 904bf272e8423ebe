//! The brain's service: turns a conversation's messages and due actions into decisions.

mod actions;
pub mod assistant;
pub mod brain;
pub mod brains;
mod budget;
mod changed;
mod claiming;
pub mod eval;
mod extraction;
mod input;
mod journal;
mod meetings;
pub mod models;
mod outcome;
mod press;
mod recording;
pub mod remembering;
pub mod replay;
pub mod rules;
mod settings;
mod summary;
mod talks;
mod thinking;
mod traces;
pub mod truth;
mod turns;

pub use settings::SettingsError;
pub use turns::{RunError, run, run_with};
