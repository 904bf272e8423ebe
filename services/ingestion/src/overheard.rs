//! What people in a group say to each other: kept, unless it is the word of somebody who waits for a promise.

use steward_domain::conversation::{CancelOn, Conversation};
use steward_http::Problem;

use crate::{arrival::Said, intake::Intake, origin::Origin, outside::OutsideId};

impl Intake {
    /// Who was promised a message unless they write first (F3) has written, to whomever they spoke; their word cancels it,
    /// and a turn tells them so or keeps it. Anybody else's words are kept and change nothing.
    ///
    /// Decided against the conversation's version, so that a promise made at the same moment isn't missed.
    pub(crate) async fn overheard(&self, origin: &Origin, said: &Said) -> Result<(), Problem> {
        self.note_once(origin, |seen| {
            let event = if awaits(&seen.state, origin.by()) {
                origin.said(said.clone())
            } else {
                origin.noted("group_message", said.clone(), OutsideId::default())
            };
            vec![event]
        })
        .await
    }
}

/// Whether a promise was made to this person that their word cancels.
fn awaits(state: &Conversation, person: &str) -> bool {
    let promised = |asked_by: &str| !person.is_empty() && asked_by == person;
    state.follow_ups.values().any(|f| f.is_open() && f.cancel_on == CancelOn::ClientResponse && promised(&f.asked_by))
}
