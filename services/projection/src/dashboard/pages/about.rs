//! What stands beside a conversation about its client: who they are, what is remembered of them, what is still to be said.

use chrono_tz::Tz;
use steward_http::Problem;
use steward_language::Language;

use super::{
    super::{frame::language_name, viewer::Viewer},
    remembered::{Known, Places},
    unsaid,
};
use crate::{
    models::{
        conversations::{messages::MessageRow, view::ConversationView},
        remembered::standing,
    },
    read::snapshot::Snapshot,
};

/// What is known of the client, each to be corrected in place.
pub struct Contact {
    pub id: String,
    pub name: String,
    pub language: &'static str,
    pub languages: Vec<(&'static str, &'static str, bool)>,
    pub zone: String,
    /// The hour of promises, if they have one of their own; and all that there are.
    pub hour: Option<u32>,
    pub hours: Vec<(u32, String, bool)>,
    /// The person that all of it is about.
    pub person: String,
    pub known: Known,
    /// What wasn't sent since they wrote first, and waits for the bot to take it up.
    pub unsaid: Vec<String>,
}

impl Contact {
    /// # Errors
    /// 503 when Postgres doesn't answer.
    pub async fn of(
        c: &ConversationView,
        (viewer, snapshot): (&Viewer, &Snapshot<'_>),
        zone: Tz,
        (rows, at): (&[MessageRow], Option<u64>),
    ) -> Result<Self, Problem> {
        let spoken = c.contact.language.as_deref().and_then(Language::of_tag);
        let own = c.contact.id.clone().unwrap_or_default();
        let people: Vec<String> = std::iter::once(own.clone()).chain(c.contact.merged_into.clone()).collect();
        let standing = match at {
            Some(at) => standing::then(snapshot, &viewer.caller, &people, at).await?,
            None => standing::of(snapshot, &viewer.caller, &people).await?,
        };
        let places = Places::of(viewer, snapshot, &standing).await?;
        Ok(Self {
            name: c.contact.name.clone().unwrap_or_default(),
            language: spoken.map_or("", language_name),
            languages: Language::ALL
                .iter()
                .map(|one| (one.code(), language_name(*one), spoken == Some(*one)))
                .collect(),
            zone: c.contact.timezone.clone().unwrap_or_else(|| zone.name().to_owned()),
            hour: c.contact.followup_hour,
            hours: (0..24)
                .map(|hour| (hour, viewer.clock().whole_hour(hour), c.contact.followup_hour == Some(hour)))
                .collect(),
            person: c.contact.merged_into.clone().unwrap_or_else(|| own.clone()),
            known: Known::of(standing, &places, viewer, zone),
            unsaid: unsaid::of(snapshot, viewer, &c.id, rows, at).await?,
            id: own,
        })
    }
}
