//! `/inbox`: who needs a person, and all other conversations.

use askama::Template;
use axum::extract::State;
use serde::Deserialize;
use steward_http::{ApiQuery, Problem};

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
    /// The id of a channel; empty: of all.
    #[serde(default)]
    pub channel: String,
    #[serde(default)]
    cursor: String,
}

/// The list of conversations, as it stands beside each of them too.
pub struct List {
    pub tabs: Vec<Tab>,
    pub q: String,
    pub tab: &'static str,
    /// The channels that it can be narrowed to, and whether it is.
    pub channels: Vec<(String, bool)>,
    /// What leads to the same list.
    pub query: String,
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
    Nobody(&'static str),
    NotFound,
}

pub struct Row {
    pub id: String,
    pub path: String,
    pub here: bool,
    pub name: String,
    /// The position of its last message.
    pub latest: u64,
    pub by_human: bool,
    /// The client asked for a person, or something failed.
    pub wants_person: bool,
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
        (viewer, dashboard): (&Viewer, &Dashboard),
        snapshot: &Snapshot<'_>,
        frame: &Frame,
        shown: &Shown,
        selected: &str,
    ) -> Result<Self, Problem> {
        let w = viewer.w;
        let tab = TABS.into_iter().find(|tab| *tab == shown.tab).unwrap_or("needs");
        let q: String = shown.q.trim().chars().take(200).collect();
        let own = dashboard.desk.reads.channels.iter().filter(|c| c.tenant == viewer.caller.tenant);
        let channels: Vec<(String, bool)> = own.map(|c| (c.id.clone(), c.id == shown.channel)).collect();
        let channel = channels.iter().find(|(_, here)| *here).map(|(id, _)| id.clone()).unwrap_or_default();
        let query = |tab: &str| {
            let mut query = form_urlencoded::Serializer::new(String::new());
            query.append_pair("tab", tab).append_pair("q", &q);
            if !channel.is_empty() {
                query.append_pair("channel", &channel);
            }
            query.finish()
        };
        let mut asked = vec![("limit", MOST.to_string())];
        match tab {
            "needs" => asked.push(("sort", "attention".to_owned())),
            _ => asked.push(("sort", "latest".to_owned())),
        }
        if matches!(tab, "human" | "bot") {
            asked.push(("owner", tab.to_owned()));
        }
        for (name, value) in [("q", &q), ("channel_id", &channel), ("cursor", &shown.cursor)] {
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
        let empty = match (q.is_empty() && channel.is_empty(), tab) {
            (false, _) => Empty::NotFound,
            (true, "needs") => Empty::NobodyNeedsYou(match frame.counts.next_due_at {
                Some(next) => {
                    viewer.words.nothing_needs_you_but(frame.counts.pending_follow_ups, &viewer.clock().moment(next.0))
                }
                None => w.nothing_needs_you.to_owned(),
            }),
            (true, "human") => Empty::Nobody(w.nobody_with_person),
            (true, "bot") => Empty::Nobody(w.nobody_with_bot),
            (true, _) => Empty::NoConversation,
        };
        let more = next.map(|cursor| {
            let cursor = form_urlencoded::Serializer::new(query(tab)).append_pair("cursor", &cursor).finish();
            format!("/inbox?{cursor}")
        });
        let query = query(tab);
        Ok(Self { tabs: tabs.collect(), q, tab, channels, query, rows, more, empty })
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
            latest: last.map_or(0, |last| last.position),
            by_human: c.takeover.is_some(),
            wants_person: c.attention.iter().any(|a| matches!(a.code, "asked_for_person" | "failed")),
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

pub async fn list(State(dashboard): State<Dashboard>, viewer: Viewer, ApiQuery(shown): ApiQuery<Shown>) -> Page {
    let mut reading = dashboard.desk.begin(&viewer.caller).await?;
    let snapshot = reading.snapshot().await?;
    let f = Frame::of(&viewer, &dashboard, &snapshot, ("/inbox", viewer.w.inbox.to_owned())).await?;
    let list = List::of((&viewer, &dashboard), &snapshot, &f, &shown, "").await?;
    html(&Inbox { f, list })
}

/// Conversations by what is typed, as they stand in the list of what one can jump to.
#[derive(Template)]
#[template(path = "parts/found.html")]
struct Found {
    rows: Vec<Hit>,
}

/// The same to choose one of.
#[derive(Template)]
#[template(path = "parts/choices.html")]
struct Choices {
    people: Vec<Hit>,
}

/// A conversation that was found.
pub struct Hit {
    pub id: String,
    path: String,
    pub name: String,
    pub channel: String,
}

/// How many are found.
const HITS: &str = "8";

#[derive(Debug, Default, Deserialize)]
pub struct Looked {
    #[serde(default)]
    q: String,
    /// `choice`: to choose one of them.
    #[serde(default, rename = "as")]
    form: String,
}

pub async fn find(State(dashboard): State<Dashboard>, viewer: Viewer, ApiQuery(looked): ApiQuery<Looked>) -> Page {
    let mut reading = dashboard.desk.begin(&viewer.caller).await?;
    let snapshot = reading.snapshot().await?;
    let people = hits(&viewer, &snapshot, &looked.q).await?;
    if looked.form == "choice" { html(&Choices { people }) } else { html(&Found { rows: people }) }
}

/// Conversations that match, those spoken in last first.
///
/// # Errors
/// 503 when Postgres doesn't answer.
pub async fn hits(viewer: &Viewer, snapshot: &Snapshot<'_>, q: &str) -> Result<Vec<Hit>, Problem> {
    let q: String = q.trim().chars().take(200).collect();
    let mut asked = vec![("limit", HITS.to_owned()), ("sort", "latest".to_owned())];
    if !q.is_empty() {
        asked.push(("q", q));
    }
    let (found, _) = read::page(snapshot, &viewer.caller, Params::of(asked)).await?.into_parts();
    let hit = |c: &ConversationView| Hit {
        id: c.id.clone(),
        path: format!("/inbox/{}?tab=all", c.id),
        name: called(c, viewer),
        channel: channel_name(c.channel.as_deref().unwrap_or_default()).to_owned(),
    };
    Ok(found.iter().map(hit).collect())
}
