//! What a key made before, as the log has it: by that a process that doesn't remember the key refuses another body under it.
//!
//! That works where a command makes something whose id comes from its key, and as far as what was made says what the command said.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use steward_domain::{
    conversation::Conversation,
    ids::{self, ConversationId},
};
use steward_http::Problem;
use steward_log::AtLeast;
use steward_proto::{Event, Fold, Recorded, from_timestamp, v1};

use super::{Command, repeats::reused};
use crate::{intake::Intake, patience::in_time};

/// What a command said, told apart from what others said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said([u8; 32]);

impl Said {
    fn of(parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update(part.len().to_le_bytes());
            hash.update(part);
        }
        Self(hash.finalize().into())
    }

    /// A promise. Where its time was said in words, the instant that they meant isn't the same each time.
    pub fn promise(e: &v1::FollowUpScheduled) -> Self {
        let due_at = if e.phrase.is_empty() { time(from_timestamp(e.due_at.as_ref())) } else { e.phrase.clone() };
        let action = e.action.clone().unwrap_or_default();
        let parts = [&e.text, &e.cancel_on, &e.intention, &e.scheduled_reason, &e.key, &due_at];
        let action = [&action.kind, &action.prompt, &action.tool, &action.input];
        Self::of(&parts.into_iter().chain(action).map(String::as_bytes).collect::<Vec<_>>())
    }

    /// A message of ours.
    pub fn message(text: &str, due_at: Option<DateTime<Utc>>, on_reply: &str, key: &str) -> Self {
        Self::of(&[text.as_bytes(), time(due_at).as_bytes(), on_reply.as_bytes(), key.as_bytes()])
    }

    /// What came from outside, as it came: in the event, or as the blob of this name.
    pub fn outside(raw: &[u8], blob: &str) -> Self {
        Self::of(&[raw, blob.as_bytes()])
    }
}

fn time(at: Option<DateTime<Utc>>) -> String {
    at.map(|at| at.timestamp_micros().to_string()).unwrap_or_default()
}

/// What was said when the things of a conversation were made, by their ids.
#[derive(Debug, Default, Clone)]
struct Originals(BTreeMap<String, Said>);

impl Fold for Originals {
    fn evolve(&mut self, recorded: &Recorded) {
        let (id, said) = match &recorded.event {
            Event::FollowUpScheduled(e) => (&e.follow_up_id, Said::promise(e)),
            Event::MessageQueued(v1::MessageQueued { message: Some(m) }) => {
                let due_at = from_timestamp(m.due_at.as_ref());
                (&m.message_id, Said::message(&m.text, due_at, &m.on_reply, &m.key))
            }
            Event::ClientResponded(v1::ClientResponded { message_id, source: Some(source), .. }) => {
                (message_id, Said::outside(&source.raw, &source.raw_blob))
            }
            _ => return,
        };
        self.0.insert(id.clone(), said);
    }

    /// What it can't read it passes over: nothing is decided on it.
    fn unread(_: &Event) -> Option<String> {
        None
    }
}

/// Looks whether what a command would make stands there already, made by other words. `is_there`: whether the conversation has
/// something with this id.
///
/// # Errors
/// 422 when it was made by others; 503 when the log can't tell.
pub async fn same<T>(
    intake: &Intake,
    command: &Command<T>,
    (conversation, id): (ConversationId, &str),
    is_there: impl FnOnce(&Conversation) -> bool,
    said: &Said,
) -> Result<(), Problem> {
    if !command.may_repeat() || command.is_remembered(intake) {
        return Ok(());
    }
    let aggregate = &ids::conversation_aggregate(&command.caller.tenant, conversation);
    let state = in_time(intake.log.load::<Conversation>(aggregate, AtLeast::Cached)).await?.state;
    if !is_there(&state) {
        return Ok(());
    }
    let originals = in_time(intake.log.load::<Originals>(aggregate, AtLeast::Latest)).await?;
    match originals.state.0.get(id) {
        Some(before) if before != said => Err(reused()),
        _ => Ok(()),
    }
}
