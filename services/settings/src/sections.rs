//! The sections with only a few keys each: server, NATS, Postgres, who may command, brain, tenants, outgoing webhooks.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use steward_domain::{
    brain::Job,
    settings::{Approval, QuietHours, written},
};
use steward_http::Network;

use crate::{ModelProviders, Price, Secret, written as own};

/// `[server]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub struct Server {
    /// The address where webhooks, commands, reads and the page are served; `localhost` stands for 127.0.0.1.
    #[serde(deserialize_with = "own::listen")]
    pub listen: SocketAddr,
    /// The URL at which the world reaches `listen`, kept without a trailing slash. If it is set, `up` registers the
    /// webhooks.
    #[serde(deserialize_with = "own::some_web_url")]
    pub public_url: Option<String>,
    /// The address of another listener, which serves `/metrics` without a key.
    #[serde(deserialize_with = "own::some_listen")]
    pub metrics_listen: Option<SocketAddr>,
    /// The URL of the process that takes commands, for one that only reads: its dashboard gives its commands there. It isn't
    /// needed where one process does both.
    #[serde(deserialize_with = "own::some_web_url")]
    pub commands_url: Option<String>,
    /// Proxies whose `X-Forwarded-For` is believed, as addresses or networks.
    #[serde(with = "own::networks")]
    pub trusted_proxies: Vec<Network>,
    /// Origins whose pages may use the API with a key, such as `https://app.example.com`. Left out: none.
    #[serde(deserialize_with = "own::origins")]
    pub cors_origins: Vec<String>,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            public_url: None,
            metrics_listen: None,
            commands_url: None,
            trusted_proxies: Vec::new(),
            cors_origins: Vec::new(),
        }
    }
}

/// `[nats]`
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub struct Nats {
    /// The URL of a NATS of your own. Left out: Steward manages one.
    pub url: Option<Secret>,
}

/// `[postgres]`
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub struct Postgres {
    /// The URL of a Postgres of your own. Left out: Steward manages one.
    pub url: Option<Secret>,
}

/// `[auth]`
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub struct Auth {
    /// Left out: `keys` with a file, `open` without one.
    pub mode: AuthMode,
}

/// Who may command Steward.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AuthMode {
    /// A key with a role, made by `steward keys create`.
    #[default]
    Keys,
    /// Whoever reaches the listener, which is then a loopback address.
    Open,
}

/// `[brain]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub struct Brain {
    /// What decides a turn: `rules`, patterns without any service outside, or the id of a provider of models.
    #[serde(deserialize_with = "own::text")]
    pub provider: String,
    /// The provider's model that is asked. Left out: the one that its own section names.
    #[serde(deserialize_with = "own::some_text")]
    pub model: Option<String>,
    /// What a model is told of a tenant's business, by the tenant's name: who it speaks for, what it may promise.
    pub instructions: BTreeMap<String, String>,
    /// Who does which job, where it isn't who answers clients.
    pub jobs: BTreeMap<Job, Doing>,
    /// Experts, by name: each looks at what a client says before the reply is written.
    pub experts: BTreeMap<String, Expert>,
    /// How often a model may be asked in one turn.
    #[serde(deserialize_with = "written::positive")]
    pub steps: u32,
    /// Tokens that one turn may take, in and out, of all its calls.
    #[serde(deserialize_with = "written::positive")]
    pub turn_tokens: u32,
    /// Most tokens of one answer.
    #[serde(deserialize_with = "written::positive")]
    pub max_output: u32,
    /// How long one turn may take, waits included.
    #[serde(with = "written::span")]
    pub longest: Duration,
    /// After so much silence of the client's a model reads what they said, and remembers what is worth it; "never": it doesn't.
    #[serde(with = "written::span_or_never")]
    pub conversation_idle: Option<Duration>,
    /// How long what models were asked and answered is kept, where it is too large for the events; 0: not at all.
    #[serde(with = "own::life")]
    pub traces: Duration,
    /// What is said where no model gives an answer.
    pub without_answer: WithoutAnswer,
    /// The sentence for `without_answer = "holding"`.
    #[serde(deserialize_with = "own::some_text")]
    pub holding: Option<String>,
    /// Where models are asked, by the provider's id.
    pub providers: ModelProviders,
    /// The providers that are asked, in this order, when the first one can't answer.
    #[serde(deserialize_with = "own::texts")]
    pub fallback: Vec<String>,
    /// What models cost, by their names.
    pub prices: BTreeMap<String, Price>,
    pub budget: Budget,
}

/// `[brain.jobs] NAME = { … }`: who does a job.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a table such as { provider = \"openai\", model = \"gpt-5-mini\" }")]
pub struct Doing {
    /// `rules`: no model does it. Left out: the provider that answers clients.
    #[serde(deserialize_with = "own::some_text")]
    pub provider: Option<String>,
    /// Left out: the provider's own.
    #[serde(deserialize_with = "own::some_text")]
    pub model: Option<String>,
}

/// `[brain.experts.NAME]`: looks at what a client says, for whoever writes the reply. It speaks to no client and decides nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub struct Expert {
    /// Who it is, what it knows, what it is to look for.
    #[serde(deserialize_with = "own::text")]
    pub prompt: String,
    /// The tenants that it works for; none: all that have no expert of their own.
    #[serde(deserialize_with = "own::texts")]
    pub tenants: Vec<String>,
    /// Left out: the provider that writes the reply.
    #[serde(deserialize_with = "own::some_text")]
    pub provider: Option<String>,
    /// Left out: the provider's own.
    #[serde(deserialize_with = "own::some_text")]
    pub model: Option<String>,
}

/// `[brain.budget]`: what models may cost.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub struct Budget {
    /// In a day, in UTC, for each tenant. Left out: whatever it takes.
    #[serde(with = "own::money")]
    pub per_day: Option<u64>,
}

impl Default for Brain {
    fn default() -> Self {
        Self {
            provider: RULES.to_owned(),
            model: None,
            instructions: BTreeMap::new(),
            jobs: BTreeMap::new(),
            experts: BTreeMap::new(),
            steps: 8,
            turn_tokens: 100_000,
            max_output: 2_000,
            longest: Duration::from_secs(60),
            conversation_idle: Some(Duration::from_secs(10 * 60)),
            traces: Duration::from_secs(7 * 24 * 3600),
            without_answer: WithoutAnswer::default(),
            holding: None,
            providers: ModelProviders::default(),
            fallback: Vec::new(),
            prices: BTreeMap::new(),
            budget: Budget::default(),
        }
    }
}

/// The brain without a model, as `[brain] provider` names it.
pub const RULES: &str = "rules";

/// What is said where no model gives an answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WithoutAnswer {
    /// What the rules say.
    #[default]
    Rules,
    /// Nothing. What the message cancelled stays as the rules decide.
    Silence,
    /// One sentence of one's own.
    Holding,
}

/// `[tenants.NAME]`: where one tenant differs from `[policy]` and `[brain]`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub struct Tenant {
    #[serde(with = "written::quiet_hours")]
    pub quiet_hours: Option<QuietHours>,
    #[serde(deserialize_with = "written::some_positive")]
    pub daily_cap: Option<u32>,
    #[serde(deserialize_with = "written::some_positive")]
    pub auto_reply_cap: Option<u32>,
    pub approval: Option<Approval>,
    /// How long what its models were asked and answered is kept. Left out: as `[brain]` says; 0: not at all.
    #[serde(with = "own::some_life")]
    pub traces: Option<Duration>,
}

/// `[webhooks]`: the outgoing webhooks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub struct Webhooks {
    /// Whether a webhook may lead into a private network.
    pub allow_private: bool,
    /// How long to wait before the second attempt, the third, and so on.
    #[serde(with = "written::spans")]
    pub retry: Vec<Duration>,
}

impl Default for Webhooks {
    fn default() -> Self {
        Self { allow_private: false, retry: [1, 5, 30, 300, 3600, 8 * 3600].map(Duration::from_secs).to_vec() }
    }
}
