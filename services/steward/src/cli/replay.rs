//! `steward replay`: decides turns again that are in the log.

use std::{
    io::{self, Write},
    pin::pin,
};

use clap::Args;
use futures::StreamExt;
use steward_agent_brain::replay::{Replayed, replay};
use steward_proto::{Event, Recorded, event_json};

use super::{Global, session::Session};

/// Decide recorded turns again and show what differs; records nothing
#[derive(Debug, Args)]
#[command(after_help = "\
A turn names what it was decided by: the log up to certain positions, its time, its settings. Decided again by the same, the
rules must come to the same. Fails if a turn differs, which means that this build decides otherwise than the one that
recorded it.")]
pub struct Replay {
    /// Decide only the turn with this id
    turn: Option<String>,
}

impl Replay {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
        let Session { log, .. } = Session::open(global).await?;
        let claims = log.past(1, vec!["ev.*.conversation.*.turn_started".to_owned()]).await?;
        let (mut claims, mut out) = (pin!(claims), io::stdout());
        let (mut same, mut skipped, mut differ) = (0, 0, 0);
        while let Some(claim) = claims.next().await {
            let claim = claim?.recorded;
            if !self.wants(&claim) {
                continue;
            }
            match replay(&log, &claim).await? {
                Replayed::Same => same += 1,
                Replayed::Skipped(why) => {
                    skipped += 1;
                    writeln!(out, "{}: skipped: {why}", name(&claim))?;
                }
                Replayed::Differs { recorded, again } => {
                    differ += 1;
                    writeln!(out, "{}: differs", name(&claim))?;
                    show(&mut out, "recorded", &recorded)?;
                    show(&mut out, "again", &again)?;
                }
            }
        }
        writeln!(out, "{same} the same, {differ} different, {skipped} skipped")?;
        anyhow::ensure!(differ == 0, "{differ} turns come to something else than was recorded");
        Ok(())
    }

    fn wants(&self, claim: &Recorded) -> bool {
        let Event::TurnStarted(started) = &claim.event else { return false };
        !started.renewed && self.turn.as_ref().is_none_or(|turn| *turn == started.turn_id)
    }
}

fn name(claim: &Recorded) -> String {
    match &claim.event {
        Event::TurnStarted(started) => format!("turn {} at {}", started.turn_id, claim.position),
        _ => format!("the event at {}", claim.position),
    }
}

fn show(out: &mut impl Write, which: &str, events: &[Event]) -> io::Result<()> {
    for event in events {
        writeln!(out, "  {which} {} {}", event.type_name(), event_json(event.type_name(), &event.encode()))?;
    }
    Ok(())
}
