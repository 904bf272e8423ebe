//! `steward up`, and one service alone: configuration, servers, connections, services, readiness, and the way back.

use std::{
    io::Write,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context;
use metrics_exporter_prometheus::PrometheusHandle;
use steward_domain::{address::Address, contact::Contact, conversation::Conversation};
use steward_http::Guard;
use steward_log::{
    ConnectOptions, KeepStates, Kind, Log, LogError, Tasks,
    permissions::{READER, STEWARD},
};
use steward_settings::AuthMode;
use tokio::{sync::mpsc, time::timeout};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{
    config::{Secret, Settings},
    descriptors, disk, find,
    front::{self, Front},
    postgres::{self, Pools},
    run_file::{Credentials, RunFile},
    servers::{DataDir, ManagedServers, Wanted},
    services::{Runtime, Service},
    signals::stop_on_signals,
    stall, streams, telemetry,
};

/// Longest time that the services and the requests in hand may take to end: a send takes up to six seconds, and its
/// answer must be recorded. With the stop of the servers it stays within ten seconds.
const STOP_LIMIT: Duration = Duration::from_secs(8);
/// How often histograms are folded together, so that they don't grow where nobody scrapes them.
const METRICS_UPKEEP: Duration = Duration::from_secs(5);
/// In the data directory: folded states, which may be deleted while nothing runs.
const STATES: &str = "states";
/// For how many aggregates the state stays in memory; all others are on disk.
const STATES_IN_MEMORY: u64 = 10_000;

/// The URLs of the servers.
struct Urls {
    nats: Secret,
    postgres: Option<postgres::Urls>,
    /// The directory where a managed NATS keeps its data.
    disk: Option<PathBuf>,
    /// Below it each service's processes keep their states.
    states: PathBuf,
    data_dir: PathBuf,
}

/// Runs all services, and those servers whose URL the configuration doesn't give, until a signal.
pub async fn up(settings: Settings, data_dir: &Path) -> anyhow::Result<()> {
    let data = DataDir::open(data_dir)?;
    let _lock = data.lock()?;
    let process = Process::begin(&settings).await?;
    let wanted = Wanted { nats: settings.nats.url.is_none(), postgres: settings.postgres.url.is_none() };
    let servers = match wanted {
        Wanted { nats: false, postgres: false } => None,
        _ => {
            process.front.waits_for("its servers to start");
            let Some(servers) = ManagedServers::start(&data, wanted, &process.shutdown).await? else { return Ok(()) };
            Some(servers)
        }
    };
    let credentials = servers.as_ref().map_or_else(Credentials::default, |s| s.credentials.clone());
    let urls = Urls {
        nats: credentials.nats(STEWARD).or(settings.nats.url.clone()).expect("it is managed or given"),
        postgres: postgres::Urls::of(&credentials).or(settings.postgres.url.clone().map(postgres::Urls::One)),
        disk: wanted.nats.then(|| data.path().to_owned()),
        states: data.join(STATES),
        data_dir: data_dir.to_owned(),
    };
    let run_file = RunFile::of_this_process(
        Some(process.url.clone()),
        Some(credentials.nats(READER).as_ref().unwrap_or(&urls.nats).expose().to_owned()),
        urls.postgres.as_ref().map(|urls| urls.reader().expose().to_owned()),
    );
    let published = || run_file.publish(&credentials, &data).context("writing run.json");
    let needs_key = settings.auth.mode == AuthMode::Keys;
    let ready = |url: &str| print_urls(url, &run_file, &data.join("run.json"), needs_key);
    // The services connect as a user who may not make streams.
    let streams = match &servers {
        Some(servers) => streams::make_managed(servers, &process.shutdown).await.map_err(anyhow::Error::new),
        None => Ok(Some(())),
    };
    let result = match streams {
        Ok(Some(())) => process.run(settings, &Service::ALL, urls, published, ready).await,
        Ok(None) => Ok(()),
        Err(problem) => Err(problem),
    };
    if let Some(servers) = servers {
        servers.stop().await;
    }
    info!("stopped");
    result
}

/// Runs one service until a signal, with servers that run already.
pub async fn one_service(service: Service, settings: Settings, data_dir: &Path) -> anyhow::Result<()> {
    let urls = Urls {
        nats: find::nats(&settings, data_dir, service.name())?,
        postgres: service.needs_postgres().then(|| find::postgres(&settings, data_dir)).transpose()?,
        disk: settings.nats.url.is_none().then(|| data_dir.to_owned()),
        states: data_dir.join(STATES),
        data_dir: data_dir.to_owned(),
    };
    let process = Process::begin(&settings).await?;
    let ready = |url: &str| say(format_args!("{service} is ready on {url}"));
    let result = process.run(settings, &[service], urls, || Ok(()), ready).await;
    info!("stopped");
    result
}

/// A process that has begun: it listens, says that it isn't ready, and listens for signals.
struct Process {
    front: Front,
    url: String,
    tasks: Tasks,
    deaths: mpsc::Receiver<String>,
    shutdown: CancellationToken,
    metrics: PrometheusHandle,
}

impl Process {
    async fn begin(settings: &Settings) -> anyhow::Result<Self> {
        let shutdown = CancellationToken::new();
        stop_on_signals(shutdown.clone())?;
        let limits = edge(settings);
        let metrics = telemetry::metrics()?;
        let listener = front::bind(settings.server.listen, "server.listen").await?;
        let url = front::local_url(listener.local_addr()?);
        let early = (settings.auth.mode == AuthMode::Open).then(Guard::open);
        let front = Front::new(metrics.clone(), early, shutdown.clone());
        let (tasks, deaths) = Tasks::new(shutdown.clone());
        let serving = front.clone().serve(listener, limits, shutdown.clone());
        tasks.keep("the listener", async move { serving.await.map_err(|problem| problem.to_string()) });
        if let Some(address) = settings.server.metrics_listen {
            let listener = front::bind(address, "server.metrics_listen").await?;
            let serving = front.clone().serve_metrics(listener, shutdown.clone());
            tasks.keep("the metrics' listener", async move { serving.await.map_err(|problem| problem.to_string()) });
        }
        let (upkeep, stop) = (keep_up(metrics.clone(), shutdown.clone()), shutdown.clone());
        tasks.keep("the metrics' upkeep", async move {
            upkeep.await;
            Ok(())
        });
        tasks.keep("the clock of the runtime", stall::watch(stop));
        Ok(Self { front, url, tasks, deaths, shutdown, metrics })
    }

    /// Connects, serves, and ends. `published` is called before the services answer, what it returns is kept until the
    /// shutdown; `ready` when they do.
    async fn run<T>(
        self,
        settings: Settings,
        services: &[Service],
        urls: Urls,
        published: impl FnOnce() -> anyhow::Result<T>,
        ready: impl FnOnce(&str),
    ) -> anyhow::Result<()> {
        let Self { front, url, tasks, mut deaths, shutdown, metrics } = self;
        let public_url = settings.server.public_url.clone();
        // Whatever happens in this block, the way back after it is the same.
        let result: anyhow::Result<()> = async {
            let Some((log, pools)) = connect(&front, services, &urls, &shutdown).await? else { return Ok(()) };
            let guard = match settings.auth.mode {
                AuthMode::Open => Guard::open(),
                AuthMode::Keys => Guard::keys(log.clone()),
            };
            let failed = log.failed();
            let stop = shutdown.clone();
            tasks.keep("the log", async move { stop.run_until_cancelled(failed).await.map_or(Ok(()), Err) });
            let runtime = Runtime {
                settings: settings.into(),
                data_dir: urls.data_dir.clone(),
                log: log.clone(),
                pools: pools.clone(),
                guard: guard.clone(),
                metrics,
                shutdown: shutdown.clone(),
                tasks: tasks.clone(),
            };
            front.waits_for("the services to start");
            let router = runtime.start(services, public_url.as_deref()).await?;
            // Whoever sees that the services are ready finds run.json.
            let kept = published()?;
            front.open(router, guard, log, pools.map(|pools| pools.reader));
            ready(&url);
            shutdown.cancelled().await;
            drop(kept);
            Ok(())
        }
        .await;
        shutdown.cancel();
        if timeout(STOP_LIMIT, tasks.ended()).await.is_err() {
            warn!("not everything ended within {} s; ending without it", STOP_LIMIT.as_secs());
        }
        result?;
        deaths.try_recv().map_or(Ok(()), |said| Err(anyhow::anyhow!(said)))
    }
}

/// Connects to what `services` need, and makes the streams. Waits for servers that are down. `None` if the shutdown
/// came first.
async fn connect(
    front: &Front,
    services: &[Service],
    urls: &Urls,
    shutdown: &CancellationToken,
) -> anyhow::Result<Option<(Log, Option<Pools>)>> {
    front.waits_for("NATS");
    let name = match services {
        [one] => format!("steward-{one}"),
        _ => "steward".to_owned(),
    };
    let keep = services.iter().any(|service| service.decides()).then(|| KeepStates {
        place: urls.states.join(if let [one] = services { one.name() } else { "up" }),
        kinds: vec![Kind::of::<Conversation>(), Kind::of::<Contact>(), Kind::of::<Address>()],
    });
    let log = async {
        let options = ConnectOptions { cache_entries: STATES_IN_MEMORY, ..ConnectOptions::new(name) };
        let log = Log::connect(urls.nats.expose(), options, shutdown.clone()).await?;
        streams::ensure(&log).await?;
        if let Some(keep) = keep {
            log.keep_states(keep).await?;
        }
        Ok(log)
    };
    let log = match shutdown.run_until_cancelled(log).await {
        None | Some(Err(LogError::ShutDown)) => return Ok(None),
        Some(log) => log?,
    };
    if let Some(place) = urls.disk.clone() {
        log.health().register("disk", move || disk::condition(&place));
    }
    let pools = match &urls.postgres {
        Some(urls) if services.iter().any(|service| service.needs_postgres()) => {
            front.waits_for("Postgres");
            let pools = postgres::pools(urls)?;
            if postgres::prepare(&pools.owner, shutdown).await?.is_none() {
                return Ok(None);
            }
            Some(pools)
        }
        _ => None,
    };
    Ok(Some((log, pools)))
}

/// The limits of the HTTP edge, from `[limits]` and `[server]`.
fn edge(settings: &Settings) -> steward_http::Limits {
    steward_http::Limits {
        connections: descriptors::room_for(settings.limits.connections),
        connections_per_address: settings.limits.connections_per_address,
        body_bytes: settings.limits.body_megabytes << 20,
        trusted_proxies: settings.server.trusted_proxies.clone(),
        ..steward_http::Limits::default()
    }
}

async fn keep_up(metrics: PrometheusHandle, shutdown: CancellationToken) {
    let mut tick = tokio::time::interval(METRICS_UPKEEP);
    while shutdown.run_until_cancelled(tick.tick()).await.is_some() {
        metrics.run_upkeep();
    }
}

fn print_urls(http: &str, run: &RunFile, run_path: &Path, needs_key: bool) {
    // Users and passwords are left out, because these lines end up in other people's logs.
    let bare = |url: &Option<String>| {
        let url = url.as_deref().and_then(|url| reqwest::Url::parse(url).ok());
        url.map_or_else(String::new, |url| {
            let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
            format!("{}://{}{port}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path())
        })
    };
    say(format_args!(
        "Steward is ready.\n  http      {http}\n  nats      {}\n  postgres  {}\n  URLs with credentials: {}",
        bare(&run.nats),
        bare(&run.postgres),
        run_path.display()
    ));
    let enter = if needs_key { ", enter with a key of `steward keys create --role operator`," } else { "" };
    say(format_args!("Open {http}/try{enter} and type: ping me in 20 seconds"));
}

/// Prints a line for whoever started us. That standard output is closed is no reason to stop.
fn say(line: std::fmt::Arguments) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
