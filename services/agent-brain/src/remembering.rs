//! What a turn finds out about the contact: goals, milestones and facts, each with the words it was said in. It is recorded on the
//! contact before the turn itself, so that a reply which speaks of it is true; recorded again it is the same.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use steward_domain::{
    contact::{
        Contact,
        memory::{Changes, Ending, Evidence, Kind, Memory, NewItem, RememberedId, Word},
    },
    ids::{self, ContactId, TurnId},
};
use steward_log::{AtLeast, DecideError};
use steward_proto::{Cause, Event, TenantId};

use crate::{brain::Decision, recording::new_events, turns::Worker};

/// One thing to be remembered, corrected or ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Remembering {
    Set {
        kind: Kind,
        text: String,
        /// When a goal is to be reached, or a milestone happened.
        at: Option<DateTime<Utc>>,
        /// Of a milestone.
        goal: Option<RememberedId>,
        evidence: Evidence,
        /// Percent.
        confidence: u32,
    },
    Correct {
        id: RememberedId,
        text: Option<String>,
        at: Option<DateTime<Utc>>,
        progress: Option<u32>,
        evidence: Evidence,
    },
    End {
        id: RememberedId,
        /// Achieved or resolved; else it is gone, and why.
        done: bool,
        code: &'static str,
        evidence: Evidence,
    },
}

/// Who remembers, and in what.
#[derive(Debug, Clone, Copy)]
pub struct By<'a> {
    /// The contact that stands for the person.
    pub contact: ContactId,
    pub by: &'a str,
    pub turn_id: Option<TurnId>,
    pub word: Word,
}

impl Remembering {
    pub fn kind(&self) -> Kind {
        match self {
            Self::Set { kind, .. } => *kind,
            Self::Correct { id, .. } | Self::End { id, .. } => id.kind,
        }
    }

    /// The contact that it is recorded on.
    pub fn of(&self, survivor: ContactId) -> ContactId {
        match self {
            Self::Set { .. } => survivor,
            Self::Correct { id, .. } | Self::End { id, .. } => id.contact,
        }
    }

    /// What is to be recorded of it. Nothing, where the rules refuse it: it is known, was retired, or is too much.
    pub fn events(&self, memory: &Memory, by: By<'_>, now: DateTime<Utc>) -> Vec<Event> {
        let decided = match self {
            Self::Set { kind, text, at, goal, evidence, confidence } => {
                let message = evidence.message_id.to_string();
                let new = NewItem {
                    id: RememberedId::found(by.contact, *kind, &message, text),
                    text: text.clone(),
                    goal: *goal,
                    at: *at,
                    progress: 0,
                    evidence: vec![evidence.clone()],
                    confidence: *confidence,
                    by: by.by.to_owned(),
                    turn_id: by.turn_id,
                    word: by.word,
                };
                memory.remember(now, &new).map(|event| event.into_iter().collect())
            }
            Self::Correct { id, text, at, progress, evidence } => {
                let changes = Changes {
                    text: text.clone(),
                    at: *at,
                    progress: *progress,
                    confidence: None,
                    evidence: vec![evidence.clone()],
                    by: by.by.to_owned(),
                    turn_id: by.turn_id,
                };
                let words = text.as_deref().unwrap_or_default();
                let anew = RememberedId::found(id.contact, id.kind, &evidence.message_id.to_string(), words);
                memory.correct(id, &changes, anew)
            }
            Self::End { id, done, code, evidence } => {
                let ending = Ending {
                    done: *done,
                    code,
                    words: String::new(),
                    evidence: vec![evidence.clone()],
                    by: by.by.to_owned(),
                    turn_id: by.turn_id,
                    instead: None,
                };
                memory.end_of(id, &ending)
            }
        };
        decided.unwrap_or_else(|refused| {
            tracing::debug!(%refused, "something isn't remembered");
            Vec::new()
        })
    }
}

/// What of these decisions is to be remembered.
pub fn of_decisions(decisions: &[Decision]) -> impl Iterator<Item = &Remembering> {
    decisions.iter().filter_map(|decision| match decision {
        Decision::Remember(remembering) => Some(&**remembering),
        _ => None,
    })
}

impl Worker {
    /// Records what a turn found out about the contact.
    ///
    /// # Errors
    /// The log doesn't take it: the turn isn't to go on.
    pub async fn remember(
        &self,
        tenant: &TenantId,
        all: impl Iterator<Item = &Remembering>,
        by: By<'_>,
        cause: &Cause,
    ) -> Result<u32, DecideError<std::convert::Infallible>> {
        let mut kept = 0;
        for remembering in all {
            let aggregate = ids::contact_aggregate(tenant, remembering.of(by.contact));
            let decided = self
                .log
                .decide::<Contact, _, _>(&aggregate, AtLeast::Cached, |state, _| {
                    let now = self.now();
                    let memory: &Arc<Memory> = &state.memory;
                    let events = remembering.events(memory, by, now);
                    let count = events.len();
                    Ok((new_events(now, cause, events), count))
                })
                .await?;
            kept += u32::try_from(decided.value).unwrap_or(u32::MAX);
        }
        Ok(kept)
    }
}
