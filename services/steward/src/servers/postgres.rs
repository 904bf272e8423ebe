//! The managed Postgres: made on the first start, its settings and command.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    pin::pin,
    process::Stdio,
    time::Duration,
};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use tokio::{io::AsyncWriteExt, process::Command, time::timeout};
use tokio_util::sync::CancellationToken;
use tracing::info;

use super::{
    binaries::{self, PostgresBin},
    data_dir::DataDir,
    error::ServersError,
    orphans,
    owner::{self, Owner},
    ports::Access,
    supervise::{Program, Running},
    tether::tether,
};

const NAME: &str = "postgres";
/// The database that holds the read models.
const DATABASE: &str = "steward";
const PORT_ATTEMPTS: usize = 5;
/// Longest time the making of the database may take.
const INIT_LIMIT: Duration = Duration::from_secs(120);

/// Settings beside the port. Loopback TCP only: no socket file, whose path would have to be short and in a shared place.
const SETTINGS: &[&str] = &[
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "fsync=on",
    "shared_buffers=64MB",
    "max_connections=64",
    "max_wal_size=1GB",
    // Short statements: compiling them takes longer than running them.
    "jit=off",
    "timezone=UTC",
    "log_timezone=UTC",
    "log_destination=stderr",
    "logging_collector=off",
];

/// Starts it on `access`' port, or another if that is taken; `access` then says which. Gives up on `stop`.
pub(super) async fn start(
    data: &DataDir,
    access: &mut Access,
    stop: &CancellationToken,
) -> Result<(Program, Running), ServersError> {
    let owner = Owner::of_postgres()?;
    let home = owner::home(data, owner.as_ref())?;
    let cluster = home.join("data");
    let bin = binaries::postgres(data, owner.as_ref(), &home, major_of(&cluster));
    let bin = stop.run_until_cancelled(bin).await.ok_or(ServersError::Interrupted)??;
    let log = data.join("logs/postgres.log");
    orphans::stop(NAME, &cluster, Signal::SIGINT).await;
    if !cluster.is_dir() {
        info!(major = bin.major, "making the Postgres database (once)");
        let made = make(&bin, owner.as_ref(), &home, &cluster, access, stop).await;
        made.map_err(|cause| match stop.is_cancelled() {
            true => ServersError::Interrupted,
            false => ServersError::Start { program: "PostgreSQL", cause, log: log.clone() },
        })?;
    }
    let mut attempt = 1;
    loop {
        access.ensure_free_port();
        free_pid_file(&cluster);
        let program = program(&bin, owner.clone(), &cluster, access.port, log.clone());
        match program.start(stop).await {
            Ok(running) => return Ok((program, running)),
            Err(ServersError::Start { .. }) if attempt < PORT_ATTEMPTS && !port_is_free(access.port) => access.port = 0,
            // What a killed postmaster leaves behind needs a moment to notice and end.
            Err(ServersError::Start { cause, .. })
                if attempt < PORT_ATTEMPTS && (cause.contains("shared memory") || cause.contains("lock file")) =>
            {
                tokio::time::sleep(Duration::from_millis(200 * attempt as u64)).await;
            }
            Err(problem) => return Err(problem),
        }
        attempt += 1;
    }
}

fn port_is_free(port: u16) -> bool {
    std::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, port)).is_ok()
}

fn program(bin: &PostgresBin, owner: Option<Owner>, cluster: &Path, port: u16, log: PathBuf) -> Program {
    let (postgres, cluster) = (bin.dir.join(NAME), cluster.to_owned());
    Program {
        name: "PostgreSQL",
        command: Box::new(move || {
            let mut command = as_owner(&postgres, owner.as_ref());
            command.arg("-D").arg(&cluster).arg("-c").arg(format!("port={port}")).kill_on_drop(true);
            for setting in SETTINGS {
                command.arg("-c").arg(setting);
            }
            free_pid_file(&cluster);
            command
        }),
        ready: "database system is ready to accept connections",
        // "Fast": open transactions are rolled back, then it stops in order.
        stop: Signal::SIGINT,
        log,
    }
}

/// A program of PostgreSQL's as the right user, in a plain environment and a directory that user can be in.
fn as_owner(program: &Path, owner: Option<&Owner>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("PG") {
            command.env_remove(name);
        }
    }
    command.env("LC_ALL", "C").env("TZ", "UTC").current_dir("/");
    if let Some(owner) = owner {
        owner.runs(&mut command);
    }
    command
}

fn major_of(cluster: &Path) -> Option<u32> {
    fs::read_to_string(cluster.join("PG_VERSION")).ok()?.trim().parse().ok()
}

/// Makes the cluster with its one role and database. Only when all of it is done does it get its name, so a start that was
/// cut off begins again.
async fn make(
    bin: &PostgresBin,
    owner: Option<&Owner>,
    home: &Path,
    cluster: &Path,
    access: &Access,
    stop: &CancellationToken,
) -> Result<(), String> {
    let text = |e: std::io::Error| e.to_string();
    let (new, password) = (home.join("data.new"), home.join("password.new"));
    if new.exists() {
        fs::remove_dir_all(&new).map_err(text)?;
    }
    write_password(&password, owner, &access.password).map_err(text)?;
    let mut initdb = as_owner(&bin.dir.join("initdb"), owner);
    initdb
        .arg("-D")
        .arg(&new)
        .args(["-U", &access.user, "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"])
        .arg("--pwfile")
        .arg(&password);
    let made = run(initdb, "", stop).await;
    fs::remove_file(&password).map_err(text)?;
    made?;
    let mut single = as_owner(&bin.dir.join(NAME), owner);
    single.args(["--single", "-j", "-D"]).arg(&new).arg(NAME);
    run(single, &format!("CREATE DATABASE {DATABASE};\n"), stop).await?;
    fs::rename(&new, cluster).map_err(text)
}

fn write_password(path: &Path, owner: Option<&Owner>, password: &str) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let _ = fs::remove_file(path);
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    writeln!(file, "{password}")?;
    owner.map_or(Ok(()), |owner| owner.owns(path))
}

/// Runs a program to its end with `input`; the error is what it said last. On `stop`, and after [`INIT_LIMIT`], it is killed
/// with everything it runs itself.
async fn run(mut command: Command, input: &str, stop: &CancellationToken) -> Result<(), String> {
    let name = command.as_std().get_program().to_string_lossy().into_owned();
    tether(&mut command, Signal::SIGKILL);
    command.kill_on_drop(true).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|e| format!("{name} can't be run: {e}"))?;
    let group = child.id().map(|pid| Pid::from_raw(pid as i32));
    let mut ended = pin!(async {
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(input.as_bytes()).await?;
        }
        child.wait_with_output().await
    });
    let in_time = timeout(INIT_LIMIT, stop.run_until_cancelled(&mut ended)).await;
    let Ok(Some(output)) = in_time else {
        if let Some(group) = group {
            let _ = killpg(group, Signal::SIGKILL);
        }
        // Its pipes close when the last of the group has ended.
        let _ = ended.await;
        return Err(format!("{name} was given up, or took longer than {} s", INIT_LIMIT.as_secs()));
    };
    let output = output.map_err(|e| format!("{name} failed: {e}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let complaint = said.lines().rev().find(|l| ["ERROR", "FATAL", "error:"].iter().any(|w| l.contains(w)));
    match complaint {
        None if output.status.success() => Ok(()),
        _ => Err(format!("{name}: {}", complaint.unwrap_or_else(|| said.lines().last().unwrap_or("no reason given")))),
    }
}

/// A pid file whose pid has been given to another program since (they begin small in a container) would make Postgres refuse
/// to start. It passes over its own parent's pid, so that is written instead; the rest of the file stays, by which Postgres
/// makes sure that nothing of the earlier run is still at work on the data.
fn free_pid_file(cluster: &Path) {
    let path = cluster.join("postmaster.pid");
    let Ok(text) = fs::read_to_string(&path) else { return };
    let Some((first, rest)) = text.split_once('\n') else { return };
    let Ok(pid) = first.trim().parse::<i32>() else { return };
    let pid = Pid::from_raw(pid);
    if nix::sys::signal::kill(pid, None).is_ok() && !orphans::is_ours(pid, NAME, cluster) {
        // The file's owner and mode stay as they are. If it can't be written, Postgres says what is wrong.
        let _ = fs::write(&path, format!("{}\n{rest}", std::process::id()));
    }
}
