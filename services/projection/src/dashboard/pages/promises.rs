//! `/promises`: all that is pending, over all conversations, those due first first.

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use chrono::{Datelike as _, NaiveDate};
use serde::Deserialize;
use steward_http::ApiQuery;

use super::{
    super::{Dashboard, Page, frame::Frame, html, viewer::Viewer, when::place},
    calendar::{Calendar, Wanted},
    called, channel_name,
    conversation::Promise,
    inbox, zone_of,
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
    /// `list`, `week` or `month`.
    #[serde(default)]
    view: String,
    /// A day of what is shown: 2026-11-28.
    #[serde(default)]
    day: String,
    /// `client`: each client's; else the viewer's.
    #[serde(default)]
    zone: String,
    /// `1`: what was cancelled too.
    #[serde(default)]
    cancelled: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    channel: String,
    #[serde(default)]
    made_by: String,
    #[serde(default)]
    q: String,
}

impl Asked {
    fn shown(&self) -> &'static str {
        ["week", "month"].into_iter().find(|view| *view == self.view).unwrap_or("list")
    }
}

/// Which promises are shown.
#[derive(Debug, Clone, Default)]
pub struct Filters {
    state: String,
    channel: String,
    made_by: String,
    q: String,
}

impl Filters {
    /// What isn't known filters nothing.
    fn of(asked: &Asked, channels: &[String]) -> Self {
        let known = |given: &str, known: &[&str]| {
            known.iter().find(|one| **one == given).map(|one| (*one).to_owned()).unwrap_or_default()
        };
        Self {
            state: known(&asked.state, &follow_ups::STATES),
            channel: channels.iter().find(|id| **id == asked.channel).cloned().unwrap_or_default(),
            made_by: known(&asked.made_by, &follow_ups::MADE_BY),
            q: asked.q.trim().chars().take(200).collect(),
        }
    }

    /// The state that was chosen.
    pub fn state(&self) -> Option<&str> {
        Some(self.state.as_str()).filter(|state| !state.is_empty())
    }

    /// What a list of promises is asked for, but for their state.
    pub fn asked(&self) -> Vec<(&'static str, String)> {
        let all = [("channel_id", &self.channel), ("made_by", &self.made_by), ("q", &self.q)];
        all.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| (name, value.clone())).collect()
    }

    /// The same for the address of a page, behind what stands there.
    pub fn query(&self) -> String {
        let all = [("state", &self.state), ("channel", &self.channel), ("made_by", &self.made_by), ("q", &self.q)];
        let given = all.into_iter().filter(|(_, value)| !value.is_empty());
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(given).finish();
        if query.is_empty() { query } else { format!("&{query}") }
    }

    fn are_set(&self) -> bool {
        !self.query().is_empty()
    }
}

/// In whose time promises are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    Mine,
    Theirs,
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
    calendar: Option<Calendar>,
    theirs: bool,
    /// The same in the viewer's time, and in each client's.
    zones: [String; 2],
    /// Who a promise can be made to.
    people: Vec<inbox::Hit>,
    view: &'static str,
    day: String,
    filters: Filters,
    /// What the filters can be set to, with what it is called.
    states: Vec<(&'static str, &'static str, bool)>,
    channels: Vec<(String, bool)>,
    makers: Vec<(&'static str, &'static str, bool)>,
    /// Nothing is asked for but what is to come.
    plain: bool,
}

pub async fn list(State(dashboard): State<Dashboard>, viewer: Viewer, ApiQuery(asked): ApiQuery<Asked>) -> Page {
    let w = viewer.w;
    let mut reading = dashboard.desk.begin(&viewer.caller).await?;
    let snapshot = reading.snapshot().await?;
    let f = Frame::of(&viewer, &dashboard, &snapshot, ("/promises", w.promises.to_owned())).await?;
    let theirs = asked.zone == "client";
    let whom = inbox::hits(&viewer, &snapshot, "").await?;
    let own = dashboard.desk.reads.channels.iter().filter(|c| c.tenant == viewer.caller.tenant);
    let channels: Vec<String> = own.map(|c| c.id.clone()).collect();
    let filters = Filters::of(&asked, &channels);
    let filtered = filters.query();
    let zones =
        ["", "&zone=client"].map(|zone| format!("/promises?view={}&day={}{zone}{filtered}", asked.shown(), asked.day));
    let choices = Choices::of(&viewer, &filters, channels);
    if asked.shown() != "list" {
        let today = viewer.now.with_timezone(&viewer.zone).date_naive();
        let day = asked.day.parse().ok().filter(|day: &NaiveDate| (1970..9999).contains(&day.year()));
        let wanted = Wanted {
            day: day.unwrap_or(today),
            is_month: asked.view == "month",
            zone: if theirs { Zone::Theirs } else { Zone::Mine },
            cancelled: asked.cancelled == "1",
            filters: filters.clone(),
        };
        let calendar = Some(Calendar::of(&viewer, &dashboard, &snapshot, &wanted).await?);
        let page = Promises::with(f, (theirs, zones, whom), (&asked, filters, choices));
        return html(&Promises { calendar, ..page });
    }
    let mut wanted = vec![("limit", MOST.to_string()), ("current", "true".to_owned())];
    match filters.state() {
        None | Some("pending") => wanted.push(("sort", "due".to_owned())),
        Some(state) => wanted.push(("state", state.to_owned())),
    }
    wanted.extend(filters.asked());
    if !asked.cursor.is_empty() {
        wanted.push(("cursor", asked.cursor.clone()));
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
    let names = [w.overdue, w.today, w.tomorrow, w.this_week, w.later_on, w.finished];
    let mut groups: Vec<Group> = names.into_iter().map(|name| Group { name, rows: Vec::new() }).collect();
    for f in &shown {
        let Some(c) = people.get(&f.conversation_id) else { continue };
        let who = called(c, &viewer);
        let held = held.get(&f.id);
        let their_zone = zone_of(c, &dashboard);
        let zone = if theirs { their_zone } else { viewer.zone };
        let day = |at: chrono::DateTime<chrono::Utc>| at.with_timezone(&zone).date_naive();
        let group = match (day(f.due_at.0) - day(viewer.now)).num_days() {
            // What is over stands in one group.
            _ if f.state != "pending" => 5,
            _ if held.is_some() || f.due_at.0 < viewer.now => 0,
            ..=0 => 1,
            1 => 2,
            2..=6 => 3,
            _ => 4,
        };
        let mut p = Promise::of(f, held, c, (&viewer, their_zone, &who), &shown);
        let clock = viewer.clock().at(zone);
        p.due = match theirs {
            true => viewer.words.there(&clock.moment(f.due_at.0), &place(zone)),
            false => clock.moment(f.due_at.0),
        };
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
    let zone = if theirs { "&zone=client" } else { "" };
    let more = next.map(|cursor| format!("/promises?cursor={cursor}{zone}{filtered}"));
    let page = Promises::with(f, (theirs, zones, whom), (&asked, filters, choices));
    html(&Promises { groups, more, ..page })
}

/// What the filters can be set to.
struct Choices {
    states: Vec<(&'static str, &'static str, bool)>,
    channels: Vec<(String, bool)>,
    makers: Vec<(&'static str, &'static str, bool)>,
}

impl Choices {
    fn of(viewer: &Viewer, filters: &Filters, channels: Vec<String>) -> Self {
        let (w, words) = (viewer.w, viewer.words);
        let state = |state: &&'static str| (*state, words.state(state), filters.state == *state);
        let makers = [w.by_client, w.by_the_bot, w.by_person];
        let makers = follow_ups::MADE_BY.into_iter().zip(makers);
        Self {
            states: follow_ups::STATES.iter().map(state).collect(),
            channels: channels
                .into_iter()
                .map(|id| {
                    let here = id == filters.channel;
                    (id, here)
                })
                .collect(),
            makers: makers.map(|(maker, name)| (maker, name, filters.made_by == maker)).collect(),
        }
    }
}

impl Promises {
    /// The page without promises.
    fn with(
        f: Frame,
        (theirs, zones, people): (bool, [String; 2], Vec<inbox::Hit>),
        (asked, filters, choices): (&Asked, Filters, Choices),
    ) -> Self {
        Self {
            f,
            groups: Vec::new(),
            more: None,
            calendar: None,
            theirs,
            zones,
            people,
            view: asked.shown(),
            day: asked.day.chars().take(10).collect(),
            plain: !filters.are_set(),
            filters,
            states: choices.states,
            channels: choices.channels,
            makers: choices.makers,
        }
    }
}
