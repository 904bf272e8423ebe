//! `/system`: how this Steward is, in one sentence and then part by part.

use askama::Template;
use axum::extract::State;

use super::{
    super::{Dashboard, Page, frame::Frame, html, viewer::Viewer},
    Chip, channel_name,
};
use crate::read::{breaker, system};

struct Part {
    name: String,
    chip: Chip,
    text: String,
}

struct Channel {
    id: String,
    kind: String,
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
    let said = match (wrong, stopped) {
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
        }
    });
    let own = dashboard.desk.reads.channels.iter().filter(|c| c.tenant == viewer.caller.tenant);
    let channels = own.map(|c| Channel { id: c.id.clone(), kind: channel_name(&c.kind).to_owned() });
    let lag = seen.lag_seconds as u64;
    let behind = if lag > 0 { viewer.words.behind(lag) } else { String::new() };
    let (parts, channels) = (parts.collect(), channels.collect());
    html(&System { f, fine: wrong.is_none() && !stopped, said, seen, parts, channels, behind, stopped })
}
