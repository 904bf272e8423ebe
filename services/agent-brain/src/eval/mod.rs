//! Evaluation: scripted talks played through the real domain with any brain, and what they came to compared with what they should.
//!
//! A set is a file of JSON lines ([`mod@format`]); [`stage`] plays one talk on a log in memory, [`score`] judges its end. Nothing is sent
//! and nothing is stored.

pub mod format;
mod score;
mod stage;

use self::{format::Talk, score::judged, stage::Stage};
use crate::brain::Brain;

/// What one talk came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Played {
    pub id: String,
    pub lang: String,
    /// All that was expected is so, and nothing forbidden was done.
    pub ok: bool,
    /// What isn't as expected, in words; empty if all is.
    pub wrong: Vec<String>,
    /// Local times of what is pending at the end.
    pub pending: Vec<String>,
    /// What the brain decided in the last turn, in short.
    pub did: Vec<String>,
    /// The last reply; empty: none.
    pub said: String,
    /// Replies in the whole talk.
    pub replies: usize,
    /// What they claim that nothing backs: each with the reply.
    pub unbacked: Vec<String>,
}

/// Plays a talk from its first word to its last and judges its end.
///
/// # Errors
/// The talk can't be played: the domain refuses what the brain decided, or the script asks for what can't be.
pub async fn play(talk: &Talk, brain: &dyn Brain) -> Result<Played, String> {
    let mut stage = Stage::new(talk)?;
    for line in &talk.say {
        stage.line(line, brain).await?;
    }
    Ok(judged(talk, &stage))
}
