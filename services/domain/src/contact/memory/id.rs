//! The id of something that is remembered: 32 hex digits of its contact, a letter for its kind, and 32 of what is unique.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::ids::{ContactId, simple};

/// What is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Kind {
    Goal,
    Milestone,
    Fact,
}

impl Kind {
    pub const ALL: [Self; 3] = [Self::Goal, Self::Milestone, Self::Fact];

    pub fn name(self) -> &'static str {
        match self {
            Self::Goal => "goal",
            Self::Milestone => "milestone",
            Self::Fact => "fact",
        }
    }

    fn letter(self) -> char {
        match self {
            Self::Goal => 'g',
            Self::Milestone => 's',
            Self::Fact => 'k',
        }
    }
}

/// Names a goal, a milestone or a fact, and the contact that it is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RememberedId {
    pub contact: ContactId,
    pub kind: Kind,
    /// A UUIDv7, or a UUIDv5 of the words that it was found in: then finding it again names the same one.
    pub unique: Uuid,
}

impl RememberedId {
    /// What is found in these words of this message: the same for whoever finds it.
    pub fn found(contact: ContactId, kind: Kind, message: &str, text: &str) -> Self {
        Self { contact, kind, unique: Uuid::new_v5(&contact.uuid(), format!("{message}/{text}").as_bytes()) }
    }
}

impl fmt::Display for RememberedId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{}", self.contact.uuid().simple(), self.kind.letter(), self.unique.simple())
    }
}

/// The text names nothing that is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "this is no id of a goal, a milestone or a fact; its form is 32 hex digits, a letter, 32 hex digits, in lower case"
)]
pub struct NotRemembered;

impl FromStr for RememberedId {
    type Err = NotRemembered;

    fn from_str(text: &str) -> Result<Self, NotRemembered> {
        let read = || {
            let (contact, rest) = text.split_at_checked(32)?;
            let kind = Kind::ALL.into_iter().find(|kind| rest.starts_with(kind.letter()))?;
            let (contact, unique) = (simple(contact)?, simple(&rest[1..])?);
            Some(Self { contact: ContactId::new(contact), kind, unique })
        };
        read().ok_or(NotRemembered)
    }
}
