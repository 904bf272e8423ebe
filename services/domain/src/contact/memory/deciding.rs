//! Deciding what is remembered: set, corrected, resolved, merged, removed.

use chrono::{DateTime, Utc};
use steward_proto::{Event, to_timestamp, v1};

use super::{
    super::Refused, Evidence, Item, Kind, LONGEST_TEXT, MOST_A_DAY, MOST_EVIDENCE, MOST_OPEN, Memory, RememberedId,
    Words,
};
use crate::ids::{self, TurnId};

/// Whose word something is set on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// A person of ours says so: it is so, whatever was retired before.
    Commanded,
    /// The contact said so in a message that is being answered: it counts if it was said after the like was retired.
    Said,
    /// Somebody concludes it from what was said: nothing like what was ever retired or done is set again.
    Inferred,
}

/// Something to be remembered.
#[derive(Debug, Clone, PartialEq)]
pub struct NewItem {
    pub id: RememberedId,
    pub text: String,
    /// Of a milestone.
    pub goal: Option<RememberedId>,
    /// When a goal is to be reached, or a milestone happened.
    pub at: Option<DateTime<Utc>>,
    /// Of a goal, in percent.
    pub progress: u32,
    pub evidence: Vec<Evidence>,
    /// Percent.
    pub confidence: u32,
    pub by: String,
    pub turn_id: Option<TurnId>,
    pub word: Word,
}

/// What is to be corrected; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Changes {
    pub text: Option<String>,
    /// A goal's due time, or when a milestone happened.
    pub at: Option<DateTime<Utc>>,
    pub progress: Option<u32>,
    pub confidence: Option<u32>,
    pub evidence: Vec<Evidence>,
    pub by: String,
    pub turn_id: Option<TurnId>,
}

/// How something ends.
#[derive(Debug, Clone, PartialEq)]
pub struct Ending {
    /// Achieved or resolved; else it is gone.
    pub done: bool,
    /// Why it is gone: a stable code, and words.
    pub code: &'static str,
    pub words: String,
    pub evidence: Vec<Evidence>,
    pub by: String,
    pub turn_id: Option<TurnId>,
    /// What stands for it from now on.
    pub instead: Option<RememberedId>,
}

impl Memory {
    /// Sets something new. Nothing where it is known already, or was retired and may not come back.
    ///
    /// # Errors
    /// There is nothing in it, or too much is remembered.
    pub fn remember(&self, now: DateTime<Utc>, new: &NewItem) -> Result<Option<Event>, Refused> {
        let (kind, words) = (new.id.kind, Words::of(&new.text));
        checked(&new.text, &words)?;
        if self.get(&new.id).is_some() {
            return Ok(None);
        }
        if let Some(known) = self.open(kind).find(|item| item.words().same(&words)) {
            return Ok(self.more_of(known, new));
        }
        let said_at = new.evidence.iter().map(|e| e.said_at).max();
        let of_kind = || self.retired.iter().filter(|r| r.kind == kind && r.words.alike(&words));
        let back = match new.word {
            Word::Commanded => true,
            Word::Said => of_kind().all(|retired| said_at.is_some_and(|said_at| said_at > retired.at)),
            Word::Inferred => {
                let done = |item: &Item| item.id.kind == kind && !item.is_open() && item.words().alike(&words);
                of_kind().next().is_none() && !self.items.iter().any(done)
            }
        };
        if !back {
            return Ok(None);
        }
        if self.open(kind).count() >= MOST_OPEN {
            return Err(Refused::TooMuchRemembered { most: MOST_OPEN });
        }
        if new.word != Word::Commanded && self.left_today(now) == 0 {
            return Err(Refused::EnoughForToday { most: MOST_A_DAY });
        }
        Ok(Some(new.event()))
    }

    /// How much brains may still find today.
    pub fn left_today(&self, now: DateTime<Utc>) -> u32 {
        match self.found {
            Some((day, count)) if day == now.date_naive() => MOST_A_DAY.saturating_sub(count),
            _ => MOST_A_DAY,
        }
    }

    /// What somebody says again of a goal may say when, and is more evidence. All else is known.
    fn more_of(&self, known: &Item, new: &NewItem) -> Option<Event> {
        let at = new.at.filter(|at| known.due_at != Some(*at) && known.id.kind == Kind::Goal)?;
        Some(
            v1::GoalChanged {
                goal_id: known.id.to_string(),
                due_at: Some(to_timestamp(at)),
                evidence: listed(&new.evidence),
                by: new.by.clone(),
                turn_id: ids::or_empty(new.turn_id),
                ..Default::default()
            }
            .into(),
        )
    }

    /// Corrects what stands: the old is retired for good. A milestone or a fact becomes another, under the id `anew`.
    ///
    /// # Errors
    /// It isn't there, or no more, or nothing is said in its stead.
    pub fn correct(&self, id: &RememberedId, changes: &Changes, anew: RememberedId) -> Result<Vec<Event>, Refused> {
        let item = self.standing(id)?;
        if let Some(text) = &changes.text {
            checked(text, &Words::of(text))?;
        }
        let text = changes.text.as_ref().filter(|text| **text != item.text);
        let confidence = changes.confidence.filter(|it| *it != item.confidence);
        if id.kind == Kind::Goal {
            let at = changes.at.filter(|at| item.due_at != Some(*at));
            let progress = changes.progress.filter(|it| *it != item.progress);
            if text.is_none() && at.is_none() && progress.is_none() && confidence.is_none() {
                return Ok(Vec::new());
            }
            return Ok(vec![
                v1::GoalChanged {
                    goal_id: id.to_string(),
                    title: text.cloned(),
                    due_at: at.map(to_timestamp),
                    progress,
                    confidence,
                    evidence: listed(&changes.evidence),
                    by: changes.by.clone(),
                    turn_id: ids::or_empty(changes.turn_id),
                }
                .into(),
            ]);
        }
        let at = changes.at.filter(|at| item.happened_at != Some(*at) && id.kind == Kind::Milestone);
        if text.is_none() && at.is_none() && confidence.is_none() {
            return Ok(Vec::new());
        }
        let mut evidence = item.evidence.clone();
        evidence.extend(changes.evidence.iter().cloned());
        evidence.truncate(MOST_EVIDENCE);
        let new = NewItem {
            id: RememberedId { contact: id.contact, kind: id.kind, unique: anew.unique },
            text: text.unwrap_or(&item.text).clone(),
            goal: item.goal,
            at: changes.at.or(item.happened_at),
            progress: 0,
            evidence,
            confidence: confidence.unwrap_or(item.confidence),
            by: changes.by.clone(),
            turn_id: changes.turn_id,
            word: Word::Commanded,
        };
        let ending = Ending {
            done: false,
            code: "corrected",
            words: String::new(),
            evidence: Vec::new(),
            by: changes.by.clone(),
            turn_id: changes.turn_id,
            instead: Some(new.id),
        };
        Ok(vec![ending.event(id), replacing(new.event(), id)])
    }

    /// Ends what stands.
    ///
    /// # Errors
    /// It isn't there, or has ended otherwise.
    pub fn end_of(&self, id: &RememberedId, ending: &Ending) -> Result<Vec<Event>, Refused> {
        if ending.done && id.kind == Kind::Fact {
            return Err(Refused::NothingToResolve);
        }
        let wanted = if ending.done { super::State::Done } else { super::State::Gone };
        if self.get(id).is_some_and(|item| item.state == wanted) {
            return Ok(Vec::new());
        }
        self.standing(id)?;
        Ok(vec![ending.event(id)])
    }

    /// Two of a kind are one: `into` stands for it, with its evidence where that is a goal.
    ///
    /// # Errors
    /// One of them isn't there or has ended, or they aren't of one kind.
    pub fn merge(&self, id: &RememberedId, into: &RememberedId, by: &str) -> Result<Vec<Event>, Refused> {
        let (one, other) = (self.standing(id)?, self.standing(into)?);
        if id == into || id.kind != into.kind {
            return Err(Refused::NotOfAKind);
        }
        let ending = Ending {
            done: false,
            code: "merged",
            words: String::new(),
            evidence: Vec::new(),
            by: by.to_owned(),
            turn_id: None,
            instead: Some(*into),
        };
        let mut events = vec![ending.event(id)];
        if id.kind == Kind::Goal && !(one.evidence.is_empty() && one.due_at.is_none()) {
            events.push(
                v1::GoalChanged {
                    goal_id: into.to_string(),
                    due_at: other.due_at.or(one.due_at).map(to_timestamp),
                    evidence: listed(&one.evidence),
                    by: by.to_owned(),
                    ..Default::default()
                }
                .into(),
            );
        }
        Ok(events)
    }

    fn standing(&self, id: &RememberedId) -> Result<&Item, Refused> {
        match self.get(id) {
            None => Err(Refused::UnknownRemembered { id: id.to_string() }),
            Some(item) if !item.is_open() => Err(Refused::NoLongerRemembered { id: id.to_string() }),
            Some(item) => Ok(item),
        }
    }
}

impl NewItem {
    fn event(&self) -> Event {
        let (id, text) = (self.id.to_string(), self.text.clone());
        let (evidence, confidence) = (listed(&self.evidence), self.confidence.min(100));
        let (by, turn_id) = (self.by.clone(), ids::or_empty(self.turn_id));
        match self.id.kind {
            Kind::Goal => v1::GoalSet {
                goal_id: id,
                title: text,
                due_at: self.at.map(to_timestamp),
                progress: self.progress.min(100),
                evidence,
                confidence,
                by,
                turn_id,
            }
            .into(),
            Kind::Milestone => v1::MilestoneRecorded {
                milestone_id: id,
                goal_id: self.goal.map(|goal| goal.to_string()).unwrap_or_default(),
                text,
                happened_at: self.at.map(to_timestamp),
                evidence,
                confidence,
                by,
                turn_id,
                replaces: String::new(),
            }
            .into(),
            Kind::Fact => {
                v1::FactRemembered { fact_id: id, text, evidence, confidence, by, turn_id, replaces: String::new() }
                    .into()
            }
        }
    }
}

impl Ending {
    fn event(&self, id: &RememberedId) -> Event {
        let (kind, id) = (id.kind, id.to_string());
        let evidence = listed(&self.evidence);
        let (by, turn_id) = (self.by.clone(), ids::or_empty(self.turn_id));
        let why = v1::Reason { code: self.code.to_owned(), text: self.words.clone(), event_id: String::new() };
        let (reason, instead) = (Some(why), self.instead.map(|it| it.to_string()).unwrap_or_default());
        match (kind, self.done) {
            (Kind::Goal, true) => v1::GoalAchieved { goal_id: id, evidence, by, turn_id }.into(),
            (Kind::Milestone, true) => v1::MilestoneResolved { milestone_id: id, evidence, by, turn_id }.into(),
            (Kind::Goal, false) => {
                v1::GoalAbandoned { goal_id: id, reason, evidence, by, turn_id, merged_into: instead }.into()
            }
            (Kind::Milestone, false) => {
                v1::MilestoneDismissed { milestone_id: id, reason, evidence, by, turn_id, replaced_by: instead }.into()
            }
            (Kind::Fact, _) => {
                v1::FactRetired { fact_id: id, reason, evidence, by, turn_id, replaced_by: instead }.into()
            }
        }
    }
}

fn replacing(event: Event, id: &RememberedId) -> Event {
    match event {
        Event::MilestoneRecorded(e) => v1::MilestoneRecorded { replaces: id.to_string(), ..e }.into(),
        Event::FactRemembered(e) => v1::FactRemembered { replaces: id.to_string(), ..e }.into(),
        other => other,
    }
}

fn checked(text: &str, words: &Words) -> Result<(), Refused> {
    if words.is_empty() || text.chars().count() > LONGEST_TEXT {
        return Err(Refused::NothingToRemember { most: LONGEST_TEXT });
    }
    Ok(())
}

fn listed(evidence: &[Evidence]) -> Vec<v1::Evidence> {
    evidence.iter().take(MOST_EVIDENCE).map(Into::into).collect()
}
