//! `/system`: how this Steward is, in one sentence and then part by part.

use std::fmt::Write as _;

use askama::Template;
use axum::extract::State;
use steward_domain::tenant::Role;

use super::{
    super::{Dashboard, Page, frame::Frame, html, viewer::Viewer, when, words::Fixed},
    Chip, channel_name,
};
use crate::{
    figures::KEPT,
    read::system::{self, ChannelFigures, ServiceView, SystemView, WebhookFigures},
};

struct Part {
    name: String,
    chip: Chip,
    text: String,
    /// What to do about it.
    advice: &'static str,
}

struct Service {
    name: &'static str,
    version: &'static str,
    /// `None`: it isn't known here.
    chip: Option<Chip>,
    text: String,
    advice: &'static str,
    lag: String,
    /// The path of its line, if there is one; and what it says.
    line: String,
    most: String,
}

struct Channel {
    id: String,
    kind: String,
    way: &'static str,
    last_in: String,
    last_out: String,
    waiting: String,
}

struct Model {
    name: String,
    calls: String,
    tokens: String,
    cost: String,
}

struct Hook {
    url: String,
    chip: Chip,
    delivered: u64,
    retrying: u64,
    failed: u64,
    last: String,
    /// What asks for the latest that failed again.
    again: Option<String>,
}

struct Letter {
    position: u64,
    /// Which service gave up on it.
    service: String,
    /// What has it tried again; empty: that can't be had one by one.
    again: String,
    what: String,
    since: String,
    exact: String,
    why: String,
}

#[derive(Template)]
#[template(path = "system.html")]
struct System {
    f: Frame,
    said: String,
    fine: bool,
    stopped: bool,
    behind: String,
    version: &'static str,
    services: Vec<Service>,
    parts: Vec<Part>,
    pending: String,
    next: String,
    late: [String; 2],
    channels: Vec<Channel>,
    models: Vec<Model>,
    budget: String,
    breaker: String,
    hooks: Vec<Hook>,
    letters: Vec<Letter>,
    /// Some can be tried again, some are the read models'.
    again: bool,
    lacking: bool,
    given_up: String,
    position: u64,
    end: String,
    lagging: String,
    /// The command that makes the read models anew.
    rebuild: String,
}

pub async fn one(State(dashboard): State<Dashboard>, viewer: Viewer) -> Page {
    let (w, words) = (viewer.w, viewer.words);
    let mut reading = dashboard.desk.begin(&viewer.caller).await?;
    let snapshot = reading.snapshot().await?;
    let f = Frame::of(&viewer, &dashboard, &snapshot, ("/system", w.system.to_owned())).await?;
    drop(snapshot);
    drop(reading);
    let seen = system::seen(&dashboard.desk, &viewer.caller).await;
    let wrong = seen.parts.iter().find(|part| part.state != "well");
    let stopped = seen.breaker.as_ref().is_some_and(|breaker| breaker.since.is_some());
    let said = match (wrong, stopped) {
        (Some(part), _) => format!("{}: {}", part.name, part.text.clone().unwrap_or_default()),
        (None, true) => format!("{}.", w.breaker_open),
        (None, false) => w.all_is_well.to_owned(),
    };
    let parts = seen.parts.iter().map(|part| Part {
        name: part.name.clone(),
        chip: condition(part.state, w),
        text: part.text.clone().unwrap_or_default(),
        advice: advice(part.state, w),
    });
    let lag = seen.lag_seconds as u64;
    let next = seen.timers.next_at.map(|at| viewer.clock().moment(at.0));
    let late = [seen.timers.lateness_p50_seconds, seen.timers.lateness_p99_seconds];
    // Where the scheduler runs here, nothing came due yet.
    let scheduled = seen.services.iter().any(|service| service.name == "scheduler" && service.here);
    let no_lateness = if scheduled { w.none } else { w.unknown_at_all };
    let end = seen.log_position;
    let around = &dashboard.desk.reads.around;
    html(&System {
        fine: wrong.is_none() && !stopped,
        said,
        stopped,
        behind: if lag > 0 { words.behind(lag) } else { String::new() },
        version: seen.version,
        services: seen.services.iter().map(|service| Service::of(service, &viewer)).collect(),
        parts: parts.collect(),
        pending: seen.timers.pending.map_or_else(|| w.unknown_at_all.to_owned(), |n| n.to_string()),
        next: next.unwrap_or_else(|| w.none.to_owned()),
        late: late.map(|late| late.map_or_else(|| no_lateness.to_owned(), |late| seconds(late, words.seconds()))),
        channels: seen.channels.iter().map(|channel| Channel::of(channel, &viewer)).collect(),
        models: models(&seen, w),
        budget: budget(&seen, w),
        breaker: match seen.breaker.as_ref().map(|breaker| breaker.since) {
            None => w.unknown_at_all.to_owned(),
            Some(None) => w.closed.to_owned(),
            Some(Some(since)) => format!("{}: {}", w.breaker_open, viewer.clock().moment(since.0)),
        },
        hooks: seen.webhooks.iter().flatten().map(|hook| Hook::of(hook, &viewer)).collect(),
        letters: letters(&seen, &viewer),
        again: seen.dead_letters.as_ref().is_some_and(|letters| letters.len() > 1),
        lacking: seen.set_aside.as_ref().is_some_and(|lacking| !lacking.is_empty()),
        given_up: match seen.given_up {
            // Where the log tells which they are, they stand there.
            Some(count @ 1..) if seen.dead_letters.is_none() => w.given_up_advice.replace("{}", &count.to_string()),
            _ => String::new(),
        },
        position: seen.position,
        end: end.map_or_else(|| w.unknown_at_all.to_owned(), |end| end.to_string()),
        rebuild: match viewer.caller.role {
            Role::Admin if !around.rebuild.is_empty() => around.rebuild.clone(),
            // Where things lie on that machine isn't everybody's business.
            _ => "steward rebuild".to_owned(),
        },
        lagging: words.lag(end.unwrap_or(seen.position).saturating_sub(seen.position), lag),
        f,
    })
}

fn condition(state: &str, w: &Fixed) -> Chip {
    let (state, word) = match state {
        "well" => ("sent", w.well),
        "behind" => ("deferred", w.behind),
        _ => ("failed", w.dead),
    };
    Chip::saying(state, word.to_owned())
}

fn advice(state: &str, w: &Fixed) -> &'static str {
    match state {
        "well" => "",
        "behind" => w.behind_advice,
        _ => w.dead_advice,
    }
}

/// A short time with its unit.
fn seconds(seconds: f64, unit: &str) -> String {
    match seconds {
        s if s < 0.0005 => format!("0\u{a0}{unit}"),
        s if s < 1.0 => format!("{s:.3}\u{a0}{unit}"),
        s if s < 10.0 => format!("{s:.1}\u{a0}{unit}"),
        s => format!("{s:.0}\u{a0}{unit}"),
    }
}

impl Service {
    fn of(service: &ServiceView, viewer: &Viewer) -> Self {
        let (w, words) = (viewer.w, viewer.words);
        let lag = match (service.lag_events, service.lag_seconds) {
            (None, None) => String::new(),
            (events, lag) => words.lag(events.unwrap_or_default(), lag.unwrap_or_default() as u64),
        };
        let most = service.lag_samples.iter().copied().fold(0.0_f32, f32::max);
        Self {
            name: service.name,
            version: service.version.unwrap_or_default(),
            chip: service.state.map(|state| condition(state, w)),
            text: service.text.clone().unwrap_or_default(),
            advice: advice(service.state.unwrap_or("well"), w),
            lag,
            line: line(&service.lag_samples, most),
            most: seconds(f64::from(most), words.seconds()),
        }
    }
}

/// The size of a line, in the units of its picture; and what fills its height at least, in seconds.
const WIDTH: f32 = 120.0;
const HEIGHT: f32 = 20.0;
const LEAST: f32 = 1.0;

/// Samples as the path of a line that ends at the right, where now is.
fn line(samples: &[f32], most: f32) -> String {
    let (step, scale) = (WIDTH / (KEPT - 1) as f32, (HEIGHT - 2.0) / most.max(LEAST));
    let first = WIDTH - step * samples.len().saturating_sub(1) as f32;
    let mut path = String::new();
    for (n, sample) in samples.iter().enumerate() {
        let letter = if n == 0 { 'M' } else { 'L' };
        let (x, y) = (first + step * n as f32, HEIGHT - 1.0 - sample * scale);
        // Writing to a text can't fail.
        let _ = write!(path, "{letter}{x:.1} {y:.1}");
    }
    path
}

impl Channel {
    fn of(channel: &ChannelFigures, viewer: &Viewer) -> Self {
        let w = viewer.w;
        let moment =
            |at: Option<crate::read::Time>| at.map_or_else(|| w.none.to_owned(), |at| viewer.clock().moment(at.0));
        Self {
            id: channel.id.clone(),
            kind: channel_name(&channel.kind).to_owned(),
            way: match channel.way {
                "polling" => w.by_polling,
                "command" => w.by_command,
                _ => w.by_webhook,
            },
            last_in: moment(channel.last_in),
            last_out: moment(channel.last_out),
            waiting: match (channel.waiting, channel.oldest_wait_seconds) {
                (None, _) if channel.kind == "web" => w.none.to_owned(),
                (None, _) => w.unknown_at_all.to_owned(),
                (Some(0), _) => w.none.to_owned(),
                (Some(n), wait) => format!("{n}, {}", seconds(wait.unwrap_or_default(), viewer.words.seconds())),
            },
        }
    }
}

/// Millionths of a USD, as people write money.
fn money(micro_usd: u64) -> String {
    let cents = micro_usd as f64 / 10_000.0;
    if micro_usd > 0 && cents < 1.0 { format!("{:.4} USD", cents / 100.0) } else { format!("{:.2} USD", cents / 100.0) }
}

fn models(seen: &SystemView, w: &Fixed) -> Vec<Model> {
    let of = |line: &crate::models::usage::Line| Model {
        name: [&line.provider, &line.model].into_iter().flatten().cloned().collect::<Vec<_>>().join(" · "),
        calls: match line.failed {
            0 => line.calls.to_string(),
            failed => format!("{} ({}: {failed})", line.calls, w.failed_ones),
        },
        tokens: format!("{} · {}", line.input, line.output),
        cost: money(line.micro_usd),
    };
    seen.brains.iter().flat_map(|brains| &brains.models).map(of).collect()
}

fn budget(seen: &SystemView, w: &Fixed) -> String {
    match seen.brains.as_ref().map(|brains| (brains.left, brains.per_day)) {
        None => w.unknown_at_all.to_owned(),
        Some((Some(left), Some(per_day))) => format!("{}: {} / {}", w.budget_left, money(left), money(per_day)),
        Some(_) => w.no_budget.to_owned(),
    }
}

impl Hook {
    fn of(hook: &WebhookFigures, viewer: &Viewer) -> Self {
        let w = viewer.w;
        let active = hook.state == "active";
        let (state, word) = match (active, hook.failed) {
            (false, _) => ("cancelled", w.switched_off),
            (true, 0) => ("sent", w.well),
            (true, _) => ("failed", w.failed_ones),
        };
        Self {
            url: hook.url.clone(),
            chip: Chip::saying(state, word.to_owned()),
            delivered: hook.delivered,
            retrying: hook.retrying,
            failed: hook.failed,
            last: hook.last_at.map_or_else(|| w.none.to_owned(), |at| viewer.clock().moment(at.0)),
            again: hook
                .failed_delivery_id
                .as_ref()
                .filter(|_| active)
                .map(|delivery| format!("/ui/webhooks/{}/deliveries/{delivery}/retry", hook.id)),
        }
    }
}

fn letters(seen: &SystemView, viewer: &Viewer) -> Vec<Letter> {
    let letter = |position, what: &str, at: crate::read::Time, why: &str| Letter {
        position,
        service: String::new(),
        again: String::new(),
        what: what.to_owned(),
        since: viewer.clock().moment(at.0),
        exact: when::exact(at.0),
        why: why.to_owned(),
    };
    let of_service = |given: &system::DeadLetterView| Letter {
        service: given.consumer.clone(),
        again: format!("/ui/dead-letters/{}/{}", given.consumer, given.position),
        ..letter(given.position, &given.type_name, given.at, &given.error)
    };
    let lacking = |event: &system::SetAsideView| Letter {
        service: viewer.w.read_models.to_owned(),
        ..letter(event.position, &event.type_name, event.at, &event.error)
    };
    let of_services = seen.dead_letters.iter().flatten().map(of_service);
    of_services.chain(seen.set_aside.iter().flatten().map(lacking)).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_line_ends_at_the_right_and_stays_within_its_height() {
        assert_eq!(line(&[], 0.0), "");
        assert_eq!(line(&[0.0], 0.0), "M120.0 19.0");
        let full = line(&vec![40.0; KEPT], 40.0);
        assert!(full.starts_with("M0.0 1.0L") && full.ends_with("L120.0 1.0"), "{full}");
    }

    #[test]
    fn money_is_written_so_that_little_of_it_is_seen() {
        assert_eq!(money(0), "0.00 USD");
        assert_eq!(money(123), "0.0001 USD");
        assert_eq!(money(1_250_000), "1.25 USD");
    }
}
