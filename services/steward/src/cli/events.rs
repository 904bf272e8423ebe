//! `steward events`: the log as JSON lines.

use std::{
    io::{self, IsTerminal, Write},
    pin::pin,
    time::Duration,
};

use anyhow::Context;
use chrono::{Local, SecondsFormat};
use clap::{Args, Subcommand};
use futures::StreamExt;
use serde::Serialize;
use steward_domain::told::summary;
use steward_language::Language;
use steward_log::{Log, LogError, Tailed};
use steward_proto::{Event, Recorded, event_json};
use tokio_util::sync::CancellationToken;

use super::{Global, lists::plain, progress::Progress, session::Session};
use crate::signals::stop_on_signals;

/// Read the log: every event as a JSON line, or as a sentence for who watches it in a terminal
#[derive(Debug, Args)]
#[command(after_help = "\
Each line is {\"position\", \"id\", \"type\", \"subject\", \"at\", \"actor\", \"causation_id\", \"correlation_id\", \"traceparent\",
\"schema_version\", \"data\"}. Subjects are ev.{tenant}.{aggregate}.{id}.{event}, so a filter is for example
  --filter 'ev.*.conversation.*.follow_up_scheduled'")]
pub struct Events {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show events as they are recorded, until Ctrl-C
    Tail {
        /// Begin at this position instead of the end of the log
        #[arg(long, value_name = "POSITION")]
        from: Option<u64>,
        /// Show only events whose subject matches this NATS wildcard; may be given several times
        #[arg(long, value_name = "SUBJECT")]
        filter: Vec<String>,
        /// Print JSON lines on a terminal as well
        #[arg(long)]
        json: bool,
    },
    /// Show one event
    Get {
        /// The event's position in the log
        position: u64,
    },
    /// Write all events, up to the end that the log has now
    Export {
        /// The first position
        #[arg(long, value_name = "POSITION", default_value_t = 1)]
        from: u64,
        /// The last position; by default the end of the log
        #[arg(long, value_name = "POSITION")]
        to: Option<u64>,
        /// Write only events whose subject matches this NATS wildcard; may be given several times
        #[arg(long, value_name = "SUBJECT")]
        filter: Vec<String>,
    },
}

#[derive(Serialize)]
struct Line<'a> {
    position: u64,
    id: String,
    r#type: &'a str,
    subject: String,
    at: String,
    actor: &'a str,
    causation_id: String,
    correlation_id: String,
    traceparent: &'a str,
    schema_version: u32,
    data: serde_json::Value,
}

impl Events {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
        let Session { log, .. } = Session::open(global).await?;
        let shutdown = CancellationToken::new();
        stop_on_signals(shutdown.clone())?;
        let mut out = io::BufWriter::new(io::stdout().lock());
        let reading = async {
            match self.command {
                Command::Tail { from, filter, json } => {
                    let from = match from {
                        Some(from) => from,
                        None => log.last_position().await? + 1,
                    };
                    let shown = if json || !io::stdout().is_terminal() { write } else { tell };
                    follow(&log, from, filter, shown, &mut out).await
                }
                Command::Get { position } => {
                    let recorded = log.read(position).await?.ok_or_else(|| {
                        anyhow::anyhow!("there is no event at position {position}: it is beyond the end, or was erased")
                    })?;
                    write(&recorded, &mut out)?;
                    Ok(out.flush()?)
                }
                Command::Export { from, to, filter } => {
                    let end = log.last_position().await?;
                    export(&log, from, to.map_or(end, |to| to.min(end)), filter, &mut out).await
                }
            }
        };
        match shutdown.run_until_cancelled(reading).await {
            // In `steward events tail | head` the pipe is closed, which is no failure.
            Some(Err(problem)) if problem.downcast_ref::<io::Error>().is_some_and(is_closed_pipe) => Ok(()),
            Some(result) => result,
            None => Ok(()),
        }
    }
}

fn is_closed_pipe(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe
}

/// How long the next event may take to arrive when it is known to be there.
const LIMIT: Duration = Duration::from_secs(30);

/// Shows events from the position `from` on, for ever.
async fn follow<W: Write>(
    log: &Log,
    from: u64,
    filter: Vec<String>,
    show: fn(&Recorded, &mut W) -> io::Result<()>,
    out: &mut W,
) -> anyhow::Result<()> {
    let filter = if filter.is_empty() { vec!["ev.>".to_owned()] } else { filter };
    let mut events = pin!(log.tail(from, filter).await?);
    while let Some(next) = events.next().await {
        if let Some(tailed) = event(next)? {
            show(&tailed.recorded, out)?;
            if tailed.pending == 0 {
                out.flush()?;
            }
        }
    }
    Ok(())
}

/// Writes the events from `from` to `to`, which is the end of the log at most.
async fn export(log: &Log, from: u64, to: u64, filter: Vec<String>, out: &mut impl Write) -> anyhow::Result<()> {
    if to < from {
        return Ok(());
    }
    let filter = if filter.is_empty() { vec!["ev.>".to_owned()] } else { filter };
    let mut events = pin!(log.past(from, filter).await?);
    let mut bar = Progress::of("exporting", from - 1, to);
    loop {
        let next = tokio::time::timeout(LIMIT, events.next()).await;
        let Some(next) = next.context("the log doesn't answer: check that NATS runs")? else { break };
        let Some(tailed) = event(next)? else { continue };
        if tailed.recorded.position > to {
            break;
        }
        write(&tailed.recorded, out)?;
        bar.at(tailed.recorded.position);
        if tailed.recorded.position == to {
            break;
        }
    }
    bar.clear();
    Ok(out.flush()?)
}

/// The event that was read. A message that is none is reported and gives `None`.
fn event(read: Result<Tailed, LogError>) -> Result<Option<Tailed>, LogError> {
    match read {
        Ok(tailed) => Ok(Some(tailed)),
        Err(LogError::Malformed { position, reason }) => {
            eprintln!("steward: the message at position {position} is no event and is left out: {reason}");
            Ok(None)
        }
        Err(problem) => Err(problem),
    }
}

/// The event as a sentence.
fn tell(recorded: &Recorded, out: &mut impl Write) -> io::Result<()> {
    let metadata = &recorded.metadata;
    let told = Event::decode(&metadata.type_name, metadata.schema_version, &recorded.payload)
        .map_or_else(|_| format!("{} (can't be read)", metadata.type_name), |event| summary(&event, Language::En));
    let at = metadata.at.with_timezone(&Local).format("%H:%M:%S");
    let subject = recorded.subject.to_string();
    let mut parts = subject.split('.').skip(1);
    let (tenant, aggregate, id) =
        (parts.next().unwrap_or_default(), parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let tenant = if tenant == "default" { String::new() } else { format!("{tenant} ") };
    writeln!(out, "{at} {:>7}  {}  ({tenant}{aggregate} {})", recorded.position, plain(&told), plain(id))
}

fn write(recorded: &Recorded, out: &mut impl Write) -> io::Result<()> {
    let metadata = &recorded.metadata;
    let line = Line {
        position: recorded.position,
        id: metadata.event_id.to_string(),
        r#type: &metadata.type_name,
        subject: recorded.subject.to_string(),
        at: metadata.at.to_rfc3339_opts(SecondsFormat::AutoSi, true),
        actor: &metadata.actor,
        causation_id: metadata.causation_id.to_string(),
        correlation_id: metadata.correlation_id.to_string(),
        traceparent: &metadata.traceparent,
        schema_version: metadata.schema_version,
        data: event_json(&metadata.type_name, &recorded.payload),
    };
    serde_json::to_writer(&mut *out, &line)?;
    out.write_all(b"\n")
}
