//! The configuration: `steward.toml` and the environment in, checked settings or a clear refusal out.

mod channels;
mod error;
mod file;
mod served;
mod sources;
mod values;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    time::Duration,
};

pub use steward_domain::settings::{Approval, Policy, Template, TenantPolicy};
use steward_domain::settings::{Breaker, Defaults, Limits, ReadLimits};
use steward_language::time::PartsOfDay;
use toml::Table;

pub use self::{
    channels::{Channel, Email, Inbound, Intake, Kind, Telegram, WhatsApp},
    error::ConfigError,
    file::{AuthMode, Provider},
    sources::{Environment, process_environment},
    values::Secret,
};
use self::{error::KeyProblem, sources::Sources};
use crate::postgres::{self, BadUrl};

/// The file that `up` uses when it is there and no `--config` names another.
pub const DEFAULT_FILE: &str = "steward.toml";

/// Everything an operator may set, checked.
#[derive(Debug, Clone)]
pub struct Settings {
    pub server: Server,
    /// `None`: managed.
    pub nats_url: Option<Secret>,
    /// `None`: managed.
    pub postgres_url: Option<Secret>,
    pub auth: AuthMode,
    pub brain: Brain,
    pub defaults: Defaults,
    pub policy: Policy,
    /// By name.
    pub tenants: BTreeMap<String, TenantPolicy>,
    pub webhooks: Webhooks,
    /// `[limits]` of the HTTP edge, with `[server] trusted_proxies`.
    pub edge: steward_http::Limits,
    pub limits: Limits,
    /// `[limits]`, as far as it is about reading.
    pub read_limits: ReadLimits,
    pub channels: Vec<Channel>,
}

/// `[server]`
#[derive(Debug, Clone)]
pub struct Server {
    pub listen: SocketAddr,
    /// Where the world reaches `listen`; without a trailing slash.
    pub public_url: Option<String>,
    /// Where metrics are served without a key, if anywhere.
    pub metrics_listen: Option<SocketAddr>,
}

/// `[brain]`
#[derive(Debug, Clone)]
pub struct Brain {
    pub provider: Provider,
    pub model: Option<String>,
    pub access: BTreeMap<&'static str, Access>,
    pub jobs: BTreeMap<&'static str, JobModel>,
}

/// How a provider is reached.
#[derive(Debug, Clone)]
pub struct Access {
    pub base_url: Option<String>,
    pub api_key: Option<Secret>,
}

/// A model for one job.
#[derive(Debug, Clone)]
pub struct JobModel {
    pub provider: Provider,
    pub model: Option<String>,
}

/// `[webhooks]`: outgoing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhooks {
    /// Whether a webhook may point into a private network.
    pub allow_private: bool,
    /// Waits before each further attempt.
    pub retry: Vec<Duration>,
}

/// Reads and checks the configuration. `path`: the file, if there is one.
///
/// # Errors
/// What is wrong, where, what was found and what is expected; see [`ConfigError`].
pub fn load(path: Option<&Path>, environment: &Environment) -> Result<Settings, ConfigError> {
    let without_file = path.is_none();
    Sources::gather(path, environment)?.read(|table| settings(parse_table(table)?, without_file))
}

/// Deserialises a table; a problem is named with the path of its key.
fn parse_table<T: serde::de::DeserializeOwned>(table: Table) -> Result<T, KeyProblem> {
    serde_path_to_error::deserialize(toml::Value::Table(table)).map_err(|e| {
        let key = e.path().to_string();
        let problem = e.into_inner().to_string();
        KeyProblem::new(key, problem.lines().next().unwrap_or_default())
    })
}

fn settings(file: file::File, without_file: bool) -> Result<Settings, KeyProblem> {
    let listen = file.server.listen.map_or(SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)), |l| l.0);
    let auth = file.auth.mode.unwrap_or(if without_file { AuthMode::Open } else { AuthMode::Keys });
    if auth == AuthMode::Open && !listen.ip().is_loopback() {
        return Err(KeyProblem::new(
            "server.listen",
            format!(
                "found {listen} together with auth.mode \"open\", expected a loopback address such as 127.0.0.1:8080, or auth.mode = \"keys\""
            ),
        ));
    }
    if let Some(url) = &file.nats.url {
        if url.expose().split(',').any(|part| values::url_of(part, &["nats", "tls"]).is_none()) {
            return Err(KeyProblem::new(
                "nats.url",
                "found something else, expected a URL such as \"nats://127.0.0.1:4222\"; leave it out for a managed server",
            ));
        }
        steward_log::check_url(url.expose()).map_err(|problem| KeyProblem::new("nats.url", problem.to_string()))?;
    }
    if let Some(url) = &file.postgres.url {
        let read = postgres::read_url(url.expose());
        if values::url_of(url.expose(), &["postgres", "postgresql"]).is_none() || read == Err(BadUrl::NotUnderstood) {
            return Err(KeyProblem::new(
                "postgres.url",
                "found something else, expected a URL such as \"postgres://user@127.0.0.1/steward\"; leave it out for a managed server",
            ));
        }
        read.map_err(|problem| KeyProblem::new("postgres.url", problem.to_string()))?;
    }
    let channels = channels::read(file.channels)?;
    let policy = Policy {
        quiet_hours: file.policy.quiet_hours.map(|h| h.0),
        daily_cap: file.policy.daily_cap.map(|n| n.0),
        auto_reply_cap: file.policy.auto_reply_cap.map(|n| n.0),
        approval: file.policy.approval,
        breaker: Breaker {
            failures: file.policy.breaker.failures.map_or(Breaker::default().failures, |n| n.0),
            sends_per_minute: file.policy.breaker.sends_per_minute.map(|n| n.0),
        },
    };
    Ok(Settings {
        server: Server {
            listen,
            public_url: file.server.public_url.map(|url| url.0),
            metrics_listen: file.server.metrics_listen.map(|listen| listen.0),
        },
        edge: edge(&file.limits, file.server.trusted_proxies),
        nats_url: file.nats.url,
        postgres_url: file.postgres.url,
        auth,
        defaults: defaults(&file.defaults, file.brain.provider),
        brain: brain(file.brain)?,
        tenants: tenants(file.tenants, &policy, &channels)?,
        policy,
        webhooks: Webhooks {
            allow_private: file.webhooks.allow_private,
            retry: file.webhooks.retry.map_or_else(
                || [1, 5, 30, 300, 3600, 8 * 3600].map(Duration::from_secs).to_vec(),
                |spans| spans.into_iter().map(|s| s.0).collect(),
            ),
        },
        limits: Limits {
            webhooks_per_tenant: file
                .limits
                .webhooks_per_tenant
                .as_ref()
                .map_or(Limits::default().webhooks_per_tenant, |n| n.0),
            open_follow_ups: file
                .limits
                .open_follow_ups
                .as_ref()
                .map_or(Limits::default().open_follow_ups, |n| n.0 as usize),
        },
        read_limits: read_limits(&file.limits),
        channels,
    })
}

fn edge(file: &file::Limits, trusted_proxies: Vec<values::Proxy>) -> steward_http::Limits {
    let otherwise = steward_http::Limits::default();
    steward_http::Limits {
        connections: file.connections.as_ref().map_or(otherwise.connections, |n| n.0 as usize),
        connections_per_address: file
            .connections_per_address
            .as_ref()
            .map_or(otherwise.connections_per_address, |n| n.0 as usize),
        body_bytes: file.body_megabytes.as_ref().map_or(otherwise.body_bytes, |n| n.0 << 20),
        trusted_proxies: trusted_proxies.into_iter().map(|proxy| proxy.0).collect(),
        ..otherwise
    }
}

fn read_limits(file: &file::Limits) -> ReadLimits {
    let otherwise = ReadLimits::default();
    let number = |given: &Option<values::Positive>, default: usize| given.as_ref().map_or(default, |n| n.0 as usize);
    ReadLimits {
        page_bytes: number(&file.page_bytes, otherwise.page_bytes),
        reads: number(&file.reads, otherwise.reads),
        streams: number(&file.streams, otherwise.streams),
        streams_per_tenant: number(&file.streams_per_tenant, otherwise.streams_per_tenant),
        streams_per_key: number(&file.streams_per_key, otherwise.streams_per_key),
        replays: number(&file.replays, otherwise.replays),
        lag: file.lag.as_ref().map_or(otherwise.lag, |span| span.0),
        ..otherwise
    }
}

/// Each names a tenant that has a channel: a misspelt name must not silently mean nobody.
fn tenants(
    file: BTreeMap<String, file::Tenant>,
    policy: &Policy,
    channels: &[Channel],
) -> Result<BTreeMap<String, TenantPolicy>, KeyProblem> {
    let stranger = file.keys().find(|name| channels.iter().all(|channel| channel.tenant != **name));
    if let Some(name) = stranger {
        let known: BTreeSet<&str> = channels.iter().map(|channel| channel.tenant.as_str()).collect();
        let known = known.into_iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ");
        return Err(KeyProblem::new(
            format!("tenants.{name}"),
            format!("found {name:?}, expected the tenant of a channel: {known}"),
        ));
    }
    let own = |tenant: file::Tenant| TenantPolicy {
        approval: tenant.approval,
        policy: Policy {
            quiet_hours: tenant.quiet_hours.map(|h| h.0).or(policy.quiet_hours),
            daily_cap: tenant.daily_cap.map(|n| n.0).or(policy.daily_cap),
            auto_reply_cap: tenant.auto_reply_cap.map(|n| n.0).or(policy.auto_reply_cap),
            ..policy.clone()
        },
    };
    Ok(file.into_iter().map(|(name, tenant)| (name, own(tenant))).collect())
}

fn defaults(file: &file::Defaults, provider: Provider) -> Defaults {
    let otherwise = Defaults::default();
    let parts = PartsOfDay::default();
    let hour = |given: Option<values::Hour>, default: u32| given.map_or(default, |h| h.0);
    // A model is slow and paid by the call: it is worth waiting for the rest of what the client types.
    let debounce = if provider == Provider::Rules { otherwise.turn_debounce } else { Duration::from_millis(1500) };
    Defaults {
        timezone: file.timezone.map_or_else(machine_zone, |z| z.0),
        language: file.language.map_or(otherwise.language, |l| l.0),
        followup_hour: hour(file.followup_hour, otherwise.followup_hour),
        parts_of_day: PartsOfDay {
            morning: hour(file.parts_of_day.morning, parts.morning),
            noon: hour(file.parts_of_day.noon, parts.noon),
            afternoon: hour(file.parts_of_day.afternoon, parts.afternoon),
            evening: hour(file.parts_of_day.evening, parts.evening),
            night: hour(file.parts_of_day.night, parts.night),
        },
        late_limit: file.late_limit.map_or(otherwise.late_limit, |s| s.0),
        human_release_after: file.human_release_after.map_or(otherwise.human_release_after, |s| s.0),
        no_reply_after: file.no_reply_after.map_or(otherwise.no_reply_after, |s| s.0),
        renew: file.renew.unwrap_or(otherwise.renew),
        turn_max_wait: file.turn_max_wait.map_or(otherwise.turn_max_wait, |s| s.0),
        turn_debounce: file.turn_debounce.map_or(debounce, |s| s.0),
        meeting_reminder_hours: file
            .meeting_reminder_hours
            .as_ref()
            .map_or(otherwise.meeting_reminder_hours, |hours| hours.iter().map(|h| h.0).collect()),
    }
}

/// The machine's own zone, else UTC.
fn machine_zone() -> chrono_tz::Tz {
    iana_time_zone::get_timezone().ok().and_then(|name| name.parse().ok()).unwrap_or(chrono_tz::Tz::UTC)
}

fn brain(file: file::Brain) -> Result<Brain, KeyProblem> {
    if file.provider != Provider::Rules && file.model.is_none() {
        return Err(KeyProblem::new(
            "brain.model",
            format!("missing, expected the name of a model of {}", file.provider.name()),
        ));
    }
    let access = [
        (Provider::OpenAi, file.providers.openai),
        (Provider::Anthropic, file.providers.anthropic),
        (Provider::Gemini, file.providers.gemini),
    ];
    Ok(Brain {
        provider: file.provider,
        model: file.model.map(|m| m.0),
        access: access
            .into_iter()
            .filter_map(|(provider, access)| {
                let access = access?;
                Some((provider.name(), Access { base_url: access.base_url.map(|u| u.0), api_key: access.api_key }))
            })
            .collect(),
        jobs: [
            ("discovery", file.jobs.discovery),
            ("planning", file.jobs.planning),
            ("task_simple", file.jobs.task_simple),
            ("task_complex", file.jobs.task_complex),
            ("summary", file.jobs.summary),
            ("reply", file.jobs.reply),
        ]
        .into_iter()
        .filter_map(|(job, m)| m.map(|m| (job, JobModel { provider: m.provider, model: m.model.map(|m| m.0) })))
        .collect(),
    })
}
