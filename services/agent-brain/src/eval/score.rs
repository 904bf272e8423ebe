//! Whether a talk ended as it should.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use steward_domain::contact::memory::{Item, Kind, State};
use steward_language::{
    DateOrder,
    claims::asks,
    time::{PartsOfDay, TimeContext},
};

use super::{
    Played, Tally,
    format::{Expect, Has, Talk},
    stage::Stage,
};
use crate::{brain::Decision, remembering::Remembering};

/// A time counts as met within this, where a talk doesn't say otherwise: "in an hour" is counted from the writing.
const WITHIN_S: u32 = 60;

pub(super) fn judged(talk: &Talk, stage: &Stage) -> Played {
    let local = |at: &DateTime<Utc>| at.with_timezone(&stage.zone).format("%Y-%m-%dT%H:%M:%S").to_string();
    let mut wrong = Vec::new();
    due_as_expected(talk, stage, &mut wrong);
    for expect in &talk.expect {
        wrong.extend(unmet(expect, stage));
    }
    for decision in &stage.all {
        if talk.forbid.iter().any(|kind| kind == kind_of(decision)) {
            wrong.push(format!("forbidden: {}", kind_of(decision)));
        }
    }
    wrong.extend(stage.degraded.iter().map(|code| format!("no model answered: {code}")));
    Played {
        id: talk.id.clone(),
        lang: talk.lang.clone(),
        ok: wrong.is_empty(),
        wrong,
        pending: stage.due().iter().map(local).collect(),
        did: stage.last.iter().map(|decision| short(decision, stage.zone)).collect(),
        said: stage.said.clone(),
        replies: stage.replies,
        unbacked: stage.unbacked.clone(),
        tally: tally(talk, stage),
    }
}

/// What is pending is what is expected, one for one.
fn due_as_expected(talk: &Talk, stage: &Stage, wrong: &mut Vec<String>) {
    let mut pending = stage.due();
    let mut counted = false;
    for expect in &talk.expect {
        let (Expect::Schedule { due, within_s } | Expect::Move { due, within_s }) = expect else { continue };
        counted = true;
        let within = TimeDelta::seconds(i64::from(within_s.unwrap_or(WITHIN_S)));
        match pending.iter().position(|at| (*at - *due).abs() <= within) {
            Some(at) => drop(pending.remove(at)),
            None => wrong.push(format!("nothing is due at {}", due.with_timezone(&stage.zone).format("%FT%T"))),
        }
        if matches!(expect, Expect::Move { .. }) && stage.before.is_empty() {
            wrong.push("there was nothing to move".to_owned());
        }
    }
    if counted && !pending.is_empty() {
        wrong.push(format!("{} more pending", pending.len()));
    }
}

/// What isn't as it should be, of what is expected beside times.
fn unmet(expect: &Expect, stage: &Stage) -> Option<String> {
    let did = |kind: &str| stage.last.iter().any(|decision| kind_of(decision) == kind);
    let due = stage.due();
    let (is, should, what) = match expect {
        Expect::Schedule { .. } | Expect::Move { .. } => return None,
        Expect::Cancel(should) => (due.len() < stage.promised, *should, "less is promised than was"),
        Expect::Renew(should) => (!due.is_empty() && due == stage.before, *should, "what was promised stands"),
        Expect::Ask(should) => {
            let new = did("schedule") || did("move");
            (asks(&stage.said, &context(stage)) && !new, *should, "the reply asks, and nothing is promised")
        }
        Expect::HandOff(should) => (did("hand_off"), *should, "a person is called"),
        Expect::Silent(should) => (stage.said.is_empty(), *should, "nothing is said"),
        Expect::None(should) => (due.is_empty(), *should, "nothing is pending"),
        Expect::OptOut(should) => (stage.state.opted_out, *should, "the client is written to no more"),
        Expect::Goal(has) => return unfound(Kind::Goal, has, stage),
        Expect::Milestone(has) => return unfound(Kind::Milestone, has, stage),
    };
    (is != should).then(|| format!("{}: {what}", if should { "not so" } else { "so, but shouldn't be" }))
}

fn context(stage: &Stage) -> TimeContext {
    TimeContext {
        written_at: stage.now,
        zone: stage.zone,
        language: stage.language,
        date_order: DateOrder::default(),
        followup_hour: 10,
        parts_of_day: PartsOfDay::default(),
    }
}

/// Why what should be remembered isn't.
fn unfound(kind: Kind, has: &Has, stage: &Stage) -> Option<String> {
    let items = || stage.known.memory.items.iter().filter(|item| item.id.kind == kind);
    let Some(item) = items().find(|item| holds(item, has)) else {
        return Some(format!("no {} holds {:?}", kind.name(), has.has));
    };
    let wanted = has.more.get("state").and_then(|state| state.as_str());
    if wanted.is_some_and(|wanted| wanted != state_name(item)) {
        return Some(format!("{:?} is {}", has.has, state_name(item)));
    }
    let quote = has.more.get("quote").and_then(|quote| quote.as_str());
    let exact = quote.is_none_or(|quote| item.evidence.iter().any(|evidence| evidence.quote == quote));
    (!exact).then(|| format!("{:?} was found in other words", has.has))
}

/// Whether something remembered holds these words, in whatever case.
fn holds(item: &Item, has: &Has) -> bool {
    item.text.to_lowercase().contains(&has.has.to_lowercase())
}

fn state_name(item: &Item) -> &'static str {
    match (item.id.kind, item.state) {
        (Kind::Goal, State::Open) => "open",
        (Kind::Goal, State::Done) => "achieved",
        (Kind::Goal, State::Gone) => "abandoned",
        (Kind::Milestone, State::Open) => "active",
        (Kind::Milestone, State::Done) => "resolved",
        (Kind::Milestone, State::Gone) => "dismissed",
        (Kind::Fact, State::Gone) => "retired",
        (Kind::Fact, _) => "known",
    }
}

/// How goals and milestones were found: each found one is right if it is expected, and each expected one is to be found.
fn tally(talk: &Talk, stage: &Stage) -> Tally {
    let mut tally = Tally::default();
    let expected: Vec<(Kind, &Has)> = talk
        .expect
        .iter()
        .filter_map(|expect| match expect {
            Expect::Goal(has) => Some((Kind::Goal, has)),
            Expect::Milestone(has) => Some((Kind::Milestone, has)),
            _ => None,
        })
        .collect();
    let mut missing = expected.clone();
    tally.expected = expected.len();
    for item in stage.known.memory.items.iter().filter(|item| item.id.kind != Kind::Fact) {
        tally.found += 1;
        if let Some(at) = missing.iter().position(|(kind, has)| *kind == item.id.kind && holds(item, has)) {
            missing.swap_remove(at);
            tally.right += 1;
            tally.exact += usize::from(item.evidence.iter().all(|e| stage.client_said(&e.quote)));
        }
    }
    tally
}

/// As the sets name it.
fn kind_of(decision: &Decision) -> &'static str {
    match decision {
        Decision::Reply { .. } => "reply",
        Decision::Withhold { .. } => "withhold",
        Decision::Schedule { .. } => "schedule",
        Decision::Renew { .. } | Decision::Restore { .. } => "renew",
        Decision::Move { .. } => "move",
        Decision::Retopic { .. } => "retopic",
        Decision::Cancel { .. } => "cancel",
        Decision::RequestHuman { .. } => "hand_off",
        Decision::Ask { .. } => "ask",
        Decision::OptOut { .. } => "opt_out",
        Decision::OptIn { .. } => "opt_in",
        Decision::Book { .. } => "book",
        Decision::Intent { .. } => "intent",
        Decision::Remember(it) => match (&**it, it.kind()) {
            (Remembering::End { .. }, _) => "forget",
            (_, Kind::Goal) => "goal",
            (_, Kind::Milestone) => "milestone",
            (_, Kind::Fact) => "fact",
        },
    }
}

fn short(decision: &Decision, zone: Tz) -> String {
    let kind = kind_of(decision);
    match decision {
        Decision::Schedule { due_at, .. } | Decision::Move { due_at, .. } => {
            format!("{kind} {}", due_at.with_timezone(&zone).format("%Y-%m-%dT%H:%M"))
        }
        Decision::Book { starts_at, .. } => {
            format!("{kind} {}", starts_at.with_timezone(&zone).format("%Y-%m-%dT%H:%M"))
        }
        _ => kind.to_owned(),
    }
}
