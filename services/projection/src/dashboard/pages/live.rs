//! `/live`: the log as sentences, newest first; what one message led to is one group.

use askama::Template;
use axum::extract::State;
use steward_domain::told;
use steward_proto::Event;

use super::super::{Dashboard, Page, frame::Frame, html, viewer::Viewer, when};
use crate::{
    models::{EventRow, events_page},
    read::Params,
};

/// How many events are read.
const MOST: &str = "200";

struct Group {
    id: String,
    time: String,
    exact: String,
    said: String,
    conversation: String,
    count: String,
    steps: Vec<Step>,
}

struct Step {
    time: String,
    said: String,
    position: u64,
    type_name: String,
}

#[derive(Template)]
#[template(path = "live.html")]
struct Live {
    f: Frame,
    groups: Vec<Group>,
}

pub async fn list(State(dashboard): State<Dashboard>, viewer: Viewer) -> Page {
    let mut reading = dashboard.desk.begin(&viewer.caller).await?;
    let snapshot = reading.snapshot().await?;
    let f = Frame::of(&viewer, &dashboard, &snapshot, ("/live", viewer.w.live.to_owned())).await?;
    let asked = Params::of([("limit", MOST.to_owned())]);
    let (rows, _) = events_page(&snapshot, &viewer.caller, asked).await?.into_parts();
    let mut groups: Vec<(uuid::Uuid, Vec<EventRow>)> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for row in rows {
        let place = *places.entry(row.correlation_id).or_insert_with(|| {
            groups.push((row.correlation_id, Vec::new()));
            groups.len() - 1
        });
        groups[place].1.push(row);
    }
    let groups = groups.into_iter().filter_map(|(id, rows)| group(id, &rows, &viewer)).collect();
    html(&Live { f, groups })
}

fn group(id: uuid::Uuid, rows: &[EventRow], viewer: &Viewer) -> Option<Group> {
    let clock = viewer.clock();
    let said = |row: &EventRow| match Event::decode(&row.type_name, row.schema_version, &row.payload) {
        Ok(event) => told::summary(&event, viewer.looks.language),
        Err(_) => row.type_name.clone(),
    };
    let (first, last) = (rows.last()?, rows.first()?);
    let step = |row: &EventRow| Step {
        time: clock.seconds(row.at),
        said: said(row),
        position: row.position,
        type_name: row.type_name.clone(),
    };
    Some(Group {
        id: format!("g{id}"),
        time: clock.seconds(first.at),
        exact: when::exact(first.at),
        said: if rows.len() > 1 { format!("{} → {}", said(first), said(last)) } else { said(first) },
        conversation: if first.aggregate == "conversation" { first.aggregate_id.clone() } else { String::new() },
        count: viewer.words.events(rows.len()),
        steps: rows.iter().rev().map(step).collect(),
    })
}
