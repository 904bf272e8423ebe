//! Deciding about requests that the client changes or takes back after they were promised something: edits and deletions of the
//! message that asked.

use steward_proto::{Event, to_timestamp, v1};

use super::{Conversation, FollowUp, FollowUpState, follow_ups::taken_back};
use crate::kernel::Why;

/// The code by which a promise ends whose request was deleted.
pub const REQUEST_REVOKED: &str = "request_revoked";

/// What an update says of messages that came before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It has other words now.
    Edited,
    /// They are gone.
    Revoked,
}

impl Change {
    /// By the kinds under which ingestion keeps updates; `None`: it changes no message.
    pub fn of(kept: &v1::UpdateKept) -> Option<Self> {
        match kept.kind.as_str() {
            "edited_message" | "edited_business_message" | "edit" => Some(Self::Edited),
            "revoke" | "deleted_business_messages" => Some(Self::Revoked),
            _ => None,
        }
    }
}

impl Conversation {
    /// Whether an update is about a message that asked for something which still stands.
    pub fn is_about_request(&self, kept: &v1::UpdateKept) -> bool {
        self.standing(kept).next().is_some()
    }

    /// What is to be recorded of an edit: that a request has other words, if what it asked for still stands. The times it
    /// names are counted from when it was written, as its reader's are.
    pub fn edit_request(&self, kept: &v1::UpdateKept) -> Option<Event> {
        let asked_in = self.standing(kept).find_map(|f| f.asked_in.as_ref())?;
        let edited = v1::RequestEdited {
            message_id: asked_in.message_id.to_string(),
            provider_message_id: asked_in.provider_id.clone(),
            text: kept.text.clone(),
            from: kept.from.clone(),
            written_at: asked_in.at.map(to_timestamp),
        };
        // Brought again, it waits for an answer already.
        let waits =
            self.unanswered.iter().any(|m| m.edited && m.message_id == asked_in.message_id && m.text == kept.text);
        (!waits).then(|| edited.into())
    }

    /// Takes back what was asked for in messages that are gone; with which promises those were.
    pub fn revoke_request(&self, kept: &v1::UpdateKept, event_id: &str) -> (Vec<Event>, Vec<FollowUp>) {
        let gone: Vec<FollowUp> = self.standing(kept).cloned().collect();
        let why = Why::new(REQUEST_REVOKED, "the client deleted the message that asked for it", event_id);
        (gone.iter().map(|f| taken_back(&f.id, why.clone(), None, self.is_renewable(&f.id))).collect(), gone)
    }

    /// Promises that were asked for in the messages an update is about, by whoever it is from, and that stand: pending ones in
    /// order of their due times, those that are due and whose message still waits, and those that the next turn may renew.
    fn standing<'a>(&'a self, kept: &'a v1::UpdateKept) -> impl Iterator<Item = &'a FollowUp> {
        let from = kept.from.as_ref().map_or("", |from| from.id.as_str());
        let about = move |f: &&FollowUp| {
            let named = |id: &str| std::iter::once(&kept.about).chain(&kept.also_about).any(|about| about == id);
            f.asked_in.as_ref().is_some_and(|asked| !asked.provider_id.is_empty() && named(&asked.provider_id))
                && (from.is_empty() || from == f.asked_by)
        };
        let waits = |f: &&FollowUp| match &f.state {
            FollowUpState::Due { message_id: Some(id) } => self.outbox.get(id).is_some_and(|m| m.is_waiting()),
            _ => false,
        };
        let mut standing: Vec<&FollowUp> = self.pending().into_iter().map(AsRef::as_ref).collect();
        standing.extend(self.follow_ups.values().map(AsRef::as_ref).filter(waits));
        standing.extend(self.cancelled.iter().map(AsRef::as_ref));
        standing.into_iter().filter(about)
    }
}
