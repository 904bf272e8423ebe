//! `/inbox`: who needs a person, and all other conversations.

use askama::Template;
use axum::extract::{Query, State};
use serde::Deserialize;
use steward_http::Problem;

use super::{
    super::{Dashboard, Page, frame::Frame, html, viewer::Viewer, when},
    Chip, called, channel_name, inbox,
};
use crate::{
    models::conversations::{
        read,
        view::{AttentionView, ConversationView},
    },
    read::{Params, snapshot::Snapshot},
};

/// What the list shows.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Shown {
    #[serde(default)]
    pub tab: String,
    #[serde(default)]
    pub q: String,
    #[serde(default)]
    cursor: String,
}

/// The list of conversations, as it stands beside each of them too.
pub struct List {
    pub tabs: Vec<Tab>,
    pub q: String,
    pub tab: &'static str,
    pub rows: Vec<Row>,
    /// Leads to more of them.
    pub more: Option<String>,
    /// What stands there when there are none.
    pub empty: Empty,
}

pub struct Tab {
    pub name: &'static str,
    pub path: String,
    pub here: bool,
    pub count: u64,
}

pub enum Empty {
    NobodyNeedsYou(String),
    NoConversation,
    NotFound,
}

pub struct Row {
    pub id: String,
    pub path: String,
    pub here: bool,
    pub name: String,
    pub new: bool,
    pub channel: String,
    pub time: String,
    pub exact: String,
    pub first: String,
    pub chips: Vec<Chip>,
}

/// The names of the tabs in addresses.
const TABS: [&str; 4] = ["needs", "all", "human", "bot"];

/// How many conversations a page shows.
const MOST: u32 = 50;

impl List {
    /// # Errors
    /// 400 for a bad cursor; 503 when Postgres doesn't answer.
    pub async fn of(
        viewer: &Viewer,
        snapshot: &Snapshot<'_>,
        frame: &Frame,
        shown: &Shown,
        selected: &str,
    ) -> Result<Self, Problem> {
        let w = viewer.w;
        let tab = TABS.into_iter().find(|tab| *tab == shown.tab).unwrap_or("needs");
        let q: String = shown.q.trim().chars().take(200).collect();
        let query = |tab: &str| {
            form_urlencoded::Serializer::new(String::new()).append_pair("tab", tab).append_pair("q", &q).finish()
        };
        let mut asked = vec![("limit", MOST.to_string())];
        match tab {
            "needs" => asked.push(("sort", "attention".to_owned())),
            _ => asked.push(("sort", "latest".to_owned())),
        }
        if matches!(tab, "human" | "bot") {
            asked.push(("owner", tab.to_owned()));
        }
        for (name, value) in [("q", &q), ("cursor", &shown.cursor)] {
            if !value.is_empty() {
                asked.push((name, value.clone()));
            }
        }
        let (found, next) = read::page(snapshot, &viewer.caller, Params::of(asked)).await?.into_parts();
        let rows = found.iter().map(|c| Row::of(c, viewer, &query(tab), selected)).collect();
        let names = [w.needs_you, w.all, w.with_a_person, w.by_bot];
        let counts = [frame.counts.conversations, 0, frame.counts.with_person, 0];
        let tabs = TABS.into_iter().zip(names).zip(counts).map(|((id, name), count)| Tab {
            name,
            path: format!("/inbox?{}", query(id)),
            here: id == tab,
            count,
        });
        let empty = match (q.is_empty(), tab) {
            (false, _) => Empty::NotFound,
            (true, "needs") => Empty::NobodyNeedsYou(match frame.counts.next_due_at {
                Some(next) => {
                    viewer.words.nothing_needs_you_but(frame.counts.pending_follow_ups, &viewer.clock().moment(next.0))
                }
                None => w.nothing_needs_you.to_owned(),
            }),
            (true, _) => Empty::NoConversation,
        };
        let more = next.map(|cursor| {
            let cursor = form_urlencoded::Serializer::new(query(tab)).append_pair("cursor", &cursor).finish();
            format!("/inbox?{cursor}")
        });
        Ok(Self { tabs: tabs.collect(), q, tab, rows, more, empty })
    }
}

impl Row {
    fn of(c: &ConversationView, viewer: &Viewer, query: &str, selected: &str) -> Self {
        let (w, words, clock) = (viewer.w, viewer.words, viewer.clock());
        let name = called(c, viewer);
        let mut chips: Vec<Chip> = c.attention.iter().map(|a| needs(a, viewer)).collect();
        if let Some(takeover) = &c.takeover {
            let who = takeover.by.clone().unwrap_or_else(|| w.nobody_named.to_owned());
            chips.push(Chip { glyph: "", ..Chip::saying("human", words.answers(&who)) });
        }
        if let Some(next) = &c.next_follow_up {
            chips.push(Chip::saying("pending", clock.moment(next.due_at.0)));
        }
        let last = c.last_message.as_ref();
        if let Some(last) = last.filter(|last| last.direction == "out" && !super::super::words::is_loud(&last.state)) {
            chips.push(Chip::of(&last.state, words));
        }
        let author = |last: &crate::models::conversations::view::LastMessageView| match last.author.as_str() {
            "bot" => format!("{}: ", w.bot),
            "human" => format!("{}: ", last.author_id.clone().unwrap_or_else(|| w.you.to_owned())),
            _ => String::new(),
        };
        let text = |last: &crate::models::conversations::view::LastMessageView| {
            let line = last.text.lines().next().unwrap_or_default().to_owned();
            if line.is_empty() { format!("{}: {}", w.media, last.kind) } else { line }
        };
        // Who waits is shown by how long they wait, everybody else by when something was said last.
        let (time, at) = match (c.attention.first(), last) {
            (Some(first), _) => (clock.ago(first.since.0), first.since.0),
            (None, Some(last)) => (clock.short(last.at.0), last.at.0),
            (None, None) => (clock.short(c.created_at.0), c.created_at.0),
        };
        Self {
            path: format!("/inbox/{}?{query}", c.id),
            here: c.id == selected,
            new: !c.attention.is_empty(),
            channel: channel_name(c.channel.as_deref().unwrap_or_default()).to_owned(),
            time,
            exact: when::exact(at),
            first: last.map(|last| format!("{}{}", author(last), text(last))).unwrap_or_default(),
            id: c.id.clone(),
            name,
            chips,
        }
    }
}

/// Why a conversation needs a person, as a chip.
fn needs(a: &AttentionView, viewer: &Viewer) -> Chip {
    let w = viewer.w;
    let (state, word) = match a.code {
        "asked_for_person" => ("held", w.asked_for_person),
        "failed" => ("failed", w.failed_here),
        "unknown" => ("unknown", w.unknown_here),
        _ => ("held", w.held_here),
    };
    Chip::saying(state, word.to_owned())
}

#[derive(Template)]
#[template(path = "inbox.html")]
struct Inbox {
    f: Frame,
    list: List,
}

pub async fn list(State(dashboard): State<Dashboard>, viewer: Viewer, Query(shown): Query<Shown>) -> Page {
    let mut reading = dashboard.desk.begin(&viewer.caller).await?;
    let snapshot = reading.snapshot().await?;
    let f = Frame::of(&viewer, &dashboard, &snapshot, ("/inbox", viewer.w.inbox.to_owned())).await?;
    let list = List::of(&viewer, &snapshot, &f, &shown, "").await?;
    html(&Inbox { f, list })
}
