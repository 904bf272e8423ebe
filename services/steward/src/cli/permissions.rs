//! `steward permissions`: prints who may do what, for servers of your own.

use clap::Args;
use steward_log::permissions;

use super::Global;
use crate::postgres::roles_sql;

/// Print the users and rights that Steward needs, for a NATS or Postgres of your own
///
/// For NATS it prints the `authorization` block of a server's configuration, which also fits into an account: a user
/// for each service, `steward` for `steward up`, `operator` for the command line, `reader` for third parties, `admin`
/// for `steward prepare`. Managed servers get all of it by themselves.
#[derive(Debug, Args)]
#[command(after_help = "\
Passwords are left to you: in the configuration of NATS they stand as $STEWARD_<USER>_PASSWORD, which the server takes from its
environment; the SQL is for psql -v owner=… -v projector=… -v reader=….")]
pub struct Permissions {
    /// Print the SQL that makes the roles of Postgres instead
    #[arg(long)]
    postgres: bool,
    /// Print `accounts` instead of `authorization`, with one for subscribers (see `steward credentials`) apart from ours
    #[arg(long, conflicts_with = "postgres")]
    accounts: bool,
}

impl Permissions {
    pub(super) async fn run(self, _: &Global) -> anyhow::Result<()> {
        if self.postgres {
            print!("{}", roles_sql(|role| format!(":'{role}'")));
            return Ok(());
        }
        let variable = |user: &str| format!("$STEWARD_{}_PASSWORD", user.replace('-', "_").to_uppercase());
        if self.accounts {
            print!("{}", permissions::accounts(variable, &[]));
        } else {
            print!("{}", permissions::config(variable));
        }
        Ok(())
    }
}
