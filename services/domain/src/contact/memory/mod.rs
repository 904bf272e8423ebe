//! What is remembered of a contact: goals, milestones and facts, each with the words it was found in; and what was retired for
//! good, so that nobody infers it again.

mod deciding;
mod id;
mod likeness;
pub(super) mod tell;

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use steward_proto::{ContactEvent, Recorded, from_timestamp, to_timestamp, v1};

pub use self::{
    deciding::{Changes, Ending, NewItem, Word},
    id::{Kind, NotRemembered, RememberedId},
    likeness::Words,
};
use crate::ids::{ConversationId, MessageId};

/// Characters of what is remembered, and of a quote.
pub const LONGEST_TEXT: usize = 300;
pub const LONGEST_QUOTE: usize = 500;
/// Of each kind, what stands at the same time.
pub const MOST_OPEN: usize = 64;
/// What ended is known for a while, so that a command on it gets a clear answer.
const ENDED_KEPT: usize = 64;
/// Quotes of one thing.
pub const MOST_EVIDENCE: usize = 8;
/// What brains find for one contact on one day.
pub const MOST_A_DAY: u32 = 32;
/// Conversations of which it is known how far they were searched.
const SEARCHED_KEPT: usize = 64;

/// Everything remembered of a contact.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// In the order of their recording.
    pub items: Vec<Item>,
    retired: Vec<Retired>,
    /// Up to which position each conversation was searched.
    pub searched: BTreeMap<ConversationId, u64>,
    /// What brains found on the last day that they found something.
    found: Option<(NaiveDate, u32)>,
}

/// A goal, a milestone or a fact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Item {
    pub id: RememberedId,
    pub text: String,
    pub state: State,
    /// The goal that a milestone belongs to.
    pub goal: Option<RememberedId>,
    /// When a goal is to be reached.
    pub due_at: Option<DateTime<Utc>>,
    /// When a milestone happened, or will.
    pub happened_at: Option<DateTime<Utc>>,
    /// Percent.
    pub progress: u32,
    /// Percent.
    pub confidence: u32,
    pub evidence: Vec<Evidence>,
    pub by: String,
    pub recorded_at: DateTime<Utc>,
}

/// What has become of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// It stands: a goal is open, a milestone active, a fact so.
    Open,
    /// A goal was achieved, a milestone resolved.
    Done,
    /// It was abandoned, dismissed, retired.
    Gone,
}

/// Words of the contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    pub message_id: MessageId,
    pub quote: String,
    pub said_at: DateTime<Utc>,
}

/// What isn't so any more, as it was worded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Retired {
    kind: Kind,
    words: Words,
    at: DateTime<Utc>,
}

impl Evidence {
    /// These words of a message; `None` where it doesn't hold them just so.
    pub fn of(message_id: MessageId, message: &str, quote: &str, said_at: DateTime<Utc>) -> Option<Self> {
        let is_quote = !quote.trim().is_empty() && quote.chars().count() <= LONGEST_QUOTE && message.contains(quote);
        is_quote.then(|| Self { message_id, quote: quote.to_owned(), said_at })
    }

    fn read(e: &v1::Evidence) -> Option<Self> {
        let said_at = from_timestamp(e.said_at.as_ref()).unwrap_or_default();
        let quote = e.quote.chars().take(LONGEST_QUOTE).collect();
        Some(Self { message_id: e.message_id.parse().ok()?, quote, said_at })
    }
}

impl From<&Evidence> for v1::Evidence {
    fn from(e: &Evidence) -> Self {
        Self { message_id: e.message_id.to_string(), quote: e.quote.clone(), said_at: Some(to_timestamp(e.said_at)) }
    }
}

impl Item {
    pub fn is_open(&self) -> bool {
        self.state == State::Open
    }

    pub fn words(&self) -> Words {
        Words::of(&self.text)
    }
}

impl Memory {
    pub fn get(&self, id: &RememberedId) -> Option<&Item> {
        self.items.iter().find(|item| item.id == *id)
    }

    /// What stands of a kind, in the order of recording.
    pub fn open(&self, kind: Kind) -> impl DoubleEndedIterator<Item = &Item> {
        self.items.iter().filter(move |item| item.id.kind == kind && item.is_open())
    }

    /// What a brain is shown beside goals and facts: of what happened and is not resolved, the latest three, oldest first.
    pub fn latest_milestones(&self) -> impl Iterator<Item = &Item> {
        let skipped = self.open(Kind::Milestone).count().saturating_sub(3);
        self.open(Kind::Milestone).skip(skipped)
    }

    /// A text that was made before, without the sentences that tell what isn't so any more.
    pub fn without_retired(&self, text: &str) -> String {
        let stands = |words: &Words| self.items.iter().any(|item| item.is_open() && item.words().same(words));
        let retired: Vec<&Words> = self.retired.iter().map(|r| &r.words).filter(|words| !stands(words)).collect();
        let is_so = |sentence: &&str| {
            let said = Words::all_of(sentence);
            !retired.iter().any(|words| words.are_in(&said))
        };
        text.split_inclusive(['.', '!', '?', ';', '\n']).filter(is_so).collect::<String>().trim().to_owned()
    }

    /// What both remember, for two contacts that are one person.
    #[must_use]
    pub fn with(&self, other: &Self) -> Self {
        let mut both = self.clone();
        both.items.extend(other.items.iter().cloned());
        both.items.sort_by_key(|item| item.recorded_at);
        both.retired.extend(other.retired.iter().cloned());
        both.searched.extend(&other.searched);
        both.found = both.found.max(other.found);
        both
    }

    pub(super) fn take(&mut self, recorded: &Recorded, event: ContactEvent<'_>) {
        use ContactEvent as E;
        let at = recorded.metadata.at;
        match event {
            E::GoalSet(e) => {
                let item = Item {
                    due_at: from_timestamp(e.due_at.as_ref()),
                    progress: e.progress.min(100),
                    ..match new(&e.goal_id, &e.title, (e.confidence, &e.by), at) {
                        Some(item) => item,
                        None => return,
                    }
                };
                self.add(item, &e.evidence, at);
            }
            E::MilestoneRecorded(e) => {
                let item = Item {
                    goal: e.goal_id.parse().ok(),
                    happened_at: from_timestamp(e.happened_at.as_ref()),
                    ..match new(&e.milestone_id, &e.text, (e.confidence, &e.by), at) {
                        Some(item) => item,
                        None => return,
                    }
                };
                self.add(item, &e.evidence, at);
            }
            E::FactRemembered(e) => {
                if let Some(item) = new(&e.fact_id, &e.text, (e.confidence, &e.by), at) {
                    self.add(item, &e.evidence, at);
                }
            }
            E::GoalChanged(e) => self.goal_changed(e, at),
            E::GoalAchieved(e) => self.end(&e.goal_id, State::Done, &e.evidence, at),
            E::MilestoneResolved(e) => self.end(&e.milestone_id, State::Done, &e.evidence, at),
            E::GoalAbandoned(e) => self.end(&e.goal_id, State::Gone, &e.evidence, at),
            E::MilestoneDismissed(e) => self.end(&e.milestone_id, State::Gone, &e.evidence, at),
            E::FactRetired(e) => self.end(&e.fact_id, State::Gone, &e.evidence, at),
            E::TalkSearched(e) => {
                let Ok(conversation) = e.conversation_id.parse() else { return };
                if self.searched.len() >= SEARCHED_KEPT && !self.searched.contains_key(&conversation) {
                    self.searched.pop_first();
                }
                let through = self.searched.entry(conversation).or_default();
                *through = (*through).max(e.through_position);
            }
            E::ContactChanged(_) | E::ContactArchived(_) | E::ContactMerged(_) | E::ContactSplit(_) => {}
        }
    }

    fn add(&mut self, mut item: Item, evidence: &[v1::Evidence], at: DateTime<Utc>) {
        if self.get(&item.id).is_some() {
            return;
        }
        attest(&mut item, evidence);
        if item.by.starts_with("brain:") {
            let day = at.date_naive();
            self.found = Some(match self.found {
                Some((found_on, count)) if found_on == day => (day, count.saturating_add(1)),
                _ => (day, 1),
            });
        }
        self.items.push(item);
    }

    fn goal_changed(&mut self, e: &v1::GoalChanged, at: DateTime<Utc>) {
        let Ok(id) = e.goal_id.parse::<RememberedId>() else { return };
        let Some(item) = self.items.iter_mut().find(|item| item.id == id) else { return };
        let mut old = None;
        if let Some(title) = e.title.as_ref().filter(|title| **title != item.text) {
            old = Some(item.words());
            item.text = title.chars().take(LONGEST_TEXT).collect();
        }
        item.due_at = from_timestamp(e.due_at.as_ref()).or(item.due_at);
        item.progress = e.progress.unwrap_or(item.progress).min(100);
        item.confidence = e.confidence.unwrap_or(item.confidence).min(100);
        attest(item, &e.evidence);
        self.retired.extend(old.map(|words| Retired { kind: id.kind, words, at }));
    }

    fn end(&mut self, id: &str, state: State, evidence: &[v1::Evidence], at: DateTime<Utc>) {
        let Ok(id) = id.parse::<RememberedId>() else { return };
        let Some(item) = self.items.iter_mut().find(|item| item.id == id && item.is_open()) else { return };
        item.state = state;
        attest(item, evidence);
        if state == State::Gone {
            let words = item.words();
            self.retired.push(Retired { kind: id.kind, words, at });
        }
        let ended = self.items.iter().filter(|item| !item.is_open()).count();
        if ended > ENDED_KEPT
            && let Some(oldest) = self.items.iter().position(|item| !item.is_open())
        {
            self.items.remove(oldest);
        }
    }
}

/// Something new without what only some kinds have; `None` under an id that is none.
fn new(id: &str, text: &str, (confidence, by): (u32, &str), at: DateTime<Utc>) -> Option<Item> {
    Some(Item {
        id: id.parse().ok()?,
        text: text.chars().take(LONGEST_TEXT).collect(),
        state: State::Open,
        goal: None,
        due_at: None,
        happened_at: None,
        progress: 0,
        confidence: confidence.min(100),
        evidence: Vec::new(),
        by: by.to_owned(),
        recorded_at: at,
    })
}

fn attest(item: &mut Item, evidence: &[v1::Evidence]) {
    for one in evidence.iter().filter_map(Evidence::read) {
        if item.evidence.len() < MOST_EVIDENCE && !item.evidence.contains(&one) {
            item.evidence.push(one);
        }
    }
}
