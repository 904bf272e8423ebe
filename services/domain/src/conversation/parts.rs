//! Parts of what one person says at once, where a channel brings them one by one: an album's pictures, a comment and what it
//! forwards, a text and its picture, a text longer than a message.

use std::collections::VecDeque;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use steward_proto::v1;

/// By the channel's clock, which tells whole seconds: what comes later is said apart.
const TOGETHER: TimeDelta = TimeDelta::seconds(2);
/// Albums that are remembered: their parts come within seconds.
const ALBUMS_KEPT: usize = 4;

/// What was said last, as far as the next message may belong to it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Speech {
    person: String,
    at: Option<DateTime<Utc>>,
    goes_on: bool,
    /// With who sent each.
    albums: VecDeque<(String, String)>,
}

impl Speech {
    /// For a row of a read model; empty: nothing was said yet.
    pub fn to_text(&self) -> String {
        if *self == Self::default() {
            return String::new();
        }
        serde_json::to_string(self).expect("strings, a time and a flag are JSON")
    }

    /// What a row holds. What can't be read is forgotten.
    pub fn of_text(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_default()
    }

    /// Takes a message in; whether it is a part of what was said before it.
    pub(super) fn hears(&mut self, e: &v1::ClientResponded, person: &str, at: DateTime<Utc>) -> bool {
        let album = (person.to_owned(), e.album.clone());
        let in_album = !e.album.is_empty() && self.albums.contains(&album);
        let at_once = self.person == person && self.at.is_some_and(|before| (at - before).abs() <= TOGETHER);
        let part = in_album || (at_once && (e.joins || self.goes_on));
        if !e.album.is_empty() && !in_album {
            self.albums.push_back(album);
            if self.albums.len() > ALBUMS_KEPT {
                self.albums.pop_front();
            }
        }
        person.clone_into(&mut self.person);
        self.at = Some(at);
        self.goes_on = e.goes_on;
        part
    }
}
