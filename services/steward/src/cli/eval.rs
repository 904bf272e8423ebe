//! `steward eval`: plays scripted talks and scores what a brain decides.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use clap::Args;
use serde_json::json;
use steward_agent_brain::{
    brain::Brain,
    eval::{Played, format::talks, play},
    rules::Rules,
};

use super::Global;

/// Play scripted talks and score what a brain decides
#[derive(Debug, Args)]
#[command(after_help = "\
A set is a file of JSON lines; its format is in tests/eval/README.md. The talks are played through the real rules of the
domain on a log in memory: no server is needed, and nothing is sent. The table says for each set and language how many talks
ended as they should; the lowest set is the headline. Beside it stands how many replies said only what was decided.

With --json a line {\"set\", \"id\", \"ok\", \"got\"} is printed for each talk, and {\"set\", \"rows\", \"ok\", \"score\"} for each file.
Fails if a file can't be read, or a reply claims what nothing backs.")]
pub struct Eval {
    /// The sets
    #[arg(required = true, value_name = "FILE")]
    sets: Vec<PathBuf>,
    /// The brain that is evaluated
    #[arg(long, value_name = "BRAIN", default_value = "rules")]
    brain: String,
    /// Print JSON lines
    #[arg(long)]
    json: bool,
    /// Print the talks that didn't end as they should
    #[arg(long, conflicts_with = "json")]
    failures: bool,
}

/// What became of a set.
#[derive(Default)]
struct Score {
    rows: usize,
    ok: usize,
    replies: usize,
    unbacked: usize,
}

impl Score {
    fn add(&mut self, played: &Played) {
        self.rows += 1;
        self.ok += usize::from(played.ok);
        self.replies += played.replies;
        self.unbacked += played.unbacked.len();
    }

    fn score(&self) -> f64 {
        if self.rows == 0 { 0.0 } else { self.ok as f64 / self.rows as f64 }
    }
}

impl Eval {
    pub(super) async fn run(self, _global: &Global) -> anyhow::Result<()> {
        let brain = self.brain()?;
        let mut out = io::stdout();
        let mut table: Vec<(String, BTreeMap<String, Score>)> = Vec::new();
        for path in &self.sets {
            let set = name(path);
            let text = fs::read_to_string(path).with_context(|| format!("the set {}", path.display()))?;
            let talks = talks(&text).map_err(|error| anyhow::anyhow!("{}: {error}", path.display()))?;
            let (mut all, mut by_language) = (Score::default(), BTreeMap::<String, Score>::new());
            for talk in &talks {
                let played = play(talk, &*brain)
                    .await
                    .map_err(|error| anyhow::anyhow!("{}: talk {}: {error}", path.display(), talk.id))?;
                all.add(&played);
                by_language.entry(played.lang.clone()).or_default().add(&played);
                self.show(&mut out, &set, &played)?;
            }
            if self.json {
                writeln!(out, "{}", json!({ "set": set, "rows": all.rows, "ok": all.ok, "score": all.score() }))?;
            }
            by_language.insert("all".to_owned(), all);
            table.push((set, by_language));
        }
        if !self.json {
            print(&mut out, &table)?;
        }
        let unbacked: usize = table.iter().filter_map(|(_, scores)| scores.get("all")).map(|all| all.unbacked).sum();
        if unbacked > 0 {
            bail!("{unbacked} times a reply claims what nothing backs");
        }
        Ok(())
    }

    fn brain(&self) -> anyhow::Result<Box<dyn Brain>> {
        match self.brain.as_str() {
            "rules" => Ok(Box::<Rules>::default()),
            other => bail!("no brain is called `{other}`: expected `rules`"),
        }
    }

    fn show(&self, out: &mut impl Write, set: &str, played: &Played) -> io::Result<()> {
        let Played { id, ok, wrong, pending, did, said, unbacked, .. } = played;
        if self.json {
            let got = json!({ "pending": pending, "did": did, "said": said, "wrong": wrong, "unbacked": unbacked });
            return writeln!(out, "{}", json!({ "set": set, "id": id, "ok": ok, "got": got }));
        }
        if self.failures && (!ok || !unbacked.is_empty()) {
            writeln!(out, "{set} {id}: {}; pending {pending:?}, did {did:?}", wrong.join(", "))?;
            writeln!(out, "    said {said:?}")?;
            for claim in unbacked {
                writeln!(out, "    unbacked {claim}")?;
            }
        }
        Ok(())
    }
}

/// The file's name without its ending.
fn name(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

fn print(out: &mut impl Write, table: &[(String, BTreeMap<String, Score>)]) -> io::Result<()> {
    let percent = |score: &Score| format!("{:.1} %", 100.0 * score.score());
    writeln!(out, "{:<16} {:<5} {:>6} {:>6} {:>9} {:>15}", "set", "lang", "talks", "ok", "score", "words backed")?;
    for (set, scores) in table {
        for (language, score) in
            scores.iter().filter(|(language, _)| *language != "all").chain(scores.get_key_value("all"))
        {
            let backed = format!("{} of {}", score.replies.saturating_sub(score.unbacked), score.replies);
            let (rows, ok) = (score.rows, score.ok);
            writeln!(out, "{set:<16} {language:<5} {rows:>6} {ok:>6} {:>9} {backed:>15}", percent(score))?;
        }
    }
    let all = table.iter().filter_map(|(set, scores)| Some((set, scores.get("all")?)));
    if let Some((set, lowest)) = all.min_by(|a, b| a.1.score().total_cmp(&b.1.score())) {
        writeln!(out, "lowest: {} ({set})", percent(lowest))?;
    }
    Ok(())
}
