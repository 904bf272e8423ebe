//! The managed servers: a nats-server and a Postgres of our own as child processes, with their data in the data directory.

mod binaries;
mod data_dir;
mod download;
mod error;
mod nats;
mod orphans;
mod owner;
mod ports;
mod postgres;
mod supervise;
mod tether;

use std::thread;

use tokio::{sync::oneshot, task::LocalSet};
use tokio_util::sync::{CancellationToken, DropGuard};

pub(crate) use self::data_dir::write_private;
use self::ports::{Access, Accesses};
pub use self::{
    binaries::{NATS_VARIABLE, POSTGRES_VARIABLE},
    data_dir::{DataDir, Lock},
    error::ServersError,
};
use crate::config::Secret;

/// Which of the two are to be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    pub nats: bool,
    pub postgres: bool,
}

/// The servers that run. Dropped, they are stopped too, but nobody waits for it.
#[derive(Debug)]
pub struct ManagedServers {
    /// With user and password; `None` if it isn't managed.
    pub nats_url: Option<Secret>,
    /// With user and password; `None` if it isn't managed.
    pub postgres_url: Option<Secret>,
    stop: DropGuard,
    stopped: oneshot::Receiver<()>,
}

impl ManagedServers {
    /// Starts what is wanted, both at once, and returns when they take connections. From then on each is started again on
    /// the same port should it die. The caller holds the data directory's [`Lock`].
    ///
    /// Servers that an earlier run left behind are stopped first. Dropping the future stops what it started.
    pub async fn start(data: &DataDir, wanted: Wanted) -> Result<Self, ServersError> {
        let token = CancellationToken::new();
        let stop = token.clone().drop_guard();
        let (tell, started) = oneshot::channel();
        let (tell_stopped, stopped) = oneshot::channel();
        let data = data.clone();
        // A thread of their own, as long as they live: the kernel ties a child to the thread that started it.
        thread::Builder::new()
            .name("servers".to_owned())
            .spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                match runtime {
                    Ok(runtime) => LocalSet::new().block_on(&runtime, run(data, wanted, token, tell)),
                    Err(cause) => {
                        let _ = tell.send(Err(ServersError::data_dir("serving", data.path())(cause)));
                    }
                }
                let _ = tell_stopped.send(());
            })
            .map_err(ServersError::data_dir("serving", "."))?;
        let urls = started.await.map_err(|_| ServersError::Interrupted)??;
        Ok(Self { nats_url: urls.nats, postgres_url: urls.postgres, stop, stopped })
    }

    /// Stops both in order; a server that doesn't within four seconds is killed.
    pub async fn stop(self) {
        drop(self.stop);
        let _ = self.stopped.await;
    }
}

struct Urls {
    nats: Option<Secret>,
    postgres: Option<Secret>,
}

/// The life of both servers, on their thread.
async fn run(
    data: DataDir,
    wanted: Wanted,
    stop: CancellationToken,
    tell: oneshot::Sender<Result<Urls, ServersError>>,
) {
    let started = stop.run_until_cancelled(start(&data, wanted)).await.unwrap_or(Err(ServersError::Interrupted));
    let (nats, postgres, urls) = match started {
        Ok(started) => started,
        Err(problem) => {
            let _ = tell.send(Err(problem));
            return;
        }
    };
    let _ = tell.send(Ok(urls));
    let keep = async |started: Option<(supervise::Program, supervise::Running)>| {
        if let Some((program, running)) = started {
            program.keep(running, stop.clone()).await;
        }
    };
    tokio::join!(keep(nats), keep(postgres));
}

type Started = Option<(supervise::Program, supervise::Running)>;

async fn start(data: &DataDir, wanted: Wanted) -> Result<(Started, Started, Urls), ServersError> {
    let mut accesses = Accesses::load(data)?;
    let Accesses { nats: nats_access, postgres: postgres_access } = &mut accesses;
    let nats = async |access: &mut Access| match wanted.nats {
        true => nats::start(data, access).await.map(Some),
        false => Ok(None),
    };
    let postgres = async |access: &mut Access| match wanted.postgres {
        true => postgres::start(data, access).await.map(Some),
        false => Ok(None),
    };
    // The first failure gives the other up.
    let (nats, postgres) = tokio::try_join!(nats(nats_access), postgres(postgres_access))?;
    accesses.save(data)?;
    let urls = Urls {
        nats: nats.is_some().then(|| Secret::new(accesses.nats.url("nats", ""))),
        postgres: postgres.is_some().then(|| Secret::new(accesses.postgres.url("postgres", "/steward"))),
    };
    Ok((nats, postgres, urls))
}
