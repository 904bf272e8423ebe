//! How often a person is written to who didn't ask for it, over all of their conversations.

use chrono::{DateTime, Utc};

use super::{Conversation, MessageState};
use crate::{ids::MessageId, policy, settings::Policy};

impl Conversation {
    /// When proactive messages were sent here or, `elsewhere`, to the same person; oldest first.
    pub(super) fn proactive_sent_to_them(&self, elsewhere: &[DateTime<Utc>]) -> Vec<DateTime<Utc>> {
        let mut times: Vec<_> = self.proactive_sent.iter().chain(elsewhere).copied().collect();
        times.sort_unstable();
        times
    }

    /// When the proactive messages were claimed that are on their way, but for the message `except`.
    pub fn proactive_claimed(&self, except: Option<MessageId>) -> impl Iterator<Item = DateTime<Utc>> {
        self.outbox.values().filter(move |m| m.proactive && m.part == 0 && Some(m.id) != except).filter_map(
            |m| match &m.state {
                MessageState::Claimed(claim) => Some(claim.at),
                _ => None,
            },
        )
    }

    /// Whether the cap leaves no room for the message `claimed`: by what went out and what is on its way, here and,
    /// `elsewhere`, to the same person.
    pub fn is_at_cap(
        &self,
        policy: &Policy,
        now: DateTime<Utc>,
        claimed: MessageId,
        elsewhere: &[DateTime<Utc>],
    ) -> bool {
        let mut times = self.proactive_sent_to_them(elsewhere);
        times.extend(self.proactive_claimed(Some(claimed)));
        policy::at_cap(policy, now, times.iter())
    }
}
