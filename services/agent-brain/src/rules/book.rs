//! The promises of a conversation while a turn is being decided: what was there, what the turn makes, and what becomes of each.

use chrono::{DateTime, Utc};
use steward_domain::ids::MessageId;
use steward_language::{
    Language,
    time::Wall,
    understanding::{Intent, is_covered, names_matter},
};
use uuid::Uuid;

use crate::{
    brain::{CancelOn, Decision, Promise, TurnInput},
    press,
};

/// Where a promise stood before the turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    Pending,
    /// Cancelled by the very messages of this turn.
    Cancelled,
    /// Taken back by the client a moment ago, and wanted again.
    TakenBack,
    /// Made by this turn.
    New,
}

/// What the turn does with a promise.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Fate {
    Untouched,
    Moved {
        phrase: String,
        rule: String,
    },
    /// By the client's own word.
    Cancelled,
}

/// A promise and its fate. `promise.due_at` is the new time after a move.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub promise: Promise,
    pub origin: Origin,
    pub fate: Fate,
    pub language: Language,
    /// For a new one: the rule that read its time, and the message that asked.
    pub rule: String,
    pub message_id: Option<MessageId>,
    /// Due to the second ("in 20 seconds").
    pub to_the_second: bool,
    /// The clock by which the client named the time in this turn, if it shows another than theirs.
    pub elsewhere: Option<Wall>,
    /// It is about something else now.
    pub retopic: bool,
}

impl Entry {
    /// One that was promised before.
    pub fn of(promise: &Promise, origin: Origin) -> Self {
        Self {
            promise: promise.clone(),
            origin,
            fate: Fate::Untouched,
            language: promise.language,
            rule: String::new(),
            message_id: None,
            to_the_second: false,
            elsewhere: None,
            retopic: false,
        }
    }

    /// Whether it may still be moved, cancelled or kept.
    pub fn is_open(&self) -> bool {
        self.fate != Fate::Cancelled
    }

    pub fn is_reminder(&self) -> bool {
        self.promise.intention == name(Intent::Remind)
    }

    /// The decision that gives it its other topic, if it has one.
    pub fn retopic(&self) -> Option<Decision> {
        let follow_up_id = self.promise.follow_up_id.filter(|_| self.retopic)?;
        let Promise { text, topic, .. } = self.promise.clone();
        Some(Decision::Retopic { follow_up_id, text, topic })
    }

    /// The decision that makes it.
    pub fn scheduled(&self) -> Decision {
        Decision::Schedule {
            due_at: self.promise.due_at,
            phrase: self.promise.phrase.clone(),
            rule: self.rule.clone(),
            intention: self.promise.intention.clone(),
            text: self.promise.text.clone(),
            topic: self.promise.topic.clone(),
            cancel_on: cancel_on(&self.promise.intention),
            reason: format!("the client asked for it: “{}”", self.promise.phrase),
            language: self.language,
            message_id: self.message_id,
        }
    }
}

/// An intention's name in events.
pub(super) fn name(intent: Intent) -> &'static str {
    match intent {
        Intent::Write => "write",
        Intent::Remind => "remind",
    }
}

/// How a promise of this intention takes the client's next message (F3).
fn cancel_on(intention: &str) -> CancelOn {
    if intention == name(Intent::Remind) { CancelOn::Never } else { CancelOn::ClientResponse }
}

/// All of them: pending ones first, then cancelled ones, then new ones.
#[derive(Debug, Clone)]
pub(super) struct Book {
    pub entries: Vec<Entry>,
}

impl Book {
    pub fn new(input: &TurnInput) -> Self {
        let entry = |origin: Origin| move |promise: &Promise| Entry::of(promise, origin);
        let pending = input.pending.iter().map(entry(Origin::Pending));
        Self { entries: pending.chain(input.cancelled.iter().map(entry(Origin::Cancelled))).collect() }
    }

    /// The promise that a button stood under, if it is still open.
    pub fn of_button(&self, promise: Uuid) -> Option<usize> {
        let at = press::find(promise, self.entries.iter().map(|e| e.promise.follow_up_id))?;
        self.entries[at].is_open().then_some(at)
    }

    /// The indices of those still open.
    pub fn open(&self) -> Vec<usize> {
        (0..self.entries.len()).filter(|&i| self.entries[i].is_open()).collect()
    }

    /// The one that promises the same at the same time, perhaps in other words.
    pub fn same(&self, due_at: DateTime<Utc>, intent: Intent, topic: &str) -> Option<usize> {
        self.open().into_iter().find(|&i| {
            let promise = &self.entries[i].promise;
            promise.due_at == due_at && promise.intention == name(intent) && is_covered(topic, &promise.topic)
        })
    }

    /// Those whose topic a text names.
    pub fn named_in(&self, text: &str) -> bool {
        self.open().into_iter().any(|i| names_matter(text, &self.entries[i].promise.topic))
    }
}
