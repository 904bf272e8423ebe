//! `/live`: the log as sentences, newest first; what one message led to is one group.

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use steward_domain::told;
use steward_http::{ApiQuery, Problem};
use steward_proto::Event;

use super::{
    super::{Dashboard, Page, frame::Frame, html, viewer::Viewer, when},
    called,
};
use crate::{
    models::{EventRow, conversations::read, conversations_of, events_linked, events_page},
    read::{Params, snapshot::Snapshot},
};

/// How many events are shown, and how many are looked through for words.
const MOST: usize = 200;
const LOOKED_THROUGH: usize = 1_000;

/// The kinds of events that are told apart, by their names in addresses.
const KINDS: [(&str, &[&str]); 5] = [
    ("messages", &["ClientResponded", "HumanResponded", "MessageQueued", "DraftSuppressed", "RequestEdited"]),
    (
        "promises",
        &[
            "FollowUpScheduled",
            "FollowUpMoved",
            "FollowUpTextChanged",
            "FollowUpDue",
            "FollowUpCancelled",
            "FollowUpExpired",
            "FollowUpDone",
            "FollowUpFailed",
        ],
    ),
    (
        "sending",
        &[
            "MessageHeld",
            "MessageApproved",
            "MessageReleased",
            "MessageEdited",
            "MessageMoved",
            "MessageDue",
            "MessageCancelled",
            "MessageExpired",
            "MessageRetried",
            "SendDeferred",
            "DispatchStarted",
            "DispatchSucceeded",
            "DispatchFailed",
            "DispatchDeferred",
            "DispatchUnknown",
            "DeliveryReported",
            "BreakerTripped",
            "BreakerReset",
        ],
    ),
    (
        "people",
        &[
            "HumanRequested",
            "HumanTakeoverStarted",
            "HumanTakeoverEnded",
            "HumanResponded",
            "ContactOptedOut",
            "ContactOptedIn",
            "ContactChanged",
            "ContactArchived",
            "ContactMerged",
            "ContactSplit",
            "RecipientBlocked",
            "RecipientUnblocked",
            "ApiKeyCreated",
            "ApiKeyRevoked",
            "SessionBegun",
            "SessionEnded",
        ],
    ),
    (
        "brain",
        &[
            "TurnStarted",
            "TurnCompleted",
            "TurnSuperseded",
            "ModelCallStarted",
            "ModelCallCompleted",
            "ModelCallFailed",
            "ToolCallStarted",
            "ToolCallReturned",
            "BrainUnavailable",
            "BrainChosen",
            "BudgetNearlySpent",
            "BudgetExhausted",
            "ClaimCorrected",
        ],
    ),
];

/// What is a step on the way to something that is told anyway, and so isn't important.
const STEPS: [&str; 11] = [
    "TurnStarted",
    "TurnCompleted",
    "TurnSuperseded",
    "ModelCallStarted",
    "ModelCallCompleted",
    "ToolCallStarted",
    "ToolCallReturned",
    "MessageDue",
    "DispatchStarted",
    "DeliveryReported",
    "BrainChosen",
];

/// Who did it, as the beginning of an actor.
const ACTORS: [(&str, &str); 3] = [("client", "client:*"), ("person", "operator:*"), ("itself", "service:*")];

#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    actor: String,
    #[serde(default)]
    conversation: String,
    #[serde(default)]
    q: String,
    /// `1`: not only what is important.
    #[serde(default)]
    all: String,
    before: Option<u64>,
    /// The position of the event that is opened.
    event: Option<u64>,
}

struct Group {
    id: String,
    time: String,
    exact: String,
    said: String,
    conversation: String,
    who: String,
    count: String,
    only_path: String,
    steps: Vec<Step>,
}

struct Step {
    time: String,
    said: String,
    position: u64,
    path: String,
}

/// An event that is opened.
struct Opened {
    step: Step,
    type_name: String,
    actor: String,
    exact: String,
    json: String,
    causes: Vec<Step>,
    effects: Vec<Step>,
}

struct Choice {
    value: &'static str,
    name: &'static str,
    here: bool,
}

#[derive(Template)]
#[template(path = "live.html")]
struct Live {
    f: Frame,
    groups: Vec<Group>,
    kinds: Vec<Choice>,
    actors: Vec<Choice>,
    q: String,
    all: bool,
    /// The conversation whose events alone are shown, by its id and name.
    only: Option<(String, String)>,
    everybody: String,
    older: Option<String>,
    opened: Option<Opened>,
    closed: String,
    empty: String,
}

impl Asked {
    /// The address of the same with something changed.
    fn path(&self, changed: &[(&str, String)]) -> String {
        let own = [
            ("kind", &self.kind),
            ("actor", &self.actor),
            ("conversation", &self.conversation),
            ("q", &self.q),
            ("all", &self.all),
        ];
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in own {
            let value = changed.iter().find(|(changed, _)| *changed == name).map_or(value, |(_, value)| value);
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        for (name, value) in changed.iter().filter(|(name, _)| ["before", "event"].contains(name)) {
            query.append_pair(name, value);
        }
        format!("/live?{}", query.finish())
    }

    /// The names of the events that are asked for; `None`: all.
    fn types(&self) -> Option<Vec<&'static str>> {
        let all = self.all == "1";
        let kind = KINDS.iter().find(|(name, _)| *name == self.kind);
        let important = |name: &&str| all || !STEPS.contains(name);
        match kind {
            // Who asks for the bot's work wants its steps.
            Some(("brain", names)) => Some(names.to_vec()),
            Some((_, names)) => Some(names.iter().copied().filter(important).collect()),
            None if all => None,
            None => Some(Event::TYPES.iter().copied().filter(important).collect()),
        }
    }
}

pub async fn list(State(dashboard): State<Dashboard>, viewer: Viewer, ApiQuery(mut asked): ApiQuery<Asked>) -> Page {
    let w = viewer.w;
    let mut reading = dashboard.desk.begin(&viewer.caller).await?;
    let snapshot = reading.snapshot().await?;
    let f = Frame::of(&viewer, &dashboard, &snapshot, ("/live", w.live.to_owned())).await?;
    asked.q = asked.q.trim().chars().take(200).collect();
    let (rows, mut older) = rows(&snapshot, &viewer, &asked).await?;
    let newest = rows.first().map(|row| row.position);
    let names = names(&snapshot, &viewer, &rows, &asked.conversation).await?;
    let mut groups: Vec<(uuid::Uuid, Vec<EventRow>)> = Vec::new();
    let mut places = HashMap::new();
    for row in rows {
        let place = *places.entry(row.correlation_id).or_insert_with(|| {
            groups.push((row.correlation_id, Vec::new()));
            groups.len() - 1
        });
        groups[place].1.push(row);
    }
    // The page's end cuts the last group: it stands whole on the next page, unless that would begin where this one does.
    let of_last = groups.last().and_then(|(_, rows)| rows.iter().map(|row| row.position).max());
    if older.is_some() && of_last < newest {
        groups.pop();
        older = of_last.map(|last| last + 1);
    }
    let groups: Vec<Group> =
        groups.into_iter().filter_map(|(id, rows)| group(id, &rows, (&viewer, &asked, &names))).collect();
    let opened = match asked.event {
        Some(position) => events_linked(&snapshot, &viewer.caller, position).await?.map(|linked| {
            let step = |row: &EventRow| step(row, &viewer, &asked);
            let data = steward_proto::event_json(&linked.event.type_name, &linked.event.payload);
            Opened {
                step: step(&linked.event),
                exact: when::exact(linked.event.at),
                json: serde_json::to_string_pretty(&data).unwrap_or_default().chars().take(LONGEST).collect(),
                causes: linked.causes.iter().map(step).collect(),
                effects: linked.effects.iter().map(step).collect(),
                type_name: linked.event.type_name,
                actor: linked.event.actor,
            }
        }),
        None => None,
    };
    let filtered = !(asked.kind.is_empty() && asked.actor.is_empty() && asked.conversation.is_empty());
    let empty = match latest(&snapshot, &viewer).await? {
        _ if filtered || !asked.q.is_empty() => w.nothing_of_that.to_owned(),
        Some(at) => viewer.words.quiet_since(&viewer.clock().ago(at)),
        None => w.quiet.to_owned(),
    };
    let choices = |all: &'static str, names: &[(&'static str, &'static str)], here: &str| {
        let first = Choice { value: "", name: all, here: here.is_empty() };
        let others = names.iter().map(|(value, name)| Choice { value, name, here: *value == here });
        std::iter::once(first).chain(others).collect()
    };
    let kinds = [
        ("messages", w.kind_messages),
        ("promises", w.kind_promises),
        ("sending", w.kind_sending),
        ("people", w.kind_people),
        ("brain", w.kind_brain),
    ];
    let actors = [("client", w.a_client), ("person", w.one_of_us), ("itself", w.itself)];
    let only = (!asked.conversation.is_empty())
        .then(|| (asked.conversation.clone(), names.get(&asked.conversation).cloned().unwrap_or_default()));
    html(&Live {
        f,
        groups,
        kinds: choices(w.any_kind, &kinds, &asked.kind),
        actors: choices(w.anybody, &actors, &asked.actor),
        all: asked.all == "1",
        everybody: asked.path(&[("conversation", String::new())]),
        only,
        older: older.map(|before| asked.path(&[("before", before.to_string())])),
        closed: asked.path(&[]),
        q: asked.q,
        opened,
        empty,
    })
}

/// Longest event shown, in characters.
const LONGEST: usize = 8_000;

/// The events that are asked for, newest first, and the position before which more are.
async fn rows(
    snapshot: &Snapshot<'_>,
    viewer: &Viewer,
    asked: &Asked,
) -> Result<(Vec<EventRow>, Option<u64>), Problem> {
    let limit = if asked.q.is_empty() { MOST } else { LOOKED_THROUGH };
    let mut wanted = vec![("limit", limit.to_string())];
    if let Some(types) = asked.types() {
        wanted.push(("type", types.join(",")));
    }
    if let Some((_, beginning)) = ACTORS.iter().find(|(name, _)| *name == asked.actor) {
        wanted.push(("actor", (*beginning).to_owned()));
    }
    if !asked.conversation.is_empty() {
        wanted.push(("conversation_id", asked.conversation.clone()));
    }
    if let Some(before) = asked.before {
        wanted.push(("before", before.to_string()));
    }
    let (mut rows, more) = events_page(snapshot, &viewer.caller, Params::of(wanted)).await?.into_parts();
    let mut older = rows.last().filter(|_| more.is_some()).map(|row| row.position);
    if !asked.q.is_empty() {
        let q = asked.q.to_lowercase();
        rows.retain(|row| said(row, viewer).to_lowercase().contains(&q));
        if rows.len() > MOST {
            rows.truncate(MOST);
            older = rows.last().map(|row| row.position);
        }
    }
    Ok((rows, older))
}

/// When anything happened last.
async fn latest(snapshot: &Snapshot<'_>, viewer: &Viewer) -> Result<Option<DateTime<Utc>>, Problem> {
    let one = Params::of([("limit", "1".to_owned())]);
    let (rows, _) = events_page(snapshot, &viewer.caller, one).await?.into_parts();
    Ok(rows.first().map(|row| row.at))
}

/// What the conversations of these events are called, by their ids.
async fn names(
    snapshot: &Snapshot<'_>,
    viewer: &Viewer,
    rows: &[EventRow],
    also: &str,
) -> Result<HashMap<String, String>, Problem> {
    let of_rows = rows.iter().filter(|row| row.aggregate == "conversation").map(|row| row.aggregate_id.as_str());
    let ids = of_rows.chain(std::iter::once(also).filter(|id| !id.is_empty()));
    let own = conversations_of(snapshot, &viewer.caller, ids).await?;
    let views = read::views(snapshot, &viewer.caller, own.into_values().collect()).await?;
    Ok(views.into_iter().map(|c| (c.id.clone(), called(&c, viewer))).collect())
}

fn said(row: &EventRow, viewer: &Viewer) -> String {
    match Event::decode(&row.type_name, row.schema_version, &row.payload) {
        Ok(event) => told::summary(&event, viewer.looks.language),
        Err(_) => row.type_name.clone(),
    }
}

fn step(row: &EventRow, viewer: &Viewer, asked: &Asked) -> Step {
    Step {
        time: viewer.clock().milliseconds(row.at),
        said: said(row, viewer),
        position: row.position,
        path: format!("{}#event", asked.path(&[("event", row.position.to_string())])),
    }
}

fn group(
    id: uuid::Uuid,
    rows: &[EventRow],
    (viewer, asked, names): (&Viewer, &Asked, &HashMap<String, String>),
) -> Option<Group> {
    let (first, last) = (rows.last()?, rows.first()?);
    // A client's name may be noted before their words are.
    let of_conversation = rows.iter().rev().find(|row| row.aggregate == "conversation");
    let conversation = of_conversation.map(|row| row.aggregate_id.clone()).unwrap_or_default();
    let passed = (last.at - first.at).num_milliseconds().max(0);
    let count = viewer.words.events(rows.len());
    let lead_to = |row: &EventRow| said(row, viewer);
    Some(Group {
        id: format!("g{id}"),
        time: viewer.clock().milliseconds(first.at),
        exact: when::exact(first.at),
        said: if rows.len() > 1 { format!("{} → {}", lead_to(first), lead_to(last)) } else { lead_to(first) },
        who: names.get(&conversation).cloned().unwrap_or_default(),
        only_path: asked.path(&[("conversation", conversation.clone())]),
        conversation,
        count: if rows.len() > 1 && passed < 10_000 { format!("{count} · {passed} ms") } else { count },
        steps: rows.iter().rev().map(|row| step(row, viewer, asked)).collect(),
    })
}
