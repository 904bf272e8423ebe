//! What a reply may truthfully say.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use steward_language::{
    DateOrder, Language,
    time::{PartsOfDay, TimeContext},
    understanding::Intent,
};

/// Topics shorter than this, in bytes, quote nothing that could be taken for a claim.
const SHORTEST_TOPIC: usize = 3;
/// Topics that are looked for in a reply, at most.
const MOST_TOPICS: usize = 64;

/// What a reply may truthfully say: what this turn decides, and what stands already.
#[derive(Debug, Clone)]
pub struct Backing {
    pub now: DateTime<Utc>,
    /// The contact's.
    pub zone: Tz,
    pub language: Language,
    /// Promises that this turn makes or renews, and those that stand pending.
    pub promised: Vec<Backed>,
    /// Those that this turn moves, at their new time.
    pub moved: Vec<Backed>,
    /// Those that this turn cancels, or that the client's words it answers cancelled, at the time they had.
    pub cancelled: Vec<Backed>,
    /// A person is told of this conversation, by this turn or before.
    pub handed_off: bool,
    /// Appointments that this turn makes, and those that stand.
    pub booked: Vec<Backed>,
    /// This turn keeps something in mind for good.
    pub remembered: bool,
    /// This turn sets or changes a goal.
    pub goals: bool,
    /// The client's own words, what tools answered, the tenant's facts: times quoted from these are true.
    pub known_texts: Vec<String>,
}

/// One thing that a word may be about.
#[derive(Debug, Clone, PartialEq)]
pub struct Backed {
    pub when: DateTime<Utc>,
    /// In the client's words; may be empty.
    pub topic: String,
    /// Of the follow-up or meeting; empty: this turn makes it.
    pub id: String,
    pub intent: Intent,
}

impl Backing {
    /// Nothing is decided, and nothing stands.
    pub fn none(now: DateTime<Utc>, zone: Tz, language: Language) -> Self {
        Self {
            now,
            zone,
            language,
            promised: Vec::new(),
            moved: Vec::new(),
            cancelled: Vec::new(),
            handed_off: false,
            booked: Vec::new(),
            remembered: false,
            goals: false,
            known_texts: Vec::new(),
        }
    }

    /// Against what the times of a text are read.
    pub(super) fn context(&self) -> TimeContext {
        TimeContext {
            written_at: self.now,
            zone: self.zone,
            language: self.language,
            date_order: DateOrder::Open,
            followup_hour: 10,
            parts_of_day: PartsOfDay::default(),
        }
    }

    /// Whether anything at all is decided or stands.
    pub(super) fn decides(&self) -> bool {
        let lists = [&self.promised, &self.moved, &self.cancelled, &self.booked];
        lists.iter().any(|list| !list.is_empty()) || self.handed_off || self.remembered || self.goals
    }

    /// Everything with a time.
    pub(super) fn all(&self) -> impl Iterator<Item = &Backed> {
        self.promised.iter().chain(&self.moved).chain(&self.cancelled).chain(&self.booked)
    }

    /// The text with the topics that it names in brackets blanked, byte for byte: they are the client's words.
    pub(super) fn without_topics(&self, text: &str) -> String {
        let mut out = text.to_owned();
        if !text.contains('(') {
            return out;
        }
        let mut topics: Vec<&str> =
            self.all().map(|b| b.topic.as_str()).filter(|t| t.len() >= SHORTEST_TOPIC).collect();
        topics.sort_unstable();
        topics.dedup();
        for topic in topics.into_iter().take(MOST_TOPICS) {
            let named = format!("({topic})");
            out = out.replace(&named, &" ".repeat(named.len()));
        }
        out
    }
}

impl Backed {
    pub fn new(when: DateTime<Utc>, topic: impl Into<String>, id: impl Into<String>) -> Self {
        Self { when, topic: topic.into(), id: id.into(), intent: Intent::Write }
    }

    /// The same as a reminder.
    #[must_use]
    pub fn reminding(self) -> Self {
        Self { intent: Intent::Remind, ..self }
    }
}
