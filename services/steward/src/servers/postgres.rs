//! The managed Postgres.

use std::{
    fs,
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
    environment,
    error::ServersError,
    orphans,
    owner::{self, Owner},
    ports::Access,
    supervise::{Program, Running},
    tether::tether,
};
use crate::postgres::roles_sql;

const NAME: &str = "postgres";
/// The database that holds the read models.
const DATABASE: &str = "steward";
const PORT_ATTEMPTS: usize = 5;
/// What `ROLES_SQL` makes, as a number that grows with it: data that was prepared for a smaller number is prepared
/// anew.
const PREPARED: u32 = 1;

/// Who may log in, and from where: the roles, from this machine. The superuser that made the cluster has no password
/// and may not log in at all; what only that user can do is done in single-user mode, before the server runs.
/// not log in at all; what only it could do is done in single-user mode, before the server runs.
const HBA: &str = "\
# Written by steward at each start.
host steward steward_owner,steward_projector,steward_reader 127.0.0.1/32 scram-sha-256
";
/// Longest time that making the database may take.
const INIT_LIMIT: Duration = Duration::from_secs(120);

/// The settings beside the port. Postgres only listens on loopback TCP, not on a socket file, whose path would have to
/// be short and in a shared place.
const SETTINGS: &[&str] = &[
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "password_encryption=scram-sha-256",
    "fsync=on",
    "shared_buffers=64MB",
    "max_connections=64",
    "max_wal_size=1GB",
    // Nobody replicates it, since the log makes it anew: what a rebuild fills and indexes needn't be logged as well.
    "wal_level=minimal",
    "max_wal_senders=0",
    // Statements are so short that compiling them takes longer than running them.
    "jit=off",
    "timezone=UTC",
    "log_timezone=UTC",
    "log_destination=stderr",
    "logging_collector=off",
];

/// Starts the server on the port in `access`, or on another if that one is taken; `access` then has the new one. Gives
/// up on `stop`.
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
    let failed = |cause| match stop.is_cancelled() {
        true => ServersError::Interrupted,
        false => ServersError::Start { program: "PostgreSQL", cause, log: log.clone() },
    };
    orphans::stop(NAME, &cluster, Signal::SIGINT).await;
    if !cluster.is_dir() {
        info!(major = bin.major, "making the Postgres database (once)");
        let made = make(&bin, owner.as_ref(), &home, &cluster, stop).await;
        made.map_err(failed)?;
        access.prepared = 0;
    }
    if access.prepared < PREPARED {
        free_pid_file(&cluster);
        prepare(&bin, owner.as_ref(), &cluster, access, stop).await.map_err(failed)?;
        access.prepared = PREPARED;
    }
    fs::write(cluster.join("pg_hba.conf"), HBA)
        .map_err(ServersError::data_dir("writing", cluster.join("pg_hba.conf")))?;
    let mut attempt = 1;
    loop {
        access.ensure_free_port();
        free_pid_file(&cluster);
        let program = program(&bin, owner.clone(), &cluster, access.port, log.clone());
        match program.start(stop).await {
            Ok(running) => return Ok((program, running)),
            Err(ServersError::Start { .. }) if attempt < PORT_ATTEMPTS && !port_is_free(access.port) => access.port = 0,
            // What a killed postmaster leaves behind needs a moment to notice that, and to end.
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
        full: None,
        // The "fast" shutdown: open transactions are rolled back, then the server stops in order.
        stop: Signal::SIGINT,
        log,
    }
}

/// A command that runs a program of PostgreSQL's as the right user, in a plain environment and a directory that this
/// user can be in.
fn as_owner(program: &Path, owner: Option<&Owner>) -> Command {
    let mut command = environment::plain(program);
    command.env("LC_ALL", "C").env("TZ", "UTC").current_dir("/");
    if let Some(owner) = owner {
        command.env_remove("HOME");
        owner.runs(&mut command);
    }
    command
}

fn major_of(cluster: &Path) -> Option<u32> {
    fs::read_to_string(cluster.join("PG_VERSION")).ok()?.trim().parse().ok()
}

/// Makes the cluster with its database. It gets its name only when all of it is done, so a start that was cut off
/// begins again.
/// again.
async fn make(
    bin: &PostgresBin,
    owner: Option<&Owner>,
    home: &Path,
    cluster: &Path,
    stop: &CancellationToken,
) -> Result<(), String> {
    let text = |e: std::io::Error| e.to_string();
    let new = home.join("data.new");
    if new.exists() {
        fs::remove_dir_all(&new).map_err(text)?;
    }
    let mut initdb = as_owner(&bin.dir.join("initdb"), owner);
    let settings = ["-U", "postgres", "--auth-local=reject", "--auth-host=reject", "--encoding=UTF8", "--locale=C"];
    initdb.arg("-D").arg(&new).args(settings);
    run(initdb, "", stop).await?;
    single_user(bin, owner, &new, NAME, &format!("CREATE DATABASE {DATABASE};\n"), stop).await?;
    fs::rename(&new, cluster).map_err(text)
}

/// Makes the roles with their passwords and rights, or brings existing ones up to date.
async fn prepare(
    bin: &PostgresBin,
    owner: Option<&Owner>,
    cluster: &Path,
    access: &Access,
    stop: &CancellationToken,
) -> Result<(), String> {
    let sql = roles_sql(|role| format!("'{}'", access.password(role)));
    single_user(bin, owner, cluster, DATABASE, &sql, stop).await
}

/// Runs statements as the superuser, in a server that nobody can connect to. Each statement but the last ends with a
/// semicolon and an empty line.
/// semicolon and an empty line.
async fn single_user(
    bin: &PostgresBin,
    owner: Option<&Owner>,
    cluster: &Path,
    database: &str,
    sql: &str,
    stop: &CancellationToken,
) -> Result<(), String> {
    let mut single = as_owner(&bin.dir.join(NAME), owner);
    single.args(["--single", "-j", "-D"]).arg(cluster).arg(database);
    run(single, sql, stop).await
}

/// Runs a program to its end with `input`; the error is what it said last. On `stop`, and after [`INIT_LIMIT`], it is
/// killed together with everything that it has started.
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
        // The program's pipes close when the last process of its group has ended.
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

/// If the pid in a pid file has been given to another program since (pids begin small in a container), Postgres refuses
/// to start. It ignores its own parent's pid, so that is written instead. The rest of the file stays, by which Postgres
/// makes sure that nothing of the earlier run still works on the data.
fn free_pid_file(cluster: &Path) {
    let path = cluster.join("postmaster.pid");
    let Ok(text) = fs::read_to_string(&path) else { return };
    let Some((first, rest)) = text.split_once('\n') else { return };
    let Ok(pid) = first.trim().parse::<i32>() else { return };
    let pid = Pid::from_raw(pid);
    if nix::sys::signal::kill(pid, None).is_ok() && !orphans::is_ours(pid, NAME, cluster) {
        // The file keeps its owner and mode. If it can't be written, Postgres says what is wrong.
        let _ = fs::write(&path, format!("{}\n{rest}", std::process::id()));
    }
}
