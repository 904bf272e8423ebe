//! `steward dead-letters`: what a service couldn't digest.

use chrono::SecondsFormat;
use clap::{Args, Subcommand};
use comfy_table::{ContentArrangement, Table};

use steward_projection::CONSUMER as PROJECTION;

use super::{Global, session::Session};

/// What the projector set aside isn't tried one by one: later events were projected without it.
const REBUILD: &str = "`steward rebuild` tries them all again, in their order, and takes the letters away that succeed";

/// List and retry events that a service gave up on
///
/// The event itself stays in the log at its position; the letter says who gave up on it, and why.
#[derive(Debug, Args)]
pub struct DeadLetters {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List them
    List {
        /// JSON lines instead of a table
        #[arg(long)]
        json: bool,
    },
    /// Have one tried again, or all
    Retry {
        /// Which service's, as the list shows it
        #[arg(required_unless_present = "all", requires = "position")]
        consumer: Option<String>,
        /// At which position
        position: Option<u64>,
        /// Every letter there is
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
