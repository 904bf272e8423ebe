//! Words that weren't sent because the client wrote first: each turn decides what becomes of them, or leaves them to the next.

use steward_proto::{Event, v1};

use super::{Conversation, state::Unsaid};
use crate::{
    ids::{MessageId, TurnId},
    kernel::Why,
};

/// Turns that may leave the same words as they are: the last of them lets them lapse.
pub const LEFT_AT_MOST: u32 = 3;
/// Characters of the words that an event repeats.
const TOLD: usize = 500;

/// What becomes of words that weren't sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// The reply brings them up.
    Mentioned,
    /// They are promised for another time.
    Rescheduled,
    Dropped,
}

impl Resolution {
    pub fn name(self) -> &'static str {
        match self {
            Self::Mentioned => "mentioned",
            Self::Rescheduled => "rescheduled",
            Self::Dropped => "dropped",
        }
    }
}

impl Conversation {
    /// Settles what becomes of words that weren't sent. Nothing when that is settled.
    pub fn resolve_intent(&self, id: &MessageId, resolution: Resolution, why: &str, turn_id: TurnId) -> Option<Event> {
        let unsaid = self.unsaid.iter().find(|unsaid| unsaid.message_id == *id);
        let why = Why::new(resolution.name(), why, "");
        unsaid.map(|unsaid| resolved(unsaid, resolution.name(), &why, turn_id))
    }

    /// What a turn through this position leaves of what it was shown: it waits for the next one, or lapses.
    pub fn leave_intents(&self, settled: &[MessageId], through: u64, turn_id: TurnId) -> Vec<Event> {
        let left = self.unsaid.iter().filter(|u| u.position <= through && !settled.contains(&u.message_id));
        left.map(|unsaid| {
            let times = unsaid.left.saturating_add(1);
            if times >= LEFT_AT_MOST {
                let why = Why::new("left_too_often", format!("{times} turns left it as it was"), "");
                return resolved(unsaid, "lapsed", &why, turn_id);
            }
            v1::IntentLeft { intent_id: unsaid.message_id.to_string(), turn_id: turn_id.to_string(), times }.into()
        })
        .collect()
    }
}

fn resolved(unsaid: &Unsaid, decision: &str, why: &Why, turn_id: TurnId) -> Event {
    v1::IntentResolved {
        intent_id: unsaid.message_id.to_string(),
        decision: decision.to_owned(),
        reason: Some(why.into()),
        turn_id: turn_id.to_string(),
        text: unsaid.text.chars().take(TOLD).collect(),
    }
    .into()
}
