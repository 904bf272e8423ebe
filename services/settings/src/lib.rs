//! The settings: each key is defined once, read from file and environment, resolved for tenant and channel.
//!
//! A key is a field of its section's struct: the doc comment says what it means, the type and `serde` attribute how it
//! is written, the struct's `Default` what counts where it is left out. Nothing else lists keys. A key that isn't
//! served yet isn't here.

mod channels;
mod error;
mod in_force;
mod limits;
mod models;
mod not_served;
mod read;
mod secret;
mod sections;
mod sources;
mod written;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use steward_domain::settings::{ApprovalRule, Defaults, Policy, SetBy};
use steward_proto::TenantId;

pub use self::{
    channels::*,
    error::ConfigError,
    in_force::{InForce, Source},
    limits::Limits,
    models::{Model, ModelKind, ModelProvider, ModelProviders, Price, Rate},
    read::{Loaded, read},
    secret::Secret,
    sections::{
        Auth, AuthMode, Brain, Budget, Doing, Expert, Nats, Postgres, RULES, Server, Tenant, Webhooks, WithoutAnswer,
    },
    sources::{Environment, Origin, Origins, process_environment},
};

/// Everything that an operator may set, section by section. Unknown keys are refused everywhere, so that a misspelt key
/// doesn't silently mean its default.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub struct Settings {
    pub server: Server,
    pub nats: Nats,
    pub postgres: Postgres,
    pub auth: Auth,
    pub brain: Brain,
    pub defaults: Defaults,
    pub policy: Policy,
    /// The tenants, by name.
    pub tenants: BTreeMap<String, Tenant>,
    pub webhooks: Webhooks,
    pub limits: Limits,
    #[serde(skip_deserializing)]
    pub channels: Vec<Channel>,
    /// Where the values come from.
    #[serde(skip)]
    pub origins: Origins,
}

/// A setting of the whole installation as it is in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective {
    /// `limits.reads`.
    pub key: String,
    /// As TOML writes it; a secret as `***`.
    pub value: String,
    pub origin: Origin,
}

impl Settings {
    pub fn channel(&self, id: &str) -> Option<&Channel> {
        self.channels.iter().find(|c| c.id == id)
    }

    /// All tenants of which there can be events, each once: those that have a channel, or settings of their own.
    pub fn tenant_ids(&self) -> Vec<TenantId> {
        let named: BTreeSet<&String> = self.channels.iter().map(|c| &c.tenant).chain(self.tenants.keys()).collect();
        named.into_iter().filter_map(|name| TenantId::new(name).ok()).collect()
    }

    /// What is in force for the whole installation, key by key; what is said of single tenants and channels isn't among it.
    pub fn effective(&self) -> Vec<Effective> {
        let Ok(toml::Value::Table(mut all)) = toml::Value::try_from(self) else { return Vec::new() };
        all.remove("tenants");
        all.remove("channels");
        let mut found = Vec::new();
        flatten(String::new(), toml::Value::Table(all), &mut found);
        let read = |(key, value): (String, String)| Effective { origin: self.origins.of(&key).clone(), key, value };
        found.into_iter().map(read).collect()
    }

    /// The policy for a tenant's messages: its own word, else that of `[policy]`. Which messages wait for a person is
    /// said per channel.
    pub fn policy(&self, tenant: &TenantId) -> Policy {
        let Some(own) = self.tenants.get(tenant.as_str()) else { return self.policy };
        Policy {
            quiet_hours: own.quiet_hours.or(self.policy.quiet_hours),
            daily_cap: own.daily_cap.or(self.policy.daily_cap),
            auto_reply_cap: own.auto_reply_cap.or(self.policy.auto_reply_cap),
            ..self.policy
        }
    }

    /// How long what a tenant's models were asked and answered is kept; zero: not at all.
    pub fn traces(&self, tenant: &TenantId) -> Duration {
        self.tenants.get(tenant.as_str()).and_then(|own| own.traces).unwrap_or(self.brain.traces)
    }

    /// Which of the bot's messages on a channel wait for a person: by the channel's word, else its tenant's, else that
    /// of `[policy]`.
    pub fn approval(&self, channel_id: &str) -> ApprovalRule {
        let channel = self.channel(channel_id);
        let own = channel.and_then(|c| c.approval).map(|mode| (mode, SetBy::Channel));
        let tenants = || {
            let tenant = self.tenants.get(&channel?.tenant)?;
            Some((tenant.approval?, SetBy::Tenant))
        };
        let (mode, set_by) = own.or_else(tenants).unwrap_or((self.policy.approval, SetBy::Policy));
        ApprovalRule { mode, set_by }
    }
}

/// Adds each value of a table under its whole key.
fn flatten(key: String, value: toml::Value, found: &mut Vec<(String, String)>) {
    match value {
        toml::Value::Table(table) if !table.is_empty() => {
            for (name, value) in table {
                flatten(if key.is_empty() { name } else { format!("{key}.{name}") }, value, found);
            }
        }
        value => found.push((key, value.to_string())),
    }
}
