//! `/system`: how this Steward is, in one sentence and then part by part.

use askama::Template;
use axum::extract::State;
use chrono::{DateTime, Utc};
use steward_http::Problem;

use super::{
    super::{Dashboard, Page, frame::Frame, html, viewer::Viewer},
    Chip, channel_name,
};
use crate::{
    read::{
        breaker,
        snapshot::{Snapshot, Value},
        system,
    },
    rows::hashed,
};

struct Part {
    name: String,
    chip: Chip,
    text: String,
    /// What to do about it.
    advice: &'static str,
}

struct Channel {
    id: String,
    kind: String,
    last_in: String,
    last_out: String,
}

#[derive(Template)]
#[template(path = "system.html")]
struct System {
    f: Frame,
    said: String,
    fine: bool,
    seen: system::SystemView,
    parts: Vec<Part>,
    channels: Vec<Channel>,
    behind: String,
    stopped: bool,
    /// When the next promise is due.
    next: String,
    /// How far the read models are behind.
    lagging: String,
}

pub async fn one(State(dashboard): State<Dashboard>, viewer: Viewer) -> Page {
    let w = viewer.w;
    let mut reading = dashboard.desk.begin(&viewer.caller).await?;
    let snapshot = reading.snapshot().await?;
    let f = Frame::of(&viewer, &dashboard, &snapshot, ("/system", w.system.to_owned())).await?;
    let breaker = breaker::now(&dashboard.desk, &viewer.caller).await?;
    let seen = system::seen(&dashboard.desk);
    let wrong = seen.parts.iter().find(|part| part.state != "well");
    let stopped = breaker.since.is_some();
    let sentence = match (wrong, stopped) {
        (Some(part), _) => format!("{}: {}", part.name, part.text.clone().unwrap_or_default()),
        (None, true) => format!("{}.", w.breaker_open),
        (None, false) => w.all_is_well.to_owned(),
    };
    let parts = seen.parts.iter().map(|part| {
        let (state, word) = match part.state {
            "well" => ("sent", w.well),
            "behind" => ("deferred", w.behind),
            _ => ("failed", w.dead),
        };
        Part {
            name: part.name.clone(),
            chip: Chip::saying(state, word.to_owned()),
            text: part.text.clone().unwrap_or_default(),
            advice: match part.state {
                "well" => "",
                "behind" => w.behind_advice,
                _ => w.dead_advice,
            },
        }
    });
    let own = dashboard.desk.reads.channels.iter().filter(|c| c.tenant == viewer.caller.tenant);
    let said = |at: Option<DateTime<Utc>>| at.map_or_else(|| w.none.to_owned(), |at| viewer.clock().moment(at));
    let mut channels = Vec::new();
    for c in own {
        let (last_in, last_out) = last_on(&snapshot, &viewer, &c.id).await?;
        let kind = channel_name(&c.kind).to_owned();
        channels.push(Channel { id: c.id.clone(), kind, last_in: said(last_in), last_out: said(last_out) });
    }
    let next = f.counts.next_due_at.map_or_else(|| w.none.to_owned(), |at| viewer.clock().moment(at.0));
    let end = dashboard.desk.reads.log.last_position().await.unwrap_or_default();
    let lagging = viewer.words.lag(end.saturating_sub(seen.position), seen.lag_seconds as u64);
    let lag = seen.lag_seconds as u64;
    let behind = if lag > 0 { viewer.words.behind(lag) } else { String::new() };
    let parts = parts.collect();
    html(&System {
        f,
        fine: wrong.is_none() && !stopped,
        said: sentence,
        seen,
        parts,
        channels,
        behind,
        stopped,
        next,
        lagging,
    })
}

/// When something came in on a channel last, and when something went out.
async fn last_on(snapshot: &Snapshot<'_>, viewer: &Viewer, channel: &str) -> Result<Last, Problem> {
    // The latest conversations hold the latest messages.
    let sql = format!(
        "SELECT max(m.at) FILTER (WHERE m.direction = 'in'), max(m.sent_at) FILTER (WHERE m.direction = 'out') \
         FROM (SELECT id FROM {0}.conversations WHERE tenant = $1 AND channel_id = $2 ORDER BY latest_position DESC LIMIT 20) AS c \
         JOIN {0}.messages AS m ON m.tenant = $1 AND {1}",
        snapshot.schema,
        hashed::is("m.conversation_id", "c.id")
    );
    let values: [Value; 2] = [Box::new(viewer.caller.tenant.to_string()), Box::new(channel.to_owned())];
    let rows = snapshot.query(&sql, &values).await?;
    Ok(rows.first().map_or((None, None), |row| (row.get(0), row.get(1))))
}

type Last = (Option<DateTime<Utc>>, Option<DateTime<Utc>>);
