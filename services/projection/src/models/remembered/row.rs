//! The table `remembered`.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use steward_domain::contact::memory::{Kind, MOST_EVIDENCE, RememberedId};
use steward_proto::{Event, Recorded, from_timestamp, v1};

use crate::rows::{Entity, Json, Reason, table};

table! {
    /// A goal, a milestone or a fact of a contact.
    pub struct RememberedRow = "remembered" {
        tenant: String,
        id: String,
        contact_id: String,
        /// goal, milestone, fact
        kind: String,
        state: String,
        text: String,
        /// The goal that a milestone belongs to.
        goal_id: Option<String>,
        due_at: Option<DateTime<Utc>>,
        happened_at: Option<DateTime<Utc>>,
        /// Percent.
        progress: u32,
        /// Percent.
        confidence: u32,
        evidence: Json<Vec<Quote>>,
        set_by: String,
        ended_by: Option<String>,
        /// Why it is gone.
        reason: Option<Json<Reason>>,
        /// What it corrects, and what stands for it.
        replaces: Option<String>,
        instead: Option<String>,
        created_at: DateTime<Utc>,
        changed_at: DateTime<Utc>,
        created_position: u64,
        position: u64,
    }
}

/// Words that something was found in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Quote {
    pub message_id: String,
    pub quote: String,
    pub said_at: Option<DateTime<Utc>>,
}

impl Entity for RememberedRow {
    const KEY: &'static [&'static str] = &["tenant", "id"];

    fn key(&self) -> [&str; 3] {
        [&self.tenant, &self.id, ""]
    }
}

/// What an event does to what it is about.
pub struct Change<'a> {
    pub id: &'a str,
    pub state: &'static str,
    evidence: &'a [v1::Evidence],
    how: How<'a>,
}

enum How<'a> {
    Set { text: &'a str, confidence: u32, by: &'a str, more: More<'a> },
    Goal(&'a v1::GoalChanged),
    Ended { by: &'a str, reason: Option<&'a v1::Reason>, instead: &'a str },
}

/// What only some kinds have.
enum More<'a> {
    Goal(&'a v1::GoalSet),
    Milestone(&'a v1::MilestoneRecorded),
    Fact(&'a v1::FactRemembered),
}

impl<'a> Change<'a> {
    /// `None` for events that are about nothing remembered.
    pub fn of(event: &'a Event) -> Option<Self> {
        let set = |id: &'a str, state, text: &'a str, (confidence, by): (u32, &'a str), evidence, more| Self {
            id,
            state,
            evidence,
            how: How::Set { text, confidence, by, more },
        };
        let ended = |id: &'a str, state, evidence: &'a [v1::Evidence], by: &'a str, reason, instead: &'a str| Self {
            id,
            state,
            evidence,
            how: How::Ended { by, reason, instead },
        };
        Some(match event {
            Event::GoalSet(e) => set(&e.goal_id, "open", &e.title, (e.confidence, &e.by), &e.evidence, More::Goal(e)),
            Event::MilestoneRecorded(e) => {
                set(&e.milestone_id, "active", &e.text, (e.confidence, &e.by), &e.evidence, More::Milestone(e))
            }
            Event::FactRemembered(e) => {
                set(&e.fact_id, "known", &e.text, (e.confidence, &e.by), &e.evidence, More::Fact(e))
            }
            Event::GoalChanged(e) => Self { id: &e.goal_id, state: "open", evidence: &e.evidence, how: How::Goal(e) },
            Event::GoalAchieved(e) => ended(&e.goal_id, "achieved", &e.evidence, &e.by, None, ""),
            Event::MilestoneResolved(e) => ended(&e.milestone_id, "resolved", &e.evidence, &e.by, None, ""),
            Event::GoalAbandoned(e) => {
                ended(&e.goal_id, "abandoned", &e.evidence, &e.by, e.reason.as_ref(), &e.merged_into)
            }
            Event::MilestoneDismissed(e) => {
                ended(&e.milestone_id, "dismissed", &e.evidence, &e.by, e.reason.as_ref(), &e.replaced_by)
            }
            Event::FactRetired(e) => {
                ended(&e.fact_id, "retired", &e.evidence, &e.by, e.reason.as_ref(), &e.replaced_by)
            }
            _ => return None,
        })
    }
}

impl RememberedRow {
    /// The row that something is first known by; what the event says of it is applied to it next.
    pub fn new(recorded: &Recorded, id: &str) -> Self {
        let read: Option<RememberedId> = id.parse().ok();
        Self {
            tenant: recorded.subject.tenant.to_string(),
            id: id.to_owned(),
            contact_id: recorded.subject.id.to_string(),
            kind: read.map_or(Kind::Fact, |id| id.kind).name().to_owned(),
            state: String::new(),
            text: String::new(),
            goal_id: None,
            due_at: None,
            happened_at: None,
            progress: 0,
            confidence: 0,
            evidence: Json(Vec::new()),
            set_by: String::new(),
            ended_by: None,
            reason: None,
            replaces: None,
            instead: None,
            created_at: recorded.metadata.at,
            changed_at: recorded.metadata.at,
            created_position: recorded.position,
            position: recorded.position,
        }
    }

    pub fn apply(&mut self, recorded: &Recorded, change: &Change<'_>) {
        let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        change.state.clone_into(&mut self.state);
        self.changed_at = recorded.metadata.at;
        self.position = recorded.position;
        for one in change.evidence {
            let said_at = from_timestamp(one.said_at.as_ref());
            let quote = Quote { message_id: one.message_id.clone(), quote: one.quote.clone(), said_at };
            if self.evidence.0.len() < MOST_EVIDENCE && !self.evidence.0.contains(&quote) {
                self.evidence.0.push(quote);
            }
        }
        match &change.how {
            How::Set { text, confidence, by, more } => {
                (*text).clone_into(&mut self.text);
                self.confidence = (*confidence).min(100);
                (*by).clone_into(&mut self.set_by);
                match more {
                    More::Goal(e) => {
                        self.due_at = from_timestamp(e.due_at.as_ref());
                        self.progress = e.progress.min(100);
                    }
                    More::Milestone(e) => {
                        self.happened_at = from_timestamp(e.happened_at.as_ref());
                        (self.goal_id, self.replaces) = (given(&e.goal_id), given(&e.replaces));
                    }
                    More::Fact(e) => self.replaces = given(&e.replaces),
                }
            }
            How::Goal(e) => {
                if let Some(title) = &e.title {
                    self.text.clone_from(title);
                }
                self.due_at = from_timestamp(e.due_at.as_ref()).or(self.due_at);
                self.progress = e.progress.unwrap_or(self.progress).min(100);
                self.confidence = e.confidence.unwrap_or(self.confidence).min(100);
            }
            How::Ended { by, reason, instead } => {
                self.ended_by = given(by);
                self.instead = given(instead);
                self.reason = reason.map(|reason| {
                    Json(Reason {
                        code: reason.code.clone(),
                        text: reason.text.clone(),
                        event_id: given(&reason.event_id),
                    })
                });
            }
        }
    }
}
