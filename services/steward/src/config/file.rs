//! `steward.toml` as it is written, section by section, but for `[[channels]]`.

use std::collections::BTreeMap;

use serde::Deserialize;
use steward_domain::settings::Approval;

use super::values::{
    Hour, HoursOfDay, Listen, Megabytes, Positive, Proxy, Secret, Span, SpanOrNever, Spoken, Text, WebUrl, Zone,
};

/// The whole file. Unknown keys are refused everywhere: a misspelt key must not silently mean its default.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub(super) struct File {
    pub server: Server,
    pub nats: Nats,
    pub postgres: Postgres,
    pub auth: Auth,
    pub brain: Brain,
    pub defaults: Defaults,
    pub policy: Policy,
    /// By name.
    pub tenants: BTreeMap<String, Tenant>,
    pub webhooks: Webhooks,
    pub limits: Limits,
    /// Read one by one afterwards, each by its kind, so that a problem is named with its full path.
    pub channels: Option<Vec<toml::Table>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub(super) struct Server {
    pub listen: Option<Listen>,
    pub public_url: Option<WebUrl>,
    pub metrics_listen: Option<Listen>,
    pub trusted_proxies: Vec<Proxy>,
}

/// How much may be occupied at once.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub(super) struct Limits {
    /// Open HTTP connections.
    pub connections: Option<Positive>,
    /// Of one address, unless it is this machine or a trusted proxy.
    pub connections_per_address: Option<Positive>,
    /// MB of request bodies in memory.
    pub body_megabytes: Option<Megabytes>,
    /// Outgoing webhooks that a tenant may have.
    pub webhooks_per_tenant: Option<Positive>,
    /// Follow-ups that may be open in one conversation.
    pub open_follow_ups: Option<Positive>,
    pub page_bytes: Option<Positive>,
    pub reads: Option<Positive>,
    pub streams: Option<Positive>,
    pub streams_per_tenant: Option<Positive>,
    pub streams_per_key: Option<Positive>,
    pub replays: Option<Positive>,
    pub lag: Option<Span>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub(super) struct Nats {
    pub url: Option<Secret>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub(super) struct Postgres {
    pub url: Option<Secret>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub(super) struct Auth {
    pub mode: Option<AuthMode>,
}

/// Who may command Steward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AuthMode {
    /// A key with a role, made by `steward keys create`.
    Keys,
    /// Whoever reaches the listener, which is then a loopback address.
    Open,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub(super) struct Brain {
    pub provider: Provider,
    pub model: Option<Text>,
    pub providers: Providers,
    pub jobs: Jobs,
}

/// What decides a turn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// Patterns, offline.
    #[default]
    Rules,
    OpenAi,
    Anthropic,
    Gemini,
}

impl Provider {
    pub fn name(self) -> &'static str {
        match self {
            Self::Rules => "rules",
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
        }
    }
}

/// Kinds of work that may have a model of their own.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub(super) struct Jobs {
    pub discovery: Option<JobModel>,
    pub planning: Option<JobModel>,
    pub task_simple: Option<JobModel>,
    pub task_complex: Option<JobModel>,
    pub summary: Option<JobModel>,
    pub reply: Option<JobModel>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct JobModel {
    pub provider: Provider,
    pub model: Option<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub(super) struct Providers {
    pub openai: Option<ProviderAccess>,
    pub anthropic: Option<ProviderAccess>,
    pub gemini: Option<ProviderAccess>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct ProviderAccess {
    pub base_url: Option<WebUrl>,
    pub api_key: Option<Secret>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub(super) struct Defaults {
    pub timezone: Option<Zone>,
    pub language: Option<Spoken>,
    pub followup_hour: Option<Hour>,
    pub parts_of_day: Parts,
    pub meeting_reminder_hours: Option<Vec<Positive>>,
    pub late_limit: Option<Span>,
    pub human_release_after: Option<SpanOrNever>,
    pub no_reply_after: Option<SpanOrNever>,
    pub renew: Option<bool>,
    pub turn_max_wait: Option<Span>,
    pub turn_debounce: Option<Span>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a table of hours")]
pub(super) struct Parts {
    pub morning: Option<Hour>,
    pub noon: Option<Hour>,
    pub afternoon: Option<Hour>,
    pub evening: Option<Hour>,
    pub night: Option<Hour>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub(super) struct Policy {
    pub quiet_hours: Option<HoursOfDay>,
    pub daily_cap: Option<Positive>,
    pub auto_reply_cap: Option<Positive>,
    pub approval: Approval,
    pub breaker: Breaker,
}

/// What one tenant has otherwise than `[policy]` says.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub(super) struct Tenant {
    pub quiet_hours: Option<HoursOfDay>,
    pub daily_cap: Option<Positive>,
    pub auto_reply_cap: Option<Positive>,
    pub approval: Option<Approval>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub(super) struct Breaker {
    pub failures: Option<Positive>,
    pub sends_per_minute: Option<Positive>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub(super) struct Webhooks {
    pub allow_private: bool,
    pub retry: Option<Vec<Span>>,
}
