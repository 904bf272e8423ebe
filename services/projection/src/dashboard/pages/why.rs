//! Why something was sent or not: one sentence, and the chain of what led to it.

use serde_json::Value;
use steward_domain::told;
use steward_http::Problem;
use steward_proto::{Event, from_timestamp, v1};

use super::{
    super::{
        viewer::Viewer,
        when::{Clock, place},
    },
    Chip, because, beginning,
};
use crate::{
    models::{
        EventRow,
        conversations::{follow_ups::FollowUpView, messages::MessageView},
    },
    read::{Params, snapshot::Snapshot, timeline},
};

/// The answer to "why?" about one thing.
pub struct Why {
    pub chip: Chip,
    /// What stands behind the state's word.
    pub because: String,
    pub steps: Vec<Step>,
}

/// One step of the chain, oldest first.
pub struct Step {
    pub said: String,
    /// How words of time were understood.
    pub understood: String,
    pub time: String,
    pub exact: String,
    pub deciding: bool,
    pub checks: Vec<Check>,
    pub position: u64,
    pub actor: String,
    pub json: String,
}

/// What was looked at before sending.
pub struct Check {
    pub name: String,
    pub value: String,
}

/// What is asked about.
pub enum About<'a> {
    Promise(&'a FollowUpView),
    Message(&'a MessageView),
}

/// Most events of a chain.
const MOST: &str = "200";

impl Why {
    /// # Errors
    /// 503 when Postgres doesn't answer.
    pub async fn of(
        about: About<'_>,
        conversation: &str,
        (viewer, snapshot, clock): (&Viewer, &Snapshot<'_>, Clock),
        (who, at): (&str, Option<u64>),
    ) -> Result<Self, Problem> {
        let (state, reason, name, id) = match &about {
            About::Promise(f) => (&f.state, f.reason.as_ref(), "follow_up_id", &f.id),
            About::Message(m) => (&m.state, m.reason.as_ref(), "message_id", &m.id),
        };
        // A message of a promise has the promise's history.
        let (name, id) = match &about {
            About::Message(MessageView { follow_up_id: Some(follow_up), .. }) => ("follow_up_id", follow_up),
            _ => (name, id),
        };
        let mut asked = vec![("limit", MOST.to_owned()), (name, id.clone())];
        if let Some(at) = at {
            asked.push(("before", (at.saturating_add(1)).to_string()));
        }
        let (mut events, _) =
            timeline::with_runs(snapshot, &viewer.caller, conversation, Params::of(asked)).await?.into_parts();
        if reason.is_some_and(|reason| reason.code == "human_active") {
            events.extend(takeover(&events, conversation, (viewer, snapshot, at)).await?);
            events.sort_by_key(|event| std::cmp::Reverse(event.position));
        }
        events.reverse();
        let reason_event = reason.and_then(|reason| reason.event_id.clone()).filter(|id| !id.is_empty());
        let mut steps: Vec<Step> =
            events.iter().filter_map(|row| step(row, (viewer, clock, who), reason_event.as_deref())).collect();
        if !steps.iter().any(|step| step.deciding)
            && let Some(last) = steps.last_mut()
        {
            last.deciding = true;
        }
        let because = reason.map(|reason| because(reason, who, viewer.words)).unwrap_or_default();
        let state = if matches!(about, About::Promise(_)) && state == "due" { "pending" } else { state };
        Ok(Self { chip: Chip::of(state, viewer.words), because, steps })
    }
}

impl Why {
    /// Of words of the bot's that never were a message, since a person answered: what they would have answered, who answered instead.
    ///
    /// # Errors
    /// 503 when Postgres doesn't answer.
    pub async fn of_draft(
        draft: &EventRow,
        conversation: &str,
        (viewer, snapshot, clock): (&Viewer, &Snapshot<'_>, Clock),
        who: &str,
    ) -> Result<Self, Problem> {
        let before = draft.position.saturating_add(1).to_string();
        let mut steps = Vec::new();
        let mut because = String::new();
        for kind in ["HumanTakeoverStarted", "ClientResponded"] {
            let asked = [("limit", "1".to_owned()), ("type", kind.to_owned()), ("before", before.clone())];
            let page = timeline::page(snapshot, &viewer.caller, conversation, Params::of(asked)).await?;
            steps.extend(page.into_parts().0);
        }
        steps.sort_by_key(|event| event.position);
        let mut steps: Vec<Step> = steps.iter().filter_map(|row| step(row, (viewer, clock, who), None)).collect();
        if let Some(mut last) = step(draft, (viewer, clock, who), None) {
            last.deciding = true;
            steps.push(last);
        }
        if let Ok(Event::DraftSuppressed(e)) = Event::decode(&draft.type_name, draft.schema_version, &draft.payload) {
            because =
                e.reason.as_ref().map(|reason| self::because(&reason.into(), who, viewer.words)).unwrap_or_default();
        }
        Ok(Self { chip: Chip::saying("cancelled", viewer.w.not_sent.to_owned()), because, steps })
    }
}

/// The takeover during which something came to its end, unless it is among the events already, newest first.
async fn takeover(
    events: &[EventRow],
    conversation: &str,
    (viewer, snapshot, at): (&Viewer, &Snapshot<'_>, Option<u64>),
) -> Result<Option<EventRow>, Problem> {
    let ends = ["FollowUpCancelled", "MessageCancelled", "DraftSuppressed"];
    let ended = events.iter().find(|event| ends.contains(&event.type_name.as_str())).map(|event| event.position);
    let mut asked = vec![("limit", "1".to_owned()), ("type", "HumanTakeoverStarted".to_owned())];
    if let Some(until) = ended.or(at) {
        asked.push(("before", until.saturating_add(1).to_string()));
    }
    let (found, _) = timeline::page(snapshot, &viewer.caller, conversation, Params::of(asked)).await?.into_parts();
    let known = |one: &EventRow| events.iter().any(|event| event.position == one.position);
    Ok(found.into_iter().find(|one| !known(one)))
}

/// What happened, as the chat says it; `None`: the log's own sentence does.
fn said(event: &Event, (viewer, clock, who): (&Viewer, Clock, &str)) -> Option<String> {
    let words = viewer.words;
    let moment = |at| from_timestamp(at).map(|at| clock.moment(at)).unwrap_or_default();
    Some(match event {
        Event::ClientResponded(e) if !e.text.is_empty() => format!("{who}: “{}”", beginning(&e.text, STEP)),
        Event::FollowUpScheduled(e) => words.promised(&moment(e.due_at.as_ref()), &e.topic),
        Event::FollowUpMoved(e) => words.moved_to(&moment(e.due_at.as_ref())),
        Event::FollowUpCancelled(e) => {
            words.cancelled_since(&e.reason.as_ref().map(|r| because(&r.into(), who, words)).unwrap_or_default())
        }
        Event::MessageQueued(v1::MessageQueued { message: Some(m) }) if m.author == "bot" => {
            format!("{}: “{}”", viewer.w.bot, beginning(&m.text, STEP))
        }
        Event::FollowUpDue(v1::FollowUpDue { message: Some(m), .. }) => {
            format!("{}: “{}”", viewer.w.bot, beginning(&m.text, STEP))
        }
        Event::MessageCancelled(e) => {
            words.cancelled_since(&e.reason.as_ref().map(|r| because(&r.into(), who, words)).unwrap_or_default())
        }
        Event::DraftSuppressed(e) => format!("{}: “{}”", viewer.w.not_sent, beginning(&e.text, STEP)),
        Event::DispatchStarted(_) => words.state("claimed").to_owned(),
        Event::DispatchSucceeded(_) => words.state("sent").to_owned(),
        Event::HumanTakeoverStarted(e) => words.took_over(e.by.trim_start_matches("operator:")),
        _ => return None,
    })
}

/// What the client's words of time were taken for, and by which rule.
fn understood(event: &Event, viewer: &Viewer, clock: Clock) -> String {
    let (phrase, due_at, rule) = match event {
        Event::FollowUpScheduled(e) => (&e.phrase, &e.due_at, &e.rule),
        Event::FollowUpMoved(e) => (&e.phrase, &e.due_at, &e.rule),
        _ => return String::new(),
    };
    let Some(due_at) = from_timestamp(due_at.as_ref()).filter(|_| !phrase.is_empty()) else { return String::new() };
    let there = viewer.words.there(&clock.hour(due_at), &place(clock.zone));
    format!("“{}” = {} ({})", beginning(phrase, STEP), viewer.words.at(&clock.date(due_at), &there), spoken(rule))
}

/// How much of a text a step shows, in characters.
const STEP: usize = 160;

fn step(row: &EventRow, (viewer, clock, who): (&Viewer, Clock, &str), deciding: Option<&str>) -> Option<Step> {
    let event = Event::decode(&row.type_name, row.schema_version, &row.payload).ok()?;
    // What the bot's work is made of says nothing to a person; the rest stands in the log.
    if matches!(event, Event::TurnStarted(_) | Event::TurnCompleted(_)) {
        return None;
    }
    let data = steward_proto::event_json(&row.type_name, &row.payload);
    let checks = match &event {
        Event::DispatchStarted(e) => {
            e.checks.iter().map(|check| Check { name: spoken(&check.name), value: check.value.clone() }).collect()
        }
        _ => Vec::new(),
    };
    Some(Step {
        said: said(&event, (viewer, clock, who)).unwrap_or_else(|| told::summary(&event, viewer.looks.language)),
        understood: understood(&event, viewer, clock),
        time: clock.moment(row.at),
        exact: super::super::when::exact(row.at),
        deciding: deciding.is_some_and(|id| row.event_id.to_string() == id),
        checks,
        position: row.position,
        actor: row.actor.clone(),
        json: pretty(&data),
    })
}

/// A name of the code's, as words.
fn spoken(name: &str) -> String {
    name.replace('_', " ")
}

/// Longest event shown, in characters.
const LONGEST: usize = 4_000;

fn pretty(data: &Value) -> String {
    serde_json::to_string_pretty(data).unwrap_or_default().chars().take(LONGEST).collect()
}
