//! The aggregate `tenant`: the keys that may use its API, the sessions of who entered with one, and the breaker that stops what
//! it sends by itself.

mod sessions;
mod tell;

pub use sessions::{SESSION_LASTS, Session};

pub(crate) use tell::chosen;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use steward_proto::{Event, Fold, Recorded, TenantEvent, v1};

use crate::brain::{Choice, Job};
use crate::kernel::{Why, refusals, unread_type, unread_value};

refusals! {
    /// A decision about a tenant that the rules don't allow.
    Refused {
        BreakerClosed: Conflict "breaker_closed", "the breaker isn't open: nothing is held back by it";
        NoKeyNeeded: Conflict "no_key_needed", "callers bring no keys here, so nobody enters with one";
        KeyShown: Conflict "key_shown", "this command has made its key already, which is shown only once; make another one";
        OfASession: Conflict "of_a_session", "a session begins no other: it would outlive its own time; bring the key itself";
        SessionShown: Conflict "session_shown", "this command has begun its session already, which is shown only once; begin another one";
        TooManyKeys: Conflict "too_many_keys", "there are as many keys as there may be; revoke one first";
        UnknownKey: Unknown "unknown_key", "there is no such key in force; GET /api/v1/keys lists them";
        UnknownSession: Unknown "unknown_session", "there is no such session in force; GET /api/v1/sessions lists them";
    }
}

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

/// Nothing proactive goes out since then.
#[derive(Debug, Clone, PartialEq)]
pub struct Tripped {
    /// In the log.
    pub position: u64,
    pub at: DateTime<Utc>,
    pub why: Why,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tenant {
    /// The keys that are in force, by id.
    pub keys: BTreeMap<String, ApiKey>,
    /// The sessions of who entered with one of them, by id. Some may be over their time.
    pub sessions: BTreeMap<String, Session>,
    /// The breaker, while it is open. Only a person closes it.
    pub breaker: Option<Tripped>,
    /// The brain that somebody chose for its conversations.
    pub brain: Option<Choice>,
    /// Whom somebody chose for its other jobs.
    pub jobs: BTreeMap<Job, Choice>,
    /// The last day, in UTC, on which its models' budget was nearly spent, and on which it was.
    pub nearly_spent: String,
    pub exhausted: String,
}

/// Most keys of a tenant that are in force at once.
const MOST_KEYS: usize = 500;

impl Tenant {
    /// A person makes a key, once.
    pub fn create_key(&self, created: v1::ApiKeyCreated) -> Result<Vec<Event>, Refused> {
        match () {
            () if self.keys.contains_key(&created.key_id) => Err(Refused::KeyShown),
            () if self.keys.len() >= MOST_KEYS => Err(Refused::TooManyKeys),
            () => Ok(vec![created.into()]),
        }
    }

    /// A person takes a key out of force.
    pub fn revoke_key(&self, key_id: &str, by: &str) -> Result<Vec<Event>, Refused> {
        if !self.keys.contains_key(key_id) {
            return Err(Refused::UnknownKey);
        }
        Ok(vec![v1::ApiKeyRevoked { key_id: key_id.to_owned(), by: by.to_owned() }.into()])
    }

    /// Opens the breaker, once.
    pub fn trip(&self, tripped: v1::BreakerTripped) -> Vec<Event> {
        if self.breaker.is_some() { Vec::new() } else { vec![tripped.into()] }
    }

    /// Whether what the breaker held at this position waits for nobody any more: the breaker is closed, or it is open
    /// anew. In between a person reset it.
    pub fn lets_go_of(&self, held_at: u64) -> bool {
        self.breaker.as_ref().is_none_or(|tripped| tripped.position > held_at)
    }

    /// What its models cost on a day, as far as that is to be told and wasn't.
    pub fn spent(&self, day: &str, micro_usd: u64, per_day: u64) -> Vec<Event> {
        let day = day.to_owned();
        if micro_usd >= per_day {
            if self.exhausted == day {
                return Vec::new();
            }
            return vec![v1::BudgetExhausted { day, micro_usd, per_day }.into()];
        }
        let nearly = u128::from(micro_usd) * 5 >= u128::from(per_day) * 4;
        if !nearly || self.nearly_spent == day || self.exhausted == day {
            return Vec::new();
        }
        vec![v1::BudgetNearlySpent { day, micro_usd, per_day }.into()]
    }

    /// Whom somebody chose for a job.
    pub fn chosen(&self, job: Job) -> Option<&Choice> {
        if job == Job::Chat { self.brain.as_ref() } else { self.jobs.get(&job) }
    }

    /// A person closes the breaker.
    pub fn reset_breaker(&self, by: &str, note: &str) -> Result<Vec<Event>, Refused> {
        let Some(Tripped { position, .. }) = self.breaker else {
            return Err(Refused::BreakerClosed);
        };
        Ok(vec![v1::BreakerReset { by: by.to_owned(), note: note.to_owned(), tripped_position: position }.into()])
    }
}

impl Fold for Tenant {
    fn evolve(&mut self, recorded: &Recorded) {
        let Some(event) = TenantEvent::of(&recorded.event) else { return };
        match event {
            TenantEvent::ApiKeyCreated(created) => {
                if let Some(role) = Role::of_name(&created.role) {
                    let key = ApiKey { role, hash: created.hash.clone(), name: created.name.clone() };
                    self.keys.insert(created.key_id.clone(), key);
                }
            }
            TenantEvent::ApiKeyRevoked(revoked) => {
                self.keys.remove(&revoked.key_id);
                self.sessions.retain(|_, session| session.key_id != revoked.key_id);
            }
            TenantEvent::SessionBegun(begun) => self.note_session(begun, recorded.metadata.at),
            TenantEvent::SessionEnded(ended) => drop(self.sessions.remove(&ended.session_id)),
            TenantEvent::BreakerTripped(tripped) => {
                let why = tripped.reason.as_ref().map(Why::from).unwrap_or_default();
                let since = Tripped { position: recorded.position, at: recorded.metadata.at, why };
                self.breaker.get_or_insert(since);
            }
            TenantEvent::BreakerReset(_) => self.breaker = None,
            TenantEvent::BrainChosen(chosen) => match (Job::of(chosen), Choice::of(chosen)) {
                (Some(Job::Chat), choice) => self.brain = choice,
                (Some(job), Some(choice)) => drop(self.jobs.insert(job, choice)),
                (Some(job), None) => drop(self.jobs.remove(&job)),
                // A later build's: nobody here does it.
                (None, _) => {}
            },
            TenantEvent::BudgetNearlySpent(e) => self.nearly_spent.clone_from(&e.day),
            TenantEvent::BudgetExhausted(e) => self.exhausted.clone_from(&e.day),
        }
    }

    fn unread(event: &Event) -> Option<String> {
        match TenantEvent::of(event) {
            None => Some(unread_type(event)),
            Some(TenantEvent::ApiKeyCreated(e)) => {
                unread_value(event, "role", &e.role, |role| Role::of_name(role).is_some())
            }
            Some(_) => None,
        }
    }
}
