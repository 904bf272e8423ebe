//! The aggregate `tenant`: the keys that may use its API.

use std::collections::BTreeMap;

use serde::Serialize;
use steward_proto::{Event, Fold, Recorded};

/// What a key may do; each role may do all that the ones after it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Reader,
    Operator,
    Admin,
}

impl Role {
    pub fn of_name(name: &str) -> Option<Self> {
        match name {
            "admin" => Some(Self::Admin),
            "operator" => Some(Self::Operator),
            "reader" => Some(Self::Reader),
            _ => None,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Operator => "operator",
            Self::Reader => "reader",
        }
    }
}

/// A key as the log holds it: only its hash.
#[derive(Debug, Clone, PartialEq)]
pub struct ApiKey {
    pub role: Role,
    /// SHA-256 (hex).
    pub hash: String,
    pub name: String,
}

/// The keys that are in force, by id.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tenant {
    pub keys: BTreeMap<String, ApiKey>,
}

impl Fold for Tenant {
    fn evolve(&mut self, recorded: &Recorded) {
        match &recorded.event {
            Event::ApiKeyCreated(created) => {
                if let Some(role) = Role::of_name(&created.role) {
                    let key = ApiKey { role, hash: created.hash.clone(), name: created.name.clone() };
                    self.keys.insert(created.key_id.clone(), key);
                }
            }
            Event::ApiKeyRevoked(revoked) => {
                self.keys.remove(&revoked.key_id);
            }
            _ => {}
        }
    }
}
