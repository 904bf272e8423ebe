//! A scratch place in which the release build runs as a user would run it.

use std::{
    collections::{BTreeMap, HashMap},
    fs::{self, File},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use nix::{
    sys::signal::{Signal, kill, killpg},
    unistd::Pid,
};
use serde::Deserialize;
use tempfile::TempDir;
use tokio::time::sleep;

use crate::{bot_api::BotApi, http::Connection, options::Options};

/// The configured Telegram channel.
pub const CHANNEL: &str = "tg-main";
pub const WEBHOOK: &str = "/webhooks/telegram/tg-main";
pub const SECRET_HEADER: &str = "X-Telegram-Bot-Api-Secret-Token: s3cret\r\n";

/// Longest time that a start may take.
const START_LIMIT: Duration = Duration::from_secs(180);
/// Longest time that a stop may take.
const STOP_LIMIT: Duration = Duration::from_secs(30);
/// The time between two looks at something that doesn't report when it changes.
const LOOK: Duration = Duration::from_millis(5);

/// A configuration and a data directory.
pub struct Place {
    dir: TempDir,
    binary: PathBuf,
}

/// The contents of `run.json`: where a running Steward is found.
#[derive(Debug, Deserialize)]
pub struct RunFile {
    pid: u32,
}

/// The URLs of the users who may do most: the admin of NATS, and the owner of the read models.
#[derive(Debug)]
pub struct Masters {
    pub nats: String,
    pub postgres: String,
}

impl Place {
    pub fn new(options: &Options, bot: &BotApi) -> Result<Self> {
        Self::with(options, bot, "")
    }

    /// The same, with more sections in its configuration.
    pub fn with(options: &Options, bot: &BotApi, sections: &str) -> Result<Self> {
        let root = options.dir.clone().unwrap_or_else(std::env::temp_dir);
        let dir = tempfile::Builder::new().prefix("steward-bench-").tempdir_in(root)?;
        // When we are root, Postgres runs as another user.
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755))?;
        let place = Self { dir, binary: options.steward()? };
        fs::write(place.config(), configuration(&bot.base()) + sections)?;
        Ok(place)
    }

    fn config(&self) -> PathBuf {
        self.dir.path().join("steward.toml")
    }

    pub fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(args).arg("--config").arg(self.config()).arg("--data-dir").arg(self.data());
        command.current_dir(self.dir.path()).env_remove("RUST_LOG").env_remove("STEWARD_LOG");
        command
    }

    /// Starts `steward up`, and waits until it is ready.
    pub async fn up(&self) -> Result<Running> {
        let running = self.spawn("up", &["up"], free_address()?)?;
        running.ready().await
    }

    /// Starts the two servers alone.
    pub async fn servers(&self) -> Result<Running> {
        let running = self.spawn("servers", &["servers"], free_address()?)?;
        running.until("run.json", async || Ok(self.run_file().is_ok_and(|file| file.pid == running.pid()))).await?;
        Ok(running)
    }

    /// Starts one service alone, on servers that run already, and waits until it is ready.
    pub async fn service(&self, name: &'static str) -> Result<Running> {
        let running = self.spawn(name, &[name], free_address()?)?;
        running.ready().await
    }

    fn spawn(&self, name: &'static str, args: &[&str], address: SocketAddr) -> Result<Running> {
        let log = self.dir.path().join(format!("{name}.log"));
        let file = File::create(&log)?;
        let mut command = self.command(args);
        command.env("STEWARD__SERVER__LISTEN", address.to_string());
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file).process_group(0);
        let since = Instant::now();
        let child = command.spawn().with_context(|| format!("starting {}", self.binary.display()))?;
        Ok(Running { child: Some(child), address, log, since, ready_in: Duration::ZERO })
    }

    /// Runs a command to its end; returns how long it took.
    pub async fn run(&self, args: &[&str]) -> Result<Duration> {
        let mut command = tokio::process::Command::from(self.command(args));
        let began = Instant::now();
        let output = command.kill_on_drop(true).output().await?;
        let took = began.elapsed();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(output.status.success(), "steward {} failed: {said}", args.join(" "));
        Ok(took)
    }

    pub fn run_file(&self) -> Result<RunFile> {
        let path = self.data().join("run.json");
        let text = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
        Ok(serde_json::from_slice(&text)?)
    }

    /// The URLs of the users who may fill a log and copy a table.
    pub fn masters(&self) -> Result<Masters> {
        let path = self.data().join("credentials.json");
        let text = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
        let mut users: HashMap<String, HashMap<String, String>> = serde_json::from_slice(&text)?;
        let mut url = |server: &str, user: &str| {
            users.get_mut(server).and_then(|users| users.remove(user)).with_context(|| format!("no {user} of {server}"))
        };
        Ok(Masters { nats: url("nats", "admin")?, postgres: url("postgres", "owner")? })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Postgres' files are elsewhere when its user may not enter our directory.
        let postgres = self.data().join("postgres");
        if let Ok(elsewhere) = fs::read_link(&postgres) {
            let _ = fs::remove_dir_all(elsewhere);
        }
    }
}

fn configuration(api_base: &str) -> String {
    format!(
        r#"[auth]
mode = "open"
[defaults]
timezone = "Europe/Moscow"
language = "ru"
turn_debounce = "0s"
[[channels]]
id = "{CHANNEL}"
kind = "telegram"
token = "1:bench"
secret_token = "s3cret"
rate_limit = "off"
api_base = "{api_base}"
[limits]
connections = 16384
streams = 16384
streams_per_tenant = 16384
streams_per_key = 16384
"#
    )
}

fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

/// A running `steward`, which is killed with all that it started when this is dropped.
pub struct Running {
    child: Option<Child>,
    pub address: SocketAddr,
    log: PathBuf,
    since: Instant,
    /// The time from the start of the process to the first 200 of `/readyz`.
    pub ready_in: Duration,
}

impl Running {
    pub fn pid(&self) -> u32 {
        self.child.as_ref().map_or(0, Child::id)
    }

    /// How many requests it has made to NATS, by kind.
    pub async fn requests(&self) -> Result<BTreeMap<String, f64>> {
        let client = steward_tests::api::client_builder().build()?;
        let url = format!("http://{}/metrics", self.address);
        let text = client.get(url).send().await?.error_for_status()?.text().await?;
        let counts = text.lines().filter_map(|line| {
            let (kind, count) = line.strip_prefix("steward_nats_requests_total{kind=\"")?.split_once("\"} ")?;
            Some((kind.to_owned(), count.parse().ok()?))
        });
        Ok(counts.collect())
    }

    async fn ready(mut self) -> Result<Self> {
        let ask = async || -> Result<bool> {
            let Ok(mut connection) = Connection::open(self.address).await else { return Ok(false) };
            Ok(connection.get("/readyz").await.is_ok_and(|status| status == 200))
        };
        self.until("ready", ask).await?;
        self.ready_in = self.since.elapsed();
        Ok(self)
    }

    /// Looks again and again until `done`, or until the process has ended.
    async fn until(&self, what: &str, done: impl AsyncFn() -> Result<bool>) -> Result<()> {
        loop {
            let done = done().await?;
            // Should it have ended, it was another process that answered.
            let gone = !Path::new(&format!("/proc/{}/exe", self.pid())).exists();
            if gone || self.since.elapsed() > START_LIMIT {
                bail!("steward was never {what}: {}", self.tail());
            }
            if done {
                return Ok(());
            }
            sleep(LOOK).await;
        }
    }

    fn tail(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().rev().take(8).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    /// Stops it as Ctrl-C does; returns how long that took.
    pub async fn stop(mut self) -> Result<Duration> {
        let Some(mut child) = self.child.take() else { return Ok(Duration::ZERO) };
        let began = Instant::now();
        kill(Pid::from_raw(i32::try_from(child.id())?), Signal::SIGTERM)?;
        while child.try_wait()?.is_none() {
            if began.elapsed() > STOP_LIMIT {
                self.child = Some(child);
                bail!("steward didn't stop: {}", self.tail());
            }
            sleep(LOOK).await;
        }
        Ok(began.elapsed())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            if let Ok(group) = i32::try_from(child.id()) {
                let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
            }
            let _ = child.wait();
        }
    }
}
