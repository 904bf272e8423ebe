//! `/promises`: all that is pending, over all conversations, those due first first.

use std::collections::HashMap;

use askama::Template;
use axum::extract::{Query, State};
use serde::Deserialize;

use super::{
    super::{Dashboard, Page, frame::Frame, html, viewer::Viewer},
    called, channel_name,
    conversation::Promise,
    zone_of,
};
use crate::{
    models::conversations::{
        follow_ups::{FollowUpView, read as follow_ups},
        messages::{MessageRow, read as messages},
        read,
        view::ConversationView,
    },
    read::Params,
};

/// How many promises a page shows, and how many held messages may be among them.
const MOST: usize = 100;

#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    #[serde(default)]
    cursor: String,
}

struct Group {
    name: &'static str,
    rows: Vec<Row>,
}

struct Row {
    p: Promise,
    conversation: String,
    who: String,
    channel: String,
    why_path: String,
}

#[derive(Template)]
#[template(path = "promises.html")]
struct Promises {
    f: Frame,
    groups: Vec<Group>,
    more: Option<String>,
}

pub async fn list(State(dashboard): State<Dashboard>, viewer: Viewer, Query(asked): Query<Asked>) -> Page {
    let w = viewer.w;
    let mut reading = dashboard.desk.begin(&viewer.caller).await?;
    let snapshot = reading.snapshot().await?;
    let f = Frame::of(&viewer, &dashboard, &snapshot, ("/promises", w.promises.to_owned())).await?;
    let mut wanted = vec![("limit", MOST.to_string()), ("sort", "due".to_owned()), ("current", "true".to_owned())];
    if !asked.cursor.is_empty() {
        wanted.push(("cursor", asked.cursor));
    }
    let (page, own) = follow_ups::page(&snapshot, &viewer.caller, Params::of(wanted)).await?;
    let (found, next) = page.into_parts();
    let held = [("limit", "1000".to_owned()), ("state", "held".to_owned())];
    let (held, _) = messages::outbox_page(&snapshot, &viewer.caller, Params::of(held)).await?;
    let held: HashMap<String, MessageRow> =
        held.into_parts().0.into_iter().map(|m| (m.follow_up_id.clone(), m)).collect();
    let shown: Vec<FollowUpView> = found
        .into_iter()
        .map(|row| {
            let conversation = own.get(&row.conversation_id);
            FollowUpView::of(row, conversation)
        })
        .collect();
    let people = read::views(&snapshot, &viewer.caller, own.into_values().collect()).await?;
    let people: HashMap<String, ConversationView> = people.into_iter().map(|c| (c.id.clone(), c)).collect();
    let names = [w.overdue, w.today, w.tomorrow, w.this_week, w.later_on];
    let mut groups: Vec<Group> = names.into_iter().map(|name| Group { name, rows: Vec::new() }).collect();
    for f in &shown {
        let Some(c) = people.get(&f.conversation_id) else { continue };
        let who = called(c, &viewer);
        let held = held.get(&f.id);
        let day = |at: chrono::DateTime<chrono::Utc>| at.with_timezone(&viewer.zone).date_naive();
        let group = match (day(f.due_at.0) - day(viewer.now)).num_days() {
            _ if held.is_some() || f.due_at.0 < viewer.now => 0,
            ..=0 => 1,
            1 => 2,
            2..=6 => 3,
            _ => 4,
        };
        let p = Promise::of(f, held, c, (&viewer, zone_of(c, &dashboard), &who), &shown);
        let channel = channel_name(c.channel.as_deref().unwrap_or_default()).to_owned();
        groups[group].rows.push(Row {
            p,
            conversation: c.id.clone(),
            who,
            channel,
            why_path: format!("/inbox/{}?why=", c.id),
        });
    }
    groups.retain(|group| !group.rows.is_empty());
    let more = next.map(|cursor| format!("/promises?cursor={cursor}"));
    html(&Promises { f, groups, more })
}
