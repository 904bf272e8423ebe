//! `/promises`: all that is pending, over all conversations, those due first first.

use std::collections::HashMap;

use askama::Template;
use axum::extract::{Query, State};
use chrono::{Datelike as _, Days, NaiveDate, NaiveTime, TimeZone as _};
use serde::Deserialize;
use steward_http::Problem;

use super::{
    super::{Dashboard, Page, frame::Frame, html, viewer::Viewer},
    Chip, called, channel_name,
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
    read::{Params, snapshot::Snapshot},
};

/// How many promises a page shows, and how many held messages may be among them.
const MOST: usize = 100;

#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    #[serde(default)]
    cursor: String,
    /// `list` or `week`.
    #[serde(default)]
    view: String,
    /// A day of the week that is shown: 2026-11-28.
    day: Option<NaiveDate>,
}

/// A week of promises, day by day: what is to come, and what was kept.
struct Week {
    days: Vec<Day>,
    before: String,
    after: String,
}

struct Day {
    name: String,
    today: bool,
    entries: Vec<Entry>,
}

struct Entry {
    time: String,
    exact: String,
    who: String,
    title: String,
    chip: Chip,
    path: String,
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
    week: Option<Week>,
}

pub async fn list(State(dashboard): State<Dashboard>, viewer: Viewer, Query(asked): Query<Asked>) -> Page {
    let w = viewer.w;
    let mut reading = dashboard.desk.begin(&viewer.caller).await?;
    let snapshot = reading.snapshot().await?;
    let f = Frame::of(&viewer, &dashboard, &snapshot, ("/promises", w.promises.to_owned())).await?;
    if asked.view == "week" {
        let today = viewer.now.with_timezone(&viewer.zone).date_naive();
        let day = asked.day.filter(|day| (1970..9999).contains(&day.year())).unwrap_or(today);
        let week = week(&viewer, &dashboard, &snapshot, day).await?;
        return html(&Promises { f, groups: Vec::new(), more: None, week: Some(week) });
    }
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
    html(&Promises { f, groups, more, week: None })
}

/// Most promises of a week that are shown.
const OF_A_WEEK: &str = "300";

async fn week(
    viewer: &Viewer,
    dashboard: &Dashboard,
    snapshot: &Snapshot<'_>,
    day: NaiveDate,
) -> Result<Week, Problem> {
    let monday = day - Days::new(u64::from(day.weekday().num_days_from_monday()));
    let begins = |day: NaiveDate| {
        let local = day.and_time(NaiveTime::MIN);
        viewer.zone.from_local_datetime(&local).earliest().map_or_else(|| local.and_utc(), |at| at.to_utc())
    };
    let (from, until) = (begins(monday), begins(monday + Days::new(7)));
    let wanted = [
        ("limit", OF_A_WEEK.to_owned()),
        ("current", "true".to_owned()),
        ("state", "pending,sent,done,failed,unknown,expired".to_owned()),
        ("due_after", from.to_rfc3339()),
        ("due_before", until.to_rfc3339()),
    ];
    let (page, own) = follow_ups::page(snapshot, &viewer.caller, Params::of(wanted)).await?;
    let people = read::views(snapshot, &viewer.caller, own.into_values().collect()).await?;
    let people: HashMap<String, ConversationView> = people.into_iter().map(|c| (c.id.clone(), c)).collect();
    let (clock, today) = (viewer.clock(), viewer.now.with_timezone(&viewer.zone).date_naive());
    let mut found: Vec<FollowUpView> = page.into_parts().0.into_iter().map(|row| FollowUpView::of(row, None)).collect();
    found.sort_by_key(|f| f.due_at.0);
    let mut days: Vec<Day> = (0..7)
        .map(|n| {
            let day = monday + Days::new(n);
            Day { name: viewer.words.date(day, false), today: day == today, entries: Vec::new() }
        })
        .collect();
    for f in &found {
        let Some(c) = people.get(&f.conversation_id) else { continue };
        let place = (f.due_at.0.with_timezone(&viewer.zone).date_naive() - monday).num_days();
        let Some(day) = usize::try_from(place).ok().and_then(|place| days.get_mut(place)) else { continue };
        let who = called(c, viewer);
        let p = Promise::of(f, None, c, (viewer, zone_of(c, dashboard), &who), &found);
        day.entries.push(Entry {
            time: clock.hour(f.due_at.0),
            exact: p.due_at,
            title: p.title,
            chip: p.chip,
            path: format!("/inbox/{}?why={}#why", c.id, p.why),
            who,
        });
    }
    let link = |day: NaiveDate| format!("/promises?view=week&day={day}");
    Ok(Week { days, before: link(monday - Days::new(7)), after: link(monday + Days::new(7)) })
}
