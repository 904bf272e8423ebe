//! The managed nats-server.

use std::path::Path;

use nix::sys::signal::Signal;
use steward_log::permissions;
use tokio_util::sync::CancellationToken;

use super::{
    binaries,
    data_dir::{DataDir, write_private},
    environment,
    error::ServersError,
    orphans,
    ports::Access,
    subscribers::Subscribers,
    supervise::{Program, Running},
};

/// The configuration, except for what differs from one data directory to the next.
const TEMPLATE: &str = include_str!("../../../../nats/server/managed.conf");
/// The server's folder in the data directory, and in it its configuration and its store.
const HOME: &str = "nats";
const CONFIG: &str = "server.conf";
const STORE: &str = "store";
/// Where a server without accounts keeps its streams.
const WITHOUT_ACCOUNTS: &str = "$G";
/// How often another port is tried when somebody has taken the chosen one.
const PORT_ATTEMPTS: usize = 5;

/// Starts the server on the port in `access`, or on another if that one is taken; `access` then has the new one. Gives
/// up on `stop`.
pub(super) async fn start(
    data: &DataDir,
    access: &mut Access,
    stop: &CancellationToken,
) -> Result<(Program, Running), ServersError> {
    let binary = stop.run_until_cancelled(binaries::nats(data)).await.ok_or(ServersError::Interrupted)??;
    let home = data.join(HOME);
    let config = home.join(CONFIG);
    std::fs::create_dir_all(&home).map_err(ServersError::data_dir("making", &home))?;
    let name = binary.file_name().unwrap_or_default().to_string_lossy().into_owned();
    orphans::stop(&name, &config, Signal::SIGTERM).await;
    let program = Program {
        name: "nats-server",
        command: {
            let config = config.clone();
            Box::new(move || {
                let mut command = environment::go(&binary);
                command.arg("--config").arg(&config).kill_on_drop(true);
                command
            })
        },
        ready: "Server is ready",
        // What the server couldn't write once it doesn't try again, even if there is room later.
        full: Some("no space left on device"),
        stop: Signal::SIGTERM,
        log: data.join("logs/nats.log"),
    };
    move_streams(&home)?;
    for attempt in 1.. {
        access.ensure_free_port();
        configure(data, access, &Subscribers::load(data)?)?;
        match program.start(stop).await {
            Ok(running) => return Ok((program, running)),
            Err(ServersError::Start { cause, .. }) if cause.contains("in use") && attempt < PORT_ATTEMPTS => {
                access.port = 0
            }
            Err(problem) => return Err(problem),
        }
    }
    unreachable!("the last attempt returns")
}

/// Writes the server's configuration; a server that runs reads it when it is told to.
pub(super) fn configure(data: &DataDir, access: &Access, subscribers: &Subscribers) -> Result<(), ServersError> {
    let path = data.join(HOME).join(CONFIG);
    let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
    let accounts = permissions::accounts(|user| format!("\"{}\"", access.password(user)), &subscribers.users());
    let text = TEMPLATE
        .replace("{{port}}", &access.port.to_string())
        .replace("{{store_dir}}", &quoted(&data.join(HOME).join(STORE).to_string_lossy()))
        .replace("{{accounts}}", &accounts);
    write_private(&path, text.as_bytes()).map_err(ServersError::data_dir("writing", &path))
}

/// Earlier versions had no accounts: the streams that they made become those of ours.
fn move_streams(home: &Path) -> Result<(), ServersError> {
    let store = home.join(STORE).join("jetstream");
    let (before, now) = (store.join(WITHOUT_ACCOUNTS), store.join(permissions::ACCOUNT));
    if now.exists() || !before.exists() {
        return Ok(());
    }
    std::fs::rename(&before, &now).map_err(ServersError::data_dir("moving the streams in", &store))
}
