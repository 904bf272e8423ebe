//! The aggregate `contact`: what is known of a person beyond what their channel says, and which contacts are one person.

pub mod memory;
mod merging;
mod tell;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

pub use merging::{How, MERGED_AT_MOST, Merge, Refused};
use serde::{Deserialize, Serialize};
use steward_language::Language;
use steward_proto::{ContactEvent, Event, Fold, Recorded, v1};

use crate::{
    ids::{ContactId, ConversationId},
    kernel::unread_type,
};

/// Overrides set by operators or by the contact, and the contacts merged into this one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Contact {
    pub name: Option<String>,
    pub language: Option<String>,
    /// The code of the language that they last clearly wrote in.
    pub detected_language: Option<String>,
    pub timezone: Option<String>,
    pub followup_hour: Option<u32>,
    /// Nothing proactive is sent to an archived contact.
    pub archived: bool,
    /// The contact that stands for this one. That one points to no other.
    pub merged_into: Option<ContactId>,
    /// The contacts that this one stands for, each with its conversations.
    pub merged: BTreeMap<ContactId, BTreeSet<ConversationId>>,
    /// Its own conversations, as far as a merge named them.
    pub conversations: BTreeSet<ConversationId>,
    /// The contact that last stood for this one, once it no longer does.
    pub split_from: Option<ContactId>,
    /// Goals, milestones and facts.
    pub memory: Arc<memory::Memory>,
}

impl Fold for Contact {
    fn evolve(&mut self, recorded: &Recorded) {
        let Some(event) = ContactEvent::of(&recorded.event) else { return };
        match event {
            ContactEvent::ContactChanged(changed) => {
                fn set<T: Clone>(field: &mut Option<T>, value: &Option<T>) {
                    if value.is_some() {
                        field.clone_from(value);
                    }
                }
                set(&mut self.name, &changed.name);
                set(&mut self.language, &changed.language);
                set(&mut self.detected_language, &changed.detected_language);
                set(&mut self.timezone, &changed.timezone);
                set(&mut self.followup_hour, &changed.followup_hour);
            }
            ContactEvent::ContactArchived(_) => self.archived = true,
            ContactEvent::ContactMerged(e) => self.merged(&recorded.subject.id, e),
            ContactEvent::ContactSplit(e) => self.split_up(&recorded.subject.id, e),
            remembered => Arc::make_mut(&mut self.memory).take(recorded, remembered),
        }
    }

    fn unread(event: &Event) -> Option<String> {
        ContactEvent::of(event).is_none().then(|| unread_type(event))
    }
}

impl Contact {
    /// What counts for a merged contact: the surviving one's settings, and its own where that one says nothing. Nobody is
    /// written to by themselves who was archived under either name.
    #[must_use]
    pub fn under(&self, survivor: &Self) -> Self {
        Self {
            name: survivor.name.clone().or_else(|| self.name.clone()),
            language: survivor.language.clone().or_else(|| self.language.clone()),
            detected_language: self.detected_language.clone().or_else(|| survivor.detected_language.clone()),
            timezone: survivor.timezone.clone().or_else(|| self.timezone.clone()),
            followup_hour: survivor.followup_hour.or(self.followup_hour),
            archived: survivor.archived || self.archived,
            merged_into: self.merged_into,
            merged: survivor.merged.clone(),
            conversations: survivor.conversations.clone(),
            split_from: self.split_from,
            memory: Arc::new(survivor.memory.with(&self.memory)),
        }
    }

    /// What is to be recorded of the language that they wrote in just now.
    pub fn wrote_in(&self, language: Language) -> Option<v1::ContactChanged> {
        let code = language.code();
        (self.detected_language.as_deref() != Some(code))
            .then(|| v1::ContactChanged { detected_language: Some(code.to_owned()), ..v1::ContactChanged::default() })
    }

    /// The person's other conversations: those of the surviving contact and of all merged into it.
    pub fn elsewhere(&self, here: ConversationId) -> impl Iterator<Item = ConversationId> + '_ {
        let theirs = self.merged.values().flatten().chain(&self.conversations).copied().collect::<BTreeSet<_>>();
        theirs.into_iter().filter(move |conversation| *conversation != here)
    }
}
