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
    supervise::{Program, Running},
};

/// The configuration, except for what differs from one data directory to the next.
const TEMPLATE: &str = include_str!("../../../../nats/server/managed.conf");
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
    let home = data.join("nats");
    let config = home.join("server.conf");
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
    for attempt in 1.. {
        access.ensure_free_port();
        configure(&config, &home.join("store"), access)?;
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

fn configure(path: &Path, store: &Path, access: &Access) -> Result<(), ServersError> {
    let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
    let text = TEMPLATE
        .replace("{{port}}", &access.port.to_string())
        .replace("{{store_dir}}", &quoted(&store.to_string_lossy()))
        .replace("{{authorization}}", &permissions::config(|user| format!("\"{}\"", access.password(user))));
    write_private(path, text.as_bytes()).map_err(ServersError::data_dir("writing", path))
}
