//! `steward doctor`: says whether everything is in order, and if not, what to do.

use std::{path::Path, time::Duration};

use clap::Args;
use futures::{StreamExt as _, future::join_all};
use steward_agent_brain::{
    brains::Brains,
    models::{Caller, Limits},
};
use steward_ingestion::{Asking, Checked, check_channel};
use steward_log::{Condition, ConnectOptions, Log, LogError, StreamState, permissions::OPERATOR};
use steward_settings::RULES;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{Global, session::bare};
use crate::{
    config::{Loaded, Settings},
    disk, find, postgres,
    run_file::RunFile,
    servers::DataDir,
};

/// Longest wait for one answer. At most three are waited for one after another, so that the whole takes less than ten
/// seconds.
const LIMIT: Duration = Duration::from_secs(3);
/// A stream whose own limit leaves less room than this, in bytes, refuses events soon or already.
const LEAST_ROOM: u64 = 1_000_000;
/// None of the answers that are asked for is longer than this.
const LONGEST_ANSWER: usize = 64 * 1024;
/// PostgreSQL 15, as `server_version_num` writes it.
const OLDEST_POSTGRES: i32 = 150_000;
/// Check configuration, servers, versions, streams, read models and channels, and say what to do
///
/// The exit code is 1 if something is wrong.
#[derive(Debug, Args)]
pub struct Doctor {
    /// Don't ask the channels' providers
    #[arg(long)]
    offline: bool,
}

/// What was found about one thing.
enum Finding {
    Fine(String),
    /// The thing works, but somebody should look at it.
    Notice(String),
    /// What is wrong, and what to do.
    Wrong(String),
}

use Finding::{Fine, Notice, Wrong};

/// What was found about each thing, in the order in which it is printed.
#[derive(Default)]
struct Report(Vec<(String, Finding)>);

impl Report {
    fn add(&mut self, what: &str, finding: Finding) {
        self.0.push((what.to_owned(), finding));
    }

    fn with(mut self, what: &str, finding: Finding) -> Self {
        self.add(what, finding);
        self
    }

    /// Prints the report; returns how many things are wrong.
    fn say(self) -> usize {
        let mut wrong = 0;
        for (what, finding) in self.0 {
            let (mark, text) = match &finding {
                Fine(text) => ("ok    ", text),
                Notice(text) => ("look  ", text),
                Wrong(text) => ("wrong ", text),
            };
            wrong += usize::from(matches!(finding, Wrong(_)));
            println!("{mark}  {what:<14} {text}");
        }
        wrong
    }
}

impl Doctor {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
        let mut report = Report::default();
        match global.loaded() {
            Ok(loaded) => {
                report.add("configuration", Fine(sources(&loaded)));
                let settings = loaded.settings;
                report.add("brain", brain(&settings));
                let log = nats(&mut report, global, &settings).await;
                // One that hangs doesn't hold up the others.
                let parts = tokio::join!(
                    async { if let Some(log) = &log { streams(log).await } else { Report::default() } },
                    room(global, &settings),
                    read_models(global, &settings, log.as_ref()),
                    running(global, &settings),
                    async {
                        if self.offline {
                            Report::default()
                        } else {
                            channels(&settings, settings.server.public_url.as_deref()).await
                        }
                    },
                );
                for part in <[Report; 5]>::from(parts) {
                    report.0.extend(part.0);
                }
            }
            Err(problem) => report.add("configuration", Wrong(problem.to_string())),
        }
        let wrong = report.say();
        anyhow::ensure!(wrong == 0, "{wrong} of these are wrong");
        Ok(())
    }
}

/// Says where the configuration comes from.
fn sources(loaded: &Loaded) -> String {
    let mut said = loaded
        .file()
        .map_or_else(|| "no file: the defaults and the environment".to_owned(), |path| path.display().to_string());
    let variables: Vec<&str> = loaded.variables().collect();
    if !variables.is_empty() {
        said.push_str(&format!(", and over it {}", variables.join(", ")));
    }
    said
}

/// Whether the servers that we manage have room on their disk.
async fn room(global: &Global, settings: &Settings) -> Report {
    let mut report = Report::default();
    if settings.nats.url.is_some() && settings.postgres.url.is_some() {
        return report;
    }
    let data_dir: &Path = &global.data_dir;
    let finding = match (disk::condition(data_dir), disk::free(data_dir)) {
        (Condition::Well, Some(bytes)) => Fine(format!("{} MB free for the managed servers", bytes / (1024 * 1024))),
        (Condition::Well, None) => Notice(format!("the room at {} can't be measured", data_dir.display())),
        (Condition::Behind(text) | Condition::Dead(text), _) => Wrong(text),
    };
    report.add("disk", finding);
    report
}

async fn nats(report: &mut Report, global: &Global, settings: &Settings) -> Option<Log> {
    let url = match find::nats(settings, &global.data_dir, OPERATOR) {
        Ok(url) => url,
        Err(problem) => {
            report.add("nats", Wrong(problem.to_string()));
            return None;
        }
    };
    let options = ConnectOptions::new("steward-doctor");
    let log = match timeout(LIMIT, Log::connect(url.expose(), options, CancellationToken::new())).await {
        Ok(Ok(log)) => log,
        Ok(Err(problem)) => {
            report.add("nats", Wrong(problem.to_string()));
            return None;
        }
        Err(_) => {
            report.add("nats", Wrong(format!("no answer at {}: check that it runs", bare(url.expose()))));
            return None;
        }
    };
    report.add("nats", Fine(format!("{} at {}", log.server_version(), bare(url.expose()))));
    Some(log)
}

async fn streams(log: &Log) -> Report {
    let mut report = Report::default();
    let (states, letters) = tokio::join!(log.stream_states(), timeout(LIMIT, log.dead_letters()));
    for (name, state) in states {
        report.add(&format!("stream {name}"), stream_finding(state));
    }
    let finding = match letters {
        Ok(Ok(letters)) if letters.is_empty() => Fine("none".to_owned()),
        Ok(Ok(letters)) => Notice(format!("{}: see `steward dead-letters list`", letters.len())),
        Ok(Err(problem)) => Wrong(problem.to_string()),
        Err(_) => Wrong("they can't be read in time: does JetStream answer?".to_owned()),
    };
    report.add("dead letters", finding);
    report
}

/// Whether a stream has the right settings, and room.
fn stream_finding(state: Result<Option<StreamState>, LogError>) -> Finding {
    let state = match state {
        Ok(Some(state)) => state,
        Ok(None) => return Wrong("it isn't there: start any service, which makes it".to_owned()),
        Err(LogError::TimedOut { .. }) => {
            return Wrong("JetStream doesn't answer: is it switched on in the server's configuration?".to_owned());
        }
        Err(problem) => return Wrong(format!("{problem} (JetStream must be on)")),
    };
    if !state.is_ours {
        return Wrong("its settings are others than ours: start any service, which mends them".to_owned());
    }
    match state.max_bytes {
        Some(most) if state.bytes.saturating_add(LEAST_ROOM) > most => Wrong(format!(
            "it is full: {} of the {} bytes that its max_bytes allows are used; raise max_bytes, or take the limit away",
            state.bytes, most
        )),
        _ => Fine(format!("{} messages, {} MB", state.messages, state.bytes / 1_000_000)),
    }
}

async fn read_models(global: &Global, settings: &Settings, log: Option<&Log>) -> Report {
    let mut report = Report::default();
    let urls = match find::postgres(settings, &global.data_dir) {
        Ok(urls) => urls,
        Err(problem) => return report.with("postgres", Wrong(problem.to_string())),
    };
    let url = urls.reader();
    let ask = async {
        let client = postgres::pool(url, 1)?.get().await?;
        let number: i32 = client.query_one("SELECT current_setting('server_version_num')::int", &[]).await?.get(0);
        let version: String = client.query_one("SHOW server_version", &[]).await?.get(0);
        // The table doesn't exist before the first start.
        let active = client.query_opt("SELECT schema, position FROM steward.active", &[]).await.ok().flatten();
        let active = active.map(|row| (row.get::<_, String>(0), row.get::<_, i64>(1).cast_unsigned()));
        let set_aside = match &active {
            // Older read models don't have this table.
            Some((schema, _)) => {
                let count = format!("SELECT count(*), min(position) FROM {schema}.set_aside");
                client.query_one(&count, &[]).await.ok().map(|row| (row.get::<_, i64>(0), row.get::<_, Option<i64>>(1)))
            }
            None => None,
        };
        anyhow::Ok((number, version, active, set_aside))
    };
    let (number, version, active, set_aside) = match timeout(LIMIT, ask).await {
        Ok(Ok(found)) => found,
        Ok(Err(problem)) => {
            let text = format!("at {}: {problem:#}: check that it runs and that the URL is right", bare(url.expose()));
            return report.with("postgres", Wrong(text));
        }
        Err(_) => {
            return report.with("postgres", Wrong(format!("no answer at {}: check that it runs", bare(url.expose()))));
        }
    };
    let finding = if number < OLDEST_POSTGRES {
        Wrong(format!("version {version} is too old: version 15 or later is needed"))
    } else {
        Fine(format!("{version} at {}", bare(url.expose())))
    };
    report.add("postgres", finding);
    // The log's end is asked for only now: what came in meanwhile may be in the read models already.
    let end = match log {
        Some(log) => timeout(LIMIT, log.last_position()).await.ok().and_then(Result::ok),
        None => None,
    };
    let finding = match (active, end) {
        (None, _) => Notice("not made yet: `steward up` or `steward projection` makes them".to_owned()),
        (Some((schema, position)), Some(end)) if position > end => Wrong(format!(
            "{schema} is at position {position}, the log ends at {end}: this Postgres belongs to another log; set postgres.url to the right one"
        )),
        (Some((schema, position)), Some(end)) => match lag(log, position, end).await {
            Some(lag) if lag > settings.limits.lag => Wrong(format!(
                "{schema} is at position {position}, {} behind the log and {} s in time: does `projection` run, and what does it log?",
                end - position,
                lag.as_secs()
            )),
            lag => Fine(format!(
                "{schema} at position {position}, {:.1} s behind the log",
                lag.unwrap_or_default().as_secs_f64()
            )),
        },
        (Some((schema, position)), None) => {
            Notice(format!("{schema} at position {position}; the log's end isn't known"))
        }
    };
    report.add("read models", finding);
    if let Some((count @ 1.., first)) = set_aside {
        let finding = Wrong(format!(
            "{count} events can't be projected, the first at position {}; rows of their aggregates are incomplete: see \
             `steward dead-letters list`, then `steward rebuild`",
            first.unwrap_or_default()
        ));
        report.add("set aside", finding);
    }
    report
}

/// How old the first event is that isn't projected yet; `None` if there is none, or the log doesn't say.
async fn lag(log: Option<&Log>, position: u64, end: u64) -> Option<Duration> {
    let log = log.filter(|_| position < end)?;
    let first = async {
        let mut events = std::pin::pin!(log.past(position + 1, vec!["ev.>".to_owned()]).await.ok()?);
        // A message that is no event is passed over.
        while let Some(read) = events.next().await {
            if let Ok(tailed) = read {
                return Some(tailed.recorded.metadata.at);
            }
        }
        None
    };
    let at = timeout(LIMIT, first).await.ok().flatten()?;
    (log.clock().now() - at).to_std().ok()
}

/// Who answers the clients.
fn brain(settings: &Settings) -> Finding {
    let brain = &settings.brain;
    if brain.provider == RULES {
        return Fine("rules, which need no model".to_owned());
    }
    let model = brain.model.as_ref().map_or_else(String::new, |model| format!(" {model}"));
    let made = Caller::new(Limits::default())
        .map_err(|problem| problem.to_string())
        .and_then(|caller| Brains::to_try(&brain.provider, brain, caller).map_err(|problem| problem.to_string()));
    match made {
        Ok(_) => Fine(format!("{}{model}; `steward eval --brain {0}` tries it", brain.provider)),
        Err(problem) => Wrong(format!("{}{model}: {problem}", brain.provider)),
    }
}

/// What the process that uses this data directory says of its readiness, if there is one, and whether the listener's address
/// is free for one if there is none.
async fn running(global: &Global, settings: &Settings) -> Report {
    let report = Report::default();
    let http = DataDir::existing(&global.data_dir).and_then(|data| RunFile::read(&data)?.http);
    let Some(http) = http else {
        let listen = settings.server.listen;
        return report.with(
            "listener",
            match tokio::net::TcpListener::bind(listen).await {
                Ok(_) => Fine(format!("nobody listens at {listen} yet; `steward up` will")),
                Err(problem) if problem.kind() == std::io::ErrorKind::AddrInUse => Notice(format!(
                    "somebody listens at {listen}: if that is no service of Steward's, set server.listen to another address"
                )),
                Err(problem) => Wrong(format!("{listen} can't be listened at: {problem}; set server.listen")),
            },
        );
    };
    let finding = match ask_ready(&http).await {
        Ok((true, _)) => Fine(format!("ready at {http}")),
        Ok((false, said)) => Wrong(format!("not ready: {said}")),
        Err(problem) => Wrong(format!("no answer at {http} ({}): start it anew", problem.without_url())),
    };
    report.with("listener", finding)
}

async fn ask_ready(http: &str) -> reqwest::Result<(bool, String)> {
    #[derive(serde::Deserialize)]
    struct Said {
        detail: String,
    }
    // That process is on this machine, so proxies don't matter.
    let client = steward_http::client_builder().no_proxy().timeout(LIMIT).build()?;
    let answer = client.get(format!("{http}/readyz")).send().await?;
    let ready = answer.status().is_success();
    let text = String::from_utf8_lossy(&bounded(answer).await?).into_owned();
    Ok((ready, serde_json::from_str::<Said>(&text).map_or(text, |said| said.detail)))
}

/// Reads the beginning of an answer's body, so that nobody who answers can make us keep more.
async fn bounded(mut answer: reqwest::Response) -> reqwest::Result<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(piece) = answer.chunk().await? {
        let room = LONGEST_ANSWER - body.len();
        body.extend_from_slice(&piece[..piece.len().min(room)]);
        if body.len() == LONGEST_ANSWER {
            break;
        }
    }
    Ok(body)
}

async fn channels(settings: &Settings, public_url: Option<&str>) -> Report {
    let client = match steward_http::client_builder().build() {
        Ok(client) => client,
        Err(problem) => {
            return Report(vec![("channels".to_owned(), Wrong(format!("no request can be made: {problem}")))]);
        }
    };
    let asking = Asking { client: &client, public_url };
    let asked = settings.channels.iter().map(async |channel| {
        let finding = match check_channel(channel, &asking).await {
            Checked::Fine(text) => Fine(text),
            Checked::Notice(text) => Notice(text),
            Checked::Wrong(text) => Wrong(text),
        };
        (channel.id.clone(), finding)
    });
    Report(join_all(asked).await)
}
