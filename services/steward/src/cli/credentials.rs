//! `steward credentials`: users of NATS for third parties, who are given events and may do nothing else.

use std::{io::IsTerminal, path::Path};

use anyhow::Context;
use clap::{Args, Subcommand};
use comfy_table::Table;
use serde_json::json;
use steward_log::{
    Log,
    permissions::{self, ADMIN, SYSTEM},
    subscribers::{self, Given, Name},
};
use steward_proto::TenantId;

use super::{Global, session::Session};
use crate::{
    find,
    run_file::Credentials as Urls,
    servers::{DataDir, change_subscribers, new_password},
};

/// Give a third party events of the log, by a NATS user that may do nothing else
///
/// A subscriber belongs to one tenant and takes events from a durable consumer of its own: what it doesn't acknowledge comes
/// again, and what happens while it is away waits for it. It can't choose other events, read the log by itself, or
/// record anything. Events that hold secrets are given to nobody. examples/ has subscribers in Rust, Python and JavaScript.
#[derive(Debug, Args)]
#[command(after_help = "\
With a NATS server of your own, nats.url must be the admin's; its accounts are printed by `steward permissions --accounts`,
and what is to be added to them, or taken away, by these commands.")]
pub struct Credentials {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a subscriber, and print what it needs; it can't be shown again
    ///
    /// What is printed can be read by a shell: NATS_URL, NATS_INBOX_PREFIX, and STEWARD_SUBJECT to subscribe to.
    Create {
        /// Which events: ev.TENANT.> is all of a tenant, ev.TENANT.conversation.*.follow_up_scheduled one kind of them;
        /// may be given several times
        #[arg(long, value_name = "SUBJECT", required = true)]
        subject: Vec<String>,
        /// What the subscriber is called: a-z 0-9 _
        #[arg(long, default_value = "subscriber")]
        name: String,
        /// Give what is in the log after this position as well, 0 for all of it; left out: what happens from now on
        #[arg(long, value_name = "POSITION")]
        after: Option<u64>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// List the subscribers, and what waits for each
    List {
        /// Only those of this tenant
        #[arg(long, value_parser = tenant)]
        tenant: Option<TenantId>,
        /// Print JSON lines instead of a table
        #[arg(long)]
        json: bool,
    },
    /// Take a subscriber's user and consumer away; its connections end
    Revoke {
        /// What the subscriber is called
        name: String,
        #[arg(long, default_value = "default", value_parser = tenant)]
        tenant: TenantId,
    },
}

fn tenant(name: &str) -> Result<TenantId, String> {
    TenantId::new(name).map_err(|e| e.to_string())
}

impl Credentials {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
        let Session { settings, log } = Session::open_as(global, ADMIN).await?;
        let managed = match &settings.nats.url {
            None => Some(Managed::of(&global.data_dir)?),
            Some(_) => None,
        };
        match self.command {
            Command::Create { subject, name, after, json } => {
                let name = Name::new(Given::of(&subject)?.tenant, &name)?;
                let made = log.create_subscriber(&name, &subject, after).await?;
                let password = new_password();
                let url = match &managed {
                    Some(managed) => managed.add(&log, &name, &password, &made).await?,
                    None => {
                        let user = permissions::line(&name.id(), &format!("\"{password}\""), Some(&name.limits(&made)));
                        eprintln!(
                            "Add this user to the account {} of your server, and reload it:\n{user}",
                            permissions::SUBSCRIBERS
                        );
                        let url = find::nats(&settings, &global.data_dir, ADMIN)?;
                        with_user(url.expose(), &name.id(), &password)?
                    }
                };
                eprintln!("{name} is given {} as it happens; keep this, it can't be shown again:", subject.join(", "));
                if json {
                    println!("{}", json!({ "url": url, "inbox_prefix": name.inbox(), "subject": made }));
                } else {
                    println!("NATS_URL={url}\nNATS_INBOX_PREFIX={}\nSTEWARD_SUBJECT={made}", name.inbox());
                }
            }
            Command::List { tenant, json } => list(&log, tenant.as_ref(), json).await?,
            Command::Revoke { name, tenant } => {
                let name = Name::new(tenant, &name)?;
                // The user goes first: it could not do anything without its consumer, but would seem to be in force.
                let had_user = match &managed {
                    Some(managed) => managed.remove(&name).await?,
                    None => false,
                };
                match log.delete_subscriber(&name).await {
                    // Half of it had been made, or taken away.
                    Err(subscribers::SubscriberError::Unknown(_)) if had_user => {}
                    done => done?,
                }
                eprintln!("{name} is revoked");
                if managed.is_none() {
                    eprintln!("Take the user {} out of the configuration of your server, and reload it.", name.id());
                }
            }
        }
        Ok(())
    }
}

async fn list(log: &Log, tenant: Option<&TenantId>, json: bool) -> anyhow::Result<()> {
    let mut table = Table::new();
    let header = ["name", "tenant", "events", "listens", "waiting", "in hand"];
    table.load_style(comfy_table::presets::NOTHING).set_header(header);
    for one in log.subscribers().await? {
        if tenant.is_some_and(|tenant| *tenant != one.name.tenant) {
            continue;
        }
        if json {
            let line = json!({
                "name": one.name.name(), "tenant": one.name.tenant.as_str(), "subjects": one.subjects,
                "listens": one.listens, "waiting": one.waiting, "in_hand": one.in_hand,
            });
            println!("{line}");
            continue;
        }
        table.add_row([
            one.name.name(),
            one.name.tenant.as_str(),
            &one.subjects.join("\n"),
            if one.listens { "yes" } else { "no" },
            &one.waiting.to_string(),
            &one.in_hand.to_string(),
        ]);
    }
    if !json && table.row_count() > 0 {
        println!("{table}");
    } else if !json && std::io::stdout().is_terminal() {
        eprintln!("There are none; `steward credentials create --subject ev.default.>` makes one.");
    }
    Ok(())
}

/// The managed server, whose configuration is ours to change.
struct Managed {
    data: DataDir,
    urls: Urls,
}

impl Managed {
    fn of(data_dir: &Path) -> anyhow::Result<Self> {
        let data = DataDir::existing(data_dir).context("there is no data directory")?;
        let urls = Urls::read(&data).context("credentials.json can't be read: check that Steward runs")?;
        Ok(Self { data, urls })
    }

    /// Gives the subscriber a user; returns its URL. If that fails, its consumer goes as well.
    async fn add(&self, log: &Log, name: &Name, password: &str, subject: &str) -> anyhow::Result<String> {
        let added = async {
            change_subscribers(&self.data, |all| all.insert(name, password, subject))?;
            self.reload().await?;
            let admin = self.urls.nats(ADMIN).context("credentials.json names no admin")?;
            with_user(admin.expose(), &name.id(), password)
        };
        let added = added.await;
        if added.is_err() {
            let _ = change_subscribers(&self.data, |all| all.remove(name));
            let _ = log.delete_subscriber(name).await;
        }
        added
    }

    async fn remove(&self, name: &Name) -> anyhow::Result<bool> {
        let had = change_subscribers(&self.data, |all| all.remove(name))?;
        self.reload().await?;
        Ok(had)
    }

    async fn reload(&self) -> anyhow::Result<()> {
        let url = self
            .urls
            .nats(SYSTEM)
            .context("the server that runs was started by an earlier version: stop Steward and start it again")?;
        Ok(subscribers::reload(url.expose()).await?)
    }
}

/// The same addresses with another user.
fn with_user(urls: &str, user: &str, password: &str) -> anyhow::Result<String> {
    let one = |url: &str| {
        let mut url = reqwest::Url::parse(url.trim()).ok()?;
        url.set_username(user).ok()?;
        url.set_password(Some(password)).ok()?;
        Some(url.to_string())
    };
    urls.split(',').map(one).collect::<Option<Vec<_>>>().map(|urls| urls.join(",")).context("nats.url is no URL")
}
