//! What a turn backs: its decisions, and what stood before them.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use steward_domain::{contact::memory::Kind, ids::FollowUpId};
use steward_language::understanding::Intent;

use super::{Backed, Backing};
use crate::brain::{Decision, Promise, TurnInput};

impl Backing {
    /// What a reply may say that goes out with these decisions. Of appointments, those that the turn makes
    /// are among it.
    pub fn of(input: &TurnInput, decisions: &[Decision]) -> Self {
        let mut backing = Self::none(input.now, input.zone, input.language);
        let (mut moved, mut gone, mut renewed) = (HashMap::new(), HashSet::new(), HashSet::new());
        for decision in decisions {
            match decision {
                Decision::Move { follow_up_id, due_at, .. } => drop(moved.insert(*follow_up_id, *due_at)),
                Decision::Cancel { follow_up_id } => drop(gone.insert(*follow_up_id)),
                Decision::Renew { follow_up_id } | Decision::Restore { follow_up_id } => {
                    renewed.insert(*follow_up_id);
                }
                Decision::RequestHuman { .. } => backing.handed_off = true,
                Decision::Remember(it) if it.kind() == Kind::Goal => backing.goals = true,
                Decision::Remember(_) => backing.remembered = true,
                Decision::Schedule { due_at, intention, topic, .. } => {
                    backing.promised.push(named(*due_at, topic, None, intention));
                }
                Decision::Book { title, starts_at, .. } => backing.booked.push(Backed::new(*starts_at, title, "")),
                Decision::Reply { .. }
                | Decision::Withhold { .. }
                | Decision::Retopic { .. }
                | Decision::Ask { .. }
                | Decision::OptOut { .. }
                | Decision::OptIn { .. }
                | Decision::Intent { .. } => {}
            }
        }
        // What a promise that isn't there any more was made anew for is as good as moved.
        let anew = backing.promised.clone();
        let back = input.taken_back.iter().flat_map(|taken| &taken.promises);
        let stood = input.pending.iter().map(|p| (p, true));
        let others = input.cancelled.iter().chain(back).map(|p| (p, false));
        for (promise, stands) in stood.chain(others) {
            let id = promise.follow_up_id;
            let is_in = |ids: &HashSet<FollowUpId>| id.is_some_and(|id| ids.contains(&id));
            if let Some(due_at) = id.and_then(|id| moved.get(&id)) {
                backing.moved.push(of(promise, *due_at));
            } else if is_in(&gone) {
                backing.cancelled.push(of(promise, promise.due_at));
            } else if is_in(&renewed) || stands {
                backing.promised.push(of(promise, promise.due_at));
            } else {
                backing.cancelled.push(of(promise, promise.due_at));
            }
        }
        if !backing.cancelled.is_empty() {
            backing.moved.extend(anew);
        }
        backing.known_texts.extend(input.messages.iter().map(|m| m.text.clone()));
        backing.known_texts.extend(input.memory.items.iter().map(|item| item.text.clone()));
        backing.known_texts.extend(input.unsaid.iter().map(|unsaid| unsaid.text.clone()));
        backing.known_texts.extend(input.stretch.iter().flat_map(|s| &s.lines).map(|line| line.text.clone()));
        let topics: Vec<String> = backing.all().map(|b| b.topic.clone()).filter(|topic| !topic.is_empty()).collect();
        backing.known_texts.extend(topics);
        backing
    }
}

fn of(promise: &Promise, when: DateTime<Utc>) -> Backed {
    named(when, &promise.topic, promise.follow_up_id, &promise.intention)
}

fn named(when: DateTime<Utc>, topic: &str, id: Option<FollowUpId>, intention: &str) -> Backed {
    let intent = if intention == "remind" { Intent::Remind } else { Intent::Write };
    Backed { when, topic: topic.to_owned(), id: id.map(|id| id.to_string()).unwrap_or_default(), intent }
}
