//! `steward dead-letters`: events that a service gave up on.

use chrono::SecondsFormat;
use clap::{Args, Subcommand};
use comfy_table::{ContentArrangement, Table};

use steward_projection::CONSUMER as PROJECTION;

use super::{Global, session::Session};

/// An event that the projector set aside can't be tried by itself, since later events were projected without it.
const REBUILD: &str = "`steward rebuild` tries them all again, in their order, and takes the letters away that succeed";

/// List and retry events that a service gave up on
///
/// The event itself stays in the log at its position; the letter says which service gave up on it, and why.
#[derive(Debug, Args)]
pub struct DeadLetters {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the dead letters
    List {
        /// Print JSON lines instead of a table
        #[arg(long)]
        json: bool,
    },
    /// Have one letter tried again, or all of them
    Retry {
        /// The service that gave up on it, as the list names it
        #[arg(required_unless_present = "all", requires = "position")]
        consumer: Option<String>,
        /// The position of the event
        position: Option<u64>,
        /// Try all letters again
        #[arg(long, conflicts_with_all = ["consumer", "position"])]
        all: bool,
    },
}

impl DeadLetters {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
        let Session { log, .. } = Session::open(global).await?;
        match self.command {
            Command::List { json } => {
                let letters = log.dead_letters().await?;
                if json {
                    for letter in &letters {
                        println!("{}", serde_json::to_string(letter)?);
                    }
                } else if letters.is_empty() {
                    println!("no dead letters");
                } else {
                    let mut table = Table::new();
                    table
                        .load_style(comfy_table::presets::NOTHING)
                        .set_content_arrangement(ContentArrangement::Dynamic);
                    table.set_header(["consumer", "position", "type", "tries", "at", "error"]);
                    for letter in &letters {
                        table.add_row([
                            letter.consumer.clone(),
                            letter.position.to_string(),
                            letter.type_name.clone(),
                            letter.tries.to_string(),
                            letter.at.to_rfc3339_opts(SecondsFormat::Secs, true),
                            letter.error.clone(),
                        ]);
                    }
                    println!("{table}");
                    println!("tried again by: steward dead-letters retry <consumer> <position>");
                    if letters.iter().any(|letter| letter.consumer == PROJECTION) {
                        println!("those of {PROJECTION}: {REBUILD}");
                    }
                }
            }
            Command::Retry { consumer: Some(consumer), .. } if consumer == PROJECTION => {
                anyhow::bail!("the read models went on without this event: {REBUILD}");
            }
            Command::Retry { consumer: Some(consumer), position: Some(position), .. } => {
                log.retry_dead_letter(&consumer, position).await?;
                println!("{consumer} tries position {position} again");
            }
            Command::Retry { .. } => {
                let (projections, letters): (Vec<_>, Vec<_>) =
                    log.dead_letters().await?.into_iter().partition(|letter| letter.consumer == PROJECTION);
                for letter in &letters {
                    log.retry_dead_letter(&letter.consumer, letter.position).await?;
                }
                println!("{} tried again", letters.len());
                if !projections.is_empty() {
                    println!("{} of {PROJECTION}: {REBUILD}", projections.len());
                }
            }
        }
        Ok(())
    }
}
