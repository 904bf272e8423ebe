//! `steward keys`: the keys that may use the API.

use anyhow::Context;
use clap::{Args, Subcommand};
use comfy_table::Table;
use steward_domain::{
    ids,
    tenant::{Role, Tenant},
};
use steward_http::create_key;
use steward_log::{AtLeast, DecideError};
use steward_proto::{Cause, NewEvent, TenantId, new_traceparent, to_timestamp, v1};
use uuid::Uuid;

use super::{Global, session::Session};

/// Create, list and revoke API keys
///
/// A key belongs to one tenant. Only its hash is kept, in the log; the key itself is shown once.
#[derive(Debug, Args)]
pub struct Keys {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Create a key and print it; it can't be shown again
    Create {
        /// The tenant whose things the key may read and change
        #[arg(long, default_value = "default", value_parser = tenant)]
        tenant: TenantId,
        /// What the key allows: a reader reads, an operator also commands, an admin also manages outgoing webhooks
        #[arg(long, value_parser = role)]
        role: Role,
        /// Whose key it is; events name this as the actor of what is done with the key
        #[arg(long, default_value = "operator")]
        name: String,
    },
    /// List the keys in force
    List {
        #[arg(long, default_value = "default", value_parser = tenant)]
        tenant: TenantId,
        /// Print JSON lines instead of a table
        #[arg(long)]
        json: bool,
    },
    /// Revoke a key; within seconds it is refused everywhere
    Revoke {
        /// The key's id, as `steward keys list` shows it
        key_id: String,
        #[arg(long, default_value = "default", value_parser = tenant)]
        tenant: TenantId,
    },
}

fn tenant(name: &str) -> Result<TenantId, String> {
    TenantId::new(name).map_err(|e| e.to_string())
}

fn role(name: &str) -> Result<Role, String> {
    Role::of_name(name).ok_or_else(|| "expected admin, operator or reader".to_owned())
}

/// There is no such key in force.
#[derive(Debug, thiserror::Error)]
#[error("there is no key {0} in force; `steward keys list` shows those of a tenant")]
struct NoSuchKey(String);

impl Keys {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
        let Session { log, .. } = Session::open(global).await?;
        let cause = Cause::outside("operator:cli", new_traceparent(rand::random()));
        match self.command {
            Command::Create { tenant, role, name } => {
                anyhow::ensure!(
                    !name.trim().is_empty() && name.len() <= 128 && !name.chars().any(char::is_control),
                    "--name: expected 1 to 128 bytes without control characters"
                );
                log.ensure_streams().await?;
                let key = create_key(&tenant);
                let now = log.clock().now();
                let created = v1::ApiKeyCreated {
                    key_id: key.key_id.clone(),
                    role: role.name().to_owned(),
                    hash: key.hash,
                    name,
                    created_at: Some(to_timestamp(now)),
                };
                let event = NewEvent::new(Uuid::now_v7(), now, &cause, created);
                log.decide::<Tenant, (), NoSuchKey>(&ids::tenant_aggregate(&tenant), AtLeast::Latest, |_, _| {
                    Ok((vec![event.clone()], ()))
                })
                .await
                .context("the key wasn't created")?;
                eprintln!("{} ({} of tenant {tenant}); keep this, it can't be shown again:", key.key_id, role.name());
                println!("{}", key.text);
            }
            Command::List { tenant, json } => {
                let keys = log.load::<Tenant>(&ids::tenant_aggregate(&tenant), AtLeast::Latest).await?.state;
                let mut table = Table::new();
                table.load_style(comfy_table::presets::NOTHING).set_header(["key_id", "role", "name"]);
                for (id, key) in &keys.keys {
                    if json {
                        println!("{}", serde_json::json!({"key_id": id, "role": key.role, "name": key.name}));
                    } else {
                        table.add_row([id.as_str(), key.role.name(), &key.name]);
                    }
                }
                if !json {
                    println!("{table}");
                }
            }
            Command::Revoke { key_id, tenant } => {
                let revoked = v1::ApiKeyRevoked { key_id: key_id.clone(), by: "cli".to_owned() };
                let event = NewEvent::new(Uuid::now_v7(), log.clock().now(), &cause, revoked);
                let decided = log
                    .decide::<Tenant, (), _>(&ids::tenant_aggregate(&tenant), AtLeast::Latest, |tenant, _| {
                        if !tenant.keys.contains_key(&key_id) {
                            return Err(NoSuchKey(key_id.clone()));
                        }
                        Ok((vec![event.clone()], ()))
                    })
                    .await;
                match decided {
                    Err(DecideError::Refused(none)) => return Err(none.into()),
                    other => other.context("the key wasn't revoked")?,
                };
                eprintln!("{key_id} is revoked");
            }
        }
        Ok(())
    }
}
