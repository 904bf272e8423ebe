//! The table `conversations`.

use chrono::{DateTime, Utc};
use steward_domain::{
    channel::Capabilities,
    conversation::{Conversation, Person, Place, Takeover, parts::Speech},
    ids,
};
use steward_proto::Recorded;

use crate::rows::{Entity, table};

table! {
    pub struct ConversationRow = "conversations" {
        tenant: String,
        id: String,
        /// The channel; `NULL` until something came in.
        channel_id: Option<String>,
        channel: String,
        external_id: String,
        is_group: bool,
        title: String,
        contact_id: String,
        person_id: String,
        person_name: String,
        person_username: String,
        person_language: String,
        person_timezone: String,
        takeover_by: Option<String>,
        takeover_via: Option<String>,
        takeover_since: Option<DateTime<Utc>>,
        takeover_active_at: Option<DateTime<Utc>>,
        blocked: bool,
        unreachable_at: Option<DateTime<Utc>>,
        reachable_at: Option<DateTime<Utc>>,
        last_message_at: Option<DateTime<Utc>>,
        /// When the client last wrote or called.
        last_client_at: Option<DateTime<Utc>>,
        /// What the client said last, as far as more may belong to it ([`Speech`]).
        speech: String,
        pending_follow_ups: u32,
        /// The event by which the client asked for a person; 0: never.
        asked_position: u64,
        /// The latest event by which a person of ours had it in hand; 0: never.
        attended_position: u64,
        /// The event that made its latest message, or the first of all.
        latest_position: u64,
        created_at: DateTime<Utc>,
        created_position: u64,
        position: u64,
    }
}

impl Entity for ConversationRow {
    const KEY: &'static [&'static str] = &["tenant", "id"];

    fn key(&self) -> [&str; 3] {
        [&self.tenant, &self.id, ""]
    }
}

impl ConversationRow {
    /// The row of a conversation that begins with this event.
    pub fn begun_by(recorded: &Recorded) -> Self {
        Self {
            tenant: recorded.subject.tenant.to_string(),
            id: recorded.subject.id.to_string(),
            channel_id: None,
            channel: String::new(),
            external_id: String::new(),
            is_group: false,
            title: String::new(),
            contact_id: String::new(),
            person_id: String::new(),
            person_name: String::new(),
            person_username: String::new(),
            person_language: String::new(),
            person_timezone: String::new(),
            takeover_by: None,
            takeover_via: None,
            takeover_since: None,
            takeover_active_at: None,
            blocked: false,
            unreachable_at: None,
            reachable_at: None,
            last_message_at: None,
            last_client_at: None,
            speech: String::new(),
            pending_follow_ups: 0,
            asked_position: 0,
            attended_position: 0,
            latest_position: recorded.position,
            created_at: recorded.metadata.at,
            created_position: recorded.position,
            position: recorded.position,
        }
    }

    /// Takes in the folded state after an event.
    pub fn follow(&mut self, state: &Conversation, recorded: &Recorded) {
        self.position = recorded.position;
        if let Some(place) = &state.place {
            if self.channel_id.as_ref() != Some(&place.channel_id) {
                self.channel_id = Some(place.channel_id.clone());
            }
            set(&mut self.channel, &place.channel);
            set(&mut self.external_id, &place.external_id);
            if self.contact_id.parse().ok() != place.contact_id {
                self.contact_id = ids::or_empty(place.contact_id);
            }
            self.is_group = place.group;
        }
        set(&mut self.person_id, &state.person.id);
        set(&mut self.person_name, &state.person.name);
        set(&mut self.person_username, &state.person.username);
        set(&mut self.person_language, &state.person.language);
        set(&mut self.person_timezone, &state.person.timezone);
        let takeover = state.takeover.as_ref();
        self.takeover_since = takeover.map(|t| t.since);
        self.takeover_active_at = takeover.map(|t| t.active_at);
        if self.takeover_by.as_deref() != takeover.map(|t| t.by.as_str()) {
            self.takeover_by = takeover.map(|t| t.by.clone());
        }
        if self.takeover_via.as_deref() != takeover.map(|t| t.via.as_str()) {
            self.takeover_via = takeover.map(|t| t.via.clone());
        }
        self.blocked = state.blocked;
        (self.unreachable_at, self.reachable_at) = (state.unreachable_at, state.reachable_at);
        self.last_client_at = state.last_client_at;
        set(&mut self.speech, &state.speech.to_text());
        self.pending_follow_ups = state.follow_ups.values().filter(|f| f.is_open()).count() as u32;
    }

    /// When the channel's service window closes or closed; `None` if it has none, or the client never wrote.
    pub fn window_until(&self) -> Option<DateTime<Utc>> {
        self.last_client_at?.checked_add_signed(Capabilities::of(&self.channel).window?)
    }

    /// Whether free text can't be sent at `at`, unless the client writes before.
    pub fn is_beyond_window(&self, at: DateTime<Utc>) -> bool {
        Capabilities::of(&self.channel).window.is_some() && self.window_until().is_none_or(|until| at >= until)
    }

    /// The folded state, as far as this row holds it.
    pub fn restore(&self) -> Conversation {
        let mut state = Conversation::default();
        if let Some(channel_id) = &self.channel_id {
            state.place = Some(Place {
                channel_id: channel_id.clone(),
                channel: self.channel.clone(),
                external_id: self.external_id.clone(),
                contact_id: self.contact_id.parse().ok(),
                group: self.is_group,
            });
        }
        state.person = Person {
            id: self.person_id.clone(),
            name: self.person_name.clone(),
            username: self.person_username.clone(),
            language: self.person_language.clone(),
            timezone: self.person_timezone.clone(),
        };
        state.takeover = self.takeover_since.map(|since| Takeover {
            by: self.takeover_by.clone().unwrap_or_default(),
            via: self.takeover_via.clone().unwrap_or_default(),
            since,
            active_at: self.takeover_active_at.unwrap_or(since),
            cancelled: Vec::new(),
        });
        state.blocked = self.blocked;
        (state.unreachable_at, state.reachable_at) = (self.unreachable_at, self.reachable_at);
        state.last_client_at = self.last_client_at;
        state.speech = Speech::of_text(&self.speech);
        state
    }
}

fn set(column: &mut String, value: &str) {
    if column != value {
        value.clone_into(column);
    }
}
