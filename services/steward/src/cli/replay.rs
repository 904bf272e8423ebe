//! `steward replay`: decides turns again that are in the log.

use std::{
    io::{self, Write},
    time::Instant,
};

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use clap::Args;
use steward_agent_brain::{
    brains::Brains,
    models::{Caller, Limits},
    replay::{Reader, Replay as Wanted, Replayed, Turned, pass},
};
use steward_proto::{Event, event_json};

use super::{Global, progress::Progress, session::Session};

/// Decide recorded turns again and show what differs; records nothing
#[derive(Debug, Args)]
#[command(after_help = "\
A turn names what it was decided by: the log up to certain positions, its time, its settings. Decided again by the same, the
rules must come to the same. Fails if a turn differs, which means that this build decides otherwise than the one that
recorded it.

With --brain another one decides the turns that answered messages: a provider of the configuration, or a provider and a model
of its (openai/gpt-x). What it does otherwise is shown (promises, moves, questions, silence; not its wording), with what its
models cost beside what the recorded turns did. That costs money; --since bounds it. Nothing is sent or carried out.")]
pub struct Replay {
    /// Decide only the turn with this id
    turn: Option<String>,
    /// Have another brain decide: rules, PROVIDER or PROVIDER/MODEL
    #[arg(long, value_name = "BRAIN")]
    brain: Option<String>,
    /// Only turns from this position, or this time (2026-11-01T00:00:00Z), on
    #[arg(long, value_name = "POSITION|TIME")]
    since: Option<String>,
}

/// What came of all turns.
#[derive(Default)]
struct Count {
    same: usize,
    differ: usize,
    skipped: usize,
    micro_usd: (u64, u64),
}

impl Replay {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
        let Session { log, settings } = Session::open(global).await?;
        let since = match &self.since {
            None => 1,
            Some(since) => position(&log, since).await?,
        };
        let candidate = match &self.brain {
            None => None,
            Some(name) => Some(Brains::to_try(name, &settings.brain, Caller::new(Limits::default())?)?),
        };
        let (compared, wanted) = (candidate.is_some(), Wanted { turn: self.turn, since, candidate });
        let (mut count, mut out, began) = (Count::default(), io::stdout().lock(), Instant::now());
        let mut written = Ok(());
        let mut bar = Progress::new("deciding again", log.last_position().await?);
        pass(&Reader::new(log), wanted, |turned| {
            count.add(&turned);
            if written.is_ok() && !matches!(turned.came, Replayed::Same) {
                bar.clear();
                written = show(&mut out, &turned);
            }
            bar.at(turned.position);
        })
        .await?;
        bar.clear();
        written?;
        let Count { same, differ, skipped, micro_usd: (then, now) } = count;
        writeln!(out, "{same} the same, {differ} different, {skipped} skipped")?;
        if compared {
            writeln!(out, "models cost {} USD then, {} USD now", usd(then), usd(now))?;
        }
        let (turns, took) = (same + differ + skipped, began.elapsed().as_secs_f64());
        eprintln!("{turns} turns in {took:.1} s, {:.0} a second", turns as f64 / took.max(1e-3));
        anyhow::ensure!(compared || differ == 0, "{differ} turns come to something else than was recorded");
        Ok(())
    }
}

impl Count {
    fn add(&mut self, turned: &Turned) {
        match turned.came {
            Replayed::Same => self.same += 1,
            Replayed::Differs { .. } | Replayed::Otherwise { .. } => self.differ += 1,
            Replayed::Skipped(_) => self.skipped += 1,
        }
        self.micro_usd.0 += turned.micro_usd.0;
        self.micro_usd.1 += turned.micro_usd.1;
    }
}

/// The position that is named, or the first at a time.
async fn position(log: &steward_log::Log, since: &str) -> anyhow::Result<u64> {
    if let Ok(position) = since.parse() {
        return Ok(position);
    }
    let time: DateTime<Utc> = since.parse().with_context(|| {
        format!("--since `{since}` is neither a position in the log nor a time such as 2026-11-01T00:00:00Z")
    })?;
    Ok(log.position_at(time).await?)
}

fn usd(micro: u64) -> String {
    format!("{}.{:06}", micro / 1_000_000, micro % 1_000_000)
}

fn show(out: &mut impl Write, turned: &Turned) -> io::Result<()> {
    let Turned { turn_id, position, came, .. } = turned;
    let turn = format!("turn {turn_id} at {position}");
    match came {
        Replayed::Same => Ok(()),
        Replayed::Skipped(why) => writeln!(out, "{turn}: skipped: {why}"),
        Replayed::Differs { recorded, again } => {
            writeln!(out, "{turn}: differs")?;
            events(out, "recorded", recorded)?;
            events(out, "again", again)
        }
        Replayed::Otherwise { recorded, again } => {
            let said = |deeds: &[String]| if deeds.is_empty() { "nothing".to_owned() } else { deeds.join(", ") };
            writeln!(out, "{turn}: recorded {}; now {}", said(recorded), said(again))
        }
    }
}

fn events(out: &mut impl Write, which: &str, events: &[Event]) -> io::Result<()> {
    for event in events {
        writeln!(out, "  {which} {} {}", event.type_name(), event_json(event.type_name(), &event.encode()))?;
    }
    Ok(())
}
