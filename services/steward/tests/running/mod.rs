//! A `steward` process on a scratch data directory, and what its servers are asked.

// Each test program uses only a part of this module.
#![allow(dead_code)]

use std::{
    fs::{self, File},
    net::TcpListener,
    os::unix::{
        fs::{MetadataExt, PermissionsExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU16, Ordering},
    },
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill, killpg},
    unistd::{Pid, geteuid},
};
use tempfile::TempDir;

/// The user that root runs things as to play an ordinary user.
const NOBODY: u32 = 65534;

/// Longest wait for anything.
const LIMIT: Duration = Duration::from_secs(60);

/// Waits for `done`, looking often.
#[track_caller]
pub fn eventually(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < LIMIT, "never: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A place for one data directory, with a short path.
pub struct Scratch {
    dir: TempDir,
    /// The user whom everything belongs to, if that isn't us.
    user: Option<u32>,
    binary: PathBuf,
    variables: Vec<(&'static str, PathBuf)>,
    /// The port of its listener.
    port: u16,
}

impl Scratch {
    /// A place that everybody may enter.
    pub fn new() -> Self {
        let scratch = Self::closed();
        fs::set_permissions(scratch.path(), fs::Permissions::from_mode(0o755)).expect("ours");
        scratch
    }

    /// A place that only its owner may enter.
    pub fn closed() -> Self {
        let dir = tempfile::Builder::new().prefix("st-").tempdir_in("/tmp").expect("a temp dir");
        let binary = PathBuf::from(env!("CARGO_BIN_EXE_steward"));
        Self { dir, user: None, binary, variables: Vec::new(), port: free_port() }
    }

    /// A place of an ordinary user: of `nobody` if we are root, otherwise of ourselves.
    pub fn of_an_ordinary_user() -> Self {
        let mut scratch = Self::new();
        if !geteuid().is_root() {
            return scratch;
        }
        // Our build directory and our cache may be closed to other users.
        let exes = {
            let ours = Self::new();
            let steward = Running::start(&ours, &["servers"]);
            drop(steward.run_json());
            servers_of(&ours)
                .iter()
                .map(|pid| fs::read_link(format!("/proc/{pid}/exe")).expect("it runs"))
                .collect::<Vec<_>>()
        };
        let binary = scratch.path().join("steward");
        fs::copy(&scratch.binary, &binary).expect("copied");
        scratch.binary = binary;
        for exe in exes {
            if exe.ends_with("postgres") {
                scratch.variables.push(("STEWARD_POSTGRES_BIN", exe.parent().expect("a directory").to_owned()));
            } else {
                let copy = scratch.path().join("nats-server");
                fs::copy(&exe, &copy).expect("copied");
                scratch.variables.push(("STEWARD_NATS_SERVER", copy));
            }
        }
        scratch.variables.push(("HOME", scratch.path().to_owned()));
        scratch.user = Some(NOBODY);
        scratch.give(scratch.path());
        scratch
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Sets a variable for every process of this place.
    pub fn set(&mut self, name: &'static str, value: impl Into<PathBuf>) {
        self.variables.push((name, value.into()));
    }

    /// The URL of the listener that runs here: `http://127.0.0.1:…`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn data(&self) -> PathBuf {
        self.path().join("d")
    }

    /// Hands a file over to the user of this place.
    pub fn give(&self, path: &Path) {
        if let Some(user) = self.user {
            chown(path, Some(user), Some(user)).expect("root may");
        }
    }

    pub fn as_its_user<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        match self.user {
            Some(user) => command.uid(user).gid(user),
            None => command,
        }
    }

    pub fn steward(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(args).arg("--data-dir").arg(self.data()).current_dir(self.path());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.env("STEWARD__SERVER__LISTEN", format!("127.0.0.1:{}", self.port));
        command.env_remove("STEWARD_LOG").env_remove("RUST_LOG");
        self.as_its_user(&mut command);
        command
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Postgres' files may be elsewhere, see `a_data_directory_below_one_that_others_may_not_enter_serves`.
        let postgres = self.data().join("postgres");
        if let Ok(elsewhere) = fs::read_link(&postgres) {
            let _ = fs::remove_dir_all(elsewhere);
        }
    }
}

/// Below the ports that Linux gives to outgoing connections, and apart from those of the managed servers.
const PORTS: std::ops::Range<u16> = 10_000..20_000;

/// A port that is free now, and that the system gives to nobody by chance until it is used.
pub fn free_port() -> u16 {
    static NEXT: OnceLock<AtomicU16> = OnceLock::new();
    let next = NEXT.get_or_init(|| AtomicU16::new(rand::random_range(PORTS)));
    let free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    let ports = std::iter::repeat_with(|| PORTS.start + next.fetch_add(1, Ordering::Relaxed) % PORTS.len() as u16);
    ports.take(1_000).find(free).expect("there is one")
}

/// An HTTP client.
pub fn client() -> reqwest::Client {
    steward_http::client_builder().build().expect("a client with nothing particular")
}

/// The status and body of a GET, `None` while nobody listens.
pub async fn get(url: &str) -> Option<(u16, String)> {
    let answer = client().get(url).send().await.ok()?;
    Some((answer.status().as_u16(), answer.text().await.ok()?))
}

/// Waits until a GET is answered with this status; returns the body of that answer.
pub async fn answers(url: &str, status: u16) -> String {
    let start = Instant::now();
    loop {
        match get(url).await {
            Some((found, body)) if found == status => return body,
            last => assert!(start.elapsed() < LIMIT, "never {status} from {url}, last {last:?}"),
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A running `steward`, which is killed when this is dropped.
pub struct Running {
    child: Child,
    data: PathBuf,
    log: PathBuf,
    /// Whether it runs the servers itself.
    owner: bool,
}

impl Running {
    /// Starts `steward` as the leader of a process group, and doesn't wait.
    pub fn spawn(scratch: &Scratch, args: &[&str]) -> Self {
        let log = scratch.path().join("out.log");
        let file = File::create(&log).expect("created");
        let child = scratch
            .steward(args)
            .stdin(Stdio::null())
            .stdout(file.try_clone().expect("a second handle"))
            .stderr(file)
            .process_group(0)
            .spawn()
            .expect("it runs");
        let owner = matches!(args, ["up" | "servers", ..]);
        Self { child, data: scratch.data(), log, owner }
    }

    /// Starts `steward`, and waits for its run.json.
    #[track_caller]
    pub fn start(scratch: &Scratch, args: &[&str]) -> Self {
        let mut steward = Self::spawn(scratch, args);
        let pid = steward.pid();
        eventually("run.json is written", || {
            if let Some(status) = steward.child.try_wait().expect("asked") {
                panic!("it ended, {status}: {}", steward.said());
            }
            let text = fs::read(steward.data.join("run.json")).unwrap_or_default();
            serde_json::from_slice::<serde_json::Value>(&text).is_ok_and(|run| run["pid"] == pid)
        });
        steward
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What the process has logged so far.
    pub fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    pub fn run_json(&self) -> serde_json::Value {
        let text = fs::read(self.data.join("run.json")).expect("it is there while it runs");
        serde_json::from_slice(&text).expect("JSON")
    }

    /// The URLs of the users who may do most: the admin of NATS, and the owner of the read models.
    pub fn masters(&self) -> serde_json::Value {
        let credentials = self.credentials();
        serde_json::json!({"nats": credentials["nats"]["admin"], "postgres": credentials["postgres"]["owner"]})
    }

    /// The contents of `credentials.json`.
    pub fn credentials(&self) -> serde_json::Value {
        let text = fs::read(self.data.join("credentials.json")).expect("it is there while it runs");
        serde_json::from_slice(&text).expect("JSON")
    }

    pub fn stop(&mut self, signal: Signal) -> ExitStatus {
        kill(Pid::from_raw(self.pid() as i32), signal).expect("it runs");
        self.child.wait().expect("it ends")
    }

    /// Kills with `kill -9` the process alone, or its whole group.
    pub fn kill(&mut self, whole_group: bool) {
        let pid = Pid::from_raw(self.pid() as i32);
        if whole_group { killpg(pid, Signal::SIGKILL) } else { kill(pid, Signal::SIGKILL) }.expect("it runs");
        self.child.wait().expect("it ends");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Ok(Some(_)) = self.child.try_wait() {
            return;
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        if !self.owner {
            return;
        }
        // The servers that it ran end after it, and still write to the directory that is removed next.
        let data = self.data.clone();
        eventually("its servers end", || processes_with(&data).is_empty());
    }
}

/// The servers that run on a scratch data directory.
pub fn servers_of(scratch: &Scratch) -> Vec<Pid> {
    processes_with(&scratch.data())
}

/// The program of the nats-server that was run here last.
pub fn nats_of(scratch: &Scratch) -> PathBuf {
    let servers = servers_of(scratch);
    let exe = |pid: &Pid| fs::read_link(format!("/proc/{pid}/exe")).expect("it runs");
    servers.iter().map(exe).find(|exe| exe.ends_with("nats-server")).expect("it runs")
}

fn processes_with(data: &Path) -> Vec<Pid> {
    let homes = [data.join("nats"), data.join("postgres").canonicalize().unwrap_or_else(|_| data.join("postgres"))];
    let mut found: Vec<Pid> = fs::read_dir("/proc")
        .expect("Linux")
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let mut words = line.split(|b| *b == 0).map(|word| String::from_utf8_lossy(word).into_owned());
            let server = words.next().is_some_and(|name| name.ends_with("nats-server") || name.ends_with("postgres"));
            server && words.any(|word| homes.iter().any(|home| Path::new(&word).starts_with(home)))
        })
        .map(Pid::from_raw)
        .collect();
    found.sort();
    found
}

/// A process's command and user, to run the same once more.
pub struct Again {
    words: Vec<String>,
    exe: PathBuf,
    user: (u32, u32),
}

impl Again {
    pub fn of(pid: Pid) -> Self {
        let proc = PathBuf::from(format!("/proc/{pid}"));
        let line = fs::read(proc.join("cmdline")).expect("it runs");
        let words = line.split(|b| *b == 0).map(|word| String::from_utf8_lossy(word).into_owned());
        let mut words: Vec<_> = words.collect();
        words.pop();
        let meta = fs::metadata(&proc).expect("it runs");
        Self { words, exe: fs::read_link(proc.join("exe")).expect("it runs"), user: (meta.uid(), meta.gid()) }
    }

    /// Whether the process is the program of this name.
    pub fn is(&self, program: &str) -> bool {
        self.exe.ends_with(program)
    }

    pub fn run(&self) -> Child {
        let mut command = Command::new(&self.exe);
        command
            .args(&self.words[1..])
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if geteuid().is_root() {
            command.uid(self.user.0).gid(self.user.1);
        }
        command.process_group(0).spawn().expect("it runs")
    }
}

/// Connects as soon as the server takes connections.
async fn nats(url: &str) -> async_nats::jetstream::Context {
    let url = reqwest::Url::parse(url).expect("a url");
    let client = tokio::time::timeout(
        LIMIT,
        async_nats::ConnectOptions::with_user_and_password(
            url.username().to_owned(),
            url.password().unwrap_or_default().to_owned(),
        )
        .retry_on_initial_connect()
        .connect(format!("nats://127.0.0.1:{}", url.port().expect("a port"))),
    )
    .await
    .expect("in time")
    .expect("connected");
    async_nats::jetstream::new(client)
}

/// Stores a message.
pub async fn use_nats(url: &str) {
    let context = nats(url).await;
    let config = async_nats::jetstream::stream::Config {
        name: "USED".to_owned(),
        subjects: vec!["used".to_owned()],
        ..Default::default()
    };
    context.get_or_create_stream(config).await.expect("a stream");
    context.publish("used", "kept".into()).await.expect("sent").await.expect("acknowledged");
}

/// Checks that the message of [`use_nats`] is there.
pub async fn nats_was_used(url: &str) {
    let context = nats(url).await;
    let start = Instant::now();
    let stream = loop {
        match context.get_stream("USED").await {
            Ok(stream) => break stream,
            Err(e) => assert!(start.elapsed() < LIMIT, "{e}"),
        }
    };
    let message = stream.get_last_raw_message_by_subject("used").await.expect("a message");
    assert_eq!(&message.payload[..], b"kept");
}

/// Reads as a stranger does, with an inbox of any name.
pub async fn read_nats(url: &str) {
    let stream = nats(url).await.get_stream("EVENTS").await.expect("it is there");
    assert_eq!(stream.cached_info().state.messages, 0);
}

/// Asks for what needs no right.
pub async fn read_postgres(url: &str) {
    postgres(url).await.query("SELECT 1", &[]).await.expect("an answer");
}

async fn postgres(url: &str) -> tokio_postgres::Client {
    let start = Instant::now();
    loop {
        match tokio_postgres::connect(url, tokio_postgres::NoTls).await {
            Ok((client, connection)) => {
                tokio::spawn(connection);
                return client;
            }
            Err(e) => assert!(start.elapsed() < LIMIT, "{e}"),
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Stores a row.
pub async fn use_postgres(url: &str) {
    let client = postgres(url).await;
    client
        .batch_execute("CREATE TABLE IF NOT EXISTS used (it text); INSERT INTO used VALUES ('kept')")
        .await
        .expect("stored");
}

/// Checks that the row of [`use_postgres`] is there.
pub async fn postgres_was_used(url: &str) {
    let rows = postgres(url).await.query("SELECT it FROM used", &[]).await.expect("the table is there");
    assert_eq!(rows[0].get::<_, String>(0), "kept");
}
