//! A whole system under test on a scratch data directory, in one process or with each service in its own.

use std::{
    net::TcpListener,
    ops::Deref,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::ExitStatus,
    sync::{
        OnceLock,
        atomic::{AtomicU16, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use crate::{
    Api, Config, binary, empty,
    processes::{self, Process, Server},
};

/// Longest time until a system is ready: at the first start the servers may have to be fetched.
const READY_WITHIN: Duration = Duration::from_secs(120);
/// F10: a stop takes at most ten seconds.
pub const STOP_WITHIN: Duration = Duration::from_secs(10);

pub const INGESTION: &str = "ingestion";
pub const AGENT_BRAIN: &str = "agent-brain";
pub const SCHEDULER: &str = "scheduler";
pub const OUTBOX_DISPATCHER: &str = "outbox-dispatcher";
pub const PROJECTION: &str = "projection";
pub const SERVICES: [&str; 5] = [INGESTION, AGENT_BRAIN, SCHEDULER, OUTBOX_DISPATCHER, PROJECTION];

/// A running system. When this is dropped, all its processes are killed.
pub struct System {
    folder: Option<TempDir>,
    path: PathBuf,
    config: Config,
    units: Vec<Unit>,
    api: Api,
}

/// A process, with the port that it listens on; it keeps the port over restarts.
struct Unit {
    /// `up`, `servers`, or a service, with a number if there are several of it.
    name: String,
    command: String,
    port: u16,
    process: Option<Process>,
}

impl Deref for System {
    type Target = Api;

    fn deref(&self) -> &Api {
        &self.api
    }
}

/// Below the ports that Linux gives to outgoing connections, and apart from those of the managed servers.
const PORTS: std::ops::Range<u16> = 10_000..20_000;

/// A port that is free now, and that the system gives to nobody by chance until it is used. No two systems of this
/// process get the same port, since one would be taken for the other.
pub fn free_port() -> anyhow::Result<u16> {
    static NEXT: OnceLock<AtomicU16> = OnceLock::new();
    let next = NEXT.get_or_init(|| AtomicU16::new(rand::random_range(PORTS)));
    let free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    let ports = std::iter::repeat_with(|| PORTS.start + next.fetch_add(1, Ordering::Relaxed) % PORTS.len() as u16);
    ports.take(1_000).find(free).context("no port is free")
}

impl Unit {
    fn new(name: &str, command: &str) -> anyhow::Result<Self> {
        Ok(Self { name: name.to_owned(), command: command.to_owned(), port: free_port()?, process: None })
    }

    fn base(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl System {
    /// Starts `steward up`, and waits until it is ready.
    pub async fn start(config: Config) -> anyhow::Result<Self> {
        let mut system = Self::prepared(config)?;
        system.start_again().await?;
        Ok(system)
    }

    /// Starts `steward servers` alone.
    pub async fn start_servers() -> anyhow::Result<Self> {
        let unit = Unit::new("servers", "servers")?;
        let api = Api::new(&unit.base())?;
        let mut system = Self::prepare(Config::web(), vec![unit], api)?;
        system.start_again().await?;
        Ok(system)
    }

    /// A system of `steward up` that isn't started yet.
    pub fn prepared(config: Config) -> anyhow::Result<Self> {
        let unit = Unit::new("up", "up")?;
        let api = Api::new(&unit.base())?;
        Self::prepare(config, vec![unit], api)
    }

    /// Starts `steward servers`, and every service as a process of its own, as often as `counts` says (once if it says
    /// nothing).
    pub async fn start_separately(config: Config, counts: &[(&str, usize)]) -> anyhow::Result<Self> {
        let mut units = vec![Unit::new("servers", "servers")?];
        for service in SERVICES {
            let count = counts.iter().find(|(name, _)| *name == service).map_or(1, |(_, n)| *n);
            for n in 1..=count {
                units.push(Unit::new(&format!("{service}-{n}"), service)?);
            }
        }
        let base = |service: &str| {
            let unit = units.iter().find(|u| u.command == service).expect("there is one of each");
            unit.base()
        };
        let api = Api::split(&base(INGESTION), &base(PROJECTION))?;
        let mut system = Self::prepare(config, units, api)?;
        system.start_again().await?;
        Ok(system)
    }

    fn prepare(config: Config, units: Vec<Unit>, api: Api) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("steward-test-").tempdir()?;
        // The user that Postgres runs as when we are root must be able to enter.
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755))?;
        let path = folder.path().to_owned();
        Ok(Self { folder: Some(folder), path, config, units, api })
    }

    pub fn api(&self) -> &Api {
        &self.api
    }

    /// The data directory.
    pub fn data(&self) -> PathBuf {
        self.path.join("data")
    }

    /// The folder of this system: configuration, data directory and output.
    pub fn folder(&self) -> &Path {
        &self.path
    }

    pub fn config_file(&self) -> PathBuf {
        self.path.join("steward.toml")
    }

    fn output(&self) -> PathBuf {
        self.path.join("output.log")
    }

    /// The last lines that the processes have printed.
    pub fn said(&self, lines: usize) -> String {
        processes::tail(&self.output(), lines)
    }

    /// The contents of `run.json`.
    pub fn run_file(&self) -> anyhow::Result<Value> {
        Ok(serde_json::from_slice(&std::fs::read(self.data().join("run.json"))?)?)
    }

    /// The contents of `credentials.json`: the URLs of the managed servers for each user.
    pub fn credentials(&self) -> anyhow::Result<Value> {
        Ok(serde_json::from_slice(&std::fs::read(self.data().join("credentials.json"))?)?)
    }

    /// The URL of NATS for a user who only reads.
    pub fn nats_url(&self) -> anyhow::Result<String> {
        let run = self.run_file()?;
        Ok(run["nats"].as_str().context("run.json names NATS")?.to_owned())
    }

    /// The URL of NATS for the user who may do everything.
    pub fn admin_url(&self) -> anyhow::Result<String> {
        Ok(self.credentials()?["nats"]["admin"].as_str().context("there is an admin")?.to_owned())
    }

    /// A connection to NATS that may do everything.
    pub async fn nats(&self) -> anyhow::Result<async_nats::Client> {
        let url = self.admin_url()?;
        let (_, rest) = url.split_once("://").context("a URL")?;
        let (who, address) = rest.split_once('@').context("credentials")?;
        let (user, password) = who.split_once(':').context("a password")?;
        let options = async_nats::ConnectOptions::with_user_and_password(user.to_owned(), password.to_owned());
        Ok(options.connect(address).await?)
    }

    /// Uses another configuration from the next start on.
    pub fn configure(&mut self, config: Config) {
        self.config = config;
    }

    /// A `steward` command that uses this system's configuration and data.
    pub fn steward(&self, arguments: &[&str]) -> anyhow::Result<Command> {
        let mut command = Command::new(binary::steward()?);
        command.args(arguments).arg("--config").arg(self.config_file()).arg("--data-dir").arg(self.data());
        command.current_dir(&self.path).envs(self.config.environment.iter().cloned());
        Ok(command)
    }

    /// Makes a key; returns the key and its id.
    pub async fn create_key(&self, tenant: &str, role: &str) -> anyhow::Result<(String, String)> {
        let made = self.steward(&["keys", "create", "--tenant", tenant, "--role", role])?.output().await?;
        let said = String::from_utf8_lossy(&made.stderr).into_owned();
        ensure!(made.status.success(), "{said}");
        let id = said.split_whitespace().find(|word| word.starts_with("key_")).context("it names the key's id")?;
        Ok((String::from_utf8_lossy(&made.stdout).trim().to_owned(), id.to_owned()))
    }

    /// Starts whatever doesn't run, and waits until all of it is ready.
    pub async fn start_again(&mut self) -> anyhow::Result<()> {
        std::fs::write(self.config_file(), self.config.toml())?;
        let data = self.data();
        tokio::task::spawn_blocking(move || empty::database(&data)).await?;
        for i in 0..self.units.len() {
            self.launch(i)?;
            if self.units[i].command == "servers" {
                self.until_run_file().await?;
            }
        }
        for i in 0..self.units.len() {
            if self.units[i].command != "servers" {
                self.until_ready(i).await?;
            }
        }
        Ok(())
    }

    /// Starts whatever doesn't run, and doesn't wait.
    pub fn launch_all(&mut self) -> anyhow::Result<()> {
        std::fs::write(self.config_file(), self.config.toml())?;
        (0..self.units.len()).try_for_each(|i| self.launch(i))
    }

    fn launch(&mut self, i: usize) -> anyhow::Result<()> {
        if self.units[i].process.as_mut().is_some_and(|p| p.ended().is_none()) {
            return Ok(());
        }
        let mut command = self.steward(&[&self.units[i].command])?;
        command.env("STEWARD__SERVER__LISTEN", format!("127.0.0.1:{}", self.units[i].port));
        let output = self.output();
        let unit = &mut self.units[i];
        unit.process = Some(Process::start(&unit.name, command, &output)?);
        Ok(())
    }

    /// Waits until a process is ready. Only its own `/readyz` tells, so this asks again and again.
    async fn until_ready(&mut self, i: usize) -> anyhow::Result<()> {
        let deadline = tokio::time::Instant::now() + READY_WITHIN;
        let mut tick = tokio::time::interval(Duration::from_millis(20));
        loop {
            tick.tick().await;
            let url = format!("{}/readyz", self.units[i].base());
            let last = match self.api.client.get(url).send().await {
                // It is this process's answer, because another one could not have got the port.
                Ok(answer) if answer.status().is_success() => return self.still_runs(i),
                Ok(answer) => answer.text().await.unwrap_or_default(),
                Err(error) => error.to_string(),
            };
            self.still_runs(i)?;
            if tokio::time::Instant::now() > deadline {
                bail!("{} is not ready in {READY_WITHIN:?}: {last}\n{}", self.units[i].name, self.said(30));
            }
        }
    }

    /// Waits until `/readyz` of the first process answers 503 with these words in it.
    pub async fn until_said_by_readyz(&mut self, words: &str) -> anyhow::Result<()> {
        let deadline = tokio::time::Instant::now() + READY_WITHIN;
        let mut tick = tokio::time::interval(Duration::from_millis(20));
        let mut last = String::new();
        loop {
            tick.tick().await;
            let url = format!("{}/readyz", self.units[0].base());
            if let Ok(answer) = self.api.client.get(url).send().await {
                let status = answer.status();
                last = answer.text().await?;
                if status.as_u16() == 503 && last.contains(words) {
                    return Ok(());
                }
            }
            self.still_runs(0)?;
            if tokio::time::Instant::now() > deadline {
                bail!("/readyz doesn't speak of {words}: {last}\n{}", self.said(30));
            }
        }
    }

    async fn until_run_file(&mut self) -> anyhow::Result<()> {
        let deadline = tokio::time::Instant::now() + READY_WITHIN;
        let mut tick = tokio::time::interval(Duration::from_millis(20));
        let pid = self.units[0].process.as_ref().map(|p| p.pid);
        // A file that an earlier run left behind names another process.
        while self.run_file().ok().and_then(|run| run["pid"].as_i64()) != pid.map(i64::from) {
            tick.tick().await;
            self.still_runs(0)?;
            if tokio::time::Instant::now() > deadline {
                bail!("no run.json in {READY_WITHIN:?}\n{}", self.said(30));
            }
        }
        Ok(())
    }

    fn still_runs(&mut self, i: usize) -> anyhow::Result<()> {
        let ended = self.units[i].process.as_mut().and_then(Process::ended);
        if let Some(status) = ended {
            bail!("{} ended with {status}:\n{}", self.units[i].name, self.said(30));
        }
        Ok(())
    }

    /// The process of this name: `up`, a service (`scheduler`, or `scheduler-2`), or `servers`.
    pub fn process(&mut self, name: &str) -> anyhow::Result<&mut Process> {
        let unit = self.units.iter_mut().find(|u| u.name == name || u.command == name);
        unit.and_then(|u| u.process.as_mut()).with_context(|| format!("there is no process {name}"))
    }

    /// The address at which the process of this name listens.
    pub fn base_of(&self, name: &str) -> anyhow::Result<String> {
        let unit = self.units.iter().find(|u| u.name == name || u.command == name);
        Ok(unit.with_context(|| format!("there is no process {name}"))?.base())
    }

    /// Stops all processes with SIGTERM, the servers last; returns how each ended, and after how long.
    pub async fn stop(&mut self) -> anyhow::Result<Vec<(String, ExitStatus, Duration)>> {
        let mut ended = Vec::new();
        for unit in self.units.iter_mut().rev() {
            if let Some(mut process) = unit.process.take() {
                // Ten seconds is the measure; a process that takes longer is seen, and not cut off.
                let (status, took) = process.stop(STOP_WITHIN * 3).await?;
                ended.push((unit.name.clone(), status, took));
            }
        }
        Ok(ended)
    }

    /// Kills with `kill -9` all processes of the system at once, its servers included.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        processes::kill_all(&self.data());
        for unit in &mut self.units {
            if let Some(mut process) = unit.process.take() {
                process.kill().await?;
            }
        }
        // Kills what was being started at the moment of the first look.
        processes::kill_all(&self.data());
        Ok(())
    }

    /// Kills with `kill -9` one process; if it runs servers, they have to notice that by themselves.
    pub async fn kill_process(&mut self, name: &str) -> anyhow::Result<()> {
        self.process(name)?.kill().await
    }

    /// Kills with `kill -9` a managed server; returns whether there was one.
    pub fn kill_server(&self, which: Server) -> bool {
        processes::kill_server(&self.data(), which)
    }

    /// The process id of a managed server.
    pub fn server(&self, which: Server) -> Option<i32> {
        processes::server(&self.data(), which)
    }
}

impl Drop for System {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- the system's last words ({}):\n{}\n---", self.output().display(), self.said(60));
        }
        processes::kill_all(&self.path);
        if std::env::var_os("STEWARD_KEEP").is_some()
            && let Some(folder) = self.folder.take()
        {
            eprintln!("kept {}", folder.keep().display());
        }
    }
}
