//! `steward prepare`: makes the streams and tables with the rights of an admin.

use clap::Args;
use tokio_util::sync::CancellationToken;

use super::Global;
use crate::{postgres, signals::stop_on_signals, streams};

/// Make the streams and tables on servers of your own, with the rights to do so
///
/// Run it with the admin's nats.url and the owner's postgres.url, once and after each update; the services then need
/// neither (see `steward permissions`). Managed servers are prepared at each start.
#[derive(Debug, Args)]
pub struct Prepare {}

impl Prepare {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<()> {
        let settings = global.settings()?;
        anyhow::ensure!(
            settings.nats.url.is_some() || settings.postgres.url.is_some(),
            "neither nats.url nor postgres.url is given: managed servers are prepared at each start"
        );
        let shutdown = CancellationToken::new();
        stop_on_signals(shutdown.clone())?;
        if let Some(url) = &settings.nats.url {
            let Some(()) = streams::make(url, &shutdown).await? else { anyhow::bail!("stopped") };
            println!("the streams are made");
        }
        if let Some(url) = settings.postgres.url {
            let pools = postgres::pools(&postgres::Urls::One(url))?;
            let Some(()) = postgres::prepare(&pools.owner, &shutdown).await? else { anyhow::bail!("stopped") };
            println!("the tables are made");
        }
        Ok(())
    }
}
