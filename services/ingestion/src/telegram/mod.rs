//! Telegram on its way in: what an Update means, and the two ways it comes: posted to a webhook or asked for.

mod addressed;
mod answer;
pub mod itself;
mod message;
pub mod operator;
pub mod polling;
#[cfg(test)]
mod recorded;
pub mod register;
mod take;
pub mod update;
pub mod webhook;

use steward_domain::settings::ChannelKind;
use steward_log::Tasks;
use tokio_util::sync::CancellationToken;
use tracing::error;

use crate::intake::Intake;

/// Asks every bot its name, and for its updates where they are asked for.
pub fn listen(intake: &Intake, tasks: &Tasks, shutdown: &CancellationToken) {
    let client = match steward_http::client_builder().build() {
        Ok(client) => client,
        Err(problem) => return error!("no bot can be asked for its name and its updates: {problem}"),
    };
    for channel in &intake.settings.channels {
        let ChannelKind::Telegram(telegram) = &channel.kind else { continue };
        tasks.run(
            format!("bot of {}", channel.id),
            intake.bots.clone().ask(channel.clone(), client.clone(), shutdown.clone()),
        );
        if telegram.polling {
            let (intake, channel, telegram) = (intake.clone(), channel.clone(), telegram.clone());
            let name = format!("polling of {}", channel.id);
            tasks.run(name, polling::run(intake, channel, telegram, client.clone(), shutdown.clone()));
        }
    }
}
