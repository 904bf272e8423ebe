//! The five services.

use std::{
    fmt,
    future::Future,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use axum::Router;
use futures::future::BoxFuture;
use metrics_exporter_prometheus::PrometheusHandle;
use steward_http::{Guard, client_builder, measure, unknown_path, wrong_method};
use steward_ingestion::{Asking, Checked, Ingestion, check_channel, register_webhooks, registration_call};
use steward_log::{Backoff, Log, Tasks};
use steward_projection::{Around, Commands, Probed, Reached, Reads};
use steward_proto::TenantId;
use steward_settings::{ChannelKind, InForce, Mode, Origin, Settings};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::{openapi, postgres::Pools};

/// The time between two attempts to register Telegram's webhooks.
const REGISTER_WAIT: Duration = Duration::from_secs(2);
const LONGEST_REGISTER_WAIT: Duration = Duration::from_secs(300);

/// One of the services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Service {
    Ingestion,
    AgentBrain,
    Scheduler,
    OutboxDispatcher,
    Projection,
}

impl Service {
    pub const ALL: [Self; 5] =
        [Self::Ingestion, Self::AgentBrain, Self::Scheduler, Self::OutboxDispatcher, Self::Projection];

    pub fn name(self) -> &'static str {
        match self {
            Self::Ingestion => "ingestion",
            Self::AgentBrain => "agent-brain",
            Self::Scheduler => "scheduler",
            Self::OutboxDispatcher => "outbox-dispatcher",
            Self::Projection => "projection",
        }
    }

    /// Whether the service decides on aggregates, and so needs their states.
    pub fn decides(self) -> bool {
        self != Self::Projection
    }

    /// Whether the service keeps read models.
    pub fn needs_postgres(self) -> bool {
        self == Self::Projection
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What the services of one process share.
#[derive(Clone)]
pub struct Runtime {
    pub settings: InForce,
    /// Where its data is.
    pub data_dir: PathBuf,
    pub log: Log,
    /// Set if one of the services needs Postgres.
    pub pools: Option<Pools>,
    pub guard: Guard,
    pub metrics: PrometheusHandle,
    /// Asks everything to stop.
    pub shutdown: CancellationToken,
    /// The tasks that run.
    pub tasks: Tasks,
}

impl Runtime {
    /// Runs a service's loop as a task. If the loop ends before the shutdown, the whole process stops.
    fn spawn<E>(&self, service: Service, run: impl Future<Output = Result<(), E>> + Send + 'static)
    where
        E: Into<anyhow::Error> + Send,
    {
        self.tasks.keep(format!("the service {service}"), async move {
            run.await.map_err(|problem| format!("{:#}", problem.into()))
        });
    }

    /// Starts `services`; the returned router answers for them.
    ///
    /// # Errors
    /// One of the services can't begin.
    pub async fn start(&self, services: &[Service], public_url: Option<&str>) -> anyhow::Result<Router> {
        let (mut router, mut commands) = (Router::new(), None);
        for service in services {
            let (log, settings, shutdown) = (self.log.clone(), self.settings.clone(), self.shutdown.clone());
            match service {
                Service::Ingestion => {
                    let ingestion = self.ingestion(public_url);
                    commands = Some(ingestion.clone());
                    router = router.merge(ingestion);
                }
                Service::AgentBrain => self.spawn(*service, steward_agent_brain::run(log, settings, shutdown)),
                Service::Scheduler => self.spawn(*service, steward_scheduler::run(log, settings, shutdown)),
                Service::OutboxDispatcher => {
                    let webhooks = settings.now().webhooks.clone();
                    self.spawn(*service, steward_webhooks::run(log.clone(), webhooks, shutdown.clone()));
                    self.spawn(*service, steward_outbox_dispatcher::run(log, settings, shutdown));
                }
                Service::Projection => router = router.merge(self.projection(commands.clone(), services)?),
            }
        }
        let router = router.fallback(unknown_path).method_not_allowed_fallback(wrong_method);
        Ok(steward_http::allow_origins(router, self.settings.now().server.cors_origins.clone()))
    }

    fn ingestion(&self, public_url: Option<&str>) -> Router {
        match public_url {
            Some(url) => {
                self.tasks
                    .run("registering webhooks", register(self.settings.now(), url.to_owned(), self.shutdown.clone()));
            }
            None => {
                if let Some(call) = registration_call(&self.settings.now()) {
                    info!(
                        "server.public_url isn't set, so Telegram isn't told where to send updates; the call is:\n{call}"
                    );
                }
            }
        }
        let ingestion = Ingestion {
            log: self.log.clone(),
            settings: self.settings.clone(),
            guard: self.guard.clone(),
            shutdown: self.shutdown.clone(),
        };
        steward_ingestion::serve(ingestion, &self.tasks)
    }

    /// `commands`: what takes them in this process.
    fn projection(&self, commands: Option<Router>, services: &[Service]) -> anyhow::Result<Router> {
        let Pools { projector, reader, .. } = self.pools.clone().context("the projection has no Postgres")?;
        let settings = self.settings.now();
        let reached = Reached::with_limit(settings.limits.lag);
        let run = steward_projection::run(self.log.clone(), projector, reached.clone(), self.shutdown.clone());
        self.spawn(Service::Projection, run);
        let channels = settings.channels.iter().map(|channel| {
            let tenant = TenantId::new(&channel.tenant).with_context(|| format!("tenant of channel {}", channel.id))?;
            let (id, kind) = (channel.id.clone(), channel.kind.name().to_owned());
            Ok(steward_projection::Channel { tenant, id, kind, way: way_in(&channel.kind) })
        });
        let reads = steward_projection::router(Reads {
            log: self.log.clone(),
            pool: reader,
            reached,
            guard: self.guard.clone(),
            channels: channels.collect::<anyhow::Result<_>>()?,
            limits: settings.limits.clone(),
            commands: match (commands, &settings.server.commands_url) {
                (Some(here), _) => Some(Commands::Here(here)),
                (None, Some(url)) => Some(Commands::At { url: url.clone(), client: client_builder().build()? }),
                (None, None) => None,
            },
            settings: self.settings.clone(),
            around: self.around(services)?,
            shutdown: self.shutdown.clone(),
        });
        // The documents describe all interfaces, even those that other processes serve.
        let (documents, _) = openapi::routes().split_for_parts();
        Ok(measure(reads.merge(documents)))
    }
}

impl Runtime {
    /// What the dashboard may know of this process and ask of the world.
    fn around(&self, services: &[Service]) -> anyhow::Result<Around> {
        let (metrics, settings, client) = (self.metrics.clone(), self.settings.clone(), client_builder().build()?);
        let probe = move |id: String| -> BoxFuture<'static, Probed> {
            let (settings, client) = (settings.now(), client.clone());
            Box::pin(async move {
                let Some(channel) = settings.channels.iter().find(|channel| channel.id == id) else {
                    return Probed { fine: false, text: "there is no such channel".to_owned() };
                };
                let asking = Asking { client: &client, public_url: settings.server.public_url.as_deref() };
                match check_channel(channel, &asking).await {
                    Checked::Fine(text) => Probed { fine: true, text },
                    Checked::Notice(text) | Checked::Wrong(text) => Probed { fine: false, text },
                }
            })
        };
        Ok(Around {
            services: services.iter().map(|service| service.name()).collect(),
            render: Some(Arc::new(move || metrics.render())),
            probe: Some(Arc::new(probe)),
            rebuild: rebuild(&self.settings.now(), &self.data_dir),
        })
    }
}

/// The command that makes the read models of this Steward anew, as it is typed in a shell.
fn rebuild(settings: &Settings, data_dir: &Path) -> String {
    let file = settings.effective().into_iter().find_map(|one| match one.origin {
        Origin::File(path) => Some(path),
        _ => None,
    });
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let option = |name: &str, path: &Path| {
        let path = absolute(path).display().to_string();
        let plain = path.chars().all(|c| c.is_alphanumeric() || "/._-".contains(c));
        let path = if plain { path } else { format!("'{}'", path.replace('\'', "'\\''")) };
        format!(" --{name} {path}")
    };
    let config = file.map(|file| option("config", &file)).unwrap_or_default();
    format!("steward rebuild{config}{}", option("data-dir", data_dir))
}

/// How things come in on a channel.
fn way_in(kind: &ChannelKind) -> &'static str {
    match kind {
        ChannelKind::Web => "command",
        ChannelKind::Telegram(telegram) if telegram.mode == Mode::Polling => "polling",
        ChannelKind::Email(email) if email.imap_url.is_some() => "polling",
        _ => "webhook",
    }
}

/// Registers the webhooks of all Telegram channels; tries until all are registered, or until the shutdown.
async fn register(settings: Arc<Settings>, public_url: String, shutdown: CancellationToken) {
    let client = match steward_http::client_builder().build() {
        Ok(client) => client,
        Err(problem) => return error!("no webhook can be registered: {problem}"),
    };
    let mut backoff = Backoff::new(REGISTER_WAIT, LONGEST_REGISTER_WAIT);
    loop {
        let results = register_webhooks(&settings, &public_url, &client);
        let Some(results) = shutdown.run_until_cancelled(results).await else { return };
        let (mut all, pause) = (true, backoff.next_pause());
        for (channel, result) in results {
            match result {
                Ok(()) => info!(channel, "Telegram sends its updates to {public_url}"),
                Err(problem) => {
                    all = false;
                    warn!(channel, "{problem}; trying again in {} s", pause.as_secs());
                }
            }
        }
        if all || shutdown.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
            return;
        }
    }
}
