//! `/outbox`: what waits for a person, what waits to be sent, and what is done.

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use chrono::TimeDelta;
use serde::Deserialize;
use steward_http::ApiQuery;

use super::{
    super::{Dashboard, Page, frame::Frame, html, viewer::Viewer, when},
    Chip, WHOLE, because, beginning, called,
    inbox::Tab,
};
use crate::{
    models::{
        OutgoingView,
        conversations::{messages::read as messages, read, view::ConversationView},
    },
    read::{Params, breaker},
};

/// How much of a text is shown, in characters.
const SHOWN: usize = 600;

/// How many messages a page shows.
const MOST: &str = "50";

/// How long what is done is shown.
const DONE: TimeDelta = TimeDelta::hours(24);

/// The tabs, with the states that each shows; what is done has its own order.
const TABS: [(&str, &str); 3] =
    [("needs", "held,unknown,failed"), ("waiting", "queued,deferred,claimed"), ("done", "")];

#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    #[serde(default)]
    tab: String,
    #[serde(default)]
    cursor: String,
}

struct Row {
    id: String,
    chip: Chip,
    conversation: String,
    who: String,
    text: String,
    /// The text to be edited; none if it is too long for that.
    whole: Option<String>,
    reason: String,
    time: String,
    exact: String,
    hash: String,
    /// Its time is to come.
    waits: bool,
}

struct Stopped {
    said: String,
}

#[derive(Template)]
#[template(path = "outbox.html")]
struct Outbox {
    f: Frame,
    tabs: Vec<Tab>,
    rows: Vec<Row>,
    more: Option<String>,
    empty: &'static str,
    stopped: Option<Stopped>,
    /// Which tab is shown.
    here: usize,
}

pub async fn list(State(dashboard): State<Dashboard>, viewer: Viewer, ApiQuery(asked): ApiQuery<Asked>) -> Page {
    let (w, words, clock) = (viewer.w, viewer.words, viewer.clock());
    let mut reading = dashboard.desk.begin(&viewer.caller).await?;
    let snapshot = reading.snapshot().await?;
    let f = Frame::of(&viewer, &dashboard, &snapshot, ("/outbox", w.outbox.to_owned())).await?;
    let here = TABS.iter().position(|(tab, _)| *tab == asked.tab).unwrap_or_default();
    let mut wanted = vec![("limit", MOST.to_owned())];
    if !asked.cursor.is_empty() {
        wanted.push(("cursor", asked.cursor));
    }
    let (page, own) = if TABS[here].0 == "done" {
        let since = dashboard.desk.reads.log.position_at(viewer.now - DONE).await?;
        messages::done_page(&snapshot, &viewer.caller, (Params::of(wanted), since)).await?
    } else {
        wanted.push(("state", TABS[here].1.to_owned()));
        messages::outbox_page(&snapshot, &viewer.caller, Params::of(wanted)).await?
    };
    let (found, next) = page.into_parts();
    let people = read::views(&snapshot, &viewer.caller, own.values().cloned().collect()).await?;
    let people: HashMap<String, ConversationView> = people.into_iter().map(|c| (c.id.clone(), c)).collect();
    let rows = found.into_iter().map(|row| {
        let conversation = own.get(&row.conversation_id);
        let message = OutgoingView::of(row, conversation);
        let who = people.get(&message.message.conversation_id).map(|c| called(c, &viewer));
        let who = who.unwrap_or_else(|| w.nobody_named.to_owned());
        let m = message.message;
        let at = m.due_at.or(m.sent_at).unwrap_or(m.at).0;
        Row {
            chip: Chip::of(&m.state, words),
            reason: m.reason.as_ref().map(|reason| because(reason, &who, words)).unwrap_or_default(),
            time: clock.moment(at),
            exact: when::exact(at),
            waits: m.due_at.is_some_and(|due_at| due_at.0 > viewer.now),
            hash: message.approval_hash.unwrap_or_default(),
            id: m.id,
            conversation: m.conversation_id,
            whole: Some(m.text.clone()).filter(|text| text.chars().nth(WHOLE).is_none()),
            text: beginning(&m.text, SHOWN),
            who,
        }
    });
    let names = [w.needs_you, w.waiting, w.finished];
    let counts = [f.counts.outbox, 0, 0];
    let tabs = TABS.iter().zip(names).zip(counts).enumerate().map(|(i, (((tab, _), name), count))| Tab {
        name,
        path: format!("/outbox?tab={tab}"),
        here: i == here,
        count,
    });
    let breaker = breaker::now(&dashboard.desk, &viewer.caller).await?;
    let stopped = breaker.since.map(|since| {
        let why = breaker.reason.map(|reason| reason.text).unwrap_or_default();
        Stopped { said: format!("{}: {}. {why}", w.breaker_open, clock.moment(since.0)) }
    });
    let empty = [w.everything_out, w.nothing_waits, w.nothing_finished][here];
    let more = next.map(|cursor| format!("/outbox?tab={}&cursor={cursor}", TABS[here].0));
    let (tabs, rows) = (tabs.collect(), rows.collect());
    html(&Outbox { f, tabs, rows, more, empty, stopped, here })
}
