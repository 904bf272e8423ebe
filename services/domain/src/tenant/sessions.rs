//! Sessions: who entered the dashboard with a key has one, which can be ended without the key.

use chrono::{DateTime, TimeDelta, Utc};
use steward_proto::{Event, v1};

use super::{Refused, Tenant};

/// How long a session lasts at most.
pub const SESSION_LASTS: TimeDelta = TimeDelta::days(30);

/// Most sessions of one key, and of all keys of a tenant. Whoever enters once more ends the oldest.
const MOST_OF_A_KEY: usize = 20;
const MOST: usize = 1_000;

/// A session as the log holds it: only the hash of its text.
#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    pub key_id: String,
    /// SHA-256 (hex).
    pub hash: String,
    pub begun_at: DateTime<Utc>,
}

impl Session {
    /// When it is over, if nobody ends it before.
    pub fn until(&self) -> DateTime<Utc> {
        self.begun_at + SESSION_LASTS
    }
}

impl Tenant {
    /// The sessions that are in force then, by id.
    pub fn sessions_at(&self, now: DateTime<Utc>) -> impl Iterator<Item = (&String, &Session)> {
        self.sessions.iter().filter(move |(_, session)| session.until() > now)
    }

    /// Somebody enters with a key, once.
    pub fn begin_session(&self, begun: v1::SessionBegun, by: &str) -> Result<Vec<Event>, Refused> {
        if self.sessions.contains_key(&begun.session_id) {
            return Err(Refused::SessionShown);
        }
        if !self.keys.contains_key(&begun.key_id) {
            return Err(Refused::UnknownKey);
        }
        let of_key = || self.sessions.iter().filter(|(_, session)| session.key_id == begun.key_id);
        let oldest = match () {
            () if of_key().count() >= MOST_OF_A_KEY => of_key().min_by_key(|(_, session)| session.begun_at),
            () if self.sessions.len() >= MOST => self.sessions.iter().min_by_key(|(_, session)| session.begun_at),
            () => None,
        };
        let ended = oldest.map(|(id, _)| ended(id, by));
        Ok(ended.into_iter().chain([begun.into()]).collect())
    }

    /// A person ends a session. `of_key`: only one of this key's.
    pub fn end_session(&self, id: &str, of_key: Option<&str>, by: &str) -> Result<Vec<Event>, Refused> {
        let session = self.sessions.get(id).ok_or(Refused::UnknownSession)?;
        if of_key.is_some_and(|key_id| session.key_id != key_id) {
            return Err(Refused::UnknownSession);
        }
        Ok(vec![ended(id, by)])
    }

    /// A person ends the sessions of a key, but for the one with which they ask.
    pub fn end_sessions(&self, key_id: &str, but: Option<&str>, by: &str) -> Vec<Event> {
        let others = self.sessions.iter().filter(|(id, session)| session.key_id == key_id && but != Some(id.as_str()));
        others.map(|(id, _)| ended(id, by)).collect()
    }

    pub(super) fn note_session(&mut self, begun: &v1::SessionBegun, at: DateTime<Utc>) {
        self.sessions.retain(|_, session| session.until() > at);
        let session = Session { key_id: begun.key_id.clone(), hash: begun.hash.clone(), begun_at: at };
        self.sessions.insert(begun.session_id.clone(), session);
    }
}

fn ended(id: &str, by: &str) -> Event {
    v1::SessionEnded { session_id: id.to_owned(), by: by.to_owned() }.into()
}
