//! The managed servers: a nats-server and a Postgres of our own as child processes, with their data in the data directory.

mod binaries;
mod data_dir;
mod download;
mod environment;
mod error;
mod nats;
mod orphans;
mod owner;
mod ports;
mod postgres;
mod staging;
mod subscribers;
mod supervise;
mod tether;

use std::{sync::Arc, thread};

use futures::future::{OptionFuture, join_all};
use tokio::{sync::oneshot, task::LocalSet};
use tokio_util::sync::{CancellationToken, DropGuard};

pub(crate) use self::data_dir::write_private;
pub use self::{
    binaries::{NATS_VARIABLE, POSTGRES_VARIABLE},
    data_dir::{DataDir, Lock},
    error::ServersError,
    subscribers::{change as change_subscribers, new_password},
};
use self::{ports::Accesses, staging::Staging};
use crate::run_file::Credentials;

/// Which of the two servers are to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    pub nats: bool,
    pub postgres: bool,
}

/// The servers that run. When this is dropped, they are stopped as well, but nobody waits for it.
#[derive(Debug)]
pub struct ManagedServers {
    /// The URLs of the managed servers, for each user.
    pub credentials: Credentials,
    staging: Arc<Staging>,
    stop: DropGuard,
    stopped: oneshot::Receiver<()>,
}

impl ManagedServers {
    /// Starts the wanted servers, both at once, and returns when they take connections. From then on a server that dies
    /// is started again on the same port. The caller holds the data directory's [`Lock`].
    ///
    /// Servers that an earlier run left behind are stopped first. Returns `None` if `shutdown` came first. Then, and
    /// when one of them fails, everything that had been started has ended when this returns.
    pub async fn start(
        data: &DataDir,
        wanted: Wanted,
        shutdown: &CancellationToken,
    ) -> Result<Option<Self>, ServersError> {
        let token = CancellationToken::new();
        let stop = token.clone().drop_guard();
        let (tell, mut started) = oneshot::channel();
        let (tell_stopped, stopped) = oneshot::channel();
        let data = data.clone();
        let staging = Arc::new(Staging::of(&data, &data.join("nats")));
        let staged = Arc::clone(&staging);
        // The servers get a thread that lives as long as they do, because the kernel ties a child to the thread that
        // started it.
        thread::Builder::new()
            .name("servers".to_owned())
            .spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                match runtime {
                    Ok(runtime) => LocalSet::new().block_on(&runtime, run(data, wanted, staged, token, tell)),
                    Err(cause) => {
                        let _ = tell.send(Err(ServersError::data_dir("serving", data.path())(cause)));
                    }
                }
                let _ = tell_stopped.send(());
            })
            .map_err(ServersError::data_dir("serving", "."))?;
        let started = match shutdown.run_until_cancelled(&mut started).await {
            Some(Ok(Ok(credentials))) => return Ok(Some(Self { credentials, staging, stop, stopped })),
            Some(Ok(Err(problem))) => Err(problem),
            Some(Err(_)) => Err(ServersError::Interrupted),
            None => Ok(None),
        };
        drop(stop);
        let _ = stopped.await;
        started
    }

    /// The streams exist, and no cut unit stands in the log: from now on batches are staged in memory where possible.
    pub fn stage_in_memory(&self) {
        self.staging.begin();
    }

    /// Stops both servers in order; one that takes more than four seconds is killed.
    pub async fn stop(self) {
        drop(self.stop);
        let _ = self.stopped.await;
    }
}

/// Starts and keeps both servers, on their thread.
async fn run(
    data: DataDir,
    wanted: Wanted,
    staging: Arc<Staging>,
    stop: CancellationToken,
    tell: oneshot::Sender<Result<Credentials, ServersError>>,
) {
    let (running, urls) = start(&data, wanted, &stop).await;
    if urls.is_err() {
        stop.cancel();
    }
    let _ = tell.send(urls);
    let kept = join_all(running.into_iter().map(|(program, running)| program.keep(running, stop.clone())));
    tokio::join!(kept, OptionFuture::from(wanted.nats.then(|| staging.keep(stop.clone()))));
    staging.end();
}

type Started = (supervise::Program, supervise::Running);

/// Starts both servers at once; if one fails, the other is given up. What runs is returned even if not all of it does.
async fn start(
    data: &DataDir,
    wanted: Wanted,
    stop: &CancellationToken,
) -> (Vec<Started>, Result<Credentials, ServersError>) {
    let mut accesses = match Accesses::load(data) {
        Ok(accesses) => accesses,
        Err(problem) => return (Vec::new(), Err(problem)),
    };
    let Accesses { nats: nats_access, postgres: postgres_access } = &mut accesses;
    let given_up = stop.child_token();
    let nats = async {
        let started = nats::start(data, nats_access, &given_up).await;
        started.inspect_err(|_| given_up.cancel())
    };
    let postgres = async {
        let started = postgres::start(data, postgres_access, &given_up).await;
        started.inspect_err(|_| given_up.cancel())
    };
    let (nats, postgres) = tokio::join!(
        OptionFuture::from(wanted.nats.then_some(nats)),
        OptionFuture::from(wanted.postgres.then_some(postgres))
    );
    let (mut running, mut problems) = (Vec::new(), Vec::new());
    for started in [nats, postgres].into_iter().flatten() {
        match started {
            Ok(started) => running.push(started),
            Err(problem) => problems.push(problem),
        }
    }
    // The server that was given up only says that it was interrupted.
    problems.sort_by_key(|problem| matches!(problem, ServersError::Interrupted));
    let urls = match problems.into_iter().next() {
        Some(problem) => Err(problem),
        None => accesses.save(data).map(|()| accesses.credentials(wanted.nats, wanted.postgres)),
    };
    (running, urls)
}
